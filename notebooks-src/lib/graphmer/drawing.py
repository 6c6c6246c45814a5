"""Many leafy chain graphs at once, masked: a window of samples as a few tensors, on the device that holds the corpus.

Contract: `draw(corpus, epoch, samples)` is a pure function of (seed, epoch, sample): view, window, triples and masks
never depend on batch size, device or what ran before. That is what makes an exact resume possible. A slow version that
draws one sample at a time, in plain Python, gives the same graphs (tests/library/graphmer_slow.py).

Decisions:
- The corpus is `Resident`: its flat arrays lie on the device, and a window of 2,048 graphs is some hundred operations
  on whole tensors. Nothing is done sample by sample, so no workers are needed and nothing travels but sample numbers.
- Each mention of a head carries at most one triple, drawn anew each epoch. `body` is read in windows of R - 2 tokens,
  one drawn per epoch.
- A masked tail always shows K masks. As many masks as tokens would give away the answer's length.
- 80/10/10 (mask, random, keep) is drawn once per span or tail, as in SpanBERT (arXiv 1907.10529).
- In a share `alone` of the graphs every tail is masked: a function of a package that nobody has seen has no known
  triples beside the one in question.
"""

import numpy as np
import torch
from torch import Tensor

from graphmer.chains import IGNORE, Chain, span_lengths
from graphmer.corpus import BODY, CHUNK, SIG_DOC, ChainSettings, Corpus
from graphmer.drawn import Drawn
from graphmer.tokens import CLS, MASK, PAD, SEP, SPECIAL


class Resident:
    """A corpus as tensors on one device; the names are those of `Corpus`."""

    def __init__(self, corpus: Corpus, device: torch.device | str = "cpu"):
        self.settings, self.samples, self.device = corpus.settings, len(corpus), torch.device(device)
        views, heads, tails = corpus.views, corpus.heads, corpus.tails

        def move(array, dtype=np.int64):
            return torch.from_numpy(np.array(array, dtype=dtype)).to(self.device)

        self.text = move(np.concatenate([view.flat for view in views]), np.int32)
        self.bodies_at, self.bodies = len(views[SIG_DOC].flat), len(views[BODY].flat)
        self.first = move([views[SIG_DOC].offsets[:-1], self.bodies_at + views[BODY].offsets[:-1]])
        self.size = move([view.lengths() for view in views])
        self.mentions = move(np.concatenate([head.flat.reshape(-1, 3) for head in heads]))
        self.mention_first = move([heads[SIG_DOC].offsets[:-1], len(heads[SIG_DOC].flat) + heads[BODY].offsets[:-1]])
        self.mention_count = move([head.lengths() for head in heads])
        self.edges, self.edge_first = move(corpus.edges.flat.reshape(-1, 2)), move(corpus.edges.offsets[:-1])
        self.edge_count, self.asked = move(corpus.edges.lengths()), move(corpus.asked)
        spelled = np.full((len(tails), self.settings.leaf_slots), PAD)
        spelled[np.arange(self.settings.leaf_slots) < tails.lengths()[:, None]] = tails.flat
        self.tails, self.tail_size = move(spelled), move(tails.lengths())
        self.inside, self.spaced = move(corpus.inside, bool), move(corpus.spaced, bool)

    def __len__(self) -> int:
        return self.samples


def chain(corpus: Corpus | Resident, epoch: int, sample: int) -> Chain:
    """One sample's graph in this epoch, masked."""
    return draw(corpus, epoch, np.array([sample])).graph(0)


def draw(corpus: Corpus | Resident, epoch: int, samples: np.ndarray) -> Drawn:
    """The graphs of `samples` in this epoch."""
    c = corpus if isinstance(corpus, Resident) else Resident(corpus)
    s = c.settings
    number = torch.from_numpy(np.asarray(samples, dtype=np.int64)).to(c.device)
    draws = uniforms(s.seed, epoch, number, 3 + 5 * s.heads + 4 * s.roots)
    view, start, begin, count = _pieces(c, number, draws)
    tokens, labels, spans = _roots(c, begin, count, draws[:, 3 + 5 * s.heads :])
    hung = _hang(c, view, number, start, count, draws)
    return _assemble(s, tokens, labels, count, spans, hung)


def uniforms(seed: int, epoch: int, sample: Tensor, count: int) -> Tensor:
    """`chains.uniforms` as a tensor (samples, count) float64 on the device of `sample`: the same bits."""
    key = _mix(sample)
    key = _mix(_wrap(seed) + _mix(_wrap(epoch) + key))
    steps = torch.arange(1, count + 1, device=sample.device) * _wrap(0x9E3779B97F4A7C15)
    return _shift(_mix(key[:, None] + steps), 11).double() * (1.0 / (1 << 53))


def _wrap(number: int) -> int:
    """A number of 64 bits as int64: torch has no unsigned arithmetic, and wraps around alike."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def _shift(x: Tensor, by: int) -> Tensor:
    """Logical shift to the right."""
    return (x >> by) & ((1 << (64 - by)) - 1)


def _mix(x: Tensor) -> Tensor:
    x = (x ^ _shift(x, 30)) * _wrap(0xBF58476D1CE4E5B9)
    x = (x ^ _shift(x, 27)) * _wrap(0x94D049BB133111EB)
    return x ^ _shift(x, 31)


def _pieces(c: Resident, number: Tensor, draws: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(view, position of the piece in the view, position in `text`, tokens) of every sample."""
    s, size = c.settings, c.settings.roots - 2
    which, where = draws[:, 0], draws[:, 1]
    view = torch.where(which < s.sig_doc_share + (s.chunk_share if c.bodies >= size else 0.0), CHUNK, BODY)
    view = torch.where(which < s.sig_doc_share, SIG_DOC, view)
    long, body = c.size[BODY, number], view == BODY
    # A chunk is cut from all bodies in a row; what is left over at the end is never shown.
    start = (where * torch.where(body, (-(-long // size)).clamp(min=1), c.bodies // size)).long() * size
    start = torch.where(view == SIG_DOC, 0, start)
    begin = torch.where(view == CHUNK, c.bodies_at, c.first[view.clamp(max=BODY), number]) + start
    count = torch.where(body, long - start, torch.where(view == CHUNK, size, c.size[SIG_DOC, number])).clamp(max=size)
    return view, start, begin, count


def _roots(c: Resident, begin: Tensor, count: Tensor, draws: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(tokens (samples, R) with spans masked, labels (samples, R), spans (n, 3): sample, first node, nodes)."""
    s, columns = c.settings, torch.arange(c.settings.roots, device=c.device)
    real = (columns >= 1) & (columns <= count[:, None])
    tokens = torch.where(real, c.text[(begin[:, None] + columns - 1).clamp(0, max(0, len(c.text) - 1))].long(), PAD)
    tokens[:, 0] = CLS
    tokens.scatter_(1, count[:, None] + 1, SEP)
    inside = c.inside[tokens] & real
    follows = torch.zeros_like(inside)
    follows[:, 1:] = inside[:, 1:] & inside[:, :-1] & ~c.spaced[tokens[:, 1:]]
    # A word ends before the next token that does not follow its predecessor.
    stops = torch.where(follows, s.roots, columns).flip(1).cummin(1).values.flip(1)
    after = torch.cat([stops[:, 1:], torch.full_like(stops[:, :1], s.roots)], 1)
    after = torch.where(inside, after, columns + 1)
    chosen = _spans(s, inside & ~follows, after, count, draws)
    sample, first, length, kind, noise = chosen
    of = torch.repeat_interleave(torch.arange(len(sample), device=c.device), length)
    place = torch.arange(len(of), device=c.device) - (length.cumsum(0) - length)[of]
    at = sample[of], first[of] + place
    labels = torch.full_like(tokens, IGNORE)
    labels[at] = tokens[at]
    tokens[at] = _replaced(tokens[at], kind[of], noise[of], place, len(c.inside))
    return tokens, labels, torch.stack([sample, first, length], 1)


def _spans(s: ChainSettings, begins: Tensor, after: Tensor, count: Tensor, draws: Tensor):
    """(sample, first node, nodes, two draws) of the spans to mask, whole words until each sample's budget is spent.

    Words are tried in a drawn order: all samples their first, then their second, and so on.
    """
    device, longest = begins.device, s.leaf_slots
    words, rows = begins.sum(1), torch.arange(len(begins), device=begins.device)
    most = int(words.max()) if len(words) else 0
    sample, node = begins.nonzero(as_tuple=True)
    rank = torch.arange(len(sample), device=device) - (words.cumsum(0) - words)[sample]
    first = torch.zeros(len(begins), max(1, most), dtype=torch.int64, device=device)
    first[sample, rank] = node
    key = torch.where(torch.arange(most, device=device) < words[:, None], draws[:, :most], torch.inf)
    order = key.argsort(dim=1, stable=True)
    cumulative = torch.tensor(span_lengths(longest), dtype=torch.float64, device=device)
    budget = (s.root_mask * (count + 2).double()).long()
    taken = torch.zeros(begins.shape[0], begins.shape[1] + longest, dtype=torch.bool, device=device)
    ahead, found = torch.arange(longest, device=device), []
    for k in range(most):
        live = rows[(budget > 0) & (words > k)]
        if not len(live):
            break
        word, left = order[live, k], budget[live]
        at, base = first[live, word], words[live] + 3 * word
        end = (at + 1 + torch.bucketize(draws[live, base], cumulative, right=True)).minimum(count[live] + 1)
        end = after[live, end - 1]
        end = torch.where(end - at > left, after[live, at], end)
        covered = taken[live[:, None], at[:, None] + ahead] & (ahead < (end - at)[:, None])
        good = (end - at <= left.clamp(max=longest)) & ~covered.any(1)
        live, at, length, base = live[good], at[good], (end - at)[good], base[good]
        taken[live[:, None], at[:, None] + ahead] |= ahead < length[:, None]
        budget[live] -= length
        found.append((live, at, length, draws[live, base + 1], draws[live, base + 2]))
    if not found:
        nothing = torch.zeros(0, dtype=torch.int64, device=device)
        return nothing, nothing, nothing, nothing.double(), nothing.double()
    parts = [torch.cat(part) for part in zip(*found, strict=True)]
    order = parts[0].argsort(stable=True)
    return tuple(part[order] for part in parts)


def _replaced(tokens: Tensor, kind: Tensor, noise: Tensor, place: Tensor, vocabulary: int) -> Tensor:
    """Eight in ten masked, one in ten another token, one in ten as it was."""
    low = len(SPECIAL)
    # One draw, spread over the span by a prime step: noise needs no better randomness.
    other = low + ((noise * (vocabulary - low)).long() + 7919 * place) % (vocabulary - low)
    return torch.where(kind < 0.8, MASK, torch.where(kind < 0.9, other, tokens))


def _hang(c: Resident, view: Tensor, number: Tensor, start: Tensor, count: Tensor, draws: Tensor):
    """(sample, relation, root, head nodes, inputs (n, K), labels (n, K), leaves) of every triple, sorted by sample."""
    s = c.settings
    sample, at, length, entity, rank = _mentions(c, view, number, start, count)
    pick, ask, mask, kind, noise = draws[sample[:, None], 3 + 5 * rank[:, None] + torch.arange(5, device=c.device)].T
    edge = _edges(c, sample, rank, entity, pick, ask < s.focus, len(number))
    kept = (edge >= 0).nonzero()[:, 0]
    sample, at, length, edge = sample[kept], at[kept], length[kept], edge[kept]
    mask, kind, noise = mask[kept], kind[kept][:, None], noise[kept][:, None]
    relation, tail = c.edges[edge].T
    slot = torch.arange(s.leaf_slots, device=c.device)
    size = c.tail_size[tail]
    closed = torch.where(slot == size[:, None], SEP, c.tails[tail])  # the end marker is a target like any token
    size = (size + 1).clamp(max=s.leaf_slots)
    hidden = (mask < torch.where(draws[sample, 2] < s.alone, 1.0, s.leaf_mask))[:, None]
    inputs = torch.where(hidden & (kind < 0.9), _replaced(closed, kind, noise, slot, len(c.inside)), closed)
    labels = torch.where(hidden & (slot < size[:, None]), closed, IGNORE)
    leaves = torch.where((hidden & (kind < 0.9))[:, 0], s.leaf_slots, size)
    return sample, relation, at - start[sample] + 1, length, inputs, labels, leaves


def _mentions(c: Resident, view: Tensor, number: Tensor, start: Tensor, count: Tensor):
    """(sample, position, tokens, entity, how many before it) of the first few mentions inside each piece."""
    shown = torch.where(view == CHUNK, 0, c.mention_count[view.clamp(max=BODY), number])
    sample = torch.repeat_interleave(torch.arange(len(number), device=c.device), shown)
    place = torch.arange(len(sample), device=c.device) - (shown.cumsum(0) - shown)[sample]
    found = c.mentions[c.mention_first[view[sample].clamp(max=BODY), number[sample]] + place]
    first = start[sample]
    fits = (first <= found[:, 0]) & (found[:, 0] + found[:, 1] <= first + count[sample])
    sample, found = sample[fits], found[fits]
    each = torch.bincount(sample, minlength=len(number))
    rank = torch.arange(len(sample), device=c.device) - (each.cumsum(0) - each)[sample]
    few = rank < c.settings.heads
    return sample[few], *found[few].T, rank[few]


def _edges(c: Resident, sample, rank, entity, pick, focused, samples: int) -> Tensor:
    """(mentions,) place in `edges` of a triple that the graph does not hold yet, -1 where there is none.

    The same triple twice in one graph would let a masked tail be copied from a visible one.
    """
    options, asked = c.edge_count[entity], c.asked[entity]
    options = torch.where(focused & (asked > 0), asked, options)
    begin, first = c.edge_first[entity], (pick * options).long()
    result = torch.full_like(entity, -1)
    code = c.edges[:, 0] * max(1, len(c.tails)) + c.edges[:, 1]
    used = torch.full((samples, c.settings.heads), -1, dtype=torch.int64, device=c.device)
    for i in range(c.settings.heads):
        waiting, tried = ((rank == i) & (options > 0)).nonzero()[:, 0], 0
        while len(waiting):
            edge = begin[waiting] + (first[waiting] + tried) % options[waiting]
            free = ~(used[sample[waiting]] == code[edge][:, None]).any(1)
            result[waiting[free]] = edge[free]
            used[sample[waiting[free]], i] = code[edge[free]]
            tried += 1
            waiting = waiting[~free & (tried < options[waiting])]
    return result


def _assemble(s: ChainSettings, tokens, labels, count, spans, hung) -> Drawn:
    """Roots and leaves of each graph one after the other."""
    sample, relation, root, length, inputs, wanted, leaves = hung
    device = tokens.device
    roots = count + 2
    of_graph = torch.zeros_like(roots).index_add(0, sample, leaves)
    offsets = torch.cat([roots.new_zeros(1), (roots + of_graph).cumsum(0)])
    nodes = torch.zeros(5, int(offsets[-1]), dtype=torch.int64, device=device)
    graph, column = (torch.arange(s.roots, device=device) < roots[:, None]).nonzero(as_tuple=True)
    at = offsets[graph] + column
    nodes[:3, at] = torch.stack([tokens[graph, column], labels[graph, column], column])
    before = leaves.cumsum(0) - leaves
    before = before - (of_graph.cumsum(0) - of_graph)[sample]  # leaves of the same graph that come first
    triple, slot = (torch.arange(s.leaf_slots, device=device) < leaves[:, None]).nonzero(as_tuple=True)
    node = roots[sample[triple]] + before[triple] + slot
    label = wanted[triple, slot]
    leaf = [inputs[triple, slot], label, root[triple], torch.ones_like(slot), slot]
    nodes[:, offsets[sample[triple]] + node] = torch.stack(leaf)
    triples = torch.stack([sample, relation, root, length, roots[sample] + before, leaves], 1)
    masked = torch.stack([sample[triple], node], 1)[label != IGNORE]
    return Drawn(nodes, offsets, triples, spans, masked)
