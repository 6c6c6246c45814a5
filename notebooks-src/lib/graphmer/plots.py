"""Three pictures: falling losses, the result beside its baselines, one leafy chain graph. Returned, never shown.

Colours are Okabe and Ito's, distinguishable with any colour vision; lines differ in dash and marker too. Sizes suit a
phone: a figure is 6.4 inches wide with type of 11 points or more.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#6E6E6E", "#D55E00"
TYPE_ORANGE = "#9A6700"  # orange dark enough to be read as type on white
SIZE = 12


def _axes(height: float = 4.0):
    # Figure() instead of pyplot: nothing is registered globally, so nothing has to be closed.
    figure = Figure(figsize=(6.4, height), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(labelsize=SIZE - 1)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def plot_losses(history: Sequence[dict], mlm: float | None = None, mnm: float | None = None) -> Figure:
    """Both losses (nats per token) over optimiser steps; dashed levels are what counting alone reaches."""
    figure, axes = _axes()
    steps = [line["step"] for line in history]
    every = max(1, len(steps) // 8)
    axes.plot(steps, [h["mlm"] for h in history], "-o", color=BLUE, lw=2, markevery=every, label="words (MLM)")
    axes.plot(steps, [h["mnm"] for h in history], "-.s", color=ORANGE, lw=2, markevery=every, label="leaves (MNM)")
    levels = [(mlm, BLUE, "words: counting only"), (mnm, TYPE_ORANGE, "leaves: counting only")]
    for level, colour, text in levels:
        if level is not None:
            axes.axhline(level, color=colour, ls="--", lw=1.2, alpha=0.9)
            axes.annotate(
                text, (1, level), xycoords=("axes fraction", "data"), xytext=(-2, 3), textcoords="offset points",
                ha="right", va="bottom", color=colour, fontsize=SIZE - 1,
            )  # fmt: skip
    axes.set_xlabel("optimiser step", fontsize=SIZE)
    axes.set_ylabel("loss (nats per token)", fontsize=SIZE)
    axes.legend(fontsize=SIZE, frameon=False)
    axes.grid(axis="y", alpha=0.25)
    return figure


def plot_results(results: dict, figure_of_merit: str = "mrr") -> Figure:
    """Bars of one figure (`mrr`, `hits10`, `exact`, ...) for the model, its untrained twin and the counting methods."""
    titles = {"mrr": "mean reciprocal rank", "hits10": "answers among the first 10", "exact": "whole name right"}
    rows = results["link"]
    figure, axes = _axes(1.3 + 0.5 * len(rows))
    names = list(rows)[::-1]
    values = [rows[name][figure_of_merit] for name in names]
    colours = [BLUE if n == "model" else GREY if n == "untrained model" else ORANGE for n in names]
    bars = axes.barh(names, values, color=colours, height=0.62)
    for bar, name in zip(bars, names, strict=True):
        bar.set_hatch({"model": "", "untrained model": ".."}.get(name, "//"))
        bar.set_edgecolor("white")
    axes.bar_label(bars, labels=[f"{v:.3f}" for v in values], padding=4, fontsize=SIZE)
    axes.set_xlim(0, max(values) * 1.18 or 1)
    axes.set_xlabel(f"{titles.get(figure_of_merit, figure_of_merit)} (higher is better)", fontsize=SIZE)
    axes.set_title(f"{results['split']}, {results['queries']} questions", fontsize=SIZE, loc="left")
    axes.tick_params(axis="y", labelsize=SIZE, length=0)
    return figure


def plot_chain(
    roots: Sequence[str], leaves: dict[int, tuple[str, Sequence[str]]], title: str = "A leafy chain graph"
) -> Figure:
    """One small graph: `roots` are words, `leaves[root index]` is (relation, words of the tail). Eight roots fit."""
    most = max((len(tail) for _, tail in leaves.values()), default=0)
    figure, axes = _axes(2.2 + 0.6 * most + 0.25 * len(leaves))
    axes.plot(range(len(roots)), [0] * len(roots), color=GREY, lw=2, zorder=1)
    colours = (TYPE_ORANGE, GREEN, VERMILION)
    _note(axes, -0.45, 0.62, "roots: a piece of the text", GREY)
    for n, (root, (relation, tail)) in enumerate(sorted(leaves.items())):
        colour = colours[n % len(colours)]
        axes.plot([root] * (len(tail) + 1), [-k for k in range(len(tail) + 1)], color=colour, lw=2, zorder=1)
        for k, word in enumerate(tail):
            _box(axes, root, -1 - k, word, colour)
        _note(axes, root + 0.12, -0.5, relation, colour)
        _note(axes, -0.45, -most - 0.75 - 0.4 * n, f"leaves: {roots[root]} {relation} {''.join(tail)}", colour)
    for i, word in enumerate(roots):
        _box(axes, i, 0, word, BLUE if i in leaves else GREY)
    axes.set_xlim(-0.6, len(roots) - 0.4)
    axes.set_ylim(-most - 0.75 - 0.4 * len(leaves), 0.9)
    axes.set_title(title, fontsize=SIZE + 1, loc="left")
    axes.axis("off")
    return figure


def _note(axes, x: float, y: float, text: str, colour: str) -> None:
    axes.text(x, y, text, ha="left", va="center", fontsize=SIZE, style="italic", color=colour)


def _box(axes, x: float, y: float, word: str, colour: str) -> None:
    style = {"boxstyle": "round,pad=0.3", "fc": "white", "ec": colour, "lw": 1.8}
    axes.text(x, y, word, ha="center", va="center", fontsize=SIZE, family="monospace", bbox=style, zorder=2)
