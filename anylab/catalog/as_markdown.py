"""Sections as GitHub shows them. Each cell is linked to its source by a reference, whose title has date and grade."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from anylab.catalog.blocks import ESTIMATE, UNKNOWN, Bars, Cell, Raw, Section, Steps, Table, Words
from anylab.catalog.sources import GRADES, Sources

_WIDTH = 30  # of the longest bar, in characters
SIGNS = {"yes": "✓ ", "no": "✗ ", "part": "◐ "}


def page(title: str, lead: str, sections: Iterable[Section], sources: Sources) -> str:
    """The whole page, its list of sources at the end."""
    sections = list(sections)
    lines = [f"# {title}", "", lead, ""]
    lines += [f"- [{s.title}](#{anchor(s.title)})" for s in sections] + ["- [Sources](#sources)", ""]
    for section in sections:
        lines += [f"## {section.title}", "", section.lead, ""] if section.lead else [f"## {section.title}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    lines += ["## Sources", "", "Grades: " + "; ".join(f"{k}: {v}" for k, v in GRADES.items()) + ".", ""]
    lines += ["| no. | source | date | grade |", "|--:|---|---|---|"]
    lines += [f"| {s.number} | {_linked(_plain(s.words), s.address)} | {s.date} | {s.grade} |" for s in sources]
    lines.append("")
    for s in sources:
        told = f"{s.words}; {s.date}; grade {s.grade}".replace('"', "'").replace("\\", "/")
        lines.append(f'[s{s.number}]: {s.address or "#sources"} "{told}"')
    return "\n".join(lines) + "\n"


def anchor(title: str) -> str:
    """The address part that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _block(block: object) -> Iterator[str]:
    if isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Bars):
        yield from _bars(block)
    elif isinstance(block, Words):
        yield block.text
    elif isinstance(block, Steps):
        yield from [f"**{block.caption}**", ""] if block.caption else []
        yield from (f"{n}. {cell(c)}" for n, c in enumerate(block.items, 1))
    elif isinstance(block, Raw):
        yield block.markdown


def _table(table: Table) -> Iterator[str]:
    yield from [f"**{_plain(table.caption)}**", ""]
    yield "| " + " | ".join(map(_plain, table.head)) + " |"
    yield "|" + "---|" * len(table.head)
    for row in table.rows:
        yield "| " + " | ".join(map(cell, row)) + " |"
    yield from ["", table.note] if table.note else []


def cell(value: Cell) -> str:
    """A cell: its sign, its words, an estimate marked, and where it comes from."""
    if value.items:
        return "<br>".join(f"• {cell(item)}" for item in value.items)
    words = _plain(value.text)
    if value.mark == ESTIMATE and words:
        words = f"≈ {words}"
    elif value.mark == UNKNOWN:
        words = f"*{words}*"
    words = SIGNS.get(value.state, "") + words
    if value.href:
        return _linked(words, value.href)
    return f"[{words}][s{value.source}]" if value.source and words else words


def _bars(block: Bars) -> Iterator[str]:
    longest = max((bar.value or 0 for bar in block.bars), default=0) or 1
    wide = max((len(bar.label) for bar in block.bars), default=0)
    yield from [f"**{_plain(block.caption)}**", "", "```"]
    for bar in block.bars:
        drawn = (
            ("░" if bar.less else "█") * max(1, round(_WIDTH * bar.value / longest)) + " "
            if bar.value is not None
            else ""
        )
        yield f"{bar.label:<{wide}}  {drawn}{'≈ ' if bar.cell.mark == ESTIMATE else ''}{bar.cell.text}"
    yield "```"
    yield from ["", block.note] if block.note else []


def _linked(words: str, address: str) -> str:
    return f"[{words}]({address})" if address else words


_MARKUP = str.maketrans({sign: f"\\{sign}" for sign in "\\|<>[]*_"})


def _plain(words: str) -> str:
    """Words that stay words in a table."""
    return " ".join(str(words).split()).translate(_MARKUP)
