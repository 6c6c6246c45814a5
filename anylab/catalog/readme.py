"""The README's table of notebooks, between two markers.

Text outside the markers is input; what stands between them is output, and never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from anylab.errors import Origin, refuse

START, END = "<!-- anylab: notebooks -->", "<!-- anylab: end -->"


def outside(root: Path) -> str:
    """README.md without what stands between the markers; '' when there is no README."""
    try:
        content = (root / "README.md").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    before, found, rest = content.partition(START)
    return before + found + rest.partition(END)[2] if found else content


def updated(root: Path, table: str) -> bytes | None:
    """README.md with the table, None when it has no markers or does not exist."""
    try:
        content = (root / "README.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(Origin("README.md"), f"cannot be read: {error}") from None
    before, start, rest = content.partition(START)
    if not start:
        return None
    _, end, after = rest.partition(END)
    if not end:
        line = before.count("\n") + 1
        raise refuse(Origin("README.md", line), f"'{START}' has no '{END}' after it; add it")
    return f"{before}{START}\n{table}\n{END}{after}".encode()


def table(pairs: Iterable[Any], links: Mapping[str, Mapping], verified: Mapping, titles: Mapping) -> str:
    """The table: a row a notebook, a column a platform; in a cell badge and file, and whether it was seen to run."""
    pairs = list(pairs)
    columns = list({p.platform.id: p.platform for p in pairs}.values())
    notebooks = list({p.source.name: p.source for p in pairs}.values())
    by_key = {(p.source.name, p.platform.id): p for p in pairs}
    rows = ["| Notebook | " + " | ".join(c.name for c in columns) + " |", "|---|" + "---|" * len(columns)]
    for src in notebooks:
        cells = [f"**{titles[src.name]}**<br>[source]({src.file})"]
        for column in columns:
            pair = by_key[src.name, column.id]
            cells.append(_cell(pair, links, verified.get((src.name, column.id))))
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(pair: Any, links: Mapping, report: Mapping[str, Any] | None) -> str:
    if not pair.path:
        return f"– {pair.reason}"
    link = links[pair.source.name][pair.platform.id]
    badge = f"[![{link['label']}]({link['badge']})]({link['link']})<br>" if link["badge"] else ""
    seen = "not yet run on real hardware"
    if report:
        seen = f"{report['date']}, {report['gpu']}, version {report['version']}: {report['verdict'][:80]}"
    return f"{badge}[file]({link['path']})<br>{seen}"
