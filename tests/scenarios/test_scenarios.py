"""What goes wrong on a platform, through the setup cells of its variant: one clear sentence, no traceback."""

import shutil

import pytest

from anylab.compile import compile_all
from anylab.errors import Refused
from anylab.project import open_project
from anylab.smoke import scenarios, suite
from tests.conftest import ROOT

COMPILED = compile_all(open_project(ROOT, sources=ROOT / "tests/scenarios/notebooks-src", out=ROOT / "dist"))

# each need is played with the notebook that has every one, the hub with the one that loads a model; the hub's faults
# are the same for every platform, and their sentences too, so they are played on two
FAULTS_ON = ("colab", "kaggle")
PLAYED = [
    (pair, scenario)
    for pair in COMPILED.pairs
    for scenario in (scenarios.of(pair.platform).values() if pair.path else ())
    if scenario.applies(pair)
    and pair.source.name == ("loader" if scenario.served else "needy")
    and (not scenario.served or scenario.name == "hub" or pair.platform.id in FAULTS_ON)
]


@pytest.mark.parametrize(("pair", "scenario"), PLAYED, ids=lambda x: getattr(x, "name", "") or x.platform.id)
def test_it_ends_in_a_sentence_or_goes_on_as_documented(pair, scenario, tmp_path, shared_cache):
    assert scenarios.play(COMPILED, pair, scenario, tmp_path, shared_cache) == ""


def test_every_platform_is_played_and_drive_and_secrets_where_they_are():
    played = {(pair.platform.id, scenario.name) for pair, scenario in PLAYED}
    assert {("colab", "drive-refused"), ("kaggle", "batch"), ("kaggle", "secret-offline")} <= played
    for platform in {pair.platform.id for pair, _ in PLAYED}:
        everywhere = {"no-gpu", "internet-off", "small-disk", "bf16-on-a-t4", "old-card", "old-python", "twice"}
        assert everywhere <= {name for where, name in played if where == platform}


def test_the_path_that_users_take_is_played_on_every_platform():
    played = {(pair.platform.id, scenario.name) for pair, scenario in PLAYED}
    everywhere = {pair.platform.id for pair, _ in PLAYED}
    assert {(platform, "hub") for platform in everywhere} <= played and len(everywhere) >= 4
    assert {
        ("colab", f"hub-{name}") for name in ("cut", "trouble", "gate", "missing", "revision", "size", "full")
    } <= played


def test_a_scenario_that_is_not_met_is_a_failure(tmp_path, shared_cache):
    from dataclasses import replace

    pair, scenario = next((p, s) for p, s in PLAYED if s.name == "sunny")
    fault = scenarios.play(COMPILED, pair, replace(scenario, expect=("no such words",)), tmp_path, shared_cache)
    assert "does not say 'no such words'" in fault
    stops = replace(scenario, ends="stops")
    assert "went on" in scenarios.play(COMPILED, pair, stops, tmp_path / "b", shared_cache)
    crash = replace(scenario, prelude="raise SystemError('boom')")
    assert "boom" in scenarios.play(COMPILED, pair, crash, tmp_path / "c", shared_cache)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("[x]\nwat = 1\n", r"scenarios\.toml:2: unknown key 'wat'; did you mean 'what'"),
        ("[x]\nwhat = 'w'\n", r"scenarios\.toml:1: the scenario 'x' needs"),
        ("[x]\nwhat = 'w'\nends = 'badly'\nexpect = []\n", r"scenarios\.toml:1: the scenario 'x' needs"),
        (
            "[x]\nwhat = 'w'\nends = 'stops'\nexpect = []\nserved = 'cute'\n",
            r"scenarios\.toml:1: a hub's fault is one of cut, ",
        ),
        ("[x\n", r"scenarios\.toml:1: not TOML"),
    ],
)
def test_a_scenario_that_is_not_written_right_is_refused_with_its_place(written, words, tmp_path):
    from dataclasses import replace

    (tmp_path / "standin").mkdir()
    (tmp_path / "standin" / "scenarios.toml").write_text(written)
    with pytest.raises(Refused, match=words):
        scenarios.of(replace(PLAYED[0][0].platform, folder=tmp_path))


def test_an_unknown_scenario_is_one_line_and_exit_code_2(anylab):
    done = anylab("smoke", "--scenario", "drive-refusd")
    assert done.returncode == 2 and done.stderr.startswith("error: --scenario: unknown scenario 'drive-refusd'")
    assert "did you mean 'drive-refused'" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_notebook_whose_generating_cell_is_gone_fails(tmp_path, shared_cache):
    """The mutation: everything else runs, and what the front matter promises is not there."""
    shutil.copytree(ROOT / "tests/scenarios/notebooks-src", tmp_path / "sources")
    loader = tmp_path / "sources/loader.py"
    text = loader.read_text()
    loader.write_text(text[: text.rindex("# %%")])
    compiled = compile_all(open_project(ROOT, sources=tmp_path / "sources", out=tmp_path / "out"))
    pair = next(p for p in compiled.pairs if p.source.name == "loader" and p.platform.id == "colab")
    verdict = suite.one(compiled, pair, tmp_path / "root", shared_cache, quick_test=False)
    assert verdict.cells == verdict.of and verdict.fault.endswith("the run left no norms.json")
