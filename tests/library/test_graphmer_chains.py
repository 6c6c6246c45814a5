"""Leafy chain graphs: distances, masks, packing, and that nothing but the counters decides them."""

import dataclasses
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from graphmer import chains, corpus, drawing, knowledge, rows, tokens
from graphmer.chains import IGNORE
from graphmer.tokens import CLS, MASK, PAD, SEP

from tests.library import graphmer_slow
from tests.library.graphmer_worlds import floyd_warshall, write_tree


@pytest.mark.parametrize(("roots", "slots"), [(1, 1), (2, 3), (5, 7), (9, 2)])
def test_acceptance_1_distances_equal_floyd_warshall(roots, slots):
    anchor = np.concatenate([np.arange(roots), np.repeat(np.arange(roots), slots)])
    leaf = np.concatenate([np.zeros(roots, int), np.ones(roots * slots, int)])
    slot = np.concatenate([np.zeros(roots, int), np.tile(np.arange(slots), roots)])
    ours = chains.distance(anchor[:, None], leaf[:, None], slot[:, None], anchor[None], leaf[None], slot[None])
    assert (ours == floyd_warshall(roots, slots)).all()


def test_acceptance_1_neighbouring_leaves_are_one_step_apart_and_others_of_the_root_two():
    assert chains.distance(*map(np.array, (3, 1, 0, 3, 1, 1))) == 1
    assert chains.distance(*map(np.array, (3, 1, 0, 3, 1, 6))) == 2


def graphs_of(data, epoch=0, samples=None):
    drawn = drawing.draw(data, epoch, np.arange(len(data)) if samples is None else samples)
    return [drawn.graph(g) for g in range(len(drawn))]


@pytest.mark.parametrize("changes", [{}, {"leaf_slots": 3, "heads": 2, "chunk_share": 0.4, "alone": 0.0, "focus": 0.3}])
def test_drawing_many_at_once_equals_drawing_one_by_one_in_plain_python(kg, tokenizer, settings, changes):
    data = corpus.build_corpus(kg.definitions, kg.triples, tokenizer, dataclasses.replace(settings, **changes))
    for epoch in (0, 3):
        for sample, graph in enumerate(graphs_of(data, epoch)):
            slow = graphmer_slow.chain(data, epoch, sample)
            assert (graph.nodes == slow.nodes).all() and graph.nodes.dtype == slow.nodes.dtype
            assert (graph.triples, graph.spans) == (slow.triples, slow.spans)


def test_a_graph_is_a_function_of_seed_epoch_and_sample_alone(data):
    first, some = graphs_of(data, 1), np.arange(len(data))[::-7].copy()
    for sample, graph in zip(some, graphs_of(data, 1, some), strict=True):
        assert (graph.nodes == first[sample].nodes).all() and graph.triples == first[sample].triples
    other = graphs_of(data, 2)
    assert any(a.nodes.shape != b.nodes.shape or (a.nodes != b.nodes).any() for a, b in zip(first, other, strict=True))


def test_uniform_numbers_are_uniform_and_independent_of_how_many_are_drawn():
    many = chains.uniforms(1, 2, np.arange(2000), 50)
    assert abs(many.mean() - 0.5) < 0.005 and abs(many.std() - 12**-0.5) < 0.005
    assert (chains.uniforms(1, 2, 7, 10) == many[7, :10]).all()
    assert (drawing.uniforms(1, 2, torch.arange(2000), 50).numpy() == many).all()


def test_acceptance_4_nineteen_of_128_roots_are_masked_in_whole_words():
    # One word in three is two tokens long: ids 10 (" ab") and 11 ("c") make one, 12 is another, 13 is a sign.
    text = np.array([10, 11, 13, 12, 13] * 26)[:126]
    inside = np.zeros(20, bool)
    inside[10:13] = True
    spaced = np.zeros(20, bool)
    spaced[[10, 12]] = True
    world = SimpleNamespace(
        settings=corpus.ChainSettings(), device="cpu", text=torch.from_numpy(text), inside=torch.from_numpy(inside),
        spaced=torch.from_numpy(spaced),
    )  # fmt: skip
    draws = drawing.uniforms(0, 0, torch.arange(200), 4 * 128)
    begin = torch.zeros(200, dtype=torch.long)
    tokens, labels, spans = drawing._roots(world, begin, begin + 126, draws)
    words = [(i, min(i + 2, 127) if t == 10 else i + 1) for i, t in enumerate([CLS, *text.tolist()]) if t in (10, 12)]
    assert words[:3] == [(1, 3), (4, 5), (6, 8)]
    counts = []
    for sample, row in enumerate(labels.tolist()):
        masked = [i for i, label in enumerate(row) if label != IGNORE]
        counts.append(len(masked))
        own = spans[spans[:, 0] == sample, 1:].tolist()
        assert masked == sorted(i for first, count in own for i in range(first, first + count))
        assert all(row[i] == [CLS, *text.tolist(), SEP][i] for i in masked)
        assert row[0] == row[127] == IGNORE
        for first, end in words:
            assert len({label == IGNORE for label in row[first:end]}) == 1, "a word is masked whole or not at all"
    assert 0.75 < (tokens[labels != IGNORE] == MASK).float().mean() < 0.85
    assert max(counts) == 19 and np.mean(counts) > 18.9


def test_acceptance_4_a_masked_tail_is_masked_whole_and_hides_its_length(data):
    masked, drawn = 0, 0
    for graph in graphs_of(data):
        drawn += len(graph.triples)
        for _, _, _, first, count in graph.triples:
            ids, labels = graph.nodes[0, first : first + count], graph.nodes[1, first : first + count]
            target = labels[labels != IGNORE].tolist()
            if not target:
                assert MASK not in ids and PAD not in ids
                continue
            masked += 1
            assert (labels[: len(target)] != IGNORE).all(), "targets fill the first slots"
            closed = len(target) == data.settings.leaf_slots or target[-1] == SEP
            assert closed and SEP not in target[:-1]
            if MASK in ids:
                assert ids.tolist() == [MASK] * data.settings.leaf_slots
    # Three graphs in ten hide every tail, the others three tails in ten.
    assert 0.45 < masked / drawn < 0.58


def test_leaves_spell_a_tail_of_the_head_they_hang_on(data, tokenizer):
    inverse = {i: name for name, i in data.entities.items()}
    seen = 0
    for sample in range(0, len(data), 3):
        for (at, count, entity), view in itertools.product(data.heads[corpus.BODY][sample], [corpus.BODY]):
            text = tokenizer.decode(data.text(view, sample)[at : at + count].tolist()).strip()
            name = inverse[entity]
            assert text in (name, name.rpartition(".")[2])
            seen += 1
    assert seen > 100


def test_a_function_named_like_its_module_is_not_found_in_the_module_line(tmp_path, settings):
    kg = knowledge.build([write_tree(tmp_path, {"copy.py": '"""Copies."""\ndef copy(x):\n    return len(x)\n'})])
    tokenizer = tokens.train([d.source for d in kg.functions] * 3, 400)
    data = corpus.build_corpus(kg.definitions, kg.triples, tokenizer, settings)
    sample = data.names.index("copy.copy")
    graph = chains.query(data, sample, 9)
    head = next(t[1] for t in graph.triples if graph.nodes[0, t[3]] == MASK)
    before = tokenizer.decode(graph.nodes[0, 1:head].tolist())
    assert before.split() == ["module", "copy"], "on the line of names, and not in the line of the module"


def test_a_question_shows_no_body_and_masks_one_tail(data, tokenizer):
    sample = data.names.index("alpha.order.load_order")
    graph = chains.query(data, sample, 9)
    text = tokenizer.decode(graph.nodes[0, graph.nodes[3] == 0].tolist())
    assert "load the order" in text and "raise" not in text
    assert (graph.nodes[0] == MASK).sum() == 7 and (graph.nodes[3, graph.nodes[0] == MASK] == 1).all()
    assert chains.asked_leaves(graph).tolist() == np.flatnonzero(graph.nodes[0] == MASK).tolist()
    assert (graph.nodes[1] == IGNORE).all()


def test_rows_are_at_least_99_percent_full():
    draw = np.random.default_rng(0)
    lengths = np.minimum(768, draw.lognormal(4.2, 0.9, 2048).astype(int) + 8).tolist()
    packed = rows.pack(lengths, 768)
    assert sorted(i for row in packed for i in row) == list(range(2048))
    assert all(sum(lengths[i] for i in row) <= 768 for row in packed)
    assert sum(lengths) / (768 * len(packed)) >= 0.99


def test_rows_of_the_standard_library_are_at_least_99_percent_full(standard_library):
    definitions = standard_library[0].definitions[::8]
    tokenizer = tokens.train([d.source for d in definitions], 2000)
    for sizes in ({"roots": 128, "row_tokens": 768}, {"roots": 64, "row_tokens": 256}):
        settings = corpus.ChainSettings(**sizes, windows=2)
        data = corpus.build_corpus(definitions, standard_library[0].triples, tokenizer, settings)
        lengths = drawing.draw(data, 0, np.arange(2048)).lengths
        packed = rows.pack(lengths, settings.row_tokens)
        assert sum(lengths) / (settings.row_tokens * len(packed)) >= 0.99


def test_a_stream_taken_up_at_any_cursor_continues_the_same_rows(data):
    source = rows.stream(data)
    taken = [next(source) for _ in range(320)]
    assert taken[-1][1].epoch >= 1, "the test must cross an epoch"
    for stop in (1, 40, 100):
        resumed = rows.stream(data, taken[stop - 1][1])
        for graphs, cursor in taken[stop : stop + 30]:
            again, at = next(resumed)
            assert at == cursor
            assert all((a.nodes == b.nodes).all() for a, b in zip(graphs, again, strict=True))


def test_an_epoch_shows_every_sample_once(data):
    total = 0
    for graphs, cursor in rows.stream(data):
        if cursor.epoch:
            break
        total += len(graphs)
    assert total == len(data)


def test_acceptance_4_no_label_of_minus_100_enters_a_batch_and_every_other_does(data, settings):
    source = rows.stream(data)
    taken = [next(source)[0] for _ in range(4)]
    batch = rows.collate(taken, settings)
    labels = np.concatenate([g.nodes[1] for row in taken for g in row])
    targets = np.concatenate([batch.root_target, batch.leaf_target])
    assert (targets != IGNORE).all() and len(targets) == (labels != IGNORE).sum()
    assert (batch.leaf.reshape(-1)[batch.leaf_where] == 1).all()
    assert (batch.leaf.reshape(-1)[batch.root_where] == 0).all()
    assert (batch.document.reshape(-1)[batch.root_where] > 0).all()


def test_the_tokenizer_is_the_same_twice_and_after_saving(kg, tokenizer, tmp_path):
    again = tokens.train((d.source for d in kg.functions), 600)
    assert again.to_str() == tokenizer.to_str()
    tokens.save(tokenizer, tmp_path / "tokenizer.json")
    assert tokens.load(tmp_path / "tokenizer.json").to_str() == tokenizer.to_str()
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="tokenizer.json"):
        tokens.load(tmp_path / "tokenizer.json")


def test_an_identifier_is_never_glued_to_its_neighbours(tokenizer):
    ids = tokens.encode_batch(tokenizer, [" return self._next.load_order(x)"])[0]
    inside, _ = tokens.identifier_flags(tokenizer)
    pieces = [(tokenizer.decode([i]), bool(inside[i])) for i in ids]
    assert all(word.strip().replace("_", "a").isalnum() == flag for word, flag in pieces)


def test_units_that_are_remembered_have_the_ids_that_the_plain_tokenizer_gives(kg, tokenizer):
    odd = [f"ab{chr(c)}cd {chr(c)}+ {chr(c)}{chr(c)}\n\t x" for c in [*range(0x250), 0x301, 0x3042, 0x1F600, 0x10FFFF]]
    texts = ["", " ", "\x00", *odd, *(d.source for d in kg.functions)]
    plain = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    units = tokens.Units(tokenizer)
    assert tokens.encode_batch(units, texts[::2]) == plain[::2]
    assert tokens.encode_batch(units, texts) == plain, "in a second call, which knows some of them"
    assert min(tokens.encode_batch(tokenizer, ["x = '[MASK][PAD]'"])[0]) >= len(tokens.SPECIAL), "code is no mask"
    assert tokens.encode_batch(tokenizer, ["a \ud800 b"]) == tokens.encode_batch(tokenizer, ["a ? b"])


def test_rows_too_short_for_a_graph_are_refused():
    with pytest.raises(ValueError, match="row_tokens"):
        corpus.ChainSettings(roots=128, row_tokens=128)
