"""The page's advisor and `build.py advise` are two programs over one table: many questions, every number compared."""

import random

import pytest

from anylab.catalog import advise, amounts, table
from anylab.project import open_project
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def facts():
    return table.read(open_project(ROOT))


def questions(facts, count=400):
    """Usual and odd ones: every notebook, tiny and huge amounts, any places and cards, odd budgets, all needs."""
    dice = random.Random(9)
    places = [p["id"] for p in facts["platforms"]]
    owned = sorted({f"{o['platform']}:{o['card']}" for o in facts["offers"] if o["owned"]})
    for _ in range(count):
        name = dice.choice(list(facts["notebooks"]))
        work = facts["notebooks"][name]["work"]
        presets = work["presets"] if work else [1]
        yield {
            "notebook": name,
            "units": dice.choice([*presets, 1, dice.randint(1, 10**6), dice.uniform(0.1, 5000)]),
            "have": dice.sample(places + owned, dice.choice([0, 1, 3, len(places) // 2, len(places)])),
            "budget": dice.choice([None, None, 0, 0.01, dice.uniform(0, 60), 9.99, 1000]),
            "need": dice.sample(advise.NEEDS, dice.choice([0, 0, 1, 2, 3])),
            "hour_usd": dice.choice([0.0, 0.0, 10.0, dice.uniform(0, 200)]),
            "kwh_usd": dice.choice([0.0, 0.18, 0.3, dice.uniform(0, 1)]),
            "choice": dice.choice(["", "", "", *([c["id"] for c in work["choices"]] if work else [])]),
        }


def without_sentences(answer):
    rows = [{k: v for k, v in row.items() if k not in ("reason", "lost")} for row in answer["rows"]]
    refused = [{k: v for k, v in entry.items() if k != "why"} for entry in answer["refused"]]
    return {"rows": rows, "refused": refused, "unit": answer["unit"], "units": answer["units"]}


def test_the_page_and_the_command_give_the_same_numbers(page, facts):
    asked = list(questions(facts))
    answers = page.evaluate("asks => asks.map(ask => window.anylab.advise(ask))", asked)
    rows = refused = 0
    for ask, shown in zip(asked, answers, strict=True):
        told = without_sentences(advise.advise(facts, ask))
        assert without_sentences(shown) == told, ask
        rows, refused = rows + len(told["rows"]), refused + len(told["refused"])
    codes = {entry["code"] for shown in answers for entry in shown["refused"]}
    assert rows > 1000 and refused > 1000 and len(codes) >= 10  # the questions reached most of the arithmetic


def test_every_offer_of_the_table_reaches_the_page_unchanged(page, facts):
    shown = {offer["id"]: offer for offer in page.evaluate("window.anylab.table.offers")}
    assert set(shown) == {offer["id"] for offer in facts["offers"]}
    for offer in facts["offers"]:
        for key, value in shown[offer["id"]].items():
            assert value == offer[key], (offer["id"], key)


def test_times_and_sums_are_written_alike_in_both(page):
    dice = random.Random(3)
    hours = [
        0,
        1e-5,
        59.4 / 3600,
        59.5 / 3600,
        89 / 3600,
        596.9 / 3600,
        597 / 3600,
        0.99,
        0.9916,
        1,
        47.94,
        47.95,
        48,
        99.96,
        5000,
    ]
    hours += [10 ** dice.uniform(-5, 4) for _ in range(400)]
    sums = [0, 0.001, 0.004999, 0.005, 0.125, 9.99, 99.994, 99.995, 100, 1234.5, 1e6]
    sums += [10 ** dice.uniform(-4, 6) for _ in range(400)]
    assert page.evaluate("all => all.map(window.anylab.duration)", hours) == [amounts.duration(h) for h in hours]
    assert page.evaluate("all => all.map(window.anylab.money)", sums) == [amounts.money(s) for s in sums]


def test_costs_and_points_that_the_page_computes_anew_are_those_that_the_build_wrote(visit):
    """Settings touched and left as they were change no figure."""
    page = visit().page
    read = (
        "ids => ids.map(id => Array.from(document.querySelectorAll(id + ' tbody tr')).map(r => r.textContent).sort())"
    )
    tables = ["#matrix-t", *page.eval_on_selector_all("#cost table", "all => all.map(t => '#' + t.id)")]
    assert len(tables) > 2
    before = page.evaluate(read, tables)
    page.evaluate("document.getElementById('cost-form').dispatchEvent(new Event('input', {bubbles: true}))")
    page.evaluate("document.getElementById('weights').dispatchEvent(new Event('input', {bubbles: true}))")
    assert page.evaluate(read, tables) == before
