"""Questions about held-out triples, and how anything that can score names is judged by its answers.

Contract: `make_questions` bounds and orders the questions by a hash, so every method answers the same ones. Ranks are
filtered (other true answers leave the contest), ties count at their mean rank, and an answer that no method can give
(unknown in training, or too long for the leaves) ranks last.

Decision: one forward pass scores every candidate: S(c) = sum_k log p_k(c_k) + log p_|c|([SEP]); no length correction is
needed because the end marker is part of the answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer

from graphmer.baselines import candidates
from graphmer.chains import Chain, asked_leaves, query
from graphmer.corpus import BODY, SIG_DOC, ChainSettings, build_corpus, last_component, view_text
from graphmer.device import autocast, to_torch
from graphmer.knowledge import QUERIED, RELATIONS, Definition
from graphmer.model import GraphMER
from graphmer.rows import collate, pack
from graphmer.splits import Split, Triple, share
from graphmer.tokens import SEP, encode_names


@dataclass(frozen=True)
class Questions:
    """A bounded sample of one test. `gold`: a candidate's column or None; `known`: columns of other true answers.

    `chains[view]` are the question graphs (None where the head does not stand in the text), `answers` the tails' token
    ids, `visible` says whether an answer stands in the signature and docstring; `definitions` are the heads'.
    `spelled` (candidates, K) are the candidates' closed spellings, -1 where unused or too long.
    """

    test: str
    triples: tuple[Triple, ...]
    chains: tuple[tuple[Chain | None, ...], tuple[Chain | None, ...]]
    gold: tuple[int | None, ...]
    known: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[int, ...], ...]
    visible: tuple[bool, ...]
    definitions: tuple[Definition, ...]
    names: tuple[str, ...]
    spelled: np.ndarray

    def __len__(self) -> int:
        return len(self.triples)

    def reachable(self) -> np.ndarray:
        """(questions,) bool: the answer is a candidate."""
        return np.array([gold is not None for gold in self.gold])


def make_questions(
    split: Split, test: str, tokenizer: Tokenizer, settings: ChainSettings, limit: int, seed: int = 0
) -> Questions:
    """Up to `limit` triples of a test, of the queried relations, chosen by hash; ValueError when there is none."""
    pool = [t for t in split.tests[test] if t[1] in QUERIED]
    texts = {d.name: d for d in split.definitions(test)}
    pool = sorted((t for t in pool if t[0] in texts), key=lambda t: share(f"{seed} {' '.join(t)}"))[:limit]
    if not pool:
        raise ValueError(f"the test '{test}' has no triple whose head has a text")
    heads = {t[0] for t in pool}
    definitions = [texts[name] for name in sorted(heads)]
    corpus = build_corpus(definitions, split.train, tokenizer, settings)
    sample = {name: i for i, name in enumerate(corpus.names)}
    names = candidates(split)
    columns = {name: i for i, name in enumerate(names)}
    true: dict[tuple[str, str], set[int]] = {}
    for head, relation, tail in split.everything():
        if head in heads and (column := columns.get(last_component(tail))) is not None:
            true.setdefault((head, relation), set()).add(column)
    rows = []
    answers = encode_names(tokenizer, [last_component(tail) for *_, tail in pool])
    for (head, relation, tail), answer in zip(pool, answers, strict=True):
        number = RELATIONS.index(relation) + 1
        graphs = [query(corpus, sample[head], number, view) for view in (SIG_DOC, BODY)]
        gold = columns.get(last_component(tail))
        known = tuple(sorted(true.get((head, relation), set()) - {gold}))
        shown = view_text(texts[head], SIG_DOC)
        visible = last_component(tail) in f"{texts[head].module} {texts[head].owner} {shown}"
        rows.append(((head, relation, tail), *graphs, gold, known, tuple(answer), visible, texts[head]))
    triples, sig_doc, body, gold, known, answers, visible, about = zip(*rows, strict=True)
    spelled = spell(tokenizer, names, settings.leaf_slots)
    return Questions(
        test, triples, (sig_doc, body), gold, known, answers, visible, about, tuple(names), spelled
    )  # fmt: skip


def spell(tokenizer: Tokenizer, names: Sequence[str], slots: int) -> np.ndarray:
    """(names, K) ids closed by [SEP] and padded with -1; all -1 where a name does not fit K tokens."""
    spelled = np.full((len(names), slots), -1, dtype=np.int64)
    for i, tail in enumerate(encode_names(tokenizer, names)):
        if len(tail) <= slots:
            closed = [*tail, SEP][:slots]
            spelled[i, : len(closed)] = closed
    return spelled


@torch.no_grad()
def states_of(model: GraphMER, chains: Sequence[Chain], settings: ChainSettings, rows: int, take) -> list:
    """`take(model, states, batch, where)` for batches of packed graphs, in the order of `chains`.

    `where` lists each graph's (first flat position, nodes); `take` returns one result a graph. Without dropout.
    """
    model.eval()
    device = next(model.parameters()).device
    result: list = [None] * len(chains)
    packed = pack([len(c) for c in chains], settings.row_tokens)
    for start in range(0, len(packed), rows):
        part = packed[start : start + rows]
        batch = to_torch(collate([[chains[i] for i in row] for row in part], settings), device)
        where, order = [], []
        for r, row in enumerate(part):
            at = r * settings.row_tokens
            for i in row:
                where.append((at, len(chains[i])))
                order.append(i)
                at += len(chains[i])
        with autocast(device):
            taken = take(model, model.encode(batch), [chains[i] for i in order], where)
        for i, value in zip(order, taken, strict=True):
            result[i] = value
    return result


def slot_scores(model: GraphMER, chains: Sequence[Chain], settings: ChainSettings, rows: int = 16) -> torch.Tensor:
    """(questions, K, vocabulary) log-probabilities on CPU, fp32, of the K masked leaves of each question."""

    def take(model, states, graphs, where):
        places = [at + asked_leaves(graph) for graph, (at, _) in zip(graphs, where, strict=True)]
        at = torch.from_numpy(np.concatenate(places)).to(states.device)
        scores = model.predict(states, at).log_softmax(-1)
        return scores.cpu().view(len(graphs), settings.leaf_slots, -1)

    found = states_of(model, chains, settings, rows, take)
    return torch.stack(found) if found else torch.zeros(0, settings.leaf_slots, model.config.vocabulary)


def each_slot_scores(
    model: GraphMER, chains: Sequence[Chain], settings: ChainSettings, part: int = 256
) -> Iterator[torch.Tensor]:
    """The same, question by question and in bounded memory: 256 of them at 16,384 tokens are 117 MB."""
    for start in range(0, len(chains), part):
        yield from slot_scores(model, chains[start : start + part], settings)


def candidate_scores(slots: torch.Tensor, spelled: np.ndarray) -> np.ndarray:
    """S(c): (K, vocabulary) log-probabilities and (candidates, K) spellings -> (candidates,); -inf where none fits."""
    ids = torch.from_numpy(spelled)
    used = ids >= 0
    picked = slots.T[ids.clamp(min=0), torch.arange(ids.shape[1])]
    return torch.where(used.any(1), (picked * used).sum(1), float("-inf")).numpy()


def rank(scores: np.ndarray, gold: int | None, known: Sequence[int]) -> float:
    """Filtered rank of `gold`, ties at their mean rank. An answer that is no candidate, or has no score, ranks last.

    `known` are columns of other true answers: they are taken out of the contest.
    """
    if gold is None or scores[gold] == -np.inf:
        return float(len(scores))
    contest = np.ones(len(scores), dtype=bool)
    contest[list(known)] = False
    contest[gold] = False
    rest = scores[contest]
    return 1.0 + float((rest > scores[gold]).sum()) + 0.5 * float((rest == scores[gold]).sum())


def summary(ranks: np.ndarray) -> dict[str, float]:
    """MRR, Hits@1 and Hits@10 of an array of ranks."""
    return {
        "mrr": float((1 / ranks).mean()),
        "hits1": float((ranks <= 1).mean()),
        "hits10": float((ranks <= 10).mean()),
    }


def interval(values: np.ndarray, seed: int = 0, draws: int = 1000) -> tuple[float, float]:
    """Bootstrap 95 % interval of a mean over questions."""
    picks = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.quantile(values[picks].mean(1), [0.025, 0.975])
    return float(low), float(high)


def bootstrap_lead(model: np.ndarray, other: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Difference of two MRRs on the same questions with its 95 % interval over resampled questions."""
    difference = 1 / model - 1 / other
    low, high = interval(difference, seed)
    return {"mrr": float(difference.mean()), "low": low, "high": high}
