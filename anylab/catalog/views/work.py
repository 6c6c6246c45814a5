"""How long the work of each notebook takes on each accelerator, what a week holds, and where the memory goes."""

from __future__ import annotations

from collections.abc import Iterator

from anylab.catalog import advise, amounts, rates, words
from anylab.catalog.blocks import ESTIMATE, UNKNOWN, Bar, Bars, Cell, Section, Table
from anylab.catalog.reading import NOTHING, Plain, Reader, time, usd

_WEEK = 168  # hours
_MANY = 1000  # units over which a rate is taken


def accelerators(reader: Reader, notebook: Plain) -> list[Plain]:
    """One offer for each (card, count) that somebody can have; of several the one that does this notebook's work, and
    has most memory: places give the same cores with 2 GB and with 16."""
    found: dict[tuple[str, int], tuple[tuple[bool, float], Plain]] = {}
    for offer in reader.table["offers"]:
        if offer["state"] == "dead" or offer["notebooks"] is not True:
            continue
        worth = (advise.way(notebook, offer)[0] is not None, offer["memory_gb"] or 0.0)
        kept = found.get((offer["card"], offer["count"]))
        if kept is None or worth > kept[0]:
            found[offer["card"], offer["count"]] = (worth, offer)
    return [offer for _, offer in found.values()]


def hours(notebook: Plain, offer: Plain, units: float, asked: str = "") -> tuple[float | None, Plain | None, Plain]:
    """(hours, the way it is done, why not) for so many units on this machine, its quota left aside."""
    choice, each, why = advise.way(notebook, offer, asked)
    if choice is None:
        return None, None, why
    return rates.total_seconds(choice, offer, units, each) / 3600, choice, {}


def sections(reader: Reader) -> list[Section]:
    """Times, multipliers, a week, memory; nothing where nobody has counted any work."""
    if not reader.kinds:
        return []
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
                "The same job in the same way, against the card that most places have. A machine that only does "
                "less (a smaller model or clip) is left out."
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
        rows, bars, shown_ways = [], [], set()
        for offer in accelerators(reader, notebook):
            longest, choice, why = hours(notebook, offer, work["presets"][-1])
            label = reader.accelerator(offer)
            if choice is None:
                rows.append((0.0, (Cell(label), Cell(_why(why)), *(Cell("–") for _ in work["presets"]))))
                continue
            known = choice["known"].get(offer["card"])
            cited = known or choice["parts"][0]
            grade = rates.grade(choice, offer)
            source = reader.sources.cite(cited["source"], cited["date"], cited["grade"], cited.get("link", ""))
            taken = [hours(notebook, offer, units)[0] for units in work["presets"]]
            cells = [time(each, grade, source, choice["lesser"]) for each in taken]
            rows.append((longest or 0.0, (Cell(label), Cell(choice["words"]), *cells)))
            asked, _, _ = hours(notebook, offer, work["ask"])
            shown = time(asked, grade, source, choice["lesser"])
            bars.append(Bar(label, asked, shown, choice["lesser"] > 0))
            shown_ways.add(choice["id"])
        rows.sort(key=lambda row: (row[0] == 0, row[0]))
        bars.sort(key=lambda bar: bar.value or 0)
        title = f"{notebook['title']}: {_units(work, work['ask'])}"
        note = "; ".join(
            f"{words.size(c['lesser'])}: {c['words']}" for c in work["choices"] if c["lesser"] and c["id"] in shown_ways
        )
        yield Bars(f"bars-{name}", title, tuple(bars), f"{_capital(note)}." if note else "")
        head = ("accelerator", "how", *(_units(work, units) for units in work["presets"]))
        yield Table(f"times-{name}", f"{notebook['title']}, hours and days", head, tuple(row for _, row in rows))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _units(work: Plain, units: float) -> str:
    return f"{amounts.number(units)} {work['unit'] if units == 1 else work['units']}"


_WHY = {
    "kind": "not on this kind of machine",
    "rate": "nobody has said how fast it is",
    "capability": "compute capability too low",
    "session": "one unit outlasts a session",
    "internet": "the models cannot be fetched there",
}


def _why(why: Plain) -> str:
    if why["code"] in ("memory", "ram"):
        return f"does not fit: {amounts.number(round(why['wants'], 1))} GB wanted"
    return _WHY.get(why["code"], "does not fit")


def _multipliers(reader: Reader) -> Table:
    """Each accelerator against the slowest GPU that all notebooks with counted work run on."""
    books = list(reader.counted())
    mine = {name: {(o["card"], o["count"]): o for o in accelerators(reader, n)} for name, n in books}
    machines = list(mine[books[0][0]].values())
    against = _reference(reader, machines, books)
    rows = []
    for offer in machines:
        cells = []
        for name, notebook in books:
            base = _full(notebook, against) if against else None
            own = _full(notebook, mine[name][offer["card"], offer["count"]], against)
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
    fit = [o for o in machines if o["kind"] == "gpu" and o["count"] == 1 and all(_full(n, o) for _, n in books)]
    places = {o["card"]: len({p["platform"] for p in reader.table["offers"] if p["card"] == o["card"]}) for o in fit}
    return min(fit, key=lambda o: (-places[o["card"]], o["card"]), default=None)


def _full(notebook: Plain, offer: Plain, like: Plain | None = None) -> float | None:
    """Hours of the last preset where the machine does the full thing, in the way of the machine `like` where it can:
    a smaller or larger job is compared with nothing."""
    units = notebook["work"]["presets"][-1]
    same = hours(notebook, like, units)[1] if like else None
    taken, choice, _ = hours(notebook, offer, units, same["id"] if same else "")
    if choice is None and same:  # it has no use for that way, and does the same job in another
        taken, choice, _ = hours(notebook, offer, units)
    return taken if choice and not choice["lesser"] else None


def _figure(x: float) -> str:
    return f"{x:.2g}" if x < 10 else f"{x:.0f}"


def _week(reader: Reader) -> Table:
    books = list(reader.counted())
    rows = []
    for offer in reader.offers.values():
        if offer["state"] == "dead" or offer["owned"] or offer["usd_per_hour"] != 0 or offer["notebooks"] is not True:
            continue
        week = _hours_of_a_week(offer)
        if week is None:
            shown = Cell("no published figure", mark=UNKNOWN)
        else:
            shown = Cell("no limit" if week == _WEEK else f"{amounts.number(week)} h", sort=week)
        fits = (_fits_a_week(n, offer, week) for _, n in books)
        rows.append((Cell(offer["words"]), shown, _worth(reader, offer, week), *fits))
    head = ("machine", "hours a week", "rented elsewhere", *(n["title"] for _, n in books))
    note = "Rented elsewhere: a week of the same accelerators at the lowest price an hour that a place asks for them."
    return Table("week-t", "A week of what is free", head, tuple(rows), note)


def _worth(reader: Reader, offer: Plain, week: float | None) -> Cell:
    """What the hours of a week would cost where the same card is rented; none where there is no limit to count."""
    same = [
        o for o in reader.table["offers"] if o["card"] == offer["card"] and o["usd_per_hour"] and o["state"] == "open"
    ]
    if not same or not week or week == _WEEK:
        return Cell("–", sort=0)
    cheapest = min(same, key=lambda o: (o["usd_per_hour"] / o["count"], o["id"]))
    return usd(week * offer["count"] * cheapest["usd_per_hour"] / cheapest["count"], "estimated")


def _hours_of_a_week(offer: Plain) -> float | None:
    """The hours that somebody may use, at most those that a week has; None where one of its limits is unknown."""
    week, day = offer["hours_per_week"], offer["hours_per_day"]
    if week is None or day is None:
        return None
    return min(week or _WEEK, 7 * (day or 24))


def _fits_a_week(notebook: Plain, offer: Plain, week: float | None) -> Cell:
    work = notebook["work"]
    one, choice, _ = hours(notebook, offer, _MANY)
    if not one or choice is None:
        return Cell("–", sort=0)
    if week is None:
        return NOTHING
    fit = int(week / one * _MANY)
    told = f"{amounts.number(_two_figures(fit))} {work['units']}"
    return Cell(words.sized(told, choice["lesser"]), sort=fit, mark=ESTIMATE)


def _two_figures(n: int) -> int:
    """An estimate in two figures: 1,234,567 is 1,200,000."""
    scale = 10 ** max(0, len(str(n)) - 2)
    return n // scale * scale


def _memory(reader: Reader) -> Iterator[Table]:
    """For each notebook: what each way of doing the work holds, part by part; and what fits on which card."""
    for name, notebook in reader.counted():
        choices = notebook["work"]["choices"]
        rows = [row for choice in choices for row in _parts(reader, choice)]
        head = ("way", "what", "memory")
        yield Table(f"parts-{name}", f"{notebook['title']}: what it holds", head, tuple(rows), sortable=False)
        fits = []
        for offer in accelerators(reader, notebook):
            if offer["count"] == 1 and offer["memory_gb"] and any(offer["kind"] in c["kinds"] for c in choices):
                size = Cell(f"{amounts.number(offer['memory_gb'])} GB", sort=offer["memory_gb"])
                fits.append((Cell(reader.accelerator(offer)), size, *(_fit(notebook, c, offer) for c in choices)))
        head = ("accelerator", "memory", *(c["words"] for c in choices))
        cores = any("cpu" in c["kinds"] for c in choices)
        items = {c["item"] for c in choices if c["item"]}
        most = max((c["item_most"] for c in choices if c["item"]), default=0)
        said = [
            f"A number is how many items ({', '.join(sorted(items))}) fit at a time, a power of two; the notebook "
            f"takes {most} at most, and sums of such batches for more."
        ] * bool(items)
        said += ["Cores have the memory of the place that gives most with them; others give less."] * cores
        note = " ".join(said)
        yield Table(f"memory-{name}", f"{notebook['title']}: what fits where", head, tuple(fits), note)


def _parts(reader: Reader, choice: Plain) -> Iterator[tuple[Cell, Cell, Cell]]:
    """The parts that somebody counted, what each further item takes, and what is asked for in all."""
    way = Cell(choice["words"] + (" (when asked for)" if choice["asked_only"] else ""))
    for part in choice["memory"]:
        number = reader.sources.cite(part["source"], part["date"], part["grade"], part["link"])
        mark = ESTIMATE if part["grade"] == "estimated" else ""
        yield way, Cell(part["name"]), Cell(f"{amounts.number(part['gb'])} GB", number, part["gb"], mark)
    facts = choice["facts"]
    if "item_gb" in facts:
        yield way, Cell(f"activations of each {choice['item']}"), reader.fact(facts["item_gb"], "GB", short=True)
    if "memory_gb" in facts:
        words = "in all, before the first item" if choice["item_gb"] else "what a card must have"
        yield way, Cell(words), reader.fact(facts["memory_gb"], "GB", short=True)


def _fit(notebook: Plain, choice: Plain, offer: Plain) -> Cell:
    """Whether a way fits a card, and how much at a time."""
    if offer["kind"] not in choice["kinds"]:
        return Cell("–")  # nothing to compare: last, whichever way
    _, _, why = advise.way(notebook, offer, choice["id"])
    if why and why["code"] not in ("rate", "session"):  # its time does not matter here
        return Cell("not on this card" if why["code"] == "capability" else "no", sort=0, state="no")
    if choice["item_gb"]:
        size = rates.batch({**choice, "item_most": 4096}, offer)
        return Cell(str(size), sort=size, mark=ESTIMATE)
    return Cell("yes", sort=1, state="yes")
