"""Masked leafy chain graphs drawn one sample at a time, in plain Python: what `graphmer.drawing` must equal."""

import bisect

import numpy as np
from graphmer.chains import IGNORE, Chain, _Graph, span_lengths, uniforms
from graphmer.corpus import BODY, CHUNK, SIG_DOC, Corpus
from graphmer.tokens import CLS, MASK, PAD, SEP, SPECIAL


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
