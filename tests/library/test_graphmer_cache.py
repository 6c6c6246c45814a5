"""A corpus on disk is the one that was built, or it is built again."""

import dataclasses

import numpy as np
import pytest
import torch
from graphmer import cache, drawing, knowledge, ragged, rows
from graphmer.corpus import build_corpus
from labkit import Stop


def same(one, two):
    drawn = (drawing.draw(data, 3, np.arange(0, len(one), 7)) for data in (one, two))
    return all(torch.equal(*parts) for parts in zip(*(dataclasses.astuple(graphs) for graphs in drawn), strict=True))


def test_a_stored_corpus_gives_the_same_graphs_and_is_not_built_again(
    data, kg, tokenizer, settings, tmp_path, monkeypatch
):
    made = [cache.corpus(tmp_path, "x", kg.definitions, kg.triples, tokenizer, settings) for _ in range(1)]
    monkeypatch.setattr(cache, "build_corpus", lambda *_: pytest.fail("built although stored"))
    made.append(cache.corpus(tmp_path, "x", kg.definitions, kg.triples, tokenizer, settings))
    assert all(same(one, data) and one.names == data.names and one.entities == data.entities for one in made)


def test_a_full_disk_is_a_sentence_with_what_to_do_and_leaves_no_half_of_a_corpus_or_graph(
    kg, tokenizer, settings, small_disk
):
    small_disk.leave(20_000)
    with pytest.raises(Stop, match="corpus-.* cannot be written .*; free some space there"):
        cache.corpus(small_disk.path, "x", kg.definitions, kg.triples, tokenizer, settings)
    small_disk.leave(500)
    with pytest.raises(Stop, match="graph.json.gz cannot be written .*; free some space there"):
        knowledge.save(small_disk.path / "graph.json.gz", kg)
    assert not [path for path in small_disk.path.iterdir() if path.name.startswith(("corpus", "graph"))]


def test_its_arrays_are_mapped_and_not_read(data, tmp_path):
    cache.save(data, tmp_path / "c")
    base = cache.load(tmp_path / "c").views[0].flat
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_other_texts_triples_settings_or_tokens_are_another_corpus(kg, tokenizer, settings):
    import dataclasses

    base = (kg.definitions, kg.triples, tokenizer, settings, frozenset())
    others = [
        (kg.definitions[1:], *base[1:]),
        (base[0], kg.triples[1:], *base[2:]),
        (*base[:3], dataclasses.replace(settings, seed=5), base[4]),
        (*base[:4], frozenset({kg.definitions[0].name})),
    ]
    keys = {cache.key("x", *case) for case in (base, *others)} | {cache.key("y", *base)}
    assert len(keys) == 6


@pytest.mark.parametrize("name", ["corpus.json", "view-0.npy", "heads-1-offsets.npy", "small.npz"])
def test_a_damaged_file_means_no_corpus(data, tmp_path, name):
    cache.save(data, tmp_path / "c")
    whole = (tmp_path / "c" / name).read_bytes()
    for damage in (b"", whole[: len(whole) // 2]):
        (tmp_path / "c" / name).write_bytes(damage)
        assert cache.load(tmp_path / "c") is None
    (tmp_path / "c" / name).unlink()
    assert cache.load(tmp_path / "c") is None


def test_grouping_keeps_the_order_inside_a_group():
    made = ragged.grouped(np.array([2, 0, 2, 0]), np.array([10, 11, 12, 13]), 4)
    assert [item.tolist() for item in (made[i] for i in range(4))] == [[11, 13], [], [10, 12], []]
    assert ragged.ragged([[1, 2], [], [3]])[2].tolist() == [3] and ragged.ragged([[(1, 2)], []], 2)[0].tolist() == [
        [1, 2]
    ]


def test_rows_per_epoch_are_nearly_those_of_the_stream(data):
    counted = 0
    for _, cursor in rows.stream(data):
        if cursor.epoch:
            break
        counted += 1
    assert rows.rows_per_epoch(data) == pytest.approx(counted, rel=0.05)


def test_a_chunk_is_a_window_of_all_bodies_without_leaves(kg, tokenizer, settings):
    only = dataclasses.replace(settings, sig_doc_share=0.0, chunk_share=1.0)
    data = build_corpus(kg.definitions, kg.triples, tokenizer, only)
    drawn = drawing.draw(data, 0, np.arange(50))
    graphs = [drawn.graph(g) for g in range(50)]
    assert all(len(g) == settings.roots and not g.triples for g in graphs)
    flat = data.views[1].flat
    shown = graphs[0].nodes[0, 1:-1]
    labels = graphs[0].nodes[1, 1:-1]
    text = torch.from_numpy(np.where(labels >= 0, labels, shown))
    windows = torch.from_numpy(flat[: len(flat) // 30 * 30].astype(np.int64)).view(-1, 30)
    assert (windows == text.long()).all(1).any()
