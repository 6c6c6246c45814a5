"""Settings that cannot be meant are a sentence before any work, and a run with other settings is pointed at."""

import pytest
from graphmer import wishes
from labkit import Stop, checkpoint

GOOD = {"STEPS": 0, "PACKAGES_MB": -1, "SEED": 0, "STOP_AFTER": 0.0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEED", -1), ("SEED", 10**20), ("SEED", 1.5), ("STEPS", -5), ("STEPS", 10**30), ("STEPS", "5"),
        ("STEPS", True), ("PACKAGES_MB", -7), ("PACKAGES_MB", 10**12), ("STOP_AFTER", -3), ("STOP_AFTER", float("nan")),
    ],
)  # fmt: skip
def test_a_number_out_of_its_range_is_a_sentence(name, value):
    with pytest.raises(Stop, match=f"^{name} is a (whole )?number from .* to .*, not "):
        wishes.check("auto", "auto", **(GOOD | {name: value}))


@pytest.mark.parametrize("length", ["fast", "0", "0 epochs", "-1 epochs", "2.5 epochs", "1.5k", "", 100])
def test_a_length_of_another_form_is_a_sentence(length):
    with pytest.raises(Stop, match="^LENGTH is .*, not "):
        wishes.check("auto", length, **GOOD)
    with pytest.raises(Stop, match="^SIZE is one of auto, tiny, .*, not "):
        wishes.check(str(length), "auto", **GOOD)


def test_what_the_form_offers_can_be_chosen():
    for length in ("auto", "2 epochs", "10 epochs", "25 epochs", "100", "1k", "10k", "50k"):
        wishes.check("smoke", length, **(GOOD | {"SEED": 2**32 - 1, "STOP_AFTER": 0.001, "STEPS": 1}))


@pytest.mark.parametrize("slow", [False, True])
def test_a_run_that_was_moved_to_where_auto_means_other_settings_is_pointed_at(folders, slow):
    folders = folders._replace(slow=slow)
    moved = {"size": "small", "quick": False, "length": "10 epochs", "packages_mb": 40, "seed": 0}
    here = {"size": "tiny", "quick": False, "length": "2 epochs", "packages_mb": 0, "seed": 0}
    quick, short = here | {"quick": True}, here | {"length": "7"}
    for settings, steps in ((moved, (5, 9)), (quick, (100,)), (here, (3,)), (short, (7,))):
        for step in steps:
            with (store := checkpoint.Store(folders, settings)).save(step) as fresh:
                (fresh / "state.json").write_text("{}")
            store.close()
    first, second = wishes.elsewhere(folders.outputs, folders.job, here)
    assert "step 7" in first and first.endswith("to go on with it: STEPS = 7.")
    assert "step 9" in second and second.endswith('SIZE = "small", LENGTH = "10 epochs", PACKAGES_MB = 40.')
    for path in folders.outputs.glob("checkpoints/*/*"):
        damaged = path if path.is_file() else path / checkpoint.MANIFEST
        damaged.write_bytes(b"{")
    assert wishes.elsewhere(folders.outputs, folders.job, here) == []


def test_near_the_end_of_a_session_little_is_asked_and_that_is_said():
    for left in (None, 3600.0):
        assert wishes.how_much(False, True, 880, left) == ({"embedding_steps": 1000}, "")
    much, remark = wishes.how_much(False, True, 880, 299.0)
    assert much["limit"] == 50 and remark.startswith("The session was about to end")
    assert "quick test" in wishes.how_much(True, False, 100, 299.0)[1]
