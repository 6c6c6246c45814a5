"""`python -m pip ...`: append the arguments, as one JSON line, to the file that ANYLAB_PIP_LOG names."""

import json
import os
import sys

with open(os.environ["ANYLAB_PIP_LOG"], "a", encoding="utf-8") as log:
    log.write(json.dumps(sys.argv[1:]) + "\n")
