"""Sections as the pages have them: plain tables that are whole without a script, marked for one that sorts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from anylab.catalog.blocks import ESTIMATE, MEASURED, UNKNOWN, Bars, Cell, Raw, Section, Steps, Table, Words
from anylab.catalog.sources import GRADES, Source

_CLASSES = {ESTIMATE: "e", UNKNOWN: "u", MEASURED: "m"}
_AMOUNT = re.compile(r"(?:≈ )?\b\d[\d.,]* (?:s|min|h|days)\b")
_SIGNS = {"yes": "✓", "no": "✗", "part": "◐"}


def section(one: Section) -> str:
    """A section; a folded one opens with a click, and without a script."""
    inner = "\n".join(map(block, one.blocks))
    lead = f"<p class=lead>{words(one.lead)}</p>" if one.lead else ""
    head = f'<h2 id="{one.name}-h">{escape(one.title)}</h2>'
    if one.folded:
        return (
            f'<details class=part id="{one.name}"><summary><h3 id="{one.name}-h">{escape(one.title)}</h3></summary>\n'
            f"{lead}\n{inner}\n</details>"
        )
    return f'<section class=part id="{one.name}" aria-labelledby="{one.name}-h">{head}{lead}\n{inner}\n</section>'


def block(one: object) -> str:
    """Any block."""
    if isinstance(one, Table):
        return table(one)
    if isinstance(one, Bars):
        return _bars(one)
    if isinstance(one, Words):
        return f"<p>{words(one.text)}</p>"
    if isinstance(one, Steps):
        listed = "".join(f"<li>{cell(c)}</li>" for c in one.items)
        caption = f"<h3 class=cap>{escape(one.caption)}</h3>" if one.caption else ""
        return f"<div>{caption}<ol class=steps>{listed}</ol></div>"
    return one.html if isinstance(one, Raw) else ""


def table(one: Table) -> str:
    """A table in a box that scrolls alone; its columns sort where a script runs."""
    kind = "wide sort" if one.sortable else "wide"
    head = "".join(f"<th scope=col>{escape(h)}</th>" for h in one.head)
    row_keys = one.row_keys or ("",) * len(one.rows)
    body = "\n".join(
        f"<tr{_attribute('data-k', key)}>{_row(row)}</tr>" for row, key in zip(one.rows, row_keys, strict=True)
    )
    note = f"<p class=note>{words(one.note)}</p>" if one.note else ""
    return (
        f'<div class=box role=region tabindex=0 aria-labelledby="{one.name}-c"><table class="{kind}" id="{one.name}">'
        f'<caption id="{one.name}-c">{escape(one.caption)}</caption><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>{note}"
    )


def _row(row: tuple[Cell, ...]) -> str:
    first, *rest = row
    return f"<th scope=row>{cell(first)}</th>" + "".join(f"<td{_sorted_by(c)}{_wide(c)}>{cell(c)}</td>" for c in rest)


def _wide(value: Cell) -> str:
    """A long text gets room, so that its row does not become a tower."""
    longest = max((len(item.text) for item in value.items), default=len(value.text))
    return " class=w" if longest > 48 else ""


def _sorted_by(value: Cell) -> str:
    """What a cell is sorted by, left out where its words say the same; an estimate's begin with a sign."""
    if value.sort is None or (value.text == f"{value.sort:g}" and value.mark != ESTIMATE):
        return ""
    return f" data-v={value.sort:.6g}"


def cell(value: Cell) -> str:
    """The inside of a cell: a sign with its word, the value, the way to its source."""
    if value.items:
        return "<ul>" + "".join(f"<li>{cell(item)}</li>" for item in value.items) + "</ul>"
    sign = f'<span class="g {value.state}" aria-hidden=true>{_SIGNS[value.state]}</span>' if value.state else ""
    told = ("≈ " if value.mark == ESTIMATE and value.text else "") + value.text
    kind = _attribute("class", _CLASSES.get(value.mark, ""))
    if value.href:
        return f'{sign}<a{kind} href="{escape(value.href)}">{escape(told)}</a>'
    if value.source and told:
        return f"{sign}<a{kind} href=#s{value.source}>{escape(told)}</a>"
    return f"{sign}<span{kind}>{escape(told)}</span>" if kind else sign + escape(told)


def _bars(one: Bars) -> str:
    longest = max((bar.value or 0 for bar in one.bars), default=0) or 1
    rows = []
    for bar in one.bars:
        share = 100 * (bar.value or 0) / longest
        less = " class=less" if bar.less else ""
        drawn = f'<i{less} style="width:{max(share, 0.6):.3g}%"></i>' if bar.value is not None else ""
        rows.append(
            f"<tr><th scope=row>{escape(bar.label)}</th><td class=bar "
            f"aria-hidden=true>{drawn}</td><td>{_AMOUNT.sub(_unbroken, cell(bar.cell))}</td></tr>"
        )
    note = f"<p class=note>{words(one.note)}</p>" if one.note else ""
    return (
        "<table class=bars "
        f'id="{one.name}"><caption>{escape(one.caption)}</caption><tbody>{"".join(rows)}</tbody></table>{note}'
    )


def _unbroken(amount: re.Match) -> str:
    """A number stays with its unit and its sign, however narrow the column."""
    return amount[0].replace(" ", "\u00a0")


def source_list(sources: Iterable[Source]) -> str:
    """The list that every cell leads to."""
    rows = []
    for s in sources:
        shown = f'<a href="{escape(s.address)}">{escape(s.words)}</a>' if s.address else escape(s.words)
        rows.append(f"<tr id=s{s.number}><td>{s.number}</td><td>{shown}</td><td>{s.date}</td><td>{s.grade}</td></tr>")
    grades = "; ".join(f"<b>{k}</b> {escape(v)}" for k, v in GRADES.items())
    head = (
        "<thead><tr><th scope=col>no.</th><th scope=col>source</th><th scope=col>date</th><th "
        "scope=col>grade</th></tr></thead>"
    )
    return (
        f"<p class=note>Grades: {grades}.</p><div class=box role=region tabindex=0 aria-labelledby=sources-c>"
        f"<table class=wide id=source-list><caption id=sources-c>Every source of this page</caption>{head}\n"
        f"<tbody>{chr(10).join(rows)}</tbody></table></div>"
    )


def contents(sections: Iterable[Section]) -> str:
    """The list of parts."""
    return "".join(f'<li><a href="#{s.name}">{escape(s.title)}</a></li>' for s in sections)


def words(text: str) -> str:
    """A paragraph's text: escaped, with `code` and [links](address) kept."""
    safe = escape(text, quote=False)
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return re.sub(r"\[([^\]]+)\]\(((?!\w+:)[^)\s]+|https?://[^)\s]+)\)", r'<a href="\2">\1</a>', safe)


def _attribute(name: str, value: str) -> str:
    if not value:
        return ""
    return f" {name}={value}" if re.fullmatch(r"[\w.-]+", value) else f' {name}="{escape(value)}"'
