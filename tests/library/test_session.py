"""session on this machine: is it the right one, is it enough, what gets installed, what was run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from labkit import Stop
from session import install, machine, needs, report, start

from tests.conftest import ROOT

T4 = machine.Gpu("Tesla T4", 15.6, (7, 5))


def test_importing_session_does_not_load_torch():
    code = "import sys; from session import install, needs, report, start; print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "notebooks-src/lib")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_session_asks_labkit_and_never_the_other_way():
    lib = ROOT / "notebooks-src/lib"
    assert not [
        p for p in (lib / "labkit").glob("*.py") if re.search(r"^\s*(from|import) session", p.read_text(), re.M)
    ]
    assert "from labkit import" in (lib / "session/start.py").read_text()


# is it enough


def check(wanted, folders, monkeypatch, cards=(), online=True, quick_test=False, torch_sees=True):
    monkeypatch.setattr(machine, "gpus", lambda: list(cards))
    monkeypatch.setattr(machine, "online", lambda: online)
    monkeypatch.setattr(machine, "torch_sees_gpu", lambda: torch_sees)
    monkeypatch.setattr(machine, "kernels_fit", lambda capability: capability >= (7, 0))
    needs.check(wanted, folders, quick_test)
    needs.check_torch(wanted, quick_test)


def test_a_missing_gpu_that_is_required_stops_with_the_clicks(folders, monkeypatch):
    with pytest.raises(Stop, match="no GPU.*To get one: "):
        check({"gpu": "required"}, folders, monkeypatch)


def test_a_missing_gpu_that_is_optional_is_said_and_goes_on(folders, monkeypatch, capsys):
    check({"gpu": "optional"}, folders, monkeypatch)
    assert "slow" in capsys.readouterr().out


def test_a_card_that_torch_cannot_use_is_said(folders, monkeypatch, capsys):
    check({"gpu": "optional"}, folders, monkeypatch, [T4], torch_sees=False)
    assert "the installed torch cannot use the Tesla T4" in capsys.readouterr().out
    with pytest.raises(Stop, match="cannot use"):
        check({"gpu": "required"}, folders, monkeypatch, [T4], torch_sees=False)


def test_a_card_too_small_or_too_old_stops(folders, monkeypatch):
    with pytest.raises(Stop, match="choose a smaller size"):
        check({"gpu": "required", "gpu_memory_gb": 24}, folders, monkeypatch, [T4])
    check({"gpu": "optional", "gpu_memory_gb": 24}, folders, monkeypatch, [T4])
    with pytest.raises(Stop, match="no kernels for the P100"):
        check({}, folders, monkeypatch, [machine.Gpu("P100", 16, (6, 0))], quick_test=True)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"disk_gb": 1e6}, "GB more of free disk are needed at .*: choose"),
        ({"ram_gb": 1e6}, "of memory are here, 1e.06 GB are needed: choose"),
    ],
)
def test_too_little_disk_or_memory_stops(wanted, words, folders, monkeypatch):
    with pytest.raises(Stop, match=words):
        check(wanted, folders, monkeypatch, [T4])


def test_a_notebook_that_wants_no_gpu_is_not_stopped_by_one(folders, monkeypatch, capsys):
    check({"gpu": "none"}, folders, monkeypatch, [machine.Gpu("P100", 16, (6, 0))])
    check({"gpu": "none"}, folders, monkeypatch, [T4], torch_sees=False)
    assert "slow" not in capsys.readouterr().out


def test_a_card_below_the_declared_capability_stops_with_both(folders, monkeypatch, capsys):
    wanted = {"gpu": "required", "compute_capability": 8.0}
    with pytest.raises(Stop, match=r"needs compute capability 8, the Tesla T4 has 7\.5: choose a smaller"):
        check(wanted, folders, monkeypatch, [T4])
    check(wanted, folders, monkeypatch, [machine.Gpu("A100", 40, (8, 0))])
    check({**wanted, "gpu": "optional"}, folders, monkeypatch, [T4])
    assert re.search(r"capability +8 +7\.5 +goes on without", capsys.readouterr().out)


def test_weights_that_are_here_need_no_room_again(folders, monkeypatch, capsys):
    wanted = {"internet": "weights", "disk_gb": 0.5, "models": {"a/b": 0.4}}
    monkeypatch.setattr(machine, "disk_free_gb", lambda folder: 0.2)
    with pytest.raises(Stop, match=r"0\.3 GB more of free disk are needed at "):
        check(wanted, folders, monkeypatch, [T4])
    blob = machine.model_cache(folders) / "models--a--b/blobs/0"
    blob.parent.mkdir(parents=True)
    with blob.open("wb") as file:
        file.truncate(900_000_000)  # of which 0.4 GB are this notebook's at most
    (blob.parent / "link").symlink_to(blob)
    other = machine.model_cache(folders) / "models--an--other/blobs/0"
    other.parent.mkdir(parents=True)
    with other.open("wb") as file:  # another notebook's, which is no help here
        file.truncate(900_000_000)
    check(wanted, folders, monkeypatch, [T4])
    assert "0.2 GB free, 0.4 GB of models here" in capsys.readouterr().out


def test_a_session_too_short_for_the_default_run_is_said(folders, monkeypatch, capsys):
    from labkit import clock

    monkeypatch.setattr(clock, "time_left", lambda: 1800.0)
    check({"minutes": {"T4 (estimate)": 40, "CPU": 90}}, folders, monkeypatch, [T4])
    said = capsys.readouterr().out
    assert re.search(r"session +about 40 min on T4 \(estimate\) +0:30 h left +goes on without", said)
    assert "session: the default run is longer than that: it stops in time and saves" in said
    check({"minutes": {"T4": 20}}, folders, monkeypatch, [T4])
    check({"minutes": {"L4": 99}}, folders, monkeypatch, [T4])  # nobody knows how long it takes on this card
    assert "longer than that" not in capsys.readouterr().out


def test_internet_is_asked_for_only_when_needed(folders, monkeypatch):
    check({"internet": "none"}, folders, monkeypatch, [T4], online=False)
    with pytest.raises(Stop, match="no internet. To switch it on"):
        check({"internet": "weights"}, folders, monkeypatch, [T4], online=False)


def test_a_quick_test_stops_at_nothing(folders, monkeypatch, capsys):
    wanted = {"gpu": "required", "gpu_memory_gb": 80, "disk_gb": 1e6, "internet": "required"}
    check(wanted, folders, monkeypatch, [], online=False, quick_test=True)
    assert "need" in capsys.readouterr().out


# install


def test_what_is_there_is_not_installed(capsys, monkeypatch):
    monkeypatch.setattr(install, "_pip", lambda missing: pytest.fail("installed"))
    install.ensure("pytest>=7", 'nothing-at-all; python_version < "3"')
    assert "already here" in capsys.readouterr().out


def test_the_local_variant_names_the_command_instead_of_installing():
    with pytest.raises(Stop, match="-m pip install 'no-such-package-at-all>=1'"):
        install.ensure("no-such-package-at-all>=1")


def test_a_protected_package_is_never_moved(monkeypatch):
    monkeypatch.setattr(install.here, "INSTALLS", True)
    with pytest.raises(Stop, match="torch>=99.*here is torch 2"):
        install.ensure("torch>=99")


def test_an_install_runs_against_what_is_installed(monkeypatch):
    seen = {}

    def pip(command, **_):
        seen["command"] = command
        seen["constraints"] = Path(command[command.index("-c") + 1]).read_text()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(install.here, "INSTALLS", True)
    monkeypatch.setattr(subprocess, "run", pip)
    install.ensure("no-such-package-at-all>=1")
    assert seen["command"][-1] == "no-such-package-at-all>=1" and "-U" not in seen["command"]
    assert "torch==2.13.0" in seen["constraints"] and "numpy==" in seen["constraints"]


def test_a_failed_install_tells_the_internet_switch_when_there_is_none(monkeypatch):
    monkeypatch.setattr(install.here, "INSTALLS", True)
    monkeypatch.setattr(subprocess, "run", lambda c, **_: subprocess.CompletedProcess(c, 1, "", "ERROR: resolution"))
    monkeypatch.setattr(machine, "online", lambda: False)
    with pytest.raises(Stop, match="without internet"):
        install.ensure("no-such-package-at-all>=1")
    monkeypatch.setattr(machine, "online", lambda: True)
    with pytest.raises(Stop, match="ERROR: resolution"):
        install.ensure("no-such-package-at-all>=1")


class Pip:
    """A pip that notes what it is asked, and `installs` {name: version} into what this machine is said to have."""

    def __init__(self, monkeypatch, here=None, installs=None, fails=()):
        self.here, self.installs, self.fails, self.calls = dict(here or {}), installs or {}, list(fails), []
        monkeypatch.setattr(install.here, "INSTALLS", True)
        monkeypatch.setattr(install.here, "RESTART_CLICKS", "Session > Restart session, then run again")
        monkeypatch.setattr(install, "_version", lambda name: self.here.get(name.lower().replace("_", "-")))
        monkeypatch.setattr(install, "_versions", lambda: dict(self.here))
        monkeypatch.setattr(subprocess, "run", self.run)
        monkeypatch.setattr(machine, "online", lambda: True)
        monkeypatch.setenv(install._CHANGED, "")

    def run(self, command, **_):
        held = Path(command[command.index("-c") + 1]).read_text().split()
        wanted = command[command.index("-c") + 2 :]
        self.calls.append({"wanted": wanted, "held": held, "options": command[4 : command.index("-c")]})
        error = self.fails.pop(0) if self.fails else ""
        self.here |= {} if error else self.installs
        return subprocess.CompletedProcess(command, 1 if error else 0, "", error)


def test_what_is_missing_comes_at_its_pin_and_brings_pinned_ones_along(monkeypatch, capsys):
    pip = Pip(monkeypatch, {"torch": "2.11.0+cu128", "idna": "3.0"}, {"av": "19.0.2", "along": "1.0"})
    install.ensure(
        "torch>=2.4", "av>=14", pins=("along==1.0", "av==19.0.2", "idna==3.20", "odd==1 ; sys_platform == 'x'")
    )
    (call,) = pip.calls
    assert call["wanted"] == ["av==19.0.2"] and "--only-binary=:all:" in call["options"]
    assert call["held"] == ["torch==2.11.0+cu128", "idna==3.0", "along==1.0", "av==19.0.2"], "all that is here stays"
    assert capsys.readouterr().out == "Installed av 19.0.2\n"
    install.ensure("torch>=2.4", "av>=14", pins=("av==19.0.2",))
    assert len(pip.calls) == 1 and "nothing to install" in capsys.readouterr().out


def test_what_is_here_in_another_version_than_planned_is_left_alone(monkeypatch, capsys):
    pip = Pip(monkeypatch, {"av": "17.0", "voxcpm": "2.1"})
    install.ensure("av>=14", no_deps=("voxcpm>=2",), pins=("av==19.0.2", "voxcpm==2.0.3"))
    assert pip.calls == [] and "already here" in capsys.readouterr().out


def test_no_deps_go_in_by_a_second_call(monkeypatch):
    pip = Pip(monkeypatch, {"numpy": "2.0.2"}, {"einops": "0.8", "voxcpm": "2.0.3"})
    install.ensure("einops", no_deps=("voxcpm>=2",), pins=("voxcpm==2.0.3", "einops==0.8"))
    first, second = pip.calls
    assert first["wanted"] == ["einops==0.8"] and "--no-deps" not in first["options"]
    assert second["wanted"] == ["voxcpm==2.0.3"] and "--no-deps" in second["options"]
    assert second["held"] == ["numpy==2.0.2", "einops==0.8"], "what has just come stays too"


def test_a_loaded_module_that_changed_asks_for_a_restart_until_it_is_done(monkeypatch, capsys):
    """json, say, of a distribution that lists it; the kernel's environment forgets with the kernel."""
    pip = Pip(monkeypatch, {"some-dist": "1.0", "idle": "1.0"}, {"some-dist": "2.0", "idle": "2.0", "av": "19"})
    files = {"some-dist": [Path("json/__init__.py")], "idle": [Path("not_loaded_at_all/__init__.py")]}
    monkeypatch.setattr(install.metadata, "files", files.get)
    for _ in range(2):  # a second run without the restart would go on with the old module
        with pytest.raises(Stop) as stop:
            install.ensure("av")
        assert str(stop.value) == "some-dist changed while it was loaded: Session > Restart session, then run again"
    monkeypatch.setenv(install._CHANGED, "")  # a new kernel
    install.ensure("av")
    assert len(pip.calls) == 1 and "nothing to install" in capsys.readouterr().out


def test_an_image_that_has_moved_on_gets_what_fits_it(monkeypatch, capsys):
    clash = "ERROR: Cannot install av==19 because these conflict.\nERROR: ResolutionImpossible: for help visit x"
    pip = Pip(monkeypatch, {"torch": "3.0"}, {"av": "20"}, fails=[clash])
    install.ensure("av>=14", pins=("av==19.0.2", "along==1"))
    assert [call["wanted"] for call in pip.calls] == [["av==19.0.2"], ["av>=14"]]
    assert pip.calls[1]["held"] == ["torch==3.0"], "what must not move is held then too"
    assert "do not fit here any more" in capsys.readouterr().out
    pip = Pip(monkeypatch, {}, {}, fails=[clash, clash])
    with pytest.raises(Stop, match="installing av>=14 failed: ERROR: Cannot install av==19 because these conflict.$"):
        install.ensure("av>=14", pins=("av==19.0.2",))


def test_an_extra_is_here_when_what_it_asks_for_is(monkeypatch):
    pip = Pip(monkeypatch, {"big": "1.0"}, {"small": "1.0"})
    asks = ["always", 'small>=1; extra == "more"', 'other; extra == "test"', "never; python_version < '3'"]
    monkeypatch.setattr(install.metadata, "requires", lambda name: asks if name == "big" else [])
    install.ensure("big[more]>=1", pins=("big==1.0", "small==1.0"))
    assert pip.calls[0]["wanted"] == ["big[more]==1.0"] and "small==1.0" in pip.calls[0]["held"]
    install.ensure("big[more]>=1")
    assert len(pip.calls) == 1


def test_a_protected_package_is_never_replaced_without_its_dependencies_either(monkeypatch):
    Pip(monkeypatch, {"torch": "2.11.0"})
    with pytest.raises(Stop, match="needs torch>=99, here is torch 2.11.0"):
        install.ensure(no_deps=("torch>=99",))


def test_the_local_variant_names_both_commands():
    with pytest.raises(Stop, match="-m pip install 'no-such-a>=1' && .* -m pip install --no-deps 'no-such-b==2'"):
        install.ensure("no-such-a>=1", no_deps=("no-such-b",), pins=("no-such-b==2",))


# the right place, and the report


def test_the_wrong_place_is_told_with_the_right_link(monkeypatch, tmp_path):
    siblings = (("Elsewhere", "ANYLAB_TEST_MARK", "", "https://right"), ("Folder", "", str(tmp_path), "https://folder"))
    assert "https://folder" in start.wrong_place(siblings)
    monkeypatch.setenv("ANYLAB_TEST_MARK", "1")
    assert start.wrong_place(siblings) == (
        "This is the variant for your own machine, but this machine is Elsewhere. The right one: https://right"
    )
    monkeypatch.setattr(start.here, "am_i_here", lambda: True)
    assert start.wrong_place(siblings) == ""


def test_the_report_is_toml_that_the_repository_takes(folders, capsys, tmp_path):
    from anylab import verified
    from anylab.project import open_project

    start.begin("graphmer_training/local", "0.1.0+abcd1234")
    with report.stage('odd "name"'):
        pass
    report.show('learned "well" – yes', folders)
    text = (folders.outputs / "run-report.toml").read_text()
    assert text in capsys.readouterr().out
    data = tomllib.loads(text)
    assert data["notebook"] == "graphmer_training" and data["verdict"] == 'learned "well" – yes'
    assert str(Path.home()) not in text and str(folders.outputs) not in text
    (tmp_path / "verified").mkdir()
    (tmp_path / "verified/one.toml").write_text(text)
    problems = []
    project = open_project(ROOT)
    stored = verified.read(
        type(project)(**{**project.__dict__, "root": tmp_path}),
        problems,
        {"notebook": {"graphmer_training"}, "platform": {"local"}},
    )
    assert problems == [] and stored["graphmer_training", "local"]["version"] == "0.1.0+abcd1234"


def test_a_stage_that_fails_is_still_timed():
    report.begin("a/b", "1")
    with pytest.raises(ValueError), report.stage("boom"):
        raise ValueError
    assert '"boom" = ' in report.text("failed")


def test_the_list_of_files_is_short_and_ends_with_how_to_fetch_them(folders, capsys):
    for i in range(12):
        (folders.outputs / f"{i:02}.bin").write_bytes(b"x" * i)
    report.files(folders, most=3)
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("12 files") and "11.bin" in out[1] and "9 smaller" in out[4] and len(out) == 6
