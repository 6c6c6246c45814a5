"""Graphs of many samples packed into rows of T tokens, in an order that can be taken up anywhere.

Contract: `stream(corpus, cursor)` yields the same rows from any cursor on as an uninterrupted stream. `assemble` lays
rows out as one batch on the device that holds them; `collate` does so with graphs made one by one, such as questions.

Decisions:
- Best fit inside shuffled windows: rows are full (`fill`) and the order is still random. One sample per row would fill
  15.7 % of rows of 768 (measured on the standard library of CPython 3.11).
- Documents of one row never see each other; filler sees only filler, so no row of attention is empty.
"""

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from graphmer.chains import IGNORE, Chain, uniforms
from graphmer.corpus import ChainSettings, Corpus
from graphmer.drawing import Resident, draw
from graphmer.drawn import Drawn, join
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
class Row(Sequence):
    """Graphs that share one row: their numbers among `drawn`."""

    drawn: Drawn
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, i):
        return self.drawn.graph(self.numbers[i])

    @property
    def nodes(self) -> int:
        return sum(self.drawn.lengths[g] for g in self.numbers)


@dataclass(frozen=True)
class Cursor:
    """Where the next row is: epoch, shuffle window in it, row in that window."""

    epoch: int = 0
    window: int = 0
    row: int = 0


def stream(corpus: Corpus | Resident, cursor: Cursor = Cursor()) -> Iterator[tuple[Row, Cursor]]:
    """Endless (one row, cursor after it), the same from any cursor on as without the interruption."""
    if not len(corpus):
        raise ValueError("the corpus is empty")
    c = corpus if isinstance(corpus, Resident) else Resident(corpus)
    s = c.settings
    epoch, window, skip = cursor.epoch, cursor.window, cursor.row
    while True:
        order = np.argsort(uniforms(s.seed ^ 0x5EED, epoch, np.arange(len(c)), 1)[:, 0], kind="stable")
        while window * s.shuffle_window < len(c):
            drawn = draw(c, epoch, order[window * s.shuffle_window : (window + 1) * s.shuffle_window])
            rows = pack(drawn.lengths, s.row_tokens)
            # Longest first leaves the short ones for the last rows; shuffle so that every batch looks alike.
            places = np.argsort(uniforms(s.seed ^ 0xB10C, epoch, window, len(rows)), kind="stable").tolist()
            for row in range(skip, len(rows)):
                yield Row(drawn, tuple(rows[places[row]])), Cursor(epoch, window, row + 1)
            window, skip = window + 1, 0
        epoch, window = epoch + 1, 0


def rows_per_epoch(corpus: Corpus) -> int:
    """About how many rows an epoch has: the lengths of at most 4,096 graphs, all rows taken as full."""
    count = min(len(corpus), 4096)
    nodes = sum(draw(corpus, 0, np.linspace(0, len(corpus) - 1, count).astype(int)).lengths)
    return max(1, round(nodes / count * len(corpus) / corpus.settings.row_tokens))


def ahead(items: Iterator, depth: int = 2) -> Iterator:
    """The same items, made by a thread that stays `depth` ahead, so that a GPU need not wait for them."""
    ready, done = queue.Queue(depth), threading.Event()

    def offer(*found) -> None:
        while not done.is_set():
            with contextlib.suppress(queue.Full):
                return ready.put(found, timeout=0.2)

    def work():
        try:
            for item in items:
                offer(item, None)
                if done.is_set():
                    return
            offer(None, StopIteration())
        except BaseException as error:  # shown where the item is asked for
            offer(None, error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        done.set()
        thread.join()  # a thread inside torch while Python ends would abort the process


def collate(rows: Sequence[Sequence[Chain]], settings: ChainSettings) -> Batch:
    """Rows of graphs -> numpy arrays."""
    graphs = join([graph for row in rows for graph in row])
    numbers = iter(range(len(graphs)))
    batch = assemble([Row(graphs, tuple(next(numbers) for _ in row)) for row in rows], settings.row_tokens)
    values = {f.name: getattr(batch, f.name) for f in fields(batch)}
    return Batch(**{name: v.numpy() if isinstance(v, Tensor) else v for name, v in values.items()})


def assemble(rows: Sequence[Row], size: int) -> Batch:
    """Rows of drawn graphs -> tensors where the graphs lie; nothing waits for the device.

    Filler is [PAD] in document 0 and sees only filler, so no row of attention is empty.
    """
    parts: dict[int, tuple[Drawn, list]] = {}  # a step may take rows of two windows
    for r, row in enumerate(rows):
        at = r * size
        for d, g in enumerate(row.numbers):
            parts.setdefault(id(row.drawn), (row.drawn, []))[1].append((g, at, d + 1))
            at += row.drawn.lengths[g]
    device = rows[0].drawn.nodes.device
    nodes = torch.zeros(5, len(rows) * size, dtype=torch.int64, device=device)
    nodes[1] = IGNORE
    document = torch.zeros(len(rows) * size, dtype=torch.int64, device=device)
    laid = [_lay(drawn, np.array(places), nodes, document) for drawn, places in parts.values()]
    triples, spans, leaves = (torch.cat([part[i] for part in laid]) for i in range(3))
    known = np.concatenate([part[3] for part in laid])  # the triples as the host knows them
    triples = triples[(triples[:, 0] * len(document) + triples[:, 1]).argsort()]
    targets = sum(part[4] for part in laid)
    of, place = _spread(spans[:, 1], targets)
    at, leaf_where, labels = spans[of, 0] + place, leaves.sort().values, nodes[1]
    root_where = at.sort().values
    head, leaf_nodes = (
        _ranges(triples[:, i], triples[:, i + 1], known[:, i + 2].max(initial=1)) for i in (1, 3)
    )  # fmt: skip
    tokens, _, anchor, leaf, slot = nodes.view(5, len(rows), size)
    return Batch(
        tokens, document.view(len(rows), size), anchor, leaf, slot, root_where, labels[root_where], leaf_where,
        labels[leaf_where], torch.stack([spans[of, 0] - 1, spans[of, 0] + spans[of, 1]], 1), place, labels[at],
        head, leaf_nodes, tuple(np.bincount(known[:, 1], minlength=len(RELATIONS) + 1).tolist()),
        sum(map(len, rows)), sum(row.nodes for row in rows),
    )  # fmt: skip


def _lay(drawn: Drawn, places: np.ndarray, nodes: Tensor, document: Tensor):
    """Copy graphs to their places (n, 3): number, flat position, document.

    Returns triples (relation, first head position, head nodes, first leaf position, leaf nodes), spans (position,
    nodes), positions of masked leaves; then the triples on the host, and the nodes of all spans.
    """
    graph, base, number = torch.from_numpy(places.T.copy()).to(nodes.device)
    of, at = _pick(drawn.offsets, graph, sum(drawn.lengths[g] for g in places[:, 0].tolist()))
    to = base[of] + at - drawn.offsets[graph][of]
    nodes[:, to], document[to] = drawn.nodes[:, at], number[of]
    picked = []
    for name in ("triples", "spans", "leaves"):
        offsets, counts = drawn.index(name)
        of, at = _pick(offsets, graph, int(counts[places[:, 0]].sum()))
        picked.append((base[of], getattr(drawn, name)[at]))
    (here, triples), (there, spans), (where, leaves) = picked
    zero = torch.zeros_like(here)
    triples = triples[:, 1:] + torch.stack([zero, here, zero, here, zero], 1)
    spans = torch.stack([there + spans[:, 1], spans[:, 2]], 1)
    known, covered = drawn.host
    mine = np.isin(known[:, 0], places[:, 0])
    return triples, spans, where + leaves[:, 1], known[mine], int(covered[places[:, 0]].sum())


def _pick(offsets: Tensor, graph: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """(which of `graph`, position) of everything that lies between the graphs' offsets."""
    first = offsets[graph]
    of, place = _spread(offsets[graph + 1] - first, total)
    return of, first[of] + place


def _spread(count: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """(whose, place in it) of `total` = count.sum() things; the total is given, so the device is not asked."""
    of = torch.repeat_interleave(torch.arange(len(count), device=count.device), count, output_size=total)
    return of, torch.arange(total, device=count.device) - (count.cumsum(0) - count)[of]


def _ranges(first: Tensor, count: Tensor, most: int) -> Tensor:
    """(n, most) positions first, first + 1, ...; -1 after `count` of them."""
    steps = torch.arange(int(most), device=first.device)
    return torch.where(steps < count[:, None], first[:, None] + steps, -1)
