"""Where a failure was written: from a traceback that somebody pasted, or a cell's number, to `notebooks-src/x.py:42`.

A traceback names no notebook, so its lines are compared with the cells of every variant: those around the arrow
(IPython 7.34, 8 and 9, papermill's copy of them) or below "line N" (a plain Python traceback). Frames in files of the
library (`.../lab-xxxx/labkit/clock.py:12`) are found by their path, and by their text where platforms count lines
differently.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anylab.compile import Build, Pair, compile_all
from anylab.errors import Origin, did_you_mean, refuse
from anylab.project import Project

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ARROW = re.compile(r"^-+> ?(\d+)[ |]?(.*)$")  # ---> 12     code
_BESIDE = re.compile(r"^ +(\d+)(?: (.*))?$")  # the lines around it
_LIBRARY = re.compile(r"[/\\]lab-\w+[/\\](?P<path>[\w/\\]+\.py)(?:\"?, line |:)?(?P<line>\d+)?")
_CELL = re.compile(
    r"(?:Cell |Input )?In ?\[\d+\]|<ipython-input-[^>]*>|ipython-input-[\w-]+\.py|<cell line"
    r"|[/\\]ipykernel_\d+[/\\]\d+\.py"
)
_FRAME = re.compile(r"^\s{0,2}(File |/|~|[A-Za-z]:\\)")  # of any file, ours or not
_LINE = re.compile(r"(?:, line |:)(\d+)\b")
Line = tuple[int, str]


@dataclass(frozen=True)
class Frame:
    """One frame of a traceback: a library file's path below the scratch folder ('' for a cell), the line, and what the
    traceback shows of the text around it."""

    path: str
    line: int
    shown: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Place:
    """One place of the sources, and the platforms whose variants have it there."""

    origin: Origin
    title: str
    platforms: tuple[str, ...]

    def __str__(self) -> str:
        title = f"  '{self.title}'" if self.title else ""
        return f"{self.origin}{title}  ({', '.join(self.platforms)})"


def of_traceback(project: Project, text: str) -> list[Place]:
    """The places that a pasted traceback goes through, outermost first. Raises Refused when none is ours."""
    frames = frames_of(_COLOUR.sub("", text))
    if not frames:
        what = "no traceback of a notebook is in there; paste it whole, from the line of dashes to the error"
        raise refuse(Origin("traceback"), what)
    variants = _variants(compile_all(project))
    places = [place for frame in frames for place in _places(frame, variants)]
    if not places:
        what = "its lines stand in no variant as built here: another version, or somebody else's notebook"
        raise refuse(Origin("traceback"), f"{what}; the run report names the version")
    return list(dict.fromkeys(places))


def of_cell(project: Project, notebook: str, number: int, line: int = 1) -> list[Place]:
    """The places of line `line` of the cell that Run all numbers [number]. `notebook` is a name or a variant's path."""
    build = compile_all(project)
    places: list[Place] = []
    for pair in _named(build, notebook):
        cells = [c for c in _cells(build, pair) if c["cell_type"] == "code" and "".join(c["source"]).strip()]
        if not 1 <= number <= len(cells):
            what = f"has {len(cells)} code cells on {pair.platform.name}, so none is numbered [{number}]"
            raise refuse(Origin(notebook), f"{what}; take the number that stands beside the cell after Run all")
        cell = cells[number - 1]
        if not 1 <= line <= len(_lines(cell)):
            raise refuse(Origin(notebook), f"cell [{number}] has {len(_lines(cell))} lines, so none is {line}")
        places.append(Place(_origin(cell, line), cell["title"], (pair.platform.name,)))
    return _joined(places)


def _named(build: Build, notebook: str) -> list[Pair]:
    made = [p for p in build.pairs if p.path]
    path = notebook.replace("\\", "/").removeprefix("./")
    named = [p for p in made if path in (p.source.name, f"{p.source.name}/{p.platform.id}") or path.endswith(p.path)]
    if not named:
        raise refuse(Origin(notebook), "no such notebook" + did_you_mean(notebook, {p.source.name for p in made}))
    return named


def frames_of(text: str) -> list[Frame]:
    """The frames of a traceback that may be ours, outermost first."""
    found: list[Frame] = []
    header, shown, arrow = "", [], 0
    for line in [*_unquoted(text.splitlines()), ""]:
        mark, beside = _ARROW.match(line), _BESIDE.match(line)
        if mark or (beside and (shown or header)):
            shown.append((int((mark or beside)[1]), ((mark or beside)[2] or "").strip()))
            arrow = int(mark[1]) if mark else arrow
            continue
        if _FRAME.match(line) or _is_header(line):
            found += _frame(header, shown, arrow)
            header, shown, arrow = line if _is_header(line) else "", [], 0
        elif header and not shown and line.strip() and line.startswith("    "):
            number = _LINE.search(header)  # a plain traceback shows one line, without its number
            shown, arrow = [(int(number[1]), line.strip())] if number else [], int(number[1]) if number else 0
        elif not line.strip() or shown:
            found += _frame(header, shown, arrow)
            header, shown, arrow = "", [], 0
    return found


def _unquoted(lines: list[str]) -> list[str]:
    """The lines without what an issue or a mail put before each: `> ` marks, and one indent for all."""
    quoted = [line for line in lines if line.strip()]
    while quoted and all(re.match(r"\s*>", line) for line in quoted):
        lines = [re.sub(r"^\s*> ?", "", line) for line in lines]
        quoted = [line for line in lines if line.strip()]
    return textwrap.dedent("\n".join(lines)).split("\n")


def _is_header(line: str) -> bool:
    return not line.startswith("    ") and bool(_LIBRARY.search(line) or _CELL.search(line))


def _frame(header: str, shown: list[Line], arrow: int) -> list[Frame]:
    library, number = _LIBRARY.search(header), _LINE.search(header)
    line = arrow or (int(library["line"]) if library and library["line"] else int(number[1]) if number else 0)
    if not line or not header:
        return []
    return [Frame(library["path"].replace("\\", "/") if library else "", line, tuple(shown))]


Variant = tuple[str, list[dict[str, Any]]]  # the name of its platform, its cells


def _variants(build: Build) -> list[Variant]:
    return [(p.platform.name, _cells(build, p)) for p in build.pairs if p.path]


def _cells(build: Build, pair: Pair) -> list[dict[str, Any]]:
    """The compiled cells, each with a title: its own, else the heading above it."""
    cells = json.loads(dict(build.variant_files(pair))[pair.path])["cells"]
    heading = ""
    for cell, made in zip(cells, build.rendered[pair.path][0], strict=True):
        if made.kind == "markdown":
            headings = re.findall(r"^#+ +(.+)$", made.source, re.MULTILINE)
            heading = headings[-1].strip() if headings else heading
        cell["title"] = "" if made.module else made.title or heading
        cell["made"] = made.made and not made.module  # its lines are the generator's: only its place is the source's
    return cells


def _places(frame: Frame, variants: Iterable[Variant]) -> list[Place]:
    """Where a frame was written, in each variant that it fits; a cell must show the frame's lines."""
    places = []
    for name, cells in variants:
        for cell in cells:
            if cell["cell_type"] != "code":
                continue
            lines = _lines(cell)
            if frame.path:
                fits = lines[0] == f"%%writefile $LAB/{frame.path}" and _fits(frame, lines, 1)
            else:
                fits = bool(frame.shown) and not lines[0].startswith("%%writefile") and _fits(frame, lines, 0)
            if fits:
                places.append(Place(_origin(cell, frame.line + bool(frame.path)), cell["title"], (name,)))
    return _joined(places)


def _fits(frame: Frame, lines: list[str], above: int) -> bool:
    """True when the lines that the traceback shows stand there; `above` lines of the cell are not in the file."""
    if not 1 <= frame.line <= len(lines) - above:
        return False
    return all(n + above <= len(lines) and _same(text, lines[n + above - 1]) for n, text in frame.shown)


def _same(shown: str, line: str) -> bool:
    """True for the same text; a long line may be shown cut off."""
    shown, line = shown.strip().removesuffix("...").rstrip(), line.strip()
    return shown == line or (len(shown) > 40 and line.startswith(shown))


def _lines(cell: Mapping[str, Any]) -> list[str]:
    return "".join(cell["source"]).split("\n")


def _origin(cell: Mapping[str, Any], line: int) -> Origin:
    """The place of line `line` (from 1) of a compiled cell."""
    mark = cell["metadata"]["anylab"]
    if cell.get("made"):
        return Origin(mark["source"], mark["line"] + _titled(cell))
    return Origin(mark["source"], max(mark["line"] + line - 1, 1))


def _titled(cell: Mapping[str, Any]) -> int:
    """How many lines a form's title puts on top of a cell; its mark is moved up by as many."""
    return int("".join(cell["source"]).startswith("#@title"))


def _joined(places: list[Place]) -> list[Place]:
    """Places with the same answer as one, with all their platforms."""
    names: dict[tuple[Origin, str], list[str]] = {}
    for place in places:
        names.setdefault((place.origin, place.title), []).extend(place.platforms)
    return [Place(origin, title, tuple(dict.fromkeys(all_))) for (origin, title), all_ in names.items()]


def read(given: str) -> str:
    """A traceback from a file: text, or the outputs of an executed notebook."""
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise refuse(Origin(given), f"cannot be read: {error.strerror}; name a file with a traceback") from None
    if path.suffix != ".ipynb":
        return text
    try:
        cells = json.loads(text)["cells"]
        outputs = [o for cell in cells for o in cell.get("outputs", ()) if o.get("output_type") == "error"]
        return "\n\n".join("\n".join(o["traceback"]) for o in outputs)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise refuse(Origin(given), "is no notebook; name an executed notebook, or a text with a traceback") from None
