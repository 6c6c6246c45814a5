"""What is exported loads elsewhere, without remote code, and computes what it says."""

import dataclasses
import json
import types

import pytest
import torch
from graphmer import (
    ablation,
    card,
    chains,
    export,
    launch,
    links,
    ranking,
    rows,
    splits,
    tokens,
    train,
    verdict,
)
from graphmer.device import to_torch
from graphmer.model import Config, GraphMER
from graphmer.train import Settings
from safetensors.torch import load_file

SHAPE = Config(width=32, heads=2, hidden=64, layers=2, vocabulary=600, roots=32, dropout=0.0, relation_dropout=0.0)
TEXT = " def load_order(item):\n    return check(item)"


def loud(shape):
    """A network whose every part shows: weights larger than at the start, decay switched off."""
    torch.manual_seed(0)
    model = GraphMER(dataclasses.replace(shape, decay=1.0)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2).add_(0.02 * torch.randn_like(parameter))
        model.tokens.weight[0].zero_()
    return model


@pytest.mark.parametrize(("norm", "positions"), export.ARCHITECTURES)
def test_the_plain_export_is_a_stock_model_with_equal_scores(norm, positions, tokenizer, settings, tmp_path):
    transformers = pytest.importorskip("transformers")
    model = loud(dataclasses.replace(SHAPE, norm=norm, root_pos=positions))
    export.write(tmp_path, model, tokenizer, "card")
    stock, found = transformers.AutoModelForMaskedLM.from_pretrained(
        tmp_path / "plain", output_loading_info=True, trust_remote_code=False
    )
    assert not any(found.values()), found
    ids = transformers.AutoTokenizer.from_pretrained(tmp_path / "plain")(TEXT, return_tensors="pt").input_ids
    ours = chains.plain(tokens.encode_batch(tokenizer, [TEXT])[0], SHAPE.roots)
    assert ids[0].tolist() == ours.nodes[0].tolist()
    batch = to_torch(rows.collate([[ours]], settings), torch.device("cpu"))
    with torch.no_grad():
        mine = model.predict(model.encode(batch), torch.arange(len(ours)))
        theirs = stock.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
    assert mine.abs().max() > 1
    torch.testing.assert_close(theirs, mine, atol=1e-4, rtol=1e-4)


def test_a_shape_without_a_stock_twin_exports_the_rest(tokenizer, tmp_path):
    model = loud(dataclasses.replace(SHAPE, norm="pre", root_pos="none"))
    names = {path.name for path in export.write(tmp_path, model, tokenizer, "card")}
    assert names == {"encoder.safetensors", "config.json", "relations.json", "tokenizer.json", "README.md"}
    assert set(load_file(tmp_path / "encoder.safetensors")) == set(model.state_dict())


def test_the_card_holds_the_runs_own_numbers_and_nothing_else():
    run = train.new_run(GraphMER(SHAPE), Settings(steps=50))
    run.step, run.samples, run.tokens, run.seconds = 40, 1234, 56789, 120.0
    row = {
        "mrr": 0.31, "mrr_low": 0.29, "mrr_high": 0.33, "hits1": 0.2, "hits10": 0.5, "exact": 0.21,
        "exact_hidden": None, "exact_visible": 0.4, "first_top10": 0.66,
    }  # fmt: skip
    judged = {
        "relations": {"calls": {"questions": 390, "model": 0.36, "best_count": 0.32}},
        "questions": 400, "candidates": 77, "reachable": 0.6, "best_count": "relation frequency",
        "link": {"relation frequency": row, "untrained model": {**row, "mrr": 0.01}, "model": {**row, "mrr": 0.35}},
        "lead": {"mrr": 0.04, "low": 0.01, "high": 0.07}, "judged": {"wrong_type": 0.125, "ece": 0.05},
    }  # fmt: skip
    mlm = {"perplexity": 12.3, "unigram_perplexity": 800.0, "accuracy": 0.5, "unigram_accuracy": 0.05}
    results = {"tests": {"unseen packages": judged}, "mlm": mlm, "search": {"pairs": 1}}
    manifest = {"files": 732, "python": "3.11.7", "triples": 112465, "triples_sha256": "ab" * 32}
    text = card.text(run, results, manifest, 30, "CPU")
    for figure in ("732 files", "112,465", "40 of 50", "1,234 samples", "0.350", "12.5%", "unseen packages", "step 30"):
        assert figure in text, figure
    assert "calls 0.360 (0.320, n = 390)" in text and "ten likeliest 66.0% (66.0%)" in text
    assert "Code search" not in text, "what was not measured is left out"
    assert "**Link head**: none." in text and "quick test" not in text
    head = types.SimpleNamespace(run=types.SimpleNamespace(step=16, settings=links.Settings(epochs=1, links=1000)))
    run.seconds = 19.6
    quick = card.text(run, results, manifest, 30, "CPU", head, "This was the quick test.")
    for said in ("**Link head**: 16 steps", "'links': 1000", "20 seconds on CPU", "**This was the quick test.**"):
        assert said in quick, said
    assert verdict.in_short(results) == "MRR 0.350 (counting 0.310) on unseen packages"
    assert json.loads(json.dumps(results)) == results


def test_every_variant_of_the_comparison_trains_and_is_measured(kg, data, tokenizer, settings):
    split = splits.hold_out(kg, test_share=0.4)
    asked = [ranking.make_questions(split, test, tokenizer, settings, 8) for test in split.tests]
    held = train.validation_batches(data, 2, torch.device("cpu"), 2)
    few = Settings(steps=3, rows=2, warmup=1, lr=1e-3)
    said = []
    rows_of = ablation.compare(
        SHAPE, data, few, asked, held, torch.device("cpu"), on_log=lambda name, line: said.append((name, line["step"]))
    )
    assert tuple(rows_of) == ablation.VARIANTS
    assert said == [(name, 3) for name in ablation.VARIANTS], "none of them is silent"
    assert len({row["valid_mlm"] for row in rows_of.values()}) == len(rows_of), "each variant is another network"
    text = ablation.text(rows_of, 3)
    assert "no H-GAT" in text and "One seed, 3 steps each" in text
    stopped = ablation.compare(SHAPE, data, few, asked, held, torch.device("cpu"), should_stop=lambda: True)
    assert stopped == {} and "Stopped" in ablation.text(stopped, 3)


def test_a_failing_process_is_told_with_its_last_words(data, tokenizer, tmp_path, monkeypatch):
    run = train.new_run(GraphMER(SHAPE), Settings(steps=4, rows=1))
    monkeypatch.setattr(launch, "prepare", lambda job, *_: job.mkdir())
    with pytest.raises(launch.LaunchError, match=r"1 training process\(es\) ended with code 1:") as told:
        launch.train(run, data, Settings(steps=4, rows=1, accumulate=2), tokenizer, tmp_path / "job", 1)
    assert "job.json'" in str(told.value).splitlines()[-1], "its own words, not those of torchrun after them"
