"""The figures: baselines count what they say, ranks are fair, the verdict is honest."""

import json

import numpy as np
import pytest
import torch
from graphmer import baselines, corpus, evaluate, plots, train
from graphmer.baselines import Counts, Split, rank
from graphmer.model import Config, GraphMER
from graphmer.tokens import SEP

SHAPE = Config(width=32, heads=2, hidden=64, layers=1, vocabulary=600, roots=32, dropout=0.0, relation_dropout=0.0)


def test_ties_share_their_mean_rank():
    assert rank(np.array([1.0, 1.0, 1.0, 0.0]), 0, ()) == 2.0
    assert rank(np.array([3.0, 2.0, 1.0]), 2, ()) == 3.0


def test_other_true_answers_do_not_count_against_the_gold_one():
    assert rank(np.array([3.0, 2.0, 1.0]), 2, (0,)) == 2.0


def test_an_answer_that_is_no_candidate_ranks_last():
    assert rank(np.zeros(50), None, ()) == 50.0


def test_counts_see_relation_module_package_and_short_name():
    calls = [("p.m.f", "calls", "x.one"), ("p.m.g", "calls", "x.one"), ("q.n.f", "calls", "x.two")]
    train_triples = [*calls, ("p.m.f", "raises", "x.two")]
    counts = Counts(train_triples, ["one", "two"])
    assert counts.scores("z.z", "calls", ("relation",)) == pytest.approx([2 / 3, 1 / 3])
    assert counts.scores("z.z", "raises", ("relation",)) == pytest.approx([0, 1])
    assert counts.scores("p.m.h", "calls", ("module",)) == pytest.approx([1, 0])
    assert counts.scores("q.other.h", "calls", ("package",)) == pytest.approx([0, 1])
    assert counts.scores("z.f", "calls", ("name",)) == pytest.approx([0.5, 0.5])


def test_a_candidate_scores_the_sum_of_its_tokens_and_its_end():
    slots = torch.randn(4, 20).log_softmax(-1)
    spelled = np.array([[7, 9, SEP, -1], [5, SEP, -1, -1], [6, 7, 8, 9], [-1, -1, -1, -1]])
    scores = evaluate.candidate_scores(slots, spelled)
    assert scores[0] == pytest.approx((slots[0, 7] + slots[1, 9] + slots[2, SEP]).item(), rel=1e-5)
    assert scores[1] == pytest.approx((slots[0, 5] + slots[1, SEP]).item(), rel=1e-5)
    assert scores[2] == pytest.approx(sum(slots[i, t] for i, t in enumerate([6, 7, 8, 9])).item(), rel=1e-5)
    assert scores[3] == -np.inf


@pytest.fixture(scope="module")
def split(kg):
    return baselines.split_packages(kg, test_share=0.4)


@pytest.fixture(scope="module")
def train_data(split, tokenizer, settings):
    return corpus.build_corpus(split.train_definitions, split.train, tokenizer, settings)


@pytest.fixture(scope="module")
def results(split, train_data, tokenizer):
    torch.manual_seed(0)
    model = GraphMER(SHAPE)
    run = train.train(model, train_data, train.Settings(steps=40, rows=4, warmup=5, lr=3e-3))
    return evaluate.evaluate(run.model, split, train_data, tokenizer, limit=120, mlm_rows=4)


def test_the_results_are_plain_numbers_for_json(results):
    assert json.loads(json.dumps(results)) == results


def test_an_untrained_model_is_near_random_and_a_trained_one_is_not(results):
    # A short name needs fewer tokens, so even an untrained network ranks a little above chance.
    untrained, trained = results["link"]["untrained model"], results["link"]["model"]
    assert untrained["mrr"] < 0.10 and untrained["exact"] == 0
    assert trained["mrr"] > 2 * untrained["mrr"]
    assert results["mlm"]["perplexity"] < 600


def test_scores_do_not_depend_on_how_queries_are_packed(split, tokenizer, settings, train_data):
    queries = evaluate.make_queries(split, tokenizer, settings, 9)
    torch.manual_seed(0)
    model = GraphMER(SHAPE)
    together = evaluate.slot_scores(model, queries.chains, settings)
    alone = torch.cat([evaluate.slot_scores(model, [c], settings) for c in queries.chains])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_evaluation_switches_dropout_off(split, tokenizer, settings):
    queries = evaluate.make_queries(split, tokenizer, settings, 5)
    model = GraphMER(Config(**{**SHAPE.__dict__, "dropout": 0.5})).train()
    first, second = (evaluate.slot_scores(model, queries.chains, settings) for _ in range(2))
    assert torch.equal(first, second)


def test_queries_are_test_triples_and_their_candidates_come_from_train(split, tokenizer, settings):
    queries = evaluate.make_queries(split, tokenizer, settings, 50)
    assert set(queries.triples) <= set(split.test)
    assert {r for _, r, _ in queries.triples} <= set(baselines.QUERIED)
    trained = {t.rpartition(".")[2] for _, _, t in split.train}
    assert set(queries.names) <= trained
    for (_, _, tail), gold in zip(queries.triples, queries.gold, strict=True):
        assert gold is None or queries.names[gold] == tail.rpartition(".")[2]


def test_a_split_without_queries_says_so(split, tokenizer, settings):
    empty = Split("nothing", split.train, (), split.train_definitions, split.test_definitions)
    with pytest.raises(ValueError, match="nothing"):
        evaluate.make_queries(empty, tokenizer, settings, 5)


def test_counting_levels_lie_below_a_uniform_guess(train_data):
    levels = baselines.counting_levels(train_data, 600)
    assert 0 < levels.mnm < np.log(600) and 0 < levels.mlm < np.log(600)
    assert np.exp(levels.unigram).sum() == pytest.approx(1)


def fake(model, count, low, high, untrained=0.01):
    link = {"relation frequency": {"mrr": count}, "untrained model": {"mrr": untrained}, "model": {"mrr": model}}
    lead = {"mrr": model - count, "low": low, "high": high}
    return {"link": link, "lead": lead, "best_count": "relation frequency", "queries": 100, "split": "unseen packages"}


def test_the_verdict_says_when_the_model_beat_counting():
    assert evaluate.verdict(fake(0.30, 0.25, 0.03, 0.07)).startswith("The model beat the best counting method")


def test_the_verdict_says_when_the_model_is_worse():
    text = evaluate.verdict(fake(0.10, 0.25, -0.2, -0.1))
    assert text.startswith("The model did not beat the best counting method") and "untrained" not in text
    assert "untrained" in evaluate.verdict(fake(0.012, 0.25, -0.2, -0.1))


def test_a_small_or_uncertain_lead_is_no_victory():
    for unclear in (fake(0.26, 0.25, 0.005, 0.015), fake(0.30, 0.25, -0.01, 0.1)):
        assert evaluate.verdict(unclear).startswith("The model did not clearly beat")


def test_the_bootstrap_interval_holds_the_difference():
    lead = evaluate.bootstrap_lead(np.array([1.0, 2, 4, 1] * 30), np.array([2.0, 2, 8, 4] * 30))
    assert lead["low"] < lead["mrr"] < lead["high"]
    assert lead["mrr"] == pytest.approx((0.5 + 0 + 0.125 + 0.75) / 4)


def test_figures_are_returned_and_can_be_saved(results, tmp_path):
    history = [{"step": i, "mlm": 8 - i / 10, "mnm": 7 - i / 10} for i in range(10, 60, 10)]
    words = ["def", "load", "(", "path", ")"]
    figures = (
        plots.plot_losses(history, **results["levels"]),
        plots.plot_results(results),
        plots.plot_chain(words, {1: ("calls", ["open"]), 3: ("has_method", ["read", "text"])}),
    )
    for i, figure in enumerate(figures):
        figure.savefig(tmp_path / f"{i}.png")
        assert (tmp_path / f"{i}.png").stat().st_size > 5000
    lines = figures[0].axes[0].get_lines()
    assert (
        len({line.get_linestyle() for line in lines[:2]}) == 2 and len({line.get_marker() for line in lines[:2]}) == 2
    )
