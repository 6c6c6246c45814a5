"""A question to the guide, from words on the command line to plain data, and an answer as people read it.

Raises Refused, one line each, for what is unknown, negative or absurd.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from anylab.catalog import amounts, words
from anylab.catalog.advise import NEEDS
from anylab.errors import Origin, Refused, did_you_mean, refuse

Plain = Mapping[str, Any]
MOST = {"steps": 1e9, "clips": 1e6, "minutes-of-audio": 1e6}  # beyond that somebody has mistyped
WHOLE = ("steps", "clips")  # what is counted; minutes may be parts of one
MOST_USD = 1e6


def question(
    table: Plain,
    notebook: str,
    amounts: Mapping[str, float | None],
    have: Sequence[str] = (),
    budget: float | None = None,
    need: Iterable[str] = (),
    hour: float = 0.0,
    kwh: float | None = None,
    choice: str | None = None,
) -> dict[str, Any]:
    """The `ask` of advise(table, ask). `amounts` are the three options by name, None where not given."""
    if notebook not in table["notebooks"]:
        raise refuse(Origin(notebook), f"no such notebook{did_you_mean(notebook, table['notebooks'])}")
    work = table["notebooks"][notebook]["work"]
    return {
        "notebook": notebook,
        "units": _units(notebook, work, amounts),
        "have": _named(table, have),
        "budget": None if budget is None else _within("--budget", budget, 0, MOST_USD),
        "need": _needs(need),
        "hour_usd": _within("--hour", hour, 0, MOST_USD),
        "kwh_usd": _within("--kwh", power(table) if kwh is None else kwh, 0, 100),
        "choice": _choice(notebook, work, choice),
    }


def power(table: Plain) -> float:
    """What a kilowatt hour costs in USD where a machine is one's own, as its folder says; 0 where nobody says."""
    facts = (p["facts"].get("usd_per_kwh", {}).get("value") for p in table["platforms"])
    return next((usd for usd in facts if usd is not None), 0.0)


def _units(notebook: str, work: Plain | None, amounts: Mapping[str, float | None]) -> float:
    given = {option: amount for option, amount in amounts.items() if amount is not None}
    if work is None:
        return next(iter(given.values()), 0)
    wrong = sorted(set(given) - {work["option"]})
    if wrong:
        what = f"{notebook} is counted in {work['units']}: say --{work['option']}"
        raise refuse(Origin(f"--{wrong[0]}"), what)
    if not given:
        return work["ask"]
    option = work["option"]
    amount, most = given[option], MOST[option]
    if not 0 < amount <= most:  # nor is it, where it is no number
        raise refuse(Origin(f"--{option}"), f"must be a number above 0, at most {most:,.0f}, not {amount:g}")
    if option in WHOLE and amount != int(amount):
        raise refuse(Origin(f"--{option}"), f"{work['units']} are counted: a whole number, not {amount:g}")
    return amount


def _within(option: str, amount: float, least: float, most: float) -> float:
    if not math.isfinite(amount) or not least <= amount <= most:
        raise refuse(Origin(option), f"must be a number from {least:g} to {most:,.0f}, not {amount:g}")
    return amount


def _split(values: Iterable[str]) -> list[str]:
    return [part for value in values for part in (p.strip() for p in value.split(",")) if part]


def _named(table: Plain, have: Sequence[str]) -> list[str]:
    """Platforms, or platform:card, that the table knows."""
    cards: dict[str, set[str]] = {p["id"]: set() for p in table["platforms"]}
    for offer in table["offers"]:
        cards[offer["platform"]].add(offer["card"])
    named, problems = _split(have), []
    if have and not named:  # an empty variable of a script, which must not come to mean every place
        raise refuse(Origin("--have"), "names no platform; leave it out to mean all of them")
    for name in named:
        platform, colon, card = name.partition(":")
        if platform not in cards:
            near = did_you_mean(platform, cards)
            problems += refuse(Origin("--have"), f"no such platform '{platform}'{near}").problems
        elif colon and card not in table["cards"]:
            near = did_you_mean(card, cards[platform] or table["cards"])
            problems += refuse(Origin("--have"), f"no such card '{card}'{near}").problems
        elif colon and card not in cards[platform]:
            has = ", ".join(sorted(cards[platform])) or "none"
            problems += refuse(Origin("--have"), f"{platform} has no '{card}'; it has: {has}").problems
    if problems:
        raise Refused(problems)
    return named


def _needs(need: Iterable[str]) -> list[str]:
    given = list(need)
    named = _split(given)
    if given and not named:  # as above: it must not come to mean no need at all
        raise refuse(Origin("--need"), f"names no need; leave it out to mean none; known: {', '.join(NEEDS)}")
    for name in named:
        if name not in NEEDS:
            raise refuse(Origin("--need"), f"unknown need '{name}'{did_you_mean(name, NEEDS)}")
    return named


def _choice(notebook: str, work: Plain | None, choice: str | None) -> str:
    if choice is None:
        return ""
    known = [c["id"] for c in work["choices"]] if work else []
    if choice not in known:
        raise refuse(Origin("--as"), f"{notebook} has no way called '{choice}'{did_you_mean(choice, known)}")
    return choice


_SHORT = {"estimated": " (est.)", "published": " (publ.)", "reported": " (rep.)"}
HEADINGS = ("", "machine", "batch", "time", "sessions", "days", "USD")


def columns(row: Plain) -> Sequence[str]:
    """The cells of one row of the ranked table, after its number; narrow, for a terminal of 80 columns."""
    return (
        row["offer"],
        str(row["batch"]),
        words.sized(amounts.duration(row["hours"]) + _SHORT.get(row["grade"], ""), row["lesser"]),
        "?" if row["sessions"] is None else str(row["sessions"]),
        f"{row['days']:,}{'' if row['quota_known'] else '?'}",
        "?" if row["usd"] is None else f"{row['usd']:.2f}",
    )


def beside(answer: Plain, offers: Mapping[str, Plain], work: Plain) -> Iterator[str]:
    """What stands below the table: a sentence for each row, what the ways are, what to mind, and why not the rest."""
    for number, row in enumerate(answer["rows"], 1):
        lost = f" Lost when its session ends: {row['lost']}." if row["lost"] else ""
        yield f"{number}. {offers[row['offer']]['words']} ({row['choice']}): {row['reason']}{lost}"
    if any(not row["quota_known"] for row in answer["rows"]):
        yield "days with a ?: its quota is not published, so they may be more"
    if any(row["sessions"] is None or row["usd"] is None for row in answer["rows"]):
        yield "?: not known"
    taken = {row["choice"] for row in answer["rows"]}
    for way in (c for c in work["choices"] if c["id"] in taken):
        yield f"{way['id']}: {way['words']}"
    begun = [(offers[row["offer"]]["words"].partition(":")[0], offers[row["offer"]]["entry"]) for row in answer["rows"]]
    for place, entry in dict.fromkeys(begun):
        if entry:
            yield f"to begin: {place}: {entry}"
    places = {id: offer["words"].partition(",")[0] for id, offer in offers.items()}
    yield from (f"mind: {said}" for said in words.minded(answer["rows"], places))
    by_reason: dict[str, list[str]] = {}
    other = [entry for entry in answer["refused"] if entry["code"] != "have"]
    for entry in other:
        by_reason.setdefault(entry["why"], []).append(offers[entry["offer"]]["words"])
    for why, names in by_reason.items():
        yield f"not: {'; '.join(names)}: {why}"
    if len(other) < len(answer["refused"]):
        yield f"{len(answer['refused']) - len(other)} machines are left out: not among what you have (--have)"
