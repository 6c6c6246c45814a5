"""Counting: the methods that a trained model has to beat, since they cost nothing.

Contract: every method sees the training triples only and ranks the same candidate names for the same questions as the
model (`ranking`).

Decisions:
- Ranking is by *last name component* ("which name?"), since that is what the leaves hold. So the numbers here compare
  with each other and not with ranking qualified entities.
- `counting_levels` gives the losses that frequency tables alone reach on the training stream's own masked tokens: lines
  to compare the loss curves with.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphmer.corpus import Corpus, last_component
from graphmer.drawing import draw
from graphmer.drawn import Drawn
from graphmer.knowledge import QUERIED, Definition
from graphmer.splits import Split, Triple, package

METHODS = {
    "relation frequency": ("relation",),
    "+ module and package": ("relation", "package", "module"),
    "+ same short name": ("relation", "package", "module", "name"),
    "+ names in scope": ("relation", "package", "module", "name", "scope"),
}
SCOPE_WEIGHT = 0.05


def candidates(split: Split) -> list[str]:
    """Names that may be an answer: last components of training tails of the queried relations, sorted."""
    return sorted({last_component(t) for _, r, t in split.train if r in QUERIED})


class Counts:
    """How often each candidate follows a context in the training triples.

    The scope is no count: the names that the head's class and module define, each as likely as the other. It weighs a
    twentieth: more made counting worse (0.05 was near the best of 0.01 to 1 in both tests of the standard library).
    """

    def __init__(self, train: Sequence[Triple], names: Sequence[str], definitions: Sequence[Definition] = ()):
        self.column = {name: i for i, name in enumerate(names)}
        self.tables: dict[tuple[str, ...], Counter] = {}
        for head, relation, tail in train:
            column = self.column.get(last_component(tail))
            if column is not None:
                for context in self._contexts(head, relation):
                    self.tables.setdefault(context, Counter())[column] += 1
        self.scopes: dict[str, Counter] = {}
        for d in definitions:
            if d.kind != "Module" and (column := self.column.get(last_component(d.name))) is not None:
                self.scopes.setdefault(d.owner or d.module, Counter())[column] = 1
        self.places = {d.name: (d.owner or d.name, d.module) for d in definitions}

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
        tables = [self.tables.get(c) for c in self._contexts(head, relation) if c[0] in kinds]
        for table in filter(None, tables):
            total[list(table)] += np.fromiter(table.values(), float) / sum(table.values())
        for place in self.places.get(head, ()) if "scope" in kinds else ():
            if table := self.scopes.get(place):
                total[list(table)] += SCOPE_WEIGHT / len(table)
        return total


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
    chosen = np.linspace(0, len(corpus), min(samples, len(corpus)), endpoint=False).astype(int)
    (counted, leaves), (scored, asked) = (_targets(draw(corpus, epoch, chosen)) for epoch in (0, 1))
    text = np.bincount(np.concatenate([view.flat for view in corpus.views]), minlength=vocabulary) + 1.0
    prior = text / text.sum()
    roots = np.bincount(counted, minlength=vocabulary) + 1000 * prior
    unigram = np.log(roots / roots.sum())
    common = np.bincount([t for *_, t in leaves], minlength=vocabulary) + 1000 * prior
    common /= common.sum()
    tables: dict[tuple[int, int], Counter] = {}
    for relation, slot, token in leaves:
        tables.setdefault((relation, slot), Counter())[token] += 1
    costs = []
    for relation, slot, token in asked:
        table = tables.get((relation, slot), Counter())
        # Witten-Bell: the share of the back-off grows with the number of different tokens seen.
        kinds = len(table) or 1
        costs.append(-np.log((table[token] + kinds * common[token]) / (sum(table.values()) + kinds)))
    return Levels(float(-unigram[scored].mean()), float(np.mean(costs)) if costs else float("nan"), unigram)


def _targets(drawn: Drawn) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """Masked tokens of many graphs: ids of roots (n,); (relation, slot, id) of leaves."""
    _, labels, _, leaf, slot = nodes = drawn.nodes.numpy()
    relation = np.zeros(nodes.shape[1], dtype=np.int64)
    graph, number, _, _, first, count = drawn.triples.numpy().T
    at = np.repeat(drawn.offsets.numpy()[graph] + first - (np.cumsum(count) - count), count) + np.arange(count.sum())
    relation[at] = np.repeat(number, count)
    roots, leaves = (np.flatnonzero((labels >= 0) & (leaf == kind)) for kind in (0, 1))
    return labels[roots], list(zip(*(x[leaves].tolist() for x in (relation, slot, labels)), strict=True))
