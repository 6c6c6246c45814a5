"""The guide's commands as a user meets them: platforms, advise, move; and bad input, one line each."""

import json
import re

import pytest
from click.testing import CliRunner

from anylab.catalog import listing, moving, table
from anylab.cli import main
from anylab.compile import compile_all
from anylab.project import open_project
from tests.conftest import ROOT

NOTEBOOK = "graphmer_training"


@pytest.fixture(scope="module")
def once():
    """The table and the compiled collection, read once for all commands of this file."""
    project = open_project(ROOT)
    return table.read(project), compile_all(project)


@pytest.fixture
def say(once, monkeypatch):
    """Run a command in this process: (exit code, lines on standard output, lines on standard error)."""
    monkeypatch.setattr(table, "read", lambda project: once[0])
    monkeypatch.setattr("anylab.compile.compile_all", lambda project: once[1])

    def run(*arguments):
        done = CliRunner().invoke(main, list(map(str, arguments)), obj=ROOT)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout.splitlines(), done.stderr.splitlines()

    return run


# --- platforms --------------------------------------------------------------------------------------------------------


def test_platforms_prints_every_fact_with_its_grade_date_and_source(say, once):
    code, lines, _ = say("platforms")
    assert code == 0
    for platform in once[0]["platforms"]:
        assert any(f"[{platform['id']}]" in line for line in lines)
    assert "  memory of the machine: 29 GB [published, 2026-09-24: kaggle.com/docs/notebooks]" in lines
    assert any(line.startswith("  ends when idle for: unknown") for line in lines)
    told = [line for line in lines if re.match(r" +\w.*: .+ \[\w+, 20\d\d[-\d]*: .+\]$", line)]
    facts = [name for where, name, _ in listing.every(once[0]) if where not in once[0]["cards"] and name != "setup"]
    assert len(told) == len(facts) > 400


def test_a_place_without_notebooks_says_so_and_a_dead_one_too(say):
    assert say("platforms", "gradient")[1][0] == (
        "Paperspace Gradient [gradient] (unconfirmed); facts only, no notebook variant yet"
    )
    assert "(dead)" in say("platforms", "floydhub")[1][0]
    assert say("platforms", "kaggle")[1][0] == "Kaggle [kaggle]"


def test_what_has_aged_is_counted_against_the_day_that_is_given(say):
    _, young, _ = say("platforms", "--stale", 30, "--on", "2026-09-30")
    _, old, _ = say("platforms", "--stale", 30, "--on", "2026-12-31")
    early = say("platforms", "--stale", 30, "--on", "2020-01-01")[1]
    assert "0 facts are older than 30 days" in early and len(old) > len(young)
    told = [line for line in early if line.startswith("    ahead  ")]
    assert early[-1].startswith(f"{len(told)} facts have a date after 2020-01-01") and len(told) > 400
    assert not any("ahead" in line for line in old)  # a year alone may mean its first day
    assert re.fullmatch(r" *\d+ days  [\w/.-]+: \w+ = .+ \[20\d\d[-\d]*: .+\]", old[0])
    ages = [int(line.split()[0]) for line in old[:-1]]
    assert ages == sorted(ages, reverse=True) and min(ages) > 30


def test_the_table_as_json_is_what_commands_and_pages_read(say, once):
    code, lines, _ = say("platforms", "--json")
    assert code == 0 and json.loads("\n".join(lines)) == once[0]


# --- advise -----------------------------------------------------------------------------------------------------------


def test_advise_ranks_what_fits_and_gives_each_a_sentence(say):
    code, lines, _ = say("advise", NOTEBOOK, "--steps", 10_000)
    text = "\n".join(lines)
    assert code == 0 and lines[0] == f"{NOTEBOOK}: 10,000 steps"
    assert "1. Kaggle, free: 2 x NVIDIA T4 (small): Free, about" in text and "runs on with the browser closed" in text
    assert "Lost when its session ends:" in text
    assert "not: SageMaker Studio Lab, free: NVIDIA T4: it is closed to newcomers" in text


def test_advise_as_json_is_the_pure_answer(say, once):
    from anylab.catalog import advise, asking

    _, lines, _ = say("advise", NOTEBOOK, "--steps", 500, "--have", "kaggle, local:rtx-3060", "--need", "background",
                      "--budget", 3, "--hour", 2, "--json")  # fmt: skip
    ask = asking.question(once[0], NOTEBOOK, {"steps": 500}, ["kaggle,local:rtx-3060"], 3, ["background"], 2)
    assert ask["have"] == ["kaggle", "local:rtx-3060"] and ask["kwh_usd"] == 0.18
    assert json.loads("\n".join(lines)) == advise.advise(once[0], ask)


def test_advise_without_an_amount_takes_the_usual_one_and_another_way_when_asked(say):
    assert say("advise", "video_generation")[1][0] == "video_generation: 10 clips"
    usual, other = (
        json.loads("\n".join(say("advise", "video_generation", *way, "--have", "kaggle", "--json")[1]))["rows"][0]
        for way in ((), ("--as", "wan-1.3b"))
    )
    assert other["choice"] == "wan-1.3b" and 20 < other["hours"] / usual["hours"] < 25  # docs/benchmarks.md: 22 times


def test_a_closed_place_is_ranked_for_who_has_an_account(say):
    answer = json.loads("\n".join(say("advise", NOTEBOOK, "--have", "studio-lab", "--json")[1]))
    assert [row["offer"] for row in answer["rows"]] == ["studio-lab/free/t4"]


def test_a_notebook_whose_work_nobody_counted_says_so(say, once, monkeypatch):
    made = {**once[0], "notebooks": {"mine": {**once[0]["notebooks"][NOTEBOOK], "work": None}}}
    monkeypatch.setattr(table, "read", lambda project: made)
    assert say("advise", "mine", "--steps", 5) == (
        0,
        [
            "mine: nobody has counted what this notebook's work takes, so no time can be said; see docs/guide.md",
        ],
        [],
    )


# --- move -------------------------------------------------------------------------------------------------------------


def pairs(build):
    ids = sorted({p.platform.id for p in build.pairs})
    return [(notebook, a, b) for notebook in sorted({p.source.name for p in build.pairs})
            for a in ids for b in ids if a != b]  # fmt: skip


def test_every_pair_of_platforms_has_exact_steps(once):
    build = once[1]
    assert len(pairs(build)) >= 36
    for notebook, origin, target in pairs(build):
        made = moving.move(build, notebook, origin, target)
        text = "\n".join(made.lines())
        assert f"{notebook}.bundle.zip" in text and "{" not in text and "GO_ON_FROM" in text and "PACK" in text
        numbers = [int(n) for n in re.findall(r"^  (\d+)\. ", text, re.M)]
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 6


def test_what_a_move_tells_to_set_is_what_the_variants_settings_know(once):
    """PACK's value is in the form of the one variant, GO_ON_FROM's is a word of the other's setup cell, or a path."""
    build = once[1]
    for notebook, origin, target in pairs(build):
        made = moving.move(build, notebook, origin, target)
        left, right = (
            next(p for p in build.pairs if (p.source.name, p.platform.id) == (notebook, id)) for id in (origin, target)
        )
        pack = re.search(r'set PACK to "([^"]+)"', made.leave[0])[1]
        assert pack in moving.ways_out(build, left)
        comes = next(m[1] for step in made.arrive if (m := re.search(r'set GO_ON_FROM to "([^"]+)"', step)))
        assert comes in moving.ways_in(build, right) or comes.endswith(f"/{notebook}.bundle.zip")
        for way in re.findall(r'(?:PACK|GO_ON_FROM) = "(\w+)"', made.without_a_file):
            assert way in moving.ways_out(build, left) and way in moving.ways_in(build, right)
        assert made.without_a_file  # the Hub carries between all of them


def test_move_prints_the_steps_of_both_ends(say):
    code, lines, _ = say("move", "--from", "colab", "--to", "kaggle", NOTEBOOK)
    assert code == 0 and lines[0] == "On Google Colab:" and "On Kaggle:" in lines
    assert any("Turn on internet" in line for line in lines) and lines[-1].startswith("Without a file: ")


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (f"advise {NOTEBOOK}s", "no such notebook; did you mean 'graphmer_training'?"),
        (f"advise {NOTEBOOK} --have kagle", "--have: no such platform 'kagle'; did you mean 'kaggle'?"),
        (f"advise {NOTEBOOK} --have local:rtx-309", "--have: no such card 'rtx-309'; did you mean 'rtx-3090'?"),
        (f"advise {NOTEBOOK} --have kaggle:h100", "--have: kaggle has no 'h100'; it has: cpu-4, t4, tpu-v5e-8"),
        (f"advise {NOTEBOOK} --steps -5", "--steps: must be a number above 0, at most 1,000,000,000, not -5"),
        (f"advise {NOTEBOOK} --steps 0", "--steps: must be a number above 0, at most 1,000,000,000, not 0"),
        (f"advise {NOTEBOOK} --steps 1e30", "--steps: must be a number above 0, at most 1,000,000,000, not 1e+30"),
        (f"advise {NOTEBOOK} --steps nan", "--steps: must be a number above 0, at most 1,000,000,000, not nan"),
        (f"advise {NOTEBOOK} --steps many", "'many' is no number: write it like 10000, 10,000 or 0.5"),
        (f"advise {NOTEBOOK} --steps 1,5", "'1,5' is no number"),
        (f"advise {NOTEBOOK} --have ,", "--have: names no platform; leave it out to mean all of them"),
        (f"advise {NOTEBOOK} --steps 1.5", "--steps: steps are counted: a whole number, not 1.5"),
        (f"advise {NOTEBOOK} --need ,", "--need: names no need; leave it out to mean none; known: "),
        (f"advise {NOTEBOOK} --as ,", "--as: graphmer_training has no way called ','"),
        (f"advise {NOTEBOOK} --clips 3", "--clips: graphmer_training is counted in steps: say --steps"),
        (f"advise {NOTEBOOK} --budget -1", "--budget: must be a number from 0 to 1,000,000, not -1"),
        (f"advise {NOTEBOOK} --hour inf", "--hour: must be a number from 0 to 1,000,000, not inf"),
        (f"advise {NOTEBOOK} --kwh 1000", "--kwh: must be a number from 0 to 100, not 1000"),
        (f"advise {NOTEBOOK} --need privacy", "--need: unknown need 'privacy'; did you mean 'private'?"),
        (
            f"advise {NOTEBOOK} --as large",
            "--as: graphmer_training has no way called 'large'; known: base, small, tiny",
        ),
        ("platforms kagle", "no such platform; did you mean 'kaggle'?"),
        ("platforms --stale 10 --on yesterday", "--on: wants a day like 2026-11-28, not yesterday"),
        ("platforms --on 2026-11-28", "--on: says on which day age is counted; it wants --stale DAYS beside it"),
        (
            "platforms --stale 30 --json",
            "--json: prints the whole table of facts; it goes with no platform and no --st",
        ),
        ("platforms --stale -1", "-1 is not in the range x>=0"),
        (f"move {NOTEBOOK} --from colab --to kagle", "--to: no such platform 'kagle'; did you mean 'kaggle'?"),
        (f"move {NOTEBOOK} --from colab --to colab", "--to: colab is where the job is already"),
        (f"move {NOTEBOOK} --from modal --to colab", "--from: modal has no notebook variants, so nothing can be moved"),
        (f"move {NOTEBOOK} --from hub --to colab", "--from: hub has no notebook variants"),
        (f"move {NOTEBOOK}x --from colab --to kaggle", "no such notebook; did you mean"),
        (f"move {NOTEBOOK} --to kaggle", "Missing option '--from'"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(say, command, message):
    code, out, err = say(*command.split())
    assert code == 2 and out == [] and len(err) == 1 and message in err[0]


def test_two_mistakes_are_two_lines(say):
    _, _, err = say("advise", NOTEBOOK, "--have", "kagle,colb")
    assert len(err) == 2


def test_a_notebook_that_packs_nothing_cannot_be_moved(tmp_path):
    from anylab.errors import Refused
    from tests.unit.helpers import PROFILE, small_project

    words = '\n[moving]\nrun = "r"\npack = "file"\ntake = "t"\nopen = ["o"]\nbring = "b"\nfrom = "f"\nsecret = "s"\n'
    both = {f"platforms/{p}/platform.toml": PROFILE.format(forms="false") + words for p in ("plain", "forms")}
    build = compile_all(small_project(tmp_path, both))
    with pytest.raises(Refused, match="ours: packs no bundle: its settings have no PACK"):
        moving.move(build, "ours", "plain", "forms")
    bare = compile_all(small_project(tmp_path / "bare"))
    with pytest.raises(Refused, match=r"plain/platform.toml:1: has no \[moving\]"):
        moving.move(bare, "ours", "plain", "forms")


def test_where_nothing_is_left_a_sentence_says_so_and_only_what_was_asked_about_is_refused(say):
    _, lines, _ = say("advise", "video_generation", "--clips", 1, "--have", "binder")
    assert lines[:2] == ["video_generation: 1 clip", "nothing of what you have does this under these conditions:"]
    refused = [line for line in lines if line.startswith("not: ")]
    assert len(refused) == 1 and refused[0].startswith("not: Binder, free")


def test_a_question_mark_in_the_table_is_explained(say):
    lines = say("advise", NOTEBOOK, "--have", "colab")[1]
    assert "?: not known" in lines and any(line.startswith("days with a ?") for line in lines)
    assert "?: not known" not in say("advise", NOTEBOOK, "--have", "kaggle")[1]


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_machines_name_is_never_broken_and_an_amount_never_has_an_exponent(columns, say, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    lines = say("advise", NOTEBOOK, "--steps", 2_000_000, "--have", "modal,kaggle,colab")[1]
    assert lines[0] == f"{NOTEBOOK}: 2,000,000 steps"
    names = {line.split()[1] for line in lines if re.match(r" ?\d+ +\w[\w-]*/", line)}
    assert {"modal/starter/rtx-pro-6000", "colab/pro-plus/a100-80", "kaggle/free/cpu"} <= names


def test_the_two_plans_that_buy_units_have_the_same_machines(once):
    plans = {p["id"]: p for p in next(p for p in once[0]["platforms"] if p["id"] == "colab")["plans"]}
    assert {m["card"] for m in plans["paid"]["machines"]} == {m["card"] for m in plans["pro-plus"]["machines"]}


def test_an_amount_may_be_written_as_the_guide_prints_it(say):
    assert say("advise", NOTEBOOK, "--steps", "10,000")[1] == say("advise", NOTEBOOK, "--steps", "10000")[1]
