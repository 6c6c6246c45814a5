"""Many leafy chain graphs in a few tensors, on one device. `drawing` makes them, `rows` lays them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from graphmer.chains import IGNORE, Chain


@dataclass(frozen=True)
class Drawn:
    """Graphs one after another. `nodes` (5, total) as in `Chain`, graph g is columns `offsets[g] : offsets[g + 1]`.

    `triples` (n, 6): graph, relation, first head node, head nodes, first leaf node, leaf nodes. `spans` (n, 3): graph,
    first node, nodes. `leaves` (n, 2): graph and node of every masked leaf. All sorted by graph, int64.
    """

    nodes: Tensor
    offsets: Tensor
    triples: Tensor
    spans: Tensor
    leaves: Tensor

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> list[int]:
        """Nodes of each graph, on the host."""
        return self.offsets.diff().tolist()

    @cached_property
    def host(self) -> tuple[np.ndarray, np.ndarray]:
        """(triples, nodes of each graph's spans): what the host must know to lay out a batch without asking."""
        covered = torch.zeros(len(self), dtype=torch.int64, device=self.nodes.device)
        return self.triples.cpu().numpy(), covered.index_add(0, self.spans[:, 0], self.spans[:, 2]).cpu().numpy()

    def index(self, name: str) -> tuple[Tensor, np.ndarray]:
        """(offsets of each graph's part of `name`, how many each has, on the host)."""
        return self._indices[name]

    @cached_property
    def _indices(self) -> dict[str, tuple[Tensor, np.ndarray]]:
        found = {}
        for name in ("triples", "spans", "leaves"):
            count = torch.bincount(getattr(self, name)[:, 0], minlength=len(self))
            found[name] = torch.cat([count.new_zeros(1), count.cumsum(0)]), count.cpu().numpy()
        return found

    def graph(self, g: int) -> Chain:
        """One graph as arrays."""
        first, end = self.offsets[g : g + 2].tolist()
        triples, spans = self.triples[self.triples[:, 0] == g, 1:], self.spans[self.spans[:, 0] == g, 1:]
        nodes = self.nodes[:, first:end].cpu().numpy().astype(np.int32)
        return Chain(nodes, tuple(map(tuple, triples.tolist())), tuple(map(tuple, spans.tolist())))


def join(graphs: Sequence[Chain]) -> Drawn:
    """Graphs that were made one by one."""
    nodes = np.concatenate([graph.nodes for graph in graphs], 1).astype(np.int64)
    offsets = np.cumsum([0, *map(len, graphs)])
    triples = np.array([(g, *t) for g, graph in enumerate(graphs) for t in graph.triples], dtype=np.int64)
    spans = np.array([(g, *span) for g, graph in enumerate(graphs) for span in graph.spans], dtype=np.int64)
    at = np.flatnonzero((nodes[1] != IGNORE) & (nodes[3] == 1))
    graph = np.searchsorted(offsets, at, side="right") - 1
    parts = triples.reshape(-1, 6), spans.reshape(-1, 3), np.stack([graph, at - offsets[graph]], 1)
    return Drawn(*map(torch.from_numpy, (nodes, offsets, *parts)))
