"""The acceptance tests of the method, by number. Those of single parts stand beside them: 1 and 4 in
test_graphmer_chains.py, 2 and 3 in test_graphmer_model.py, the number in their names."""

import dataclasses
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from graphmer import attention, cache, chains, corpus, knowledge, launch, ranking, rows, splits, state, train
from graphmer.device import to_torch
from graphmer.knowledge import QUERIED, RELATIONS, Definition
from graphmer.model import PRESETS, Config, GraphMER, count_parameters
from graphmer.train import Settings

from tests.library.graphmer_worlds import shop, write_tree

CPU = torch.device("cpu")
SHAPE = Config(width=32, heads=2, hidden=64, layers=2, vocabulary=600, roots=32, dropout=0.0, relation_dropout=0.0)


def encoded(data, settings, kind, backward=True, **changes):
    torch.manual_seed(3)
    model = GraphMER(dataclasses.replace(SHAPE, **changes)).eval()
    if model.p is not None:
        with torch.no_grad():
            model.p.copy_(torch.tensor([0.7, 1.6]))
    model.attention = kind
    wide = dataclasses.replace(settings, row_tokens=128)
    batch = to_torch(rows.collate([next(rows.stream(data))[0] for _ in range(2)], wide), CPU)
    if not backward:
        with torch.no_grad():
            return model.encode(batch)[batch.document > 0]
    states = model.encode(batch)
    states[batch.document > 0].square().sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    return states[batch.document > 0].detach(), gradient


def test_acceptance_5_additive_and_multiplicative_decay_agree_at_lambda_one(data, settings):
    additive, _ = encoded(data, settings, "eager", decay=1.0)
    multiplicative, _ = encoded(data, settings, "eager", decay=1.0, decay_mode="multiplicative")
    torch.testing.assert_close(additive, multiplicative, atol=1e-6, rtol=1e-5)
    differ, _ = encoded(data, settings, "eager", decay_mode="multiplicative")
    assert (encoded(data, settings, "eager")[0] - differ).abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["sdpa", "graphs"])
def test_acceptance_5_sdpa_by_rows_or_graphs_equals_eager_in_values_and_gradients(data, settings, kind):
    for ours, reference in zip(encoded(data, settings, kind), encoded(data, settings, "eager"), strict=True):
        scale = reference.abs().max()  # of states 3, of gradients 740, in fp32
        torch.testing.assert_close(ours / scale, reference / scale, atol=1e-6, rtol=0)


@pytest.mark.filterwarnings("ignore:.*flex_attention called without torch.compile.*")
@pytest.mark.parametrize("mode", ["additive", "multiplicative"])
def test_acceptance_5_flex_attention_equals_eager(data, settings, mode):
    """Values only: torch 2.13 has no backward pass of FlexAttention on a CPU."""
    ours, reference = (encoded(data, settings, kind, backward=False, decay_mode=mode) for kind in ("flex", "eager"))
    torch.testing.assert_close(ours, reference, atol=1e-4, rtol=1e-4)


def test_acceptance_5_without_a_gpu_the_choice_is_graphs_and_eager():
    assert attention.choose("cpu", False)[0] == "graphs" and attention.choose("cpu", True)[0] == "eager"


@pytest.mark.parametrize("name", PRESETS)
def test_acceptance_6_parameter_counts_follow_from_the_shape(name):
    c = PRESETS[name]
    with torch.device("meta"):
        counted = count_parameters(GraphMER(c))
        ranked = count_parameters(GraphMER(dataclasses.replace(c, hgat_rank=16)))
    d, f, k = c.width, c.hidden, c.leaf_slots
    layer = (3 * d * d + 3 * d) + (d * d + d) + (2 * d * f + f + d) + 4 * d
    hgat = (c.relations + 1) * (d * d + 2 * d)
    transform, span = d * d + d + 2 * d, 4 * d * d + 2 * d + 4 * d + k * d
    expected = c.vocabulary * (d + 1) + k * d + 2 * d + c.layers * layer + hgat + transform + span
    assert counted == expected
    assert counted - ranked == (c.relations + 1) * (d * d - 2 * 16 * d)
    # The reference's 111.8M, 52.5M and 6.8M count a second transform of d x d that our heads share.
    millions = {"base": 111.3, "small": 52.3, "smoke": 6.8, "tiny": 1.5}
    assert counted / 1e6 == pytest.approx(millions[name], abs=0.05)


def test_acceptance_7_relations_decide_the_answer(tokenizer):
    """32 texts, two relations with different tails each: learned by heart, and wrong when the relations are swapped."""
    tails = [f"m.{a}" for a in ("load", "save", "count", "merge", "check", "find", "drop", "order")]
    definitions, triples = [], []
    for i in range(32):
        name = f"m{i}.thing{i}"
        pair = (("calls", tails[i % 8]), ("raises", tails[(i + 1 + i // 8) % 8]))
        definitions.append(
            Definition(name, "Function", f"m{i}", "", "", f"def thing{i}(item):", f"Number {i}.", "", pair)
        )
        triples += [(name, *edge) for edge in pair]
    smoke = dataclasses.replace(PRESETS["smoke"], vocabulary=600, roots=32, leaf_slots=7, layers=2, dropout=0.0)
    hard = corpus.ChainSettings(
        roots=32, row_tokens=128, heads=4, leaf_mask=1.0, sig_doc_share=1.0, chunk_share=0.0, alone=1.0, root_mask=0.0,
        shuffle_window=32,
    )  # fmt: skip
    data = corpus.build_corpus(definitions, triples, tokenizer, hard)
    torch.manual_seed(0)
    model = GraphMER(dataclasses.replace(smoke, width=64, heads=2, hidden=256, relation_dropout=0.0))
    train.train(model, data, Settings(steps=240, rows=7, warmup=20, lr=3e-3))
    bare = corpus.build_corpus(definitions, (), tokenizer, hard)
    ids = {relation: RELATIONS.index(relation) + 1 for relation in ("calls", "raises")}
    answers = ranking.spell(tokenizer, [t.rpartition(".")[2] for d in definitions for _, t in d.triples], 7).tolist()
    right = {}
    for swapped in (False, True):
        questions = [
            chains.query(bare, i, ids[other if swapped else relation])
            for i, d in enumerate(definitions)
            for (relation, _), (other, _) in zip(d.triples, d.triples[::-1], strict=True)
        ]
        best = ranking.slot_scores(model, questions, hard).argmax(-1).tolist()
        right[swapped] = sum(
            b[: len(used)] == used for b, a in zip(best, answers, strict=True) if (used := [x for x in a if x >= 0])
        )
    assert right[False] > 0.95 * 64
    assert right[True] < 0.10 * 64


STEPS = Settings(steps=10, rows=2, accumulate=2, warmup=4, lr=3e-3, log_every=1, valid_every=4)
DROPPING = dataclasses.replace(SHAPE, layers=1, dropout=0.1, relation_dropout=0.3)


def fresh():
    torch.manual_seed(0)
    return GraphMER(DROPPING)


KILLED = """
import os, sys
from pathlib import Path
import torch
from graphmer import cache, state, train
folder, at = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
saved, data = state.read(folder / "start"), cache.load(folder / "data")
forwards = [0]

def count(module, inputs):
    forwards[0] += 1
    if forwards[0] == at:  # in the middle of a step: its micro-batches are half done
        os.kill(os.getpid(), 9)

saved.run.model.register_forward_pre_hook(count)

def save(line):
    kept = folder / f"kept-{line['step']}"
    kept.mkdir()
    state.write(kept, saved.run, saved.tokenizer, saved.chains)

held = train.validation_batches(data, 2, torch.device("cpu"), 4)
train.train(saved.run.model, data, saved.run.settings, save, run=saved.run, valid=held)
"""


def test_acceptance_8_a_run_killed_within_a_step_ends_as_an_undisturbed_one_on_one_or_two_processes(
    data, tokenizer, settings, tmp_path
):
    held = train.validation_batches(data, 2, CPU, 4)
    whole = train.train(fresh(), data, STEPS, valid=held)
    (tmp_path / "start").mkdir()
    state.write(tmp_path / "start", train.new_run(fresh(), STEPS), tokenizer, settings)
    cache.save(data, tmp_path / "data")
    library = Path(chains.__file__).parents[1]
    at = random.Random(0).randrange(7, 15)
    code = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(at)], env={**os.environ, "PYTHONPATH": str(library)}
    ).returncode
    assert code == -9
    kept = sorted(tmp_path.glob("kept-*"), key=lambda p: int(p.name[5:]))[-2]  # the last may be half written
    step = int(kept.name[5:])
    assert 0 < step < 10
    alone = state.read(kept).run
    alone = train.train(alone.model, data, STEPS, run=alone, valid=held)
    seen, kept_states = [], []
    two = launch.train(
        state.read(kept).run, data, STEPS, tokenizer, tmp_path / "job", 2, seen.append,
        on_save=lambda folder, at: kept_states.append((at, json.loads((folder / "state.json").read_text())["step"])),
        valid=data,
    )  # fmt: skip
    assert [line["step"] for line in seen] == list(range(step + 1, 11)) and kept_states == [(10, 10)]
    for run in (alone, two):
        assert (run.step, run.samples, run.tokens, run.cursor) == (10, whole.samples, whole.tokens, whole.cursor)
        for ours, theirs in zip(run.history, whole.history, strict=True):
            for kind in ("mlm", "sbo", "mnm"):
                assert ours[kind] == pytest.approx(theirs[kind], abs=1e-5)
        for name, value in run.model.state_dict().items():
            torch.testing.assert_close(value, whole.model.state_dict()[name], atol=2e-5, rtol=1e-4)


def test_acceptance_8_two_processes_stop_together(data, tokenizer, settings, tmp_path):
    seen = []
    run = launch.train(
        train.new_run(fresh(), STEPS), data, dataclasses.replace(STEPS, steps=100_000, valid_every=0), tokenizer,
        tmp_path / "job", 2, seen.append, should_stop=lambda: len(seen) >= 3,
    )  # fmt: skip
    assert run.stopped and 3 <= run.step < 100_000 and run.step == len(run.history)
    uneven = dataclasses.replace(STEPS, accumulate=3)
    with pytest.raises(ValueError, match="3 micro-batches a step cannot be dealt out to 2 processes"):
        launch.train(train.new_run(fresh(), uneven), data, uneven, tokenizer, tmp_path / "job", 2)


@pytest.fixture(scope="module")
def asked(kg, tokenizer, settings):
    split = splits.hold_out(kg, test_share=0.4)
    return split, {t: ranking.make_questions(split, t, tokenizer, settings, 150) for t in split.tests}


def mrr(model, questions, settings):
    slots = ranking.slot_scores(model, questions.chains[0], settings)
    pairs = zip(slots, questions.gold, questions.known, strict=True)
    return np.mean([1 / ranking.rank(ranking.candidate_scores(s, questions.spelled), g, k) for s, g, k in pairs])


def test_acceptance_9_an_untrained_checkpoint_is_at_random_level_and_a_trained_one_is_not(
    asked, tokenizer, settings, tmp_path
):
    split, questions = asked
    data = corpus.build_corpus(split.train_definitions, split.train, tokenizer, settings, split.hidden)
    scores = {}
    for steps in (0, 40):
        folder = tmp_path / str(steps)
        folder.mkdir()
        run = train.new_run(fresh(), Settings(steps=steps, rows=4, warmup=5, lr=3e-3))
        state.write(folder, train.train(run.model, data, run.settings, run=run), tokenizer, settings)
        model, step = state.best_model(folder)
        assert step == steps
        scores[steps] = [mrr(model, questions[test], settings) for test in split.tests]
    names = len(questions[splits.UNSEEN].names)
    random_level = np.mean(1 / np.arange(1, names + 1))
    # A short name needs fewer tokens, so even an untrained network ranks a little above chance.
    assert all(untrained < 2 * random_level for untrained in scores[0])
    assert all(trained > 2 * untrained for untrained, trained in zip(scores[0], scores[40], strict=True))


def test_acceptance_9_a_wrong_shape_checkpoint_raises_and_names_the_file(tokenizer, settings, tmp_path):
    state.write(tmp_path, train.new_run(fresh(), STEPS), tokenizer, settings)
    for wrong in ({"width": 64}, {"layers": 2}, {"norm": "pre"}, {"hgat": False}):
        with pytest.raises(state.StateError, match=r"model\.safetensors: \d+ tensors do not fit"):
            state.load_model(tmp_path / "model.safetensors", dataclasses.replace(DROPPING, **wrong))


def test_acceptance_10_a_graph_built_in_another_directory_order_has_the_same_hash(tmp_path, monkeypatch):
    write_tree(tmp_path, shop("one", 1) | shop("two", 2))
    before = knowledge.build([tmp_path])
    walk = os.walk

    def shuffled(*args, **options):
        draw = random.Random(3)
        for folder, names, files in walk(*args, **options):
            draw.shuffle(names)
            draw.shuffle(files)
            yield folder, names, files

    monkeypatch.setattr(os, "walk", shuffled)
    after = knowledge.build([tmp_path])
    assert after.manifest == before.manifest and after.triples == before.triples


def test_acceptance_10_no_test_triple_body_or_package_is_in_train(standard_library):
    split = splits.hold_out(standard_library[0])
    train_triples, packages = set(split.train), {splits.package(t[0]) for t in split.train}
    assert all(len(test) > 1000 for test in split.tests.values())
    for test in split.tests.values():
        assert not set(test) & train_triples
    assert not {splits.package(t[0]) for t in split.tests[splits.UNSEEN]} & packages
    assert not {splits.package(d.name) for d in split.test_definitions} & packages
    sides = (split.train_definitions, split.valid_definitions, split.test_definitions)
    bodies = [{splits.body_key(d) for d in side} - {""} for side in sides]
    assert not bodies[0] & bodies[1] and not bodies[0] & bodies[2] and not bodies[1] & bodies[2]
    assert {t[1] for t in split.tests[splits.RANDOM]} <= set(QUERIED)


def test_acceptance_11_a_hundred_steps_of_smoke_take_less_than_three_minutes(kg, tokenizer):
    """Ten steps of the full shape, 8 samples each, in this process's own time: ten times that is the limit."""
    import time

    shape = PRESETS["smoke"]
    settings = corpus.ChainSettings(roots=shape.roots, leaf_slots=shape.leaf_slots, row_tokens=256)
    data = corpus.build_corpus(kg.definitions, kg.triples, tokenizer, settings)
    torch.manual_seed(0)
    began = time.process_time()
    run = train.train(GraphMER(shape), data, Settings(steps=10, rows=2, warmup=2, log_every=1))
    assert run.step == 10 and 60 < run.samples < 120 and run.history[-1]["mlm"] < run.history[0]["mlm"]
    assert time.process_time() - began < 2 * 180 / 10, "two cores have 360 seconds of their own in three minutes"
