"""From one place to another in the middle of a job: the steps of leaving one and of arriving at the other."""

from __future__ import annotations

from anylab.catalog.blocks import Section
from anylab.catalog.reading import Reader


def section(reader: Reader) -> Section:
    """Every pair of places that have variants."""
    return Section("move", "Moving a job", "", ())
