"""Three pictures: falling losses, the results beside their baselines, one leafy chain graph. Returned, never shown.

Colours are Okabe and Ito's, distinguishable with any colour vision; lines differ in dash and marker too. Sizes suit a
phone: a figure is 6.4 inches wide with type of 11 points or more.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure
from tokenizers import Tokenizer

from graphmer.corpus import MENTIONS, SIG_DOC, Corpus
from graphmer.knowledge import RELATIONS

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
    """The three losses (nats per token) over optimiser steps, validation as open marks; dashed: counting alone."""
    figure, axes = _axes(4.4)
    lines = (("mlm", "-", "o", BLUE, "words (MLM)"), ("mnm", "-.", "s", ORANGE, "leaves (MNM)"),
             ("sbo", ":", "^", GREEN, "spans (SBO)"))  # fmt: skip
    steps = [line["step"] for line in history]
    every = max(1, len(steps) // 8)
    for kind, dash, mark, colour, label in lines:
        axes.plot(
            steps, [h[kind] for h in history], dash, marker=mark, color=colour, lw=2, markevery=every, label=label
        )
        held = [(h["step"], h[f"valid_{kind}"]) for h in history if f"valid_{kind}" in h]
        if held:
            axes.plot(*zip(*held, strict=True), ls="none", marker=mark, mfc="white", color=colour, ms=8, mew=1.6)
    if any("valid_mnm" in h for h in history):
        axes.plot([], [], ls="none", marker="o", mfc="white", color=GREY, ms=8, mew=1.6, label="unseen packages")
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
    axes.legend(fontsize=SIZE - 1, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.2))
    axes.grid(axis="y", alpha=0.25)
    return figure


def plot_results(results: dict) -> Figure:
    """Mean reciprocal rank of every method in both tests, with 95 % intervals; what reads the body is left out."""
    tests = results["tests"]
    rows = [(test, name) for test, judged in tests.items() for name in judged["link"] if "body" not in name]
    figure = Figure(figsize=(6.4, 1.4 + 0.42 * len(rows)), dpi=150, layout="constrained")
    sizes = [sum(test == t for t, _ in rows) for test in tests]
    for axes, (test, judged) in zip(
        figure.subplots(len(tests), 1, sharex=True, gridspec_kw={"height_ratios": sizes}, squeeze=False)[:, 0],
        tests.items(), strict=True,
    ):  # fmt: skip
        names = [name for name in judged["link"] if "body" not in name][::-1]
        values = [judged["link"][name]["mrr"] for name in names]
        spans = [(judged["link"][n]["mrr_low"], judged["link"][n]["mrr_high"]) for n in names]
        errors = [
            [max(0.0, v - low) for v, (low, _) in zip(values, spans, strict=True)],
            [max(0.0, high - v) for v, (_, high) in zip(values, spans, strict=True)],
        ]
        ours = {"model": (BLUE, ""), "untrained model": (GREY, ".."), "leaves alone": (GREEN, "..")}
        styles = [ours.get(n, (GREEN, "..") if n.startswith("without") else (ORANGE, "//")) for n in names]
        bars = axes.barh(
            names,
            values,
            xerr=errors,
            color=[colour for colour, _ in styles],
            height=0.62,
            error_kw={"elinewidth": 1.2},
        )
        for bar, (_, hatch) in zip(bars, styles, strict=True):
            bar.set_hatch(hatch)
            bar.set_edgecolor("white")
        axes.bar_label(bars, labels=[f"{v:.3f}" for v in values], padding=4, fontsize=SIZE - 1)
        axes.set_title(f"{test}, {judged['questions']:,} questions", fontsize=SIZE, loc="left")
        axes.tick_params(axis="y", labelsize=SIZE - 1, length=0)
        axes.tick_params(axis="x", labelsize=SIZE - 1)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    most = max(judged["link"][n]["mrr_high"] for judged in tests.values() for n in judged["link"] if "body" not in n)
    axes.set_xlim(0, most * 1.2 or 1)
    axes.set_xlabel("mean reciprocal rank (higher is better)", fontsize=SIZE)
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


def chain_words(corpus: Corpus, sample: int, tokenizer: Tokenizer, relation: str, width: int = 7) -> tuple[list, dict]:
    """A piece of a sample's unmasked graph in words, for `plot_chain`.

    `width` roots around the name in the signature, and {root index: (relation, words of the tail)}; of each mention's
    triples the first of `relation` where there is one.
    """
    mentions = corpus.heads[SIG_DOC][sample].tolist()
    own = [at for at, _, entity in mentions if entity == corpus.entities[corpus.names[sample]]]
    # The line of names comes first, then the signature.
    start = max(0, own[min(MENTIONS, len(own) - 1)] - 1) if own else 0
    piece = corpus.text(SIG_DOC, sample)[start : start + width].tolist()
    leaves = {}
    for at, _, entity in mentions:
        edges = corpus.edges[entity].tolist()
        if start <= at < start + len(piece) and edges:
            number, tail = ([e for e in edges if RELATIONS[e[0] - 1] == relation] or edges)[0]
            spelled = [tokenizer.decode([token]).strip() for token in corpus.tails[tail].tolist()]
            leaves[at - start] = (RELATIONS[number - 1], spelled)
    return [tokenizer.decode([token]).strip() or "\\n" for token in piece], leaves
