"""The loop and its files: learns, stops cleanly, continues exactly, refuses what does not fit."""

import json
import signal
import threading

import pytest
import torch
from graphmer import launch, state, train
from graphmer.model import Config, GraphMER
from graphmer.run import check_team
from graphmer.train import Settings, learning_rate
from safetensors.torch import load_file, save_file

SHAPE = Config(
    width=32, heads=2, hidden=64, layers=1, vocabulary=600, roots=32, dropout=0.1, relation_dropout=0.3
)  # fmt: skip
STEPS = Settings(steps=24, rows=2, accumulate=2, warmup=4, lr=3e-3, log_every=1)


def fresh():
    torch.manual_seed(0)
    return GraphMER(SHAPE)


def losses(run):
    return [(line["mlm"], line["sbo"], line["mnm"]) for line in run.history]


@pytest.fixture(scope="module")
def whole(data):
    return train.train(fresh(), data, STEPS)


def test_the_three_losses_fall(whole):
    for kind in (0, 1, 2):
        values = [pair[kind] for pair in losses(whole)]
        assert sum(values[-4:]) < sum(values[:4]) - 1.0


def test_a_run_stopped_between_two_log_lines_continues_their_mean(data, tokenizer, settings, tmp_path):
    often = Settings(**{**STEPS.__dict__, "steps": 12, "log_every": 5})
    whole = train.train(fresh(), data, often)
    asked = []
    part = train.train(fresh(), data, often, should_stop=lambda: bool(asked.append(1)) or len(asked) == 7)
    assert part.step == 7 and len(part.history) == 1
    state.write(tmp_path, part, tokenizer, settings)
    loaded = state.read(tmp_path)
    run = train.train(loaded.run.model, data, often, run=loaded.run)
    assert [line["step"] for line in run.history] == [5, 10, 12]
    for ours, theirs in zip(losses(run), losses(whole), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_accumulated_rows_give_the_gradient_of_one_large_batch(data):
    shape = Config(**{**SHAPE.__dict__, "dropout": 0.0, "relation_dropout": 0.0})
    results = []
    for rows, accumulate in ((4, 1), (1, 4)):
        torch.manual_seed(0)
        model = GraphMER(shape)
        train.train(model, data, Settings(steps=2, rows=rows, accumulate=accumulate, warmup=0, log_every=1))
        results.append(model.state_dict())
    for name, value in results[0].items():
        torch.testing.assert_close(value, results[1][name], atol=1e-5, rtol=1e-4)


def test_the_stop_button_ends_the_loop_after_a_whole_step(data):
    def press(line):
        if line["step"] == 3:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    run = train.train(fresh(), data, STEPS, on_log=press)
    assert run.stopped and run.step == 3 and len(run.history) == 3
    assert signal.getsignal(signal.SIGINT) is before
    again = train.train(run.model, data, STEPS, run=run)
    assert again.step == 24 and not again.stopped


def test_an_interrupt_raised_while_logging_ends_the_loop_too(data):
    def press(line):
        raise KeyboardInterrupt

    run = train.train(fresh(), data, STEPS, on_log=press)
    assert run.stopped and run.step == 1


def test_rates_leave_out_the_first_steps(whole):
    assert all(line["samples_per_s"] is None for line in whole.history[:10])
    assert all(line["tokens_per_s"] > line["samples_per_s"] > 0 for line in whole.history[10:])


def test_the_learning_rate_warms_up_and_ends_at_its_minimum():
    s = Settings(steps=1000, lr=4e-4, min_lr=1e-5)
    assert learning_rate(0, s) == pytest.approx(4e-6)
    assert learning_rate(99, s) == pytest.approx(4e-4)
    assert learning_rate(1000, s) == pytest.approx(1e-5)
    assert all(learning_rate(i, s) >= learning_rate(i + 1, s) for i in range(100, 1000))
    short = Settings(steps=100, lr=4e-4)  # a length that the form offers is not all warm-up
    assert learning_rate(19, short) == pytest.approx(4e-4) and learning_rate(99, short) < 2e-5
    assert learning_rate(0, Settings(steps=1, lr=4e-4)) == pytest.approx(4e-4)


def test_norms_biases_embeddings_and_attention_vectors_are_not_decayed():
    run = train.new_run(fresh(), STEPS)
    names = {id(p): n for n, p in run.model.named_parameters()}
    decayed = {names[id(p)] for p in run.optimizer.param_groups[0]["params"]}
    expected = {
        "layers.0.qkv",
        "layers.0.out",
        "layers.0.up",
        "layers.0.down",
        "transform",
        "span.dense1",
        "span.dense2",
    }
    assert decayed == {f"{n}.weight" for n in expected} | {"hgat.W"}
    assert sum(len(g["params"]) for g in run.optimizer.param_groups) == len(names)


def test_the_padding_row_stays_zero(whole):
    assert (whole.model.tokens.weight[0] == 0).all()


def test_the_best_weights_by_validation_are_kept_and_an_end_without_progress_is_one(
    data, tokenizer, settings, tmp_path
):
    held = train.validation_batches(data, 2, torch.device("cpu"), most=4)
    often = Settings(**{**STEPS.__dict__, "valid_every": 2, "patience": 2, "lr": 3.0, "clip": 1e9})  # it diverges
    run = train.train(fresh(), data, often, valid=held)
    measured = [line["valid_mnm"] for line in run.history if "valid_mnm" in line]
    assert run.ended and not run.stopped and run.step < 24
    assert run.best["mnm"] == min(measured) and measured[-2:] > [run.best["mnm"]] * 2
    state.write(tmp_path, run, tokenizer, settings)
    best, step = state.best_model(tmp_path)
    assert step == run.best["step"] and train.validate(best, held)["mnm"] == pytest.approx(run.best["mnm"], abs=1e-5)
    again = state.read(tmp_path).run
    assert again.ended and (again.best, again.worse) == (run.best, run.worse)


def test_the_official_reduction_is_one_mean_over_roots_and_leaves(data):
    work = next(train._steps(data, train.Cursor(), STEPS, torch.device("cpu"), train.Team()))
    official = Settings(**{**STEPS.__dict__, "reduction": "official"})
    counts = [
        sum(len(getattr(b, name)) for _, b in work.batches) for name in ("root_target", "span_target", "leaf_target")
    ]
    weights = train._weights(official, work, torch.device("cpu"), train.Team()).weights
    joint = 1 / (counts[0] + counts[2])
    assert weights.tolist() == pytest.approx([joint, 1 / counts[1], joint])
    with pytest.raises(ValueError, match="reduction"):
        Settings(reduction="sum")


def test_batches_made_ahead_are_the_same_and_an_error_arrives():
    from graphmer.rows import ahead

    threads = threading.active_count()
    taken = ahead(iter(range(100)))
    assert [next(taken) for _ in range(50)] == list(range(50)) and list(ahead(iter(range(5)))) == list(range(5))
    taken.close()
    assert threading.active_count() == threads, "none is left inside torch when Python ends"

    def broken():
        yield 1
        raise OSError("the disk is gone")

    items = ahead(broken())
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)


@pytest.fixture
def saved(whole, tokenizer, settings, tmp_path):
    state.write(tmp_path, whole, tokenizer, settings)
    return tmp_path


def test_a_saved_run_holds_the_tied_table_once_and_no_pickle(saved):
    assert sum(t.shape == (600, 32) for t in load_file(saved / "model.safetensors").values()) == 1
    assert {f.suffix for f in saved.iterdir()} == {".json", ".safetensors"}


def test_a_missing_tensor_raises(saved):
    weights = load_file(saved / "model.safetensors")
    del weights["bias"]
    save_file(weights, saved / "model.safetensors")
    with pytest.raises(state.StateError, match="first bias"):
        state.load_model(saved / "model.safetensors", SHAPE)


NAMES = ("model.safetensors", "optimizer.safetensors", "config.json", "chains.json", "tokenizer.json", "relations.json",
         "state.json")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_or_missing_file_is_named(saved, name):
    (saved / name).write_bytes((saved / name).read_bytes()[:-9])
    with pytest.raises(state.StateError, match=name.replace(".", r"\.")):
        state.read(saved)
    (saved / name).unlink()
    with pytest.raises(state.StateError, match=name.replace(".", r"\.")):
        state.read(saved)


def test_other_relations_are_refused(saved):
    relations = json.loads((saved / "relations.json").read_text())
    (saved / "relations.json").write_text(json.dumps(dict(list(relations.items())[:-1])))
    with pytest.raises(state.StateError, match=r"relations\.json"):
        state.read(saved)


SHARED = [(1, 2, 1), (2, 2, 2), (2, 4, 2), (2, 1, 1), (6, 4, 3)]


@pytest.mark.parametrize(("micro_batches", "gpus", "train_together"), SHARED)
def test_no_more_gpus_train_than_micro_batches_can_be_dealt_out_to(monkeypatch, micro_batches, gpus, train_together):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    together = launch.team(Settings(steps=1, accumulate=micro_batches))
    assert together == train_together
    check_team(Settings(steps=1, accumulate=micro_batches), together)
