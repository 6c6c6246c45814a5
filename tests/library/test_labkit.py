"""labkit on this machine: what is there, where do files go."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from labkit import Stop, machine, storage, transport

from tests.conftest import ROOT


def test_importing_labkit_does_not_load_torch():
    code = "import sys; from labkit import machine, pictures, storage, transport; print('torch' in sys.modules)"
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


# how a bundle is carried where the platform has no way of its own: a person takes the file


def test_a_sent_bundle_is_told_where_it_is_and_stays_there(tmp_path):
    archive = tmp_path / "job.bundle.zip"
    with pytest.raises(Stop, match="make the bundle first"):
        transport.send(archive, "job")
    assert "would be" in transport.send(archive, "job", dry_run=True)
    archive.write_bytes(b"x")
    said = transport.send(archive, "job")
    assert f"is {archive}" in said and said.count(".\n") == 0 and archive.read_bytes() == b"x"


@pytest.mark.parametrize("place", ["here", "home/Downloads", "folder"])
@pytest.mark.parametrize("name", ["job", "job.bundle.zip"])
def test_a_bundle_is_found_where_a_person_puts_it(place, name, tmp_path, monkeypatch, capsys):
    for folder in ("here", "home/Downloads", "folder"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(Stop, match="no bundle job, looked for .*upload it there"):
        transport.receive("job", tmp_path / "folder")
    (tmp_path / place / "job.bundle.zip").write_bytes(b"x")
    assert transport.receive(name, tmp_path / "folder", dry_run=True) is None
    assert str(tmp_path / "home/Downloads/job") in capsys.readouterr().out
    assert transport.receive(name, tmp_path / "folder") == tmp_path / place / "job.bundle.zip"


def test_a_bundle_is_found_by_its_path(tmp_path):
    (tmp_path / "b.zip").write_bytes(b"x")
    assert transport.receive(str(tmp_path / "b.zip"), tmp_path / "folder") == tmp_path / "b.zip"
