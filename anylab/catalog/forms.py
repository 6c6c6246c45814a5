"""The forms of the page, which only a script can answer, and the tables that stand in their place without one."""

from __future__ import annotations

from html import escape

from anylab.catalog.asking import power
from anylab.catalog import advise, amounts
from anylab.catalog.as_html import table as table_html
from anylab.catalog.blocks import Cell, Table
from anylab.catalog.reading import Plain, Reader, time, usd
from anylab.catalog.views import cost

NEEDS = (
    ("background", "runs on with the browser closed"),
    ("persistent", "keeps my files"),
    ("private", "keeps notebooks private"),
)
MEMORY = ("any", "none", 4, 6, 8, 12, 16, 24, 40, 80)
HOURS = (("any", ""), ("15 min", 0.25), ("1 h", 1), ("4 h", 4), ("12 h", 12), ("1 day", 24), ("1 week", 168))
BUDGET = (("any", ""), ("0 USD", 0), ("1 USD", 1), ("5 USD", 5), ("10 USD", 10), ("25 USD", 25), ("100 USD", 100))


def filters(reader: Reader) -> str:
    """What somebody has, above the cards of the notebooks."""
    memory = [("any" if m == "any" else "no GPU" if m == "none" else f"{m} GB", "" if m == "any" else 0 if m == "none" else m) for m in MEMORY]
    return (
        '<form id=filters class="panel filters script" aria-label="What I have">'
        f'<fieldset><legend>Places that I can use</legend><div class=chips>{_chips(reader, "f", only_variants=True)}</div></fieldset>'
        f'{_choice("f-memory", "GPU memory that I have", memory)}'
        f'{_choice("f-hours", "Time that I have", HOURS)}{_choice("f-budget", "Money that I have", BUDGET)}'
        '<p class=count><span id=f-count role=status></span><button type=reset class=link>Clear</button></p></form>'
    )


def advisor(reader: Reader) -> str:
    """The advisor: its form, the answer, the chart, the ranked table; without a script the usual amounts as tables."""
    books = list(reader.counted())
    if not books:
        return ""
    options = "".join(f'<option value="{name}">{escape(n["title"])}</option>' for name, n in books)
    needs = "".join(f'<label><input type=checkbox data-need={k}><span>{escape(words)}</span></label>' for k, words in NEEDS)
    cards = [o for o in reader.table["offers"] if o["owned"]]
    own = "".join(f'<option value="{o["card"]}">{escape(reader.accelerator(o))}</option>' for o in cards)
    form = (
        '<form id=ask class=panel aria-label="The question">'
        f'<div class=field><label for=a-book>Notebook</label><select id=a-book>{options}</select></div>'
        '<div class=field><label for=a-units><span id=a-units-name>Amount</span> <output for=a-units id=a-units-out></output></label>'
        '<input type=range id=a-units min=0 max=100 step=1 value=50></div>'
        f'<fieldset><legend>I have</legend><div class=chips>{_chips(reader, "a", only_variants=False)}</div></fieldset>'
        + (f'<div class=field><label for=a-card>My own machine has</label><select id=a-card><option value="">whatever fits</option>{own}</select></div>' if own else "")
        + '<div class=field><label for=a-budget>Budget <output for=a-budget id=a-budget-out></output></label><input type=range id=a-budget min=0 max=24 step=1 value=24></div>'
        f'<fieldset><legend>I need a place that</legend><div class=chips>{needs}</div></fieldset>'
        '<div class=grid2><div class=field><label for=a-hour>An hour of mine, USD</label><input type=number id=a-hour min=0 max=1000 step=any value=0></div>'
        f'<div class=field><label for=a-kwh>A kilowatt hour, USD</label><input type=number id=a-kwh min=0 max=10 step=any value={power(reader.table):g}></div></div></form>'
    )
    key = (
        '<ul class=key><li><svg viewBox="0 0 14 14" aria-hidden=true><circle cx=7 cy=7 r=5.5 class="pt"/></svg>free</li>'
        '<li><svg viewBox="0 0 14 14" aria-hidden=true><path d="M2 2h10v10H2z" class="pt paid"/></svg>rented</li>'
        '<li><svg viewBox="0 0 14 14" aria-hidden=true><path d="M7 .8 13.2 7 7 13.2.8 7z" class="pt own"/></svg>of one\'s own, power alone</li>'
        '<li>The numbers are those of the table below.</li></ul>'
    )
    return (
        '<section class=part id=advisor aria-labelledby=advisor-h><h2 id=advisor-h>Where should it run?</h2>'
        '<p class=lead>Say how much there is to do and what you have. The figures are those of <code>python build.py advise</code>: '
        'counted work over what each card sustains, estimates unless somebody measured.</p>'
        f'<div class="advisor script">{form}<div><p class=answer id=answer role=status></p><div class=chart><svg id=chart role=img aria-labelledby=chart-t viewBox="0 0 760 400"><title id=chart-t>Time against cost</title></svg>{key}</div>'
        '<div class=box role=region tabindex=0 aria-labelledby=ranked-c><table class="wide sort" id=ranked><caption id=ranked-c>What fits, best first</caption>'
        '<thead><tr><th scope=col>machine</th><th scope=col>time</th><th scope=col>cost</th><th scope=col>sessions</th><th scope=col>days</th><th scope=col>at a time</th><th scope=col>a disconnect takes</th></tr></thead><tbody></tbody></table></div>'
        '<details id=refused><summary>What does not fit, and why</summary><ul></ul></details></div></div>'
        f'<div class=noscript>{"".join(table_html(t) for t in usual(reader))}</div></section>'
    )


def usual(reader: Reader) -> list[Table]:
    """What the advisor says of each notebook's usual amount of work, for somebody who could use every open place."""
    tables = []
    have = [p["id"] for p in reader.table["platforms"] if p["state"] == "open"]
    for name, notebook in reader.counted():
        work, rows = notebook["work"], []
        seen: set[tuple[str, str]] = set()
        for row in advise.advise(reader.table, cost.ask_of(reader, name, have=have))["rows"]:
            offer = reader.offers[row["offer"]]
            if (offer["platform"], offer["plan"]) in seen:
                continue  # the best machine of a plan speaks for it
            seen.add((offer["platform"], offer["plan"]))
            n = len(seen)
            rows.append((Cell(str(n), sort=n), Cell(offer["words"]), time(row["hours"], row["grade"]), usd(row["usd"], row["grade"]), Cell(row["reason"])))
        units = f"{amounts.number(work['ask'])} {work['unit'] if work['ask'] == 1 else work['units']}"
        head = ("no.", "machine", "time", "cost", "why")
        tables.append(Table(f"usual-{name}", f"{notebook['title']}: {units}, best first", head, tuple(rows), sortable=False))
    return tables


def _chips(reader: Reader, prefix: str, only_variants: bool) -> str:
    chips = []
    for platform in reader.table["platforms"]:
        offers = [o for o in reader.table["offers"] if o["platform"] == platform["id"]]
        if platform["state"] == "dead" or not offers or (only_variants and not platform["variants"]):
            continue
        if not any(o["notebooks"] is True for o in offers):
            continue
        own = all(o["owned"] for o in offers)
        on = only_variants or (platform["state"] == "open" and not own)
        closed = "" if platform["state"] == "open" else " (closed)" if platform["state"] == "closed" else " (not confirmed)"
        words = "my own machine" if own else f"{platform['name']}{closed}"
        chips.append(f'<label><input type=checkbox data-p="{platform["id"]}" data-g={prefix}{" checked" if on else ""}><span>{escape(words)}</span></label>')
    return "".join(chips)


def _choice(name: str, label: str, values: object) -> str:
    options = "".join(f'<option value="{v}">{escape(str(w))}</option>' for w, v in values)  # type: ignore[attr-defined]
    return f'<div class=field><label for={name}>{escape(label)}</label><select id={name}>{options}</select></div>'


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
        shared[platform["id"]] = {k: v for k, v in first.items() if k not in ("id", *_UNUSED) and all(o[k] == v for o in own)}
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
