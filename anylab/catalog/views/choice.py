"""Which one: by person, by task, by weights of one's own, and one example from the set-up to the result.

Points and weights are those of criteria.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from anylab.catalog import amounts
from anylab.catalog.blocks import ESTIMATE, Cell, Raw, Section, Table
from anylab.catalog.reading import Plain, Reader, time, usd
from anylab.catalog.views import cost
from anylab.catalog.views.criteria import CRITERIA, PEOPLE, WEIGHTS, points, total


def sections(reader: Reader) -> list[Section]:
    """By person, by task, the matrix, and an example."""
    how = Table(
        "how-t",
        "How the points come about",
        ("criterion", "points"),
        tuple((Cell(c.words), Cell(c.how)) for c in CRITERIA),
        sortable=False,
    )
    return [
        Section(
            "people",
            "Which one for whom",
            "The machine with the most points for what such a person weighs; the weights are ours.",
            (_people(reader),),
        ),
        Section(
            "tasks",
            "Which one for what",
            "For a notebook: what the advisor puts first. For the rest: what the places are made for.",
            (_tasks(reader),),
        ),
        Section(
            "matrix",
            "Weigh it yourself",
            ("Each machine has 0 to 5 points for each criterion, from its facts; what is unknown counts as nothing."),
            (Raw(html=_form()), _matrix(reader), how),
            folded=True,
        ),
        Section(
            "example",
            "One example, from set-up to result",
            "What the advisor would have you do for one job, with every step counted.",
            tuple(_example(reader)),
            folded=True,
        ),
    ]


def _judged(reader: Reader) -> Iterator[tuple[Plain, dict[str, float | None]]]:
    for offer in reader.table["offers"]:
        if offer["notebooks"] is True and offer["state"] != "dead":
            yield offer, points(reader, offer)


def _people(reader: Reader) -> Table:
    rows = []
    everything = list(_judged(reader))
    for words, weights in PEOPLE:
        ranked = sorted(
            ((total(given, weights), offer, given) for offer, given in everything if offer["state"] == "open"),
            key=lambda entry: (-entry[0], entry[1]["id"]),
        )
        rented = [entry for entry in ranked if not entry[1]["owned"]]
        if not rented:
            continue
        best, offer, given = rented[0]
        second = next((e for e in rented if e[1]["platform"] != offer["platform"]), None)
        own = next((e for e in ranked if e[1]["owned"]), None)
        other = "" if second is None else f"{second[1]['words']} ({second[0]:g})"
        mine = "" if own is None else f"{own[1]['words']} ({own[0]:g})"
        rows.append(
            (
                Cell(words),
                Cell(f"{offer['words']} ({best:g})", sort=best),
                Cell(_because(given, weights)),
                Cell(other),
                Cell(mine),
            )
        )
    head = ("for", "first", "because", "then", "of one's own")
    return Table("people-t", "By person, points of 5", head, tuple(rows), sortable=False)


def _because(given: dict[str, float | None], weights: dict[str, float]) -> str:
    """The three criteria that gave most, in words."""
    most = sorted(weights, key=lambda k: (-(given[k] or 0) * weights[k], k))[:3]
    reasons = {c.id: c.reason for c in CRITERIA}
    return ", ".join(reasons[k] for k in most if given[k])


def _tasks(reader: Reader) -> Table:
    rows = []
    for name, notebook in reader.table["notebooks"].items():
        if not notebook["work"]:
            rows.append((Cell(notebook["title"]), Cell("any of its variants"), Cell("nobody has counted its work yet")))
            continue
        answers = cost.answer(reader, name, cost.open_places(reader, owned=False))
        if answers:
            offer = reader.offers[answers[0]["offer"]]
            rows.append(
                (
                    Cell(notebook["title"]),
                    Cell(offer["words"]),
                    Cell(answers[0]["reason"], mark=ESTIMATE if answers[0]["grade"] == "estimated" else ""),
                )
            )
    rows += [_light(reader), *_served(reader)]
    return Table("tasks-t", "By task", ("for", "take", "because"), tuple(rows), sortable=False)


def _light(reader: Reader) -> tuple[Cell, Cell, Cell]:
    """Work that any GPU does: what begins soonest and costs least."""
    weights = {"start": 5, "price": 5, "speed": 1, "session": 1}
    open_ = [(o, g) for o, g in _judged(reader) if o["state"] == "open" and o["kind"] == "gpu" and not o["owned"]]
    if not open_:
        return Cell("image processing and small experiments"), Cell("–"), Cell("no place for it is known")
    offer, given = min(open_, key=lambda pair: (-total(pair[1], weights), pair[0]["id"]))
    return Cell("image processing and small experiments"), Cell(offer["words"]), Cell(_because(given, weights))


def _served(reader: Reader) -> Iterator[tuple[Cell, Cell, Cell]]:
    """What a notebook is not for: places that run apps and answer calls, as their facts say."""
    apps, always = [], []
    for platform in reader.table["platforms"]:
        facts, offers = platform["facts"], [o for o in reader.table["offers"] if o["platform"] == platform["id"]]
        if platform["state"] != "open" or not offers or any(o["owned"] for o in offers):
            continue
        if facts.get("takes_notebooks", {}).get("value") is False:
            wants = facts.get("wants")
            told = f"{platform['name']} takes {wants['value']}" if wants and wants["value"] else platform["name"]
            apps.append((platform["name"], Cell(told, reader.fact(wants or facts["takes_notebooks"]).source)))
        prices = sorted((o["kind"] == "cpu", o["usd_per_hour"]) for o in offers if o["usd_per_hour"])  # GPUs first
        restarts = any(o["session_hours"] and o["session_hours"] < 24 for o in offers)
        if (
            prices
            and not restarts
            and all(o["background"] is True for o in offers)
            and facts.get("usd_per_month") is None
        ):
            always.append(
                (
                    platform["name"],
                    Cell(f"{platform['name']}: by use, from {prices[0][1]:.2f} USD an hour, without a browser"),
                )
            )
    for task, places in (("demos that others open, and APIs", apps), ("production", always)):
        if places:
            yield (
                Cell(task),
                Cell(", ".join(name for name, _ in places)),
                Cell("", items=tuple(cell for _, cell in places)),
            )


def _form() -> str:
    """A slider a criterion."""
    slider = (
        "<div class=field><label for=w-{0.id}>{0.words} <output>{0.weight}</output></label><input type=range "
        'id=w-{0.id} data-w={0.id} min=0 max=5 value={0.weight} aria-valuetext="weight {0.weight} of 5"></div>'
    )
    fields = "".join(slider.format(c) for c in CRITERIA)
    return f'<form id=weights class="panel grid2 script" aria-label="Weights">{fields}</form>'


def _matrix(reader: Reader) -> Table:
    rows = []
    for offer, given in _judged(reader):
        cells = [Cell("unknown", mark="unknown") if v is None else Cell(f"{v:g}", sort=v) for v in given.values()]
        whole = total(given, WEIGHTS)
        rows.append((-whole, (Cell(offer["words"]), Cell(f"{whole:g}", sort=whole), *cells), offer["id"]))
    rows.sort(key=lambda row: (row[0], row[2]))
    head = ("machine", "points", *(c.words for c in CRITERIA))
    return Table(
        "matrix-t",
        "Every machine, points of 5",
        head,
        tuple(r for _, r, _ in rows),
        row_keys=tuple(k for _, _, k in rows),
    )


def _example(reader: Reader) -> Iterator[Table]:
    """The first notebook with counted work, its third preset, on the best machine of each platform with a variant."""
    name, notebook = next(reader.counted(), ("", None))
    if notebook is None:
        return
    work = notebook["work"]
    units = work["presets"][min(2, len(work["presets"]) - 1)]
    rows, seen = [], set()
    for row in cost.answer(reader, name, cost.everything(reader), units):
        offer = reader.offers[row["offer"]]
        if not offer["variant"] or offer["platform"] in seen:
            continue
        seen.add(offer["platform"])
        rows.append(_example_row(reader, row, offer))
    head = (
        "machine",
        "set-up, once",
        "the work",
        "sessions",
        "days",
        "of a week's hours",
        "from begin to result",
        "cost",
        "while it runs",
    )
    shown = f"{amounts.number(units)} {work['units'] if units != 1 else work['unit']}"
    yield Table("example-t", f"{notebook['title']}: {shown}", head, tuple(rows), sortable=False)


def _example_row(reader: Reader, row: Plain, offer: Plain) -> tuple[Cell, ...]:
    minutes = [s["minutes"] for s in reader.platforms[offer["platform"]]["setup"]]
    known = bool(minutes) and None not in minutes
    week = offer["hours_per_week"] or (offer["hours_per_day"] or 0) * 7
    share = "no limit" if offer["hours_per_week"] == 0 == offer["hours_per_day"] else "unknown"
    if week:
        share = f"{math.ceil(100 * row['hours'] / week)} %"
    begin = row["elapsed_hours"] + (sum(minutes) / 60 if known else 0)
    look = {
        True: "you may close the browser",
        False: "the browser stays open",
        None: "whether the browser may be closed is unknown",
    }
    return (
        Cell(offer["words"]),
        Cell(f"{amounts.number(sum(minutes))} min", mark=ESTIMATE) if known else Cell("unknown", mark="unknown"),
        time(row["hours"], row["grade"], lesser=row["lesser"]),
        Cell("unknown", mark="unknown") if row["sessions"] is None else Cell(str(row["sessions"])),
        Cell(str(row["days"])),
        Cell(share, mark="unknown" if share == "unknown" else ESTIMATE if week else ""),
        time(begin, "estimated"),
        usd(row["usd"], row["grade"]),
        Cell("your own machine" if offer["owned"] else look[offer["background"]]),
    )
