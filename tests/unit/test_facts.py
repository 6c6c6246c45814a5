"""Facts: what is wrong with one is said with its line; sources lead somewhere; age is counted from a day given."""

import datetime
import json
import re

import pytest

from anylab import facts, lint, work
from anylab.catalog import table
from anylab.compile import examine
from anylab.errors import Refused
from anylab.platforms import load_folders
from anylab.project import open_project
from anylab.tomls import read_toml
from tests.conftest import ROOT
from tests.unit.helpers import PROFILE, small_project

FACT = '{ value = 4, source = "a page", date = "2026-11-20", grade = "published" }'
CARDS = f'[small]\nname = "Small"\nkind = "gpu"\nmemory_gb = {FACT}\n'
MACHINE = '\n[plans.free]\nname = "free"\n\n[plans.free.machines.one]\ncard = "small"\n'
WORK = f"""option = "steps"
unit = "step"
units = "steps"
ask = 10
presets = [10]

[[choices]]
id = "all"
words = "all of it"
kinds = ["gpu"]
memory_gb = {FACT}
parts = [
  {{ name = "sums", tflop = 1, source = "counted", date = "2026-11-20", grade = "measured" }},
]
"""


def told(tmp_path, fact="", cards=CARDS, machine=MACHINE, about=WORK):
    """What lints say of a small project with this fact, these cards, this machine and this work."""
    files = {
        "platforms/plain/platform.toml": PROFILE.format(forms="false") + f"\n[facts.ram_gb]\n{fact}\n" * bool(fact)
        + machine,
        "platforms/cards.toml": cards,
        "notebooks-src/work/ours.toml": about,
    }  # fmt: skip
    try:
        _, problems = examine(small_project(tmp_path, files))
    except Refused as refused:  # nothing can be read
        problems = refused.problems
    return [str(p) for p in problems]


def lines(**changes):
    """A fact of four lines with some of its keys replaced; None leaves one out."""
    keys = {"value": "4", "source": '"a page"', "date": '"2026-11-20"', "grade": '"published"', **changes}
    return "\n".join(f"{key} = {value}" for key, value in keys.items() if value is not None)


def test_a_fact_with_everything_is_no_finding(tmp_path):
    assert told(tmp_path, lines()) == []


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        (lines(source=None), ":23: 'facts.ram_gb' has a value and no source; say where it was read, or measured "
         "[fact/source]"),
        (lines(source='"  "'), "has a value and no source"),
        (lines(date=None), "wants the date on which its source said so"),
        (lines(date="2026-11-20"), "[fact/date]"),
        (lines(date='"last week"'), "[fact/date]"),
        (lines(date='"2026-13"'), "[fact/date]"),
        (lines(date='"2026-02-30"'), "[fact/date]"),
        (lines(grade='"A"'), "the grade of 'facts.ram_gb' must be one of measured, published, reported, estimated, "
         "unknown, not 'A' [fact/grade]"),
        (lines(value='"lots"'), "(memory of the machine) must be a number, zero or more of GB, not 'lots'"),
        (lines(value="-1"), "must be a number, zero or more"),
        (lines(value="true"), "must be a number, zero or more"),
        (lines(value="nan"), "must be a number, zero or more"),
        (lines(value='"unknown"'), "an unknown value and the grade \"unknown\" go together"),
        (lines(grade='"unknown"'), "an unknown value and the grade \"unknown\" go together"),
        (lines(extra="1"), "unknown key 'extra' in the fact 'facts.ram_gb'"),
        (lines() + '\n[facts.ram_bg]\n' + lines(), "unknown fact 'facts.ram_bg'; did you mean 'ram_gb'? [fact/name]"),
    ],
)  # fmt: skip
def test_a_fact_that_lacks_something_is_a_finding_with_its_line(tmp_path, fact, message):
    found = told(tmp_path, fact)
    assert len(found) == 1 and message in found[0] and re.match(r"platforms/plain/platform\.toml:\d+: ", found[0])


CLAIM = (
    '\n[[claims]]\ndocument = "d"\nsaid = "fast"\nnow = "slow"\ncard = "small"\ntflops = 3\nright = false\n'
    'source = "x"\ndate = "2026"\ngrade = "measured"\n'
)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ({"about": WORK + CLAIM.replace("false", '"no"')}, "'claims.0.right' of the work of a notebook must"),
        ({"about": WORK + CLAIM.replace("= 3", '= "many"')}, "'claims.0.tflops' of the work of a notebook must be"),
        ({"about": WORK + CLAIM + "saidd = 1\n"}, "unknown key 'saidd' in 'claims.0'"),
        ({"about": WORK + CLAIM.replace('"small"', '"smal"')}, "ours.toml:20: no card 'smal' in cards.toml"),
        ({"cards": CARDS.replace('source = "a page", ', "")}, "platforms/cards.toml:4: 'small.memory_gb' has a value"),
        ({"cards": CARDS.replace("memory_gb", "memory")}, "unknown fact 'small.memory'; did you mean 'memory_gb'?"),
        ({"cards": CARDS.replace('kind = "gpu"\n', "")}, "the card 'small' must be a table with a name and a kind"),
        ({"cards": CARDS + "= 3"}, "platforms/cards.toml:5: not TOML"),
        ({"machine": MACHINE.replace('"small"', '"smal"')}, ":26: no card 'smal' in cards.toml; did you mean 'small'?"),
        ({"machine": MACHINE + "ram_gb = 4\n"}, "'plans.free.machines.one.ram_gb' is a bare value; write a fact"),
        ({"machine": MACHINE.replace('card = "small"', "")}, "misses the key 'card'"),
        ({"about": WORK.replace(', source = "counted"', "")}, "ours.toml:13: 'all.sums' has a value and no source"),
        ({"about": WORK.replace("tflop", "tflops")}, "unknown key 'tflops' in 'choices.0.parts.0'"),
        ({"about": WORK.replace("tflop = 1", "tflop = -1")}, "work/ours.toml:13: 'choices.0.parts.0.tflop'"),
        ({"about": WORK.replace('"steps"\nunit', '"step"\nunit')}, "ours.toml:1: 'option' of the work of a notebook"),
        ({"about": WORK[: WORK.index("parts")]}, "ours.toml:7: 'all' has neither parts nor a known time"),
        ({"about": WORK + '[choices.known]\ntiny = { seconds = 1, source = "x", date = "2026", grade = "measured" }\n'},
         "ours.toml:16: no card 'tiny' in cards.toml"),
    ],
)  # fmt: skip
def test_cards_machines_and_work_are_held_to_the_same_rules(tmp_path, rest, message):
    found = told(tmp_path, **rest)
    assert message in found[0] and all("no card 'small'" in more for more in found[1:])


def test_a_platforms_fact_without_a_value_refuses_the_profile(tmp_path):
    assert "'facts.ram_gb' of the profile must be a table with a value" in told(tmp_path, lines(value=None))[0]


def test_an_entry_of_a_list_knows_its_line():
    _, found = read_toml("a = [\n  { x = 1 },\n  { x = 2 },\n]\n[[b]]\nc = 1\n[b.d]\ne = 2\n[[b]]\nc = 3\n", "f")
    assert [found["a", 1], found["b", 0, "d", "e"], found["b", 1, "c"]] == [3, 8, 10]


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("kaggle.com/docs/notebooks", "https://kaggle.com/docs/notebooks"),
        ("Kaggle/kaggle-cli#1198", "https://github.com/Kaggle/kaggle-cli/issues/1198"),
        ("googlecolab/colabtools@3c07d77, drive.py", "https://github.com/googlecolab/colabtools/tree/3c07d77"),
        ("as measured (stas00/ml-engineering@b9e2972)", "https://github.com/stas00/ml-engineering/tree/b9e2972"),
        ("0.8 of 1,008 GB/s (incpak.com/?p=136649)", "https://incpak.com/?p=136649"),
        ("its authors (docs/benchmarks.md)", ""),
        ("our own estimate; nobody was timed", ""),
        ("googlecolab/google-colab-cli src/client.py", ""),
    ],
)
def test_a_source_leads_to_an_address_where_it_names_one(source, address):
    assert facts.link(source) == address


@pytest.mark.parametrize(
    ("date", "days"),
    [("2026-11-20", 8), ("2026-11", 0), ("2026-10", 28), ("2026", 0), ("2025", 332), ("2024-02", 1003)],
)
def test_the_age_of_a_fact_counts_from_the_last_day_that_its_date_may_mean(date, days):
    assert facts.age_in_days(date, datetime.date(2026, 11, 28)) == days


# the facts of this project


@pytest.fixture(scope="module")
def known():
    project = open_project(ROOT)
    problems = []
    read = work.read(project, problems)
    assert problems == []
    return load_folders(project.platforms, "platforms"), read


def test_every_fact_of_this_project_has_a_source_a_date_and_a_grade(known):
    folders, read = known
    around = lint.Collection(facts=read.files, cards=frozenset(read.cards.data))
    assert [p for thing in (*folders, *read.files) for p in lint.findings("facts", thing, around)[0]] == []
    count = sum(len(list(facts.of_profile(f.profile, f.at))) for f in folders)
    assert count > 300 and len(list(read.cards.found())) > 100


# every system of the reference's two lists of platforms, and those that the old guides name
NAMED = {
    "Google Colab", "Colab Enterprise", "Kaggle", "SageMaker Studio Lab", "Local", "Paperspace Gradient",
    "Hugging Face Spaces", "Replicate", "Modal", "Lightning AI Studio", "Binder", "GitHub Codespaces", "Deepnote",
    "FloydHub", "BlobCity", "Q Blocks",
}  # fmt: skip


def test_the_guide_knows_every_system_that_the_old_guides_compare(known):
    made = table.of(known[0], [], known[1])
    assert {p["name"] for p in made["platforms"]} == NAMED
    states = {p["id"]: p["state"] for p in made["platforms"]}
    assert (states["floydhub"], states["studio-lab"], states["gradient"]) == ("dead", "closed", "unconfirmed")
    assert json.loads(json.dumps(made)) == made  # plain data, in one order
    assert not any(p["id"] == "hub" for p in made["platforms"])  # a place for bundles alone


def test_every_system_that_can_be_begun_with_says_how_and_in_how_many_minutes(known):
    for platform in table.of(known[0], [], known[1])["platforms"]:
        if platform["state"] in ("open", "closed"):
            assert platform["setup"] and all(step["minutes"] > 0 for step in platform["setup"]), platform["id"]


def test_an_offer_takes_each_value_from_its_machine_then_its_plan_then_its_platform(known):
    offers = {o["id"]: o for o in table.of(known[0], [], known[1])["offers"]}
    colab, pro = offers["colab/free/t4"], offers["colab/pro-plus/l4"]
    assert (colab["session_hours"], pro["session_hours"], offers["colab/paid/l4"]["session_hours"]) == (12, 24, None)
    assert (colab["background"], pro["background"]) == (False, True)
    assert (colab["memory_gb"], offers["kaggle/free/t4x2"]["memory_gb"], pro["memory_gb"]) == (15.6, 15.6, 24.2)
    assert offers["local/own/rtx-4090"]["session_hours"] == 0  # no limit
    assert offers["kaggle/free/cpu"]["memory_gb"] == 30  # a processor's memory is the machine's
    card = "half_tflops"
    assert colab[card] == offers["kaggle/free/t4x2"][card] == offers["modal/starter/t4"][card]


def test_a_folder_of_facts_alone_changes_no_notebook_and_no_list(tmp_path):
    from anylab.compile import compile_all

    only = 'name = "Far"\nvariants = false\norder = 9\n\n[facts]\nram_gb = ' + FACT + MACHINE
    files = {"platforms/far/platform.toml": only, "platforms/cards.toml": CARDS}
    without = small_project(tmp_path / "a", {"platforms/cards.toml": CARDS})
    with_it = small_project(tmp_path / "b", files)
    # the pages of the guide aside, which are there to tell of it
    assert dict(compile_all(with_it).files()) == dict(compile_all(without).files())
    assert {p.platform.id for p in compile_all(with_it).pairs} == {"plain", "forms"}


def test_a_fact_folder_may_not_have_what_only_variants_need(tmp_path):
    from anylab.platforms import load_all

    profile = 'name = "Far"\nvariants = false\n[facts]\n[moving]\nrun = "x"\n'
    project = small_project(tmp_path, {"platforms/far/platform.toml": profile})
    with pytest.raises(Refused):
        load_all(project.platforms, "platforms")


# what every comparison shows of a place: there, or written down as unknown
SHOWN = {
    "state", "takes_notebooks", "accelerators", "ram_gb", "disk_gb", "session_hours", "idle_minutes",
    "weekly_gpu_hours", "usd_per_hour", "persists", "persistent", "lost", "background", "private", "internet",
    "secrets", "entry", "browser", "forbidden", "cloned_voices", "reconnect", "upload", "reuse", "download",
    "versions", "sharing", "debugging", "privacy", "maintenance", "upgrade", "mobile",
}  # fmt: skip


def test_what_is_not_known_of_a_place_that_can_be_used_is_written_as_unknown(known):
    for platform in table.of(known[0], [], known[1])["platforms"]:
        there = set(platform["facts"])
        for plan in platform["plans"]:
            there = there.union(plan["facts"], *(machine["facts"] for machine in plan["machines"]))
        if platform["setup"]:  # the others are gone, or nothing recent was found of them
            assert SHOWN - there == set(), platform["id"]


def test_a_wrong_fact_is_a_line_of_its_own_before_anything_is_computed_from_it(tmp_path):
    """Commands read the table without the lints; what a lint would find must not come out as a traceback."""
    fact = lines(value='"lots"') + "\n[facts.ram_bg]\n" + lines()
    machine = MACHINE.replace('"small"', '"smal"')
    files = {
        "platforms/plain/platform.toml": PROFILE.format(forms="false") + f"\n[facts.ram_gb]\n{fact}\n" + machine,
        "platforms/cards.toml": CARDS,
        "notebooks-src/work/ours.toml": WORK,
    }
    with pytest.raises(Refused) as refused:
        table.read(small_project(tmp_path, files))
    found = "\n".join(map(str, refused.value.problems))
    assert "must be a number, zero or more of GB, not 'lots'" in found
    assert "unknown fact 'facts.ram_bg'; did you mean 'ram_gb'?" in found and "no card 'smal' in cards.toml" in found
    assert all("platform.toml:" in str(problem) for problem in refused.value.problems)


def test_every_price_of_an_hour_leads_to_the_page_that_names_it_and_not_to_a_front_door():
    prices = [
        fact["usd_per_hour"]
        for platform in table.read(open_project(ROOT))["platforms"]
        for plan in platform["plans"]
        for fact in (plan["facts"], *(machine["facts"] for machine in plan["machines"]))
        if fact.get("usd_per_hour", {}).get("value")
    ]
    assert len(prices) > 20
    assert {p["link"] for p in prices if not re.fullmatch(r"https://[^/]+/\S+", p["link"])} == set()
