"""Leafy chain graphs (arXiv 2510.09580, section "chain-graph encoding") in a compact layout, with their masks.

Contract: what a graph is, how far its nodes are from each other, and the two kinds that are made one by one: `query` (a
question) and `plain` (text alone). Masked graphs to train on are drawn in `drawing`, many at once.

A chain graph: the roots are a piece of text, [CLS] + tokens + [SEP], each linked to the next. On the root where a head
is mentioned hang up to K leaves, the tokens of one tail; neighbours among them are linked too. Instead of R * (1 + K)
slots only real nodes are kept, each with its root index `anchor`, a `leaf` flag and its `slot`. Distances need no more.

Decisions:
- [SEP] closes a tail shorter than K, so one pass over K masked slots can score every candidate (`ranking`).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from graphmer.corpus import SIG_DOC, Corpus
from graphmer.tokens import CLS, MASK, SEP

IGNORE = -100


@dataclass(frozen=True)
class Chain:
    """One masked graph. `nodes` (5, length) int32: input id, label or -100, anchor, leaf flag, slot.

    `triples`: (relation id, first head node, head nodes, first leaf node, leaf nodes). `spans`: (first node, nodes) of
    every masked span of roots.
    """

    nodes: np.ndarray
    triples: tuple[tuple[int, int, int, int, int], ...]
    spans: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return self.nodes.shape[1]


def distance(anchor, leaf, slot, anchor2, leaf2, slot2):
    """Shortest path between two nodes of one graph, in closed form; numpy arrays and torch tensors alike, broadcast.

    min(2, |k - k'|) between leaves of one root, else |a - a'| + l + l'. Equal to Floyd-Warshall (tested).
    """
    along = abs(anchor - anchor2)
    siblings = (along == 0) * leaf * leaf2
    return siblings * abs(slot - slot2).clip(max=2) + (1 - siblings) * (along + leaf + leaf2)


def uniforms(seed: int, epoch: int, sample: int | np.ndarray, count: int) -> np.ndarray:
    """`count` numbers in [0, 1) from SplitMix64 of the counters: no state, so any sample can be drawn at any time."""
    with np.errstate(over="ignore"):
        key = _mix(np.uint64(seed) + _mix(np.uint64(epoch) + _mix(np.asarray(sample, dtype=np.uint64))))
        bits = _mix(key[..., None] + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return (bits >> np.uint64(11)) * (1.0 / (1 << 53))


def _mix(x):
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@cache
def span_lengths(most: int) -> list[float]:
    """Cumulative distribution of a masked span's length, 1 to `most`: geometric, p = 0.2 (arXiv 1907.10529)."""
    weights = 0.2 * 0.8 ** np.arange(most)
    return (np.cumsum(weights) / weights.sum()).tolist()


def _mentions(corpus: Corpus, view: int, sample: int, size: int) -> list[list[int]]:
    """The first few mentions of heads inside the piece."""
    found = corpus.heads[view][sample].tolist()
    return [h for h in found if h[0] + h[1] <= size][: corpus.settings.heads]


def _draw(corpus: Corpus, entity: int, pick: float, used: set) -> tuple[int, int] | None:
    """A known triple of the head that is not in the graph yet: (relation id, tail id)."""
    options, asked = corpus.edges[entity], int(corpus.asked[entity])
    count = asked or len(options)
    first = int(pick * count)
    for i in range(count):
        relation, tail = options[(first + i) % count].tolist()
        if (relation, tail) not in used:
            return relation, tail
    return None


class _Graph:
    """Nodes as lists while a graph grows."""

    def __init__(self, roots: list[int], labels: list[int]):
        self.inputs, self.labels, self.roots = roots, labels, len(roots)
        self.anchors, self.slots, self.triples = list(range(len(roots))), [0] * len(roots), []

    def hang(self, relation: int, root: int, head: int, leaves: list[int], labels: list[int]) -> None:
        self.triples.append((relation, root, head, len(self.inputs), len(leaves)))
        self.inputs += leaves
        self.labels += labels
        self.anchors += [root] * len(leaves)
        self.slots += range(len(leaves))

    def chain(self, spans=()) -> Chain:
        flags = [0] * self.roots + [1] * (len(self.inputs) - self.roots)
        nodes = np.array([self.inputs, self.labels, self.anchors, flags, self.slots], dtype=np.int32)
        return Chain(nodes, tuple(self.triples), tuple(spans))


def query(corpus: Corpus, sample: int, relation: int, view: int = SIG_DOC) -> Chain | None:
    """A question: K masked leaves on the sample's own name; on the other mentions known triples, all visible.

    Text is the signature and docstring unless `view` is BODY. None where the name does not stand in the text.
    """
    s = corpus.settings
    piece = corpus.text(view, sample)[: s.roots - 2].tolist()
    own = corpus.entities[corpus.names[sample]]
    mentions = _mentions(corpus, view, sample, len(piece))
    asked = next((i for i, mention in enumerate(mentions) if mention[2] == own), None)
    if asked is None:
        return None
    graph = _Graph([CLS, *piece, SEP], [IGNORE] * (len(piece) + 2))
    used: set[tuple[int, int]] = set()
    picks = uniforms(s.seed, 0, sample, len(mentions)).tolist()
    for i, (at, length, entity) in enumerate(mentions):
        if i == asked:
            graph.hang(relation, at + 1, length, [MASK] * s.leaf_slots, [IGNORE] * s.leaf_slots)
        elif (edge := _draw(corpus, entity, picks[i], used)) is not None:
            used.add(edge)
            tail = corpus.tails[edge[1]].tolist()
            closed = [*tail, SEP] if len(tail) < s.leaf_slots else tail
            graph.hang(edge[0], at + 1, length, closed, [IGNORE] * len(closed))
    return graph.chain()


def plain(tokens: list[int], roots: int) -> Chain:
    """A graph of text alone, nothing masked: what code search and the exported encoder see."""
    ids = [CLS, *tokens[: roots - 2], SEP]
    return _Graph(ids, [IGNORE] * len(ids)).chain()


def asked_leaves(graph: Chain) -> np.ndarray:
    """Nodes of a question's masked leaves, in slot order."""
    return np.flatnonzero((graph.nodes[3] == 1) & (graph.nodes[0] == MASK))
