"""labkit.clock: the session's limit, what is used of it and what is left; nothing that is not known."""

import importlib
import json
import os
import subprocess
import sys
import time

import pytest
from labkit import clock, here

from anylab.platforms import load_folders
from anylab.smoke import standin
from tests.conftest import ROOT

PLATFORMS = {p.id: p for p in load_folders(ROOT / "platforms", "platforms") if p.has_variants}
TICKS = os.sysconf("SC_CLK_TCK")
HOUR = 3600


@pytest.fixture(autouse=True)
def fresh_clock(monkeypatch):
    """A session of this machine that has just begun, and the time that this test says it is."""
    importlib.reload(clock)
    yield
    importlib.reload(clock)


@pytest.fixture
def session(tmp_path, monkeypatch):
    """Make this a session of so many hours whose container is so many seconds old."""

    def begin(hours=12, age=0.0, name="tini (x) S 1", up=1e6):
        monkeypatch.setattr(here, "SESSION_HOURS", hours)
        monkeypatch.setattr(here, "ROOT", str(tmp_path))
        contain(tmp_path, age, name, up)

    return begin


def contain(root, age, name="tini", up=1e6):
    """What the system says of a container whose first process is `age` seconds old."""
    (root / "proc" / "1").mkdir(parents=True, exist_ok=True)
    fields = [0] * 18 + [int((up - age) * TICKS)] + [0] * 20
    (root / "proc" / "1" / "stat").write_bytes(f"1 ({name}) S {' '.join(map(str, fields))}\n".encode("latin-1"))
    (root / "proc" / "uptime").write_text(f"{up} 123.4\n")


def pass_time(monkeypatch, seconds):
    now = time.monotonic()
    monkeypatch.setattr(clock.time, "monotonic", lambda: now + seconds)


def on_standin(platform, root, code, age=None, **env):
    """What `code` prints as JSON on a platform's stand-in, with its adapter as labkit.here."""
    there = standin.prepare(PLATFORMS[platform], root)
    if age is not None:
        contain(root, age, "a (strange) name) R")
    program = "import sys, json, types, labkit\n"
    if overlay := PLATFORMS[platform].overlays.get("labkit.here"):
        program += f"here = types.ModuleType('labkit.here'); exec({overlay[0]!r}, vars(here))\n"
        program += "sys.modules['labkit.here'] = labkit.here = here\n"
    library = os.pathsep.join([str(ROOT / "notebooks-src/lib"), there.env["PYTHONPATH"]])
    environment = {**there.env, "PYTHONPATH": library, **env}
    command = [sys.executable, "-c", program + "from labkit import clock\n" + code]
    done = subprocess.run(command, env=environment, cwd=there.cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


ASK = "print(json.dumps([clock.time_used(), clock.time_left(), clock.describe()]))"


def test_on_your_own_machine_nothing_ends_and_no_number_is_made_up(session, monkeypatch):
    session(hours=None, age=1e5)
    pass_time(monkeypatch, 90)
    assert 90 <= clock.time_used() < 95 and clock.time_left() is None and not clock.should_stop(10**9)
    assert clock.describe() == f"no limit; {here.IDLE}"


def test_used_and_left_make_the_limit(session):
    session(hours=12, age=2 * HOUR + 90)
    assert clock.time_used() == pytest.approx(2 * HOUR + 90, abs=2)
    assert clock.time_used() + clock.time_left() == pytest.approx(12 * HOUR, abs=1e-6)
    assert clock.describe().startswith("12 h at most, 2:01 h used, 9:58 h left; ")


@pytest.mark.parametrize(("platform", "hours"), [("colab", 12), ("kaggle", 12), ("studio-lab", 4)])
def test_a_restarted_kernel_does_not_start_the_count_anew(platform, hours, tmp_path):
    """A new process each time; the container's first process tells how long the session has lasted."""
    for age in (600, 7200):
        used, left, _ = on_standin(platform, tmp_path, ASK, age)
        assert used == pytest.approx(age, abs=2) and left == pytest.approx(hours * HOUR - age, abs=2)


def test_a_tpu_on_kaggle_ends_after_nine_hours(tmp_path):
    used, left, words = on_standin("kaggle", tmp_path, ASK, 600, ISTPUVM="1")
    assert left == pytest.approx(9 * HOUR - 600, abs=2) and words.startswith("9 h at most")


def test_your_own_machine_asks_for_no_container(tmp_path):
    assert on_standin("local", tmp_path, ASK, 600)[1] is None


@pytest.mark.parametrize("platform", ["colab", "studio-lab"])
def test_an_idle_limit_that_is_not_published_is_called_so_and_is_no_number(platform, tmp_path):
    idle = on_standin(platform, tmp_path, ASK, 600)[2].partition("; ")[2]
    assert "publish" in idle and not any(c.isdigit() for c in idle)


@pytest.mark.parametrize("name", ["sh", "a b c", ") R 1 2 3", "(((", "tini (x) S 1", "caf\xe9", ""])
def test_any_name_of_the_first_process_is_read(name, session):
    session(age=3000, name=name)
    assert clock.time_used() == pytest.approx(3000, abs=2)


@pytest.mark.parametrize("broken", ["", "1", "1 (x) S", "1 (x) S " + "x " * 30, "no name at all " * 9])
@pytest.mark.parametrize("file", ["1/stat", "uptime", None])
def test_without_a_readable_age_this_process_has_its_own(broken, file, session, tmp_path, monkeypatch):
    session(age=3000)
    if file is None:
        (tmp_path / "proc/uptime").unlink()
    else:
        (tmp_path / "proc" / file).write_text(broken)
    pass_time(monkeypatch, 50)
    used = clock.time_used()
    assert used == pytest.approx(50, abs=2) or (file == "uptime" and broken == "1")


def test_an_age_from_before_the_machine_started_is_not_believed(session, monkeypatch):
    """Where /proc/uptime is the container's and the process's start is the host's, the age is below zero."""
    session(age=-5000)
    pass_time(monkeypatch, 50)
    assert clock.time_used() == pytest.approx(50, abs=2)


@pytest.mark.parametrize("jump", [-1e9, -3600, 3600, 1e9])
def test_a_wall_clock_that_jumps_changes_nothing(jump, session, monkeypatch):
    session(age=600)
    clock.budget(30)
    before = clock.time_used(), clock.time_left(), clock.should_stop()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    after = clock.time_used(), clock.time_left(), clock.should_stop()
    assert after == pytest.approx(before, abs=1)


def test_time_used_never_runs_backwards(session, tmp_path, monkeypatch):
    session(age=9000)
    assert clock.time_used() >= 8999
    contain(tmp_path, 100)
    assert clock.time_used() >= 8999
    (tmp_path / "proc/uptime").unlink()
    assert clock.time_used() >= 8999
    pass_time(monkeypatch, 10_000)
    assert clock.time_used() >= 10_000


# should a job stop


@pytest.mark.parametrize(
    ("left_minutes", "margin", "stops"),
    [(30, 5, False), (4, 5, True), (30, 31, True), (1, 0, False), (-1, 0, True), (-600, 5, True), (700, 720, True),
     (700, 10**6, True), (4, -10, False)],
)  # fmt: skip
def test_a_job_stops_when_less_than_its_margin_is_left(left_minutes, margin, stops, session):
    session(hours=12, age=12 * HOUR - left_minutes * 60)
    assert clock.should_stop(margin) is stops
    assert clock.time_left() >= 0


def test_a_budget_ends_a_job_before_the_session_does(session, monkeypatch):
    session(hours=12, age=0)
    clock.budget(30)
    assert clock.time_left() == pytest.approx(1800, abs=2) and not clock.should_stop()
    assert not clock.should_stop(60), "the margin is for saving before the session ends; a budget is used to its end"
    pass_time(monkeypatch, 1801)
    assert clock.time_left() == 0 and clock.should_stop() and clock.should_stop(0)


def test_a_session_ends_before_a_larger_budget(session):
    session(hours=12, age=12 * HOUR - 600)
    clock.budget(10_000)
    assert clock.time_left() == pytest.approx(600, abs=2) and clock.should_stop(15)


def test_a_budget_can_be_taken_back_and_set_again(session, monkeypatch):
    session(hours=None)
    for minutes in (0, -5, float("nan")):
        clock.budget(1)
        clock.budget(minutes)
        assert clock.time_left() is None and not clock.should_stop()
    clock.budget(0.5)
    clock.budget(2.5)
    assert clock.time_left() == pytest.approx(150, abs=2)
    pass_time(monkeypatch, 151)
    assert clock.should_stop()
    clock.budget(1)
    assert not clock.should_stop()


@pytest.mark.parametrize("wrong", ["5", None, [5]])
def test_a_wrong_number_of_minutes_is_a_typeerror_where_it_is_given(wrong, session):
    session(hours=12)
    with pytest.raises(TypeError):
        clock.budget(wrong)
    with pytest.raises(TypeError):
        clock.should_stop(wrong)
    assert clock.time_left() > 11 * HOUR


def test_a_span_is_hours_and_minutes():
    assert [clock.span(s) for s in (0, 59.9, 60, 3599, 3600, 40_000.5)] == [
        "0:00 h", "0:00 h", "0:01 h", "0:59 h", "1:00 h", "11:06 h",
    ]  # fmt: skip
