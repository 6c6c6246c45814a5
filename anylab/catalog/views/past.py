"""What the old guides said: each claim, whether it holds, what is known now, and who says so."""

from __future__ import annotations

from anylab.catalog import rates
from anylab.catalog.blocks import UNKNOWN, Cell, Section, Table
from anylab.catalog.reading import Plain, Reader

_VERDICTS = {True: ("holds", "yes"), False: ("does not hold", "no"), None: ("no support", "part")}


def section(reader: Reader) -> Section:
    """One table for all documents; claims about the work after those about places."""
    rows = []
    for platform in reader.table["platforms"]:
        rows += [_row(reader, platform["name"], claim) for claim in platform["claims"]]
    for notebook in reader.table["notebooks"].values():
        rows += [_row(reader, notebook["title"], claim) for claim in notebook["claims"]]
    lead = (
        "This project grew from five documents that compare platforms. What they claim was checked, "
        "claim by claim; a figure that "
        "nobody supports is not used here, whether it is right or not."
    )
    table = Table(
        "past-t", "Claims, checked", ("about", "the old guide said", "verdict", "known now", "in"), tuple(rows)
    )
    return Section("past", "What the old guides said", lead, (table,), folded=True)


def _row(reader: Reader, about: str, claim: Plain) -> tuple[Cell, ...]:
    number = reader.sources.cite(claim["source"], claim["date"], claim["grade"], claim.get("link", ""))
    words, sign = _VERDICTS[claim["right"]]
    if claim.get("tflops") and claim.get("card") in reader.table["cards"]:
        found = rates.verdict(claim["tflops"], reader.table["cards"][claim["card"]])
        words = f"{words}: {found}" if found != "unknown" else words
    elif claim["grade"] == "unknown":
        words, sign = _VERDICTS[None]
    mark = UNKNOWN if claim["grade"] == "unknown" else ""
    return (
        Cell(about),
        Cell(claim["said"]),
        Cell(words, state=sign),
        Cell(claim["now"], number, mark=mark),
        Cell(claim["document"]),
    )
