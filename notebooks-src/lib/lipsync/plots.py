"""Pictures of a finished film: its frames in order, mouth and speech over time with their correlation, and where the
time went. Colours can be told apart by everyone, and nothing is said by colour alone."""

import numpy
from matplotlib.figure import Figure

from lipsync import FPS, film, sync

DARK, ORANGE = "#1b4965", "#e07a1f"


def strip(path, count: int = 6):
    """Frames of a film side by side, with their times."""
    total = film.facts(path).frames
    wanted = sorted({round(i * (total - 1) / max(1, count - 1)) for i in range(min(count, total))})
    shown = list(zip(wanted, film.picked(path, wanted), strict=True))
    height, width = shown[0][1].shape[:2]
    figure = Figure(figsize=(1.5 * len(shown), 1.5 * height / width + 0.3), layout="constrained")
    for axis, (i, frame) in zip(numpy.atleast_1d(figure.subplots(1, len(shown))), shown, strict=True):
        axis.imshow(frame)
        axis.set_title(f"{i / FPS:.1f} s", fontsize=8, loc="left")
        axis.axis("off")
    return figure


def synced(openness, loud, found: sync.Score, most: int = 250):
    """The mouth and the loudness of the first ten seconds, and the correlation at each lag."""
    figure = Figure(figsize=(7.6, 2.6), layout="constrained")
    one, two = figure.subplots(1, 2, width_ratios=[2.2, 1])
    mouth = numpy.array([numpy.nan if v is None else v for v in openness[:most]], float)
    voice = 10 ** (numpy.asarray(loud[:most], float) / 20)
    at = numpy.arange(len(mouth)) / FPS
    one.plot(at, _scaled(mouth), color=ORANGE, linewidth=1.6, label="mouth (how dark)")
    one.plot(
        numpy.arange(len(voice)) / FPS,
        _scaled(voice),
        color=DARK,
        linewidth=1.2,
        linestyle="--",
        label="speech (how loud)",
    )
    one.set_xlabel("seconds", fontsize=8)
    one.set_yticks([])
    one.legend(fontsize=7, loc="upper right")
    one.set_title("both scaled to their own range; gaps are not painted", fontsize=8)
    if found.curve:
        lags = numpy.arange(-sync.LAGS, sync.LAGS + 1) * 1000 // FPS
        two.bar(lags, found.curve, width=28, color=DARK)
        two.plot([lags[sync.LAGS + found.lag]], [found.best], "o", color=ORANGE, markeredgecolor="black", label="best")
        two.axvline(0, color="black", linewidth=0.8, linestyle=":")
        two.legend(fontsize=7, loc="lower right")
        two.set_xlabel("ms that the mouth is late", fontsize=8)
        two.set_title("correlation", fontsize=8)
    else:
        two.text(0.5, 0.5, "too little\nto compare", ha="center", va="center", fontsize=9, transform=two.transAxes)
        two.axis("off")
    for axis in (one, two):
        axis.tick_params(labelsize=7)
    return figure


def stages(seconds: dict[str, float], frames: int):
    """Milliseconds a frame by stage; stages run side by side, so their sum is more than the whole."""
    names = sorted(seconds, key=seconds.get)
    each = [1000 * seconds[name] / max(1, frames) for name in names]
    figure = Figure(figsize=(5.2, 0.32 * len(names) + 0.8), layout="constrained")
    axis = figure.subplots()
    axis.barh(names, each, color=DARK)
    for i, value in enumerate(each):
        axis.text(value, i, f" {value:.1f}", va="center", fontsize=8)
    axis.set_xlim(0, max(each, default=1) * 1.18)
    axis.set_xlabel("ms a frame", fontsize=8)
    axis.tick_params(labelsize=8)
    return figure


def _scaled(values: numpy.ndarray) -> numpy.ndarray:
    """To 0..1 by their own 2nd and 98th percentile."""
    good = values[numpy.isfinite(values)]
    if not len(good):
        return values
    low, high = numpy.percentile(good, (2, 98))
    return (values - low) / max(1e-9, high - low)
