"""Does each part pay? The same network without it, trained for the same steps on the same rows.

Contract: every variant starts from the same seed and sees the same samples in the same order; what differs is named in
`VARIANTS`. The figures of one seed show large effects only; `text` says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from graphmer.chains import Chain
from graphmer.corpus import SIG_DOC, Corpus
from graphmer.model import Config, GraphMER
from graphmer.ranking import Questions, candidate_scores, each_slot_scores, rank
from graphmer.run import Settings
from graphmer.train import train, validate

VARIANTS = ("full", "no H-GAT", "no leaves", "no decay", "no positions")


def variant(name: str, config: Config, data: Corpus) -> tuple[Config, Corpus]:
    """Shape and data of one variant. Without leaves only words and spans are learned."""
    shapes = {"no H-GAT": {"hgat": False}, "no decay": {"decay": 1.0}, "no positions": {"root_pos": "none"}}
    config = replace(config, **shapes.get(name, {}))
    return config, replace(data, settings=replace(data.settings, heads=0)) if name == "no leaves" else data


def compare(
    config: Config,
    data: Corpus,
    settings: Settings,
    questions: Sequence[Questions],
    valid: Sequence,
    device: torch.device,
    on_done: Callable[[str, dict], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    on_log: Callable[[str, dict], None] | None = None,
) -> dict[str, dict]:
    """Train every variant and measure it: validation losses, and the MRR of each test. Ends early when told to stop.

    `on_log(name, line)` is called with each log line of `train.train`.
    """
    rows = {}
    for name in VARIANTS:
        shape, corpus = variant(name, config, data)
        torch.manual_seed(settings.seed)
        tell = partial(on_log, name) if on_log is not None else None
        run = train(GraphMER(shape).to(device), corpus, settings, tell, should_stop)
        if run.stopped:
            break
        rows[name] = {f"valid_{kind}": value for kind, value in validate(run.model, valid).items()}
        rows[name] |= {asked.test: mrr(run.model, asked, data) for asked in questions}
        if on_done is not None:
            on_done(name, rows[name])
    return rows


def mrr(model: GraphMER, questions: Questions, data: Corpus) -> float:
    """Filtered mean reciprocal rank; a question without a graph ranks last."""
    graphs: list[Chain] = [graph for graph in questions.chains[SIG_DOC] if graph is not None]
    slots = each_slot_scores(model, graphs, data.settings)
    found = []
    for graph, gold, known in zip(questions.chains[SIG_DOC], questions.gold, questions.known, strict=True):
        score = None if graph is None else candidate_scores(next(slots), questions.spelled)
        found.append(1 / (len(questions.names) if score is None else rank(score, gold, known)))
    return float(np.mean(found))


def text(rows: dict[str, dict], steps: int) -> str:
    """The comparison as lines, and what it says in words."""
    if "full" not in rows:
        return "Stopped before anything could be compared."
    tests = [key for key in rows["full"] if not key.startswith("valid_")]
    lines = [f"{'':14} words  leaves  " + "  ".join(f"MRR {test}" for test in tests)]
    for name, row in rows.items():
        scores = "  ".join(f"{row[test]:{len(test) + 4}.3f}" for test in tests)
        lines.append(f"{name:14} {row['valid_mlm']:5.2f}  {row['valid_mnm']:6.2f}  {scores}")
    better = [n for n in rows if n != "full" and any(rows[n][t] > rows["full"][t] for t in tests)]
    lines.append(f"One seed, {steps} steps each: differences of a few hundredths mean nothing.")
    if better:
        lines.append(f"Not better than without it in at least one test: the part left out in {', '.join(better)}.")
    return "\n".join(lines)
