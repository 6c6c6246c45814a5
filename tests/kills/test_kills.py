"""kill -9 at random instants: nothing that was reported saved is lost, resuming always works, and what comes out is
what an undisturbed run gives. `pytest -m kills` does it more often and keeps its counts in outcome.json."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.kills import harness
from tests.kills.small_job import folders_below

HERE = Path(__file__).parent
STEPS = 25


def sidecars_aside(files: dict[str, bytes]) -> dict:
    """A work list's files, without what differs from run to run: seconds, memory, how often it was killed."""
    records = {n: json.loads(data) for n, data in files.items() if n.endswith(".json")}
    plain = {n: {k: v for k, v in r.items() if k not in ("seconds", "peak_ram_gb", "died")} for n, r in records.items()}
    return {**files, **plain}


def kill_the_job(root, kills, slow=False):
    command = lambda folder: [str(HERE / "small_job.py"), str(folder), str(STEPS), *(["slow"] if slow else [])]  # noqa: E731
    seconds = harness.whole_run(command(root / "whole"))
    whole = harness.tree(root / "whole" / "outputs")

    def check(folder):
        assert harness.latest_two(harness.tree(folder / "outputs")) == whole

    return harness.kill_often(command, root, kills, seconds, check)


def kill_the_list(root, kills):
    command = lambda folder: [str(HERE / "small_list.py"), str(folder)]  # noqa: E731
    seconds = harness.whole_run(command(root / "whole"))
    whole = sidecars_aside(harness.tree(root / "whole" / "outputs"))
    assert len([name for name in whole if name.endswith(".bin")]) == 11

    def check(folder):
        assert sidecars_aside(harness.tree(folder / "outputs")) == whole

    return harness.kill_often(command, root, kills, seconds, check)


def kill_the_move(root, kills):
    """Killed while it packs or unpacks: no file at its place is ever half there."""
    subprocess.run([sys.executable, str(HERE / "small_job.py"), str(root / "whole"), "2"], check=True)
    content = {f"{n:03}.bin": os.urandom(1) * 40_000 for n in range(60)}
    for name, data in content.items():
        (root / "whole" / "outputs" / name).write_bytes(data)
    wanted = harness.tree(root / "whole" / "outputs")

    def command(folder):
        outputs = folders_below(folder, "small_job").outputs
        for name, data in wanted.items():
            (outputs / name).parent.mkdir(parents=True, exist_ok=True)
            (outputs / name).write_bytes(data)
        arrived = harness.tree(folder / "elsewhere" / "outputs")
        assert all(wanted[name] == data for name, data in arrived.items())
        return [str(HERE / "moving.py"), str(folder)]

    seconds = harness.whole_run(command(root / "timed"))

    def check(folder):
        assert harness.tree(folder / "elsewhere" / "outputs") == wanted

    return harness.kill_often(command, root, kills, seconds, check)


KINDS = {"job": kill_the_job, "list": kill_the_list, "move": kill_the_move}


@pytest.mark.parametrize(("kind", "kills"), [("job", 24), ("list", 12), ("move", 6)])
def test_a_kill_at_any_instant_loses_nothing_that_was_reported_saved(kind, kills, tmp_path):
    counts = KINDS[kind](tmp_path, kills)
    print(kind, counts)
    assert counts["kills"] >= kills and counts["runs_finished"] >= 1


def test_a_job_on_a_slow_drive_survives_kills_as_well(tmp_path):
    counts = kill_the_job(tmp_path, 6, slow=True)
    assert counts["kills"] >= 6


def test_a_kill_before_each_single_step_of_a_save_loses_nothing(tmp_path):
    """Not at random: the audit hook of Python counts what the job does to its files, and it is killed before each."""
    command = [sys.executable, str(HERE / "stop_at.py"), str(HERE / "small_job.py")]
    whole = subprocess.run([*command, "0", str(tmp_path / "whole"), "3"], capture_output=True, text=True, check=True)
    operations = int(whole.stderr.split()[-1])
    assert operations > 60, "three saves are more than sixty operations"
    wanted = harness.tree(tmp_path / "whole" / "outputs")
    for n in range(1, operations + 1):
        root = tmp_path / str(n)
        first = subprocess.run([*command, str(n), str(root), "3"], capture_output=True, text=True)
        assert first.returncode == -signal.SIGKILL, (n, first.stdout, first.stderr)
        promised = first.stdout.count("saved")
        second = subprocess.run([*command, "0", str(root), "3"], capture_output=True, text=True, check=True)
        assert int(second.stdout.split("resumed ")[1].split()[0]) >= promised, n
        assert harness.latest_two(harness.tree(root / "outputs")) == wanted, n


def kill_the_training(tmp_path, cache, kills):
    """In a process of its own: forks and a test runner's threads do not go together. -> its counts."""
    command = [sys.executable, "-m", "tests.kills.training", str(tmp_path), str(cache), str(kills)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    wanted = end_of(tmp_path / "whole")
    assert len(wanted["history"]) == 10 and wanted["step"] == 100
    for n in range(counts["runs_finished"]):
        found = end_of(tmp_path / f"run-{n}")
        for ours, theirs in zip(found.pop("history"), list(wanted["history"]), strict=True):
            for loss in ("mlm", "mnm"):
                assert ours[loss] == pytest.approx(theirs[loss], abs=1e-6)
        for same in ("step", "samples", "tokens", "cursor", "weights"):
            assert found[same] == wanted[same], same
    return counts


def end_of(home):
    """The state of a finished training, and its weights' bytes."""
    last = max(home.glob("graphmer_training/checkpoints/*/[0-9]*"))
    return json.loads((last / "state.json").read_text()) | {"weights": (last / "model.safetensors").read_bytes()}


def test_a_killed_training_ends_as_an_undisturbed_one(tmp_path, shared_cache):
    counts = kill_the_training(tmp_path, shared_cache, 3)
    print("training", counts)
    assert counts["kills"] >= 3 and counts["resumed_midway"] >= 1


@pytest.mark.kills
def test_twenty_kills_of_a_training(tmp_path, shared_cache):
    store("training", kill_the_training(tmp_path, shared_cache, 20))


@pytest.mark.kills
@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_kills(kind, tmp_path):
    store(kind, KINDS[kind](tmp_path, 200))


def store(kind: str, counts: dict) -> None:
    """Keep the counts of a large run: committed, never times."""
    path = HERE / "outcome.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**kept, kind: counts}, indent=1, sort_keys=True) + "\n")
