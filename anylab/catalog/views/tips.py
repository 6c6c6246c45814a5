"""What makes a run faster or cheaper here: each tip true of these notebooks, with where it is shown."""

from __future__ import annotations

from anylab.catalog.blocks import Cell, Section, Table
from anylab.catalog.reading import Reader

_OURS = ("2026-11-20", "measured")
# advice, what it gives here, where that stands, its date and grade
_TIPS = (
    (
        "Warm up with QUICK_TEST",
        "The same cells on a tiny model, in about a minute and without a download: whether the machine, the card and "
        "the storage work is known before anything is fetched or paid for.",
        "docs/sources.md",
        *_OURS,
    ),
    (
        "Keep what was fetched and built",
        "Models lie in a cache on the machine's own disk for the whole session, and GraphMER's graph is built once "
        "(5 s of work, then read again).",
        "docs/labkit.md and docs/benchmarks.md",
        *_OURS,
    ),
    (
        "Pack rows instead of padding them",
        "GraphMER's rows of 768 are 99.7 % full, and a sample costs 8.2 times less than padded to the longest of 32.",
        "docs/benchmarks.md",
        *_OURS,
    ),
    (
        "Take the distilled model",
        "Three passes of the video transformer instead of a hundred: 482 TFLOP a clip, not 16,065.",
        "docs/benchmarks.md",
        *_OURS,
    ),
    (
        "Work in stages",
        "Words, denoising and decoding of a clip are never on the card together: 11.5 GB at most, not their sum.",
        "docs/benchmarks.md",
        *_OURS,
    ),
    (
        "Quantise when memory is what lacks",
        "With weights in 8 bits the 5B video model denoises 49 frames in 9.4 GB, and so fits a T4. No speed is claimed "
        "for it.",
        "docs/benchmarks.md",
        *_OURS,
    ),
    (
        "Give a list, not one item at a time",
        "A model is loaded once for a list of clips or texts, each finished item is saved, and a second card takes "
        "items from the same list.",
        "docs/labkit.md",
        *_OURS,
    ),
    (
        "Stop before the session does",
        "STOP_AFTER and the session's own limit save in time; a kill at any instant loses nothing that was reported "
        "saved.",
        "docs/labkit.md",
        *_OURS,
    ),
    (
        "Let the batch follow the card",
        "What fits follows from the memory that the card shows; sums of smaller batches give the same optimiser step.",
        "notebooks-src/lib/graphmer/train.py",
        *_OURS,
    ),
    (
        "Take the 16 bits that the card has",
        "fp16 with a scaler below compute capability 8.0, bf16 from there on; the notebooks choose so by themselves.",
        "developer.nvidia.com/cuda-gpus",
        "2026-11-20",
        "published",
    ),
)


def section(reader: Reader) -> Section:
    """The tips as a table."""
    rows = []
    for advice, gives, source, date, grade in _TIPS:
        address = "" if grade == "measured" else f"https://{source}"
        rows.append((Cell(advice), Cell(gives, reader.sources.cite(source, date, grade, address))))
    lead = (
        "Connection pools, content networks and calls that keep a server warm, which the old guides praise, belong to "
        "servers; these are for notebooks."
    )
    table = Table("tips-t", "Faster and cheaper", ("do", "what it gives"), tuple(rows), sortable=False)
    return Section("tips", "Tips that are true here", lead, (table,), folded=True)
