"""Facts have a source, a date and a grade, wherever they stand: platforms, cards, the work of notebooks.

The checks themselves are `anylab.facts`; here they get names. What a rule looks at is anything that holds facts: a
platform's folder, `platforms/cards.toml`, the work of a notebook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from anylab.errors import Origin, Problem, did_you_mean
from anylab.lint import Collection, rule


def _of_kind(kind: str) -> Callable[[Any, Collection], Iterable[Problem]]:
    def check(thing: Any, around: Collection) -> Iterable[Problem]:
        return [problem for fault, problem in thing.fact_faults if fault == kind]

    return check


for _kind in ("source", "date", "grade", "value", "name"):
    rule(f"fact/{_kind}", on="facts")(_of_kind(_kind))


@rule("fact/card", on="facts")
def every_card_that_is_named_is_described(thing: Any, around: Collection) -> Iterable[Problem]:
    for card, at in cards_of(thing):
        if card not in around.cards:
            yield Problem(at, f"no card '{card}' in cards.toml{did_you_mean(card, around.cards)}")


@rule("fact/work", on="facts")
def every_way_of_doing_the_work_has_a_time(thing: Any, around: Collection) -> Iterable[Problem]:
    for i, choice in enumerate(_ways_of(thing)):
        if not choice.get("parts") and not choice.get("known"):
            what = f"'{choice['id']}' has neither parts nor a known time; count what it takes, or leave it out"
            yield Problem(thing.at("choices", i), what)


def cards_of(thing: Any) -> Iterator[tuple[str, Origin]]:
    """(card, where it is named) of a platform's machines, or of the times of a notebook's work and the
    claims about it."""
    for plan, about in getattr(thing, "profile", {}).get("plans", {}).items():
        for machine, has in about["machines"].items():
            yield has["card"], thing.at("plans", plan, "machines", machine)
    for i, choice in enumerate(_ways_of(thing)):
        for card in choice.get("known", {}):
            yield card, thing.at("choices", i, "known", card)
    for i, claim in enumerate(getattr(thing, "data", {}).get("claims", [])):
        if "card" in claim:
            yield claim["card"], thing.at("claims", i, "card")


def _ways_of(thing: Any) -> list[Any]:
    return getattr(thing, "data", {}).get("choices", [])
