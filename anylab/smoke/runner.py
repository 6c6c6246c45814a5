"""Run one compiled variant and judge what came out.

A run is good when every code cell ran and none failed. papermill alone would pass more: a `SystemExit` ends a run as a
success, an unknown parameter is only a warning. A failure is answered with the line of the source that can mend it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anylab.errors import Origin, did_you_mean, refuse

Event = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Verdict:
    """How a run ended: `fault` is '' when it was good, else one line with the origin; `cells` ran of `of`."""

    notebook: dict[str, Any]
    fault: str
    cells: int
    of: int
    path: Path | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def settings_cell(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """The names and defaults of the compiled notebook's settings, {} when it has none."""
    from anylab import settings
    from anylab.cell import Cell

    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            found, _ = settings.read(Cell("code", "".join(cell["source"]), Origin("")))
            return {s.name: s.default for s in found}
    return {}


def check_parameters(notebook: Mapping[str, Any], parameters: Mapping[str, Any], name: str) -> None:
    """Raise Refused for a parameter that the notebook does not have."""
    known = settings_cell(notebook)
    for key in parameters:
        if key not in known:
            raise refuse(Origin(name), f"has no setting '{key}'{did_you_mean(key, known)}")


def execute(
    data: bytes,
    parameters: Mapping[str, Any],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    output: Path | None = None,
    on_event: Event | None = None,
    timeout: int = 1800,
) -> Verdict:
    """Run a compiled notebook in a fresh process and kernel, and judge it. The executed notebook goes to `output`."""
    with tempfile.TemporaryDirectory(prefix="anylab-run-") as folder:
        source, executed = Path(folder, "in.ipynb"), output or Path(folder, "out.ipynb")
        source.write_bytes(data)
        job = {"notebook": str(source), "output": str(executed), "parameters": dict(parameters), "cwd": str(cwd)}
        job |= {"live": on_event is not None, "timeout": timeout}
        Path(folder, "job.json").write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", "anylab.smoke.execute", str(Path(folder, "job.json"))]
        error = _run(command, env, on_event)
        notebook = json.loads((executed if executed.exists() else source).read_text(encoding="utf-8"))
    return judge(notebook, error, output)


def _run(command: list[str], env: Mapping[str, str] | None, on_event: Event | None) -> str:
    """Start the process and follow its events; the error that ended the run, '' for none."""
    if env is not None:  # the runner itself must find anylab, wherever it was started
        root = str(Path(__file__).resolve().parents[2])
        command = [command[0], "-c", f"import sys; sys.path.insert(0, {root!r}); from anylab.smoke import execute; "
                   f"sys.exit(execute.main({command[-1]!r}))"]  # fmt: skip
    process = subprocess.Popen(
        command, env=None if env is None else dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    error = "the run ended without a word"
    assert process.stdout and process.stderr
    try:
        for line in process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("event") == "end":
                error = event["error"]
            elif on_event:
                on_event(event)
        stderr = process.stderr.read()
        process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if process.returncode and error == "the run ended without a word":
        error = stderr.strip().splitlines()[-1] if stderr.strip() else f"exit code {process.returncode}"
    return error


def judge(notebook: dict[str, Any], error: str, path: Path | None = None) -> Verdict:
    """The verdict on an executed notebook, given the error that ended its run ('' for none)."""
    code = [c for c in notebook["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()]
    ran = [c for c in code if c.get("execution_count") is not None]
    failed = next((c for c in code if _error_of(c)), None)
    if failed is None and error:
        failed = next((c for c in code if c["metadata"].get("papermill", {}).get("status") == "failed"), None)
    if failed is not None:
        fault = f"{where(failed, notebook)}{inside(failed, notebook)}: {_error_of(failed) or _stderr(failed) or error}"
    elif error:  # a kernel that died leaves no traceback, and sometimes a number: the last cell that started is the one
        started = [c for c in code if c["metadata"].get("papermill", {}).get("start_time")]
        fault = f"{where(started[-1], notebook)}: {error}" if started else error
    elif len(ran) < len(code):
        first = next(c for c in code if c.get("execution_count") is None)
        fault = f"{where(first, notebook)}: did not run, though no cell failed; a cell above it ended the run"
    else:
        fault = ""
    return Verdict(notebook, fault, len(ran), len(code), path)


def where(cell: Mapping[str, Any], notebook: Mapping[str, Any] | None = None) -> str:
    """The line of the source for a failed cell, with the heading above it and the line's own words.

    The line within the cell comes from the traceback, in IPython 8's and 9's words or in IPython 7's.
    """
    mark = cell["metadata"].get("anylab")
    if not mark:
        return "a cell that was injected"
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(_traceback(cell)))
    found = re.findall(r"(?:Cell In\s?\[\d+\], line |^-+> )(\d+)", text, re.MULTILINE)
    line = mark["line"] + (int(found[0]) - 1 if found else 0)
    lines = "".join(cell["source"]).split("\n")
    at = int(found[0]) - 1 if found and int(found[0]) <= len(lines) else 0
    title = next((t.strip() for t in lines[at:] if t.strip()), "")[:60]
    heading = _heading(cell, notebook) if notebook else ""
    return f"{Origin(mark['source'], max(line, 1))} {heading}('{title}')"


def _heading(cell: Mapping[str, Any], notebook: Mapping[str, Any]) -> str:
    """'"Title" ' of the section that a cell stands in, '' when there is none above it."""
    found = ""
    for other in notebook["cells"]:
        if other is cell:
            break
        if other["cell_type"] == "markdown":
            headings = re.findall(r"^#+ +(.+)$", "".join(other["source"]), re.MULTILINE)
            found = headings[-1].strip() if headings else found
    return f'"{found}" ' if found else ""


def inside(cell: Mapping[str, Any], notebook: Mapping[str, Any]) -> str:
    """' in FILE:LINE' of the library module that raised, '' when the cell itself did.

    The traceback names the written file, whose line n is line n + 1 of the cell that wrote it.
    """
    frames = _library_frames(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(_traceback(cell))))
    if not frames:
        return ""
    path, line = frames[-1]
    for writer in notebook["cells"]:
        if "".join(writer["source"]).startswith(f"%%writefile $LAB/{path}\n"):
            mark = writer["metadata"]["anylab"]
            return f" in {Origin(mark['source'], mark['line'] + line)}"
    return ""


def _library_frames(text: str) -> list[tuple[str, int]]:
    """(file below the scratch folder, line) of a traceback's frames: `FILE:8, in f` of IPython 8 and 9, or IPython 7's
    `FILE in f` with an arrow at the line below."""
    frames, here = [], ""
    for line in text.split("\n"):
        found = re.search(r"[/\\]lab-\w+[/\\]([\w/\\]+\.py)(?::(\d+))?", line)
        arrow = re.match(r"-+> ?(\d+)", line)
        if found:
            here = found[1].replace("\\", "/")
            frames += [(here, int(found[2]))] if found[2] else []
        elif arrow and here:
            frames, here = [*frames, (here, int(arrow[1]))], ""
        elif re.match(r"\S+ in ", line):
            here = ""  # another file's frame
    return frames


def _error_of(cell: Mapping[str, Any]) -> str:
    for output in cell.get("outputs", ()):
        if output["output_type"] == "error":
            return f"{output['ename']}: {output['evalue']}".splitlines()[0]
    return ""


def _traceback(cell: Mapping[str, Any]) -> list[str]:
    return next((o["traceback"] for o in cell.get("outputs", ()) if o["output_type"] == "error"), [])


def _stderr(cell: Mapping[str, Any]) -> str:
    """What a magic's UsageError leaves: no traceback, only a line on standard error."""
    texts = ["".join(o["text"]) for o in cell.get("outputs", ()) if o.get("name") == "stderr"]
    return next((line for line in "\n".join(texts).splitlines() if line.strip()), "")
