"""Draw the face that the lip sync notebook carries: two seconds of a head that sways and blinks, its mouth closed.

`pip install av pillow numpy`, then `python notebooks-src/assets/make_lip_sync.py`. The drawing is ours, and shows
nobody. Writes lib/lipsync/sample.py.
"""

import base64
import sys
import textwrap
from fractions import Fraction
from pathlib import Path

import numpy
from PIL import Image, ImageDraw

LIB = Path(__file__).resolve().parent.parent / "lib"
sys.path.insert(0, str(LIB))

from lipsync import sample

FINER = 3  # drawn so many times larger, then made smaller: smooth edges
SKIN, SHADE, HAIR, LIPS, SHIRT = (226, 178, 148), (202, 150, 122), (66, 48, 44), (168, 84, 82), (58, 96, 120)


def draw(i: int, mouth: float = 0.0, at: tuple[float, float] | None = None, size=sample.SIZE) -> numpy.ndarray:
    """Frame i, (height, width, 3) uint8; the mouth open by so many pixels; the head's middle elsewhere if wanted."""
    x, y = at or sample.pose(i)
    picture = Image.new("RGB", (size[0] * FINER, size[1] * FINER), (196, 208, 206))
    pen = ImageDraw.Draw(picture)

    def oval(x0, y0, x1, y1, colour):
        pen.ellipse([v * FINER for v in (x0, y0, x1, y1)], fill=colour)

    half, up = sample.HALF, sample.UP
    oval(x - 150, y + 130, x + 150, y + 420, SHIRT)
    pen.rectangle([v * FINER for v in (x - 34, y + 60, x + 34, y + 150)], fill=SHADE)
    oval(x - half - 10, y - up - 26, x + half + 10, y + 60, HAIR)
    contour = (sample.outline(i, 120) + numpy.array([x, y]) - numpy.array(sample.pose(i))) * FINER
    pen.polygon([tuple(p) for p in contour], fill=SKIN)
    pen.chord([v * FINER for v in (x - half + 2, y - up - 6, x + half - 2, y - 12)], 190, 350, fill=HAIR)
    blink = i % 50 in (30, 31, 32)
    for side in (-1, 1):
        eye = x + side * 38
        oval(x + side * (half + 2) - 10, y - 10, x + side * (half + 2) + 10, y + 34, SKIN)
        if blink:
            pen.line([v * FINER for v in (eye - 15, y - 12, eye + 15, y - 12)], fill=SHADE, width=3 * FINER)
        else:
            oval(eye - 16, y - 22, eye + 16, y - 2, (250, 250, 248))
            oval(eye - 9, y - 21, eye + 9, y - 3, (74, 92, 84))
            oval(eye - 4, y - 16, eye + 4, y - 8, (20, 22, 22))
        brow = [v * FINER for v in (eye - 20, y - 44, eye + 20, y - 26)]
        pen.arc(brow, 200, 340, fill=HAIR, width=4 * FINER)
    pen.line(
        [v * FINER for v in (x + 2, y + 4, x + 9, y + 36, x - 6, y + 40)], fill=SHADE, width=3 * FINER, joint="curve"
    )
    oval(x - 31, y + 66 - mouth / 2, x + 31, y + 86 + mouth / 2, LIPS)
    if mouth > 0:
        oval(x - 24, y + 74 - mouth / 2, x + 24, y + 78 + mouth / 2, (52, 22, 26))
    else:
        pen.arc([v * FINER for v in (x - 27, y + 66, x + 27, y + 80)], 20, 160, fill=(120, 52, 54), width=2 * FINER)
    return numpy.asarray(picture.resize(size, Image.LANCZOS))


def film(path: Path, frames, rate=25, crf: str = "20") -> Path:
    """Write frames as a small mp4."""
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"crf": crf, "preset": "veryslow", "threads": "1"})
        for i, frame in enumerate(frames):
            made = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format="yuv420p", dst_colorspace=1)
            made.pts, made.time_base = i, Fraction(1, rate)
            if not i:
                stream.height, stream.width, stream.pix_fmt = *frame.shape[:2], "yuv420p"
                context = stream.codec_context
                context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1
            out.mux(stream.encode(made))
        out.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    path = film(Path(sys.argv[1] if len(sys.argv) > 1 else "sample-face.mp4"), map(draw, range(sample.FRAMES)))
    text = "\n".join(textwrap.wrap(base64.b64encode(path.read_bytes()).decode(), 118))
    module = LIB / "lipsync" / "sample.py"
    begin, end = 'DATA = """\n', '"""\n'
    before, _, after = module.read_text(encoding="utf-8").partition(begin)
    module.write_text(before + begin + text + "\n" + end + after.partition(end)[2], encoding="utf-8")
    print(f"{path.stat().st_size:,} bytes, {len(text):,} of base64: {path}")
