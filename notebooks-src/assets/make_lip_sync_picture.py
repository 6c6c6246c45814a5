"""Draw the lip sync notebook's title picture: the drawn face with its crop and mask, what the model sees of it, and the
loudness of the speech that the notebook carries with its gate. Everything is computed by the notebook's own library.

`pip install av matplotlib opencv-python-headless scipy`, then `python notebooks-src/assets/make_lip_sync_picture.py`.
"""

import sys
import tempfile
from pathlib import Path

import numpy

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

from lipsync import crop, nets, sample, speech, video
from matplotlib.figure import Figure
from media import voice

DARK, ORANGE = "#1b4965", "#e07a1f"


def picture() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        clip = video.look(sample.write(Path(folder)))
        frame = next(video.read(clip, 13, 14))
        heard = speech.prepare(voice.write(Path(folder)), Path(folder), 8.0)
        loud = speech.levels(heard)
    face, look = sample.face(13), crop.Look()
    x0, y0, x1, y1 = place = crop.box(face, clip.width, clip.height, look)
    soft = crop.mask(face, place, look)[..., None]
    shown = frame.astype(float)
    shown[y0:y1, x0:x1] += (numpy.array([255, 200, 0]) - shown[y0:y1, x0:x1]) * 0.5 * soft
    seen = crop.cut(frame, place, nets.SIDE).copy()
    seen[nets.SIDE // 2 :] = 0

    figure = Figure(figsize=(9.6, 3.1), dpi=100, layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[0.92, 0.92, 1.7])
    left.imshow(shown.clip(0, 255).astype(numpy.uint8)[50:390, 22:362])
    left.plot(
        numpy.array([x0, x1, x1, x0, x0]) - 22, numpy.array([y0, y0, y1, y1, y0]) - 50, "--", color=DARK, linewidth=1.6
    )
    left.set_title("1  the crop, and what is painted", fontsize=9, loc="left")
    middle.imshow(seen)
    middle.text(128, 192, "?", color="white", fontsize=34, ha="center", va="center")
    middle.set_title("2  the model sees this, and hears", fontsize=9, loc="left")
    for axis in (left, middle):
        axis.axis("off")
    at = numpy.arange(len(loud)) / 25
    amplitude = 10 ** (loud / 20)
    right.fill_between(at, -amplitude, amplitude, color=DARK, linewidth=0)
    gate = speech.gate(loud)
    right.plot(at, (gate * 0.35 - 1.55) * amplitude.max(), color=ORANGE, linewidth=1.6)
    right.text(0.05, -1.62 * amplitude.max(), "in pauses the filmed mouth stays (line down)", fontsize=8, va="top")
    right.set_ylim(-2.0 * amplitude.max(), 1.1 * amplitude.max())
    right.set_yticks([])
    right.set_xlabel("seconds of speech", fontsize=8)
    right.tick_params(labelsize=8)
    right.set_title("3  a mouth for each of 25 frames a second", fontsize=9, loc="left")
    for side in ("top", "left", "right"):
        right.spines[side].set_visible(False)
    return figure


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "lip_sync.png"
    picture().savefig(path, metadata={"Software": None})
    print(f"{path.stat().st_size:,} bytes: {path}")
