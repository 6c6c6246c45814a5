"""Read a source: a Jupytext percent `.py`, a MyST `.md` or an `.ipynb`, into front matter and cells with their origin.

jupytext parses (the library of record for these formats; imported only when something must be parsed); laid beside it
is our own scan for line numbers, which it does not give. A source whose front matter has `jupyter: anylab:` is *ours*
and strict; any other is *foreign*: its cells go through as they are.
"""

from __future__ import annotations

import difflib
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anylab import frontmatter, magics, parsers, schema, text
from anylab.errors import Origin, Problem, Refused, did_you_mean, refuse

SLOTS = ("title", "bootstrap", "setup", "save", "finish")
SUFFIXES = (".py", ".md", ".ipynb")
_OURS = {"slot", "only_if", "collapse", "tags", "title"}  # cell metadata that our own sources may carry
_RAW = {"format", "mimetype", "raw_mimetype"}
_FROM_JUPYTEXT = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker", "region_name", "cell_depth"}
_ENCODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*[-_.a-zA-Z0-9]")
# a line that starts a cell, as jupytext's percent reader sees it
_MARKER = re.compile(r"^\s*#\s*(%%+\s.*|%%|<codecell>|In\[[0-9 ]*\]:?\s*)$")


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
        tags = self.metadata.get("tags")
        return self.kind == "code" and isinstance(tags, list) and "parameters" in tags


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
        return _read_ipynb(content, name, file, path)
    split = frontmatter.split_python if path.suffix == ".py" else frontmatter.split_markdown
    yaml_lines, first = split(content, file)
    as_text = path.suffix == ".py" and frontmatter.is_foreign(yaml_lines)  # jupytext keeps it as a raw cell
    front, lines = ({}, {}) if as_text else frontmatter.parse(yaml_lines, first, file)
    whole, where = front, lines
    ours, front, lines = _own_part(front, lines, file)
    cells = _percent_cells(content, file) if path.suffix == ".py" else _myst_cells(content, file)
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
    problems: list[Problem] = []
    slots: set[str] = set()
    for cell in source.cells:
        marker = Origin(cell.origin.file, max(cell.origin.line - 1, 1))
        unknown = set(cell.metadata) - {"tags"} - (_RAW if cell.kind == "raw" else set())
        if "incorrectly_encoded_metadata" in unknown:
            what = f"cell options '{cell.metadata['incorrectly_encoded_metadata']}' cannot be read"
            problems.append(Problem(marker, f'{what}; write key="value" with quotes'))
        elif unknown:
            key = min(unknown)
            if key == "collapse":
                problems.append(Problem(marker, "collapse must be true or false, without quotes"))
                continue
            problems.append(Problem(marker, f"unknown cell option '{key}'{did_you_mean(key, _OURS)}"))
        tags = cell.metadata.get("tags", [])
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            problems.append(Problem(marker, 'tags must be a list of words: tags=["parameters"]'))
        if cell.slot and cell.slot not in SLOTS:
            problems.append(Problem(marker, f"unknown slot '{cell.slot}'{did_you_mean(cell.slot, SLOTS)}"))
        if cell.slot in SLOTS and (cell.kind == "markdown") is not (cell.slot == "title"):
            kind = "markdown" if cell.slot == "title" else "code"
            problems.append(Problem(marker, f"slot '{cell.slot}' is for a {kind} cell"))
        if cell.slot and cell.slot in slots:
            problems.append(Problem(marker, f"a second slot '{cell.slot}'; a slot is filled once, join the two cells"))
        slots.add(cell.slot)
        if cell.only_if and cell.kind != "markdown":
            problems.append(Problem(marker, "only_if is for markdown cells; code asks labkit at run time"))
    if problems:
        raise Refused(problems)
    return source


def _cell(kind: str, body: str, origin: Origin, metadata: dict, attachments: Any = None) -> Cell:
    """A Cell from what a parser gave."""
    meta = {k: v for k, v in metadata.items() if k not in _FROM_JUPYTEXT}
    own = {key: meta.pop(key) for key in ("slot", "only_if", "collapse", "title") if key in meta}
    if own.get("collapse") not in (None, True, False):
        meta["collapse"] = own["collapse"]  # refused in ours as an unknown option, left alone in a stranger's
    return Cell(
        kind, body, origin, str(own.get("title", "")), str(own.get("slot", "")), str(own.get("only_if", "")),
        own.get("collapse") is True, meta, attachments,
    )  # fmt: skip


def _percent_cells(content: str, file: str) -> list[Cell]:
    # comment_magics=False: jupytext leaves comments alone, `magics` decides which of them are commands
    fmt = {"extension": ".py", "format_name": "percent", "comment_magics": False}
    jupytext, (shielded, back) = parsers.jupytext(), text.shield(content)
    try:
        with parsers.unvalidated():
            notebook = jupytext.reads(shielded, fmt=fmt)
    except Exception as error:  # jupytext raises bare errors of many kinds on odd headers
        raise refuse(Origin(file, 1), f"jupytext cannot read it: {error}") from None
    form = notebook.metadata.get("jupytext", {}).get("text_representation", {}).get("format_name", "percent")
    if form not in ("percent", "hydrogen"):
        what = f"its header says that it is in jupytext's '{form}' format; convert it: jupytext --to py:percent"
        raise refuse(Origin(file, 1), what)
    starts = cell_starts(shielded, [(c.cell_type, c.source) for c in notebook.cells])
    cells = []
    for parsed, line in zip(notebook.cells, starts, strict=True):
        body = back(parsed.source)
        cell = _cell(parsed.cell_type, body, Origin(file, line), dict(parsed.metadata))
        if cell.kind == "code":
            cell = replace(cell, source=magics.uncomment(body), python="" if body.startswith("%%") else body)
        cells.append(cell)
    return cells


def cell_starts(content: str, cells: list[tuple[str, str]]) -> list[int]:
    """The line (from 1) on which the text of each of the `cells` (kind, text) starts.

    Every line of a cell's text is one line of `content`, so the next marker is looked for below that text: a marker
    inside a string or a fence is passed over without knowing strings or fences.
    """
    lines = content.split("\n")
    header, first = frontmatter.split_python(content, "")
    at = first + len(header) if first else _above_cells(lines)
    if first and at < len(lines) and not lines[at].strip("# \t"):
        at += 1  # jupytext takes one blank line with the front matter
    starts = []
    for kind, body in cells:
        if kind == "raw" and body.startswith("---\n") and first and not starts:
            starts.append(first - 1)  # front matter that is not jupytext's own becomes a raw cell
            continue
        begin = at
        if at < len(lines) and _MARKER.match(lines[at]):
            begin += 1
        if kind != "code":
            begin = _behind_quotes(lines, begin, body)
        else:  # `# %% language="bash"`: jupytext makes the marker the cell's first line, `%%bash`
            language = re.search(r'language="(\w+)"', lines[at]) if begin > at else None
            begin -= bool(language) and body.startswith(f"%%{language[1]}")
        starts.append(begin + 1)
        text_lines = body.rstrip("\n")
        at = begin + (text_lines.count("\n") + 1 if text_lines else 0)
        while at < len(lines) and not _MARKER.match(lines[at]):
            at += 1
    return starts


def _above_cells(lines: list[str]) -> int:
    """How many lines jupytext takes as the script's head: an interpreter line, an encoding line."""
    if _ENCODING.match(lines[0]):
        return 1
    script = lines[0].startswith("#!")
    coded = len(lines) > 1 and (script or re.fullmatch(r"#\s*(---\s*)?", lines[0])) and _ENCODING.match(lines[1])
    return 2 if coded else int(script)


def _behind_quotes(lines: list[str], begin: int, body: str) -> int:
    """The index of the line where a markdown cell's text starts: below the line of its opening quotes if it has any."""
    opening = next((i for i in range(begin, len(lines)) if lines[i].strip()), begin)
    quotes = re.match(r"\s*[rR]?(\"{3}|'{3})(.*)", lines[opening]) if opening < len(lines) else None
    if not quotes or body.lstrip().startswith(lines[opening].strip()):
        return begin  # no quotes, or quotes that jupytext took for text since they do not close
    return opening if quotes[2].strip() else opening + 1


def _myst_cells(content: str, file: str) -> list[Cell]:
    jupytext, (shielded, back) = parsers.jupytext(), text.shield(content)
    try:
        with parsers.unvalidated():
            notebook = jupytext.myst.myst_to_notebook(shielded, add_source_map=True)
    except Exception as error:
        what = str(error).split("\n")[0]
        raise refuse(Origin(file, 1), f"jupytext cannot read it as MyST: {what}") from None
    lines, cells = content.split("\n"), []
    for cell, start in zip(notebook.cells, notebook.metadata.pop("source_map", []), strict=True):
        if not isinstance(cell.metadata, dict):
            raise refuse(Origin(file, start), "the options of this cell must be keys and values, as in ':tags: [a]'")
        begin = _first_text(lines, start) if cell.cell_type == "markdown" else _below_options(lines, start)
        cells.append(_cell(cell.cell_type, back(cell.source), Origin(file, begin + 1), dict(cell.metadata)))
    return cells


def _first_text(lines: list[str], start: int) -> int:
    """The index of the first line that is not empty: jupytext cuts off those above a markdown cell's text."""
    return next((i for i in range(start, len(lines)) if lines[i]), start)


def _below_options(lines: list[str], start: int) -> int:
    """The index of the first line of a directive's text; `start` is the line below its opening fence."""
    if start < len(lines) and lines[start].startswith("---"):
        start = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("---")), start) + 1
    else:
        start = next((i for i in range(start, len(lines)) if not lines[i].lstrip().startswith(":")), start)
    return start if start < len(lines) and lines[start].strip() else start + 1


def _read_ipynb(content: str, name: str, file: str, path: Path) -> Source:
    import nbformat

    if not content.strip():
        raise refuse(Origin(file, 1), "not a notebook: the file is empty")
    try:
        document = json.loads(content)
        if not isinstance(document, dict):
            raise ValueError(f"it holds a {type(document).__name__}, not a table of cells and metadata")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids are common, and ids are left out anyway
            notebook = nbformat.reads(content, as_version=4)
    except Exception as error:  # nbformat wraps JSON errors, and fails in many ways on JSON that is no notebook
        line = getattr(getattr(error, "__cause__", None), "lineno", 1)
        raise refuse(Origin(file, line), f"not a notebook: {str(error).splitlines()[0][:120]}") from None
    if not isinstance(notebook.get("cells"), list):
        raise refuse(Origin(file, 1), "not a notebook: it holds no cells")
    metadata = json.loads(json.dumps(notebook.metadata))
    spoken = [
        (metadata.get(key) or {}).get(name) for key, name in (("kernelspec", "language"), ("language_info", "name"))
    ]
    other = next((language for language in spoken if language and not str(language).lower().startswith("python")), "")
    if other:
        raise refuse(Origin(file, 1), f"its kernel speaks {other}; the platforms here run Python notebooks")
    own = {"jupyter": {"anylab": metadata.pop("anylab")}} if "anylab" in metadata else {}
    ours, front, lines = _own_part(own, {(): 1}, file)
    cells = []
    for i, cell in enumerate(notebook.cells):
        where = Origin(f"{file} cell {i + 1}", 1)
        if not _is_cell(cell):
            raise refuse(where, "not a cell of a notebook: it needs a cell_type, a metadata table and a source of text")
        body = "".join(cell.source) if isinstance(cell.source, list) else cell.source
        cells.append(_cell(cell.cell_type, body, where, json.loads(json.dumps(cell.metadata)), cell.get("attachments")))
    return _finish(Source(name, file, path, ours, front, lines, tuple(cells), metadata))


def _is_cell(cell: Any) -> bool:
    """True for what every reader of notebooks relies on; more is not asked of somebody else's file."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    body = cell.get("source")
    lines = body if isinstance(body, list) else [body]
    return isinstance(cell.get("metadata"), dict) and all(isinstance(line, str) for line in lines)
