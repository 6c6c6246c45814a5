"""Three pictures: a recording and its part that is taken; a result; how close each piece is. Returned, never shown.

Colours are Okabe and Ito's and never alone: what they mean is written, too. Sized for a phone.
"""

import numpy
from matplotlib.figure import Figure
from media.sound import Sound, resample

from voiceclone.reference import Reference

BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#9E9E9E"
SIZE = 12


def _figure(height: float, rows: list[float]):
    figure = Figure(figsize=(6.4, height), dpi=150, layout="constrained")
    axes = figure.subplots(len(rows), 1, sharex=True, height_ratios=rows, squeeze=False)[:, 0]
    for one in axes:
        one.tick_params(labelsize=SIZE - 2)
        for side in ("top", "right"):
            one.spines[side].set_visible(False)
    return figure, axes


def _envelope(given: Sound, columns: int = 1200) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Times, lowest and highest sample of each column."""
    size = max(1, len(given.samples) // columns)
    count = len(given.samples) // size
    rows = given.samples[: count * size].reshape(count, size)
    return numpy.arange(count) * size / given.rate, rows.min(axis=1), rows.max(axis=1)


def reference(found: Reference) -> Figure:
    """The whole recording in grey, the part that is taken in blue between two lines, the main numbers above."""
    figure, (axes,) = _figure(2.4, [1])
    times, low, high = _envelope(found.whole)
    taken = (times >= found.begin) & (times <= found.end)
    axes.fill_between(times, low, high, color=GREY, lw=0.3, label="not used")
    axes.fill_between(times, low, high, where=taken, color=BLUE, lw=0.3, label="taken")
    for spot in (found.begin, found.end):
        axes.axvline(spot, color=BLUE, lw=1.5, ls="--")
    q = found.quality
    voices = "1 voice" if q.voices == 1 else f"{q.voices} voices?"
    noise = "no noise" if q.snr >= 60 else f"{q.snr:.0f} dB over noise"
    axes.set_title(f"{q.seconds:.1f} s, {q.rate / 1000:g} kHz, {noise}, {voices}", fontsize=SIZE)
    axes.set_xlabel("seconds", fontsize=SIZE)
    axes.set_yticks([])
    axes.set_xlim(0, found.whole.seconds)
    axes.legend(fontsize=SIZE - 2, frameon=False, loc="upper right", ncols=2)
    return figure


def result(made: Sound, title: str) -> Figure:
    """Waveform above, spectrogram (to 12 kHz, 80 dB) below, of at most the first minute."""
    short = Sound(made.samples[: 60 * made.rate], made.rate)
    low = resample(short, 24000)
    figure, (above, below) = _figure(3.8, [1, 2])
    times, bottom, top = _envelope(low)
    above.fill_between(times, bottom, top, color=BLUE, lw=0.3)
    above.set_yticks([])
    above.set_title(title, fontsize=SIZE)
    size, step = 1024, max(256, len(low.samples) // 1200)
    spots = range(0, max(1, len(low.samples) - size), step)
    rows = numpy.stack([numpy.resize(low.samples[i : i + size], size) * numpy.hanning(size) for i in spots])
    power = 20 * numpy.log10(numpy.abs(numpy.fft.rfft(rows, axis=1)).T + 1e-6)
    extent = (0, low.seconds, 0, 12)
    image = below.imshow(
        power, origin="lower", aspect="auto", extent=extent, cmap="cividis", vmin=power.max() - 80, vmax=power.max()
    )
    below.set_xlabel("seconds", fontsize=SIZE)
    below.set_ylabel("kHz", fontsize=SIZE)
    bar = figure.colorbar(image, ax=below, pad=0.01)
    bar.set_label("dB", fontsize=SIZE - 1)
    return figure


def pieces(records: list[dict]) -> Figure:
    """Similarity of each finished piece's take; a square is one to listen to. The levels are what one person and two
    different people reach with this measure."""
    done = [(n, r["made"]) for n, r in enumerate(records, 1) if r["state"] == "done"]
    figure, (axes,) = _figure(2.6, [1])
    for flagged, marker, colour, label in ((False, "o", BLUE, "fine"), (True, "s", ORANGE, "listen to it")):
        spots = [(n, made["takes"][0]["similarity"]) for n, made in done if bool(made["check"]) is flagged]
        if spots:
            axes.plot(*zip(*spots, strict=True), marker, color=colour, label=label, ms=8)
    for level, told in ((0.85, "one person"), (0.6, "two people")):
        axes.axhline(level, color="#555555", ls="--", lw=1)
        axes.annotate(told, (1, level), xycoords=("axes fraction", "data"), xytext=(-2, 2), textcoords="offset points",
                      ha="right", va="bottom", fontsize=SIZE - 2)  # fmt: skip
    lowest = min((made["takes"][0]["similarity"] for _, made in done), default=0.0)
    axes.set(ylim=(min(0.3, lowest - 0.1), 1.0), xlim=(0.3, len(records) + 0.7))
    axes.set_xticks(range(1, len(records) + 1, max(1, len(records) // 10)))
    axes.set_xlabel("piece", fontsize=SIZE)
    axes.set_ylabel("similarity", fontsize=SIZE)
    axes.legend(
        fontsize=SIZE - 2, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2
    )  # not among the dots
    return figure
