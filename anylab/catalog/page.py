"""dist/index.html: one file without external requests, filled from the frame, the style and the scripts in page/.

The budget is 300 kB (tests/page). Whatever it shows is whole without a script; the script adds sorting, filters and the
advisor.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from anylab.catalog import as_html, cards
from anylab.catalog.blocks import Section
from anylab.catalog.sources import Sources

_HERE = Path(__file__).parent / "page"
_SCRIPTS = ("amounts.js", "rates.js", "advise.js", "table.js", "show.js", "filter.js", "advisor.js", "choose.js")
NAV = (("notebooks", "Notebooks"), ("advisor", "Advisor"), ("quick", "Compare"), ("guide", "Guide"), ("sources", "Sources"))


def render(slots: Mapping[str, str], data: Mapping[str, Any]) -> str:
    """The page: `slots` fill the frame (HTML), `data` is what the script computes from."""
    script = "".join(map(_lean, _SCRIPTS))
    filled = {
        **slots,
        "style": _squeezed(_read("style.css")),
        "early": _read("early.js").strip(),
        "script": f'(function(){{"use strict";\n{script}}})();',
        "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/"),
        "nav": "".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title in NAV),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], _read("frame.html"))


@functools.cache
def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@functools.cache
def _lean(name: str) -> str:
    """A script without its comments and indents; its lines stay lines. Its strings hold no comments and no indents."""
    kept = re.sub(r"/\*.*?\*/", "", _read(name), flags=re.DOTALL)
    return re.sub(r"\n\s*(?=\n|\S)", "\n", kept)


@functools.cache
def _squeezed(style: str) -> str:
    """The style without comments and line ends."""
    return re.sub(r"\s*\n\s*", "", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL))


def body(card_html: str, filters: str, advisor: str, quick: Iterable[Section], parts: Iterable[Section], sources: Sources) -> str:
    """What stands in the middle, in reading order."""
    parts = list(parts)
    return "\n".join(
        [
            '<section class=part id=notebooks aria-labelledby=notebooks-h><h2 id=notebooks-h>The notebooks</h2>'
            "<p class=lead>Each is one file that runs as it stands. A badge opens the variant that is made for that place.</p>"
            f"{filters}{card_html}</section>",
            advisor,
            *map(as_html.section, quick),
            '<section class=part id=guide aria-labelledby=guide-h><h2 id=guide-h>The guide</h2>'
            "<p class=lead>Computed from dated facts, each linked to where it comes from. ≈ marks an estimate; what nobody "
            "publishes is called unknown.</p>"
            f"{''.join(map(as_html.section, parts))}</section>",
            '<section class=part id=sources aria-labelledby=sources-h><h2 id=sources-h>Sources</h2>'
            f"{as_html.source_list(sources)}</section>",
        ]
    )


def drawing(names: list[str]) -> str:
    """The picture at the top: one source, and a way to each of these platforms."""
    height, step = 300, 300 / max(len(names), 1)
    lines = "".join(
        f'<path d="M52 {92 + i * 17}h{w}" stroke="{c}"/>'
        for i, (w, c) in enumerate([(34, "var(--bar)"), (70, "currentColor"), (52, "currentColor"), (62, "var(--bar)"), (40, "currentColor"), (74, "currentColor"), (30, "currentColor")])
    )
    ways, boxes = [], []
    for i, name in enumerate(names):
        y = step * (i + 0.5)
        ways.append(f'<path d="M150 150C215 150 205 {y:.0f} 268 {y:.0f}"/>')
        boxes.append(
            f'<g transform="translate(268 {y - 19:.0f})"><rect width="38" height="38" rx="8" fill="var(--accent)"/>'
            f'<text x="19" y="25" text-anchor="middle" fill="var(--on)" font-family="var(--mono)" font-weight="600" font-size="15">{escape(cards.monogram(name))}</text>'
            f'<text x="50" y="24" fill="currentColor" font-size="14.5">{escape(name)}</text></g>'
        )
    label = escape(f"One source file, compiled for {', '.join(names)}")
    return (
        f'<svg class=draw viewBox="0 0 450 {height}" role=img aria-label="{label}">'
        '<rect x="32" y="60" width="118" height="164" rx="9" fill="var(--card)" stroke="var(--strong)" stroke-width="1.5"/>'
        f'<g stroke-width="5" stroke-linecap="round" opacity=".75">{lines}</g>'
        '<text x="91" y="248" text-anchor="middle" fill="var(--soft)" font-family="var(--mono)" font-size="13">notebook.py</text>'
        f'<g fill="none" stroke="var(--bar)" stroke-width="2">{"".join(ways)}</g>{"".join(boxes)}</svg>'
    )
