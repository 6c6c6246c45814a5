"""Rules about sources, code, library modules, platform folders, facts, variants, notebook documents and pages.

Each is a small function that yields Problems; `@rule("family/name", on="source")` registers it, and `findings` asks all
rules of a kind about one thing. A rule holds for our own sources; with `foreign="warning"` it is asked about somebody
else's notebook too, and only warns there, since we do not change those; with `foreign="error"` it judges what we add to
them, and what a build would publish. `hints` are words without which a rule has nothing to find: a text with none of
them is not looked into.
docs/lints.md lists the rules with the failures that they come from.

A line may be let off with a reason: `# anylab: allow pickle/load: our own file, written a cell above`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anylab import text
from anylab.errors import Origin, Problem, Refused
from anylab.lint.things import Collection, Document, Page, Piece, Variant, pieces_of, whole

__all__ = ["Collection", "Document", "Page", "Piece", "Rule", "Variant", "findings", "rule", "rules"]


@dataclass(frozen=True)
class Rule:
    """A registered rule: `id` as printed, `on` the kind of thing that it looks at."""

    id: str
    on: str
    foreign: str
    warning: bool
    hints: tuple[str, ...]
    check: Callable[..., Iterable[Problem]]


RULES: list[Rule] = []
_kinds: dict[str, list[Rule]] = {}
_ALLOW = re.compile(r"#\s*anylab: allow (?P<id>[\w/-]+)\W+\w+")
_NOWHERE = Collection()


def rule(id: str, on: str, foreign: str = "", warning: bool = False, hints: tuple[str, ...] = ()) -> Callable:
    """Register a rule on "source", "code" (cells and modules), "module", "platform", "facts", "variant", "document",
    "page"."""

    def register(check: Callable[..., Iterable[Problem]]) -> Callable[..., Iterable[Problem]]:
        RULES.append(Rule(id, on, foreign, warning, hints, check))
        return check

    return register


# the modules with rules, each with the kinds of thing that its rules look at: only what is asked for is imported
_FAMILIES = {
    "envelope": ("document", "platform"),
    "facts": ("facts",),
    "forms": ("code",),
    "imports": ("source", "variant"),
    "installs": ("code",),
    "leaks": ("platform", "variant"),
    "libraries": ("module",),
    "links": ("page", "source", "variant"),
    "models": ("code", "source"),
    "pickles": ("code",),
    "secrets": ("document", "module", "page", "platform", "source"),
    "sources": ("code", "source"),
    "variants": ("variant",),
    "waiting": ("code",),
}


def rules(on: str = "") -> list[Rule]:
    """The rules of a kind, or every rule there is."""
    if on not in _kinds:
        for family, kinds in _FAMILIES.items():
            if not on or on in kinds:
                importlib.import_module(f"anylab.lint.{family}")
        _kinds[on] = [r for r in RULES if on in ("", r.on)]
    return _kinds[on]


def findings(
    on: str, thing: Any, collection: Collection = _NOWHERE, ours: bool = True
) -> tuple[list[Problem], list[Problem]]:
    """(errors, warnings) of all rules of a kind about one thing, and about the code that is in it."""
    found = _asked(on, thing, collection, ours)
    pieces = pieces_of(thing) if on == "source" else [whole(thing)] if on == "module" else []
    for piece in pieces:
        found += _asked("code", piece, collection, ours)
    return [p for p, warning in found if not warning], [p for p, warning in found if warning]


def _asked(on: str, thing: Any, collection: Collection, ours: bool) -> list[tuple[Problem, bool]]:
    """(problem, is it a warning?) of each finding that no comment lets off."""
    found = []
    for r in rules(on):
        if not (ours or r.foreign):
            continue
        if r.hints and not any(hint in thing.text for hint in r.hints):
            continue
        for problem in r.check(thing, collection):
            if not _let_off(r.id, thing, problem.origin):
                found.append((replace(problem, rule=r.id), r.warning or not (ours or r.foreign == "error")))
    return found


def _let_off(id: str, thing: Any, origin: Origin) -> bool:
    line = thing.line_of(origin) if hasattr(thing, "line_of") else _line_of_file(thing, origin)
    allowed = _ALLOW.search(line)
    return bool(allowed) and allowed["id"] == id


def _line_of_file(thing: Any, origin: Origin) -> str:
    """The line of a source as it stands in its file; of anything else ''."""
    path = getattr(thing, "path", None)
    if not isinstance(path, Path) or origin.file != getattr(thing, "file", "") or path.suffix == ".ipynb":
        return ""
    try:
        lines = text.read(path, origin.file).split("\n")
    except Refused:  # gone since it was read
        return ""
    return lines[origin.line - 1] if 0 < origin.line <= len(lines) else ""
