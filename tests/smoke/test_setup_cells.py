"""The setup cells on their platforms' stand-ins, the quick test off: what they say, and where results will go."""

import json

import pytest

from anylab.compile import compile_all
from anylab.project import open_project
from anylab.smoke import runner, standin
from tests.conftest import ROOT
from tests.smoke.test_variants import printed

COMPILED = compile_all(open_project(ROOT))
PAIRS = {p.platform.id: p for p in COMPILED.pairs if p.source.name == "graphmer_training"}


def set_up(variant, tmp_path, where=None, env=None, **parameters):
    """Run a variant up to its setup cell, on the stand-in of `where` (default: its own); -> what its cells print."""
    pair = PAIRS[variant]
    notebook = json.loads(dict(COMPILED.variant_files(pair))[pair.path])
    upto = next(i for i, c in enumerate(notebook["cells"]) if "start.begin" in "".join(c["source"]))
    notebook["cells"] = notebook["cells"][: upto + 1]
    there = standin.prepare(PAIRS[where or variant].platform, tmp_path)
    verdict = runner.execute(json.dumps(notebook).encode(), parameters, there.cwd, there.env | (env or {}))
    assert verdict.fault == ""
    return printed(verdict.notebook)


@pytest.mark.parametrize("platform", sorted(PAIRS))
def test_a_missing_gpu_is_told_with_the_clicks_of_this_platform(platform, tmp_path):
    text = set_up(platform, tmp_path)
    clicks = {
        "colab": "Runtime > Change runtime type > T4 GPU",
        "kaggle": "Settings > Accelerator > GPU T4 x2",
        "studio-lab": "Stop runtime, choose GPU as compute type, Start runtime",
        "local": "install a CUDA build of torch",
    }
    line = next(line for line in text.splitlines() if "To get one: " in line)
    assert clicks[platform] in line
    assert "need" in text and "found" in text and "verdict" in text


@pytest.mark.parametrize(
    ("variant", "where", "right"),
    [
        ("colab", "kaggle", "kaggle.com/notebooks/welcome?src="),
        ("kaggle", "colab", "colab.research.google.com/github/"),
        ("colab", "studio-lab", "studiolab.sagemaker.aws/import/github/"),
        ("local", "kaggle", "kaggle.com/notebooks/welcome?src="),
        ("local", "colab", "colab.research.google.com/github/"),
    ],
)
def test_a_variant_on_another_platform_says_so_and_links_to_the_right_one(variant, where, right, tmp_path):
    text = set_up(variant, tmp_path, where)
    notice = next(line for line in text.splitlines() if "The right one" in line)
    assert PAIRS[where].platform.name in notice and right in notice and f"dist/{where}/" in notice


def test_a_variant_somewhere_unknown_says_so_and_points_at_the_badges(tmp_path):
    assert "this machine is not Colab; the badges on top" in set_up("colab", tmp_path, "local")
    assert "badges on top" not in set_up("local", tmp_path / "own")


def test_with_drive_the_results_go_there(tmp_path):
    text = set_up("colab", tmp_path, USE_DRIVE=True)
    assert "Drive is mounted; results go to its folder anylab." in text
    assert (tmp_path / "content/drive/MyDrive/anylab/graphmer_training").is_dir()


def test_a_refused_drive_is_one_sentence_and_the_run_goes_on(tmp_path):
    text = set_up("colab", tmp_path, env={"ANYLAB_DRIVE": "refused"}, USE_DRIVE=True)
    assert "Drive is not mounted (mount failed); results stay on this machine" in text
    assert (tmp_path / "content/outputs/graphmer_training").is_dir()
