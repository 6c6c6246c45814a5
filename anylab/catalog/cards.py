"""The notebooks as cards: picture, what it gives, what it needs, a badge and a time for every platform, licences.

The badges are drawn here, as words with a monogram of the platform's name: no picture of anybody's is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from anylab.catalog import amounts
from anylab.catalog.as_html import words

_INTERNET = {"none": "no internet", "weights": "internet for models", "required": "internet"}
_EMPTY = (
    '<p class="note" id="none" hidden>No notebook fits what is chosen above. Give it more time, or another place.</p>'
)


def monogram(name: str) -> str:
    """Two letters for a platform: the initials of the last two words of its name, or how its one word begins."""
    parts = re.findall(r"[A-Za-z0-9]+", name) or ["?"]
    return (parts[-2][0] + parts[-1][0]).upper() if len(parts) > 1 else parts[0][:2].capitalize()


def badge(name: str, label: str, link: str, plain: bool = False) -> str:
    """A badge that opens a notebook somewhere; `plain` for a file beside this page."""
    kind = "badge plain" if plain else "badge"
    return (
        f'<a class="{kind}" href="{escape(link)}"><b '
        f"aria-hidden=true>{monogram(name)}</b><span>{escape(label)}</span></a>"
    )


def html(compiled: Any, times: Mapping[tuple[str, str], Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """All cards. `times`: (notebook, platform) -> the best row of advice for the default run, where there is one."""
    sources = {p.source.name: p.source for p in compiled.pairs}
    cards = [_card(compiled, src, times, titles[name]) for name, src in sources.items()]
    return f"<div class=cards>{''.join(cards)}</div>{_EMPTY}"


def picture_name(name: str, data_uri: str) -> str:
    """Where a notebook's picture lies beside the page: pictures/x.png."""
    kind = data_uri.partition("/")[2].partition(";")[0]
    return f"pictures/{name}.{'jpg' if kind == 'jpeg' else kind}"


def _card(compiled: Any, src: Any, times: Mapping, title: str) -> str:
    name, front = src.name, src.front
    data = compiled.shared.pictures.get(name, "")
    picture = ""
    if data:
        alt = escape(" ".join(front.get("picture_alt", "").split()))
        picture = f'<div class=pic><img src="{picture_name(name, data)}" alt="{alt}" loading=lazy decoding=async></div>'
    summary = f"<p>{words(front['summary'])}</p>" if front.get("summary") else ""
    gives = f"<p class=gives><b>You get</b> {words(front['result'])}.</p>" if front.get("result") else ""
    leaves = (
        f"<p class=gives><b>What leaves the machine:</b> {words(front['leaves'])}.</p>" if front.get("leaves") else ""
    )
    return (
        f'<article class=card data-k="{name}" aria-labelledby="c-{name}">{picture}<div class=body>'
        f'<h3 id="c-{name}">{escape(title)}</h3>{summary}{gives}{_needs(src)}'
        f"{_runs(compiled, src, times, title)}{_licences(front.get('models'), title)}"
        f"{leaves}{_seen(compiled, src)}</div></article>"
    )


def _needs(src: Any) -> str:
    needs = src.needs
    if not needs:
        return ""
    gpu = {"none": "no GPU", "required": "a GPU"}.get(needs.get("gpu", ""), "a GPU helps")
    if needs.get("gpu_memory_gb"):
        gpu += f", {needs['gpu_memory_gb']:g} GB"
    shown = [gpu]
    shown += [
        f"{needs[key]:g} GB {what}" for key, what in (("ram_gb", "memory"), ("disk_gb", "disk")) if needs.get(key)
    ]
    shown.append(_INTERNET.get(needs.get("internet", "none"), ""))
    return '<ul class=needs aria-label="Needs">' + "".join(f"<li>{escape(s)}</li>" for s in shown if s) + "</ul>"


def _runs(compiled: Any, src: Any, times: Mapping, title: str) -> str:
    """A row a platform: the badge, the time there, the file."""
    keys = [(src.name, p.platform.id) for p in compiled.pairs if p.source is src]
    mine = [times[key] for key in keys if key in times]
    longest = max((time["hours"] for time in mine), default=0) or 1
    rows = []
    for pair in (p for p in compiled.pairs if p.source is src):
        rows.append(_run(compiled, pair, times.get((src.name, pair.platform.id)), longest, title))
    what = mine[0]["what"] if mine else ""
    caption = f"Open it, and how long {what} takes there" if what else "Open it"
    return (
        f"<table class=runs><caption>{escape(caption)}</caption><thead><tr><th scope=col>open</th><th "
        "scope=col>time</th>"
        f"<th scope=col>file</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _run(compiled: Any, pair: Any, time: Mapping[str, Any] | None, longest: float, title: str) -> str:
    platform = pair.platform
    if not pair.path:
        return (
            f'<tr data-k="{platform.id}"><td>{escape(platform.name)}</td><td colspan=2>{escape(pair.reason)}</td></tr>'
        )
    link = compiled.shared.links[pair.source.name][platform.id]
    hidden = f"<span class=vh>: {escape(title)}</span>"
    opened = (
        badge(platform.name, link["label"], link["link"])
        if link["badge"]
        else badge(platform.name, f"For {platform.name}", pair.path, plain=True)
    ).replace("</a>", f"{hidden}</a>")
    shown = "<span class=u>unknown</span>"
    if time:
        width = max(2, round(72 * time["hours"] / longest))
        mark = "≈ " if time["grade"] == "estimated" else ""
        meter = f'<i class=meter style="width:{width}px" aria-hidden=true></i>'
        shown = (
            f"<span class=e>{mark}{amounts.duration(time['hours'])}</span> {meter}<span "
            f"class=on>{escape(time['on'])}</span>"
        )
    file = (
        f'<a class=small href="{escape(pair.path)}">file<span class=vh> of {escape(title)} for '
        f"{escape(platform.name)}</span></a>"
    )
    return f'<tr data-k="{platform.id}"><td>{opened}</td><td class=t>{shown}</td><td>{file}</td></tr>'


def _licences(models: Any, title: str) -> str:
    if models is None:  # nobody has said
        return ""
    if not models:
        return "<p class=seen>No model is downloaded; what it trains is yours.</p>"
    rows = "".join(
        f"<tr><th scope=row>{escape(m['id'])} <span class=gb>{m['gb']:g} GB"
        f"{', ask first' if m.get('gated') else ''}</span></th><td>{escape(m.get('licence', 'unknown'))}</td>"
        f"<td>{escape(m.get('sell', 'unknown'))}</td></tr>"
        for m in models
    )
    return (
        "<details class=licences><summary>Models and their licences<span class=vh> "
        f"({escape(title)})</span></summary><table>"
        "<thead><tr><th scope=col>model, download</th><th scope=col>licence</th><th scope=col>may I sell the "
        f"result?</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _seen(compiled: Any, src: Any) -> str:
    told = []
    for pair in (p for p in compiled.pairs if p.source is src and p.path):
        report = compiled.shared.verified.get((src.name, pair.platform.id))
        if report:
            told.append(f"{pair.platform.name} {report['date']}, {report['gpu']}: {report['verdict'][:80]}")
    shown = "; ".join(told) or "on none of these yet; each variant runs in the tests on a stand-in"
    return f"<p class=seen>Seen on real hardware: {escape(shown)}.</p>"
