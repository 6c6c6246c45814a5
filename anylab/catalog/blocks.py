"""What the guide is made of, before it is Markdown or HTML: sections of tables, bars, lists and words.

One object serves GUIDE.md and the pages, so that they cannot say different things. Nothing here knows a platform.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ESTIMATE, UNKNOWN, MEASURED = "estimate", "unknown", "measured"


@dataclass(frozen=True)
class Cell:
    """One value as a person reads it. `source` is its number in the list of sources, 0 where it is its own."""

    text: str
    source: int = 0
    sort: float | None = None  # what a column is sorted by; None: by its text, an unknown always last
    mark: str = ""  # ESTIMATE, UNKNOWN, MEASURED or '' (published)
    href: str = ""  # where the text leads, when not to its source
    items: tuple[Any, ...] = ()  # a list in a cell: cells, in the place of the text
    state: str = ""  # "yes", "no" or "part": drawn as a sign beside the word


@dataclass(frozen=True)
class Table:
    """Rows under a head; the first cell of a row names it. `name` is unique on the page."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    row_keys: tuple[str, ...] = ()  # what the script finds a row by
    sortable: bool = True


@dataclass(frozen=True)
class Bar:
    """One bar of a group: a length, and the words at its end."""

    label: str
    value: float | None  # None: there is none, and `cell` says why
    cell: Cell
    less: bool = False  # a smaller thing than the others


@dataclass(frozen=True)
class Bars:
    """Bars of one scale, the longest full."""

    name: str
    caption: str
    bars: tuple[Bar, ...]
    note: str = ""


@dataclass(frozen=True)
class Words:
    """A paragraph. Plain text; `code` between backquotes and [links](address) are kept."""

    text: str


@dataclass(frozen=True)
class Steps:
    """A numbered list with a caption."""

    caption: str
    items: tuple[Cell, ...]


@dataclass(frozen=True)
class Raw:
    """Something that only one of the two pages has: a form of the page, say. `markdown` or `html` may be empty."""

    html: str = ""
    markdown: str = ""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    name: str
    title: str
    lead: str
    blocks: tuple[Any, ...] = field(default_factory=tuple)
    folded: bool = False  # closed on the page until somebody opens it
