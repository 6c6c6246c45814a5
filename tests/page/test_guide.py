"""What the guide says: every table is there, values have sources, unknown stays unknown, estimates are marked."""

import dataclasses
import re
import shutil

import pytest

from anylab import building, facts
from anylab.catalog import as_html, as_markdown, guide, table
from anylab.catalog.blocks import ESTIMATE, UNKNOWN, Bar, Bars, Cell, Section, Table
from anylab.catalog.reading import Reader
from anylab.catalog.sources import Sources
from anylab.catalog.views import cost, criteria, places, strengths
from anylab.catalog.views import work as work_view
from anylab.compile import compile_all
from anylab.project import open_project
from tests.conftest import ROOT

FACT = {"value": 3, "source": "example.org/page", "link": "https://example.org/page", "date": "2026-01-02",
        "grade": "published", "note": ""}  # fmt: skip


@pytest.fixture(scope="module")
def built(compiled):
    return {path: data.decode() for path, data in guide.files(compiled) if path.endswith((".md", ".html"))}


@pytest.fixture(scope="module")
def reader(compiled):
    sources = {p.source.name: p.source for p in compiled.pairs}.values()
    return Reader(table.of(compiled.folders, sources, compiled.known))


def rows_of(markdown, caption):
    """The cells of a table of GUIDE.md, its head first."""
    lines = markdown.partition(f"**{caption}**\n\n")[2].split("\n")
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return [row for row in found if not all(set(cell) <= {"-", ":"} for cell in row)]


def test_every_place_of_the_facts_stands_in_the_quick_comparison_the_dead_ones_too(built, reader):
    shown = {row[0].partition(",")[0] for row in rows_of(built["GUIDE.md"], "Quick comparison")[1:]}
    assert shown == {p["name"].partition(",")[0] for p in reader.table["platforms"]}
    states = {row[1] for row in rows_of(built["GUIDE.md"], "Quick comparison")[1:]}
    assert any("gone" in s for s in states) and any("closed to newcomers" in s for s in states)


def test_the_quick_comparison_has_at_least_sixteen_features_each_value_with_its_source(built):
    head, *rows = rows_of(built["GUIDE.md"], "Quick comparison")
    assert len(head) >= 16
    sourced = {head.index(name) for name in ("free disk", "longest session", "keeps files", "internet", "to begin")}
    for row in rows:
        for column in sourced:
            assert re.fullmatch(r"\[.+\]\[s\d+\]", row[column]) or row[column] == "*unknown*", (row[0], head[column])


def test_every_table_that_the_old_guides_had_has_its_counterpart(built):
    for title in ("Places compared", "For and against", "How to begin, step by step", "Which one for whom",
                  "Which one for what", "Time on each accelerator", "How many times faster", "What a week holds",
                  "Where the memory goes", "What it costs", "Buying a card, or renting one", "How a run goes",
                  "Data in and out", "Working there", "Weigh it yourself", "One example, from set-up to result",
                  "Moving a job", "Tips that are true here", "What the old guides said"):  # fmt: skip
        assert f"\n## {title}\n" in built["GUIDE.md"], title
        assert any(title in page for path, page in built.items() if path.endswith(".html")), title


def test_every_reference_of_the_guide_is_defined_and_every_definition_used(built):
    used = set(re.findall(r"\]\[s(\d+)\]", built["GUIDE.md"]))
    defined = re.findall(r"^\[s(\d+)\]: (\S+) \"[^\"]+; grade (\w+)\"$", built["GUIDE.md"], re.MULTILINE)
    assert used <= {number for number, _, _ in defined} and len(used) > 80
    assert {grade for _, _, grade in defined} <= set(facts.GRADES)


def test_every_table_of_the_guide_has_as_many_cells_in_each_row_as_in_its_head(built):
    width = None
    for line in built["GUIDE.md"].split("\n"):
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.split(r"(?<!\\)\|", line)) - 2
        assert width in (None, cells), line
        width = cells


def test_every_move_between_two_places_is_told(built, compiled):
    name = compiled.pairs[0].source.name
    names = [p.platform.name for p in compiled.pairs if p.source.name == name and p.path]
    for origin in names:
        for target in names:
            assert (f"<summary>From {origin} to {target}</summary>" in built["GUIDE.md"]) is (origin != target)


def test_claims_of_the_old_guides_stand_beside_what_is_known_now(built, reader):
    rows = rows_of(built["GUIDE.md"], "Claims, checked")[1:]
    known = sum(len(p["claims"]) for p in reader.table["platforms"])
    known += sum(len(n["claims"]) for n in reader.table["notebooks"].values())
    assert len(rows) == known > 40
    assert all(re.fullmatch(r"\[.+\]\[s\d+\]", row[3]) for row in rows)
    assert any("impossible" in row[2] for row in rows)  # the seed's steps a second on a T4


def test_tips_of_a_notebook_come_from_its_work_file_with_their_source(built, reader):
    rows = rows_of(built["GUIDE.md"], "Faster and cheaper")[1:]
    told = {(row[0], row[1]) for row in rows}
    tips = [(tip["do"], n["title"]) for n in reader.table["notebooks"].values() for tip in n["tips"]]
    assert len(tips) > 3 and set(tips) <= told
    assert all(re.fullmatch(r"\[.+\]\[s\d+\]", row[2]) for row in rows)


def test_the_views_ask_only_for_facts_that_exist():
    for keys in (places._QUICK, places.EXECUTION, places.DATA, places.DEVELOPMENT):
        assert {key for _, key, _ in keys} <= set(facts.KNOWN)


def test_an_unknown_stays_unknown_and_an_estimate_is_marked(reader):
    unknown = reader.fact({**FACT, "value": None, "grade": "unknown"}, "GB")
    assert unknown.mark == UNKNOWN and as_markdown.cell(unknown).startswith("[*unknown*]")
    assert "class=u href" in as_html.cell(unknown) and ">unknown<" in as_html.cell(unknown)
    guessed = reader.fact({**FACT, "grade": "estimated"}, "GB")
    assert guessed.mark == ESTIMATE and as_markdown.cell(guessed).startswith("[≈ 3 GB]")
    assert ">≈ 3 GB</a>" in as_html.cell(guessed)
    assert reader.fact(None).text == "unknown" and reader.fact({**FACT, "value": 0}, "h").text == "0 h"


def test_words_of_facts_break_no_table_and_no_page():
    nasty = 'a | b <script>alert(1)</script> [x](y) *z*\nnew & "line"'
    cell = as_markdown.cell(Cell(nasty))
    assert "\n" not in cell and not re.search(r"(?<!\\)[|<\[*]", cell)
    assert as_markdown.cell(Cell("C:\\|")) == r"C:\\\|"  # a backslash hides no bar
    shown = as_html.cell(Cell(nasty, href='x" onclick="1'))
    assert "<script" not in shown and 'onclick="1' not in shown.replace("&quot;", "")


def test_one_object_gives_both_pages():
    bars = Bars("b", "Bars", (Bar("slow", 4.0, Cell("4 h")), Bar("fast", 1.0, Cell("1 h"), less=True)))
    section = Section(
        "s", "A part", "Words.", (Table("t", "Facts", ("a", "b"), ((Cell("x"), Cell("1", sort=1)),)), bars)
    )
    markdown, html = as_markdown.page("T", "", [section], Sources()), as_html.section(section)
    for words in ("A part", "Words.", "Facts", "4 h", "slow"):
        assert words in markdown and words in html.replace("\u00a0", " ")
    assert markdown.count("█") == 30 and "░" in markdown and "width:25%" in html


def test_for_and_against_and_points_follow_from_facts_alone(reader):
    open_places = [p for p in reader.table["platforms"] if p["state"] == "open" and p["plans"]]
    for platform in open_places:
        kept = platform["facts"].get("persists", {}).get("value")
        told = {c.text for c in (*strengths.fors(reader, platform), *strengths.againsts(reader, platform))}
        assert ("files stay between sessions" in told) is (kept is True)
        assert ("keeps no files between sessions" in told) is (kept is False)
    offer = reader.table["offers"][0]
    for minutes, points in ((2, 5.0), (4, 4.0), (64, 0.0)):
        place = {"state": "open", "setup": [{"minutes": minutes}]}
        assert criteria.CRITERIA[0].points(offer, place) == points
    assert criteria.CRITERIA[0].points(offer, {"state": "closed", "setup": [{"minutes": 1}]}) == 0
    assert criteria.total({"a": 5.0, "b": None}, {"a": 1, "b": 1}) == 2.5  # an unknown counts as nothing
    assert criteria.total({"a": 5.0}, {"a": 0}) == 0


def test_a_machine_that_does_less_is_called_so_and_compared_with_nothing(reader):
    bars = [b for block in work_view._times(reader) if isinstance(block, Bars) for b in block.bars]
    assert any(b.less and b.cell.text.endswith("(smaller)") for b in bars)
    assert any(not b.less and not b.cell.text.endswith("(smaller)") for b in bars)


def test_a_new_folder_of_facts_is_a_new_place_on_every_page(project_copy):
    folder = project_copy / "platforms" / "attic"
    folder.mkdir()
    (folder / "platform.toml").write_text(
        'name = "The Attic"\nvariants = false\norder = 99\n[facts]\n'
        'ram_gb = { value = 48, source = "example.org/attic", date = "2026-11-01", grade = "reported" }\n'
        '[plans.free]\nname = "free"\n[plans.free.machines.t4]\ncard = "t4"\n'
        'usd_per_hour = { value = 0.25, source = "example.org/attic", date = "2026-11-01", grade = "reported" }\n'
    )
    compiled = compile_all(open_project(project_copy))
    written = {path: data for path, data in building.outputs(compiled) if path.endswith((".md", ".html"))}
    assert b"The Attic" in written["GUIDE.md"] and b"https://example.org/attic" in written["GUIDE.md"]
    assert b"The Attic" in written["index.html"] and b"48 GB" in written["index.html"]
    anchors = set(re.findall(rb'href="?#([\w-]+)', written["index.html"]))
    assert all(re.search(rb'id="?' + re.escape(a) + rb'[" >]', written["index.html"]) for a in anchors)
    # no notebook of this small project has counted work: there is no advisor, and the pages say no time
    assert b"id=ask" not in written["index.html"] and b"id=advisor" not in written["index.html"]


def test_pages_are_built_checked_and_cleared_away_like_variants(project_copy):
    picture = project_copy / "notebooks-src" / "dot.png"
    shutil.copy(ROOT / "notebooks-src" / "assets" / "graphmer_training.png", picture)
    source = project_copy / "notebooks-src" / "seen.py"
    front = ("title: Seen once", "picture: dot.png", "picture_alt: a dot")
    head = "".join(f"#     {line}\n" for line in front)
    source.write_text(f"# ---\n# jupyter:\n#   anylab:\n{head}# ---\n\n# %%\nx = 1\n")
    project = open_project(project_copy)
    wrote = building.build(project).outcome.written
    assert {"dist/index.html", "dist/GUIDE.md", "dist/pictures/seen.png"} <= set(wrote)
    assert building.build(project).from_cache and not building.check(project).drift
    page = project.out / "index.html"
    page.write_text(page.read_text(encoding="utf-8") + "by hand", encoding="utf-8")
    (project.out / "pictures" / "mine.png").write_bytes(b"mine")
    report = building.check(project)
    assert list(report.drift) == ["dist/index.html"] and report.outcome.orphans == ["dist/pictures/mine.png"]
    source.unlink()
    outcome = building.build(project).outcome
    assert "dist/pictures/seen.png" in outcome.removed and outcome.orphans == ["dist/pictures/mine.png"]


def test_a_project_without_plans_has_no_guide(tmp_path, compiled):
    bare = dataclasses.replace(compiled, folders=[f for f in compiled.folders if not f.profile.get("plans")])
    assert list(guide.files(bare)) == []


def test_no_table_gives_a_time_or_a_tick_where_the_advice_refuses(reader):
    """What fits in a week, a time on two cores, and what fits where ask the same judge as `advise`."""
    everywhere = cost.everything(reader)
    for name, notebook in reader.counted():
        rows = {row["offer"] for row in cost.answer(reader, name, everywhere)}
        weeks = {o["id"] for o in reader.offers.values() if work_view._fits_a_week(notebook, o, 30).text != "–"}
        can = {o["id"] for o in reader.offers.values() if o["state"] != "dead" and o["notebooks"] is True}
        assert weeks & can == rows
        timed = {(o["card"], o["count"]) for o in work_view.accelerators(reader, notebook)
                 if work_view.hours(notebook, o, 1)[1]}  # fmt: skip
        assert timed == {(reader.offers[id]["card"], reader.offers[id]["count"]) for id in rows}


def test_cards_are_compared_in_speed_by_one_way_of_doing_the_job(reader):
    """A large card takes a larger model for clips by itself; its speed is told by the model that the others take."""
    video = reader.table["notebooks"]["video_generation"]
    offers = {(o["card"], o["count"]): o for o in work_view.accelerators(reader, video)}
    h100, t4 = offers["h100", 1], offers["t4", 1]
    assert work_view._full(video, h100) is None  # its own way is no usual job
    assert 10 < work_view._full(video, t4) / work_view._full(video, h100, t4) < 60


def test_a_card_pays_for_itself_against_renting_for_the_same_job_only(reader):
    rows = {r["offer"]: r for r in cost.answer(reader, "video_generation", cost.open_places(reader))}
    for card, size in (("rtx-3050", 1), ("rtx-4080", 0), ("rtx-4090", -1)):
        mine = rows[f"local/own/{card}"]
        assert mine["lesser"] == size
        usd, _ = cost.cheapest_rent(reader, "video_generation", mine)
        same = {r["offer"]: r for r in cost.answer(reader, "video_generation", cost.open_places(reader),
                                                   choice=mine["choice"])}  # fmt: skip
        t4 = same.get("lightning/free/t4")
        assert t4 is None or usd <= t4["hours"] * reader.offers["lightning/free/t4"]["usd_per_hour"]
    small, large = (cost.cheapest_rent(reader, "video_generation", rows[f"local/own/{c}"])[0]
                    for c in ("rtx-3050", "rtx-4090"))  # fmt: skip
    assert large > 50 * small


def test_a_smaller_job_is_marked_in_every_table_that_gives_its_time(built, reader):
    """On processor cores every notebook with a way on them does less than on a card."""
    for _, notebook in reader.counted():
        title, seen = notebook["title"], 0
        timed = rf"\*\*({re.escape(title)}(?::.* best first|: a job of .*|, hours and days))\*\*"
        for caption in re.findall(timed, built["GUIDE.md"]):
            for row in rows_of(built["GUIDE.md"], caption)[1:]:
                if "processor cores" in " ".join(row[:2]) and re.search(r"\d (min|h|days)", " ".join(row)):
                    assert "(smaller)" in " ".join(row), (caption, row)
                    seen += 1
        assert seen, title


def test_a_year_that_cannot_hold_the_jobs_has_no_price(built, reader):
    """A hundred jobs a year of more than three and a half days each, waiting counted."""
    full, long = 0, cost.YEAR_HOURS / cost.JOBS_A_YEAR
    for name, notebook in reader.counted():
        rows = cost.answer(reader, name, cost.everything(reader))
        words = {reader.offers[r["offer"]]["words"] for r in rows if r["elapsed_hours"] > long}
        units = f"{notebook['work']['ask']:,} {notebook['work']['units']}"
        for row in rows_of(built["GUIDE.md"], f"{notebook['title']}: a job of {units}")[1:]:
            assert (row[-4:] == [f"*{cost.TOO_MANY}*"] * 4) is (row[0] in words), row
        full += len(words)
    assert full


def test_what_a_place_is_best_for_is_not_a_quota_that_is_bought_or_hours_that_need_an_open_browser(reader):
    for platform in reader.table["platforms"]:
        told = strengths.best_for(reader, platform).text
        offers = [o for o in reader.table["offers"] if o["platform"] == platform["id"]]
        if "runs of many hours" in told:
            assert any(o["background"] is True or o["owned"] for o in offers), platform["id"]
        if "many runs a week" in told:
            assert any(o["usd_per_hour"] == 0 or o["owned"] for o in offers), platform["id"]


def test_a_limit_that_differs_by_the_kind_of_machine_says_which_is_which(built):
    head, *rows = rows_of(built["GUIDE.md"], "Quick comparison")
    kaggle = next(row for row in rows if row[0] == "Kaggle")
    assert "GPU 30 h / TPU 20 h / cores no limit" in kaggle[head.index("hours a week")]
    assert "15.6–16 GB" in kaggle[head.index("memory a card")]  # a TPU's eight chips have 16 GB each
    modal = next(row for row in rows if row[0] == "Modal")
    assert "and processor and memory" in modal[head.index("price")]


def test_what_a_place_says_on_cloned_voices_stands_where_a_reader_is_sent_there(built):
    head, *rows = rows_of(built["GUIDE.md"], "How a run goes, place by place")
    column = head.index("on cloned voices and faces")
    assert all("creating deepfakes" in row[column] for row in rows if row[0].startswith("Google Colab"))
    advice = built["GUIDE.md"].partition("## What the advisor says")[2].partition("\n## ")[0]
    assert advice.count('Google Colab: "creating deepfakes" is not allowed') == 2  # lip sync, and voices


def test_only_a_place_that_has_no_gpu_is_blamed_for_it(reader):
    against = {p["id"]: {c.text for c in strengths.againsts(reader, p)} for p in reader.table["platforms"]}
    assert "no GPU" in against["binder"] & against["codespaces"]
    assert "without a GPU: free" in against["deepnote"]
    assert "without a GPU: default runtime" in against["colab-enterprise"]
    assert "from 0.81 USD an hour for a GPU" in against["replicate"]  # and not from 0.36, which is four cores


def test_a_daily_quota_is_no_week_without_a_limit(built):
    head, *rows = rows_of(built["GUIDE.md"], "Quick comparison")
    lab = next(row for row in rows if row[0] == "SageMaker Studio Lab")
    assert lab[head.index("hours a week")].startswith("[28 h (4 a day)]")


def test_a_card_whose_speed_nobody_knows_is_not_said_to_be_too_small(built):
    head, *rows = rows_of(built["GUIDE.md"], "Jobs until a card has paid for itself")
    card = next(row for row in rows if row[0] == "GeForce RTX 3070")
    assert card[head.index("Voice cloning, marked and with consent")] == "*unknown*"


def test_the_legend_of_bars_names_no_way_that_no_bar_shows(built):
    voices = built["GUIDE.md"].partition("## Time on each accelerator")[2].partition("Voice cloning")[2]
    assert "Smaller: Pocket TTS" in voices.partition("hours and days")[0]
    assert "Chatterbox" not in voices.partition("hours and days")[0]


def test_a_place_that_is_gone_has_a_list_of_steps_that_says_so(built, reader):
    begin = built["GUIDE.md"].partition("## How to begin, step by step")[2].partition("\n## ")[0]
    assert all(f"**{p['name']}" in begin for p in reader.table["platforms"])
    assert "**FloydHub (gone)**\n\n1. [nothing to begin any more]" in begin


def test_every_estimate_in_a_table_that_sorts_says_its_number_as_its_words_begin_with_a_sign(built):
    for page in ("index.html", "guide.html"):
        tables = re.findall(r'<table class="wide sort".*?</table>', built[page], re.S)
        cells = [found for one in tables for found in re.findall(r"<td([^>]*)>(?:<[^>]*>)*≈ \d", one)]
        assert len(cells) > 10 and all("data-v=" in cell for cell in cells), page
