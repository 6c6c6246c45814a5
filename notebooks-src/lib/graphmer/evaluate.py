"""What a trained model knows, beside methods that only count. All scores come from `model.eval()`.

Contract: `evaluate` returns one dict of plain numbers (ready for JSON); `verdict` says in plain words what they show.
Every query shows the model the head's signature and docstring with all K leaf slots masked, never the body.

Decisions:
- One forward pass scores every candidate: S(c) = sum_k log p_k(c_k) + log p_|c|([SEP]); no length correction is needed
  because the end marker is part of the answer.
- The untrained model of the same shape is a row of the table: if it scores as well as the trained one, the weights were
  not loaded or nothing was learned.
- "Better" means a lead of at least 0.02 MRR whose bootstrap 95 % interval (over queries) does not touch zero. Seeds are
  not in that interval: one run is one run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer

from graphmer.baselines import METHODS, QUERIED, Counts, Split, candidates, counting_levels, rank, share, summary
from graphmer.chains import Chain, query
from graphmer.corpus import ChainSettings, Corpus, build_corpus, last_component
from graphmer.knowledge import RELATIONS
from graphmer.model import GraphMER, autocast, to_torch
from graphmer.rows import collate, pack, stream
from graphmer.tokens import SEP, encode_names

MARGIN = 0.02


@dataclass(frozen=True)
class Queries:
    """A bounded sample of test triples. `gold`: a candidate's column or None; `known`: columns of other true answers.

    `chains` are the query graphs, `answers` the tails' token ids, `visible` says whether an answer stands in the text,
    `spelled` (candidates, K) their closed spellings, -1 where unused. `dropped` triples did not fit a graph.
    """

    triples: tuple[tuple[str, str, str], ...]
    chains: tuple[Chain, ...]
    gold: tuple[int | None, ...]
    known: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[int, ...], ...]
    visible: tuple[bool, ...]
    names: tuple[str, ...]
    spelled: np.ndarray
    dropped: int

    def __len__(self) -> int:
        return len(self.triples)


def make_queries(split: Split, tokenizer: Tokenizer, settings: ChainSettings, limit: int, seed: int = 0) -> Queries:
    """Up to `limit` test triples of the queried relations, chosen by hash; ValueError when there is none."""
    pool = [t for t in split.test if t[1] in QUERIED]
    pool = sorted(pool, key=lambda t: share(f"{seed} {' '.join(t)}"))[:limit]
    heads = {t[0] for t in pool}
    definitions = [d for d in split.test_definitions if d.name in heads]
    corpus = build_corpus(definitions, pool, tokenizer, settings)
    sample = {d.name: i for i, d in enumerate(definitions)}
    names = candidates(split)
    columns = {name: i for i, name in enumerate(names)}
    spelled, fitting = _spell(tokenizer, names, settings.leaf_slots)
    true: dict[tuple[str, str], set[int]] = {}
    for head, relation, tail in (*split.train, *split.test):
        if head in heads and last_component(tail) in columns:
            true.setdefault((head, relation), set()).add(columns[last_component(tail)])
    rows = []
    for triple in pool:
        head, relation, tail = triple
        graph = query(corpus, sample[head], RELATIONS.index(relation) + 1) if head in sample else None
        answer = encode_names(tokenizer, [last_component(tail)])[0]
        if graph is None or len(answer) > settings.leaf_slots:
            continue
        gold = columns.get(last_component(tail))
        known = tuple(sorted(true.get((head, relation), set()) - {gold}))
        shown = corpus.definitions[sample[head]]
        visible = last_component(tail) in f"{shown.module} {shown.signature} {shown.doc}"
        rows.append((triple, graph, gold, known, tuple(answer), visible))
    if not rows:
        raise ValueError(f"split '{split.name}' has no test triple whose head and tail fit the graph")
    return Queries(
        *zip(*rows, strict=True), tuple(names), np.where(fitting[:, None], spelled, -1), len(pool) - len(rows)
    )


def _spell(tokenizer: Tokenizer, names: Sequence[str], slots: int) -> tuple[np.ndarray, np.ndarray]:
    """(names, K) ids closed by [SEP] and padded with -1, and which names fit K tokens."""
    ids = encode_names(tokenizer, names)
    spelled = np.full((len(names), slots), -1, dtype=np.int64)
    for i, tail in enumerate(ids):
        closed = [*tail, SEP][:slots]
        spelled[i, : len(closed)] = closed
    return spelled, np.array([len(tail) <= slots for tail in ids])


@torch.no_grad()
def slot_scores(model: GraphMER, chains: Sequence[Chain], settings: ChainSettings, rows: int = 16) -> torch.Tensor:
    """(queries, K, vocabulary) log-probabilities on CPU, fp32, of the K masked leaves of each query graph."""
    model.eval()
    device = next(model.parameters()).device
    result = torch.empty(len(chains), settings.leaf_slots, model.config.vocabulary)
    packed = pack([len(c) for c in chains], settings.row_tokens)
    for start in range(0, len(packed), rows):
        part = packed[start : start + rows]
        batch = collate([[chains[i] for i in row] for row in part], settings)
        leaves = np.flatnonzero(batch.leaf.reshape(-1) == 1)
        moved = to_torch(batch, device)
        with autocast(device):
            scores = model.predict(model.encode(moved), torch.from_numpy(leaves).to(device))
        # Leaves stand in row order, graph by graph, K each.
        order = [i for row in part for i in row]
        result[order] = scores.log_softmax(-1).cpu().view(len(order), settings.leaf_slots, -1)
    return result


def candidate_scores(slots: torch.Tensor, spelled: np.ndarray) -> np.ndarray:
    """S(c): (K, vocabulary) log-probabilities and (candidates, K) spellings -> (candidates,); -inf where none fits."""
    ids = torch.from_numpy(spelled)
    used = ids >= 0
    picked = slots.T[ids.clamp(min=0), torch.arange(ids.shape[1])]
    return torch.where(used.any(1), (picked * used).sum(1), float("-inf")).numpy()


def score_model(model: GraphMER, queries: Queries, settings: ChainSettings) -> dict:
    """Ranking (mrr, hits1, hits10) and token figures (exact tail, first token top 1 and top 10) of one model."""
    slots = slot_scores(model, queries.chains, settings)
    ranks = np.array(
        [
            rank(candidate_scores(s, queries.spelled), gold, known)
            for s, gold, known in zip(slots, queries.gold, queries.known, strict=True)
        ]
    )
    best = slots.argmax(-1).tolist()
    exact = [tuple(b[: len(a) + 1]) == (*a, SEP)[: len(b)] for b, a in zip(best, queries.answers, strict=True)]
    top = slots[:, 0].topk(10).indices.tolist()
    first = [t.index(a[0]) if a[0] in t else 10 for t, a in zip(top, queries.answers, strict=True)]
    return {**_token_figures(exact, first, queries.visible), **summary(ranks), "ranks": ranks.tolist()}


def _token_figures(exact: Sequence[bool], first: Sequence[int], visible: Sequence[bool]) -> dict:
    exact, first, visible = np.array(exact), np.array(first), np.array(visible)
    return {
        "exact": float(exact.mean()),
        "exact_hidden": float(exact[~visible].mean()) if (~visible).any() else None,
        "first_top1": float((first == 0).mean()),
        "first_top10": float((first < 10).mean()),
    }


def score_counts(split: Split, queries: Queries) -> dict[str, dict]:
    """The counting methods on the same queries and candidates; the first also as the relation-majority row of MNM."""
    counts = Counts(split.train, queries.names)
    result = {}
    for method, kinds in METHODS.items():
        ranks, exact, first = [], [], []
        for (head, relation, _), gold, known, answer in zip(
            queries.triples, queries.gold, queries.known, queries.answers, strict=True
        ):
            scores = counts.scores(head, relation, kinds)
            ranks.append(rank(scores, gold, known))
            # Scores of first tokens: the sum over the names that begin with them.
            tokens = np.bincount(np.maximum(queries.spelled[:, 0], 0), weights=scores)
            exact.append(gold is not None and int(scores.argmax()) == gold)
            top = np.argsort(-tokens, kind="stable")[:10].tolist()
            first.append(top.index(answer[0]) if answer[0] in top else 10)
        ranks = np.array(ranks)
        result[method] = {**_token_figures(exact, first, queries.visible), **summary(ranks), "ranks": ranks.tolist()}
    return result


@torch.no_grad()
def score_mlm(model: GraphMER, test: Corpus, unigram: np.ndarray, rows: int = 16) -> dict:
    """Masked words of unseen text: accuracy and perplexity, and the same for `unigram` log-probabilities."""
    model.eval()
    device = next(model.parameters()).device
    source = stream(test)
    batch = collate([next(source)[0] for _ in range(rows)], test.settings)
    moved = to_torch(batch, device)
    with autocast(device):
        scores = model.predict(model.encode(moved), moved.root_where).log_softmax(-1).cpu()
    target = torch.from_numpy(batch.root_target)
    return {
        "tokens": len(target),
        "accuracy": float((scores.argmax(-1) == target).float().mean()),
        "perplexity": float(np.exp(-scores.gather(1, target[:, None]).mean().item())),
        "unigram_accuracy": float((batch.root_target == unigram.argmax()).mean()),
        "unigram_perplexity": float(np.exp(-unigram[batch.root_target].mean())),
    }


def evaluate(
    model: GraphMER,
    split: Split,
    train_corpus: Corpus,
    tokenizer: Tokenizer,
    limit: int = 500,
    mlm_rows: int = 16,
    seed: int = 0,
) -> dict:
    """All figures of one model on one split, as plain numbers.

    `link` holds a row per method, `lead` the model's MRR minus that of `best_count`, `levels` what counting reaches on
    the training losses, `mlm` masked words of held-out text. `limit` bounds the queries, `mlm_rows` the rows of text.
    """
    settings = train_corpus.settings
    queries = make_queries(split, tokenizer, settings, limit, seed)
    torch.manual_seed(seed)
    untrained = GraphMER(model.config).to(next(model.parameters()).device)
    link = score_counts(split, queries)
    best_count = max(link, key=lambda name: link[name]["mrr"])
    link["untrained model"] = score_model(untrained, queries, settings)
    link["model"] = score_model(model, queries, settings)
    lead = bootstrap_lead(np.array(link["model"]["ranks"]), np.array(link[best_count]["ranks"]), seed)
    for row in link.values():
        del row["ranks"]
    size = mlm_rows * settings.row_tokens // settings.roots
    texts = sorted(split.test_definitions, key=lambda d: share(f"{seed} {d.name}"))[: 4 * size]
    test = build_corpus(texts, (), tokenizer, settings)
    levels = counting_levels(train_corpus, model.config.vocabulary)
    return {
        "split": split.name,
        "queries": len(queries),
        "dropped": queries.dropped,
        "reachable": sum(gold is not None for gold in queries.gold) / len(queries),
        "candidates": len(queries.names),
        "random_mrr": float(np.mean(1 / np.arange(1, len(queries.names) + 1))),
        "link": link,
        "best_count": best_count,
        "lead": lead,
        "mlm": score_mlm(model, test, levels.unigram, mlm_rows),
        "levels": {"mlm": levels.mlm, "mnm": levels.mnm},
    }


def bootstrap_lead(model: np.ndarray, other: np.ndarray, seed: int = 0, draws: int = 1000) -> dict[str, float]:
    """Difference of two MRRs on the same queries with its 95 % interval over resampled queries."""
    difference = 1 / model - 1 / other
    picks = np.random.default_rng(seed).integers(0, len(difference), (draws, len(difference)))
    low, high = np.quantile(difference[picks].mean(1), [0.025, 0.975])
    return {"mrr": float(difference.mean()), "low": float(low), "high": float(high)}


def verdict(results: dict) -> str:
    """In plain words: did the model beat the best counting method?"""
    lead, best = results["lead"], results["best_count"]
    model, count = results["link"]["model"]["mrr"], results["link"][best]["mrr"]
    figures = (
        f"MRR {model:.3f} against {count:.3f} for counting ({best}), {results['queries']} queries, {results['split']}"
    )
    span = f"difference {lead['mrr']:+.3f}, 95 % interval {lead['low']:+.3f} to {lead['high']:+.3f}"
    if lead["low"] > 0 and lead["mrr"] >= MARGIN:
        text = f"The model beat the best counting method: {figures}; {span}."
    elif lead["high"] < 0:
        text = f"The model did not beat the best counting method, it is worse: {figures}; {span}."
    else:
        text = f"The model did not clearly beat the best counting method: {figures}; {span}."
    if model <= 2 * results["link"]["untrained model"]["mrr"]:
        text += " It is hardly better than the same network untrained, so it has learned little about links yet."
    return text
