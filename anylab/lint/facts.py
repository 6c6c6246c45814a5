"""Facts have a source, a date and a grade, wherever they stand: platforms, cards, the work of notebooks.

The checks themselves are `anylab.facts`; here they get names. A rule looks at a platform's folder ("platform"), or at
another file of facts ("facts").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from anylab.errors import Problem, did_you_mean
from anylab.lint import Collection, rule
from anylab.platforms import Platform


def _of_kind(kind: str) -> Callable[[Any, Collection], Iterable[Problem]]:
    def check(thing: Any, around: Collection) -> Iterable[Problem]:
        return [problem for fault, problem in thing.fact_faults if fault == kind]

    return check


for _kind in ("source", "date", "grade", "value", "name"):
    for _on in ("platform", "facts"):
        rule(f"fact/{_kind}", on=_on)(_of_kind(_kind))


@rule("fact/card", on="platform")
def every_machine_has_a_card_that_is_described(platform: Platform, around: Collection) -> Iterable[Problem]:
    cards = around.cards
    for plan, about in platform.profile.get("plans", {}).items():
        for machine, has in about["machines"].items():
            if has["card"] not in cards:
                at = platform.at("plans", plan, "machines", machine)
                what = f"no card '{has['card']}' in cards.toml{did_you_mean(has['card'], cards)}"
                yield Problem(at, what)


@rule("fact/card", on="facts")
def every_time_belongs_to_a_card_that_is_described(thing: Any, around: Collection) -> Iterable[Problem]:
    for i, choice in enumerate(thing.data["choices"]) if "choices" in thing.data else ():
        for card in choice.get("known", {}):
            if card not in around.cards:
                at = thing.at("choices", i, "known", card)
                yield Problem(at, f"no card '{card}' in cards.toml{did_you_mean(card, around.cards)}")


@rule("fact/work", on="facts")
def every_way_of_doing_the_work_has_a_time(thing: Any, around: Collection) -> Iterable[Problem]:
    for i, choice in enumerate(thing.data["choices"]) if "choices" in thing.data else ():
        if not choice.get("parts") and not choice.get("known"):
            what = f"'{choice['id']}' has neither parts nor a known time; count what it takes, or leave it out"
            yield Problem(thing.at("choices", i), what)
