"""Cells -> notebook bytes: nbformat 4 with the minor that the platform itself writes, and nothing that it does not.

No cell ids (minor below 5), no outputs, no execution counts, no widget state; metadata by keep-list; keys sorted, LF,
indent 1, a final newline. The JSON is put together by hand from C-encoded pieces: `json.dumps(indent=1)` is pure Python
and was the largest part of a variant (docs/lab-log.md); a test holds the two to the same bytes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from anylab.cell import Cell
from anylab.platforms import Platform
from anylab.source import Source

_string = json.encoder.encode_basestring  # C where available; leaves non-ASCII text readable


def notebook(source: Source, platform: Platform, cells: Iterable[Cell], note: Mapping[str, Any], gpu: bool) -> bytes:
    """The bytes of a variant. `note` goes into the notebook's metadata under `anylab`."""
    profile = platform.profile["notebook"]
    body = ",\n".join(cell_json(cell, platform) for cell in cells)
    offline = source.ours and source.needs.get("internet", "none") == "none"
    parts = [
        profile["metadata"],
        profile.get("gpu" if gpu else "cpu", {}),
        profile.get("offline", {}) if offline else {},
    ]
    metadata = functools.reduce(merged, parts, {"anylab": dict(note)})
    head = '{\n "cells": [\n' + body + "\n ],\n" if body else '{\n "cells": [],\n'
    tail = (
        f' "metadata": {_indented(metadata, 1)},\n "nbformat": 4,\n "nbformat_minor": {profile["nbformat_minor"]}\n}}\n'
    )
    # a lone surrogate (only a JSON escape can bring one in) leaves as the escape that it came as
    return (head + tail).encode("utf-8", "backslashreplace")


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables as one; where both have a table it is merged, else `above` wins."""
    out = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = merged(out[key], value) if both else value
    return out


def cell_json(cell: Cell, platform: Platform) -> str:
    """One cell as JSON, indented for its place in the notebook."""
    plain = not (cell.collapse or cell.metadata or cell.attachments or cell.kind == "raw")
    return _plain_json(cell) if plain else _cell_json(cell, platform)


@functools.lru_cache(maxsize=8192)
def _plain_json(cell: Cell) -> str:
    """A cell that looks the same on every platform: most of a story."""
    return _joined(cell.kind, _mark(cell, 0), _lines(cell.source))


@functools.lru_cache(maxsize=8192)  # library cells are shared by the notebooks of a platform
def _cell_json(cell: Cell, platform: Platform) -> str:
    profile = platform.profile["notebook"]
    kept = {k: v for k, v in cell.metadata.items() if k in profile.get("cell_keep", ["tags"])}
    if cell.kind == "raw":
        kept |= {k: v for k, v in cell.metadata.items() if k in ("format", "raw_mimetype")}
        if "mimetype" in cell.metadata:
            kept["raw_mimetype"] = cell.metadata["mimetype"]
    source = cell.source
    if cell.collapse:
        kept = merged(kept, profile.get("collapsed", {}))
        source = _with_form_title(cell) if platform.has("forms") else source
    # where the cell's first line would stand in its file: a line that was put on top moves it up
    shift = source.count("\n") - cell.source.count("\n")
    kept["anylab"] = {"source": cell.origin.file, "line": cell.origin.line - shift}
    attachments = _indented(cell.attachments, 3) if cell.attachments and cell.kind != "code" else ""
    return _joined(cell.kind, _mark(cell, shift) if len(kept) == 1 else _indented(kept, 3), _lines(source), attachments)


def _mark(cell: Cell, shift: int) -> str:
    origin = f'"line": {cell.origin.line - shift},\n     "source": {_string(cell.origin.file)}'
    return f'{{\n    "anylab": {{\n     {origin}\n    }}\n   }}'


def _joined(kind: str, metadata: str, source: str, attachments: str = "") -> str:
    fields = [f'"attachments": {attachments}'] if attachments else []
    fields += [f'"cell_type": "{kind}"']
    fields += ['"execution_count": null'] if kind == "code" else []
    fields += [f'"metadata": {metadata}']
    fields += ['"outputs": []'] if kind == "code" else []
    return "  {\n   " + ",\n   ".join([*fields, f'"source": {source}']) + "\n  }"


def _with_form_title(cell: Cell) -> str:
    """The source of a collapsed cell with the `#@title` line that Colab's form view wants.

    Of 539 form cells in public notebooks 538 carry such a line (counted in 2026); below a cell magic it stands second.
    """
    lines = cell.source.split("\n")
    if any(line.lstrip("# ").startswith("@title") for line in lines[:2]):
        return cell.source
    title = f'#@title {cell.title or "Code"} {{ display-mode: "form" }}'
    at = 1 if lines[0].startswith("%%") else 0
    return "\n".join([*lines[:at], title, *lines[at:]])


def _lines(source: str) -> str:
    if not source:
        return "[]"
    lines = source.split("\n")
    ended = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    return "[\n" + ",\n".join("    " + _string(line) for line in ended) + "\n   ]"


def _indented(value: Any, depth: int) -> str:
    """`value` as JSON, sorted, its inner lines indented as at this depth."""
    pad = "\n" + " " * (depth + 1)
    if isinstance(value, Mapping) and value:
        items, ends = [f"{_string(k)}: {_indented(value[k], depth + 1)}" for k in sorted(value)], "{}"
    elif isinstance(value, list | tuple) and value:
        items, ends = [_indented(v, depth + 1) for v in value], "[]"
    else:
        return _string(value) if isinstance(value, str) else json.dumps(value)
    return ends[0] + pad + f",{pad}".join(items) + "\n" + " " * depth + ends[1]
