"""Does the mouth follow the speech? The correlation of how open it is with how loud the speech is, at lags of up to
eight frames either way. A number of our own that needs no further model: only good to compare, and to find a delay."""

from dataclasses import asdict, dataclass

import numpy

from lipsync import FPS

LAGS = 8  # frames
_SURE = 2.75  # standard deviations that the best of 17 values of chance stays below in 95 of 100 cases (Bonferroni)


@dataclass(frozen=True)
class Score:
    """The best correlation (-1..1) and its lag in frames (positive: the mouth is late), that at no lag, all of them,
    and how many frames were compared. None where nothing could be compared."""

    best: float | None
    lag: int | None
    here: float | None
    curve: tuple[float, ...]
    frames: int
    chance: float = 1.0  # what the best correlation of two that have nothing to do with each other stays below

    def facts(self) -> dict:
        return asdict(self)


def score(openness, loud) -> Score:
    """The score of a film. `openness` is a number or None (not painted) for each frame, `loud` dBFS of each frame."""
    mouth = numpy.array([numpy.nan if v is None else v for v in openness], float)
    voice = 10 ** (numpy.asarray(loud, float)[: len(mouth)] / 20)
    mouth = mouth[: len(voice)]
    curve = []
    for lag in range(-LAGS, LAGS + 1):
        a = mouth[max(0, lag) : len(mouth) + min(0, lag)]
        b = voice[max(0, -lag) : len(voice) + min(0, -lag)]
        both = numpy.isfinite(a)
        a, b = a[both], b[both]
        if len(a) < 4 * LAGS or a.std() < 1e-6 or b.std() < 1e-9:
            return Score(None, None, None, (), int(numpy.isfinite(mouth).sum()))
        curve.append(round(float(numpy.corrcoef(a, b)[0, 1]), 4))
    top = int(numpy.argmax(curve))
    both = numpy.isfinite(mouth)
    return Score(curve[top], top - LAGS, curve[LAGS], tuple(curve), int(both.sum()), _chance(mouth[both], voice[both]))


def _chance(mouth: numpy.ndarray, voice: numpy.ndarray) -> float:
    """The correlation that chance reaches at the best of all delays in one of twenty films. Frames that are alike count
    less: the number of independent ones is n / (1 + 2 sum of both autocorrelations' product) (Bartlett 1935)."""
    n, most = len(mouth), min(FPS, len(mouth) // 4)
    a, b = mouth - mouth.mean(), voice - voice.mean()
    alike = sum(float(a[k:] @ a[:-k]) / float(a @ a) * float(b[k:] @ b[:-k]) / float(b @ b) for k in range(1, most + 1))
    free = n / max(1.0, 1 + 2 * alike)
    return round(min(1.0, _SURE / max(1.0, free) ** 0.5), 4)


def verdict(found: Score) -> str:
    """The score in words."""
    if found.best is None:
        return "too short, or too little movement, to be compared with the speech"
    if found.best < found.chance:
        return (
            f"whether the mouth follows the loudness cannot be told (correlation {found.best:.2f}; "
            f"by chance up to {found.chance:.2f} in a film this short)"
        )
    when = "at the same time" if not found.lag else f"{abs(found.lag) * 40} ms {'late' if found.lag > 0 else 'early'}"
    how = "clearly" if found.best > 0.5 else "somewhat" if found.best > 0.25 else "hardly"
    return f"the mouth {how} follows the loudness (correlation {found.best:.2f}, {when})"
