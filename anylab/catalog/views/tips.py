"""What makes a run faster or cheaper here: true of our notebooks, and of single ones as their work files say."""

from __future__ import annotations

from anylab.catalog.blocks import Cell, Section, Table
from anylab.catalog.reading import Reader

_OURS = ("2026-11-20", "measured")
# advice, what it gives, where that stands, its date and grade
_TIPS = (
    (
        "Warm up with QUICK_TEST",
        "the same cells on a tiny model, in about a minute and without a download: whether the machine, the card and "
        "the storage work is known before anything is fetched or paid for",
        "docs/sources.md",
        *_OURS,
    ),
    (
        "Keep what was fetched",
        "models lie in a cache on the machine's own disk for the whole session; a second run of it fetches nothing",
        "docs/labkit.md",
        *_OURS,
    ),
    (
        "Give a list, not one item at a time",
        "where a notebook makes clips or speech: a model is loaded once for a list, each finished item is saved, and a "
        "second card takes items from the same list",
        "docs/labkit.md",
        *_OURS,
    ),
    (
        "Stop before the session does",
        "the session's own limit is known and saves in time; a kill at any instant loses nothing that was said to "
        "be saved",
        "docs/labkit.md",
        *_OURS,
    ),
    (
        "Take the 16 bits that the card has",
        "fp16 with a scaler below compute capability 8.0, bf16 from there on; the notebooks choose so by themselves",
        "developer.nvidia.com/cuda-gpus",
        "2026-11-20",
        "published",
    ),
)


def section(reader: Reader) -> Section:
    """The tips as a table; those that hold for every notebook only where one has counted work."""
    rows = []
    for advice, gives, source, date, grade in _TIPS if reader.kinds else ():
        address = "" if grade == "measured" else f"https://{source}"
        rows.append(
            (Cell(advice), Cell("every notebook"), Cell(gives, reader.sources.cite(source, date, grade, address)))
        )
    for notebook in reader.table["notebooks"].values():
        for tip in notebook["tips"]:
            number = reader.sources.cite(tip["source"], tip["date"], tip["grade"], tip["link"])
            rows.append((Cell(tip["do"]), Cell(notebook["title"]), Cell(tip["gives"], number)))
    lead = (
        "Connection pools, content networks and calls that keep a server warm, which the old guides praise, belong to "
        "servers; these are for notebooks."
    )
    table = Table("tips-t", "Faster and cheaper", ("do", "where", "what it gives"), tuple(rows), sortable=False)
    return Section("tips", "Tips that are true here", lead, (table,) if rows else (), folded=True)
