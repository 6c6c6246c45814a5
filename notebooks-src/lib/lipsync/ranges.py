"""What numbers the settings may have: one sentence before any work, instead of a film in which nothing moves."""

from session import ranges

LIMITS = {
    "SECONDS": (0.0, 86400.0),
    "FACE_NUMBER": (0, 99),
    "SHIFT": (-200, 200),  # the sliders go from -40 to 40
    "MARGIN": (0, 200),
    "CHEEKS": (0.2, 1.5),
    "FEATHER": (0.0, 0.5),
    "STOP_AFTER": (0.0, 100000.0),
}


def check(**given) -> None:
    """Raises Stop for the first of these settings that is no number of its range."""
    ranges.check(LIMITS, **given)
