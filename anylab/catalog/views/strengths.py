"""For and against a place, and what it is best for: read off its facts by the rules below, never written by hand."""

from __future__ import annotations

from collections.abc import Iterator

from anylab.catalog import amounts
from anylab.catalog.blocks import ESTIMATE, Cell
from anylab.catalog.reading import STATES, Plain, Reader, time
from anylab.catalog.views.criteria import CRITERIA, points

_SHORT, _LONG = 4, 12  # hours of a session that count against a place, and for it
_SOON, _NOW = 5, 20  # minutes of set-up that count for a place; idle minutes that count against it
_LARGE = 40  # GB of a card


def fors(reader: Reader, platform: Plain) -> tuple[Cell, ...]:
    """What speaks for a place."""
    if platform["state"] == "dead":
        return ()
    return tuple(_fors(reader, platform))


def againsts(reader: Reader, platform: Plain) -> tuple[Cell, ...]:
    """What speaks against it."""
    return tuple(_againsts(reader, platform))


def best_for(reader: Reader, platform: Plain, plan: str = "") -> Cell:
    """The two criteria in which a place (or a plan of it) is furthest above the mean of all machines."""
    if platform["state"] == "dead":
        return Cell("nothing: it is gone")
    facts = platform["facts"]
    if facts.get("takes_notebooks", {}).get("value") is False:
        return Cell("apps and calls, not notebooks", reader.fact(facts["takes_notebooks"]).source)
    mine = [(o, points(reader, o)) for o in _offers(reader, platform) if plan in ("", o["plan"])]
    if not mine:
        return Cell("unknown", mark="unknown")
    ahead = []
    for criterion in CRITERIA:
        best = max(p[criterion.id] or 0.0 if _earned(criterion.id, o) else 0.0 for o, p in mine)
        ahead.append((best - _means(reader)[criterion.id], best, criterion))
    good = sorted((a for a in ahead if a[0] > 0 and a[1] >= 3.5), key=lambda a: -a[0])[:2]
    return Cell("; ".join(a[2].best for a in good) or "trying things out")


def _earned(criterion: str, offer: Plain) -> bool:
    """Whether points speak for what a place is best for: hours count where a run outlasts the browser, a quota where
    it is given and not bought."""
    if criterion == "session":
        return offer["owned"] or offer["background"] is True
    return criterion != "week" or offer["owned"] or offer["usd_per_hour"] == 0


def _means(reader: Reader) -> dict[str, float]:
    """The mean points of every criterion over all machines that run notebooks; computed once."""
    found = reader.kept.get("means")
    if found is None:
        given = [points(reader, o) for o in reader.table["offers"] if o["notebooks"] is True and o["state"] != "dead"]
        found = {c.id: sum(g[c.id] or 0.0 for g in given) / max(1, len(given)) for c in CRITERIA}
        reader.kept["means"] = found
    return found


def _offers(reader: Reader, platform: Plain) -> list[Plain]:
    return [o for o in reader.table["offers"] if o["platform"] == platform["id"]]


def _said(reader: Reader, platform: Plain, key: str, words: str) -> Cell:
    """Words about a fact, with its source."""
    fact = platform["facts"].get(key)
    return Cell(words, reader.fact(fact).source if fact else 0)


def _fors(reader: Reader, platform: Plain) -> Iterator[Cell]:
    facts, offers = platform["facts"], _offers(reader, platform)
    owned = any(o["owned"] for o in offers)
    if platform["variants"]:
        yield Cell("our notebooks are there")
    if any(o["usd_per_hour"] == 0 and o["kind"] == "gpu" and not o["owned"] for o in offers):
        yield _said(reader, platform, "usd_per_hour", "a GPU for nothing")
    if any(o["usd_credit"] for o in offers):
        yield Cell(f"{amounts.money(max(o['usd_credit'] or 0 for o in offers))} of credit a month")
    sizes = [o["memory_gb"] for o in offers if o["kind"] != "cpu" and o["memory_gb"] and not o["owned"]]
    if sizes and max(sizes) >= _LARGE:
        yield Cell(f"up to {amounts.number(max(sizes))} GB on the accelerator")
    if owned:
        yield Cell("no session ends, no quota")
    elif any(o["session_hours"] == 0 for o in offers):
        yield _said(reader, platform, "session_hours", "sessions without a limit")
    elif max((o["session_hours"] or 0 for o in offers), default=0) >= _LONG:
        longest = max(o["session_hours"] or 0 for o in offers)
        yield _said(reader, platform, "session_hours", f"sessions of up to {amounts.number(longest)} h")
    if any(o["hours_per_week"] for o in offers):
        most = max(o["hours_per_week"] or 0 for o in offers)
        yield _said(reader, platform, "weekly_gpu_hours", f"a published quota: {amounts.number(most)} h a week")
    elif any(o["hours_per_day"] for o in offers):
        most = max(o["hours_per_day"] or 0 for o in offers)
        yield _said(reader, platform, "daily_gpu_hours", f"a published quota: {amounts.number(most)} h a day")
    for key, words in (
        ("background", "runs on with the browser closed"),
        ("persists", "files stay between sessions"),
        ("private", "notebooks can be private"),
    ):
        if facts.get(key, {}).get("value") is True:
            yield _said(reader, platform, key, words)
    minutes = sum(step["minutes"] for step in platform["setup"])
    if platform["setup"] and minutes <= _SOON and platform["state"] == "open":
        yield Cell(f"ready in {amounts.number(minutes)} minutes", mark=ESTIMATE)


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _without_gpu(reader: Reader, platform: Plain, offers: list[Plain]) -> Iterator[Cell]:
    """No GPU where the facts say that none can be had; where they name some, those machines are only not known here."""
    facts = [plan["facts"].get("accelerators", platform["facts"].get("accelerators")) for plan in platform["plans"]]
    said = {word for fact in facts if fact and fact["value"] for word in _listed(fact["value"])}
    if any(not word.startswith("none") for word in said):
        plans = {o["plan"] for o in offers}
        names = ", ".join(p["name"] for p in platform["plans"] if p["id"] in plans)
        yield _said(reader, platform, "accelerators", f"without a GPU: {names}")
    else:
        yield _said(reader, platform, "accelerators", "no GPU")


def _againsts(reader: Reader, platform: Plain) -> Iterator[Cell]:
    facts, offers = platform["facts"], _offers(reader, platform)
    if platform["state"] != "open":
        yield _said(reader, platform, "state", STATES[platform["state"]][0])
    if platform["state"] == "dead":
        return
    if facts.get("takes_notebooks", {}).get("value") is False:
        wants = facts.get("wants", {}).get("value")
        yield _said(
            reader,
            platform,
            "takes_notebooks",
            f"no notebooks: it wants {wants}" if wants else "runs no notebook as it is",
        )
    if offers and not any(o["kind"] != "cpu" for o in offers):
        yield from _without_gpu(reader, platform, offers)
    for key, words in (
        ("background", "stops when the browser closes"),
        ("persists", "keeps no files between sessions"),
        ("private", "notebooks are public"),
    ):
        if facts.get(key, {}).get("value") is False:
            yield _said(reader, platform, key, words)
    longest = max((o["session_hours"] or 0 for o in offers), default=0)
    if longest and longest <= _SHORT and not any(o["session_hours"] == 0 for o in offers):
        yield _said(reader, platform, "session_hours", f"sessions of {amounts.number(longest)} h at most")
    idle = facts.get("idle_minutes", {}).get("value")
    if isinstance(idle, int | float) and idle <= _NOW:
        yield _said(reader, platform, "idle_minutes", f"ends after {time(idle / 60).text} without you")
    if any(o["hours_per_week"] is None or o["hours_per_day"] is None for o in offers if o["kind"] != "cpu"):
        yield _said(reader, platform, "weekly_gpu_hours", "its quota is not published")
    if facts.get("internet", {}).get("value") in ("switch", "restricted"):
        words = {"switch": "internet is off until you switch it on", "restricted": "internet is restricted"}
        yield _said(reader, platform, "internet", words[facts["internet"]["value"]])
    free = [o for o in offers if o["usd_per_hour"] == 0 and o["kind"] == "gpu" and not o["owned"]]
    if free and all(o["capability"] is not None and o["capability"] < 8 for o in free):
        yield Cell("what is free has no native bf16")
    rented = [(o["kind"] == "cpu", o["usd_per_hour"]) for o in offers if o["usd_per_hour"]]
    if rented and not free:
        cores, least = min(rented)  # a GPU before bare cores, which cost less and do less
        what = "" if cores else " for a GPU"
        yield _said(reader, platform, "usd_per_hour", f"from {least:.2f} USD an hour{what}")
    if any(o["owned"] for o in offers):
        yield Cell("a card to buy, and everything to look after")
