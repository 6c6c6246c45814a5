"""One job on three platforms: begun on one, stopped by the clock, packed, unpacked on the next, stopped as its session
ends, packed, and finished on a third. It ends as the run in one piece does."""

import json

import pytest

from anylab.compile import compile_all
from anylab.project import open_project
from anylab.smoke import runner, standin
from tests.conftest import ROOT
from tests.kills.test_kills import end_of
from tests.smoke.test_variants import printed

COMPILED = compile_all(open_project(ROOT))


def run(platform, root, cache, age_of_session=0.0, **settings):
    """Run the whole compiled quick test on a stand-in; its words, and its outputs' folder."""
    pair = next(p for p in COMPILED.pairs if p.source.name == "graphmer_training" and p.platform.id == platform)
    there = standin.prepare(pair.platform, root, cache)
    if age_of_session:  # the container's first process is so many seconds old
        (root / "proc" / "1").mkdir(parents=True)
        (root / "proc" / "1" / "stat").write_text(f"1 (tini (x)) S {'0 ' * 18}0 0\n")
        (root / "proc" / "uptime").write_text(f"{age_of_session} 0\n")
    data = dict(COMPILED.variant_files(pair))[pair.path]
    verdict = runner.execute(data, {"QUICK_TEST": True, **settings}, there.cwd, there.env)
    assert verdict.fault == ""
    return printed(verdict.notebook), next(root.rglob("graphmer_training/checkpoints")).parent


def test_the_home_folder_that_a_move_names_is_the_platforms_own(tmp_path):
    """`GO_ON_FROM = "~/..."` finds what was dragged into the top folder of the file list."""
    pair = next(p for p in COMPILED.pairs if p.source.name == "graphmer_training" and p.platform.id == "studio-lab")
    there = standin.prepare(pair.platform, tmp_path)
    assert there.env["HOME"] == str(there.cwd)


def test_a_job_moves_over_three_platforms_and_ends_as_in_one_piece(tmp_path, shared_cache):
    words, whole = run("local", tmp_path / "whole", shared_cache)
    assert "Stopped" not in words

    words, first = run("colab", tmp_path / "first", shared_cache, STOP_AFTER=0.02, PACK="file")
    assert "the session or its budget is about to end; Run all goes on" in words and "Packed" in words
    stopped = end_of(first.parent)["step"]
    assert 0 < stopped < 100

    bundle = first / "graphmer_training.bundle.zip"
    nearly = 12 * 3600 - 5 * 60 + 1  # one second into the last five minutes: a step, and it stops
    words, second = run("kaggle", tmp_path / "second", shared_cache, nearly, GO_ON_FROM=str(bundle), PACK="file")
    assert f"An earlier run stands at step {stopped} of 100, saved on Google Colab" in words
    assert f"Stopped at step {stopped + 1} and saved" in words

    bundle = second / "graphmer_training.bundle.zip"
    words, third = run("local", tmp_path / "third", shared_cache, GO_ON_FROM=str(bundle))
    assert f"Going on from step {stopped + 1} of 100" in words and "Stopped" not in words

    ours, wanted = end_of(third.parent), end_of(whole.parent)
    for line, other in zip(ours["history"], wanted["history"], strict=True):
        assert (line["mlm"], line["mnm"]) == pytest.approx((other["mlm"], other["mnm"]), abs=1e-6)
    assert ours["weights"] == wanted["weights"]
    results = [json.loads((folder / "quick-test" / "results.json").read_text()) for folder in (third, whole)]
    assert results[0] == results[1]
    assert (third / "quick-test/encoder/encoder.safetensors").read_bytes() == (
        whole / "quick-test/encoder/encoder.safetensors"
    ).read_bytes()
