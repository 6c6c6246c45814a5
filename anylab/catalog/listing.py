"""The facts as people read them on a terminal, and which of them have aged."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from anylab import facts
from anylab.errors import Origin, refuse

Plain = Mapping[str, Any]


def every(table: Plain) -> Iterator[tuple[str, str, Plain]]:
    """(where, name, fact) for each fact of the table: platforms, plans, machines, cards."""
    for platform in table["platforms"]:
        yield from ((platform["id"], name, fact) for name, fact in platform["facts"].items())
        for step in platform["setup"]:
            yield platform["id"], "setup", {"value": step["do"], **step}
        for plan in platform["plans"]:
            where = f"{platform['id']}/{plan['id']}"
            yield from ((where, name, fact) for name, fact in plan["facts"].items())
            for machine in plan["machines"]:
                yield from ((f"{where}/{machine['id']}", name, fact) for name, fact in machine["facts"].items())
    for card, about in table["cards"].items():
        yield from ((card, name, fact) for name, fact in about["facts"].items())


def stale(table: Plain, days: int, today: datetime.date) -> list[tuple[int, str, str, Plain]]:
    """(age in days, where, name, fact) of each fact older than `days` on that day, the oldest first."""
    aged = [(facts.age_in_days(fact["date"], today), where, name, fact) for where, name, fact in every(table)]
    return sorted((entry for entry in aged if entry[0] > days), key=lambda entry: (-entry[0], entry[1], entry[2]))


def ahead(table: Plain, today: datetime.date) -> list[tuple[str, str, Plain]]:
    """(where, name, fact) of each fact whose date comes after that day, in reading order."""
    return [(where, name, fact) for where, name, fact in every(table) if facts.lies_ahead(fact["date"], today)]


def day(text: str | None) -> datetime.date:
    """The day that was given (YYYY-MM-DD), today where none was. Raises Refused for what is no day."""
    if text is None:
        return datetime.date.today()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise refuse(Origin("--on"), f"wants a day like 2026-11-28, not {text}") from None


def shown(fact: Plain, unit: str = "") -> str:
    """A value as people read it."""
    value = fact["value"]
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, int | float):
        return f"{value:g}{f' {unit}' if unit else ''}"
    return str(value)


def lines(table: Plain, platform: Plain) -> Iterator[str]:
    """One platform: every fact with its grade, date and source."""
    state = "" if platform["state"] == "open" else f" ({platform['state']})"
    variants = "" if platform["variants"] else "; facts only, no notebook variant yet"
    yield f"{platform['name']} [{platform['id']}]{state}{variants}"
    yield from _facts(table, platform["facts"], "  ")
    for plan in platform["plans"]:
        yield f"  plan {plan['id']}: {plan['name']}"
        yield from _facts(table, plan["facts"], "    ")
        for machine in plan["machines"]:
            count = f"{machine['count']} x " if machine["count"] > 1 else ""
            yield f"    {machine['id']}: {count}{table['cards'][machine['card']]['name']}"
            yield from _facts(table, machine["facts"], "      ")
    for step in platform["setup"]:
        yield f"  to begin: {step['do']} ({step['minutes']:g} min, {step['grade']})"


def _facts(table: Plain, found: Mapping[str, Plain], indent: str) -> Iterator[str]:
    for name, fact in found.items():
        about = table["words"][name]
        note = f"; {fact['note']}" if fact["note"] else ""
        value = shown(fact, about["unit"])
        yield f"{indent}{about['words']}: {value}{note} [{fact['grade']}, {fact['date']}: {fact['source']}]"
