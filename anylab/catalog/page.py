"""The pages of dist/: each one file without external requests, filled from the frame, style and scripts in page/.

Each page has a budget of 300 kB (tests/page). Whatever it shows is whole without a script; the script adds sorting,
filters and the advisor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from anylab.catalog import as_html, cards, fragments
from anylab.catalog.sources import Sources

_EVERYWHERE = ("table.js", "show.js")
_COMPUTING = ("amounts.js", "rates.js", "advise.js", *_EVERYWHERE, "filter.js", "advisor.js", "choose.js")
PLACES = (
    ("index.html#notebooks", "Notebooks"),
    ("index.html#advisor", "Advisor"),
    ("index.html#quick", "Compare"),
    ("index.html#cost", "Cost"),
    ("guide.html", "Guide"),
    ("old-guides.html", "Old guides"),
)


def render(name: str, slots: Mapping[str, str], data: Mapping[str, Any] | None = None) -> str:
    """The page `name`: `slots` fill the frame; `data` is what its script computes from, None where it has none."""
    script = "".join(map(fragments.script, _EVERYWHERE if data is None else _COMPUTING))
    facts = "" if data is None else json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    filled = {
        **slots,
        "style": fragments.style("style.css"),
        "early": fragments.text("early.js").strip(),
        "script": f'(function(){{"use strict";\n{script}}})();',
        "data": f'<script type="application/json" id="facts">{facts}</script>\n' if facts else "",
        "home": "#top" if name == "index.html" else "index.html",
        "nav": "".join(_way(name, address, title, slots["main"]) for address, title in PLACES),
    }
    return fragments.filled("frame.html", filled)


def _way(name: str, address: str, title: str, main: str) -> str:
    """An entry of the list of parts; on its own page an address is its part alone, left out where that is missing."""
    part = address.removeprefix(f"{name}#")
    if part != address and f"id={part} " not in main and f'id="{part}"' not in main:
        return ""
    here = ' aria-current="page"' if address == name else ""
    return f'<li><a href="{escape(address.removeprefix(name) or address)}"{here}>{escape(title)}</a></li>'


def hero(headline: str, lead: str, tally: str, picture: str, asks: bool) -> str:
    """The top of the front page; `asks`: it has an advisor."""
    other = ' <a class="press quiet" href="#advisor">Where should it run?</a>' if asks else ""
    return (
        f'<div class="hero in"><div class=say><h1>{escape(headline)}</h1><p class=lead>{escape(lead)}</p>'
        f'<p class=go><a class=press href="#notebooks">Open a notebook</a>{other}</p>'
        f"<p class=tally>{escape(tally)}</p></div>{picture}</div>"
    )


def head(headline: str, lead: str) -> str:
    """The top of any other page."""
    return (
        f'<div class="hero plain in"><div class=say><h1>{escape(headline)}</h1><p '
        f"class=lead>{escape(lead)}</p></div></div>"
    )


def sources(body: str, known: Sources) -> str:
    """The list of those sources that this page leads to."""
    used = {int(number) for number in re.findall(r"href=#s(\d+)", body)}
    return (
        "<section class=part id=sources aria-labelledby=sources-h><h2 id=sources-h>Sources</h2>"
        f"{as_html.source_list([s for s in known if s.number in used])}</section>"
    )


def drawing(names: list[str]) -> str:
    """The picture at the top: one source, and a way to each of these platforms."""
    height, step = 300, 300 / max(len(names), 1)
    lines = "".join(
        f'<path d="M52 {92 + i * 17}h{w}" stroke="{c}"/>'
        for i, (w, c) in enumerate(
            [
                (34, "var(--bar)"),
                (70, "currentColor"),
                (52, "currentColor"),
                (62, "var(--bar)"),
                (40, "currentColor"),
                (74, "currentColor"),
                (30, "currentColor"),
            ]
        )
    )
    ways, boxes = [], []
    for i, name in enumerate(names):
        y = step * (i + 0.5)
        ways.append(f'<path d="M150 150C210 150 200 {y:.0f} 258 {y:.0f}"/>')
        boxes.append(
            f'<g transform="translate(258 {y - 19:.0f})"><rect width="38" height="38" rx="8" fill="var(--accent)"/>'
            '<text x="19" y="25" text-anchor="middle" fill="var(--on)" font-family="var(--mono)" '
            f'font-weight="600" font-size="15">{escape(cards.monogram(name))}</text>'
            f'<text x="48" y="24" fill="currentColor" font-size="14">{escape(name)}</text></g>'
        )
    label = escape(f"One source file, compiled for {', '.join(names)}")
    return (
        f'<svg class=draw viewBox="0 0 470 {height}" role=img aria-label="{label}">'
        '<rect x="32" y="60" width="118" height="164" rx="9" fill="var(--card)" stroke="var(--strong)" '
        'stroke-width="1.5"/>'
        f'<g stroke-width="5" stroke-linecap="round" opacity=".75">{lines}</g>'
        '<text x="91" y="248" text-anchor="middle" fill="var(--soft)" font-family="var(--mono)" '
        'font-size="13">notebook.py</text>'
        f'<g fill="none" stroke="var(--bar)" stroke-width="2">{"".join(ways)}</g>{"".join(boxes)}</svg>'
    )
