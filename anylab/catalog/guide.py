"""The guide: every file of dist/ that is no notebook. (compiled collection) -> (path below dist, bytes); pure.

GUIDE.md and the pages are made of the same sections (blocks.py), computed from the one table of facts (table.py).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from anylab.catalog import amounts, as_html, as_markdown, cards, forms, page, table, words
from anylab.catalog.blocks import Section
from anylab.catalog.reading import Reader
from anylab.catalog.sources import Sources
from anylab.catalog.views import choice, cost, moves, past, places, tips, work
from anylab.render import title_of

GUIDE, INDEX, TABLES, PAST = "GUIDE.md", "index.html", "guide.html", "old-guides.html"
PAGES = (GUIDE, INDEX, TABLES, PAST)
_LEAD = (
    "Written by `python build.py` from the facts in `platforms/` and the counted work of each "
    "notebook. Every value leads to its source; "
    "≈ marks an estimate, *unknown* what was looked for and not found. `python build.py advise` "
    "answers for your own amounts, and "
    "[index.html](index.html) is this guide with an advisor and filters."
)


def files(compiled: Any) -> Iterator[tuple[str, bytes]]:
    """The guide as Markdown and as pages, and the pictures that the front page shows; nothing where no platform has
    plans, since there is nothing to compare then."""
    sources = {p.source.name: p.source for p in compiled.pairs}.values()
    home = f"https://github.com/{compiled.project.repository}/blob/{quote(compiled.project.branch, safe='')}/"
    reader = Reader(table.of(compiled.folders, sources, compiled.known), Sources(home))
    if not reader.platforms:
        return
    front = [places.quick(reader), *choice.sections(reader), *cost.sections(reader)]
    tables = [*work.sections(reader), *places.sections(reader), moves.section(compiled), tips.section(reader)]
    tables = [s for s in tables if s.blocks]
    old = past.section(reader)
    lead = (
        "For everybody who could use every open place, the best machine of each plan; a machine of one's own included."
    )
    usual = Section("usual", "What the advisor says", lead, tuple(forms.usual(reader)))
    everything = [s for s in (front[0], usual, *front[1:], *tables, old) if s.blocks]
    yield GUIDE, as_markdown.page("The guide", _LEAD, everything, reader.sources).encode()
    yield INDEX, _index(compiled, reader, [s for s in front if s.blocks], len(reader.sources.known)).encode()
    yield (
        TABLES,
        _further(
            TABLES,
            compiled,
            reader,
            "The guide",
            (
                "Every table behind the advice, computed from dated facts, each linked to where it comes from. ≈ "
                "marks an estimate; what nobody publishes is called unknown."
            ),
            tables,
        ).encode(),
    )
    yield (
        PAST,
        _further(PAST, compiled, reader, old.title, old.lead, [replace(old, title="Claim by claim", lead="")]).encode(),
    )
    for name, data in compiled.shared.pictures.items():
        if data:
            yield cards.picture_name(name, data), base64.b64decode(data.partition(",")[2])


def _index(compiled: Any, reader: Reader, parts: list[Section], counted: int) -> str:
    titles = {p.source.name: title_of(p.source) for p in compiled.pairs}
    names = list({p.platform.id: p.platform.name for p in compiled.pairs if p.path}.values())
    made = sum(1 for p in compiled.pairs if p.path)
    body = (
        "<section class=part id=notebooks aria-labelledby=notebooks-h><h2 id=notebooks-h>The notebooks</h2>"
        "<p class=lead>Each is one file that runs as it stands. A badge opens the variant that is made "
        "for that place.</p>"
        f"{forms.filters(reader)}{cards.html(compiled, _times(reader), titles)}</section>{forms.advisor(reader)}"
        + "\n".join(map(as_html.section, parts))
    )
    lead = (
        "AI notebooks that are written once and compiled for each place that runs them. This page says "
        "which place fits your "
        "job, how long it takes there and what it costs, and where every figure comes from."
    )
    tally = (
        f"{len(titles)} notebooks · {made} variants for {len(names)} platforms · {len(reader.platforms)} "
        f"places compared · {counted} sources"
    )
    slots = {
        "title": "Anylab: one notebook, whatever GPU you can get",
        "description": (
            "AI notebooks written once and compiled for every free GPU; which place fits, how long it takes "
            "there, what it costs"
        ),
        "hero": page.hero(
            "One notebook, whatever GPU you can get", lead, tally, page.drawing(names), "id=advisor " in body
        ),
        "main": body + page.sources(body, reader.sources),
        "footer": _footer(compiled),
    }
    return page.render(INDEX, slots, forms.data(reader.table))


def _further(name: str, compiled: Any, reader: Reader, title: str, lead: str, parts: list[Section]) -> str:
    """A page of tables, all open, with a list of them in front."""
    body = "\n".join(as_html.section(replace(part, folded=False)) for part in parts)
    listed = (
        f"<nav aria-label=Contents><ul class=contents>{as_html.contents(parts)}</ul></nav>" if len(parts) > 1 else ""
    )
    slots = {
        "title": f"{title} · Anylab",
        "description": lead,
        "hero": page.head(title, lead),
        "main": listed + body + page.sources(body, reader.sources),
        "footer": _footer(compiled),
    }
    return page.render(name, slots)


def _footer(compiled: Any) -> str:
    home = f"https://github.com/{compiled.project.repository}"
    return (
        f'Apache-2.0 · <a href="{home}">source</a> · <a href="GUIDE.md">the guide as Markdown</a> · written by '
        "<code>python build.py</code>, never by hand"
    )


def _times(reader: Reader) -> dict[tuple[str, str], dict[str, Any]]:
    """(notebook, platform) -> the best row of advice for the usual amount, and what that amount is."""
    found = {}
    for name, notebook in reader.counted():
        unit = notebook["work"]
        what = f"{amounts.number(unit['ask'])} {unit['unit'] if unit['ask'] == 1 else unit['units']}"
        for row in cost.answer(reader, name, cost.everything(reader)):
            offer = reader.offers[row["offer"]]
            on = f"on {reader.accelerator(offer)}"
            on += f", a {words.size(row['lesser'])} one" if row["lesser"] else ""
            found.setdefault((name, offer["platform"]), {**row, "what": what, "on": on})
    return found
