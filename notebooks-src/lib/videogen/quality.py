"""How good is a clip, told without another model: numbers that tell smooth motion from noise, flicker and standstill.

Flicker and warp error belong beside the flow: a clip that stands still wins both. All on 0 to 255 grey levels. Warp
error and flow use dense inverse search (Kroeger et al. 2016), as OpenCV has it.
"""

from collections import namedtuple

Curves = namedtuple("Curves", "change warp flow")  # between neighbouring frames; grey levels, grey levels, pixels


def measure(frames, first=None, found: Curves | None = None) -> dict[str, float]:
    """The numbers of a clip, (frames, height, width, 3) uint8; `first` is the image it should begin with, if any;
    `found` its curves, where they are known already.

    flicker: mean absolute difference of neighbouring frames; temporal: (255 - flicker) / 255, the network-free part of
    VBench's temporal flickering; warp: the same after motion is taken out; flow: pixels a frame; jerk: how unevenly the
    flow goes; sharpness: variance of the Laplacian; colour: Hasler and Suesstrunk 2003; clipped: share of pixels at
    0 or 255; frozen, black: share of frames; first_psnr: dB, 99 for equal.
    """
    import numpy as np

    change, warp, flow = found or curves(frames)
    some = frames[:: max(1, len(frames) // 16)]
    out = {
        "flicker": np.mean(change),
        "temporal": (255 - np.mean(change)) / 255,
        "warp": np.mean(warp),
        "flow": np.mean(flow),
        "jerk": np.std(np.diff(flow)) if len(flow) > 1 else 0.0,
        "sharpness": np.mean([_sharpness(_grey(one)) for one in some]),
        "colour": _colour(some),
        # one frame after the other: a long clip as floats is more than a free session's memory likes
        "clipped": np.mean([np.mean((one == 0) | (one == 255)) for one in frames]),
        "frozen": np.mean(np.asarray(change) < 0.05) if len(frames) > 1 else 0.0,
        "black": np.mean([_grey(one).max() < 16 for one in frames]),
    }
    if first is not None:
        out["first_psnr"] = psnr(frames[0], first)
    return {name: round(float(value), 4) for name, value in out.items()}


def curves(frames, side: int = 240) -> Curves:
    """Change in grey levels, what of it is no motion (warp error), and flow in pixels of the full size, between
    neighbouring frames; warp error and flow at `side` pixels of height at most."""
    import cv2
    import numpy as np

    height, width = frames.shape[1:3]
    scale = min(1.0, side / height)
    size = max(16, round(width * scale)), max(16, round(height * scale))
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    ys, xs = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    found, last = Curves([], [], []), None
    for frame in frames:
        grey = _grey(frame)
        after = cv2.resize(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY), size)
        if last is not None:
            before = last[1]
            flow = search.calc(before, after, None)
            back = cv2.remap(
                after, xs + flow[..., 0], ys + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            found.change.append(float(np.abs(grey - last[0]).mean()))
            found.warp.append(float(np.abs(back.astype(np.float32) - before).mean()))
            found.flow.append(float(np.hypot(flow[..., 0], flow[..., 1]).mean() / scale))
        last = grey, after
    return found if len(frames) > 1 else Curves([0.0], [0.0], [0.0])


def psnr(one, other) -> float:
    """Peak signal to noise of two pictures of one size, in dB; 99 for equal ones."""
    import numpy as np

    error = ((np.asarray(one, np.float32) - np.asarray(other, np.float32)) ** 2).mean()
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def seam(before, after) -> float:
    """How much a join shows: the change across it over the change that is usual on both sides (1: not at all)."""
    import numpy as np

    def change(a, b):
        return float(np.abs(np.asarray(a, np.float32) - np.asarray(b, np.float32)).mean())

    usual = [change(a, b) for part in (before[-5:], after[:5]) for a, b in zip(part, part[1:], strict=False)]
    return round(change(before[-1], after[0]) / max(float(np.mean(usual or [1.0])), 0.5), 3)


def sized(frames, height: int, width: int):
    """Frames in another size, cut in the middle to its shape; as they are where they have it."""
    import cv2
    import numpy as np

    have = frames.shape[1:3]
    if have == (height, width):
        return frames
    scale = max(height / have[0], width / have[1])
    size = max(width, round(have[1] * scale)), max(height, round(have[0] * scale))
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    larger = (cv2.resize(frame, size, interpolation=cv2.INTER_LANCZOS4) for frame in frames)
    return np.stack([frame[top : top + height, left : left + width] for frame in larger])


def verdict(numbers: dict[str, float]) -> str:
    """The numbers in one sentence, with what to look at."""
    words = []
    if numbers["black"] > 0.5:
        words.append("black")
    if numbers["frozen"] > 0.5 or numbers["flow"] < 0.05:
        words.append("stands still")
    elif numbers["warp"] > 8:
        words.append("noisy or tearing (the change is no motion)")
    elif numbers["jerk"] > max(4.0, 1.5 * numbers["flow"]):
        words.append("jumps")
    if numbers["sharpness"] < 15:
        words.append("soft")
    if numbers.get("first_psnr", 99) < 20:
        words.append("does not begin with the image")
    found = ", ".join(words) or "nothing conspicuous"
    return (
        f"{found}: flow {numbers['flow']:.1f} px a frame, warp error {numbers['warp']:.1f}, "
        f"flicker {numbers['flicker']:.1f} of 255, sharpness {numbers['sharpness']:.0f}"
    )


def _grey(frame):
    """A frame's brightness, (height, width) float32."""
    import numpy as np

    return np.asarray(frame, np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def _sharpness(grey) -> float:
    import cv2

    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def _colour(frames) -> float:
    import numpy as np

    red, green, blue = (np.asarray(frames[..., i], np.float32) for i in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
