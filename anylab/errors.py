"""How a problem reaches the person who can mend it: one line, `file:line: what is wrong; what to do`.

Everything that refuses input raises `Refused` with one or more `Problem`s; the command line prints them and exits
with 2. Warnings are Problems too, collected beside the result and never raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Where a piece of a notebook was written: a file as the user knows it, and a line counted from 1 (0: no line)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One finding. `what` says what is wrong and what to do about it, in one line; `rule` names a lint."""

    origin: Origin
    what: str
    rule: str = ""

    def __str__(self) -> str:
        tag = f" [{self.rule}]" if self.rule else ""
        return f"{self.origin}: {self.what}{tag}".replace("\n", " ")


class Refused(Exception):
    """Bad input: nothing was written. `problems` holds every finding, in file order."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(dict.fromkeys(problems))  # the same fault seen by two variants is one fault
        super().__init__("\n".join(map(str, self.problems)))


def refuse(origin: Origin, what: str, rule: str = "") -> Refused:
    """A Refused with a single problem, to be raised."""
    return Refused([Problem(origin, what, rule)])


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """'; did you mean ...?' where a known name is near, else the known names."""
    import difflib  # here, since most runs find no fault

    known = sorted(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(known)}" if known else ""
