"""Which machine for this notebook and this much of it: the table of facts and a question in, a ranked answer out.

    advise(table, ask) -> {"notebook", "units", "unit", "rows", "refused", "note"}

`ask` is {"notebook", "units", "have", "budget", "need", "hour_usd", "kwh_usd", "choice"}; docs/guide.md describes both.
What is unknown stays unknown: an unknown quota or price is told, never guessed.

Pure, and mirrored in the page's script: the same few operations as in `rates`. Sentences are made in `words`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from anylab.catalog import rates, words

Plain = Mapping[str, Any]
NEEDS = ("background", "persistent", "private")
CODES = (
    "dead", "closed", "unconfirmed", "have", "notebook", "kind", "capability", "memory", "ram", "disk", "internet",
    "rate", "session", "background", "persistent", "private", "price", "budget",
)  # fmt: skip


def advise(table: Plain, ask: Plain) -> dict[str, Any]:
    """Every machine of the table judged for this question; `rows` fit and are ranked, `refused` say why not."""
    notebook = table["notebooks"][ask["notebook"]]
    work = notebook["work"]
    answer: dict[str, Any] = {"notebook": ask["notebook"], "units": ask["units"], "unit": "", "note": ""}
    answer |= {"rows": [], "refused": []}
    if work is None:
        answer["note"] = words.NO_WORK
        return answer
    answer["unit"] = work["unit"]
    keys = {}
    for offer in table["offers"]:
        row, why = judge(notebook, work, offer, ask)
        if why:
            answer["refused"].append({"offer": offer["id"], **why, "why": words.refusal(why, offer, work)})
        else:
            keys[offer["id"]] = _rank(row, offer, ask)
            answer["rows"].append(_shown(row, offer, ask))
    answer["rows"].sort(key=lambda row: keys[row["offer"]])
    return answer


def way(notebook: Plain, offer: Plain, asked: str = "") -> tuple[Plain | None, float, dict[str, Any]]:
    """(the way in which this machine does the work, seconds of a unit, {}), or (None, 0.0, why there is none).

    The views ask it too, so that no table gives a time or a tick where advice refuses.
    """
    why = _room(notebook["needs"], offer)
    choices, lacks = ([], why) if why else rates.suited(notebook["work"], offer, asked)
    return (None, 0.0, lacks) if lacks else _in_a_session(choices, offer)


def judge(notebook: Plain, work: Plain, offer: Plain, ask: Plain) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the work takes on this machine, {}) or ({}, why it is not for it: code, has, wants)."""
    why = _gate(offer, ask["have"])
    if why:
        return {}, why
    choice, each, why = way(notebook, offer, ask["choice"])
    if choice is None:
        return {}, why
    for need in NEEDS:
        if need in ask["need"] and offer[need] is not True:
            return {}, {"code": need, "has": offer[need], "wants": True}
    hours = rates.total_seconds(choice, offer, ask["units"], each) / 3600
    row = {"choice": choice, "each": each, "hours": hours, "usd": cost(offer, hours, ask["kwh_usd"])}
    if ask["budget"] is not None:
        if row["usd"] is None:
            return {}, {"code": "price", "has": None, "wants": ask["budget"]}
        if rates.rounded(row["usd"], 2) > ask["budget"]:
            return {}, {"code": "budget", "has": rates.rounded(row["usd"], 2), "wants": ask["budget"]}
    return row | calendar(offer, hours), {}


def _gate(offer: Plain, have: Sequence[str]) -> dict[str, Any]:
    """Why nobody, or not this person, gets this machine."""
    named = offer["platform"] in have or f"{offer['platform']}:{offer['card']}" in have
    if not named and (have or offer["owned"]):
        return {"code": "have", "has": None, "wants": None}
    if offer["state"] == "dead" or (offer["state"] in ("closed", "unconfirmed") and not named):
        return {"code": offer["state"], "has": None, "wants": None}
    if offer["notebooks"] is not True:
        return {"code": "notebook", "has": offer["notebooks"], "wants": True}
    return {}


def _room(needs: Plain, offer: Plain) -> dict[str, Any]:
    """What the machine itself lacks; what is unknown of it refuses nothing."""
    for code, key in (("ram", "ram_gb"), ("disk", "disk_gb")):
        if offer[key] is not None and needs.get(key, 0) > offer[key]:
            return {"code": code, "has": offer[key], "wants": needs[key]}
    if needs.get("internet", "none") != "none" and offer["internet"] == "restricted":
        return {"code": "internet", "has": offer["internet"], "wants": needs["internet"]}
    return {}


def _in_a_session(choices: Sequence[Plain], offer: Plain) -> tuple[Plain | None, float, dict[str, Any]]:
    """(the first way whose time is known and whose unit fits a session, its seconds, {}), or why there is none."""
    first: dict[str, Any] = {}
    for choice in choices:
        each = rates.unit_seconds(choice, offer)
        if each is None:
            why: dict[str, Any] = {"code": "rate", "has": None, "wants": None}
        elif offer["session_hours"] and each > offer["session_hours"] * 3600:
            why = {"code": "session", "has": offer["session_hours"], "wants": each / 3600}
        else:
            return choice, each, {}
        first = first or why
    return None, 0.0, first


def calendar(offer: Plain, hours: float) -> dict[str, Any]:
    """How many sessions, on how many days and how long from begin to end, under the limits that are known (0: none).

    A day holds the daily quota or 24 hours; a week the weekly quota. Each full week before the last takes 7 days.
    """
    day = offer["hours_per_day"] or 24
    week = min(offer["hours_per_week"], 7 * day) if offer["hours_per_week"] else 7 * day
    weeks = max(0, math.ceil(hours / week) - 1)
    rest = hours - weeks * week
    days = max(1, math.ceil(rest / day))
    limit = offer["session_hours"]
    return {
        "sessions": None if limit is None else max(1, math.ceil(hours / limit)) if limit else 1,
        "days": weeks * 7 + days,
        "elapsed_hours": weeks * 168 + (days - 1) * 24 + (rest - (days - 1) * day),
        "quota_known": offer["hours_per_week"] is not None and offer["hours_per_day"] is not None,
    }


def cost(offer: Plain, hours: float, kwh_usd: float) -> float | None:
    """USD that are really paid: the hours, less a free credit, in whole purchases; a machine of one's own takes power.

    None where the price is unknown. A month's credit counts once.
    """
    if offer["owned"]:
        return hours * offer["watts"] * offer["count"] / 1000 * kwh_usd if offer["watts"] is not None else None
    if offer["usd_per_hour"] is None:
        return None
    usd = max(0.0, hours * offer["usd_per_hour"] - offer["usd_credit"])
    return math.ceil(usd / offer["usd_block"]) * offer["usd_block"] if offer["usd_block"] else usd


def _rank(row: Plain, offer: Plain, ask: Plain) -> tuple:
    """Variants first, the fuller ways of doing the work, known prices, then money and time together, then what a quota
    that nobody publishes may stop between sessions last, time; of equals the one with a known quota, the one that runs
    on alone, the name."""
    unknown = row["usd"] is None
    usd = 0.0 if unknown else row["usd"]
    if offer["owned"]:
        usd = rates.rounded(usd, 1)  # of one's own cards the faster one, where power differs by cents alone
    worth = usd + ask["hour_usd"] * row["elapsed_hours"]
    doubtful = not row["quota_known"]
    first = (not offer["variant"], max(0, row["choice"]["lesser"]), unknown, worth, doubtful and row["sessions"] != 1)
    return (*first, row["elapsed_hours"], doubtful, offer["background"] is not True, offer["id"])


def _shown(row: dict[str, Any], offer: Plain, ask: Plain) -> dict[str, Any]:
    choice = row["choice"]
    shown = {
        "offer": offer["id"],
        "choice": choice["id"],
        "lesser": choice["lesser"],
        "batch": rates.batch(choice, offer),
        "seconds": rates.rounded(row["each"], 4),
        "hours": rates.rounded(row["hours"], 6),
        "grade": rates.grade(choice, offer),
        "sessions": row["sessions"],
        "days": row["days"],
        "elapsed_hours": rates.rounded(row["elapsed_hours"], 6),
        "quota_known": row["quota_known"],
        "usd": None if row["usd"] is None else rates.rounded(row["usd"], 2),
        "variant": offer["variant"],
        "unknown": [key for key in ("ram_gb", "disk_gb", "session_hours") if offer[key] is None],
        "caution": offer["terms"] if choice["terms"] else "",
        "lost": offer["lost"],
    }
    return shown | {"reason": words.reason(shown, offer)}
