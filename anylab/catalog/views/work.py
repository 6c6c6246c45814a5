"""How long the work of each notebook takes on each accelerator, what a week holds, and where the memory goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anylab.catalog import amounts, rates
from anylab.catalog.blocks import ESTIMATE, Bar, Bars, Cell, Section, Table
from anylab.catalog.reading import NOTHING, Plain, Reader, time


def accelerators(reader: Reader) -> dict[tuple[str, int], Plain]:
    """One offer for each (card, count) that somebody can have: how long the work takes depends on it alone."""
    found: dict[tuple[str, int], Plain] = {}
    for offer in reader.table["offers"]:
        if offer["state"] != "dead" and offer["notebooks"] is True:
            found.setdefault((offer["card"], offer["count"]), offer)
    return found


def hours(work: Plain, offer: Plain, units: float) -> tuple[float | None, Plain | None, Plain]:
    """(hours, the way it is done, why not) for so many units on this machine, its quota left aside."""
    choices, why = rates.suited(work, offer)
    for choice in choices:
        each = rates.unit_seconds(choice, offer)
        if each is not None:
            return rates.total_seconds(choice, offer, units, each) / 3600, choice, {}
    return None, None, dict(why) or {"code": "rate", "has": None, "wants": None}


def sections(reader: Reader) -> list[Section]:
    """Times, multipliers, a week, memory."""
    return [
        Section(
            "times",
            "Time on each accelerator",
            (
                "From the counted work over what a card sustains; where somebody measured or published the time "
                "itself, that counts. Waiting, downloads and set-up are not in it."
            ),
            tuple(_times(reader)),
            folded=True,
        ),
        Section(
            "speed",
            "How many times faster",
            (
                "The same times, against the card that most places have. A machine that only does less (a "
                "smaller model or clip) is left out."
            ),
            (_multipliers(reader),),
            folded=True,
        ),
        Section(
            "week",
            "What a week holds",
            "How much work fits the hours that a place gives for nothing; where it publishes no quota, nobody can say.",
            (_week(reader),),
            folded=True,
        ),
        Section(
            "memory",
            "Where the memory goes",
            "What a card must hold, and how much at a time then fits it.",
            tuple(_memory(reader)),
            folded=True,
        ),
    ]


def _times(reader: Reader) -> Iterator[Table | Bars]:
    for name, notebook in reader.counted():
        work = notebook["work"]
        rows, bars = [], []
        for offer in accelerators(reader).values():
            longest, choice, why = hours(work, offer, work["presets"][-1])
            label = reader.accelerator(offer)
            if choice is None:
                rows.append((0.0, (Cell(label), Cell(_why(why)), *(Cell("–") for _ in work["presets"]))))
                continue
            known = choice["known"].get(offer["card"])
            cited = known or choice["parts"][0]
            grade = rates.grade(choice, offer)
            source = reader.sources.cite(cited["source"], cited["date"], cited["grade"], cited.get("link", ""))
            cells = [time(hours(work, offer, units)[0], grade, source) for units in work["presets"]]
            rows.append((longest or 0.0, (Cell(label), Cell(choice["words"]), *cells)))
            asked, _, _ = hours(work, offer, work["ask"])
            if asked is not None:
                less = bool(choice["lesser"])
                shown = time(asked, grade, source)
                bars.append(Bar(label, asked, replace(shown, text=f"{shown.text} for less") if less else shown, less))
        rows.sort(key=lambda row: (row[0] == 0, row[0]))
        bars.sort(key=lambda bar: bar.value or 0)
        title = f"{notebook['title']}: {_units(work, work['ask'])}"
        note = "; ".join(
            dict.fromkeys(f"for less: {c['words']}" for c in work["choices"] if c["lesser"] and not c["asked_only"])
        )
        yield Bars(f"bars-{name}", title, tuple(bars), f"{_capital(note)}." if any(b.less for b in bars) else "")
        head = ("accelerator", "how", *(_units(work, units) for units in work["presets"]))
        yield Table(f"times-{name}", f"{notebook['title']}, hours and days", head, tuple(row for _, row in rows))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _units(work: Plain, units: float) -> str:
    return f"{amounts.number(units)} {work['unit'] if units == 1 else work['units']}"


def _why(why: Plain) -> str:
    if why["code"] == "memory":
        return f"does not fit: {amounts.number(round(why['wants'], 1))} GB wanted"
    words = {"kind": "not on this kind of machine", "rate": "nobody has said how fast it is"}
    return words.get(why["code"], "compute capability too low")


def _multipliers(reader: Reader) -> Table:
    """Each accelerator against the slowest GPU that all notebooks with counted work run on."""
    machines = list(accelerators(reader).values())
    books = list(reader.counted())
    against = _reference(reader, machines, books)
    rows = []
    for offer in machines:
        cells = []
        for _, notebook in books:
            base = _full(notebook["work"], against) if against else None
            own = _full(notebook["work"], offer)
            if base and own:
                times = base / own
                cells.append(Cell(f"{_figure(times)} ×", sort=times, mark=ESTIMATE))
            else:
                cells.append(Cell("–", sort=0))
        rows.append((Cell(reader.accelerator(offer)), *cells))
    name = reader.accelerator(against) if against else "nothing"
    return Table("speed-t", f"Speed, {name} = 1", ("accelerator", *(n["title"] for _, n in books)), tuple(rows))


def _reference(reader: Reader, machines: list[Plain], books: list) -> Plain | None:
    """The card that most places have, among single GPUs that every counted notebook runs on in full."""
    fit = [o for o in machines if o["kind"] == "gpu" and o["count"] == 1 and all(_full(n["work"], o) for _, n in books)]
    places = {o["card"]: len({p["platform"] for p in reader.table["offers"] if p["card"] == o["card"]}) for o in fit}
    return min(fit, key=lambda o: (-places[o["card"]], o["card"]), default=None)


def _full(work: Plain, offer: Plain) -> float | None:
    """Hours of the last preset where the machine does the full thing; a smaller one is compared with nothing."""
    taken, choice, _ = hours(work, offer, work["presets"][-1])
    return taken if choice and not choice["lesser"] else None


def _figure(x: float) -> str:
    return f"{x:.2g}" if x < 10 else f"{x:.0f}"


def _week(reader: Reader) -> Table:
    books = list(reader.counted())
    rows = []
    for offer in reader.offers.values():
        if offer["state"] == "dead" or offer["owned"] or offer["usd_per_hour"] != 0 or offer["notebooks"] is not True:
            continue
        limits = [offer["hours_per_week"], offer["hours_per_day"]]
        week = min([h for h in (limits[0], (limits[1] or 0) * 7) if h], default=0)
        shown = (
            Cell(f"{amounts.number(week)} h", sort=week)
            if week
            else Cell("no published figure", sort=None, mark="unknown")
        )
        cells = []
        for _, notebook in books:
            one = hours(notebook["work"], offer, 1000)[0]
            if not one:
                cells.append(Cell("–", sort=0))
            elif not week:
                cells.append(NOTHING)
            else:
                fit = int(week / one * 1000)
                cells.append(Cell(_units(notebook["work"], _two_figures(fit)), sort=fit, mark=ESTIMATE))
        rows.append((Cell(offer["words"]), shown, *cells))
    head = ("machine", "hours a week", *(n["title"] for _, n in books))
    return Table("week-t", "A week of what is free", head, tuple(rows))


def _two_figures(n: int) -> int:
    """An estimate in two figures: 1,234,567 is 1,200,000."""
    scale = 10 ** max(0, len(str(n)) - 2)
    return n // scale * scale


def _memory(reader: Reader) -> Iterator[Table]:
    for name, notebook in reader.counted():
        work = notebook["work"]
        rows = []
        parts = [_part(reader, choice, part) for choice in work["choices"] for part in choice.get("memory", ())]
        if parts:
            head = ("how", "what", "GB")
            yield Table(f"parts-{name}", f"{notebook['title']}: what it holds", head, tuple(parts), sortable=False)
        for choice in work["choices"]:
            item = f"{amounts.number(choice['item_gb'])} GB a {choice['item']}" if choice["item_gb"] else "–"
            fits = []
            for offer in accelerators(reader).values():
                if offer["kind"] in choice["kinds"] and offer["memory_gb"] and offer["count"] == 1:
                    enough = rates.memory_wanted(choice) <= offer["memory_gb"]
                    size = (
                        f": {rates.batch({**choice, 'item_most': 1024}, offer)}" if choice["item_gb"] and enough else ""
                    )
                    fits.append(f"{reader.accelerator(offer)}{size}" if enough else "")
            rows.append(
                (
                    Cell(choice["words"] + (" (when asked for)" if choice["asked_only"] else "")),
                    Cell(f"{amounts.number(choice['memory_gb'])} GB", sort=choice["memory_gb"], mark=ESTIMATE),
                    Cell(item, sort=choice["item_gb"], mark=ESTIMATE if choice["item_gb"] else ""),
                    Cell(", ".join(f for f in fits if f) or "none of these"),
                )
            )
        head = ("how", "before the first item", "each item", "fits, and so many at a time")
        yield Table(f"memory-{name}", f"{notebook['title']}: memory of the card", head, tuple(rows), sortable=False)


def _part(reader: Reader, choice: Plain, part: Plain) -> tuple[Cell, Cell, Cell]:
    number = reader.sources.cite(part["source"], part["date"], part["grade"], part.get("link", ""))
    mark = ESTIMATE if part["grade"] == "estimated" else ""
    return Cell(choice["words"]), Cell(part["name"]), Cell(f"{amounts.number(part['gb'])} GB", number, part["gb"], mark)
