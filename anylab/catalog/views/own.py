"""A machine of one's own against somebody else's: the facts of the one beside the span of all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from anylab.catalog import advise, amounts
from anylab.catalog.asking import power
from anylab.catalog.blocks import ESTIMATE, UNKNOWN, Cell, Table
from anylab.catalog.reading import NOTHING, Plain, Reader

_WORDS = (
    ("who else has the data", "privacy"),
    ("more of everything", "upgrade"),
    ("who looks after it", "maintenance"),
)


def table(reader: Reader) -> Table | None:
    """None where the facts know no machine of one's own, or nothing else."""
    own = [o for o in reader.table["offers"] if o["owned"] and o["state"] == "open"]
    others = [o for o in reader.table["offers"] if not o["owned"] and o["state"] == "open" and o["notebooks"] is True]
    if not own or not others:
        return None
    sides = (own, others)
    rows = [
        ("minutes to begin", *(_span(_minutes(reader, side), "min", True) for side in sides)),
        ("memory on the accelerator", *(_span(_of(side, "memory_gb", "gpu"), "GB") for side in sides)),
        ("longest session", *(_limits(side, "session_hours", "h") for side in sides)),
        ("hours a week", *(_limits(side, "hours_per_week", "h") for side in sides)),
        ("an hour costs", *(_span(_prices(reader, side), "USD", side is own) for side in sides)),
        ("runs on with the browser closed", *(_share(side, "background") for side in sides)),
        ("keeps files", *(_share(side, "persistent") for side in sides)),
        ("can be private", *(_share(side, "private") for side in sides)),
    ]
    cells = [(Cell(words), *rest) for words, *rest in rows]
    cells += [(Cell(words), _said(reader, own, key), _said(reader, others, key)) for words, key in _WORDS]
    head = ("what", "a machine of your own", "open places of others that run notebooks")
    return Table("own-t", "Your own machine, or somebody else's", head, tuple(cells), sortable=False)


def _of(offers: Iterable[Plain], key: str, kind: str = "") -> list[float]:
    return [o[key] for o in offers if o[key] is not None and kind in ("", o["kind"])]


def _minutes(reader: Reader, offers: Iterable[Plain]) -> list[float]:
    places = {o["platform"] for o in offers}
    return [sum(s["minutes"] for s in reader.platforms[id]["setup"]) for id in places if reader.platforms[id]["setup"]]


def _prices(reader: Reader, offers: Iterable[Plain]) -> list[float]:
    """The price of an hour, or the power that one's own takes in it."""
    found = (advise.cost(o, 1, power(reader.table)) if o["owned"] else o["usd_per_hour"] for o in offers)
    return [usd for usd in found if usd is not None]


def _span(values: list[float], unit: str, estimate: bool = False) -> Cell:
    if not values:
        return NOTHING
    shown: Callable[[float], str] = (lambda x: f"{x:.2f}") if unit == "USD" else amounts.number
    low, high = shown(min(values)), shown(max(values))
    return Cell(f"{low} {unit}" if low == high else f"{low} to {high} {unit}", mark=ESTIMATE if estimate else "")


def _limits(offers: list[Plain], key: str, unit: str) -> Cell:
    """The span of a limit; 0 is none, and what is unknown is told."""
    known = _of(offers, key)
    limits = [v for v in known if v]
    said = [_span(limits, unit).text] if limits else []
    said += ["no limit"] if len(limits) < len(known) else []
    said += ["unknown"] if len(known) < len(offers) else []
    return Cell(" / ".join(said), mark=UNKNOWN if said == ["unknown"] else "")


def _share(offers: list[Plain], key: str) -> Cell:
    """In how many places, those counted where every machine says yes."""
    places: dict[str, list[bool | None]] = {}
    for offer in offers:
        places.setdefault(offer["platform"], []).append(offer[key])
    yes = sum(all(v is True for v in values) for values in places.values())
    unknown = sum(any(v is None for v in values) for values in places.values())
    if yes == len(places):
        return Cell("yes" if len(places) == 1 else f"all {len(places)}", state="yes")
    told = f"{yes} of {len(places)}" + (f", {unknown} unknown" if unknown else "")
    return Cell(told, state="part" if yes else "no")


def _said(reader: Reader, offers: Iterable[Plain], key: str) -> Cell:
    """What the places say, each once."""
    facts = [reader.platforms[id]["facts"].get(key) for id in dict.fromkeys(o["platform"] for o in offers)]
    known = {f["value"]: f for f in facts if f is not None and f["value"]}
    if not known:
        return NOTHING
    return Cell("", items=tuple(reader.fact(f, short=True) for f in known.values()))
