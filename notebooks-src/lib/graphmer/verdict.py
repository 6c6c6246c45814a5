"""What `evaluate` found, in words: a table, a verdict a test, the other tasks, one line for the run report.

Contract: no claim is stronger than its numbers. "Beat" is said of a lead of `evaluate.MARGIN` whose interval does not
touch zero, and of nothing else.
"""

from graphmer.baselines import METHODS
from graphmer.evaluate import LEAVES, MARGIN, MODEL, UNTRAINED

METHOD = next(iter(METHODS))  # the plainest count
SPELLED = {
    "first_top10": "first token among the ten likeliest", "exact": "whole name right",
    "exact_visible": "where the text shows it", "exact_hidden": "where it does not",
}  # fmt: skip


def table(results: dict) -> str:
    """All methods of both tests as lines of at most 62 characters: a phone shows them whole."""
    lines = []
    for test, judged in results["tests"].items():
        lines.append(f"{test}: {judged['questions']:,} questions, {judged['candidates']:,} names to choose from")
        lines.append(f"{'':21} MRR  95 % interval  first 10  whole name")
        for name, row in judged["link"].items():
            span = f"{row['mrr_low']:.3f} to {row['mrr_high']:.3f}"
            lines.append(f"{name:20} {row['mrr']:.3f}  {span:14}  {row['hits10']:7.1%}  {row['exact']:9.1%}")
        lines.append("")
    return "\n".join(lines).rstrip()


def in_short(results: dict) -> str:
    """`MRR 0.31 (counting 0.29) on random triples, ...` for the run report."""
    return ", ".join(
        f"MRR {judged['link'][MODEL]['mrr']:.3f} (counting {judged['link'][judged['best_count']]['mrr']:.3f}) on {name}"
        for name, judged in results["tests"].items()
    )


def asides(results: dict) -> str:
    """The other tasks in a few lines."""
    mlm, search = results["mlm"], results["search"]
    lines = [
        f"Masked words of unseen packages: perplexity {mlm['perplexity']:,.0f}, counting"
        f" {mlm['unigram_perplexity']:,.0f}; {mlm['accuracy']:.1%} right, counting {mlm['unigram_accuracy']:.1%}."
    ]
    if "model" in search:
        lines.append(
            f"Code search, one of {search['pairs']}: MRR@10 {search['model']:.3f}, TF-IDF {search['tf-idf']:.3f}"
            " (it was not trained for this)."
        )
    for name, judged in results["tests"].items():
        kind, row = judged["judged"], judged["link"][MODEL]
        hidden = "" if row["exact_hidden"] is None else f", where the text does not show it {row['exact_hidden']:.1%}"
        lines.append(
            f"{name}: whole name right {row['exact']:.1%}{hidden}; first answers of a wrong type"
            f" {kind['wrong_type']:.1%}, calibration error {kind['ece']:.2f}."
        )
        lines += [f"{name}, {text}" for text in (spelled(judged), by_relation(judged))]
    return "\n".join(lines)


def spelled(judged: dict) -> str:
    """What the leaves alone get right, token by token (MNM), beside the most frequent names of each relation."""
    leaves, count = judged["link"].get(LEAVES, judged["link"][MODEL]), judged["link"][METHOD]
    parts = [
        f"{what} {leaves[key]:.1%} ({count[key]:.1%})"
        for key, what in SPELLED.items()
        if leaves[key] is not None and count[key] is not None
    ]
    return f"spelled as leaves ({METHOD} in brackets): {', '.join(parts)}."


def by_relation(judged: dict) -> str:
    """MRR of the model and of the best counting method, relation by relation."""
    parts = [
        f"{relation} {row['model']:.3f} ({row['best_count']:.3f}, n = {row['questions']:,})"
        for relation, row in judged["relations"].items()
    ]
    return f"MRR by relation ({judged['best_count']} in brackets): {', '.join(parts)}."


def sentences(results: dict) -> str:
    """In plain words, a sentence a test: did the model beat the best counting method?"""
    return " ".join(_sentence(name, judged) for name, judged in results["tests"].items())


def _sentence(name: str, judged: dict) -> str:
    lead, best = judged["lead"], judged["best_count"]
    model, count = judged["link"][MODEL]["mrr"], judged["link"][best]["mrr"]
    figures = f"MRR {model:.3f} against {count:.3f} for counting ({best})"
    span = f"difference {lead['mrr']:+.3f}, 95 % interval {lead['low']:+.3f} to {lead['high']:+.3f}"
    if lead["low"] > 0 and lead["mrr"] >= MARGIN:
        text = f"On {name} the model beat the best counting method: {figures}; {span}."
    else:
        clearly, worse = ("", ", it is worse") if lead["high"] < 0 else ("clearly ", "")
        text = f"On {name} the model did not {clearly}beat the best counting method{worse}: {figures}; {span}."
    if alike := judged.get("alike"):
        span = f"{alike['mrr']:+.3f}, {alike['low']:+.3f} to {alike['high']:+.3f}"
        text += f" Counting with similar definitions needs no training either: the difference to that is {span}."
    for part, adds in judged.get("adds", {}).items():
        figures = f"({adds['mrr']:+.3f}, {adds['low']:+.3f} to {adds['high']:+.3f})"
        if adds["low"] > 0:
            text += f" The {part} {'are' if part.endswith('s') else 'is'} worth something to it {figures}."
        elif adds["high"] < 0:
            text += f" Without the {part} it is better {figures}."
        else:
            verb = "add" if part.endswith("s") else "adds"
            text += f" What the {part} {verb} cannot be told from nothing {figures}."
    if "adds" in judged and LEAVES not in judged["link"]:
        text += " No link head was trained: the leaves spelled the names."
    if model <= 2 * judged["link"][UNTRAINED]["mrr"]:
        text += " It is hardly better than the same network untrained: it has learned little about links yet."
    return text
