"""Graphs of many samples packed into rows of T tokens, in an order that can be taken up anywhere.

Contract: `stream(corpus, cursor)` yields the same rows from any cursor on as an uninterrupted stream. `collate` turns
rows into integer arrays; `model.to_torch` moves them.

Decisions:
- Best fit inside shuffled windows: rows are full (`fill`) and the order is still random. One sample per row would fill
  15.7 % of rows of 768 (measured on the standard library of CPython 3.11).
- Documents of one row never see each other; filler sees only filler, so no row of attention is empty.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graphmer.chains import IGNORE, Chain, chain, uniforms
from graphmer.corpus import ChainSettings, Corpus
from graphmer.knowledge import RELATIONS


@dataclass(frozen=True)
class Batch:
    """`rows` packed rows of T tokens. Node arrays are (rows, T) int64; filler has document 0.

    `root_where`, `leaf_where`: flat positions (row * T + column) of masked roots and leaves, `*_target` their ids.
    `span_where` (targets, 2): flat positions of the roots left and right of a masked span, `span_slot` (targets,) the
    place of the target in it, `span_target` its id. `head` (triples, most head tokens) and
    `leaf_nodes` (triples, K) are flat positions, -1 where there is none, sorted by relation; `relation_count`
    (relations + 1,) says how many triples of each relation follow one another.
    """

    tokens: np.ndarray
    document: np.ndarray
    anchor: np.ndarray
    leaf: np.ndarray
    slot: np.ndarray
    root_where: np.ndarray
    root_target: np.ndarray
    leaf_where: np.ndarray
    leaf_target: np.ndarray
    span_where: np.ndarray
    span_slot: np.ndarray
    span_target: np.ndarray
    head: np.ndarray
    leaf_nodes: np.ndarray
    relation_count: tuple[int, ...]
    samples: int
    real_tokens: int

    @property
    def fill(self) -> float:
        """Share of the row positions that hold a node."""
        return self.real_tokens / (self.tokens.shape[0] * self.tokens.shape[1])


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Best fit, longest first: each sample goes to the open row with the least room that still holds it.

    Rooms are bits of one integer, so finding the best row is a shift. Returns sample positions of each row.
    """
    open_rows: list[list[list[int]]] = [[] for _ in range(capacity + 1)]
    rooms, rows = 0, []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        size = lengths[i]
        fitting = rooms >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            row = open_rows[room].pop()
            if not open_rows[room]:
                rooms &= ~(1 << room)
        else:
            room, row = capacity, []
            rows.append(row)
        row.append(i)
        if room > size:
            open_rows[room - size].append(row)
            rooms |= 1 << (room - size)
    return rows


@dataclass(frozen=True)
class Cursor:
    """Where the next row is: epoch, shuffle window in it, row in that window."""

    epoch: int = 0
    window: int = 0
    row: int = 0


def stream(corpus: Corpus, cursor: Cursor = Cursor()) -> Iterator[tuple[list[Chain], Cursor]]:
    """Endless (graphs of one row, cursor after it), the same from any cursor on as without the interruption."""
    if not len(corpus):
        raise ValueError("the corpus is empty")
    s = corpus.settings
    epoch, window, skip = cursor.epoch, cursor.window, cursor.row
    while True:
        order = np.argsort(uniforms(s.seed ^ 0x5EED, epoch, np.arange(len(corpus)), 1)[:, 0], kind="stable")
        while window * s.shuffle_window < len(corpus):
            block = order[window * s.shuffle_window : (window + 1) * s.shuffle_window]
            graphs = [chain(corpus, epoch, int(i)) for i in block]
            rows = pack([len(g) for g in graphs], s.row_tokens)
            # Longest first leaves the short ones for the last rows; shuffle so that every batch looks alike.
            places = np.argsort(uniforms(s.seed ^ 0xB10C, epoch, window, len(rows)), kind="stable").tolist()
            for row in range(skip, len(rows)):
                yield [graphs[i] for i in rows[places[row]]], Cursor(epoch, window, row + 1)
            window, skip = window + 1, 0
        epoch, window = epoch + 1, 0


def rows_per_epoch(corpus: Corpus) -> int:
    """About how many rows an epoch has: the lengths of at most 4,096 graphs, all rows taken as full."""
    count = min(len(corpus), 4096)
    chosen = np.linspace(0, len(corpus) - 1, count).astype(int)
    nodes = sum(len(chain(corpus, 0, int(i))) for i in chosen)
    return max(1, round(nodes / count * len(corpus) / corpus.settings.row_tokens))


def ahead(items: Iterator, depth: int = 2) -> Iterator:
    """The same items, made by a thread that stays `depth` ahead, so that a GPU need not wait for them."""
    import queue

    ready, done = queue.Queue(depth), threading.Event()

    def work():
        try:
            for item in items:
                while not done.is_set():
                    try:
                        ready.put((item, None), timeout=0.2)
                        break
                    except queue.Full:
                        continue
                if done.is_set():
                    return
        except BaseException as error:  # shown where the item is asked for
            ready.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            yield item
    finally:
        done.set()


def collate(rows: Sequence[Sequence[Chain]], settings: ChainSettings) -> Batch:
    """Rows of graphs -> arrays. Filler is [PAD] in document 0 and sees only filler, so no row of attention is empty."""
    size = settings.row_tokens
    nodes = np.zeros((5, len(rows), size), dtype=np.int64)
    nodes[1] = IGNORE
    document = np.zeros((len(rows), size), dtype=np.int64)
    triples, spans = [], []
    for r, graphs in enumerate(rows):
        at = 0
        for d, graph in enumerate(graphs):
            nodes[:, r, at : at + len(graph)] = graph.nodes
            document[r, at : at + len(graph)] = d + 1
            base = r * size + at
            triples += [(rel, base + h, hn, base + t, tn) for rel, h, hn, t, tn in graph.triples]
            spans += [(base + first, count) for first, count in graph.spans]
            at += len(graph)
    tokens, labels, anchor, leaf, slot = nodes
    masked = labels != IGNORE
    root_where, leaf_where = np.flatnonzero(masked & (leaf == 0)), np.flatnonzero(masked & (leaf == 1))
    table = np.array(sorted(triples), dtype=np.int64).reshape(-1, 5)
    counts = np.bincount(table[:, 0], minlength=len(RELATIONS) + 1)
    span = np.array(spans, dtype=np.int64).reshape(-1, 2)
    span_at, span_slot = np.repeat(span, span[:, 1], axis=0), np.concatenate([np.arange(n) for n in span[:, 1]] or [[]])
    span_slot = span_slot.astype(np.int64)
    ends = np.stack([span_at[:, 0] - 1, span_at[:, 0] + span_at[:, 1]], 1)
    return Batch(
        tokens, document, anchor, leaf, slot,
        root_where, labels.reshape(-1)[root_where], leaf_where, labels.reshape(-1)[leaf_where],
        ends, span_slot, labels.reshape(-1)[span_at[:, 0] + span_slot],
        _ranges(table[:, 1], table[:, 2]), _ranges(table[:, 3], table[:, 4]), tuple(counts.tolist()),
        sum(len(graphs) for graphs in rows), int((document > 0).sum()),
    )  # fmt: skip


def _ranges(first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """(n, most) positions first, first + 1, ...; -1 after `count` of them."""
    steps = np.arange(max(1, int(count.max(initial=1))))
    return np.where(steps < count[:, None], first[:, None] + steps, -1)
