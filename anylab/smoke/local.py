"""`run`: the variant for this machine, run here for real, with progress and everything that its cells print."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from anylab.compile import compile_all
from anylab.errors import Origin, refuse
from anylab.pairs import select
from anylab.project import Project
from anylab.smoke import needed, runner


def run(project: Project, name: str, given: Mapping[str, str], quick_test: bool, output: Path | None) -> int:
    """Run one notebook here; the exit code (0: good, 1: a cell failed). The executed notebook is kept."""
    compiled = compile_all(project)
    pairs = select(compiled.pairs, (name,), ())
    pair = next((p for p in pairs if p.platform.profile.get("here")), None)
    if pair is None:
        raise refuse(Origin(name), "has no variant for this machine (python build.py list says why)")
    needed.check([pair])
    data = dict(compiled.variant_files(pair))[pair.path]
    notebook = runner.json.loads(data)
    runner.check_parameters(notebook, given, name)
    parameters = {key: parse(key, value, runner.settings_cell(notebook)[key]) for key, value in given.items()}
    if quick_test:
        runner.check_parameters(notebook, {"QUICK_TEST": True}, name)
        parameters["QUICK_TEST"] = True
    output = output or Path("anylab-runs") / f"{name}.ipynb"
    output.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    going = output.with_name(f".{os.getpid()}-{output.name}")  # two runs at once do not write into one file
    try:
        verdict = runner.execute(data, parameters, Path.cwd(), env, going, _teller(notebook), timeout=7 * 86400)
    finally:
        if going.is_file():
            os.replace(going, output)
    click.echo(f"\n{verdict.cells} of {verdict.of} code cells ran; the notebook with its output: {output}")
    if verdict.fault:
        click.echo(f"failed: {verdict.fault}", err=True)
    return 1 if verdict.fault else 0


def parse(name: str, value: str, default: Any) -> Any:
    """A value from the command line as the type of the setting's default. Raises Refused when it is none."""
    if isinstance(default, bool):
        words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        if value.lower() in words:
            return words[value.lower()]
        raise refuse(Origin(f"-p {name} {value}"), "must be true or false")
    if isinstance(default, str):
        return value
    try:
        parsed = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        parsed = None
    both_numbers = isinstance(default, int | float) and isinstance(parsed, int | float) and not isinstance(parsed, bool)
    if (
        (isinstance(default, int) and both_numbers and not isinstance(parsed, int))
        or not (both_numbers or default is None or type(parsed) is type(default))
        or not _travels(parsed)
    ):
        raise refuse(Origin(f"-p {name} {value}"), f"must be like its default, {default!r}")
    return parsed


def _travels(value: Any) -> bool:
    """True for what papermill writes into a notebook as it is: what JSON knows."""
    try:
        return json.loads(json.dumps(value)) == value
    except (TypeError, ValueError):
        return False


_LIBRARY_FILE = ("Writing ", "Overwriting ")  # what %%writefile says of each library file


def _teller(notebook: Mapping[str, Any]) -> runner.Event:
    """Print each cell's title as it starts, and what it prints; the collapsed cells of the library in one line."""
    from rich.console import Console

    console, told = Console(highlight=False), set()
    code = notebook["cells"]

    def on_event(event: dict[str, Any]) -> None:
        if event["event"] == "text":
            shown = "".join(t for t in event["text"].splitlines(True) if not t.startswith(_LIBRARY_FILE))
            click.echo(shown, nl=False)
            return
        # papermill may have injected one cell: titles are looked up from the end, which injection does not move
        cell = code[min(event["index"], len(code) - 1)]
        heading = _heading_above(code, event["index"])
        if cell["cell_type"] == "code" and heading and heading not in told:
            told.add(heading)
            console.rule(heading, align="left")

    return on_event


def _heading_above(cells: list, index: int) -> str:
    for cell in reversed(cells[: index + 1]):
        lines = "".join(cell["source"]).split("\n")
        if cell["cell_type"] == "markdown" and lines[0].startswith("#"):
            return lines[0].lstrip("# ").strip()
    return ""
