"""The figures: baselines count what they say, ranks are fair, the verdict is honest."""

import json

import numpy as np
import pytest
import torch
from graphmer import baselines, corpus, embeddings, evaluate, plots, ranking, splits, tasks, train, verdict
from graphmer.baselines import Counts
from graphmer.knowledge import QUERIED
from graphmer.model import Config, GraphMER
from graphmer.ranking import rank
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
    scores = ranking.candidate_scores(slots, spelled)
    assert scores[0] == pytest.approx((slots[0, 7] + slots[1, 9] + slots[2, SEP]).item(), rel=1e-5)
    assert scores[1] == pytest.approx((slots[0, 5] + slots[1, SEP]).item(), rel=1e-5)
    assert scores[2] == pytest.approx(sum(slots[i, t] for i, t in enumerate([6, 7, 8, 9])).item(), rel=1e-5)
    assert scores[3] == -np.inf


@pytest.fixture(scope="module")
def split(kg):
    return splits.hold_out(kg, test_share=0.4)


@pytest.fixture(scope="module")
def train_data(split, tokenizer, settings):
    return corpus.build_corpus(split.train_definitions, split.train, tokenizer, settings, split.hidden)


@pytest.fixture(scope="module")
def results(split, train_data, tokenizer, kg):
    torch.manual_seed(0)
    model = GraphMER(SHAPE)
    run = train.train(model, train_data, train.Settings(steps=40, rows=4, warmup=5, lr=3e-3))
    return evaluate.evaluate(
        run.model, split, kg.kinds, train_data, tokenizer, limit=60, search=30, mlm_rows=4, embedding_steps=20
    )


def test_the_results_are_plain_numbers_for_json(results):
    assert json.loads(json.dumps(results)) == results


def test_every_method_has_its_row_in_both_tests(results):
    for test in (splits.RANDOM, splits.UNSEEN):
        rows = results["tests"][test]["link"]
        assert {*baselines.METHODS, "copy from the body", "untrained model", "model"} <= set(rows)
        assert ("TransE" in rows) == ("ComplEx" in rows) == (test == splits.RANDOM), "unseen heads have no embedding"
        assert all(row["mrr_low"] <= row["mrr"] <= row["mrr_high"] for row in rows.values())
        assert sum(r["questions"] for r in results["tests"][test]["relations"].values()) == 60


def test_copying_from_the_body_beats_what_does_not_see_it(results):
    for judged in results["tests"].values():
        assert judged["link"]["copy from the body"]["mrr"] > judged["link"]["relation frequency"]["mrr"] + 0.01


def test_the_trained_model_reads_better_than_an_even_guess(results):
    assert results["mlm"]["perplexity"] < 600
    assert results["mlm"]["tokens"] > 40


def test_embeddings_learn_triples_by_heart_and_know_nothing_of_other_heads():
    draw = np.random.default_rng(0)
    triples = [(f"m.f{i}", "calls", f"x.t{int(draw.integers(12))}") for i in range(60)]
    names = sorted({t[2].rpartition(".")[2] for t in triples})
    for kind in (embeddings.TransE, embeddings.ComplEx):
        method = embeddings.Embedded(kind, triples, names, steps=150)
        best = [names[int(method.scores(h, r).argmax())] == t.rpartition(".")[2] for h, r, t in triples]
        assert np.mean(best) > 0.9
        assert method.scores("m.other", "calls") is None


def test_scores_do_not_depend_on_how_questions_are_packed(split, tokenizer, settings):
    graphs = ranking.make_questions(split, splits.UNSEEN, tokenizer, settings, 9).chains[0]
    torch.manual_seed(0)
    model = GraphMER(SHAPE)
    together = ranking.slot_scores(model, graphs, settings)
    alone = torch.cat([ranking.slot_scores(model, [c], settings) for c in graphs])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_evaluation_switches_dropout_off(split, tokenizer, settings):
    graphs = ranking.make_questions(split, splits.RANDOM, tokenizer, settings, 5).chains[0]
    model = GraphMER(Config(**{**SHAPE.__dict__, "dropout": 0.5})).train()
    first, second = (ranking.slot_scores(model, graphs, settings) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("test", [splits.RANDOM, splits.UNSEEN])
def test_questions_are_test_triples_and_their_candidates_come_from_train(split, tokenizer, settings, test):
    questions = ranking.make_questions(split, test, tokenizer, settings, 50)
    assert set(questions.triples) <= set(split.tests[test])
    assert {r for _, r, _ in questions.triples} <= set(QUERIED)
    trained = {t.rpartition(".")[2] for _, _, t in split.train}
    assert set(questions.names) <= trained
    for (_, _, tail), gold in zip(questions.triples, questions.gold, strict=True):
        assert gold is None or questions.names[gold] == tail.rpartition(".")[2]


def test_a_question_shows_known_triples_and_never_its_answer(split, tokenizer, settings):
    questions = ranking.make_questions(split, splits.RANDOM, tokenizer, settings, 60)
    train_names = {(h, t.rpartition(".")[2]) for h, _, t in split.train}
    context = 0
    for (head, _, tail), graph in zip(questions.triples, questions.chains[0], strict=True):
        for _, _, _, first, count in graph.triples:
            ids = [i for i in graph.nodes[0, first : first + count].tolist() if i > 4]
            if ids:
                context += 1
                shown = tokenizer.decode(ids).strip()
                assert (
                    shown != tail.rpartition(".")[2]
                    or (head, shown) in train_names
                    or shown in {n for _, n in train_names}
                )
    assert context > 20


def test_an_answer_that_the_leaves_cannot_spell_ranks_last(tokenizer):
    spelled = ranking.spell(tokenizer, ["load_order", "x" * 60], 7)
    scores = ranking.candidate_scores(torch.randn(7, 600).log_softmax(-1), spelled)
    assert scores[1] == -np.inf and rank(scores, 1, ()) == 2.0


def test_a_split_without_questions_says_so(split, tokenizer, settings):
    import dataclasses

    empty = dataclasses.replace(split, tests={splits.UNSEEN: ()})
    with pytest.raises(ValueError, match="unseen packages"):
        ranking.make_questions(empty, splits.UNSEEN, tokenizer, settings, 5)


def test_code_search_finds_an_identical_text_and_counts_ranks(split, tokenizer, settings):
    model = GraphMER(SHAPE)
    found = tasks.code_search(model, split.test_definitions, tokenizer, settings, 20)
    assert found["pairs"] == 20 and 0 < found["model"] <= 1 and 0 < found["tf-idf"] <= 1


def test_a_docstring_is_removed_and_the_rest_of_the_code_stays():
    bare = "def f(x):\n    return x"
    assert tasks.without_docstring('def f(x):\n    """Say.\n\n    More."""\n    return x') == bare
    assert tasks.without_docstring(bare) == bare
    assert tasks.without_docstring('def f(x):\n    """Only this."""') == "" == tasks.without_docstring("def f(:")


def test_identifiers_are_cut_into_words():
    assert tasks.subtokens("parseHTTPHeader_2(JSONDecoder)") == ["parse", "http", "header", "2", "json", "decoder"]


def test_types_of_answers_and_calibration_are_counted(split, tokenizer, settings, kg):
    questions = ranking.make_questions(split, splits.UNSEEN, tokenizer, settings, 10)
    allowed = tasks.allowed_types(questions.names, kg.kinds)
    sure = []
    for (_, relation, _), gold in zip(questions.triples, questions.gold, strict=True):
        score = np.full(len(questions.names), -50.0)
        score[gold if gold is not None else int(np.flatnonzero(~allowed[relation])[0])] = 0.0
        sure.append(score)
    judged = tasks.answers_judged(questions, sure, allowed)
    wrong = np.mean([gold is None for gold in questions.gold])
    assert judged["wrong_type"] == pytest.approx(wrong) and judged["ece"] == pytest.approx(wrong, abs=1e-6)


def test_counting_levels_lie_below_a_uniform_guess(train_data):
    levels = baselines.counting_levels(train_data, 600)
    assert 0 < levels.mnm < np.log(600) and 0 < levels.mlm < np.log(600)
    assert np.exp(levels.unigram).sum() == pytest.approx(1)


def fake(model, count, low, high, untrained=0.01):
    link = {"relation frequency": {"mrr": count}, "untrained model": {"mrr": untrained}, "model": {"mrr": model}}
    lead = {"mrr": model - count, "low": low, "high": high}
    return {"tests": {"unseen packages": {"link": link, "lead": lead, "best_count": "relation frequency"}}}


def test_the_verdict_says_when_the_model_beat_counting():
    text = verdict.sentences(fake(0.30, 0.25, 0.03, 0.07))
    assert text.startswith("On unseen packages the model beat the best counting method")


def test_the_verdict_says_when_the_model_is_worse():
    text = verdict.sentences(fake(0.10, 0.25, -0.2, -0.1))
    assert "the model did not beat the best counting method" in text and "untrained" not in text
    assert "untrained" in verdict.sentences(fake(0.012, 0.25, -0.2, -0.1))


def test_a_small_or_uncertain_lead_is_no_victory():
    for unclear in (fake(0.26, 0.25, 0.005, 0.015), fake(0.30, 0.25, -0.01, 0.1)):
        assert "the model did not clearly beat" in verdict.sentences(unclear)


def test_the_verdict_compares_with_what_similar_definitions_give_for_nothing():
    results = fake(0.30, 0.25, 0.03, 0.07)
    results["tests"]["unseen packages"]["alike"] = {"mrr": 0.01, "low": -0.002, "high": 0.02}
    text = verdict.sentences(results)
    assert "similar definitions needs no training either: the difference to that is +0.010, -0.002 to +0.020." in text


def test_the_verdict_says_what_each_part_of_the_model_is_worth():
    results = fake(0.30, 0.25, 0.03, 0.07)
    lead = {"mrr": 0.02, "low": 0.01, "high": 0.03}
    results["tests"]["unseen packages"]["adds"] = {"counts": lead, "encoder": {**lead, "low": -0.001}}
    text = verdict.sentences(results)
    assert "The counts is worth" not in text and "counts are worth something to it (+0.020, +0.010 to +0.030)" in text
    assert "What the encoder adds cannot be told from nothing (+0.020, -0.001 to +0.030)" in text
    results["tests"]["unseen packages"]["adds"] = {"encoder": {"mrr": -0.02, "low": -0.03, "high": -0.01}}
    assert "Without the encoder it is better (-0.020, -0.030 to -0.010)" in verdict.sentences(results)


def test_the_verdict_says_when_no_link_head_was_trained():
    results, said = fake(0.30, 0.25, 0.03, 0.07), "No link head was trained"
    judged = results["tests"]["unseen packages"] | {"adds": {}}
    assert said in verdict.sentences({"tests": {"unseen packages": judged}})
    judged["link"] = judged["link"] | {evaluate.LEAVES: {"mrr": 0.01}}
    assert said not in verdict.sentences({"tests": {"unseen packages": judged}})


def test_the_table_fits_a_phone(results):
    lines = verdict.table(results).split("\n")
    assert max(map(len, lines)) <= 70 and any(line.startswith("unseen packages: 60") for line in lines)


def test_each_relation_and_the_leaves_own_spelling_are_told_beside_counting(results):
    text = verdict.asides(results)
    for name, judged in results["tests"].items():
        leaves, count = (judged["link"].get(row) for row in (evaluate.LEAVES, "relation frequency"))
        leaves = leaves or judged["link"][evaluate.MODEL]
        first = f"first token among the ten likeliest {leaves['first_top10']:.1%} ({count['first_top10']:.1%})"
        assert f"{name}, spelled as leaves (relation frequency in brackets): {first}, whole name right" in text
        for relation, row in judged["relations"].items():
            assert f"{relation} {row['model']:.3f} ({row['best_count']:.3f}, n = {row['questions']:,})" in text


def test_the_bootstrap_interval_holds_the_difference():
    lead = ranking.bootstrap_lead(np.array([1.0, 2, 4, 1] * 30), np.array([2.0, 2, 8, 4] * 30))
    assert lead["low"] < lead["mrr"] < lead["high"]
    assert lead["mrr"] == pytest.approx((0.5 + 0 + 0.125 + 0.75) / 4)


def test_figures_are_returned_and_can_be_saved(results, tmp_path):
    history = [{"step": i, "mlm": 8 - i / 10, "sbo": 8.0, "mnm": 7 - i / 10} for i in range(10, 60, 10)]
    history[2] |= {"valid_mlm": 7.0, "valid_sbo": 8.0, "valid_mnm": 6.0}
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
    drawn = [line for line in lines if len(line.get_xdata()) == 5]
    assert len({line.get_linestyle() for line in drawn}) == len({line.get_marker() for line in drawn}) == 3
