"""What a place is: the quick comparison, for and against, how to begin, and the long tables feature by feature."""

from __future__ import annotations

from dataclasses import replace

from anylab.catalog import amounts
from anylab.catalog.blocks import ESTIMATE, UNKNOWN, Cell, Raw, Section, Steps, Table
from anylab.catalog.reading import NOTHING, STATES, Plain, Reader
from anylab.catalog.views import strengths

# (what a column is called, the fact, its unit); what has no fact of its own is computed below
_QUICK = (
    ("memory of the machine", "ram_gb", "GB"),
    ("free disk", "disk_gb", "GB"),
    ("longest session", "session_hours", "h"),
    ("idle limit", "idle_minutes", "min"),
    ("hours a week", "weekly_gpu_hours", "h"),
    ("runs on with the browser closed", "background", ""),
    ("keeps files", "persists", ""),
    ("internet", "internet", ""),
    ("secrets", "secrets", ""),
    ("to begin", "entry", ""),
)
EXECUTION = (
    ("browser needed", "browser", ""),
    ("runs on with the browser closed", "background", ""),
    ("ends when idle for", "idle_minutes", "min"),
    ("longest session", "session_hours", "h"),
    ("coming back to a running session", "reconnect", ""),
    ("the end of a session takes", "lost", ""),
    ("not allowed", "forbidden", ""),
    ("on cloned voices and faces", "cloned_voices", ""),
)
DATA = (
    ("bringing data in", "upload", ""),
    ("using it again", "reuse", ""),
    ("taking results out", "download", ""),
    ("largest dataset", "dataset_gb", "GB"),
    ("free disk", "disk_gb", "GB"),
    ("of it kept", "saved_gb", "GB"),
    ("what is kept", "persistent", ""),
)
DEVELOPMENT = (
    ("versions", "versions", ""),
    ("sharing", "sharing", ""),
    ("debugging", "debugging", ""),
    ("private", "private", ""),
    ("who else has the data", "privacy", ""),
    ("more of everything", "upgrade", ""),
    ("who looks after it", "maintenance", ""),
    ("on a phone", "mobile", ""),
    ("runs a notebook as it is", "takes_notebooks", ""),
)


def quick(reader: Reader) -> Section:
    """A row a plan, a column a feature."""
    rows = []
    for platform, plan in reader.plans():
        cells = [_short(platform, plan, reader, key, unit) for _, key, unit in _QUICK]
        rows.append(
            (
                Cell(reader.name(platform, plan)),
                _state(platform, reader),
                *_cards(platform, plan, reader),
                *cells,
                _price(platform, plan, reader),
                _minutes(platform),
                _variant(platform),
                strengths.best_for(reader, platform, plan["id"]),
            )
        )
    head = (
        "place",
        "state",
        "accelerators",
        "memory a card",
        "bf16",
        *(words for words, _, _ in _QUICK),
        "price",
        "minutes to begin",
        "our variant",
        "best for",
    )
    lead = "Every system that the old guides named, the closed and the dead ones too. A value leads to its source."
    return Section("quick", "Places compared", lead, (Table("quick-t", "Quick comparison", head, tuple(rows)),))


def sections(reader: Reader) -> list[Section]:
    """For and against, beginning, and feature by feature."""
    return [
        Section(
            "pros",
            "For and against",
            "Read off the facts by fixed rules: what is unknown speaks neither for nor against a place.",
            (_pros(reader),),
            folded=True,
        ),
        Section(
            "begin",
            "How to begin, step by step",
            "Minutes are for the first time; ≈ marks what nobody timed.",
            tuple(_begin(reader)),
            folded=True,
        ),
        *(
            Section(name, title, lead, (_features(reader, name, title, keys),), folded=True)
            for name, title, lead, keys in (
                ("execution", "How a run goes", "What happens when you look away.", EXECUTION),
                ("data", "Data in and out", "", DATA),
                ("development", "Working there", "", DEVELOPMENT),
            )
        ),
        Section(
            "cards",
            "The accelerators",
            (
                "Published peaks are what a vendor prints; sustained is what matrix products reach, an estimate "
                "unless measured."
            ),
            (_accelerators(reader),),
            folded=True,
        ),
    ]


def _state(platform: Plain, reader: Reader) -> Cell:
    words, sign = STATES[platform["state"]]
    fact = platform["facts"].get("state")
    source = reader.fact(fact).source if fact else 0
    return Cell(words, source, state=sign)


def _cards(platform: Plain, plan: Plain, reader: Reader) -> tuple[Cell, Cell, Cell]:
    """(accelerators, memory a card, native bf16) of a plan."""
    offers = [o for o in reader.table["offers"] if o["platform"] == platform["id"] and o["plan"] == plan["id"]]
    if not offers:
        fact = (platform["facts"] | plan["facts"]).get("accelerators")
        return (reader.fact(fact) if fact else Cell("none", sort=0)), Cell("–"), Cell("–")
    names = list(dict.fromkeys(reader.accelerator(o) for o in offers))
    sizes = sorted({o["memory_gb"] for o in offers if o["memory_gb"] and o["kind"] != "cpu"})
    source = reader.fact(reader.card(offers[0])["facts"].get("memory_gb")).source
    shown = (
        f"{amounts.number(sizes[0])}–{amounts.number(sizes[-1])} GB"
        if len(sizes) > 1
        else f"{amounts.number(sizes[0])} GB"
        if sizes
        else "–"
    )
    return Cell("; ".join(names)), Cell(shown, source if sizes else 0, sizes[-1] if sizes else 0), _bf16(offers)


def _short(platform: Plain, plan: Plain, reader: Reader, key: str, unit: str) -> Cell:
    """A fact of a plan, without its note; a week's hours are seven times a day's where the quota is a daily one."""
    cell = reader.across(platform, plan, key, unit, short=True)
    fact = (platform["facts"] | plan["facts"]).get("daily_gpu_hours")
    day = fact["value"] if fact else None
    if key != "weekly_gpu_hours" or cell.text != "no limit" or not isinstance(day, int | float):
        return cell
    told = f"{amounts.number(7 * day)} h ({amounts.number(day)} a day)"
    return replace(reader.fact(fact, "h", short=True), text=told, sort=7 * day)


def _bf16(offers: list[Plain]) -> Cell:
    """bf16 is native from compute capability 8.0 on."""
    able = {o["capability"] >= 8 for o in offers if o["kind"] == "gpu" and o["capability"] is not None}
    able |= {True for o in offers if o["kind"] == "tpu"}
    if not able:
        return Cell("–")
    words, sign = ("some", "part") if len(able) > 1 else ("yes", "yes") if True in able else ("no", "no")
    return Cell(words, state=sign)


def _price(platform: Plain, plan: Plain, reader: Reader) -> Cell:
    if any(o["owned"] for o in reader.table["offers"] if o["platform"] == platform["id"]):
        return Cell("the card and its power", sort=0)
    cell = reader.across(platform, plan, "usd_per_hour", "USD/h", short=True)
    month = (platform["facts"] | plan["facts"]).get("usd_per_month")
    if month and month["value"]:
        own = reader.fact(month, "USD a month", short=True)
        return (
            own
            if cell.mark == UNKNOWN or not cell.sort
            else Cell(f"{own.text}, {cell.text}", cell.source, cell.sort, cell.mark)
        )
    if cell.sort == 0:
        return Cell("free", cell.source, 0, cell.mark)
    extra = (platform["facts"] | plan["facts"]).get("on_top")
    return replace(cell, text=f"{cell.text}, and {extra['value']}") if extra and extra["value"] else cell


def _minutes(platform: Plain) -> Cell:
    minutes = [step["minutes"] for step in platform["setup"]]
    if not minutes or None in minutes:
        return NOTHING if platform["state"] != "dead" else Cell("–")
    return Cell(amounts.number(sum(minutes)), sort=sum(minutes), mark=ESTIMATE)


def _variant(platform: Plain) -> Cell:
    return Cell("yes", state="yes") if platform["variants"] else Cell("facts only", state="part")


def _pros(reader: Reader) -> Table:
    rows = tuple(
        (
            Cell(p["name"]),
            strengths.best_for(reader, p),
            Cell("", items=strengths.fors(reader, p)),
            Cell("", items=strengths.againsts(reader, p)),
        )
        for p in reader.table["platforms"]
    )
    return Table(
        "pros-t", "Every place, for and against", ("place", "best for", "for", "against"), rows, sortable=False
    )


def _place(platform: Plain) -> str:
    """A place with its state, where that is not simply open."""
    return platform["name"] + ("" if platform["state"] == "open" else f" ({STATES[platform['state']][0]})")


def _nothing(platform: Plain, reader: Reader) -> Cell:
    """What stands for the steps of a place that has none."""
    if platform["state"] != "dead":
        return Cell("unknown", mark=UNKNOWN)
    return Cell("nothing to begin any more", reader.fact(platform["facts"].get("state")).source)


def _begin(reader: Reader) -> list[Raw | Steps]:
    lists: list[Raw | Steps] = []
    begun = False
    for platform in reader.table["platforms"]:
        steps = []
        for step in platform["setup"]:
            number = reader.sources.cite(step["source"], step["date"], step["grade"], step.get("link", ""))
            mark = ESTIMATE if step["grade"] == "estimated" else ""
            minutes = (
                "" if step["minutes"] is None else f" ({'≈ ' if mark else ''}{amounts.number(step['minutes'])} min)"
            )
            steps.append(Cell(step["do"] + minutes, number))
        begun = begun or bool(steps)
        if not steps:  # what is gone, and what nobody could find, stands in the list too
            lists.append(Steps(_place(platform), (_nothing(platform, reader),)))
        else:
            total = _minutes(platform)
            told = f": ≈ {total.text} minutes" if total.sort is not None else ""
            lists.append(Steps(_place(platform) + told, tuple(steps)))
    if not begun:
        return []
    return [Raw(html="<div class=groups>"), *lists, Raw(html="</div>")]


def _features(reader: Reader, name: str, title: str, keys: tuple) -> Table:
    rows = []
    for platform, plan in reader.plans():
        known = platform["facts"] | plan["facts"]
        if plan is not platform["plans"][0] and not any(key in plan["facts"] for _, key, _ in keys):
            continue  # a plan that differs in nothing here has no row of its own
        if not any(key in known for _, key, _ in keys):
            continue
        rows.append(
            (Cell(reader.name(platform, plan)), *(reader.across(platform, plan, key, unit) for _, key, unit in keys))
        )
    return Table(f"{name}-t", f"{title}, place by place", ("place", *(words for words, _, _ in keys)), tuple(rows))


def _accelerators(reader: Reader) -> Table:
    columns = (
        ("memory", "memory_gb", "GB"),
        ("compute capability", "capability", ""),
        ("published peak, 16 bit", "half_peak_tflops", "TFLOP/s"),
        ("sustained, 16 bit", "half_tflops", "TFLOP/s"),
        ("sustained, 32 bit", "single_tflops", "TFLOP/s"),
        ("sustained bandwidth", "bandwidth_gbs", "GB/s"),
        ("power", "watts", "W"),
        ("price when new", "usd", "USD"),
    )
    rows = []
    for id, card in reader.table["cards"].items():
        places = sorted({reader.platforms[o["platform"]]["name"] for o in reader.table["offers"] if o["card"] == id})
        cells = [reader.fact(card["facts"].get(key), unit, short=True) for _, key, unit in columns]
        rows.append((Cell(card["name"]), *cells, Cell(", ".join(places) or "–")))
    head = ("accelerator", *(words for words, _, _ in columns), "where")
    return Table("cards-t", "Every accelerator", head, tuple(rows))
