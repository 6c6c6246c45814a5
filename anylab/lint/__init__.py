"""Rules about sources, library modules and variants. A rule is a small function that yields Problems at file:line.

`@rule("family/name", on="source")` registers it; `findings` runs a family. Rules about sources hold for our own; what
is an error there is a warning about a foreign notebook (rules with `foreign=True`) or does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from anylab.errors import Problem


@dataclass(frozen=True)
class Rule:
    """A registered rule: `id` as printed, `on` the kind of thing that it looks at."""

    id: str
    on: str
    foreign: bool
    warning: bool
    check: Callable[..., Iterable[Problem]]


RULES: list[Rule] = []


def rule(id: str, on: str, foreign: bool = False, warning: bool = False) -> Callable:
    """Register a rule on "source", "module" or "variant"."""

    def register(check: Callable[..., Iterable[Problem]]) -> Callable[..., Iterable[Problem]]:
        RULES.append(Rule(id, on, foreign, warning, check))
        return check

    return register


def findings(on: str, thing: Any, *context: Any, ours: bool = True) -> tuple[list[Problem], list[Problem]]:
    """(errors, warnings) of all rules of a kind about one thing."""
    from anylab.lint import libraries, sources, variants  # noqa: F401  (importing registers their rules)

    errors: list[Problem] = []
    warnings: list[Problem] = []
    for r in RULES:
        if r.on != on or not (ours or r.foreign):
            continue
        target = warnings if r.warning or not ours else errors
        target += [replace(p, rule=r.id) for p in r.check(thing, *context)]
    return errors, warnings
