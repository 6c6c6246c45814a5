"""What makes a run faster or cheaper here: each tip true of these notebooks, with where it is shown."""

from __future__ import annotations

from anylab.catalog.blocks import Cell, Section, Table
from anylab.catalog.reading import Reader

# (advice, what it gives here, where that stands, its date, its grade)
_TIPS = (
    (
        "Warm up with QUICK_TEST",
        (
            "The same cells on a tiny model, in about a minute and without a download: whether this machine, "
            "card and storage work is known before anything is fetched or paid for."
        ),
        "docs/sources.md",
        "2026-11-20",
        "measured",
    ),
    (
        "Cache what was fetched",
        (
            "Models lie in the cache on the machine's own disk, and a second run of the session fetches "
            "nothing; what was computed once (GraphMER's graph, the numbers of a prompt) is kept beside it."
        ),
        "docs/labkit.md",
        "2026-11-20",
        "measured",
    ),
    (
        "Pack rows instead of padding them",
        ("GraphMER's rows of 768 are 99.7 % full, and a sample costs 8.2 times less than padded to the longest of 32."),
        "docs/benchmarks.md",
        "2026-11-20",
        "measured",
    ),
    (
        "Take the distilled model",
        "Three passes of the video transformer instead of a hundred: 482 TFLOP a clip, not 16,065.",
        "docs/benchmarks.md",
        "2026-11-20",
        "measured",
    ),
    (
        "Work in stages",
        (
            "Words, denoising and decoding of a clip are never on the card together: 11.5 GB at most instead "
            "of their sum."
        ),
        "docs/benchmarks.md",
        "2026-11-20",
        "measured",
    ),
    (
        "Quantise only when it is the memory that lacks",
        (
            "The 5B video model in 8 bits needs 9.4 GB where 19 are wanted, and takes the same FLOPs: it "
            "fits, it is not faster."
        ),
        "docs/benchmarks.md",
        "2026-11-20",
        "measured",
    ),
    (
        "Give a list, not one item at a time",
        (
            "A model is loaded once for a list of clips or texts, finished items are saved one by one, and a "
            "second card takes every other clip."
        ),
        "docs/labkit.md",
        "2026-11-20",
        "measured",
    ),
    (
        "Stop before the session does",
        (
            "STOP_AFTER and the session's own limit save in time; a kill at any instant loses nothing that "
            "was reported saved."
        ),
        "docs/labkit.md",
        "2026-11-20",
        "measured",
    ),
    (
        "Let the batch follow the card",
        (
            "What fits is computed from the memory that the card shows; a smaller batch gives the same "
            "optimiser step, only slower."
        ),
        "docs/benchmarks.md",
        "2026-11-20",
        "measured",
    ),
    (
        "16 bits as the card can",
        (
            "fp16 with a scaler below compute capability 8.0, bf16 from there on; asking a T4 for bf16 is "
            "slow emulation."
        ),
        "NVIDIA CUDA GPU list",
        "2026-11-20",
        "published",
    ),
)


def section(reader: Reader) -> Section:
    """The tips as a table."""
    rows = []
    for advice, gives, source, date, grade in _TIPS:
        number = reader.sources.cite(source, date, grade, f"../{source}" if source.startswith("docs/") else "")
        rows.append((Cell(advice), Cell(gives, number)))
    return Section(
        "tips",
        "Tips that are true here",
        (
            "Connection pools, warm-up calls and content networks, which the old guides praise, belong to "
            "servers; these are for notebooks."
        ),
        (Table("tips-t", "Faster and cheaper", ("do", "what it gives"), tuple(rows), sortable=False),),
        folded=True,
    )
