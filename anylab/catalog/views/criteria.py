"""What a machine is worth to somebody: 0 to 5 points a criterion, from its facts alone, and weights of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from anylab.catalog import advise
from anylab.catalog.reading import Plain, Reader


def _clipped(points: float) -> float:
    near = round(min(5.0, max(0.0, points)), 9)  # log2 may differ in its last digit from machine to machine
    return math.floor(near * 10 + 0.5) / 10


def _log(value: float | None, one: float) -> float | None:
    """1 point at `one`, and 1 more for each doubling."""
    if value is None:
        return None
    return _clipped(1 + math.log2(value / one)) if value > 0 else 0.0


def _yes(value: bool | None) -> float | None:
    return None if value is None else 5.0 if value else 0.0


def _minutes(offer: Plain, platform: Plain) -> float | None:
    minutes = [step["minutes"] for step in platform["setup"]]
    if platform["state"] != "open":
        return 0.0
    return None if not minutes or None in minutes else _clipped(6 - math.log2(max(1, sum(minutes))))


def _week(offer: Plain, platform: Plain) -> float | None:
    week, day = offer["hours_per_week"], offer["hours_per_day"]
    if week is None or day is None:
        return None
    return _log(min(week or 168, 7 * (day or 24)), 4)


def _price(offer: Plain, platform: Plain) -> float | None:
    """Ten hours a month, whole purchases and credits counted; the power of one's own is left out."""
    if offer["owned"]:
        return 5.0
    usd = advise.cost(offer, 10, 0)
    return None if usd is None else _clipped(5 - math.log2(1 + usd / 10 / 0.1))


@dataclass(frozen=True)
class Criterion:
    """What is weighed: its words, how its points come about, and the reason that many points give."""

    id: str
    words: str
    how: str
    points: Callable[[Plain, Plain], float | None]
    reason: str
    best: str  # what a place is best for that is ahead in this
    weight: int = 3  # where nobody has said anything


CRITERIA = (
    Criterion(
        "start",
        "quick to begin",
        "5 at two minutes of set-up, one less for each doubling; 0 where newcomers do not get in",
        _minutes,
        "it is ready in minutes",
        "beginning at once",
    ),
    Criterion(
        "price",
        "cheap",
        (
            "5 where ten hours a month cost nothing or the machine is one's own, less for each doubling of "
            "0.10 USD an hour"
        ),
        _price,
        "it costs little or nothing",
        "paying nothing",
    ),
    Criterion(
        "speed",
        "fast",
        "1 at 3 TFLOP/s sustained in 16 bits, one more for each doubling",
        lambda o, p: _log(o["half_tflops"] and o["half_tflops"] * o["count"], 3),
        "its accelerator is fast",
        "speed",
    ),
    Criterion(
        "memory",
        "much memory",
        "1 at 4 GB on the accelerator, one more for each doubling",
        lambda o, p: _log(o["memory_gb"], 4) if o["kind"] != "cpu" else 0.0,
        "large models fit",
        "large models",
    ),
    Criterion(
        "session",
        "long sessions",
        "1 at one hour, one more for each doubling; 5 without a limit",
        lambda o, p: 5.0 if o["session_hours"] == 0 else _log(o["session_hours"], 1),
        "a session is long",
        "runs of many hours",
    ),
    Criterion(
        "week",
        "many hours a week",
        "1 at 4 hours a week, one more for each doubling",
        _week,
        "a week holds many hours",
        "many runs a week",
    ),
    Criterion(
        "background",
        "browser closed",
        "5 where a run goes on with the browser closed",
        lambda o, p: _yes(o["background"]),
        "runs go on with the browser closed",
        "long runs with the browser closed",
    ),
    Criterion(
        "keeps",
        "keeps files",
        "5 where files stay between sessions",
        lambda o, p: _yes(o["persistent"]),
        "files stay",
        "work that goes on tomorrow",
    ),
    Criterion(
        "private",
        "private",
        "5 where notebooks can be private",
        lambda o, p: _yes(o["private"]),
        "it is private",
        "private work",
    ),
    Criterion(
        "variant",
        "our notebooks",
        "5 where a variant of ours runs",
        lambda o, p: _yes(o["variant"]),
        "our notebooks are there",
        "our notebooks",
    ),
)
WEIGHTS = {c.id: c.weight for c in CRITERIA}
# who wants what: judgements, like every weight
PEOPLE = (
    ("a beginner", {"start": 5, "price": 5, "variant": 5, "speed": 1, "private": 1}),
    ("a data scientist", {"week": 5, "background": 4, "keeps": 3, "memory": 3, "speed": 3, "price": 4, "variant": 3}),
    (
        "a developer",
        {
            "keeps": 5,
            "private": 5,
            "session": 4,
            "background": 3,
            "week": 3,
            "speed": 3,
            "memory": 2,
            "price": 2,
            "variant": 2,
        },
    ),
    ("a teacher", {"start": 5, "price": 5, "variant": 4, "week": 2, "session": 1, "speed": 3}),
    (
        "a creator of clips and voices",
        {"speed": 5, "memory": 4, "background": 4, "week": 4, "price": 3, "variant": 5, "keeps": 2},
    ),
)


def points(reader: Reader, offer: Plain) -> dict[str, float | None]:
    """The points of a machine, 0 to 5 for each criterion; None where its fact is unknown."""
    platform = reader.platforms[offer["platform"]]
    given = {c.id: c.points(offer, platform) for c in CRITERIA}
    if offer["kind"] not in reader.kinds:  # a variant is there, and does not run on this kind of machine
        given["variant"] = 0.0
    return given


def total(given: dict[str, float | None], weights: dict[str, float]) -> float:
    """The weighted mean, 0 to 5, in tenths; an unknown counts as 0. The page's script has the same sum."""
    whole = sum(weights.values())
    if not whole:
        return 0.0
    return math.floor(sum((given[k] or 0.0) * w for k, w in weights.items()) / whole * 10 + 0.5) / 10
