"""labkit on this machine: what is there, is it enough, where do files go, what was run."""

import errno
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from labkit import Stop, install, machine, preflight, report, storage, where

from tests.conftest import ROOT

T4 = machine.Gpu("Tesla T4", 15.6, (7, 5))


@pytest.fixture
def folders(tmp_path):
    for name in ("work", "outputs"):
        (tmp_path / name).mkdir()
    return storage.Folders(tmp_path / "work", tmp_path / "outputs", tmp_path / "cache", True)


def test_importing_labkit_does_not_load_torch():
    modules = "install, machine, preflight, report, storage, where"
    code = f"import sys; from labkit import {modules}; print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "notebooks-src/lib")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_labkit_stays_small():
    lines = sum(len(p.read_text().splitlines()) for p in (ROOT / "notebooks-src/lib/labkit").glob("*.py"))
    assert lines < 700


def test_a_stop_shows_its_sentence_and_no_traceback():
    assert Stop("free 3 GB")._render_traceback_() == ["Stopped: free 3 GB"]


# what is there


def test_the_compute_type_follows_the_capability():
    assert machine.dtype_name((7, 5)) == "float16"
    assert machine.dtype_name((8, 0)) == machine.dtype_name((12, 0)) == "bfloat16"
    assert machine.dtype_name(None) == "float32"


@pytest.mark.parametrize(
    ("listing", "cards"),
    [
        ("Tesla T4, 15360, 7.5\n", [machine.Gpu("Tesla T4", 15360 * 2**20 / 1e9, (7, 5))]),
        ("Tesla T4, 15360, 7.5\nTesla T4, 15360, 7.5\n", 2),
        ("A card, with a comma, 81559, 9.0\n", [machine.Gpu("A card, with a comma", 81559 * 2**20 / 1e9, (9, 0))]),
        ("Broken, [N/A], [N/A]\n", []),
        ("", []),
    ],
)
def test_gpus_are_read_from_what_the_driver_lists(listing, cards, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, listing, ""))
    assert machine.gpus() == cards or len(machine.gpus()) == cards


def test_no_driver_means_no_gpus(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert machine.gpus() == []


@pytest.mark.parametrize(
    ("archs", "capability", "fits"),
    [
        (["sm_75", "sm_80", "sm_86", "sm_90"], (7, 5), True),
        (["sm_75", "sm_80", "sm_86", "sm_90"], (6, 0), False),  # the P100 case
        (["sm_75", "sm_80", "sm_90"], (8, 9), True),  # runs the kernels of an earlier minor
        (["sm_75", "sm_80"], (7, 0), False),
        (["sm_75", "sm_90a"], (9, 0), True),
        ([], (7, 5), True),
    ],
)
def test_a_card_needs_kernels_of_its_own_major(archs, capability, fits, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: archs)
    assert machine.kernels_fit(capability) is fits


def test_memory_and_disk_are_plausible(tmp_path):
    assert 0.1 < machine.ram_gb() < 100_000
    assert machine.disk_free_gb(tmp_path / "not" / "there" / "yet") > 0


# is it enough


def check(needs, folders, monkeypatch, cards=(), online=True, quick_test=False, torch_sees=True):
    monkeypatch.setattr(machine, "gpus", lambda: list(cards))
    monkeypatch.setattr(machine, "online", lambda: online)
    monkeypatch.setattr(machine, "torch_sees_gpu", lambda: torch_sees)
    monkeypatch.setattr(machine, "kernels_fit", lambda capability: capability >= (7, 0))
    preflight.check(needs, folders, quick_test)


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


@pytest.mark.parametrize(("needs", "words"), [({"disk_gb": 1e6}, "of disk"), ({"ram_gb": 1e6}, "not enough memory")])
def test_too_little_disk_or_memory_stops(needs, words, folders, monkeypatch):
    with pytest.raises(Stop, match=words):
        check(needs, folders, monkeypatch, [T4])


def test_internet_is_asked_for_only_when_needed(folders, monkeypatch):
    check({"internet": "none"}, folders, monkeypatch, [T4], online=False)
    with pytest.raises(Stop, match="no internet. To switch it on"):
        check({"internet": "weights"}, folders, monkeypatch, [T4], online=False)


def test_a_quick_test_stops_at_nothing(folders, monkeypatch, capsys):
    needs = {"gpu": "required", "gpu_memory_gb": 80, "disk_gb": 1e6, "internet": "required"}
    check(needs, folders, monkeypatch, [], online=False, quick_test=True)
    assert "need" in capsys.readouterr().out


# where do I save


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = storage.write_whole(tmp_path / "a.bin", b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Stop, match="No space left"):
        storage.write_whole(path, b"new and longer")
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(Stop, match="No such file"):
        storage.write_whole(tmp_path / "gone" / "a.bin", b"x")


def test_a_folder_is_kept_as_one_archive(folders):
    (folders.work / "checkpoint").mkdir()
    for i in range(3):
        (folders.work / "checkpoint" / f"{i}.bin").write_bytes(b"x")
    kept = storage.keep(folders.work / "checkpoint", folders)
    assert kept == folders.outputs / "checkpoint.zip"
    assert [p.name for p in folders.outputs.iterdir()] == ["checkpoint.zip"]


def test_when_the_place_goes_away_the_local_copy_stays(folders, capsys):
    (folders.work / "a.bin").write_bytes(b"x")
    folders.outputs.rmdir()
    assert storage.keep(folders.work / "a.bin", folders) == folders.work / "a.bin"
    assert "it stays at" in capsys.readouterr().out


def test_folders_that_cannot_be_made_stop(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ANYLAB_HOME", str(tmp_path / "file"))
    with pytest.raises(Stop, match="cannot be made"):
        storage.prepare("job")


def test_the_cache_is_set_before_models_are_loaded(tmp_path, monkeypatch):
    for name in ("HF_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANYLAB_HOME", str(tmp_path))
    monkeypatch.setenv("ANYLAB_CACHE", str(tmp_path / "cache"))
    folders = storage.prepare("job")
    assert Path(os.environ["HF_HOME"]) == folders.cache / "huggingface"
    monkeypatch.delenv("HF_HOME")
    monkeypatch.delenv("TORCH_HOME")


def test_the_list_of_files_is_short_and_ends_with_how_to_fetch_them(folders, capsys):
    for i in range(12):
        (folders.outputs / f"{i:02}.bin").write_bytes(b"x" * i)
    storage.show(folders, most=3)
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("12 files") and "11.bin" in out[1] and "9 smaller" in out[4] and len(out) == 6


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


# where, and the report


def test_the_wrong_place_is_told_with_the_right_link(monkeypatch, tmp_path):
    siblings = (("Elsewhere", "ANYLAB_TEST_MARK", "", "https://right"), ("Folder", "", str(tmp_path), "https://folder"))
    assert "https://folder" in where.wrong_place(siblings)
    monkeypatch.setenv("ANYLAB_TEST_MARK", "1")
    assert where.wrong_place(siblings) == (
        "This is the variant for your own machine, but this machine is Elsewhere. The right one: https://right"
    )
    monkeypatch.setattr(where.here, "am_i_here", lambda: True)
    assert where.wrong_place(siblings) == ""


def test_the_report_is_toml_that_the_repository_takes(folders, capsys, tmp_path):
    from anylab import verified
    from anylab.project import open_project

    where.start("graphmer_training/local", "0.1.0+abcd1234")
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
