"""Attention with graph decay, four ways that give the same numbers where each applies (tested).

- `sdpa`: additive decay as one (rows, 1, T, T) mask, built once per batch: the fast way below sm_80, where Triton has
  no tensor cores to offer FlexAttention.
- `graphs`: the same, graph by graph instead of row by row, for CPUs: graphs of one row never see each other, so most of
  a row's T x T scores are worked out for nothing. A GPU would rather work them out than sort them.
- `flex`: FlexAttention, for sm_80 and newer: nothing of size T x T is stored, and blocks between documents are skipped.
- `eager`: scores written out, for the paper's multiplicative decay where there is no FlexAttention, and for tests.

Decay, f = lambda ** GELU(sqrt(dist + 1) - p) (arXiv 2510.09580): `additive` adds log f to the scores, so f multiplies
the attention weights; p is fixed at 1. `multiplicative` multiplies the scores by f, as the paper has it, with one
learned p per head. At lambda = 1 both are plain attention.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from graphmer.chains import distance


def decay_table(decay: float, longest: int, p: Tensor | None = None) -> Tensor:
    """Fp32 log f(dist) for dist = 0 to `longest`: (longest + 1,) for p = 1, (heads, longest + 1) for a `p` (heads,).

    A table avoids powers in 16 bit, a T x T x heads power, and the infinite gradient of sqrt at 0.
    """
    steps = torch.sqrt(torch.arange(longest + 1, dtype=torch.float32, device=None if p is None else p.device) + 1)
    shift = steps - 1 if p is None else steps - p.float()[:, None]
    return math.log(decay) * F.gelu(shift)


@dataclass
class Geometry:
    """What attention needs of a batch, made once and shared by all layers: `kind` is sdpa, graphs, flex or eager.

    `bias` (rows, 1, T, T) for sdpa; `steps` distances (rows, T, T) and `same` document for eager; `score` and `blocks`
    for flex; `groups` for graphs: graphs of about one length. `table` is log f, (distances,) or (heads, distances).
    """

    kind: str
    table: Tensor
    multiplicative: bool
    bias: Tensor | None = None
    steps: Tensor | None = None
    same: Tensor | None = None
    score: object = None
    blocks: object = None
    groups: Sequence["Group"] = ()


@dataclass
class Group:
    """Graphs padded to the longest of them: `at` (graphs, length) flat positions, `real` which are no padding.

    `bias` (graphs, 1, length, length).
    """

    at: Tensor
    real: Tensor
    bias: Tensor


def distances(batch, longest: int) -> tuple[Tensor, Tensor]:
    """(rows, T, T) distances and whether both nodes are of one document. Across documents a distance means nothing."""
    q = [x[:, :, None] for x in (batch.anchor, batch.leaf, batch.slot)]
    k = [x[:, None, :] for x in (batch.anchor, batch.leaf, batch.slot)]
    same = batch.document[:, :, None] == batch.document[:, None, :]
    return distance(*q, *k).clamp(max=longest), same


def geometry(batch, table: Tensor, multiplicative: bool, kind: str) -> Geometry:
    """Masks and distances of one batch for `kind`."""
    if kind == "flex":
        return _flex_geometry(batch, table, multiplicative)
    if kind == "graphs":
        return Geometry(kind, table, multiplicative, groups=_groups(batch, table))
    steps, same = distances(batch, table.shape[-1] - 1)
    if kind == "eager":
        return Geometry(kind, table, multiplicative, steps=steps, same=same)
    return Geometry(kind, table, multiplicative, bias=table[steps].masked_fill(~same, float("-inf")).unsqueeze(1))


def attend(q: Tensor, k: Tensor, v: Tensor, g: Geometry) -> Tensor:
    """q, k, v and the result (rows, heads, T, size)."""
    if g.kind == "sdpa":
        return F.scaled_dot_product_attention(q, k, v, attn_mask=g.bias.to(q.dtype))
    if g.kind == "graphs":
        return _by_graphs(q, k, v, g.groups)
    if g.kind == "flex":
        return _flex(q.device.type)(q, k, v, score_mod=g.score, block_mask=g.blocks)
    score = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
    log_f = g.table[..., g.steps]  # (rows, T, T) or (heads, rows, T, T)
    log_f = log_f.transpose(0, 1) if log_f.dim() == 4 else log_f.unsqueeze(1)
    score = score * log_f.exp() if g.multiplicative else score + log_f
    return score.masked_fill(~g.same.unsqueeze(1), float("-inf")).softmax(-1).to(v.dtype) @ v


def _groups(batch, table: Tensor, waste: float = 1.25) -> list[Group]:
    """Graphs sorted by length, cut where the longest is more than `waste` times the shortest. Filler is in none."""
    size = batch.document.shape[1]
    document = batch.document.flatten()
    number = torch.arange(len(document), device=document.device)
    starts = (document != torch.cat([document.new_zeros(1), document[:-1]])) | (number % size == 0)
    first = number[starts & (document > 0)]
    ends = torch.cat([number[starts], number.new_tensor([len(document)])])
    length = ends[torch.searchsorted(ends, first, right=True)] - first
    order = length.argsort()
    first, length = first[order], length[order]
    nodes = [x.flatten() for x in (batch.anchor, batch.leaf, batch.slot)]
    groups, begin, sizes = [], 0, length.tolist()
    while begin < len(sizes):
        end = bisect.bisect_right(sizes, max(sizes[begin] * waste, sizes[begin] + 8))
        columns = torch.arange(sizes[end - 1], device=document.device)
        real = columns < length[begin:end, None]
        at = torch.where(real, first[begin:end, None] + columns, first[begin:end, None])
        q, k = ([x[at].unsqueeze(axis) for x in nodes] for axis in (2, 1))
        bias = table[distance(*q, *k).clamp(max=len(table) - 1)].masked_fill(~real[:, None, :], float("-inf"))
        groups.append(Group(at, real, bias.unsqueeze(1)))
        begin = end
    return groups


def _by_graphs(q: Tensor, k: Tensor, v: Tensor, groups: Sequence[Group]) -> Tensor:
    """Nodes of each graph side by side, attention inside, and back to the rows; filler stays zero."""
    rows, heads, size, width = q.shape
    flat = torch.cat([x.transpose(1, 2).reshape(rows * size, heads * width) for x in (q, k, v)], 1)
    found, where = [], []
    for group in groups:
        graphs, longest = group.at.shape
        mine = flat.index_select(0, group.at.flatten()).view(graphs, longest, 3, heads, width)
        out = F.scaled_dot_product_attention(*mine.permute(2, 0, 3, 1, 4), attn_mask=group.bias.to(q.dtype))
        found.append(out.transpose(1, 2).reshape(-1, heads * width)[group.real.flatten()])
        where.append(group.at[group.real])
    out = flat.new_zeros(rows * size, heads * width).index_copy(0, torch.cat(where), torch.cat(found))
    return out.view(rows, size, heads, width).transpose(1, 2)


def _flex_geometry(batch, table: Tensor, multiplicative: bool) -> Geometry:
    from torch.nn.attention.flex_attention import create_block_mask

    anchor, leaf, slot, document = (x.int() for x in (batch.anchor, batch.leaf, batch.slot, batch.document))
    longest = table.shape[-1] - 1

    def one_document(b, h, i, j):
        return document[b, i] == document[b, j]

    def score(value, b, h, i, j):
        along = (anchor[b, i] - anchor[b, j]).abs()
        siblings = (along == 0) & (leaf[b, i] == 1) & (leaf[b, j] == 1)
        apart = (slot[b, i] - slot[b, j]).abs().clamp(max=2)
        steps = torch.where(siblings, apart, along + leaf[b, i] + leaf[b, j]).clamp(max=longest)
        log_f = table[h, steps] if table.dim() == 2 else table[steps]
        return value * log_f.exp() if multiplicative else value + log_f

    rows, size = document.shape
    blocks = create_block_mask(one_document, rows, None, size, size, device=document.device)
    return Geometry("flex", table, multiplicative, score=score, blocks=blocks)


@cache
def _flex(device: str):
    from torch.nn.attention.flex_attention import flex_attention

    # Not compiled, FlexAttention writes the scores out: right for a test on a CPU, useless on a GPU.
    return torch.compile(flex_attention, dynamic=False) if device == "cuda" else flex_attention


@cache
def choose(device: str, multiplicative: bool) -> tuple[str, str]:
    """(kind, why) for a device: flex where a small trial of it works; sdpa, graphs or eager elsewhere."""
    plain = "eager" if multiplicative else "sdpa"
    if device == "cpu" and not multiplicative:
        return "graphs", "no GPU"
    if device != "cuda":
        return plain, "no GPU"
    capability = torch.cuda.get_device_capability()
    if capability < (8, 0):
        return plain, f"compute capability {capability[0]}.{capability[1]} has no tensor cores in Triton"
    try:
        _trial(torch.device("cuda"), multiplicative)
    except Exception as error:  # a missing compiler, an old torch: slower is better than stopped
        return plain, f"FlexAttention does not work here ({type(error).__name__})"
    return "flex", f"compute capability {capability[0]}.{capability[1]}"


def _trial(device: torch.device, multiplicative: bool) -> None:
    """One forward and backward pass of FlexAttention on a row of 128 nodes."""
    from types import SimpleNamespace

    node = torch.arange(128, device=device)[None]
    nothing = torch.zeros_like(node)
    batch = SimpleNamespace(anchor=node, leaf=nothing, slot=nothing, document=nothing + 1)
    p = torch.ones(2, device=device, requires_grad=True) if multiplicative else None
    table = decay_table(0.6, 130, p).to(device)
    q = torch.randn(1, 2, 128, 64, device=device, dtype=torch.bfloat16, requires_grad=True)
    attend(q, q, q, geometry(batch, table, multiplicative, "flex")).sum().backward()
