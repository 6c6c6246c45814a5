"""What it costs: an hour, a job, a month and a year, one's own time counted; and buying a card against renting one.

The page computes the same table anew when a setting changes (page/choose.js).
"""

from __future__ import annotations

from typing import Any

from anylab.catalog import advise, amounts, fragments
from anylab.catalog.asking import power
from anylab.catalog.blocks import ESTIMATE, Cell, Raw, Section, Table
from anylab.catalog.reading import NOTHING, Plain, Reader, usd

# the settings as they stand in GUIDE.md, and as the page begins; neither is a fact
JOBS_A_YEAR, HOUR_USD = 100, 10.0


def ask_of(reader: Reader, name: str, **more: Any) -> dict[str, Any]:
    """The question about a notebook's usual amount of work, for everybody who names nothing."""
    work = reader.table["notebooks"][name]["work"]
    usual = {"budget": None, "need": [], "hour_usd": 0.0, "kwh_usd": power(reader.table), "choice": "", "have": []}
    return {"notebook": name, "units": work["ask"]} | usual | more


def everything(reader: Reader) -> list[str]:
    """All that somebody may have: every platform, one's own cards and closed places too."""
    return [p["id"] for p in reader.table["platforms"]]


def year(offer: Plain, hours: float, jobs: float, kwh_usd: float) -> float | None:
    """USD of so many jobs a year: twelve months of a twelfth each, since credits and purchases go by the month."""
    month = advise.cost(offer, hours * jobs / 12, kwh_usd)
    return None if month is None else 12 * month


def sections(reader: Reader) -> list[Section]:
    """The costs of each notebook, and buying against renting."""
    lead = (
        f"For {JOBS_A_YEAR} jobs a year, with an hour of your time at {amounts.money(HOUR_USD)} and a kilowatt hour at "
        f"{power(reader.table):.2f} USD; these three are settings, not facts. Your time counts from begin to end, "
        "waiting for a quota included."
    )
    tables = [_costs(reader, name, n) for name, n in reader.counted()]
    return [
        Section("cost", "What it costs", lead, (Raw(html=_form(power(reader.table))), *tables), folded=True),
        Section(
            "buy",
            "Buying a card, or renting one",
            (
                "After how many jobs a card has paid for itself against the cheapest machine that costs "
                "something; power is counted, your time and the rest of the computer are not."
            ),
            (_buying(reader),),
            folded=True,
        ),
    ]


def _form(kwh: float) -> str:
    slots = {"jobs": f"{JOBS_A_YEAR}", "hour": f"{HOUR_USD:g}", "kwh": f"{kwh:g}"}
    return fragments.filled("costs.html", slots)


def _costs(reader: Reader, name: str, notebook: Plain) -> Table:
    work = notebook["work"]
    rows, keys = [], []
    answer = advise.advise(reader.table, ask_of(reader, name, have=everything(reader)))
    for row in answer["rows"]:
        offer = reader.offers[row["offer"]]
        hours = row["hours"]
        paid = year(offer, hours, JOBS_A_YEAR, power(reader.table))
        mine = row["elapsed_hours"] * HOUR_USD * JOBS_A_YEAR
        cells = (
            _hourly(reader, offer),
            Cell(amounts.duration(hours), sort=hours, mark=ESTIMATE if row["grade"] == "estimated" else ""),
            usd(advise.cost(offer, hours, power(reader.table)), row["grade"]),
            usd(None if paid is None else paid / 12, row["grade"]),
            usd(paid, row["grade"]),
            usd(mine, row["grade"]),
            usd(None if paid is None else paid + mine, row["grade"]),
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
    return usd(offer["usd_per_hour"], fact["grade"], cell.source) if offer["usd_per_hour"] is not None else cell


def _buying(reader: Reader) -> Table:
    books = list(reader.counted())
    rows = []
    owned = [o for o in reader.table["offers"] if o["owned"] and o["kind"] == "gpu"]
    for offer in owned:
        price = reader.card(offer)["facts"].get("usd")
        hourly = advise.cost(offer, 1, power(reader.table))
        cells = []
        for name, notebook in books:
            cells.append(_break_even(reader, offer, price, name, notebook["work"]))
        rows.append(
            (Cell(reader.card(offer)["name"]), reader.fact(price, "USD", short=True), usd(hourly, "estimated"), *cells)
        )
    head = ("card", "price when new", "power, an hour", *(n["title"] for _, n in books))
    note = "A used card, or a dearer one of today, moves every figure in proportion to its price."
    return Table("buy-t", "Jobs until a card has paid for itself", head, tuple(rows), note)


def _break_even(reader: Reader, offer: Plain, price: Plain | None, name: str, work: Plain) -> Cell:
    if price is None or price["value"] is None:
        return NOTHING
    have = [p["id"] for p in reader.table["platforms"] if p["state"] == "open"]
    rows = advise.advise(reader.table, ask_of(reader, name, have=have))["rows"]
    own = next((r for r in rows if r["offer"] == offer["id"]), None)
    rented = []
    for row in rows:
        other = reader.offers[row["offer"]]
        if not other["owned"] and other["usd_per_hour"]:
            rented.append((row["hours"] * other["usd_per_hour"], other["usd_block"], other["words"]))
    if own is None or own["usd"] is None:
        return Cell("does not fit")
    if not rented:
        return NOTHING
    rent, _, words = min(rented)  # of equal prices the one that is bought in smaller pieces
    used = own["hours"] * offer["watts"] * offer["count"] / 1000 * power(reader.table)
    if rent <= used:
        return Cell(f"never: {words} costs less than the power", sort=1e12, mark=ESTIMATE)
    jobs = price["value"] / (rent - used)
    return Cell(f"{_figures(jobs)} jobs, against {words}", sort=jobs, mark=ESTIMATE)


def _figures(x: float) -> str:
    digits = max(0, len(str(int(x))) - 2)
    return amounts.number(int(x) // 10**digits * 10**digits)
