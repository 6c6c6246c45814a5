"""Leafy chain graphs (arXiv 2510.09580, section "chain-graph encoding") in a compact layout, with their masks.

Contract: `chain(corpus, epoch, sample)` is a pure function of (seed, epoch, sample): view, window, triples and masks
never depend on batch size, device or what ran before. That is what makes an exact resume possible.

A chain graph: the roots are a piece of text, [CLS] + tokens + [SEP], each linked to the next. On the root where a head
is mentioned hang up to K leaves, the tokens of one tail; neighbours among them are linked too. Instead of R * (1 + K)
slots only real nodes are kept, each with its root index `anchor`, a `leaf` flag and its `slot`. Distances need no more.

Decisions:
- Each mention of a head carries at most one triple, drawn anew each epoch. `body` is read in windows of R - 2 tokens,
  one drawn per epoch.
- [SEP] closes a tail shorter than K, so one pass over K masked slots can score every candidate (`ranking`).
- A masked tail always shows K masks. As many masks as tokens would give away the answer's length.
- 80/10/10 (mask, random, keep) is drawn once per span or tail, as in SpanBERT (arXiv 1907.10529).
- In a share `alone` of the graphs every tail is masked: a function of a package that nobody has seen has no known
  triples beside the one in question.
"""

import bisect
from dataclasses import dataclass
from functools import cache

import numpy as np

from graphmer.corpus import BODY, CHUNK, SIG_DOC, Corpus
from graphmer.tokens import CLS, MASK, PAD, SEP, SPECIAL

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


def chain(corpus: Corpus, epoch: int, sample: int) -> Chain:
    """The sample's graph in this epoch, masked."""
    s = corpus.settings
    draws = uniforms(s.seed, epoch, sample, 3 + 5 * s.heads + 4 * s.roots).tolist()
    view, piece, start = _piece(corpus, sample, draws[0], draws[1])
    roots = [CLS, *piece.tolist(), SEP]
    labels = [IGNORE] * len(roots)
    vocabulary = len(corpus.inside)
    spans = _mask_roots(
        roots, labels, _words(corpus, piece), int(s.root_mask * len(roots)), draws[3 + 5 * s.heads :], vocabulary,
        s.leaf_slots,
    )  # fmt: skip
    graph = _Graph(roots, labels)
    masked_share = 1.0 if draws[2] < s.alone else s.leaf_mask
    used: set[tuple[int, int]] = set()
    for i, (at, length, entity) in enumerate(_mentions(corpus, view, sample, start, len(piece))):
        pick, ask, mask, kind, token = draws[3 + 5 * i : 8 + 5 * i]
        edge = _draw(corpus, entity, pick, ask < s.focus, used)
        if edge is None:
            continue
        # The same triple twice in one graph would let a masked tail be copied from a visible one.
        used.add(edge)
        tail = corpus.tails[edge[1]].tolist()
        leaves = _tail(tail, mask < masked_share, kind, token, s.leaf_slots, vocabulary)
        graph.hang(edge[0], at - start + 1, length, *leaves)
    return graph.chain(spans)


def _piece(corpus: Corpus, sample: int, which: float, where: float) -> tuple[int, np.ndarray, int]:
    """(view, its tokens shown, position of the first in the view)."""
    s, size = corpus.settings, corpus.settings.roots - 2
    if which < s.sig_doc_share:
        return SIG_DOC, corpus.text(SIG_DOC, sample)[:size], 0
    bodies = corpus.views[BODY].flat
    if which < s.sig_doc_share + s.chunk_share and len(bodies) >= size:
        # Cut from all bodies in a row; what is left over at the end is never shown.
        at = int(where * (len(bodies) // size)) * size
        return CHUNK, bodies[at : at + size], at
    text = corpus.text(BODY, sample)
    start = int(where * max(1, -(-len(text) // size))) * size
    return BODY, text[start : start + size], start


def _mentions(corpus: Corpus, view: int, sample: int, start: int, size: int) -> list[list[int]]:
    """The first few mentions of heads inside the piece; a chunk has none."""
    if view == CHUNK:
        return []
    found = corpus.heads[view][sample].tolist()
    return [h for h in found if start <= h[0] and h[0] + h[1] <= start + size][: corpus.settings.heads]


def _draw(corpus: Corpus, entity: int, pick: float, focused: bool, used: set) -> tuple[int, int] | None:
    """A triple of the head that is not in the graph yet: (relation id, tail id)."""
    options, asked = corpus.edges[entity], int(corpus.asked[entity])
    count = asked if focused and asked else len(options)
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
    mentions = _mentions(corpus, view, sample, 0, len(piece))
    asked = next((i for i, mention in enumerate(mentions) if mention[2] == own), None)
    if asked is None:
        return None
    graph = _Graph([CLS, *piece, SEP], [IGNORE] * (len(piece) + 2))
    used: set[tuple[int, int]] = set()
    picks = uniforms(s.seed, 0, sample, len(mentions)).tolist()
    for i, (at, length, entity) in enumerate(mentions):
        if i == asked:
            graph.hang(relation, at + 1, length, [MASK] * s.leaf_slots, [IGNORE] * s.leaf_slots)
        elif (edge := _draw(corpus, entity, picks[i], True, used)) is not None:
            used.add(edge)
            tail = corpus.tails[edge[1]].tolist()
            graph.hang(edge[0], at + 1, length, *_tail(tail, False, 0.0, 0.0, s.leaf_slots, 0))
    return graph.chain()


def plain(tokens: list[int], roots: int) -> Chain:
    """A graph of text alone, nothing masked: what code search and the exported encoder see."""
    ids = [CLS, *tokens[: roots - 2], SEP]
    return _Graph(ids, [IGNORE] * len(ids)).chain()


def asked_leaves(graph: Chain) -> np.ndarray:
    """Nodes of a question's masked leaves, in slot order."""
    return np.flatnonzero((graph.nodes[3] == 1) & (graph.nodes[0] == MASK))


def _words(corpus: Corpus, piece: np.ndarray) -> list[tuple[int, int]]:
    """(first node, node after the last) of every identifier, keyword or number; node 0 is [CLS]."""
    inside = corpus.inside[piece]
    follows = np.zeros(len(piece), dtype=bool)
    follows[1:] = inside[1:] & inside[:-1] & ~corpus.spaced[piece[1:]]
    starts = np.flatnonzero(inside & ~follows)
    # A word ends where the first token after its start does not follow.
    breaks = np.append(np.flatnonzero(~follows), len(piece))
    ends = breaks[np.searchsorted(breaks, starts, side="right")]
    return list(zip((starts + 1).tolist(), (ends + 1).tolist(), strict=True))


def _mask_roots(roots, labels, words, budget: int, draws, vocabulary: int, longest: int) -> list[tuple[int, int]]:
    """Mask spans of whole words in place until `budget` tokens are masked; 80/10/10 is drawn once per span."""
    end_of = {}
    for first, end in words:
        for node in range(first, end):
            end_of[node] = end
    last, spans, lengths = len(roots) - 1, [], span_lengths(longest)
    for i in sorted(range(len(words)), key=draws.__getitem__):
        if budget <= 0:
            break
        at = words[i][0]
        length, kind, token = draws[len(words) + 3 * i : len(words) + 3 * i + 3]
        end = min(at + 1 + bisect.bisect_right(lengths, length), last)
        end = end_of.get(end - 1, end)
        if end - at > budget:
            end = words[i][1]
        if end - at > min(budget, longest) or any(label != IGNORE for label in labels[at:end]):
            continue
        labels[at:end] = roots[at:end]
        budget -= end - at
        spans.append((at, end - at))
        roots[at:end] = _replace(roots[at:end], kind, token, vocabulary)
    return spans


def _replace(tokens: list[int], kind: float, token: float, vocabulary: int) -> list[int]:
    if kind < 0.8:
        return [MASK] * len(tokens)
    if kind < 0.9:
        low = len(SPECIAL)
        # One draw, spread over the span by a prime step: noise needs no better randomness.
        return [low + (int(token * (vocabulary - low)) + 7919 * j) % (vocabulary - low) for j in range(len(tokens))]
    return tokens


def _tail(tail: list[int], masked: bool, kind: float, token: float, slots: int, vocabulary: int):
    """Inputs and labels of one tail's leaves. The end marker is a target like any token."""
    closed = [*tail, SEP] if len(tail) < slots else tail
    if not masked:
        return list(closed), [IGNORE] * len(closed)
    if kind >= 0.9:
        return list(closed), list(closed)
    hidden = _replace([PAD] * slots, kind, token, vocabulary)
    return hidden, closed + [IGNORE] * (slots - len(closed))
