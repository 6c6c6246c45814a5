"""The sentences of an answer: why a machine fits, why it does not. Made from the numbers, without any of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from anylab.catalog.amounts import duration

Plain = Mapping[str, Any]
NO_WORK = "nobody has counted what this notebook's work takes, so no time can be said; see docs/guide.md"


def number(x: float) -> str:
    """A number as people write it: at most three figures after the point, none that are nought."""
    return f"{x:.3f}".rstrip("0").rstrip(".") if x < 100 else f"{x:,.0f}"


_SIZES = ("larger", "", "smaller")


def size(lesser: int) -> str:
    """What a way does beside the usual job: "larger", "smaller", or '' where it is the same."""
    return _SIZES[(lesser > 0) - (lesser < 0) + 1]


def sized(told: str, lesser: int) -> str:
    """A time or a price with what it is for, where that is another job than the usual one."""
    return f"{told} ({size(lesser)})" if lesser else told


def money(usd: float | None) -> str:
    """USD, in words where there are none."""
    return "price unknown" if usd is None else "free" if usd == 0 else f"{usd:.2f} USD"


def minded(rows: Iterable[Plain], platforms: Mapping[str, str]) -> list[str]:
    """What the places of these rows say on the work, each thing once, with the places that say it; `platforms` names
    the place of an offer."""
    said: dict[str, dict[str, None]] = {}
    for row in rows:
        if row["caution"]:
            said.setdefault(row["caution"], {})[platforms[row["offer"]]] = None
    return [f"{', '.join(places)}: {caution}" for caution, places in said.items()]


def refusal(why: Plain, offer: Plain, work: Plain) -> str:
    """One sentence: why this machine is not for it."""
    has, wants = why["has"], why["wants"]
    match why["code"]:
        case "kind":
            return f"there is no way of doing this on a {has}; it wants a {wants}"
        case "capability":
            return f"needs compute capability {wants:g}, this has {'an unknown one' if has is None else f'{has:g}'}"
        case "memory":
            where = "the machine" if offer["kind"] == "cpu" else "the accelerator"
            return f"needs {_gb(wants)} of memory on {where}, this has {_gb(has)}"
        case "ram":
            return f"needs {_gb(wants)} of memory, the machine has {_gb(has)}"
        case "disk":
            return f"needs {_gb(wants)} of disk, {_gb(has)} are free"
        case "session":
            return f"one {work['unit']} takes longer ({duration(wants)}) than a session ({duration(has)})"
        case "budget":
            return f"costs {money(has)}"
        case "background" | "persistent" | "private" as need:
            return _lacks(has, _NEEDS[need])
        case code:
            return _SAID[code]


_SAID = {
    "dead": "it is gone",
    "closed": "it is closed to newcomers; name it in --have if you have an account",
    "unconfirmed": "nobody could confirm that this machine can be had; name it in --have if you have it",
    "have": "it is not among what you have",
    "notebook": "it does not run a notebook as it is",
    "internet": "what must be fetched cannot be fetched from there",
    "rate": "nobody has said how fast this goes on it, so no time can be said",
    "price": "its price is unknown, so it cannot be held against a budget",
}
_NEEDS = {
    "background": "run on with the browser closed",
    "persistent": "keep files between sessions",
    "private": "keep a notebook private",
}


def _gb(x: float | None) -> str:
    return "an unknown amount" if x is None else f"{number(x)} GB"


def _lacks(has: bool | None, what: str) -> str:
    return f"does not {what}" if has is False else f"whether it can {what} is unknown"


def reason(row: Plain, offer: Plain) -> str:
    """One sentence: what it costs, how it goes, what to mind."""
    said = [money(row["usd"]), _sessions(row, offer)]
    if row["lesser"]:
        said.append(f"a {size(row['lesser'])} job: {row['choice']}")
    if not offer["variant"]:
        said.append("no variant of ours yet")
    if offer["owned"]:
        said[0] = f"your own, {money(row['usd'])} of power" if row["usd"] else "your own"
    elif row["usd"] == 0 and offer["usd_per_hour"]:
        said[0] = "free within its monthly credit"
    if offer["on_top"]:
        said[0] += f" (what comes on top is not in it: {offer['on_top']})"
    if offer["background"] and not offer["owned"]:
        said.append("runs on with the browser closed")
    elif offer["background"] is False and not offer["owned"]:
        said.append("the browser stays open")
    if not row["quota_known"]:
        said.append("its quota is not published")
    if row["grade"] == "estimated":
        said.append("the time is an estimate")
    text = ", ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _sessions(row: Plain, offer: Plain) -> str:
    took = f"about {duration(row['hours'])}"
    days = f" on {row['days']} days" if row["days"] > 1 else ""
    if row["sessions"] is None:
        return f"{took} in sessions of unknown length{days}"
    if row["sessions"] > 1:
        return f"{took} in {row['sessions']} sessions{days}"
    if row["days"] > math.ceil(row["hours"] / 24):  # a quota, not the session, spreads it
        return f"{took} of work, which its quota spreads over {row['days']} days"
    return took if offer["session_hours"] == 0 else f"{took} in one session"
