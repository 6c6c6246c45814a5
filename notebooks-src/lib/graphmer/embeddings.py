"""TransE and ComplEx: what embeddings of the graph alone reach, without reading a word of the code.

Contract: trained on the training triples only, on the same candidate names as every other method. A head without
training triples has no embedding, so questions about unseen packages have no answer here.

Decision: cross-entropy over all candidates instead of sampled negatives (as in arXiv 1806.07297): simpler, and stronger
at this size. Figures are a floor, not a record: nothing was tuned.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphmer.corpus import last_component
from graphmer.knowledge import RELATIONS
from graphmer.splits import Triple


class TransE(nn.Module):
    """score(h, r, t) = -|h + r - t| (Bordes et al., 2013), times a learned scale."""

    def __init__(self, heads: int, relations: int, tails: int, width: int):
        super().__init__()
        self.head, self.relation, self.tail = (nn.Embedding(n, width) for n in (heads, relations, tails))
        self.scale = nn.Parameter(torch.tensor(4.0))
        for table in (self.head, self.relation, self.tail):
            nn.init.normal_(table.weight, std=width**-0.5)

    def forward(self, head: Tensor, relation: Tensor) -> Tensor:
        """(batch,) ids -> (batch, tails)."""
        return -self.scale * torch.cdist(self.head(head) + self.relation(relation), self.tail.weight)


class ComplEx(nn.Module):
    """score(h, r, t) = Re <h, r, conj(t)> (arXiv 1606.06357); `width` real numbers are width / 2 complex ones."""

    def __init__(self, heads: int, relations: int, tails: int, width: int):
        super().__init__()
        self.head, self.relation, self.tail = (nn.Embedding(n, width) for n in (heads, relations, tails))
        for table in (self.head, self.relation, self.tail):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, head: Tensor, relation: Tensor) -> Tensor:
        """(batch,) ids -> (batch, tails)."""
        (a, b), (c, d) = self.head(head).chunk(2, -1), self.relation(relation).chunk(2, -1)
        return torch.cat([a * c - b * d, a * d + b * c], -1) @ self.tail.weight.T


class Embedded:
    """A trained method with the same `scores` as counting."""

    def __init__(self, kind: type, train: Sequence[Triple], names: Sequence[str], steps: int, seed: int = 0):
        self.column = {name: i for i, name in enumerate(names)}
        known = [(h, r, self.column[c]) for h, r, t in train if (c := last_component(t)) in self.column]
        self.heads = {head: i for i, head in enumerate(dict.fromkeys(head for head, *_ in known))}
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        rows = torch.tensor([(self.heads[h], RELATIONS.index(r), c) for h, r, c in known], device=self.device)
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.model = kind(len(self.heads), len(RELATIONS), len(names), 128).to(self.device)
        optimizer = torch.optim.Adagrad(self.model.parameters(), lr=0.1)
        for part in self._batches(len(rows), steps, generator):
            head, relation, tail = rows[part].unbind(1)
            F.cross_entropy(self.model(head, relation), tail).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def _batches(self, rows: int, steps: int, generator: torch.Generator, size: int = 1024) -> Iterator[Tensor]:
        """`steps` batches of row numbers, every row once an epoch."""
        done = 0
        while done < steps:
            for part in torch.randperm(rows, generator=generator).to(self.device).split(size)[: steps - done]:
                done += 1
                yield part

    @torch.no_grad()
    def scores(self, head: str, relation: str) -> np.ndarray | None:
        """(candidates,), or None where the head was not seen in training."""
        if head not in self.heads:
            return None
        ids = torch.tensor([[self.heads[head]], [RELATIONS.index(relation)]], device=self.device)
        return self.model(*ids)[0].cpu().numpy()
