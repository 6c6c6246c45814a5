"""The plans of all variants of a build, each with its lock read once; and the locks that none of them wants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from anylab import install, locks
from anylab.errors import Origin, Problem, Refused
from anylab.project import Project

if TYPE_CHECKING:
    from anylab.pairs import Pair

Plans = dict[tuple[str, str], install.Plan]


def plans(project: Project, pairs: Iterable[Pair], problems: list[Problem]) -> tuple[Plans, list[Problem]]:
    """(notebook, platform) -> plan of all that have packages; warnings. `problems` takes what stands against a plan."""
    found: Plans = {}
    read: dict[str, locks.Lock | None] = {}
    shown = f"{project.sources.name}/{locks.FOLDER}"
    pairs = list(pairs)
    moving = frozenset(p.source.name for p in pairs if _is_refused(p))
    for pair in pairs:
        src = pair.source
        if not (src.front.get("packages") or src.front.get("no_deps")):
            continue

        def find(platform: str, notebook: str = src.name) -> tuple[str, locks.Lock | None]:
            name = locks.name_of(notebook, platform)
            if name not in read:
                read[name] = locks.read(project.sources / locks.FOLDER / name, f"{shown}/{name}")
            return f"{shown}/{name}", read[name]

        try:
            found[src.name, pair.platform.id], more = install.plan(src, pair.platform, find, src.name in moving)
            problems += more
        except Refused as refused:  # a list or a lock that is none
            problems += refused.problems
    what = "no variant wants this lock; `python build.py lock` removes it"
    unread = [name for name in locks.stored(project.sources) if name not in read]
    return found, [Problem(Origin(f"{shown}/{name}"), what) for name in unread]


def _is_refused(pair: Pair) -> bool:
    """True where what a notebook asks for cannot be had on a platform at all: no lock mends that, and none is made."""
    try:
        return bool(install.refusals(install.wishes(pair.source), pair.platform))
    except Refused:  # the list is none, which its plan says
        return False
