"""Which numbers a notebook's settings may have: one sentence before any work, not a run that does something else."""

import math
from collections.abc import Mapping

from labkit import Stop


def check(limits: Mapping[str, tuple[float, float]], **given: float) -> None:
    """Raises Stop for the first setting that is no number of its range; a range that begins with an int is of whole
    numbers."""
    for name, value in given.items():
        least, most = limits[name]
        whole = isinstance(least, int)
        fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not fits or not math.isfinite(value) or not least <= value <= most:
            kind = "a whole number" if whole else "a number"
            raise Stop(f"{name} is {kind} from {least:.10g} to {most:.10g}, not {value!r}")
