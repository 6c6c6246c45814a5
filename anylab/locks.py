"""Lock files: the exact versions that a build pins, resolved beforehand and committed (docs/sources.md).

`locks/<notebook>.<platform>.txt` beside the sources holds what a platform's image lacks, each at a version that fits
its Python and what it has; `locks/<notebook>.txt` holds everything, for the platforms whose image nobody lists.
`python build.py lock` writes them with the network; a build only reads them, and refuses one that was made for other
packages, another Python or another list than there are now. The head says what a lock was made for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from anylab import text
from anylab.errors import Origin, Problem, Refused, refuse
from anylab.images import normal

FOLDER = "locks"
ANY = "3.11 and newer"  # the Python of a lock for platforms whose image nobody lists
ANY_IMAGE = "unknown: everything is pinned"
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9._!+-]+?)(?:\s*;\s*(.+))?")


@dataclass(frozen=True)
class Pin:
    """One exact version; `marker` says where it holds ('' everywhere), `bare` that it goes in without dependencies."""

    name: str
    version: str
    marker: str
    bare: bool
    line: int = 0

    def __str__(self) -> str:
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")


@dataclass(frozen=True)
class Made:
    """What a lock is made for: all of it must be as it is now."""

    python: str
    image: str  # the list's file and date
    packages: tuple[str, ...]  # as declared, sorted
    no_deps: tuple[str, ...]


@dataclass(frozen=True)
class Lock:
    """A lock file as read."""

    file: str
    made: Made
    pins: tuple[Pin, ...]


def name_of(notebook: str, platform: str) -> str:
    """The file of a notebook on a platform ('' for those whose image nobody lists), below the folder of locks."""
    return f"{notebook}.{platform}.txt" if platform else f"{notebook}.txt"


def stored(sources: Path) -> list[str]:
    """The names of all lock files beside these sources."""
    folder = sources / FOLDER
    return sorted(p.name for p in folder.glob("*.txt")) if folder.is_dir() else []


def read(path: Path, shown: str) -> Lock | None:
    """A lock, None where there is none. Raises Refused with the line of what is no pin."""
    if not path.is_file():
        return None
    head: dict[str, list[str]] = {}
    pins: list[Pin] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.read(path, shown).split("\n"), 1):
        if line.startswith("#"):
            key, colon, value = line[1:].strip().partition(": ")
            head.setdefault(key if colon else "", []).append(value)
            continue
        entry, _, comment = line.partition("  #")
        found = _PIN.fullmatch(entry.strip())
        if found:
            pins.append(Pin(normal(found[1]), found[2], found[3] or "", comment.strip() == "no-deps", number))
        elif entry.strip():
            problems.append(Problem(Origin(shown, number), f"'{entry[:40]}' is no name==version; make the lock anew"))
    first: dict[str, Pin] = {}
    for pin in pins:
        other = first.setdefault(pin.name, pin)
        if other is not pin and not (other.marker and pin.marker):
            what = f"'{pin.name}' is pinned twice (first in line {other.line}); make the lock anew"
            problems.append(Problem(Origin(shown, pin.line), what))
    if problems:
        raise Refused(problems)
    made = Made(*(head.get(key, [""])[0] for key in ("python", "image")), *map(_sorted, _asked(head)))
    return Lock(shown, made, tuple(pins))


def _asked(head: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    return head.get("for", []), head.get("for, no-deps", [])


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(texts))


def text_of(made: Made, pins: Iterable[Pin], command: str) -> str:
    """The file's text, in an order of its own."""
    head = [f"# Written by `{command}`; do not edit: change the packages and run it again.", f"# python: {made.python}"]
    head += [f"# image: {made.image}", *(f"# for: {p}" for p in made.packages)]
    head += [f"# for, no-deps: {p}" for p in made.no_deps]
    rows = sorted((pin.bare, pin.name, str(pin)) for pin in pins)
    return "\n".join([*head, *(row + ("  # no-deps" if bare else "") for bare, _, row in rows)]) + "\n"


def stale(lock: Lock, made: Made) -> str:
    """Why a lock is not one for this, '' when it is."""
    for what, then, now in (("Python", lock.made.python, made.python), ("image", lock.made.image, made.image)):
        if then != now:
            return f"was made for {what} {then or 'that it does not name'}, and it is {now} now"
    for then, now in ((lock.made.packages, made.packages), (lock.made.no_deps, made.no_deps)):
        changed = sorted(set(then) ^ set(now))
        if changed:
            return f"was made for other packages ({changed[0]} is {'new' if changed[0] in now else 'gone'})"
    return ""


def write(path: Path, content: str) -> None:
    """Write a lock whole. Raises Refused when it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="\n")
    except OSError as error:
        raise refuse(Origin(str(path)), f"cannot be written: {error.strerror}") from None
