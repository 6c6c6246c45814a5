"""The guide: every file of dist/ that is no notebook. (compiled collection) -> (path below dist, bytes); pure.

GUIDE.md and index.html are made of the same sections (blocks.py), computed from the one table of facts (table.py).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from anylab.catalog import advise, amounts, as_markdown, cards, forms, page, table
from anylab.catalog.blocks import Section
from anylab.catalog.reading import Reader
from anylab.catalog.views import choice, cost, moves, past, places, tips, work
from anylab.render import title_of

GUIDE, INDEX = "GUIDE.md", "index.html"
PAGES = (GUIDE, INDEX)
_LEAD = (
    "Written by `python build.py` from the facts in `platforms/` and the counted work of each notebook. Every value leads to its source; "
    "≈ marks an estimate, *unknown* what was looked for and not found. `python build.py advise` answers for your own amounts, and "
    "[index.html](index.html) is this guide with an advisor and filters."
)


def files(compiled: Any) -> Iterator[tuple[str, bytes]]:
    """The guide, the page, and the pictures that the page shows."""
    sources = {p.source.name: p.source for p in compiled.pairs}.values()
    reader = Reader(table.of(compiled.folders, sources, compiled.known))
    titles = {p.source.name: title_of(p.source) for p in compiled.pairs}
    quick = places.quick(reader)
    parts = [
        *choice.sections(reader),
        *work.sections(reader),
        *cost.sections(reader),
        *places.sections(reader),
        moves.section(reader),
        tips.section(reader),
        past.section(reader),
    ]
    usual = Section("usual", "What the advisor says", "For everybody who could use every open place; a machine of one's own included.", tuple(forms.usual(reader)))
    yield GUIDE, as_markdown.page("The guide", _LEAD, [quick, usual, *parts], reader.sources).encode()
    yield INDEX, _page(compiled, reader, titles, quick, parts).encode()
    for name, data in compiled.shared.pictures.items():
        if data:
            yield cards.picture_name(name, data), base64.b64decode(data.partition(",")[2])


def _page(compiled: Any, reader: Reader, titles: Mapping[str, str], quick: Section, parts: list[Section]) -> str:
    names = list({p.platform.id: p.platform.name for p in compiled.pairs if p.path}.values())
    made = sum(1 for p in compiled.pairs if p.path)
    home = f"https://github.com/{compiled.project.repository}"
    listed = cards.html(compiled, _times(reader), titles)
    slots = {
        "title": "Anylab: one notebook, whatever GPU you can get",
        "description": "AI notebooks written once and compiled for every free GPU; which place fits, how long it takes there, what it costs",
        "headline": "One notebook, whatever GPU you can get",
        "lead": "AI notebooks that are written once and compiled for each place that runs them. This page says which place fits your job, "
        "how long it takes there and what it costs, and where every figure comes from.",
        "tally": f"{len(titles)} notebooks · {made} variants for {len(names)} platforms · {len(reader.platforms)} places compared · {len(reader.sources.known)} sources",
        "drawing": page.drawing(names),
        "main": page.body(listed, forms.filters(reader), forms.advisor(reader), [quick], parts, reader.sources),
        "footer": f'Apache-2.0 · <a href="{home}">source</a> · <a href="GUIDE.md">the same guide as Markdown</a> · written by <code>python build.py</code>, never by hand',
    }
    return page.render(slots, forms.data(reader.table))


def _times(reader: Reader) -> dict[tuple[str, str], dict[str, Any]]:
    """(notebook, platform) -> the best row of advice for the usual amount, and what that amount is."""
    found = {}
    for name, notebook in reader.counted():
        unit = notebook["work"]
        ask = cost.ask_of(name, unit, have=cost.everything(reader))
        what = f"{amounts.number(unit['ask'])} {unit['unit'] if unit['ask'] == 1 else unit['units']}"
        for row in advise.advise(reader.table, ask)["rows"]:
            found.setdefault((name, reader.offers[row["offer"]]["platform"]), {**row, "what": what})
    return found
