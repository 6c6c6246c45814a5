"""Advice is arithmetic over the table: what must hold for any machine, and what the numbers of this project come to."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anylab.catalog import advise, amounts, rates, table
from anylab.catalog.advise import calendar, cost
from anylab.project import open_project
from tests.conftest import ROOT

OFFER = {
    "id": "p/free/one", "platform": "p", "plan": "free", "machine": "one", "words": "P, free: One", "card": "one",
    "kind": "gpu", "count": 1, "variant": True, "state": "open", "owned": False, "internet": "on", "ram_gb": 16,
    "disk_gb": 60, "session_hours": 12, "idle_minutes": 20, "hours_per_week": 30, "hours_per_day": 0,
    "usd_per_hour": 0.5, "usd_block": 0, "usd_credit": 0, "persistent": True, "background": True, "private": True,
    "notebooks": True, "capability": 7.5, "half_tflops": 24, "single_tflops": 5, "bandwidth_gbs": 260, "watts": 70,
    "memory_gb": 15.6, "lost": "", "entry": "", "terms": "", "on_top": "",
}  # fmt: skip
PART = {"name": "sums", "tflop": 6, "rate": "half", "share": 0.5, "gb": 26, "seconds": 0.1}
CHOICE = {
    "id": "all", "words": "all", "kinds": ["gpu"], "asked_only": False, "lesser": 0, "terms": "", "capability_from": 7,
    "capability_below": 0, "memory_gb": 2, "item": "row", "item_gb": 0.25, "items": 32, "item_most": 16,
    "spread": "unit", "further_card": 0.9, "parts": [PART], "known": {},
}  # fmt: skip
ASK = {"notebook": "n", "units": 1000, "have": [], "budget": None, "need": [], "hour_usd": 0, "kwh_usd": 0.2,
       "choice": ""}  # fmt: skip


def small(*offers, choices=(CHOICE,), needs=None):
    """A table of one notebook and these offers."""
    work = {"option": "steps", "unit": "step", "units": "steps", "ask": 1, "presets": [], "terms": "",
            "choices": list(choices)}  # fmt: skip
    return {"offers": list(offers or [OFFER]), "notebooks": {"n": {"needs": needs or {}, "work": work}}}


def one(offer=None, choice=None, needs=None, **ask):
    """(the row, None) or (None, the refusal) for one machine."""
    made = small({**OFFER, **(offer or {})}, choices=[{**CHOICE, **(choice or {})}], needs=needs)
    answer = advise.advise(made, {**ASK, **ask})
    assert len(answer["rows"]) + len(answer["refused"]) == 1
    return (answer["rows"] or [None])[0], (answer["refused"] or [None])[0]


# --- the arithmetic ---------------------------------------------------------------------------------------------------


def test_a_unit_takes_its_flops_its_bytes_and_its_waiting_one_after_the_other():
    assert rates.unit_seconds(CHOICE, OFFER) == 0.1 + 6 / (24 * 0.5) + 26 / 260


def test_a_time_that_somebody_measured_counts_instead_of_the_sum():
    choice = {**CHOICE, "known": {"one": {"seconds": 2.5, "grade": "measured"}}}
    row, _ = one(choice=choice)
    assert (row["seconds"], row["grade"]) == (2.5, "measured") and "an estimate" not in row["reason"]
    assert one()[0]["grade"] == "estimated" and "an estimate" in one()[0]["reason"]


def test_two_cards_share_a_unit_less_than_twice_as_fast_and_a_queue_by_whole_units():
    two = {**OFFER, "count": 2}
    assert rates.total_seconds(CHOICE, two, 100, 2.0) == 200 / 1.9
    queue = {**CHOICE, "spread": "queue"}
    assert [rates.total_seconds(queue, two, n, 60.0) for n in (1, 2, 3)] == [60, 60, 120]


@pytest.mark.parametrize(("memory", "size"), [(2.2, 0), (2.25, 1), (2.99, 2), (3.0, 4), (6.0, 16), (80, 16)])
def test_a_batch_is_the_largest_power_of_two_that_the_card_holds(memory, size):
    assert rates.batch(CHOICE, {**OFFER, "memory_gb": memory}) == size


@pytest.mark.parametrize(
    ("x", "digits", "value"), [(0.125, 2, 0.13), (2.5, 0, 3.0), (1.00049, 3, 1.0), (0.0005, 3, 0.001), (7, 4, 7)]
)
def test_rounding_is_to_the_nearest_with_halves_up(x, digits, value):
    assert rates.rounded(x, digits) == value


@pytest.mark.parametrize(
    ("limits", "hours", "sessions", "days", "elapsed"),
    [
        ({}, 5, 1, 1, 5),
        ({}, 30, 3, 2, 30),
        ({}, 31, 3, 8, 169),  # 30 in the first week, one in the second
        ({}, 61, 6, 15, 337),
        ({"hours_per_day": 4, "hours_per_week": 0, "session_hours": 4}, 9, 3, 3, 49),  # 4, 4, 1
        ({"hours_per_day": 4, "hours_per_week": 0, "session_hours": 4}, 29, 8, 8, 169),  # a week holds 28
        ({"hours_per_week": 0, "session_hours": 0}, 100, 1, 5, 100),
        ({"hours_per_week": None, "session_hours": None}, 30, None, 2, 30),
    ],
)
def test_quotas_become_sessions_and_days(limits, hours, sessions, days, elapsed):
    found = calendar({**OFFER, **limits}, hours)
    assert (found["sessions"], found["days"], found["elapsed_hours"]) == (sessions, days, elapsed)
    assert found["quota_known"] == (limits.get("hours_per_week", 30) is not None)


@pytest.mark.parametrize(
    ("prices", "hours", "usd"),
    [
        ({}, 3, 1.5),
        ({"usd_credit": 1}, 3, 0.5),
        ({"usd_credit": 30}, 3, 0),
        ({"usd_block": 9.99}, 3, 9.99),
        ({"usd_block": 9.99}, 30, 19.98),
        ({"usd_block": 9.99, "usd_per_hour": 0}, 30, 0),
        ({"usd_per_hour": None}, 3, None),
        ({"owned": True, "usd_per_hour": None}, 10, 10 * 70 / 1000 * 0.2),
        ({"owned": True, "watts": None}, 10, None),
    ],
)
def test_what_is_paid_is_hours_less_credit_in_whole_purchases_and_power_at_home(prices, hours, usd):
    assert cost({**OFFER, **prices}, hours, 0.2) == usd


# --- why not ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "choice", "needs", "ask", "code", "words"),
    [
        ({"state": "dead"}, {}, {}, {"have": ["p"]}, "dead", "it is gone"),
        ({"state": "closed"}, {}, {}, {}, "closed", "closed to newcomers"),
        ({"state": "unconfirmed"}, {}, {}, {}, "unconfirmed", "nobody could confirm"),
        ({}, {}, {}, {"have": ["q"]}, "have", "not among what you have"),
        ({"owned": True}, {}, {}, {}, "have", "not among what you have"),
        ({"notebooks": False}, {}, {}, {}, "notebook", "does not run a notebook"),
        ({"notebooks": None}, {}, {}, {}, "notebook", "does not run a notebook"),
        ({}, {}, {"ram_gb": 20}, {}, "ram", "needs 20 GB of memory, the machine has 16 GB"),
        ({}, {}, {"disk_gb": 61}, {}, "disk", "needs 61 GB of disk, 60 GB are free"),
        ({"internet": "restricted"}, {}, {"internet": "weights"}, {}, "internet", "cannot be fetched"),
        ({"kind": "tpu"}, {}, {}, {}, "kind", "no way of doing this on a tpu; it wants a gpu"),
        ({"capability": 6.0}, {}, {}, {}, "capability", "needs compute capability 7, this has 6"),
        ({"capability": None}, {}, {}, {}, "capability", "an unknown one"),
        ({"memory_gb": 2.1}, {}, {}, {}, "memory", "needs 2.25 GB of memory on the accelerator, this has 2.1 GB"),
        ({"memory_gb": None}, {}, {}, {}, "memory", "this has an unknown amount"),
        ({"half_tflops": None}, {}, {}, {}, "rate", "no time can be said"),
        ({"session_hours": 0.0001}, {}, {}, {}, "session", "one step takes longer"),
        ({"background": False}, {}, {}, {"need": ["background"]}, "background", "does not run on"),
        ({"private": None}, {}, {}, {"need": ["private"]}, "private", "whether it can keep a notebook private is unk"),
        ({"persistent": False}, {}, {}, {"need": ["persistent"]}, "persistent", "does not keep files"),
        ({"usd_per_hour": None}, {}, {}, {"budget": 5}, "price", "its price is unknown"),
        ({"usd_per_hour": 900}, {}, {}, {"budget": 5}, "budget", "costs 175.00 USD"),
    ],
)
def test_a_machine_that_is_not_for_it_says_why_in_one_sentence(offer, choice, needs, ask, code, words):
    row, why = one(offer, choice, needs, **ask)
    assert row is None and why["code"] == code and words in why["why"] and why["code"] in advise.CODES


def test_what_is_unknown_of_a_machine_refuses_nothing_and_is_told():
    row, _ = one({"ram_gb": None, "disk_gb": None, "session_hours": None}, needs={"ram_gb": 4, "disk_gb": 4})
    assert row["unknown"] == ["ram_gb", "disk_gb", "session_hours"] and "sessions of unknown length" in row["reason"]


def test_a_closed_place_and_a_card_of_ones_own_count_for_who_has_them():
    assert one({"state": "closed"}, have=["p"])[0] and one({"owned": True}, have=["p:one"])[0]
    assert one({"owned": True}, have=["p:two"])[1]["code"] == "have"


def test_a_notebook_without_a_work_model_is_simply_said_to_have_none():
    made = small()
    made["notebooks"]["n"]["work"] = None
    answer = advise.advise(made, ASK)
    assert answer["rows"] == answer["refused"] == [] and "nobody has counted" in answer["note"]


# --- the order --------------------------------------------------------------------------------------------------------


def ranked(*offers, **ask):
    return [row["offer"] for row in advise.advise(small(*offers), {**ASK, **ask})["rows"]]


def test_variants_come_first_then_what_is_cheap_then_what_is_quick():
    def made(name, **changes):
        return {**OFFER, "id": name, **changes}

    free, dear, quick = made("free", usd_per_hour=0), made("dear"), made("quick", usd_per_hour=0, half_tflops=240)
    far, unknown = made("far", usd_per_hour=0, variant=False), made("unknown", usd_per_hour=None)
    assert ranked(far, unknown, dear, free, quick) == ["quick", "free", "dear", "unknown", "far"]


def test_an_hour_that_is_worth_something_makes_the_quick_machine_win():
    slow = {**OFFER, "id": "slow", "usd_per_hour": 0}
    quick = {**OFFER, "id": "quick", "usd_per_hour": 1, "half_tflops": 2400, "bandwidth_gbs": 26000}
    assert ranked(slow, quick) == ["slow", "quick"]
    assert ranked(slow, quick, hour_usd=10) == ["quick", "slow"]


def test_a_toy_on_a_free_processor_never_comes_before_the_thing_itself():
    toy = {**CHOICE, "id": "toy", "kinds": ["cpu"], "lesser": 2, "known": {"one": {"seconds": 1e-4, "grade": "x"}}}
    made = small({**OFFER, "id": "cpu", "kind": "cpu", "usd_per_hour": 0}, OFFER, choices=[CHOICE, toy])
    assert [r["offer"] for r in advise.advise(made, ASK)["rows"]] == ["p/free/one", "cpu"]


# --- what must hold for any machine -----------------------------------------------------------------------------------

numbers = st.floats(0.01, 1e4, allow_nan=False)
limits = st.one_of(st.none(), st.just(0), st.floats(0.5, 200))
offers = st.fixed_dictionaries({
    "count": st.integers(1, 8), "memory_gb": numbers, "half_tflops": numbers, "bandwidth_gbs": numbers,
    "session_hours": limits, "hours_per_week": limits,
    "hours_per_day": st.one_of(st.none(), st.just(0), st.floats(0.5, 24)),
    "usd_per_hour": st.one_of(st.none(), st.floats(0, 50)), "usd_block": st.sampled_from([0, 9.99]),
    "usd_credit": st.sampled_from([0, 30]), "capability": st.sampled_from([6.0, 7.5, 8.0, 9.0]),
}).map(lambda changes: {**OFFER, **changes})  # fmt: skip
ways = [
    {**CHOICE, "id": "whole", "capability_from": 8.0, "memory_gb": 12},
    {**CHOICE, "id": "older", "capability_below": 8.0, "memory_gb": 12},
    {**CHOICE, "id": "part", "memory_gb": 2, "spread": "queue", "lesser": 1},
]
MANY = settings(max_examples=150, deadline=None)


@MANY
@given(offers, st.floats(0.01, 1e7), st.floats(1, 100))
def test_more_work_never_takes_less_time_or_money_or_fewer_sessions(offer, units, times):
    rows = [advise.advise(small(offer, choices=ways), {**ASK, "units": u})["rows"] for u in (units, units * times)]
    assert len(rows[0]) == len(rows[1])
    for less, more in zip(*rows, strict=True):
        for key in ("hours", "days", "elapsed_hours", "sessions", "usd"):
            assert (less[key] is None) == (more[key] is None)
            assert less[key] is None or more[key] >= less[key] - 1e-3 * abs(less[key])


@MANY
@given(offers, st.floats(1, 20))
def test_a_bigger_card_never_stops_fitting(offer, times):
    small_card = advise.advise(small(offer, choices=ways), ASK)["rows"]
    big_card = advise.advise(small({**offer, "memory_gb": offer["memory_gb"] * times}, choices=ways), ASK)["rows"]
    assert len(big_card) >= len(small_card)
    if small_card and small_card[0]["choice"] == big_card[0]["choice"]:
        assert big_card[0]["batch"] >= small_card[0]["batch"]


@MANY
@given(st.lists(offers, min_size=1, max_size=6), st.floats(0, 100))
def test_a_budget_only_removes_rows(several, budget):
    named = [{**offer, "id": str(i)} for i, offer in enumerate(several)]
    without = advise.advise(small(*named, choices=ways), ASK)["rows"]
    within = advise.advise(small(*named, choices=ways), {**ASK, "budget": budget})["rows"]
    assert within == [row for row in without if row["usd"] is not None and row["usd"] <= budget]


@MANY
@given(offers, st.sets(st.sampled_from(advise.NEEDS)), st.booleans())
def test_a_need_only_removes_rows(offer, need, has):
    offer = {**offer, **dict.fromkeys(advise.NEEDS, has)}
    without = advise.advise(small(offer, choices=ways), ASK)["rows"]
    needed = advise.advise(small(offer, choices=ways), {**ASK, "need": sorted(need)})["rows"]
    assert needed == (without if has or not need else [])


# --- the numbers of this project --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    return table.read(open_project(ROOT))


def answer(real, notebook, units, **ask):
    return advise.advise(real, {**ASK, "notebook": notebook, "units": units, **ask})


def test_ten_to_25_steps_a_second_at_64_rows_of_768_on_a_t4_are_impossible(real):
    """The claim that this guide began with: 64 rows are twice the 32 of a step of `base`, and the T4 has one peak."""
    base = next(c for c in real["notebooks"]["graphmer_training"]["work"]["choices"] if c["id"] == "base")
    tflop = sum(part["tflop"] for part in base["parts"]) * 64 / base["items"]
    assert 29 < tflop < 31
    t4 = real["cards"]["t4"]
    assert rates.verdict(10 * tflop, t4) == rates.verdict(25 * tflop, t4) == "impossible"
    assert 10 * tflop > 4 * t4["facts"]["half_peak_tflops"]["value"]
    offer = next(o for o in real["offers"] if o["id"] == "colab/free/t4")
    assert 0.3 < 1 / (2 * rates.unit_seconds(base, offer)) < 1  # steps a second that one T4 can do
    two = next(o for o in real["offers"] if o["id"] == "kaggle/free/t4x2")
    assert 3600 / rates.total_seconds(base, two, 2, rates.unit_seconds(base, two)) < 3600


def test_the_claims_about_speed_are_judged_as_they_are_told(real):
    claims = [c for c in real["notebooks"]["graphmer_training"]["claims"] if "tflops" in c]
    judged = {c["card"]: rates.verdict(c["tflops"], real["cards"][c["card"]]) for c in claims}
    assert judged == {"t4": "impossible", "tpu-v2-8": "possible", "rtx-3050": "impossible"}
    assert all((rates.verdict(c["tflops"], real["cards"][c["card"]]) == "possible") == c["right"] for c in claims)


def test_50_000_steps_fit_a_week_of_two_free_t4s_and_take_a_tenth_of_the_claimed_speed(real):
    rows = {r["offer"]: r for r in answer(real, "graphmer_training", 50_000)["rows"]}
    two = rows["kaggle/free/t4x2"]
    assert two["sessions"] == 1 and two["usd"] == 0 and 2 < two["hours"] < 12 and two["grade"] == "estimated"
    assert rows["colab/free/t4"]["hours"] == pytest.approx(1.9 * two["hours"], rel=0.01)
    assert not rows["colab/free/t4"]["quota_known"]  # nobody publishes it


def test_a_full_week_of_quota_is_told_in_days(real):
    row = next(r for r in answer(real, "graphmer_training", 1_000_000)["rows"] if r["offer"] == "kaggle/free/t4x2")
    assert row["hours"] > 60 and row["days"] > 14 and row["sessions"] == math.ceil(row["hours"] / 12)


def test_no_time_on_a_gpu_is_called_measured_while_nothing_was_run_on_one(real):
    kinds = {o["id"]: o["kind"] for o in real["offers"]}
    for notebook, about in real["notebooks"].items():
        rows = answer(real, notebook, about["work"]["ask"], have=["local", "colab", "kaggle", "modal"])["rows"]
        assert rows and not [r for r in rows if kinds[r["offer"]] == "gpu" and r["grade"] == "measured"]


def test_a_published_time_is_told_as_published(real):
    rows = answer(real, "voice_cloning", 10, have=["local"])["rows"]
    found = {r["offer"]: (r["choice"], r["grade"], r["hours"]) for r in rows}
    assert found["local/own/rtx-4090"] == ("voxcpm2", "published", 0.05)


def test_voices_are_told_what_the_terms_of_a_place_say(real):
    rows = {r["offer"]: r["caution"] for r in answer(real, "voice_cloning", 10)["rows"]}
    assert "deepfakes" in rows["colab/free/t4"] and "was not read" in rows["kaggle/free/t4x2"]
    assert not any(r["caution"] for r in answer(real, "graphmer_training", 10)["rows"])


def test_a_place_without_a_variant_is_told_and_comes_after_all_that_have_one(real):
    rows = answer(real, "video_generation", 10)["rows"]
    has = [r["variant"] for r in rows]
    assert has == sorted(has, reverse=True) and set(has) == {True, False}
    assert all(("no variant of ours yet" in r["reason"]) != r["variant"] for r in rows)


def test_every_offer_is_either_ranked_or_refused_with_a_reason(real):
    for notebook, about in real["notebooks"].items():
        found = answer(real, notebook, about["work"]["ask"], have=[p["id"] for p in real["platforms"]])
        told = [r["offer"] for r in found["rows"]] + [r["offer"] for r in found["refused"]]
        assert sorted(told) == sorted(o["id"] for o in real["offers"])
        assert all(r["why"] for r in found["refused"]) and all(r["reason"].endswith(".") for r in found["rows"])


def test_the_work_files_hold_what_is_counted(real):
    """`python -m tests.bench.work` counts on tensors without data; the files say the same to two per cent."""
    from tests.bench import work

    def parts(notebook, choice):
        ways = real["notebooks"][notebook]["work"]["choices"]
        found = next(c for c in ways if c["id"] == choice)["parts"]
        return {part["name"]: part["tflop"] or part["gb"] for part in found if part["tflop"] or part["gb"]}

    def near(found):
        return pytest.approx(found, rel=0.02)

    assert parts("graphmer_training", "small") == near(work.graphmer_step("small"))
    assert parts("video_generation", "fastwan-1.3b") == near(work.clip(14.5))
    assert parts("video_generation", "fastwan-1.3b-small") == near(work.clip(7.0))
    assert parts("video_generation", "fastwan-1.3b-cpu") == near(work.clip(0.0))


# --- one story in every table -----------------------------------------------------------------------------------------


def test_a_clip_on_each_card_is_timed_in_the_model_that_the_notebook_takes_there_by_itself(real, monkeypatch):
    """MODEL = auto, from words: videogen.plan names the model by the memory that is free."""
    monkeypatch.syspath_prepend(str(ROOT / "notebooks-src" / "lib"))
    from videogen import plan

    offers = {o["id"]: o for o in real["offers"]}
    rows = answer(real, "video_generation", 1, have=[p["id"] for p in real["platforms"]])["rows"]
    seen = {}
    for row in (r for r in rows if offers[r["offer"]]["kind"] == "gpu"):
        seen[row["offer"]] = row["choice"]
        assert row["choice"].removesuffix("-small") == plan.named("auto", gpu_gb=offers[row["offer"]]["memory_gb"]).name
    assert {"wan-5b", "fastwan-1.3b", "fastwan-1.3b-small"} == set(seen.values())


def test_another_job_than_the_usual_one_is_called_smaller_or_larger_in_its_sentence_and_in_no_other(real):
    for notebook in real["notebooks"]:
        for row in answer(real, notebook, 10, have=[p["id"] for p in real["platforms"]])["rows"]:
            assert ("a smaller job" in row["reason"]) is (row["lesser"] > 0)
            assert ("a larger job" in row["reason"]) is (row["lesser"] < 0)


def test_a_larger_job_is_ranked_with_the_usual_one_by_money_and_time():
    larger = {**CHOICE, "id": "larger", "memory_gb": 20, "lesser": -1}
    big, free = {**OFFER, "id": "big", "memory_gb": 40}, {**OFFER, "id": "free", "usd_per_hour": 0}
    made = small(big, free, choices=[larger, CHOICE])
    assert [(r["offer"], r["lesser"]) for r in advise.advise(made, ASK)["rows"]] == [("free", 0), ("big", -1)]


def test_the_hours_of_one_short_unit_are_its_seconds():
    row, _ = one(choice={"parts": [{**PART, "tflop": 0, "gb": 0, "seconds": 1.86}]}, units=1)
    assert row["seconds"] == 1.86 and row["hours"] * 3600 == pytest.approx(1.86, abs=2e-3)
    assert "about 2 s" in row["reason"]


def test_what_a_place_asks_on_top_of_its_price_is_told_beside_the_price(real):
    rows = answer(real, "graphmer_training", 10_000, have=["modal", "lightning"])["rows"]
    told = {
        r["offer"].partition("/")[0]: "what comes on top is not in it: processor and memory" in r["reason"]
        for r in rows
    }
    assert told["modal"] and not told["lightning"]


def test_a_disk_is_what_is_held_free_of_charge_not_what_a_plan_would_sell(real):
    refused = {r["offer"]: r for r in answer(real, "video_generation", 1, have=["lightning"])["refused"]}
    assert {refused[f"lightning/free/{machine}"]["code"] for machine in ("t4", "cpu")} == {"disk"}


def test_a_quota_that_spreads_a_job_over_days_is_told_where_no_session_ends():
    row, _ = one({"session_hours": 0, "hours_per_week": 10}, units=10 * 3600, choice={"known": {"one": {
        "seconds": 2, "grade": "measured"}}})  # fmt: skip
    assert row["days"] == 8 and "about 20 h of work, which its quota spreads over 8 days" in row["reason"]


def test_a_minute_of_speech_on_each_card_is_timed_with_the_engine_that_the_notebook_takes_there(real, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "notebooks-src" / "lib"))
    from voiceclone import registry

    work = real["notebooks"]["voice_cloning"]["work"]
    for offer in (o for o in real["offers"] if o["kind"] == "gpu" and o["memory_gb"] and (o["capability"] or 0) >= 7):
        ways, _ = rates.suited(work, offer)
        engine = registry.choose("auto", "en", offer["memory_gb"], 16.0, token=False, torchaudio=True).name
        assert ways and ways[0]["id"].removesuffix("-float32") == engine, offer["id"]


def test_of_ones_own_cards_the_faster_comes_first_where_power_differs_by_cents_alone():
    own = {**OFFER, "owned": True, "usd_per_hour": None}
    quick = {**own, "id": "quick", "half_tflops": 240, "bandwidth_gbs": 2600, "watts": 4500}
    assert ranked({**own, "id": "slow"}, quick, have=["p"], units=100) == ["quick", "slow"]
    assert ranked({**own, "id": "slow"}, quick, have=["p"], units=1e6) == ["slow", "quick"]


def test_what_the_claims_say_of_our_own_figures_is_what_comes_out(real):
    offers = {offer["id"]: offer for offer in real["offers"]}
    small, base = (next(c for c in real["notebooks"]["graphmer_training"]["work"]["choices"] if c["id"] == id)
                   for id in ("small", "base"))  # fmt: skip
    two, own = offers["kaggle/free/t4x2"], offers["local/own/rtx-3050"]
    times = [rates.total_seconds(small, o, 1000, rates.unit_seconds(small, o)) for o in (own, two)]
    assert round(times[0] / times[1], 1) == 2.9  # "2.9 times, two T4s and our size small"
    assert [rates.batch({**c, "item_most": 64}, own) for c in (small, base)] == [32, 16]  # 8 GB, local's claim
    told = [c["now"] for n in real["notebooks"].values() for c in n["claims"]]
    assert any("2.9 times" in now for now in told)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (59, "59 s"),
        (60, "1 min"),
        (66, "1.1 min"),
        (89, "1.5 min"),
        (596, "9.9 min"),
        (597, "10 min"),
        (3500, "58 min"),
    ],
)
def test_few_minutes_are_told_to_a_tenth_so_that_no_two_cards_look_alike_that_differ_by_half(seconds, told):
    assert amounts.duration(seconds / 3600) == told


def test_many_sessions_under_a_quota_that_nobody_publishes_come_after_a_known_one():
    known = {**OFFER, "id": "known", "usd_per_hour": 0}
    open_ = {**known, "id": "a", "hours_per_week": None, "half_tflops": 48}  # twice as fast, if it lets you
    assert ranked(open_, known, units=100) == ["a", "known"]  # one session: the faster
    assert ranked(open_, known, units=1e6) == ["known", "a"]
    assert ranked({**open_, "half_tflops": 24}, known, units=100) == ["known", "a"]  # of equals, not by the alphabet
