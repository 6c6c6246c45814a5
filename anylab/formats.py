"""The three formats of a source, each into cells with their origin: percent `.py`, MyST `.md`, `.ipynb`.

jupytext parses (the library of record for these formats; imported only when something must be parsed); laid beside it
is our own scan for line numbers, which it does not give.
"""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace
from typing import Any

from anylab import frontmatter, magics, parsers, text
from anylab.cell import Cell
from anylab.errors import Origin, refuse

_FROM_JUPYTEXT = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker", "region_name", "cell_depth"}
_ENCODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*[-_.a-zA-Z0-9]")
# a line that starts a cell, as jupytext's percent reader sees it
_MARKER = re.compile(r"^\s*#\s*(%%+\s.*|%%|<codecell>|In\[[0-9 ]*\]:?\s*)$")


def percent(content: str, file: str) -> list[Cell]:
    """The cells of a Jupytext percent script."""
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


def myst(content: str, file: str) -> list[Cell]:
    """The cells of a MyST file."""
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


def ipynb(content: str, file: str) -> tuple[list[Cell], dict[str, Any]]:
    """The cells of a notebook file, whatever its nbformat, and the notebook's metadata."""
    parsers.jsonschema()  # which nbformat imports
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
    cells = []
    for i, cell in enumerate(notebook.cells):
        where = Origin(f"{file} cell {i + 1}", 1)
        if not _is_cell(cell):
            raise refuse(where, "not a cell of a notebook: it needs a cell_type, a metadata table and a source of text")
        body = "".join(cell.source) if isinstance(cell.source, list) else cell.source
        cells.append(_cell(cell.cell_type, body, where, json.loads(json.dumps(cell.metadata)), cell.get("attachments")))
    return cells, metadata


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


def _is_cell(cell: Any) -> bool:
    """True for what every reader of notebooks relies on; more is not asked of somebody else's file."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    body = cell.get("source")
    lines = body if isinstance(body, list) else [body]
    return isinstance(cell.get("metadata"), dict) and all(isinstance(line, str) for line in lines)
