"""The forms of the page, which only a script can answer, and the tables that stand in their place without one."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from anylab.catalog import amounts, as_html, fragments, words
from anylab.catalog.asking import power
from anylab.catalog.blocks import Cell, Table
from anylab.catalog.reading import Plain, Reader, time, usd
from anylab.catalog.table import TERMS
from anylab.catalog.views import cost

NEEDS = (
    ("background", "runs on with the browser closed"),
    ("persistent", "keeps my files"),
    ("private", "keeps notebooks private"),
)
MEMORY = (("any", ""), ("no GPU", 0), *((f"{gb} GB", gb) for gb in (4, 6, 8, 12, 16, 24, 40, 80)))
HOURS = (("any", ""), ("15 min", 0.25), ("1 h", 1), ("4 h", 4), ("12 h", 12), ("1 day", 24), ("1 week", 168))
BUDGET = (("any", ""), ("0 USD", 0), ("1 USD", 1), ("5 USD", 5), ("10 USD", 10), ("25 USD", 25), ("100 USD", 100))


def filters(reader: Reader) -> str:
    """What somebody has, above the cards of the notebooks."""
    slots = {"chips": _chips(reader, only_variants=True)}
    slots |= {"memory": _options(MEMORY), "hours": _options(HOURS), "budget": _options(BUDGET)}
    return fragments.filled("filters.html", slots)


def advisor(reader: Reader) -> str:
    """The advisor: its form, the answer, the chart, the ranked table; without a script the usual amounts as tables."""
    books = [(n["title"], name) for name, n in reader.counted()]
    if not books:
        return ""
    own = [(reader.accelerator(o), o["card"]) for o in reader.table["offers"] if o["owned"]]
    box = "<label><input type=checkbox data-need={}><span>{}</span></label>"
    slots = {
        "books": _options(books),
        "chips": _chips(reader, only_variants=False),
        "cards": _options(own),
        "needs": "".join(box.format(key, escape(words)) for key, words in NEEDS),
        "kwh": f"{power(reader.table):g}",
        "usual": "".join(map(as_html.table, usual(reader))),
    }
    return fragments.filled("advisor.html", slots)


def usual(reader: Reader) -> list[Table]:
    """What the advisor says of each notebook's usual amount of work, for somebody who could use every open place."""
    tables = []
    for name, notebook in reader.counted():
        work, rows = notebook["work"], []
        seen: set[tuple[str, str]] = set()
        for row in cost.answer(reader, name, cost.open_places(reader)):
            offer = reader.offers[row["offer"]]
            if (offer["platform"], offer["plan"]) in seen:
                continue  # the best machine of a plan speaks for it
            seen.add((offer["platform"], offer["plan"]))
            n = len(seen)
            rows.append(
                (
                    Cell(str(n), sort=n),
                    Cell(offer["words"]),
                    time(row["hours"], row["grade"], lesser=row["lesser"]),
                    usd(row["usd"], row["grade"]),
                    Cell(row["reason"]),
                )
            )
        units = f"{amounts.number(work['ask'])} {work['unit'] if work['ask'] == 1 else work['units']}"
        head = ("no.", "machine", "time", "cost", "why")
        title = f"{notebook['title']}: {units}, best first"
        places = {id: reader.platforms[offer["platform"]]["name"] for id, offer in reader.offers.items()}
        minded = words.minded(cost.answer(reader, name, cost.open_places(reader)), places)
        told = reader.table["words"][TERMS]["words"]
        note = f"{told[:1].upper()}{told[1:]}: {' · '.join(minded)}." if minded else ""
        tables.append(Table(f"usual-{name}", title, head, tuple(rows), note, sortable=False))
    return tables


def _chips(reader: Reader, only_variants: bool) -> str:
    """A box for each place that somebody may have; those that are open stand ticked."""
    closed = {"open": "", "closed": " (closed)", "unconfirmed": " (not confirmed)"}
    chips = []
    for platform in reader.table["platforms"]:
        offers = [o for o in reader.table["offers"] if o["platform"] == platform["id"] and o["notebooks"] is True]
        if platform["state"] not in closed or not offers or (only_variants and not platform["variants"]):
            continue
        own = all(o["owned"] for o in offers)
        on = " checked" if only_variants or (platform["state"] == "open" and not own) else ""
        words = "my own machine" if own else f"{platform['name']}{closed[platform['state']]}"
        box = f'<input type=checkbox data-p="{platform["id"]}"{on}>'
        chips.append(f"<label>{box}<span>{escape(words)}</span></label>")
    return "".join(chips)


def _options(values: Iterable[tuple[str, Any]]) -> str:
    return "".join(f'<option value="{escape(str(value))}">{escape(words)}</option>' for words, value in values)


# of an offer, what neither the arithmetic nor the page asks for
_UNUSED = ("plan", "machine", "entry", "idle_minutes")


def data(table: Plain) -> dict:
    """What the script computes from: the offers and the work as the table has them, sources left out.

    What all offers of a platform share stands once, under `shared`; the script puts it back.
    """
    shared: dict[str, dict] = {}
    for platform in table["platforms"]:
        own = [o for o in table["offers"] if o["platform"] == platform["id"]]
        first = own[0] if own else {}
        shared[platform["id"]] = {
            k: v for k, v in first.items() if k not in ("id", *_UNUSED) and all(o[k] == v for o in own)
        }
    offers = [
        {k: v for k, v in o.items() if k == "platform" or (k not in shared[o["platform"]] and k not in _UNUSED)}
        for o in table["offers"]
    ]
    return {"shared": shared, "offers": offers, "notebooks": {name: _book(n) for name, n in table["notebooks"].items()}}


def _book(notebook: Plain) -> dict:
    work = notebook["work"]
    if work:
        choices = [{k: v for k, v in c.items() if k != "facts"} for c in work["choices"]]
        for c in choices:
            c["parts"] = [{k: p[k] for k in ("tflop", "rate", "share", "gb", "seconds")} for p in c["parts"]]
            c["known"] = {card: {k: about[k] for k in ("seconds", "grade")} for card, about in c["known"].items()}
        work = work | {"choices": choices}
    return {"title": notebook["title"], "needs": notebook["needs"], "work": work}
