"""One cell of a notebook, and what the cells of our own sources promise: known slots, conditions and options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anylab.errors import Origin, Problem, did_you_mean

SLOTS = ("title", "bootstrap", "setup", "save", "finish")
_OURS = {"slot", "only_if", "collapse", "tags", "title"}  # cell metadata that our own sources may carry
_RAW = {"format", "mimetype", "raw_mimetype"}


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
    module: Any = None  # the library module that it writes, if it writes one
    made: bool = False  # put together by the generator: its lines are not those of `origin`

    @property
    def is_settings(self) -> bool:
        """True for a cell tagged `parameters`."""
        tags = self.metadata.get("tags")
        return self.kind == "code" and isinstance(tags, list) and "parameters" in tags


def faults(cells: Iterable[Cell]) -> list[Problem]:
    """What is wrong with the options of these cells, each at its marker's line."""
    problems: list[Problem] = []
    slots: set[str] = set()
    for cell in cells:
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
    return problems
