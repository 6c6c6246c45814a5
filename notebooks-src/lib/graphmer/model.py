"""The GraphMERT encoder (arXiv 2510.09580) in one file: embeddings, H-GAT, layers, the heads that share one table.

Contract: `GraphMER(config)` maps a `rows.Batch` of packed rows to three summed losses, or to states and token scores.
Weights are fp32 wherever it runs; `device.precision` says what the arithmetic runs in. The same class runs on CPU and
CUDA, one GPU or many. Attention itself is in `attention`.

Decisions, each a departure from the paper unless it says otherwise:
- Decay is *additive* (`attention`): f multiplies the attention weights. `decay_mode="multiplicative"` is the paper's.
- One fixed decay for all heads and layers, built once per batch; the multiplicative one learns a p per head.
- Rotary positions (`root_pos="rope"`): a root has its own index, a leaf its root's. The paper has none (`"none"`), so
  left and right look alike; `"learned"` adds a vector per root.
- A LayerNorm on the embeddings. With it the plain encoder is a stock `transformers` architecture (`export`).
- A learned vector per leaf slot. Without it K masked leaves of one root are mirror images (slot k and K-1-k have equal
  distances to everything) and would get equal predictions.
- Scores only at masked positions; MLM, MNM and the span boundary objective (SBO, arXiv 1907.10529) share one table,
  tied to the embeddings. One transform where the authors stack two.
- Post-LN as in the paper, `norm="pre"` for fp16; no dropout inside attention.
- `hgat_rank`: W_r = I + A_r B_r^T, since Q d^2 numbers are many for 1e5 triples.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphmer.attention import Geometry, attend, choose, decay_table, geometry
from graphmer.knowledge import RELATIONS
from graphmer.rows import Batch
from graphmer.tokens import PAD


@dataclass(frozen=True)
class Config:
    """Shape of a model. `roots` and `leaf_slots` are the R and K of the chain graph; `relations` excludes id 0.

    `decay` is lambda (1 switches decay off), `hgat` False leaves the fusion out, both for ablations.
    """

    width: int = 768
    heads: int = 12
    hidden: int = 3072
    layers: int = 12
    vocabulary: int = 16_384
    roots: int = 128
    leaf_slots: int = 7
    relations: int = len(RELATIONS)
    decay: float = 0.6
    decay_mode: str = "additive"
    root_pos: str = "rope"
    norm: str = "post"
    hgat: bool = True
    hgat_rank: int = 0
    dropout: float = 0.1
    relation_dropout: float = 0.3

    def __post_init__(self):
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must split into {self.heads} heads of even size")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, not {getattr(self, name)}")


CHOICES = {
    "decay_mode": ("additive", "multiplicative"), "root_pos": ("none", "learned", "rope"), "norm": ("post", "pre")
}  # fmt: skip
PRESETS = {
    "base": Config(),
    "small": Config(width=512, heads=8, hidden=2048),
    "smoke": Config(width=256, heads=4, hidden=1024, layers=4, vocabulary=8192, roots=64, leaf_slots=3),
    # For a look in half a minute on two CPU cores. Too small to expect more than falling losses.
    "tiny": Config(
        width=128, heads=4, hidden=512, layers=3, vocabulary=4096, roots=64, dropout=0.0, relation_dropout=0.0
    ),
}  # fmt: skip


class HGAT(nn.Module):
    """Relation-aware fusion of head tokens into tail leaves (arXiv 2510.09580, "H-GAT"). Row 0 of `W`, `a` is unused.

    e_ij = LeakyReLU(a_r . [W_r t_i || W_r h_j]), alpha = softmax_j(e), x'_i = t_i + sum_j alpha_ij W_r h_j.
    With u = W_r^T a_r[:d] and v = W_r^T a_r[d:] this is e_ij = LeakyReLU(u.t_i + v.h_j), so W_r is applied once to the
    mixture and never gathered per triple (256 triples at width 768 would be 604 MB).
    """

    def __init__(self, relations: int, width: int, rank: int, dropout: float):
        super().__init__()
        shape = (relations + 1, 2, width, rank) if rank else (relations + 1, width, width)
        self.W = nn.Parameter(torch.zeros(shape))
        self.a = nn.Parameter(torch.zeros(relations + 1, 2 * width))
        self.rank, self.dropout = rank, dropout
        nn.init.normal_(self.W[1:], std=0.02)
        nn.init.normal_(self.a[1:], std=0.02)

    def matrix(self, W: Tensor) -> Tensor:
        """(width, width) of one relation from its part of `W`."""
        return torch.eye(W.shape[1], device=W.device) + W[0] @ W[1].T if self.rank else W

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """x (nodes, width) -> the same with messages added to leaves; roots unchanged."""
        updates, start = [], 0
        # unbind: the gradient of W[r] would be a whole W of zeros for each relation.
        W_all, a_all = self.W.unbind(), self.a.unbind()
        for relation, count in enumerate(batch.relation_count):
            if not count:
                continue
            head, leaves = batch.head[start : start + count], batch.leaf_nodes[start : start + count]
            start += count
            W = self.matrix(F.dropout(W_all[relation], self.dropout, self.training))
            a = F.dropout(a_all[relation], self.dropout, self.training)
            left, right = (a.view(2, -1) @ W).unbind()
            h, t = x[head.clamp(min=0)], x[leaves.clamp(min=0)]
            score = F.leaky_relu((t @ left)[:, :, None] + (h @ right)[:, None, :], 0.01)
            weight = score.float().masked_fill((head < 0)[:, None, :], float("-inf")).softmax(-1)
            message = (weight.to(h.dtype) @ h) @ W.T
            updates.append(((leaves.clamp(min=0)).flatten(), (message * (leaves >= 0).unsqueeze(-1)).flatten(0, 1)))
        if not updates:
            # Every parameter has a gradient in every step, or processes that train together would wait for ever.
            return x + 0.0 * (self.W.flatten()[0] + self.a.flatten()[0])
        where, message = (torch.cat(part) for part in zip(*updates, strict=True))
        return x.index_add(0, where, message.to(x.dtype))


def rotary(anchor: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """cos and sin (rows, 1, T, size / 2) of the rotary angles (arXiv 2104.09864) of each node's root index."""
    rate = 10_000.0 ** (-torch.arange(0, size, 2, device=anchor.device) / size)
    angle = (anchor.unsqueeze(-1) * rate).unsqueeze(1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (i, i + size / 2) of x (rows, heads, T, size)."""
    one, two = x.chunk(2, -1)
    return torch.cat([one * cos - two * sin, two * cos + one * sin], -1).to(x.dtype)


class Layer(nn.Module):
    """Encoder block; queries, keys and values in one product."""

    def __init__(self, c: Config):
        super().__init__()
        self.heads, self.dropout, self.post = c.heads, c.dropout, c.norm == "post"
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.out = nn.Linear(c.width, c.width)
        self.norm1 = nn.LayerNorm(c.width)
        self.up = nn.Linear(c.width, c.hidden)
        self.down = nn.Linear(c.hidden, c.width)
        self.norm2 = nn.LayerNorm(c.width)

    def forward(self, x: Tensor, graph: Geometry, turn: tuple[Tensor, Tensor] | None) -> Tensor:
        """x (rows, T, width) -> the same."""
        if self.post:
            x = self.norm1(x + self._drop(self._attention(x, graph, turn)))
            return self.norm2(x + self._drop(self.down(F.gelu(self.up(x)))))
        x = x + self._drop(self._attention(self.norm1(x), graph, turn))
        return x + self._drop(self.down(F.gelu(self.up(self.norm2(x)))))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def _attention(self, x: Tensor, graph: Geometry, turn) -> Tensor:
        rows, size, width = x.shape
        q, k, v = self.qkv(x).view(rows, size, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if turn is not None:
            q, k = rotate(q, *turn), rotate(k, *turn)
        return self.out(attend(q, k, v, graph).transpose(1, 2).reshape(rows, size, width))


class SpanHead(nn.Module):
    """Span boundary objective: a span's tokens from the roots beside it (SpanBERT, arXiv 1907.10529, section 3.2)."""

    def __init__(self, width: int, longest: int):
        super().__init__()
        self.places = nn.Embedding(longest, width)
        self.dense1, self.norm1 = nn.Linear(3 * width, width), nn.LayerNorm(width)
        self.dense2, self.norm2 = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, ends: Tensor, place: Tensor) -> Tensor:
        """ends (targets, 2, width), place (targets,) -> (targets, width)."""
        x = torch.cat([ends.flatten(1), self.places(place).to(ends.dtype)], 1)
        x = self.norm1(F.gelu(self.dense1(x)))
        return self.norm2(F.gelu(self.dense2(x)))


class GraphMER(nn.Module):
    """Encoder with one tied prediction table."""

    def __init__(self, config: Config):
        super().__init__()
        c = self.config = config
        self.tokens = nn.Embedding(c.vocabulary, c.width, padding_idx=PAD)
        self.slots = nn.Embedding(c.leaf_slots, c.width)
        self.positions = nn.Embedding(c.roots, c.width) if c.root_pos == "learned" else None
        self.hgat = HGAT(c.relations, c.width, c.hgat_rank, c.relation_dropout) if c.hgat else None
        self.embed_norm = nn.LayerNorm(c.width)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.final_norm = nn.LayerNorm(c.width) if c.norm == "pre" else None
        self.transform = nn.Linear(c.width, c.width)
        self.transform_norm = nn.LayerNorm(c.width)
        self.span = SpanHead(c.width, c.leaf_slots)
        self.bias = nn.Parameter(torch.zeros(c.vocabulary))
        self.p = nn.Parameter(torch.ones(c.heads)) if c.decay_mode == "multiplicative" else None
        # Derived from the config, so it is no part of a checkpoint.
        self.register_buffer("decay", decay_table(c.decay, c.roots + 1), persistent=False)
        self.attention = ""  # "", or one of attention's four ways instead of the device's best
        self._init()

    def _init(self):
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
                if name.endswith("out"):
                    nn.init.xavier_uniform_(module.weight)
                elif name.endswith("qkv"):
                    for part in module.weight.chunk(3):
                        nn.init.xavier_uniform_(part, gain=1 / math.sqrt(2))
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
        with torch.no_grad():
            self.tokens.weight[PAD].zero_()

    def geometry(self, batch: Batch) -> Geometry:
        """Masks and distances that all layers share."""
        multiplicative = self.p is not None
        table = decay_table(self.config.decay, self.config.roots + 1, self.p) if multiplicative else self.decay
        kind = self.attention or choose(batch.tokens.device.type, multiplicative)[0]
        return geometry(batch, table, multiplicative, kind)

    def encode(self, batch: Batch) -> Tensor:
        """Node states (rows, T, width)."""
        x = self.tokens(batch.tokens)
        rows, size, width = x.shape
        if self.hgat is not None:
            x = self.hgat(x.view(-1, width), batch).view(rows, size, width)
        # Slots and positions come after H-GAT, whose formula is about raw token embeddings.
        x = x + self.slots(batch.slot) * batch.leaf.unsqueeze(-1)
        if self.positions is not None:
            x = x + self.positions(batch.anchor) * (1 - batch.leaf).unsqueeze(-1)
        x = F.dropout(self.embed_norm(x), self.config.dropout, self.training)
        graph = self.geometry(batch)
        turn = rotary(batch.anchor, width // self.config.heads) if self.config.root_pos == "rope" else None
        for layer in self.layers:
            x = layer(x, graph, turn)
        return x if self.final_norm is None else self.final_norm(x)

    def hidden(self, states: Tensor, where: Tensor) -> Tensor:
        """Transformed states (len(where), width) at flat positions of `states` (rows, T, width)."""
        return self.transform_norm(F.gelu(self.transform(states.flatten(0, 1)[where])))

    def predict(self, states: Tensor, where: Tensor) -> Tensor:
        """Scores (len(where), vocabulary) in fp32 at flat positions of `states`."""
        return F.linear(self.hidden(states, where), self.tokens.weight, self.bias).float()

    def forward(self, batch: Batch) -> Tensor:
        """(3,) summed cross-entropies in nats: MLM over masked roots, SBO over masked spans, MNM over masked leaves.

        Sums, not means: the loop divides by the counts of the whole optimiser step, so accumulating rows in two halves,
        or on two devices, gives the same gradient as in one.
        """
        states = self.encode(batch)
        masked = self.hidden(states, torch.cat([batch.root_where, batch.leaf_where]))
        spans = self.span(states.flatten(0, 1)[batch.span_where], batch.span_slot)
        scores = F.linear(torch.cat([masked, spans.to(masked.dtype)]), self.tokens.weight, self.bias).float()
        target = torch.cat([batch.root_target, batch.leaf_target, batch.span_target])
        losses = F.cross_entropy(scores, target, reduction="none")
        mlm, mnm, sbo = losses.split([len(batch.root_target), len(batch.leaf_target), len(batch.span_target)])
        return torch.stack([mlm.sum(), sbo.sum(), mnm.sum()])


def count_parameters(model: nn.Module) -> int:
    """Trainable numbers, tied ones once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
