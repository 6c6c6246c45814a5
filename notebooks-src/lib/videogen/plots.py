"""Pictures of a clip: a contact sheet of its frames, and its change, motion and sharpness over time."""

WORDS, DRAWN = "#1b2a49", ("#0072b2", "#d55e00", "#009e73")  # Okabe and Ito 2008: told apart by the colour-blind


def sheet(frames, fps: float, title: str = "", count: int = 6):
    """A matplotlib figure with `count` frames in order, each with its second."""
    import numpy as np
    from matplotlib.figure import Figure

    picked = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    height, width = frames.shape[1:3]
    columns = 3 if len(picked) > 3 else len(picked)
    rows = -(-len(picked) // columns)
    figure = Figure(figsize=(7.5, 7.5 / columns * height / width * rows + 0.35 * rows + 0.3), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, at in zip(axes, picked, strict=False):
        axis.imshow(frames[at], interpolation="nearest" if width < 200 else "antialiased")
        axis.set_title(f"{at / fps:.1f} s", fontsize=9, color=WORDS, loc="left")
    if title:
        figure.suptitle(title[:90] + ("…" if len(title) > 90 else ""), fontsize=10, color=WORDS)
    return figure


def report(frames, fps: float, numbers: dict):
    """A figure of flicker, what of it is no motion, and flow, over time; and the numbers beside it."""
    import numpy as np
    from matplotlib.figure import Figure

    from videogen import quality

    warp, flow = quality.curves(frames)
    grey = np.asarray(frames, np.float32).mean(-1)
    change = np.abs(np.diff(grey, axis=0)).mean((1, 2)) if len(grey) > 1 else np.zeros(1)
    seconds = (np.arange(len(warp)) + 1) / fps
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(seconds, change[: len(seconds)], color=DRAWN[0], label="all change (flicker)", marker="o", ms=3)
    left.plot(seconds, warp, color=DRAWN[1], label="change that is no motion (warp error)", ls="--", marker="s", ms=3)
    left.set(xlabel="seconds", ylabel="grey levels of 255")
    right.plot(seconds, flow, color=DRAWN[2], marker="^", ms=3)
    right.set(xlabel="seconds", ylabel="motion, pixels a frame")
    for axis in (left, right):
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
    left.legend(fontsize=8, frameon=False, loc="best")
    shown = ("sharpness", "colour", "frozen", "black", "first_psnr")
    figure.suptitle("   ".join(f"{k} {numbers[k]:.3g}" for k in shown if k in numbers), fontsize=9, color=WORDS)
    return figure
