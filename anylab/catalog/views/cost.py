"""What it costs: an hour, a job, a month and a year, one's own time counted; and buying a card against renting one.

The page computes the same table anew when a setting changes (page/choose.js).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from anylab.catalog import advise, amounts, fragments, words
from anylab.catalog.asking import power
from anylab.catalog.blocks import ESTIMATE, UNKNOWN, Cell, Raw, Section, Table
from anylab.catalog.reading import NOTHING, Plain, Reader, time, usd
from anylab.catalog.views import own

# the settings as they stand in GUIDE.md, and as the page begins; neither is a fact
JOBS_A_YEAR, HOUR_USD = 100, 10.0
YEAR_HOURS, TOO_MANY = 8760, "more than a year holds"


def answer(reader: Reader, name: str, have: Iterable[str], units: float | None = None, choice: str = "") -> list[Plain]:
    """The ranked rows for so much of a notebook's work (None: its usual amount) and these places, in its usual way or
    in one that is asked for; asked once."""
    have = tuple(have)
    key = (name, have, units, choice)
    if key not in reader.kept:
        usual = {"budget": None, "need": [], "hour_usd": 0.0, "kwh_usd": power(reader.table), "choice": choice}
        units = reader.table["notebooks"][name]["work"]["ask"] if units is None else units
        ask = {"notebook": name, "units": units, "have": have} | usual
        reader.kept[key] = advise.advise(reader.table, ask)["rows"]
    return reader.kept[key]


def everything(reader: Reader) -> list[str]:
    """All that somebody may have: every platform, one's own cards and closed places too."""
    return [p["id"] for p in reader.table["platforms"]]


def open_places(reader: Reader, owned: bool = True) -> list[str]:
    """What anybody can have today; `owned` false leaves one's own machine out."""
    mine = {o["platform"] for o in reader.table["offers"] if o["owned"]}
    return [p["id"] for p in reader.table["platforms"] if p["state"] == "open" and (owned or p["id"] not in mine)]


def year(offer: Plain, hours: float, jobs: float, kwh_usd: float) -> float | None:
    """USD of so many jobs a year: twelve months of a twelfth each, since credits and purchases go by the month."""
    month = advise.cost(offer, hours * jobs / 12, kwh_usd)
    return None if month is None else 12 * month


def sections(reader: Reader) -> list[Section]:
    """The costs of each notebook, and buying against renting."""
    if not reader.kinds:  # nobody has counted any work
        return []
    lead = (
        f"For {JOBS_A_YEAR} jobs a year, with an hour of your time at {amounts.money(HOUR_USD)} and a kilowatt hour at "
        f"{power(reader.table):.2f} USD. The jobs and your hour are settings, not facts; what is paid leaves out a "
        "card's own price, and what a place asks on top of an hour's price. Your time counts from begin to end, "
        "waiting for a quota included. A year is twelve months, each with its own credit and its own whole purchases: "
        "what is left of one is not carried on, so units that are bought without a subscription may come cheaper. "
        "One job follows another; jobs that a year cannot hold have no price."
    )
    tables = [_costs(reader, name, n) for name, n in reader.counted()]
    return [
        Section("cost", "What it costs", lead, (Raw(html=_form(power(reader.table))), *tables), folded=True),
        Section(
            "buy",
            "Buying a card, or renting one",
            (
                "After how many jobs a card has paid for itself against the cheapest machine that costs "
                "something and does the same job; power is counted, your time and the rest of the computer are not."
            ),
            tuple(t for t in (own.table(reader), _buying(reader)) if t),
            folded=True,
        ),
    ]


def _form(kwh: float) -> str:
    slots = {"jobs": f"{JOBS_A_YEAR}", "hour": f"{HOUR_USD:g}", "kwh": f"{kwh:g}"}
    return fragments.filled("costs.html", slots)


def _costs(reader: Reader, name: str, notebook: Plain) -> Table:
    work = notebook["work"]
    rows, keys = [], []
    for row in answer(reader, name, everything(reader)):
        offer = reader.offers[row["offer"]]
        hours = row["hours"]
        paid = year(offer, hours, JOBS_A_YEAR, power(reader.table))
        mine = row["elapsed_hours"] * HOUR_USD * JOBS_A_YEAR
        yearly = (
            usd(None if paid is None else paid / 12, row["grade"]),
            usd(paid, row["grade"]),
            usd(mine, row["grade"]),
            usd(None if paid is None else paid + mine, row["grade"]),
        )
        if row["elapsed_hours"] * JOBS_A_YEAR > YEAR_HOURS:
            yearly = (Cell(TOO_MANY, mark=UNKNOWN),) * 4
        cells = (
            _hourly(reader, offer),
            time(hours, row["grade"], lesser=row["lesser"]),
            usd(advise.cost(offer, hours, power(reader.table)), row["grade"]),
            *yearly,
        )
        rows.append((Cell(offer["words"]), *cells))
        keys.append(offer["id"])
    units = f"{amounts.number(work['ask'])} {work['units'] if work['ask'] != 1 else work['unit']}"
    head = ("machine", "an hour", "a job takes", "a job", "a month", "a year", "your time, a year", "a year in all")
    return Table(f"cost-{name}", f"{notebook['title']}: a job of {units}", head, tuple(rows), row_keys=tuple(keys))


def _hourly(reader: Reader, offer: Plain) -> Cell:
    if offer["owned"]:
        return usd(advise.cost(offer, 1, power(reader.table)), "estimated")
    platform = reader.platforms[offer["platform"]]
    plan = next(p for p in platform["plans"] if p["id"] == offer["plan"])
    machine = next(m for m in plan["machines"] if m["id"] == offer["machine"])
    fact = (platform["facts"] | plan["facts"] | machine["facts"]).get("usd_per_hour")
    if fact is None:
        return usd(offer["usd_per_hour"])
    cell = reader.fact(fact, short=True)
    if offer["usd_per_hour"] is not None:
        cell = usd(offer["usd_per_hour"], fact["grade"], cell.source)
    return replace(cell, text=f"{cell.text}, and {offer['on_top']}") if offer["on_top"] else cell


def _buying(reader: Reader) -> Table:
    books = list(reader.counted())
    rows = []
    for offer in (o for o in reader.table["offers"] if o["owned"] and o["kind"] == "gpu"):
        price = reader.card(offer)["facts"].get("usd")
        hourly = advise.cost(offer, 1, power(reader.table))
        cells = (_break_even(reader, offer, price, name) for name, _ in books)
        name = Cell(reader.card(offer)["name"])
        rows.append((name, reader.fact(price, "USD", short=True), usd(hourly, "estimated"), *cells))
    head = ("card", "price when new", "power, an hour", *(n["title"] for _, n in books))
    note = (
        "A used card, or a dearer one of today, moves every figure in proportion to its price. Each card is held "
        "against the cheapest machine that does the same job, smaller or larger than the usual one. A rented "
        "job is its hours here; what a whole purchase adds to them (What it costs) is left out."
    )
    return Table("buy-t", "Jobs until a card has paid for itself", head, tuple(rows), note)


def cheapest_rent(reader: Reader, name: str, mine: Plain) -> tuple[float, str] | None:
    """(USD of a job, the machine) of what costs something and does the same as the row `mine`: in the same way, or by
    itself a job of the same size. A job costs what its hours cost, nothing of a purchase left over. Of equal prices the
    one that is bought in smaller pieces."""
    rows = [r for r in answer(reader, name, open_places(reader)) if r["lesser"] == mine["lesser"]]
    rows += answer(reader, name, open_places(reader), choice=mine["choice"])
    found = []
    for row in rows:
        offer = reader.offers[row["offer"]]
        if not offer["owned"] and offer["usd_per_hour"]:
            found.append((row["hours"] * offer["usd_per_hour"], offer["usd_block"], offer["words"]))
    return (min(found)[0], min(found)[2]) if found else None


def _break_even(reader: Reader, offer: Plain, price: Plain | None, name: str) -> Cell:
    """After how many jobs of a notebook a card has saved its price, against renting for the same job."""
    if price is None or price["value"] is None:
        return NOTHING
    mine = next((r for r in answer(reader, name, open_places(reader)) if r["offer"] == offer["id"]), None)
    used = None if mine is None else advise.cost(offer, mine["hours"], power(reader.table))
    if mine is None:
        why = advise.way(reader.table["notebooks"][name], offer)[2]
        return NOTHING if why.get("code") == "rate" else Cell("does not fit")
    if used is None:
        return NOTHING
    rent = cheapest_rent(reader, name, mine)
    if rent is None:
        return NOTHING
    if rent[0] <= used:
        return Cell("never: renting costs less than the power", sort=1e12, mark=ESTIMATE)
    jobs = price["value"] / (rent[0] - used)
    return Cell(words.sized(_figures(jobs), mine["lesser"]), sort=jobs, mark=ESTIMATE)


def _figures(x: float) -> str:
    """An estimate in two figures."""
    digits = max(0, len(str(int(x))) - 2)
    return amounts.number(int(x) // 10**digits * 10**digits)
