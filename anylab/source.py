"""Read a source: a Jupytext percent `.py`, a MyST `.md` or an `.ipynb`, into front matter and cells with their origin.

jupytext parses (the library of record for these formats; imported only when something must be parsed); laid beside it
is our own scan for line numbers, which it does not give. A source whose front matter has `jupyter: anylab:` is *ours*
and strict; any other is *foreign*: its cells go through as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anylab import frontmatter, magics, schema, text
from anylab.errors import Origin, Problem, Refused, did_you_mean, refuse

SLOTS = ("title", "bootstrap", "setup", "save", "finish")
SUFFIXES = (".py", ".md", ".ipynb")
_OURS = {"slot", "only_if", "collapse", "tags", "title"}  # cell metadata that our own sources may carry
_RAW = {"format", "mimetype", "raw_mimetype"}
_FROM_JUPYTEXT = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker", "region_name", "cell_depth"}
_MARKER = re.compile(r"^#\s*%%(%*)(\s.*)?$")


@dataclass(frozen=True, eq=False)  # eq=False: hashed by identity, so that caches may hold cells
class Cell:
    """One cell. `origin` points at the first line of its text; `metadata` is the cell's own, without ours."""

    kind: str  # "code", "markdown" or "raw"
    source: str
    origin: Origin
    title: str = ""
    slot: str = ""
    only_if: str = ""
    collapse: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    attachments: Mapping[str, Any] | None = None
    python: str = ""  # code as it stands in a .py file, magics still comments

    @property
    def is_settings(self) -> bool:
        """True for a cell tagged `parameters`."""
        return self.kind == "code" and "parameters" in (self.metadata.get("tags") or ())


@dataclass(frozen=True, eq=False)
class Source:
    """A notebook source. `front` is its checked front matter ({} when foreign), `lines` the line of each of its keys."""

    name: str
    file: str  # as shown to people: notebooks-src/x.py
    path: Path
    ours: bool
    front: Mapping[str, Any]
    lines: Mapping[tuple, int]
    cells: tuple[Cell, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)  # notebook metadata of a foreign .ipynb

    @property
    def needs(self) -> Mapping[str, Any]:
        """The declared needs, {} when none are."""
        return self.front.get("needs") or {}

    def at(self, *path: Any) -> Origin:
        """Where a front matter key stands (or its nearest parent)."""
        line = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1)
        return Origin(self.file, line)


def read(path: Path, file: str) -> Source:
    """Read one source. Raises Refused with every fault found in the front matter and the cell markers."""
    name = path.stem
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise refuse(Origin(file), f"the name '{name}' must be lower-case letters, digits and _; rename the file")
    content = text.read(path, file)
    if path.suffix == ".ipynb":
        return _read_ipynb(content, name, file, path)
    split = frontmatter.split_python if path.suffix == ".py" else frontmatter.split_markdown
    yaml_lines, first = split(content, file)
    front, lines = frontmatter.parse(yaml_lines, first, file) if yaml_lines else ({}, {})
    ours, front, lines = _own_part(front, lines, file)
    cells = _percent_cells(content, file) if path.suffix == ".py" else _myst_cells(content, file)
    return _finish(Source(name, file, path, ours, front, lines, tuple(cells)))


def _own_part(front: dict, lines: dict, file: str) -> tuple[bool, dict, dict]:
    """(ours?, the table under jupyter.anylab, its lines). A misplaced `anylab` key is refused, not ignored."""
    if "anylab" in front:
        raise refuse(Origin(file, lines["anylab",]), "'anylab:' belongs under 'jupyter:'; indent it below that key")
    jupyter = front.get("jupyter")
    if not isinstance(jupyter, dict) or "anylab" not in jupyter:
        return False, {}, {}
    own = jupyter["anylab"]
    at = {path[2:]: line for path, line in lines.items() if path[:2] == ("jupyter", "anylab")}
    own = {} if own is None else own
    problems = schema.check(own, "source", file, at, "the front matter")
    if problems:
        raise Refused(problems)
    return True, own, at


def _finish(source: Source) -> Source:
    """Check what only our own sources promise: known slots, conditions and cell keys."""
    if not source.ours:
        return source
    problems: list[Problem] = []
    for cell in source.cells:
        marker = Origin(cell.origin.file, max(cell.origin.line - 1, 1))
        unknown = set(cell.metadata) - {"tags"} - (_RAW if cell.kind == "raw" else set())
        if "incorrectly_encoded_metadata" in unknown:
            what = f"cell options '{cell.metadata['incorrectly_encoded_metadata']}' cannot be read"
            problems.append(Problem(marker, f'{what}; write key="value" with quotes'))
        elif unknown:
            key = min(unknown)
            problems.append(Problem(marker, f"unknown cell option '{key}'{did_you_mean(key, _OURS)}"))
        if cell.slot and cell.slot not in SLOTS:
            problems.append(Problem(marker, f"unknown slot '{cell.slot}'{did_you_mean(cell.slot, SLOTS)}"))
        if cell.only_if and cell.kind != "markdown":
            problems.append(Problem(marker, "only_if is for markdown cells; code asks labkit at run time"))
    if problems:
        raise Refused(problems)
    return source


def _cell(kind: str, body: str, origin: Origin, metadata: dict, attachments: Any = None) -> Cell:
    """A Cell from what a parser gave."""
    meta = {k: v for k, v in metadata.items() if k not in _FROM_JUPYTEXT}
    own = {key: meta.pop(key) for key in ("slot", "only_if", "collapse", "title") if key in meta}
    return Cell(
        kind, body, origin, str(own.get("title", "")), str(own.get("slot", "")), str(own.get("only_if", "")),
        own.get("collapse") is True, meta, attachments,
    )  # fmt: skip


def _percent_cells(content: str, file: str) -> list[Cell]:
    import jupytext

    # comment_magics=False: jupytext leaves comments alone, `magics` decides which of them are commands
    fmt = {"extension": ".py", "format_name": "percent", "comment_magics": False}
    try:
        notebook = jupytext.reads(text.shield(content), fmt=fmt)
    except Exception as error:  # jupytext raises bare errors of many kinds on odd headers
        raise refuse(Origin(file, 1), f"jupytext cannot read it: {error}") from None
    parsed = [(c.cell_type, text.unshield(c.source), dict(c.metadata)) for c in notebook.cells]
    starts = cell_starts(content, [body for _, body, _ in parsed])
    cells = []
    for (kind, body, metadata), line in zip(parsed, starts, strict=True):
        cell = _cell(kind, body, Origin(file, line), metadata)
        if kind == "code":
            shown = magics.uncomment(body)
            python = "" if shown.startswith("%%") else body
            cell = replace(cell, source=shown, python=python)
        cells.append(cell)
    return cells


def cell_starts(content: str, bodies: list[str]) -> list[int]:
    """The line on which each of the cells' `bodies` starts, found by scanning for markers in `content`.

    A marker inside a triple-quoted string is none; when the count says that there are such, jupytext's own string
    scanner tells them apart (it is the slow part of jupytext, so only then).
    """
    lines = content.split("\n")
    after_header = frontmatter.split_python(content, "")
    begin = after_header[1] + len(after_header[0]) if after_header[1] else 0
    marks = [i for i in range(begin, len(lines)) if _MARKER.match(lines[i])]
    leading = any(line.strip() for line in lines[begin : marks[0] if marks else len(lines)])
    if len(marks) + leading != len(bodies):
        marks = _unquoted(lines, begin)
        leading = any(line.strip() for line in lines[begin : marks[0] if marks else len(lines)])
    starts = ([begin - 1] if leading else []) + marks
    starts += [len(lines) - 1] * (len(bodies) - len(starts))
    return [_first_line(lines, start, body) for start, body in zip(starts, bodies, strict=False)]


def _unquoted(lines: list[str], begin: int) -> list[int]:
    from jupytext.stringparser import StringParser

    parser, marks = StringParser("python"), []
    for i in range(begin, len(lines)):
        if not parser.is_quoted() and _MARKER.match(lines[i]):
            parser = StringParser("python")  # jupytext starts afresh with each cell
            marks.append(i)
        else:
            parser.read_line(lines[i])
    return marks


def _first_line(lines: list[str], marker: int, body: str) -> int:
    """The number (from 1) of the line where `body` starts, at or below the marker line (index from 0)."""
    wanted = body.split("\n", 1)[0].strip()
    for i in range(marker + 1, min(marker + 4, len(lines))):
        bare = lines[i].strip()
        if bare == wanted or bare.lstrip("#").strip() == wanted.lstrip("#").strip():
            return i + 1
    return min(marker + 2, len(lines))


def _myst_cells(content: str, file: str) -> list[Cell]:
    from jupytext.myst import myst_to_notebook

    try:
        notebook = myst_to_notebook(text.shield(content), add_source_map=True)
    except Exception as error:
        raise refuse(Origin(file, 1), f"jupytext cannot read it as MyST: {error}") from None
    starts = notebook.metadata.pop("source_map", [])
    cells = []
    for i, cell in enumerate(notebook.cells):
        line = starts[i] + 1 if i < len(starts) else 1
        if cell.cell_type == "code":
            line += 1  # the map gives the opening fence
        cells.append(_cell(cell.cell_type, text.unshield(cell.source), Origin(file, line), dict(cell.metadata)))
    return cells


def _read_ipynb(content: str, name: str, file: str, path: Path) -> Source:
    import nbformat

    try:
        notebook = nbformat.reads(content, as_version=4) if content.strip() else None
        document = json.loads(content) if content.strip() else None
    except Exception as error:  # nbformat wraps JSON errors, and fails in many ways on JSON that is no notebook
        line = getattr(getattr(error, "__cause__", None), "lineno", 1)
        raise refuse(Origin(file, line), f"not a notebook: {str(error).splitlines()[0][:120]}") from None
    if notebook is None or not isinstance(document, dict) or "cells" not in notebook:
        raise refuse(Origin(file, 1), "not a notebook: the file is empty or holds no cells")
    metadata = json.loads(json.dumps(notebook.metadata))
    own = {"jupyter": {"anylab": metadata.pop("anylab")}} if "anylab" in metadata else {}
    ours, front, lines = _own_part(own, {(): 1}, file)
    cells = []
    for i, cell in enumerate(notebook.cells):
        where = Origin(f"{file} cell {i + 1}", 1)
        body = "".join(cell.source) if isinstance(cell.source, list) else cell.source
        cells.append(_cell(cell.cell_type, body, where, json.loads(json.dumps(cell.metadata)), cell.get("attachments")))
    return _finish(Source(name, file, path, ours, front, lines, tuple(cells), metadata))
