"""A model card from a run's own numbers, and nothing else.

Contract: `text` is a pure function of what was measured and of what the model is; a figure that the run does not have
is left out, never filled in.
"""

from dataclasses import asdict

from graphmer.evaluate import MODEL, UNTRAINED
from graphmer.export import LEFT_OUT, architecture
from graphmer.links import Linker
from graphmer.run import Run
from graphmer.verdict import by_relation, sentences, spelled


def text(
    run: Run, results: dict, manifest: dict, step: int, device: str, head: Linker | None = None, remark: str = ""
) -> str:
    """Markdown with the front matter that model hubs read. `step`: the step of the exported weights; `remark`: what a
    reader of the figures has to know first."""
    told = [f"**{remark}**"] if remark else []
    parts = [_front(run), *told, _about(run, manifest, step, device, head), _scores(results), _use(run)]
    return "\n\n".join(parts) + "\n"


def _front(run: Run) -> str:
    return (
        "---\nlibrary_name: graphmer\ntags: [code, knowledge-graph, masked-lm, graphmert]\n---\n\n"
        f"# GraphMERT (GraphMER-style) on Python code, {results_size(run)} parameters"
    )


def results_size(run: Run) -> str:
    """`52.3M`."""
    return f"{sum(p.numel() for p in run.model.parameters()) / 1e6:.1f}M"


def _about(run: Run, manifest: dict, step: int, device: str, head: Linker | None) -> str:
    c = run.model.config
    spent = f"{run.seconds / 60:.0f} minutes" if run.seconds >= 120 else f"{run.seconds:.0f} seconds"
    lines = [
        "An encoder trained on leafy chain graphs: words of Python functions as roots, the names that they call, raise",
        "or inherit as leaves. The method is that of arXiv 2510.09580 with these choices: "
        f"{c.decay_mode} decay (lambda {c.decay:g}), root positions {c.root_pos}, {c.norm}-LN, "
        f"H-GAT {'of rank ' + str(c.hgat_rank) if c.hgat_rank else 'full' if c.hgat else 'off'}.",
        "",
        f"- **Data**: {manifest['files']:,} files of Python {manifest['python']}, {manifest['triples']:,} triples;"
        f" graph `{manifest['triples_sha256'][:16]}`. 10 % of the packages and 10 % of the remaining triples were"
        " never trained on, another 10 % of the packages served for validation.",
        f"- **Training**: {run.step:,} of {run.settings.steps:,} steps, {run.samples:,} samples, {run.tokens:,} tokens,"
        f" {spent} on {device}; seed {run.settings.seed}. The weights are of step {step:,}.",
        f"- **Shape**: {c.layers} layers x {c.width}, {c.heads} heads, {c.vocabulary:,} tokens, R = {c.roots},"
        f" K = {c.leaf_slots}.",
        f"- **Settings**: `{asdict(run.settings)}`",
        f"- **Link head**: {head.run.step:,} steps, `{asdict(head.run.settings)}`"
        if head
        else "- **Link head**: none.",
    ]
    return "\n".join(lines)


def _scores(results: dict) -> str:
    lines = ["## What was measured", "", sentences(results), ""]
    for test, judged in results["tests"].items():
        lines += [
            f"**{test}**: {judged['questions']:,} questions, {judged['candidates']:,} candidate names; the answer is",
            f"one of them in {judged['reachable']:.1%} of the questions. Filtered ranks, ties at the mean.",
            "",
            "| method | MRR | 95 % interval | Hits@1 | Hits@10 | whole name | not visible |",
            "|---|--:|--:|--:|--:|--:|--:|",
        ]
        for name, row in judged["link"].items():
            hidden = "" if row["exact_hidden"] is None else f"{row['exact_hidden']:.1%}"
            lines.append(
                f"| {name} | {row['mrr']:.3f} | {row['mrr_low']:.3f} to {row['mrr_high']:.3f} | {row['hits1']:.1%} |"
                f" {row['hits10']:.1%} | {row['exact']:.1%} | {hidden} |"
            )
        kind = judged["judged"]
        lines += [
            "",
            f"First answers of a wrong type: {kind['wrong_type']:.1%}; calibration error {kind['ece']:.3f}.",
            "",
            *(f"- {text}" for text in (by_relation(judged), spelled(judged))),
            "",
        ]
    mlm, search = results["mlm"], results["search"]
    lines.append(
        f"Masked words of unseen packages: perplexity {mlm['perplexity']:.1f} (counting"
        f" {mlm['unigram_perplexity']:.1f}), {mlm['accuracy']:.1%} right (counting {mlm['unigram_accuracy']:.1%})."
    )
    if "model" in search:
        lines.append(
            f"Code search, one of {search['pairs']}: MRR@10 {search['model']:.3f}, TF-IDF {search['tf-idf']:.3f}. The"
            " encoder was not trained for it."
        )
    lines.append(
        f"One run, one seed; `{UNTRAINED}` is the same network before training, `{MODEL}` the exported encoder with its"
        " link head where one was trained. The head ranks the training graph's names and needs that graph's counts."
    )
    return "\n".join(lines)


def _use(run: Run) -> str:
    kind = architecture(run.model.config)
    if not kind:
        return (
            "## Use\n\n`encoder.safetensors` with the graphmer package; this shape has no stock twin in `transformers`."
        )
    return (
        "## Use\n\n```python\nfrom transformers import AutoModelForMaskedLM, AutoTokenizer\n\n"
        'model, tokenizer = (c.from_pretrained("plain") for c in (AutoModelForMaskedLM, AutoTokenizer))\n```\n\n'
        f"`plain` is a stock {kind} model: no remote code. It leaves out {LEFT_OUT}. The figures above were measured\n"
        "with all of these, so they do not hold for `plain`: fine-tune it, or use `encoder.safetensors` with the\n"
        "graphmer package.\n\n"
        "Intended for experiments with graphs of code. It knows names, not meaning; do not let it decide anything."
    )
