"""Execute one notebook in a process of its own: `python -m anylab.smoke.execute JOB.json`.

Only here notebooks are run through papermill.

The job is a JSON object: notebook, output, parameters, cwd, live. One JSON object a line comes out on standard output:
{"event": "cell", "index", "of"} when a cell starts, {"event": "text", "text"} with what cells print (when live), and
{"event": "end", "error"} at the end. What happened stands in the output notebook.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from anylab import parsers


def main(path: str) -> int:
    parsers.jsonschema()  # which papermill imports
    import papermill
    from papermill.exceptions import PapermillExecutionError

    job = json.loads(Path(path).read_text(encoding="utf-8"))
    out = sys.stdout

    def tell(**event: Any) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    class Told:
        """A file to papermill: what cells print, told as it comes."""

        def write(self, text: str) -> None:
            tell(event="text", text=text)

        def flush(self) -> None:
            pass

    if os.environ.get("ANYLAB_OVERLAY"):  # the kernel gets the platform's versions, this process keeps its own
        os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.environ["ANYLAB_OVERLAY"]])
    live = {"stdout_file": Told(), "stderr_file": Told()} if job["live"] else {}
    error = ""
    try:
        papermill.execute_notebook(
            job["notebook"],
            job["output"],
            parameters=job["parameters"],
            cwd=job["cwd"],
            kernel_name="python3",  # a platform's own kernel, Studio Lab's for one, exists nowhere else
            progress_bar=False,
            **live,
            start_timeout=180,
            execution_timeout=job["timeout"],
            on_cell_start=lambda cell, cell_index: tell(event="cell", index=cell_index),
        )
    except PapermillExecutionError as failed:
        error = f"{failed.ename}: {failed.evalue}"
    except Exception as failed:  # a kernel that dies or never starts: many types, all of them the verdict of this run
        error = f"{type(failed).__name__}: {failed}"
    tell(event="end", error=error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
