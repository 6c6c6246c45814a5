"""Draw the notebook's picture: the sample voice with the part that is taken, and below it the way of a text.

`python notebooks-src/assets/make_voice_cloning_picture.py` (needs what the notebook needs).
"""

import sys
import tempfile
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "lib"))

import numpy
from labkit import storage
from matplotlib.figure import Figure
from voiceclone import intake, plots, reference

STEPS = ("text", "words", "pieces", "voice", "mark", "file")
TOLD = (
    "as you\nwrite it", "numbers,\ndates", "200 signs\nat most", "spoken,\nmeasured", "inaudible,\nread back",
    "wav, mp3,\nrecord",
)  # fmt: skip

with tempfile.TemporaryDirectory() as folder:
    folders = storage.Folders(Path(folder), Path(folder), None, True)
    found = reference.prepare(intake.find("sample", folders), most=10)
figure = Figure(figsize=(7.2, 3.4), dpi=110, layout="constrained")
above, below = figure.subplots(2, 1, height_ratios=[3, 2])
times, low, high = plots._envelope(found.whole, 900)
taken = (times >= found.begin) & (times <= found.end)
above.fill_between(times, low, high, color=plots.GREY, lw=0.3)
above.fill_between(times, low, high, where=taken, color=plots.BLUE, lw=0.3)
for spot in (found.begin, found.end):
    above.axvline(spot, color=plots.BLUE, ls="--", lw=1.4)
above.set_title("the voice that comes along (synthetic), and the part that is cloned", fontsize=12)
above.set_xlim(0, found.whole.seconds)
above.set_xlabel("seconds", fontsize=11)
above.set_yticks([])
for side in ("top", "right", "left"):
    above.spines[side].set_visible(False)
below.set_axis_off()
below.set_xlim(-0.6, len(STEPS) - 0.4)
below.set_ylim(-1.1, 0.6)
for i, (step, told) in enumerate(zip(STEPS, TOLD, strict=True)):
    below.text(
        i,
        0.2,
        step,
        ha="center",
        va="center",
        fontsize=12,
        bbox={"boxstyle": "round", "fc": "#DCEBF5", "ec": plots.BLUE},
    )
    below.text(i, -0.62, told, ha="center", va="center", fontsize=10)
    if i:
        below.annotate("", (i - 0.36, 0.2), (i - 0.64, 0.2), arrowprops={"arrowstyle": "->", "color": "#444444"})
assert numpy.isfinite(high).all()
figure.savefig(here / "voice_cloning.png")
print((here / "voice_cloning.png").stat().st_size, "bytes")
