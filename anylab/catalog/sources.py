"""Where a value comes from: each source with its date and grade gets a number in the list at the end of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

GRADES = {
    "measured": "by this project",
    "published": "by the vendor: documentation, staff or code",
    "reported": "by others: recent observations, or single ones",
    "estimated": "computed or judged, and marked ≈",
    "unknown": "looked for and not found",
}
# a file of this repository that a source names, and a person may open
_OWN = re.compile(r"(?<![\w/.])(?:docs|tests|platforms|notebooks-src)/[\w./-]+\.(?:md|py|toml|json)\b")


@dataclass(frozen=True)
class Source:
    """One line of the list of sources."""

    number: int
    words: str
    date: str
    grade: str
    address: str  # '' where the words name none


@dataclass
class Sources:
    """The list, in the order in which the guide first names each."""

    home: str = ""  # the address before a path of this repository, with its last /
    known: dict[tuple[str, str, str], Source] = field(default_factory=dict)

    def cite(self, words: str, date: str, grade: str, address: str = "") -> int:
        """The number of a source; a new one is added. `address` is '' where the source names none;
        a file of this repository that it names is linked then."""
        key = (words, date, grade)
        if key not in self.known:
            own = _OWN.search(words) if self.home and not address else None
            self.known[key] = Source(len(self.known) + 1, words, date, grade, self.home + own[0] if own else address)
        return self.known[key].number

    def __iter__(self):
        return iter(self.known.values())
