"""Splits without leakage, and the counting methods that a trained model has to beat.

Contract: every baseline sees the training triples only and ranks the same candidate names for the same queries as the
model. Splits are decided by hashes of names: the same package is held out on every machine.

Decisions:
- Main split: whole top-level packages. C/Python twins (`_pydecimal`, `decimal`, `_decimal`) are one package, and
  training functions whose body stands in a held-out package too are dropped.
- Ranking is by *last name component* ("which name?"), since that is what the leaves hold. So the numbers here compare
  with each other and not with ranking qualified entities.
- `defines`, `has_method`, `has_attribute`, `overrides` and `has_parameter` are never queried: their answer stands in
  the head's name or signature, or follows from another relation.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphmer.chains import Chain, chain
from graphmer.corpus import Corpus, last_component
from graphmer.knowledge import Definition, Knowledge

QUERIED = ("calls", "instantiates", "raises", "catches", "inherits", "imports", "decorated_by")
Triple = tuple[str, str, str]


@dataclass(frozen=True)
class Split:
    """`train`, `test`: triples; `train_definitions`, `test_definitions`: whose text training and testing may read."""

    name: str
    train: tuple[Triple, ...]
    test: tuple[Triple, ...]
    train_definitions: tuple[Definition, ...]
    test_definitions: tuple[Definition, ...]


def share(text: str) -> float:
    """A number in [0, 1) that depends on `text` alone."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big") / 2**64


def package(name: str) -> str:
    """Top-level package of a qualified name, twins joined: `_pydecimal.Decimal` -> `decimal`."""
    top = name.partition(".")[0].lstrip("_")
    return top.removeprefix("py") if name.startswith("_py") else top


def body_key(definition: Definition) -> str:
    """A function's code without its header and white space; "" where there is none worth comparing."""
    text = "".join(definition.source.partition(":\n")[2].split())
    return text if len(text) >= 40 else ""


def split_packages(knowledge: Knowledge, test_share: float = 0.1, seed: int = 0) -> Split:
    """Hold out whole top-level packages."""
    held = {p for p in {package(d.name) for d in knowledge.definitions} if share(f"{seed} {p}") < test_share}
    test_definitions = tuple(d for d in knowledge.definitions if package(d.name) in held)
    copies = {body_key(d) for d in test_definitions} - {""}
    train_definitions = tuple(
        d for d in knowledge.definitions if package(d.name) not in held and body_key(d) not in copies
    )
    test = tuple(t for t in knowledge.triples if package(t[0]) in held)
    train = tuple(t for t in knowledge.triples if package(t[0]) not in held)
    return Split("unseen packages", train, test, train_definitions, test_definitions)


def split_random(knowledge: Knowledge, test_share: float = 0.1, seed: int = 0) -> Split:
    """Hold out single triples of the queried relations. The texts are all seen: only MNM means something here."""
    test = tuple(t for t in knowledge.triples if t[1] in QUERIED and share(f"{seed} {' '.join(t)}") < test_share)
    chosen = set(test)
    train = tuple(t for t in knowledge.triples if t not in chosen)
    return Split("random triples", train, test, knowledge.definitions, knowledge.definitions)


def candidates(split: Split) -> list[str]:
    """Names that may be an answer: last components of training tails of the queried relations, sorted."""
    return sorted({last_component(t) for _, r, t in split.train if r in QUERIED})


class Counts:
    """How often each candidate follows a context in the training triples."""

    def __init__(self, train: Sequence[Triple], names: Sequence[str]):
        self.column = {name: i for i, name in enumerate(names)}
        self.tables: dict[tuple[str, ...], Counter] = {}
        for head, relation, tail in train:
            column = self.column.get(last_component(tail))
            if column is not None:
                for context in self._contexts(head, relation):
                    self.tables.setdefault(context, Counter())[column] += 1

    @staticmethod
    def _contexts(head: str, relation: str) -> tuple[tuple[str, ...], ...]:
        module = head.rpartition(".")[0]
        return (
            ("relation", relation),
            ("package", relation, package(head)),
            ("module", relation, module),
            ("name", relation, last_component(head)),
        )

    def scores(self, head: str, relation: str, kinds: Sequence[str]) -> np.ndarray:
        """(candidates,) sum of relative frequencies over the contexts named in `kinds`."""
        total = np.zeros(len(self.column))
        for context in self._contexts(head, relation):
            table = self.tables.get(context)
            if table and context[0] in kinds:
                seen = sum(table.values())
                total[list(table)] += np.fromiter(table.values(), float) / seen
        return total


METHODS = {
    "relation frequency": ("relation",),
    "+ module and package": ("relation", "package", "module"),
    "+ same short name": ("relation", "package", "module", "name"),
}


def rank(scores: np.ndarray, gold: int | None, known: Sequence[int]) -> float:
    """Filtered rank of `gold`, ties at their mean rank. An answer that is no candidate ranks last.

    `known` are columns of other true answers: they are taken out of the contest.
    """
    if gold is None:
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


@dataclass(frozen=True)
class Levels:
    """What counting alone reaches on the training stream's own masked tokens, in nats per token.

    `mlm`: one frequency table; `unigram` (vocabulary,) its log-probabilities. `mnm`: one table per (relation, slot).
    """

    mlm: float
    mnm: float
    unigram: np.ndarray


def counting_levels(corpus: Corpus, vocabulary: int, samples: int = 2000) -> Levels:
    """Count masked tokens in epoch 0 and score them in epoch 1: levels that the loss curves can be compared with.

    A relation's table backs off to the table of all leaves, and that to the frequencies of the text.
    """
    chosen = [int(i * len(corpus) / samples) for i in range(min(samples, len(corpus)))]
    counted, scored = ([_targets(chain(corpus, epoch, i)) for i in chosen] for epoch in (0, 1))
    text = np.bincount(np.concatenate([flat for flat, _ in corpus.views]), minlength=vocabulary) + 1.0
    prior = text / text.sum()
    roots = np.bincount([t for rs, _ in counted for t in rs], minlength=vocabulary) + 1000 * prior
    unigram = np.log(roots / roots.sum())
    leaves = [leaf for _, ls in counted for leaf in ls]
    common = np.bincount([t for *_, t in leaves], minlength=vocabulary) + 1000 * prior
    common /= common.sum()
    tables: dict[tuple[int, int], Counter] = {}
    for relation, slot, token in leaves:
        tables.setdefault((relation, slot), Counter())[token] += 1
    costs = []
    for relation, slot, token in (leaf for _, ls in scored for leaf in ls):
        table = tables.get((relation, slot), Counter())
        # Witten-Bell: the share of the back-off grows with the number of different tokens seen.
        kinds = len(table) or 1
        costs.append(-np.log((table[token] + kinds * common[token]) / (sum(table.values()) + kinds)))
    masked = [t for rs, _ in scored for t in rs]
    return Levels(float(-unigram[masked].mean()), float(np.mean(costs)) if costs else float("nan"), unigram)


def _targets(graph: Chain) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Masked tokens of one graph: ids of roots; (relation, slot, id) of leaves."""
    labels = graph.nodes[1].tolist()
    leaves = [
        (relation, k, labels[leaf + k])
        for relation, _, _, leaf, count in graph.triples
        for k in range(count)
        if labels[leaf + k] >= 0
    ]
    roots = int((graph.nodes[3] == 0).sum())
    return [t for t in labels[:roots] if t >= 0], leaves
