"""What the old guides said: each claim, whether it holds, what is known now, and who says so."""

from __future__ import annotations

from anylab.catalog.blocks import UNKNOWN, Cell, Section, Table
from anylab.catalog.reading import Plain, Reader

_VERDICTS = {True: ("holds", "yes"), False: ("does not hold", "no"), None: ("nobody can say", "part")}


def section(reader: Reader) -> Section:
    """One table for all documents; general claims after those about places."""
    rows = []
    for platform in reader.table["platforms"]:
        rows += [_row(reader, platform["name"], claim) for claim in platform["claims"]]
    rows += [_row(reader, "", claim) for claim in reader.table.get("claims", ())]
    lead = (
        "This project grew from five documents that compare platforms. What they claim was checked, claim by claim; a figure that "
        "nobody supports is not used here, whether it is right or not."
    )
    table = Table("past-t", "Claims, checked", ("about", "the old guide said", "verdict", "known now", "in"), tuple(rows))
    return Section("past", "What the old guides said", lead, (table,), folded=True)


def _row(reader: Reader, about: str, claim: Plain) -> tuple[Cell, ...]:
    number = reader.sources.cite(claim["source"], claim["date"], claim["grade"], claim.get("link", ""))
    words, sign = _VERDICTS[claim["right"]]
    mark = UNKNOWN if claim["grade"] == "unknown" else ""
    return (Cell(about or "the work"), Cell(claim["said"]), Cell(words, state=sign), Cell(claim["now"], number, mark=mark), Cell(claim["document"]))
