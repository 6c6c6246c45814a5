"""Leafy chain graphs (arXiv 2510.09580, section "chain-graph encoding") in a compact layout, with their masks.

Contract: `chain(corpus, epoch, sample)` is a pure function of (seed, epoch, sample): view, window, triples and masks
never depend on batch size, device or what ran before. That is what makes an exact resume possible.

A chain graph: the roots are a piece of text, [CLS] + tokens + [SEP], each linked to the next. On the root where a head
is mentioned hang up to K leaves, the tokens of one tail; neighbours among them are linked too. Instead of R * (1 + K)
slots only real nodes are kept, each with its root index `anchor`, a `leaf` flag and its `slot`. Distances need no more.

Decisions:
- Each mention of a head carries at most one triple, drawn anew each epoch. `body` is read in windows of R - 2 tokens,
  one drawn per epoch.
- [SEP] closes a tail shorter than K, so one pass over K masked slots can score every candidate (`evaluate`).
- A masked tail always shows K masks. As many masks as tokens would give away the answer's length.
- 80/10/10 (mask, random, keep) is drawn once per span or tail, as in SpanBERT (arXiv 1907.10529).
"""

import bisect
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from graphmer.corpus import BODY, SIG_DOC, Corpus
from graphmer.knowledge import RELATIONS
from graphmer.tokens import CLS, MASK, PAD, SEP, SPECIAL

IGNORE = -100
# Lengths 1..7 of a masked span, geometric with p = 0.2 (SpanBERT, arXiv 1907.10529), as a cumulative distribution.
_WEIGHTS = 0.2 * 0.8 ** np.arange(7)
SPAN_LENGTHS = (np.cumsum(_WEIGHTS) / _WEIGHTS.sum()).tolist()
SPAN_MAX = 7


@dataclass(frozen=True)
class Chain:
    """One masked graph. `nodes` (5, length) int32: input id, label or -100, anchor, leaf flag, slot.

    `triples`: (relation id, first head node, head nodes, first leaf node, leaf nodes).
    """

    nodes: np.ndarray
    triples: tuple[tuple[int, int, int, int, int], ...]

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


def chain(corpus: Corpus, epoch: int, sample: int) -> Chain:
    """The sample's graph in this epoch, masked."""
    s = corpus.settings
    draws = uniforms(s.seed, epoch, sample, 2 + 4 * s.heads + 4 * s.roots).tolist()
    view = SIG_DOC if draws[0] < s.sig_doc_share else BODY
    text = corpus.text(view, sample)
    size = s.roots - 2
    start = int(draws[1] * max(1, -(-len(text) // size))) * size if view == BODY else 0
    piece = text[start : start + size]
    roots = [CLS, *piece.tolist(), SEP]
    labels = [IGNORE] * len(roots)
    vocabulary = len(corpus.inside)
    _mask_roots(
        roots, labels, _words(corpus, piece), int(s.root_mask * len(roots)), draws[2 + 4 * s.heads :], vocabulary
    )
    mentions = [h for h in corpus.heads[view][sample] if start <= h[0] and h[0] + h[1] <= start + size]
    anchors, slots, triples = list(range(len(roots))), [0] * len(roots), []
    inputs, used = roots, set()
    for i, (at, length, entity) in enumerate(mentions[: s.heads]):
        pick, mask, kind, token = draws[2 + 4 * i : 6 + 4 * i]
        options = corpus.edges[entity]
        relation, tail = options[int(pick * len(options))]
        # The same triple twice in one graph would let a masked tail be copied from a visible one.
        if (relation, tail) in used:
            continue
        used.add((relation, tail))
        leaves, leaf_labels = _tail(corpus.tails[tail], mask < s.leaf_mask, kind, token, s.leaf_slots, vocabulary)
        root = at - start + 1
        triples.append((relation, root, length, len(inputs), len(leaves)))
        inputs += leaves
        labels += leaf_labels
        anchors += [root] * len(leaves)
        slots += range(len(leaves))
    return _chain(inputs, labels, anchors, slots, len(piece) + 2, triples)


def query(corpus: Corpus, sample: int, relation: int) -> Chain | None:
    """Signature and docstring with one triple to complete: K masked leaves on the sample's own name, nothing else.

    None where the name does not stand in the text (cut off by a long header).
    """
    s = corpus.settings
    piece = corpus.text(SIG_DOC, sample)[: s.roots - 2].tolist()
    own = corpus.entities.get(corpus.definitions[sample].name)
    mention = next((h for h in corpus.heads[SIG_DOC][sample] if h[2] == own and h[0] + h[1] <= len(piece)), None)
    if mention is None:
        return None
    roots, root = len(piece) + 2, mention[0] + 1
    inputs = [CLS, *piece, SEP] + [MASK] * s.leaf_slots
    anchors, slots = [*range(roots), *[root] * s.leaf_slots], [0] * roots + [*range(s.leaf_slots)]
    triple = (relation, root, mention[1], roots, s.leaf_slots)
    return _chain(inputs, [IGNORE] * len(inputs), anchors, slots, roots, [triple])


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


def _mask_roots(roots, labels, words, budget: int, draws, vocabulary: int) -> None:
    """Mask spans of whole words in place until `budget` tokens are masked; 80/10/10 is drawn once per span."""
    end_of = {}
    for first, end in words:
        for node in range(first, end):
            end_of[node] = end
    last = len(roots) - 1
    for i in sorted(range(len(words)), key=draws.__getitem__):
        if budget <= 0:
            return
        at = words[i][0]
        length, kind, token = draws[len(words) + 3 * i : len(words) + 3 * i + 3]
        end = min(at + 1 + bisect.bisect_right(SPAN_LENGTHS, length), last)
        end = end_of.get(end - 1, end)
        if end - at > budget:
            end = words[i][1]
        if end - at > min(budget, SPAN_MAX) or any(label != IGNORE for label in labels[at:end]):
            continue
        labels[at:end] = roots[at:end]
        budget -= end - at
        roots[at:end] = _replace(roots[at:end], kind, token, vocabulary)


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


def _chain(inputs, labels, anchors, slots, roots: int, triples) -> Chain:
    flags = [0] * roots + [1] * (len(inputs) - roots)
    return Chain(np.array([inputs, labels, anchors, flags, slots], dtype=np.int32), tuple(triples))


def example(corpus: Corpus, sample: int, tokenizer: Tokenizer, relation: str, width: int = 7) -> tuple[list, dict]:
    """A piece of a sample's unmasked graph in words, for a picture.

    `width` roots around the last mention of a head, and {root index: (relation, words of the tail)}; of each mention's
    triples the first of `relation` where there is one.
    """
    mentions = corpus.heads[SIG_DOC][sample]
    start = max(0, mentions[-1][0] - 1) if mentions else 0
    piece = corpus.text(SIG_DOC, sample)[start : start + width].tolist()
    leaves = {}
    for at, _, entity in mentions:
        if start <= at < start + len(piece):
            wanted = [edge for edge in corpus.edges[entity] if RELATIONS[edge[0] - 1] == relation]
            number, tail = (wanted or corpus.edges[entity])[0]
            spelled = [tokenizer.decode([token]).strip() for token in corpus.tails[tail]]
            leaves[at - start] = (RELATIONS[number - 1], spelled)
    return [tokenizer.decode([token]).strip() or "\\n" for token in piece], leaves
