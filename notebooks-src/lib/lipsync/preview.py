"""Look before minutes are spent: the first frame with its crop and mask, as the sliders have it, and what it will take.

Works without widgets: then the settings SHIFT, MARGIN, CHEEKS and FEATHER say what the sliders would.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy
from labkit import Stop, progress

from lipsync import crop, nets, plan, timeline, video
from lipsync.crop import Look
from lipsync.takes import Take
from lipsync.track import Track


@dataclass
class Chosen:
    """What the sliders say now; the cells below ask for it."""

    look: Look


def first(take: Take, track: Track) -> tuple[int, numpy.ndarray]:
    """(number, frame) of the first frame of the clip that has a sure face. Raises Stop when there is none."""
    sure = numpy.flatnonzero(track.rows[:, 8] >= min(0.6, track.rows[:, 8].max()))
    if not len(sure) or track.rows[sure[0], 8] <= 0:
        raise Stop("no face was found: show it from the front, larger and lit, or give BOX yourself")
    number = int(sure[0])
    return number, next(video.read(take.clip, number, number + 1))


def report(take: Take, track: Track, made: plan.Plan) -> list[str]:
    """What will be made and what it takes, a line each."""
    weights = take.weights(track)
    painted = int((weights > 0).sum())
    used = {
        s
        for s, w in zip(timeline.indices(0, take.frames, take.clip.frames, take.longer), weights, strict=True)
        if w > 0
    }
    lines = [
        f"{take.name}: {take.frames} frames of {take.clip.width} x {take.clip.height}, {take.speech.seconds:.1f} s; "
        f"{painted} of them are painted, in pauses the mouth stays as it is",
        f"the face is {track.width:.0f} pixels wide, seen in {track.seen:.0%} of the frames (found by {track.finder})",
    ]
    if made.tflops:
        minutes = plan.span(made.minutes(painted, len(used)))
        lines.append(f"{minutes} of painting (estimate, not measured on this machine)")
    return lines


def figure(frame: numpy.ndarray, face, look: Look, painted: numpy.ndarray | None = None):
    """A picture: the frame with its crop, mask and centre row, and what the model gets to see of it."""
    from matplotlib.figure import Figure

    height, width = frame.shape[:2]
    place = crop.box(face, width, height, look)
    if place is None:
        raise Stop("the crop lies outside the picture: choose a smaller SHIFT")
    x0, y0, x1, y1 = place
    soft = crop.mask(face, place, look)
    shown = frame.astype(numpy.float32)
    tint = numpy.array([255, 200, 0], numpy.float32)
    shown[y0:y1, x0:x1] += (tint - shown[y0:y1, x0:x1]) * (0.45 * soft)[..., None]
    seen = crop.cut(frame, place, nets.SIDE)
    seen = seen.copy()
    seen[nets.SIDE // 2 :] = 0
    made = Figure(figsize=(7.2, 3.3), layout="constrained")
    one, two = made.subplots(1, 2, width_ratios=[width / height, 1])
    one.imshow(shown.clip(0, 255).astype(numpy.uint8))
    one.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="black", linewidth=2.5)
    one.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="white", linewidth=1, linestyle="--")
    centre = face.centre + look.shift
    one.plot([x0, x1], [centre, centre], color="black", linewidth=1.5, linestyle=":")
    one.set_title("crop (frame), middle row (dots), what is painted (yellow)", fontsize=8)
    two.imshow(seen)
    two.set_title(
        f"what the model sees: {x1 - x0} x {y1 - y0} as {nets.SIDE} x {nets.SIDE},\nthe lower half hidden", fontsize=8
    )
    for axis in (one, two):
        axis.set_xticks([])
        axis.set_yticks([])
    return made


def sliders(take: Take, track: Track, path: Path, look: Look, widgets: bool = True) -> Chosen:
    """Show the preview, with sliders above it where the notebook has widgets; what is chosen."""
    number, frame = first(take, track)
    face, chosen = track.face(number), Chosen(look)
    live = progress.Live(path, "the first frame with its crop and mask")
    live.draw(figure(frame, face, look))
    shown = _widgets() if widgets else None
    if shown is None:
        print("To change it: SHIFT, MARGIN, CHEEKS and FEATHER in the settings, then run this cell again.")
        return chosen
    kinds = {
        "shift": shown.IntSlider(look.shift, -40, 40, description="shift"),
        "margin": shown.IntSlider(look.margin, 0, 60, description="margin"),
        "cheeks": shown.FloatSlider(look.cheeks, min=0.4, max=1.0, step=0.02, description="cheeks"),
        "feather": shown.FloatSlider(look.feather, min=0.02, max=0.2, step=0.01, description="feather"),
    }
    told = shown.Label("Move a slider; the cells below take what stands here when they run.")

    def moved(_change) -> None:
        wanted = replace(look, **{name: kind.value for name, kind in kinds.items()})
        try:
            live.draw(figure(frame, face, wanted))
            chosen.look = wanted
            pixels = f"SHIFT {wanted.shift}, MARGIN {wanted.margin}"
            told.value = f"{pixels}, CHEEKS {wanted.cheeks:.2f}, FEATHER {wanted.feather:.2f}"
        except Stop as stop:
            told.value = str(stop)

    for kind in kinds.values():
        kind.observe(moved, names="value")
    from IPython.display import display

    display(shown.VBox([*kinds.values(), told]))
    return chosen


def _widgets():
    """ipywidgets, where it is installed and somebody can move them; else None."""
    import sys

    from labkit import here

    if here.is_batch() or "IPython" not in sys.modules or not sys.modules["IPython"].get_ipython():
        return None
    try:
        import ipywidgets  # anylab: allow import/unknown: optional; the settings do the same
    except ImportError:
        return None
    return ipywidgets
