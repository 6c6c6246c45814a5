#!/usr/bin/env python3
"""The front door: `python build.py [build|check|list|run|smoke|new|...]`; `python build.py --help` tells more."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

try:
    from anylab.cli import at_root
except ModuleNotFoundError as missing:
    sys.exit(f"error: the package '{missing.name}' is not installed; run: pip install -e .")

if __name__ == "__main__":
    at_root(ROOT)
