"""Pictures of a clip: a contact sheet of its frames, and its change, motion and sharpness over time."""

WORDS, DRAWN = "#1b2a49", ("#0072b2", "#d55e00", "#009e73")  # Okabe and Ito 2008: told apart by the colour-blind


def sheet(frames, fps: float, title: str = "", count: int = 6):
    """A matplotlib figure with `count` frames in order, each with its second."""
    import numpy as np

    picked = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    return _tiles([frames[at] for at in picked], [f"{at / fps:.1f} s" for at in picked], drawable(title))


def wall(stills, prompts):
    """A matplotlib figure of a list: one frame of each clip, (height, width, 3) uint8 of any sizes, with its number and
    the first words."""
    words = [f"{number} {drawable(prompt)}" for number, prompt in enumerate(prompts, 1)]
    return _tiles(stills, [text[:34] + ("…" if len(text) > 34 else "") for text in words])


def _tiles(pictures, labels, title: str = ""):
    """Pictures in three columns, a label above each."""
    from matplotlib.figure import Figure

    columns = min(3, len(pictures))
    rows, gap = -(-len(pictures) // columns), 0.06  # inches; places are reckoned here: a layout engine takes a second
    wide = (7.5 - gap * (columns + 1)) / columns
    tall, label, top = wide * max(one.shape[0] / one.shape[1] for one in pictures), 0.24, 0.34
    full = top + rows * (tall + label) + gap
    figure = Figure(figsize=(7.5, full))
    for number, (picture, words) in enumerate(zip(pictures, labels, strict=True)):
        row, column = divmod(number, columns)
        left, bottom = gap + column * (wide + gap), full - top - (row + 1) * (tall + label) + gap
        axis = figure.add_axes((left / 7.5, bottom / full, wide / 7.5, tall / full), xticks=[], yticks=[])
        axis.axis("off")
        axis.imshow(picture, interpolation="nearest" if picture.shape[1] < 200 else "antialiased")
        axis.set_title(words, fontsize=9, color=WORDS, loc="left", pad=3, parse_math=False)
    if title:  # a prompt is no formula, whatever dollars it has
        short = title[:90] + ("…" if len(title) > 90 else "")
        figure.text(0.5, 1 - 0.08 / full, short, fontsize=10, color=WORDS, parse_math=False, ha="center", va="top")
    return figure


def drawable(text: str) -> str:
    """A title without the signs that the font of pictures lacks; none when that is most of it (it has no Chinese)."""
    from matplotlib.font_manager import findfont, get_font

    font, text = get_font(findfont("DejaVu Sans")), " ".join(text.split())
    kept = "".join(c for c in text if c.isprintable() and font.get_char_index(ord(c)))
    return kept if 2 * len(kept.replace(" ", "")) > len(text.replace(" ", "")) else ""


def report(curves, fps: float, numbers: dict):
    """A figure of flicker, what of it is no motion, and flow, over time (quality.curves); and the numbers beside it."""
    import numpy as np
    from matplotlib.figure import Figure

    seconds = (np.arange(len(curves.warp)) + 1) / fps
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(seconds, curves.change, color=DRAWN[0], label="all change (flicker)", marker="o", ms=3)
    left.plot(
        seconds, curves.warp, color=DRAWN[1], label="change that is no motion (warp error)", ls="--", marker="s", ms=3
    )
    left.set(xlabel="seconds", ylabel="grey levels of 255")
    right.plot(seconds, curves.flow, color=DRAWN[2], marker="^", ms=3)
    right.set(xlabel="seconds", ylabel="motion, pixels a frame")
    for axis in (left, right):
        axis.set_ylim(0, 1.1 * max(max(line.get_ydata()) for line in axis.lines) or 1)
        axis.spines[["top", "right"]].set_visible(False)
    left.legend(fontsize=8, frameon=False, loc="best")
    shown = ("sharpness", "colour", "frozen", "black", "first_psnr")
    figure.suptitle("   ".join(f"{k} {numbers[k]:.3g}" for k in shown if k in numbers), fontsize=9, color=WORDS)
    return figure
