"""What a trained model knows, beside methods that only count. All scores come from `model.eval()`.

Contract: `evaluate` returns one dict of plain numbers (ready for JSON); `verdict` says in plain words what they show.
Every question shows the model the head's signature and docstring with all K leaf slots masked, never the body; the one
row that reads the body is called so and stands beside a baseline that copies from it.

Decisions:
- One training run is judged by both tests, `splits.RANDOM` and `splits.UNSEEN`.
- "model" is the encoder with its link head (`links`); "leaves alone" is the encoder's own way, spelling the name token
  by token into masked leaves. Other link heads, trained without a part, have rows of their own.
- The untrained model of the same shape is a row of the table: if it scores as well as the trained one, the weights were
  not loaded or nothing was learned.
- "Names in scope" is a counting row too: what it costs nothing to look up must not look like learning. What follows
  similar definitions, which the link head is given, is the row ALIKE, with a sentence of its own in the verdict.
- "Better" means a lead of at least 0.02 MRR whose bootstrap 95 % interval (over questions) does not touch zero. Seeds
  are not in that interval: one run is one run.
"""

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer

from graphmer import tasks
from graphmer.baselines import METHODS, Counts, counting_levels
from graphmer.corpus import BODY, SIG_DOC, ChainSettings, Corpus, build_corpus
from graphmer.embeddings import ComplEx, Embedded, TransE
from graphmer.links import Linker
from graphmer.model import GraphMER
from graphmer.ranking import (
    Questions,
    bootstrap_lead,
    candidate_scores,
    each_slot_scores,
    interval,
    make_questions,
    rank,
    summary,
)
from graphmer.splits import RANDOM, Split, share
from graphmer.tokens import SEP

MARGIN = 0.02
MODEL, UNTRAINED, LEAVES = "model", "untrained model", "leaves alone"
COUNTED, ALIKE = "+ same short name", "+ like definitions"  # the second is the first and likeness
WITHOUT = "without "  # and the name of a part: the row of a link head that was trained without it
BODY_VIEW, COPIED = "leaves, body in view", "copy from the body"


def evaluate(
    model: GraphMER,
    split: Split,
    kinds: dict[str, str],
    train_corpus: Corpus,
    tokenizer: Tokenizer,
    limit: int = 1000,
    search: int = 1000,
    mlm_rows: int = 64,
    embedding_steps: int = 1000,
    seed: int = 0,
    linkers: dict[str, Linker] | None = None,
) -> dict:
    """All figures of one model as plain numbers. `linkers`: trained link heads by the name of their row.

    Among `linkers` MODEL is the one that is judged; without it (no time to train one) the leaves are.
    `tests[name]` holds `link` (a row per method), `best_count`, `lead` (the model's MRR minus that one's), `alike`
    (minus ALIKE's), `adds` (minus those of heads without a part), `relations`, `judged` (types, calibration). `mlm`:
    masked words of unseen text; `search`: code search; `levels`: what counting reaches on the training losses. `kinds`
    are the entities' types; the numbers bound questions, pairs, rows of text and the steps of TransE and ComplEx.
    """
    settings = train_corpus.settings
    torch.manual_seed(seed)
    untrained = GraphMER(model.config).to(next(model.parameters()).device)
    tests, counts, embedded, linkers = {}, None, {}, dict(linkers or {})
    if MODEL in linkers:
        linkers[UNTRAINED] = linkers[MODEL].untrained(untrained)
    for test in split.tests:
        questions = make_questions(split, test, tokenizer, settings, limit, seed)
        counts = counts or Counts(split.train, questions.names, (*split.train_definitions, *split.test_definitions))
        if test == RANDOM and embedding_steps:
            kinds_of = {"TransE": TransE, "ComplEx": ComplEx}
            embedded = {
                n: Embedded(k, split.train, questions.names, embedding_steps, seed) for n, k in kinds_of.items()
            }
        else:
            embedded = {}
        tests[test] = _judge(model, untrained, questions, counts, embedded, linkers, settings, kinds, seed)
    size = mlm_rows * settings.row_tokens // settings.roots
    texts = sorted(split.test_definitions, key=lambda d: share(f"{seed} {d.name}"))[: 4 * size]
    levels = counting_levels(train_corpus, model.config.vocabulary)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "tests": tests,
        "mlm": tasks.masked_words(model, build_corpus(texts, (), tokenizer, settings), levels.unigram, mlm_rows),
        "search": tasks.code_search(model, split.test_definitions, tokenizer, settings, search),
        "levels": {"mlm": levels.mlm, "mnm": levels.mnm},
    }


def _judge(model, untrained, questions: Questions, counts, embedded, linkers, settings, kinds, seed: int) -> dict:
    """All rows of one test."""
    scored = {
        name: [counts.scores(head, relation, contexts) for head, relation, _ in questions.triples]
        for name, contexts in METHODS.items()
    }
    for name, method in embedded.items():
        scored[name] = [method.scores(head, relation) for head, relation, _ in questions.triples]
    if MODEL in linkers:
        scored[ALIKE] = list(scored[COUNTED] + linkers[MODEL].shares(questions.triples))
    rows = {name: _row(questions, scores) for name, scores in scored.items()}
    best_count = max(METHODS, key=lambda name: rows[name]["mrr"])
    rows[COPIED] = _copy_row(questions, scored["relation frequency"])
    rows[BODY_VIEW], _ = _model_row(model, questions, settings, BODY)
    rows[LEAVES], scores = _model_row(model, questions, settings, SIG_DOC)
    for name, linker in linkers.items():
        found = list(linker.scores(questions.triples))
        rows[name] = _row(questions, found)
        scores = found if name == MODEL else scores
    if MODEL not in linkers:
        rows[UNTRAINED], _ = _model_row(untrained, questions, settings, SIG_DOC)
        rows[MODEL] = rows.pop(LEAVES)
    rows[MODEL] = rows.pop(MODEL)  # last, where a reader looks
    ranks = {name: np.array(row.pop("ranks")) for name, row in rows.items()}
    for name, row in rows.items():
        row["mrr_low"], row["mrr_high"] = interval(1 / ranks[name], seed)
    return {
        "questions": len(questions),
        "reachable": float(questions.reachable().mean()),
        "visible": float(np.mean(questions.visible)),
        "candidates": len(questions.names),
        "random_mrr": float(np.mean(1 / np.arange(1, len(questions.names) + 1))),
        "link": rows,
        "best_count": best_count,
        "lead": bootstrap_lead(ranks[MODEL], ranks[best_count], seed),
        "alike": bootstrap_lead(ranks[MODEL], ranks[ALIKE], seed) if ALIKE in rows else None,
        "adds": {n: bootstrap_lead(ranks[MODEL], ranks[f"{WITHOUT}{n}"], seed) for n in _left_out(linkers)},
        "relations": _by_relation(questions, ranks[MODEL], ranks[best_count]),
        "judged": tasks.answers_judged(questions, scores, tasks.allowed_types(questions.names, kinds)),
    }


def _left_out(linkers) -> list[str]:
    return [name.removeprefix(WITHOUT) for name in linkers if name.startswith(WITHOUT) and MODEL in linkers]


def _row(questions: Questions, scores: Sequence[np.ndarray | None]) -> dict:
    """Ranking and token figures of a method that scores whole names; None is a question that it cannot answer."""
    ranks, exact, first = [], [], []
    worst = float(len(questions.names))
    for score, gold, known, answer in zip(scores, questions.gold, questions.known, questions.answers, strict=True):
        ranks.append(worst if score is None else rank(score, gold, known))
        if score is None:
            exact.append(False)
            first.append(10)
            continue
        exact.append(gold is not None and int(score.argmax()) == gold)
        # A first token's score is the sum over the names that begin with it.
        weight = score if score.min() >= 0 else np.exp(score - score.max())
        tokens = np.bincount(np.maximum(questions.spelled[:, 0], 0), weights=weight)
        top = np.argsort(-tokens, kind="stable")[:10].tolist()
        first.append(top.index(answer[0]) if answer[0] in top else 10)
    return {**_figures(questions, ranks, exact, first), "ranks": ranks}


def _model_row(model: GraphMER, questions: Questions, settings: ChainSettings, view: int) -> tuple[dict, list]:
    """(figures of the network, its scores of all candidates for each question)."""
    graphs = [graph for graph in questions.chains[view] if graph is not None]
    slots = each_slot_scores(model, graphs, settings)
    ranks, exact, first, scores = [], [], [], []
    for graph, gold, known, answer in zip(
        questions.chains[view], questions.gold, questions.known, questions.answers, strict=True
    ):
        if graph is None:
            scores.append(None)
            ranks.append(float(len(questions.names)))
            exact.append(False)
            first.append(10)
            continue
        slot = next(slots)
        scores.append(candidate_scores(slot, questions.spelled))
        ranks.append(rank(scores[-1], gold, known))
        closed = (*answer, SEP)[: len(slot)]
        exact.append(len(answer) <= len(slot) and tuple(slot.argmax(-1).tolist()[: len(closed)]) == closed)
        top = slot[0].topk(10).indices.tolist()
        first.append(top.index(answer[0]) if answer[0] in top else 10)
    return {**_figures(questions, ranks, exact, first), "ranks": ranks}, scores


def _copy_row(questions: Questions, frequency: Sequence[np.ndarray]) -> dict:
    """The candidate that stands in the head's body, the most frequent of its relation first."""
    place = {name: i for i, name in enumerate(questions.names)}
    scores = []
    for definition, score in zip(questions.definitions, frequency, strict=True):
        own = definition.name.rpartition(".")[2]
        words = set("".join(c if c.isalnum() or c == "_" else " " for c in definition.source).split()) - {own}
        found = [place[word] for word in words if word in place]
        bonus = np.zeros(len(score))
        bonus[found] = 1.0  # a relative frequency is at most 1
        scores.append(bonus + score)
    return _row(questions, scores)


def _figures(questions: Questions, ranks, exact, first) -> dict:
    """`exact`: whole name right, apart for answers that the signature or docstring shows and those it does not."""
    exact, first, visible = np.array(exact), np.array(first), np.array(questions.visible)
    reachable = questions.reachable()
    return {
        **summary(np.array(ranks)),
        "mrr_reachable": float((1 / np.array(ranks))[reachable].mean()) if reachable.any() else None,
        "exact": float(exact.mean()),
        "exact_visible": float(exact[visible].mean()) if visible.any() else None,
        "exact_hidden": float(exact[~visible].mean()) if (~visible).any() else None,
        "first_top1": float((first == 0).mean()),
        "first_top10": float((first < 10).mean()),
    }


def _by_relation(questions: Questions, model: np.ndarray, count: np.ndarray) -> dict[str, dict]:
    relations = np.array([relation for _, relation, _ in questions.triples])
    return {
        str(relation): {
            "questions": int((relations == relation).sum()),
            "model": float((1 / model)[relations == relation].mean()),
            "best_count": float((1 / count)[relations == relation].mean()),
        }
        for relation in sorted(set(relations))
    }
