"""Reading the table of facts for the views: a fact as a cell with its source, and what holds for a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from anylab.catalog import amounts, words
from anylab.catalog.blocks import ESTIMATE, MEASURED, UNKNOWN, Cell
from anylab.catalog.sources import Sources

Plain = Mapping[str, Any]
_MARKS = {"estimated": ESTIMATE, "measured": MEASURED}
STATES = {
    "open": ("open", "yes"),
    "closed": ("closed to newcomers", "no"),
    "unconfirmed": ("not confirmed", "part"),
    "dead": ("gone", "no"),
}
NOTHING = Cell("unknown", mark=UNKNOWN)


@dataclass
class Reader:
    """The table of facts (catalog/table.py) and the list of sources that grows as cells are made."""

    table: Plain
    sources: Sources = field(default_factory=Sources)
    kept: dict[str, Any] = field(default_factory=dict)  # what a view computed once

    @cached_property
    def offers(self) -> dict[str, Plain]:
        """Every machine of every plan, by its id."""
        return {o["id"]: o for o in self.table["offers"]}

    @cached_property
    def platforms(self) -> dict[str, Plain]:
        """Every platform by its id."""
        return {p["id"]: p for p in self.table["platforms"]}

    @cached_property
    def kinds(self) -> set[str]:
        """The kinds of machines that some notebook's work has a way on."""
        return {kind for _, n in self.counted() for c in n["work"]["choices"] for kind in c["kinds"]}

    def counted(self) -> Iterator[tuple[str, Plain]]:
        """The notebooks whose work is counted, by name."""
        yield from ((name, n) for name, n in self.table["notebooks"].items() if n["work"])

    def fact(self, fact: Plain | None, unit: str = "", short: bool = False) -> Cell:
        """A fact as a cell. `short` leaves its note out."""
        if fact is None:
            return NOTHING
        number = self.sources.cite(fact["source"], fact["date"], fact["grade"], fact["link"])
        value, note = fact["value"], "" if short or not fact["note"] else f" ({fact['note']})"
        if value is None:
            return Cell(f"unknown{note}", number, mark=UNKNOWN)
        said, sort, state = plain(value, unit)
        return Cell(said + note, number, sort, _MARKS.get(fact["grade"], ""), state=state)

    def across(self, platform: Plain, plan: Plain, key: str, unit: str = "", short: bool = False) -> Cell:
        """What holds for a plan: one value, or the values of its machines where they differ."""
        merged = platform["facts"] | plan["facts"]
        own = [m["facts"][key] for m in plan["machines"] if key in m["facts"]]
        if len(own) < len(plan["machines"]) and key in merged:
            own.append(merged[key])
        different = list({str(f["value"]): f for f in own or ([merged[key]] if key in merged else [])}.values())
        if len(different) < 2:
            return self.fact(different[0] if different else None, unit, short)
        cells = [self.fact(f, unit, short=True) for f in different]
        kinds = self._kinds(plan, merged, key)
        if kinds:
            shown = sorted(
                ((kinds[str(f["value"])], c) for f, c in zip(different, cells, strict=True)), key=lambda p: p[0]
            )
            known = [c for c in cells if c.mark != UNKNOWN] or cells
            said = " / ".join(f"{kind} {cell.text}" for kind, cell in shown)
            return Cell(said, known[0].source, max((c.sort or 0 for c in known), default=0), known[0].mark)
        known = sorted((c for c in cells if c.mark != UNKNOWN), key=lambda c: (c.sort or 0, c.text))
        said = " / ".join(c.text.removesuffix(f" {unit}") for c in known) + (f" {unit}" if unit else "")
        said += ", or unknown" if len(known) < len(cells) else ""
        return Cell(said, known[0].source, known[-1].sort, known[0].mark)

    def _kinds(self, plan: Plain, merged: Plain, key: str) -> dict[str, str]:
        """The kind of machine that each differing value is for, {} where one kind has several."""
        found: dict[str, set[str]] = {}
        for machine in plan["machines"]:
            fact = machine["facts"].get(key, merged.get(key))
            if fact is not None:
                found.setdefault(str(fact["value"]), set()).add(self.table["cards"][machine["card"]]["kind"])
        named = [kind for kinds in found.values() for kind in kinds]
        once = len(named) == len(set(named)) == len(found) > 1
        said = {"cpu": "cores", "gpu": "GPU", "tpu": "TPU"}
        return {value: said[kind] for value, (kind,) in found.items()} if once else {}

    def name(self, platform: Plain, plan: Plain) -> str:
        """How a plan is called: the platform's name alone where it has only one."""
        return platform["name"] if len(platform["plans"]) == 1 else f"{platform['name']}, {plan['name']}"

    def plans(self) -> Iterator[tuple[Plain, Plain]]:
        """(platform, plan) in reading order."""
        for platform in self.table["platforms"]:
            yield from ((platform, plan) for plan in platform["plans"])

    def card(self, offer: Plain) -> Plain:
        """The card of an offer, as the table has it."""
        return self.table["cards"][offer["card"]]

    def accelerator(self, offer: Plain) -> str:
        """`2 x NVIDIA T4`."""
        name = self.card(offer)["name"].removeprefix("NVIDIA ")
        return f"{offer['count']} × {name}" if offer["count"] > 1 else name


def plain(value: Any, unit: str) -> tuple[str, float | None, str]:
    """(words, what it sorts by, its sign) of a known value."""
    if isinstance(value, bool):
        return ("yes" if value else "no"), float(value), ("yes" if value else "no")
    if isinstance(value, int | float):
        return f"{amounts.number(value)} {unit}".strip(), float(value), ""
    if value == "unlimited":
        return "no limit", 1e12, ""
    return (", ".join(value) if isinstance(value, list | tuple) else str(value)), None, ""


def time(hours: float | None, grade: str = "estimated", source: int = 0, lesser: int = 0) -> Cell:
    """A time as a cell; `lesser` says that it is of a smaller or larger job than the usual one."""
    if hours is None:
        return NOTHING
    return Cell(words.sized(amounts.duration(hours), lesser), source, hours, _MARKS.get(grade, ""))


def usd(amount: float | None, grade: str = "", source: int = 0) -> Cell:
    """An amount of money as a cell."""
    if amount is None:
        return NOTHING
    return Cell(amounts.money(amount), source, amount, _MARKS.get(grade, "") if amount else "")
