"""Read a source: a Jupytext percent `.py`, a MyST `.md` or an `.ipynb`, into front matter and cells with their origin.

A source whose front matter has `jupyter: anylab:` is *ours* and strict; any other is *foreign*: its cells go through as
they are. How each format is read stands in `formats`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anylab import cell, formats, frontmatter, schema, text
from anylab.cell import Cell
from anylab.errors import Origin, Refused, refuse

SUFFIXES = (".py", ".md", ".ipynb")


@dataclass(frozen=True, eq=False)
class Source:
    """A notebook source. `front` is its checked front matter ({} when foreign), `lines` the line of each key."""

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
        cells, metadata = formats.ipynb(content, file)
        table = {"jupyter": {"anylab": metadata.pop("anylab")}} if "anylab" in metadata else {}
        ours, front, lines = _own_part(table, {(): 1}, file)
        return _finish(Source(name, file, path, ours, front, lines, tuple(cells), metadata))
    split = frontmatter.split_python if path.suffix == ".py" else frontmatter.split_markdown
    yaml_lines, first = split(content, file)
    as_text = path.suffix == ".py" and frontmatter.is_foreign(yaml_lines)  # jupytext keeps it as a raw cell
    front, lines = ({}, {}) if as_text else frontmatter.parse(yaml_lines, first, file)
    whole, where = front, lines
    ours, front, lines = _own_part(front, lines, file)
    cells = formats.percent(content, file) if path.suffix == ".py" else formats.myst(content, file)
    if ours and path.suffix == ".py":
        beside = sorted(set(whole) - {"jupyter"})
        if beside:
            what = f"'{beside[0]}' stands beside 'jupyter:'; indent it below 'jupyter: anylab:' or remove it"
            raise refuse(Origin(file, where[beside[0],]), what)
        # written as `jupyter: {anylab: ...}` on one line, it is text to jupytext
        cells = [c for c in cells if c.kind != "raw" or c.origin.line >= first]
    return _finish(Source(name, file, path, ours, front, lines, tuple(cells)))


def _own_part(front: dict, lines: dict, file: str) -> tuple[bool, dict, dict]:
    """(ours?, the table under jupyter.anylab, its lines). A misplaced `anylab` key is refused, not ignored."""
    if "anylab" in front:
        raise refuse(Origin(file, lines["anylab",]), "'anylab:' belongs under 'jupyter:'; indent it below that key")
    jupyter = front.get("jupyter")
    near = (
        difflib.get_close_matches("anylab", [k for k in jupyter if k != "anylab"]) if isinstance(jupyter, dict) else []
    )
    if near and "anylab" not in jupyter:
        raise refuse(
            Origin(file, lines["jupyter", near[0]]), f"unknown key '{near[0]}' under 'jupyter:'; did you mean 'anylab'?"
        )
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
    """Check what only our own sources promise: known slots, conditions and cell keys. A foreign source has none."""
    if not source.ours:
        plain = (replace(c, title="", slot="", only_if="", collapse=False) for c in source.cells)
        return replace(source, cells=tuple(plain))
    problems = cell.faults(source.cells)
    if problems:
        raise Refused(problems)
    return source
