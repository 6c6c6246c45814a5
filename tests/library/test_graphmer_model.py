"""The network: equal to slow reference versions of itself, alone or packed, compact or padded."""

import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from graphmer import attention, chains, drawing, rows
from graphmer.attention import decay_table
from graphmer.device import to_torch
from graphmer.model import Config, GraphMER
from graphmer.tokens import MASK

from tests.library.graphmer_worlds import floyd_warshall

CPU = torch.device("cpu")
SMALL = Config(
    width=32, heads=2, hidden=64, layers=2, vocabulary=600, roots=32, leaf_slots=7, dropout=0.0, relation_dropout=0.0
)  # fmt: skip


@pytest.fixture
def model():
    torch.manual_seed(1)
    model = GraphMER(SMALL).eval()
    with torch.no_grad():  # larger than at the start of training, so that a wrong term shows
        for parameter in model.parameters():
            parameter.mul_(2).add_(0.02 * torch.randn_like(parameter))
        model.tokens.weight[0].zero_()
    return model


def batch_of(graphs, settings):
    return to_torch(rows.collate([graphs], settings), CPU)


def naive_hgat(model, x, graphs_triples):
    """Loop over triples, leaves and head tokens, straight from the formula."""
    out = list(x)
    for relation, head, heads, leaf, leaves in graphs_triples:
        W, a = model.hgat.W[relation], model.hgat.a[relation]
        h = [W @ x[head + j] for j in range(heads)]
        for i in range(leaf, leaf + leaves):
            e = torch.stack([F.leaky_relu(a @ torch.cat([W @ x[i], hj]), 0.01) for hj in h])
            out[i] = out[i] + sum(weight * hj for weight, hj in zip(e.softmax(0), h, strict=True))
    return torch.stack(out)


def test_acceptance_3_batched_hgat_equals_the_naive_triple_loop_in_values_and_gradients(model, data, settings):
    graph = max(map(drawing.draw(data, 0, np.arange(60)).graph, range(60)), key=lambda g: len(g.triples))
    assert len({t[0] for t in graph.triples}) > 1, "several relations"
    batch = batch_of([graph], settings)
    mix = torch.randn(settings.row_tokens, SMALL.width)
    gradients = []
    for forward in (
        lambda x: model.hgat(x, batch),
        lambda x: naive_hgat(model, x, graph.triples),
    ):
        model.zero_grad()
        out = forward(model.tokens(batch.tokens)[0])
        (out * mix).sum().backward()
        gradients.append((out.detach(), *(p.grad.clone() for p in (model.hgat.W, model.hgat.a, model.tokens.weight))))
    for ours, reference in zip(*gradients, strict=True):
        assert reference.abs().sum() > 0
        torch.testing.assert_close(ours, reference, atol=1e-5, rtol=1e-5)


def test_acceptance_3_a_masked_leaf_sends_gradient_to_its_own_relation_only(model, data, settings):
    graph = next(
        g
        for g in map(drawing.draw(data, 0, np.arange(len(data))).graph, range(len(data)))
        if len(g.triples) == 1 and MASK in g.nodes[0, g.triples[0][3] :]
    )
    out = model.hgat(model.tokens(batch_of([graph], settings).tokens)[0], batch_of([graph], settings))
    leaves = torch.from_numpy(np.flatnonzero(graph.nodes[3]))
    out[leaves].sum().backward()
    touched = model.hgat.W.grad.abs().sum((1, 2)).nonzero().flatten().tolist()
    assert touched == [graph.triples[0][0]]


def padded_states(model, graph, roots_max):
    """All R (1 + K) nodes, distances by Floyd-Warshall, attention written out. Returns states of the real nodes."""
    c, k = model.config, model.config.leaf_slots
    tokens, _, anchor, leaf, slot = (torch.from_numpy(row.astype(np.int64)) for row in graph.nodes)
    place = torch.where(leaf == 0, anchor, roots_max + anchor * k + slot)
    count = roots_max * (1 + k)
    ids = torch.zeros(count, dtype=torch.long)
    ids[place] = tokens
    real = torch.zeros(count, dtype=torch.bool)
    real[place] = True
    x = model.tokens(ids)
    moved = [(r, int(place[h]), n, int(place[f]), m) for r, h, n, f, m in graph.triples]
    x = naive_hgat(model, x, moved)
    node_slot = torch.arange(count - roots_max) % k
    x = model.embed_norm(torch.cat([x[:roots_max], x[roots_max:] + model.slots(node_slot)]))
    position = torch.cat([torch.arange(roots_max), torch.arange(count - roots_max) // k]).float()
    dist = torch.from_numpy(floyd_warshall(roots_max, k)).float()
    bias = math.log(c.decay) * F.gelu(torch.sqrt(dist + 1) - 1)
    bias = bias.masked_fill(~(real[:, None] & real[None, :]), float("-inf"))
    half = c.width // c.heads // 2
    angle = position[:, None] * 10_000.0 ** (-torch.arange(half) / half)
    turn = torch.polar(torch.ones_like(angle), angle)
    for layer in model.layers:
        heads = layer.qkv(x).view(count, 3, c.heads, 2 * half).permute(1, 2, 0, 3)
        q, k_ = (torch.complex(y[..., :half], y[..., half:]) * turn for y in heads[:2])
        score = (q[:, :, None] * k_[:, None].conj()).real.sum(-1) / math.sqrt(2 * half) + bias
        y = torch.nan_to_num(score.softmax(-1)) @ heads[2]
        x = layer.norm1(x + layer.out(y.transpose(0, 1).reshape(count, c.width)))
        x = layer.norm2(x + layer.down(F.gelu(layer.up(x))))
    return x[place]


def test_acceptance_2_compact_and_padded_layouts_give_equal_scores(model, data, settings):
    model.double()  # sums in another order differ by more than 1e-5 in fp32 at these weights
    for sample in (0, 31, 77):
        graph = drawing.chain(data, 0, sample)
        batch = batch_of([graph], settings)
        everywhere = torch.arange(len(graph))
        with torch.no_grad():
            compact = model.predict(model.encode(batch), everywhere)
            padded = model.predict(padded_states(model, graph, settings.roots)[None], everywhere)
        torch.testing.assert_close(compact, padded, atol=1e-5, rtol=1e-4)


def test_a_packed_row_equals_each_sample_alone(model, data, settings):
    graphs = next(rows.stream(data))[0]
    assert len(graphs) > 1
    with torch.no_grad():
        packed = model.encode(batch_of(graphs, settings))[0]
        at = 0
        for graph in graphs:
            alone = model.encode(batch_of([graph], settings))[0, : len(graph)]
            torch.testing.assert_close(packed[at : at + len(graph)], alone, atol=1e-5, rtol=1e-5)
            at += len(graph)


def test_filler_has_finite_states_and_changes_nothing(model, data, settings):
    graph = drawing.chain(data, 0, 5)
    wide = dataclasses.replace(settings, row_tokens=160)
    with torch.no_grad():
        short, long = (model.encode(batch_of([graph], s))[0] for s in (settings, wide))
    assert short.isfinite().all() and long.isfinite().all()
    torch.testing.assert_close(short[: len(graph)], long[: len(graph)], atol=1e-5, rtol=1e-5)


def only_the_question(graph, kept):
    """The question without its known triples."""
    asked = next(t for t in graph.triples if graph.nodes[0, t[3]] == MASK)
    roots = int((graph.nodes[3] == 0).sum())
    return chains.Chain(graph.nodes[:, kept], ((*asked[:3], roots, asked[4]),))


def test_masked_leaves_of_one_root_are_told_apart(model, data, settings):
    bare = chains.query(data, data.names.index("alpha.order.load_order"), 9)
    kept = (bare.nodes[3] == 0) | (bare.nodes[0] == MASK)
    graph = only_the_question(bare, kept)
    leaves = torch.from_numpy(np.flatnonzero(graph.nodes[3]))
    assert (graph.nodes[0, leaves] == MASK).all()
    with torch.no_grad():
        scores = model.predict(model.encode(batch_of([graph], settings)), leaves)
        model.slots.weight.zero_()
        mirrored = model.predict(model.encode(batch_of([graph], settings)), leaves)
    assert (scores[0] - scores[-1]).abs().max() > 1e-3
    # The reason for slot vectors: without them the chain of leaves is its own mirror image.
    torch.testing.assert_close(mirrored, mirrored.flip(0), atol=1e-5, rtol=1e-5)


def test_left_and_right_of_a_root_are_told_apart(model, data, settings):
    graph = drawing.chain(data, 0, 0)
    other = dataclasses.replace(graph, nodes=graph.nodes.copy())
    middle = 6
    other.nodes[0, [middle - 1, middle + 1]] = other.nodes[0, [middle + 1, middle - 1]]
    assert graph.nodes[0, middle - 1] != graph.nodes[0, middle + 1]
    with torch.no_grad():
        a, b = (model.encode(batch_of([g], settings))[0, middle] for g in (graph, other))
    assert (a - b).abs().max() > 1e-4


def test_losses_equal_cross_entropy_over_all_positions(model, data, settings):
    graphs = next(rows.stream(data))[0]
    batch = batch_of(graphs, settings)
    labels = torch.from_numpy(np.concatenate([g.nodes[1] for g in graphs]).astype(np.int64))
    leaf = torch.from_numpy(np.concatenate([g.nodes[3] for g in graphs]))
    with torch.no_grad():
        mlm, sbo, mnm = model(batch)
        everything = model.predict(model.encode(batch), torch.arange(len(labels)))
    for value, part in ((mlm, leaf == 0), (mnm, leaf == 1)):
        expected = F.cross_entropy(everything[part], labels[part], ignore_index=-100, reduction="sum")
        torch.testing.assert_close(value, expected, atol=1e-4, rtol=1e-5)


def test_a_batch_without_leaves_has_an_mnm_loss_of_zero(model, data, settings):
    graph = drawing.chain(data, 0, 0)
    keep = graph.nodes[3] == 0
    bare = chains.Chain(graph.nodes[:, keep], (), graph.spans)
    losses = model(batch_of([bare], settings))
    assert losses[2].item() == 0 and losses[0].item() > 0 and losses[1].item() > 0
    losses.sum().backward()
    assert all(p.grad is not None for p in model.parameters()), "processes that train together wait for each"


def test_decay_has_the_values_of_the_paper():
    table = decay_table(0.6, 127).exp()
    # graphmer reference page, section 1.5: f at distances 0, 1, 2, 3, 5, 10, 20, 50, 127 for p = 1.
    expected = {0: 1.00, 1: 0.87, 2: 0.75, 3: 0.65, 5: 0.50, 10: 0.31, 20: 0.16, 50: 0.04, 127: 0.005}
    for distance, value in expected.items():
        assert table[distance].item() == pytest.approx(value, abs=0.006)


def test_documents_never_see_each_other(model, data, settings):
    batch = batch_of(next(rows.stream(data))[0], settings)
    bias = attention.geometry(batch, model.decay, False, "sdpa").bias[0, 0]
    same = batch.document[0][:, None] == batch.document[0][None]
    assert (bias[~same] == float("-inf")).all() and bias[same].isfinite().all()
    assert (bias.diagonal() == 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bit_arithmetic_gives_nearly_the_same_losses_and_fp32_gradients(model, data, settings, dtype):
    batch = batch_of(next(rows.stream(data))[0], settings)
    with torch.no_grad():
        exact = model(batch)
    with torch.autocast("cpu", dtype):
        losses = model(batch)
    losses.sum().backward()
    torch.testing.assert_close(losses, exact, rtol=0.02, atol=0.1)
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters())


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="width"):
        Config(width=100, heads=3)
