"""The GraphMERT encoder (arXiv 2510.09580) in one file: embeddings, H-GAT, decayed attention, one tied head.

Contract: `GraphMER(config)` maps a `rows.Batch` of packed rows to losses or token scores. Weights are fp32 wherever it
runs; `precision(device)` says what the arithmetic runs in. The same class runs on CPU and CUDA, one GPU or many.

Decisions, each a departure from the paper unless it says otherwise:
- Decay is *additive*: log f is added to the attention scores, so f multiplies the attention weights. The paper
  multiplies the scores before the softmax, which no fused kernel but FlexAttention can do and which pulls negative
  scores up.
- One fixed decay for all heads and layers: a single (rows, 1, T, T) mask, built once per batch from a table.
- Rotary positions: a root has its own index, a leaf its root's. The paper has none, so left and right look alike.
- A learned vector per leaf slot. Without it K masked leaves of one root are mirror images (slot k and K-1-k have equal
  distances to everything) and would get equal predictions.
- Scores only at masked positions, through one head tied to the token table. MLM and MNM are separate means.
- Post-LN as in the paper; no dropout inside attention.
"""

import contextlib
import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphmer.chains import distance
from graphmer.knowledge import RELATIONS
from graphmer.rows import Batch
from graphmer.tokens import PAD


@dataclass(frozen=True)
class Config:
    """Shape of a model. `roots` and `leaf_slots` are the R and K of the chain graph; `relations` excludes id 0."""

    width: int = 768
    heads: int = 12
    hidden: int = 3072
    layers: int = 12
    vocabulary: int = 16_384
    roots: int = 128
    leaf_slots: int = 7
    relations: int = len(RELATIONS)
    decay: float = 0.6
    dropout: float = 0.1
    relation_dropout: float = 0.3

    def __post_init__(self):
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must split into {self.heads} heads of even size")


PRESETS = {
    "base": Config(),
    "small": Config(width=512, heads=8, hidden=2048),
    "smoke": Config(width=256, heads=4, hidden=1024, layers=4, vocabulary=8192, roots=64, leaf_slots=3),
    # For a look in half a minute on two CPU cores. Too small to expect more than falling losses.
    "tiny": Config(
        width=128, heads=4, hidden=512, layers=3, vocabulary=4096, roots=64, dropout=0.0, relation_dropout=0.0
    ),
}  # fmt: skip


def precision(device: torch.device) -> torch.dtype:
    """bf16 from sm_80, fp16 below (bf16 is emulated there), fp32 on CPU. fp16 needs a gradient scaler."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def autocast(device: torch.device):
    """Context for forward and loss in `precision(device)`."""
    dtype = precision(device)
    return contextlib.nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def to_torch(batch: Batch, device: torch.device) -> Batch:
    """The same batch with int64 tensors on `device`; counts stay Python numbers, so nothing waits for the device."""
    move = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
    for name, value in move.items():
        if isinstance(value, np.ndarray):
            move[name] = torch.from_numpy(value).to(device, non_blocking=True)
    return Batch(**move)


def decay_table(decay: float, longest: int) -> Tensor:
    """(longest + 1,) fp32: log f(dist), f = decay ** GELU(sqrt(dist + 1) - 1) (arXiv 2510.09580 with p = 1)."""
    steps = torch.arange(longest + 1, dtype=torch.float32)
    return math.log(decay) * F.gelu(torch.sqrt(steps + 1) - 1)


def attention_bias(batch: Batch, table: Tensor) -> Tensor:
    """(rows, 1, T, T): log decay inside a document, -inf between documents."""
    q = [x[:, :, None] for x in (batch.anchor, batch.leaf, batch.slot)]
    k = [x[:, None, :] for x in (batch.anchor, batch.leaf, batch.slot)]
    same = batch.document[:, :, None] == batch.document[:, None, :]
    # Distances across documents mean nothing and may exceed the table.
    steps = distance(*q, *k).clamp(max=len(table) - 1)
    return table[steps].masked_fill(~same, float("-inf")).unsqueeze(1)


class HGAT(nn.Module):
    """Relation-aware fusion of head tokens into tail leaves (arXiv 2510.09580, "H-GAT"). Row 0 of `W`, `a` is unused.

    e_ij = LeakyReLU(a_r . [W_r t_i || W_r h_j]), alpha = softmax_j(e), x'_i = t_i + sum_j alpha_ij W_r h_j.
    With u = W_r^T a_r[:d] and v = W_r^T a_r[d:] this is e_ij = LeakyReLU(u.t_i + v.h_j), so W_r is applied once to the
    mixture and never gathered per triple (256 triples at width 768 would be 604 MB).
    """

    def __init__(self, relations: int, width: int, dropout: float):
        super().__init__()
        self.W = nn.Parameter(torch.zeros(relations + 1, width, width))
        self.a = nn.Parameter(torch.zeros(relations + 1, 2 * width))
        self.dropout = dropout
        nn.init.normal_(self.W[1:], std=0.02)
        nn.init.normal_(self.a[1:], std=0.02)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """x (nodes, width) -> the same with messages added to leaves; roots unchanged."""
        updates, start = [], 0
        for relation, count in enumerate(batch.relation_count):
            if not count:
                continue
            head, leaves = batch.head[start : start + count], batch.leaf_nodes[start : start + count]
            start += count
            W = F.dropout(self.W[relation], self.dropout, self.training)
            a = F.dropout(self.a[relation], self.dropout, self.training)
            left, right = (a.view(2, -1) @ W).unbind()
            h, t = x[head.clamp(min=0)], x[leaves.clamp(min=0)]
            score = F.leaky_relu((t @ left)[:, :, None] + (h @ right)[:, None, :], 0.01)
            weight = score.float().masked_fill((head < 0)[:, None, :], float("-inf")).softmax(-1)
            message = (weight.to(h.dtype) @ h) @ W.T
            updates.append(((leaves.clamp(min=0)).flatten(), (message * (leaves >= 0).unsqueeze(-1)).flatten(0, 1)))
        if not updates:
            return x
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
    """Post-LN encoder block; queries, keys and values in one product."""

    def __init__(self, c: Config):
        super().__init__()
        self.heads, self.dropout = c.heads, c.dropout
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.out = nn.Linear(c.width, c.width)
        self.norm1 = nn.LayerNorm(c.width)
        self.up = nn.Linear(c.width, c.hidden)
        self.down = nn.Linear(c.hidden, c.width)
        self.norm2 = nn.LayerNorm(c.width)

    def forward(self, x: Tensor, bias: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x (rows, T, width), bias (rows, 1, T, T)."""
        rows, size, width = x.shape
        q, k, v = self.qkv(x).view(rows, size, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        y = self.out(y.transpose(1, 2).reshape(rows, size, width))
        x = self.norm1(x + F.dropout(y, self.dropout, self.training))
        y = self.down(F.gelu(self.up(x)))
        return self.norm2(x + F.dropout(y, self.dropout, self.training))


class GraphMER(nn.Module):
    """Encoder with one tied prediction head."""

    def __init__(self, config: Config):
        super().__init__()
        c = self.config = config
        self.tokens = nn.Embedding(c.vocabulary, c.width, padding_idx=PAD)
        self.slots = nn.Embedding(c.leaf_slots, c.width)
        self.hgat = HGAT(c.relations, c.width, c.relation_dropout)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.transform = nn.Linear(c.width, c.width)
        self.transform_norm = nn.LayerNorm(c.width)
        self.bias = nn.Parameter(torch.zeros(c.vocabulary))
        # Derived from the config, so it is no part of a checkpoint.
        self.register_buffer("decay", decay_table(c.decay, c.roots + 1), persistent=False)
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

    def encode(self, batch: Batch) -> Tensor:
        """Node states (rows, T, width)."""
        x = self.tokens(batch.tokens)
        rows, size, width = x.shape
        # Slots come after H-GAT, whose formula is about raw token embeddings.
        x = self.hgat(x.view(-1, width), batch).view(rows, size, width)
        x = x + self.slots(batch.slot) * batch.leaf.unsqueeze(-1)
        x = F.dropout(x, self.config.dropout, self.training)
        bias = attention_bias(batch, self.decay)
        cos, sin = rotary(batch.anchor, width // self.config.heads)
        for layer in self.layers:
            x = layer(x, bias, cos, sin)
        return x

    def predict(self, states: Tensor, where: Tensor) -> Tensor:
        """Scores (len(where), vocabulary) in fp32 at flat positions of `states` (rows, T, width)."""
        x = states.flatten(0, 1)[where]
        x = self.transform_norm(F.gelu(self.transform(x)))
        return F.linear(x, self.tokens.weight, self.bias).float()

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Summed cross-entropies (MLM over masked roots, MNM over masked leaves), in nats.

        Sums, not means: the loop divides by the counts of the whole optimiser step, so accumulating rows in two halves
        gives the same gradient as in one.
        """
        where = torch.cat([batch.root_where, batch.leaf_where])
        target = torch.cat([batch.root_target, batch.leaf_target])
        losses = F.cross_entropy(self.predict(self.encode(batch), where), target, reduction="none")
        roots = len(batch.root_where)
        return losses[:roots].sum(), losses[roots:].sum()


def count_parameters(model: nn.Module) -> int:
    """Trainable numbers, tied ones once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
