"""Bringing files to disk: whole or not at all, nothing touched that need not be, nothing lost that a person made."""

import errno
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from anylab import building, write
from anylab.errors import Refused
from tests.unit.helpers import outputs, small_project
from tests.unit.helpers import write as write_files


def tree(folder):
    """Every file below `folder` with its bytes and the time of its last change."""
    return {
        str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()
    }


def contents(folder):
    return {name: data for name, (data, _) in tree(folder).items()}


def put(files, out, wanted=None):
    return write.write(((out / name, data) for name, data in files.items()), out, out.parent, wanted)


@pytest.fixture
def out(tmp_path):
    """A folder with two files that were written before."""
    put({"a/x": b"old x", "b/y": b"old y"}, tmp_path / "dist")
    return tmp_path / "dist"


def test_only_what_differs_is_touched(out):
    before = tree(out)
    outcome = put({"a/x": b"old x", "b/y": b"new y", "c": b""}, out)
    assert outcome.written == ["dist/b/y", "dist/c"] and outcome.unchanged == 1
    assert tree(out)["a/x"] == before["a/x"] and contents(out) == {"a/x": b"old x", "b/y": b"new y", "c": b""}
    assert os.listdir(out.parent) == ["dist"]


def test_a_platform_filter_limits_what_is_written_not_what_is_computed(out):
    outcome = put({"a/x": b"new x", "b/y": b"new y"}, out, {out / "a/x"})
    assert contents(out) == {"a/x": b"new x", "b/y": b"old y"} and len(outcome.hashes) == 2


def failing(real, fails_at, error):
    """A stand-in for a system call that fails the nth time."""
    calls = [0]

    def call(*arguments, **more):
        calls[0] += 1
        if calls[0] == fails_at:
            raise error
        return real(*arguments, **more)

    return call


FULL = OSError(errno.ENOSPC, "No space left on device", "dist")


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("call", ["replace", "write_bytes", "link"])
def test_a_disk_that_is_full_leaves_everything_as_it_was(out, monkeypatch, call, nth):
    before = tree(out)
    holder = write.Path if call == "write_bytes" else write.os
    monkeypatch.setattr(holder, call, failing(getattr(holder, call), nth, FULL))
    if call == "link":
        monkeypatch.setattr("shutil.copy2", failing(None, 1, FULL))
    with pytest.raises(Refused, match="cannot be written: No space left on device; nothing was changed"):
        put({"a/x": b"new x", "b/y": b"new y", "c/z": b"new z"}, out)
    monkeypatch.undo()
    assert tree(out) == before and os.listdir(out.parent) == ["dist"]


def test_a_folder_in_the_place_of_a_file_leaves_everything_as_it_was(out):
    (out / "c").mkdir()
    before = tree(out)
    with pytest.raises(Refused, match="cannot be written"):
        put({"a/x": b"new x", "c": b"new"}, out)
    assert tree(out) == before


def test_a_file_system_without_second_names_is_written_too(out, monkeypatch):
    monkeypatch.setattr(write.os, "link", failing(os.link, 1, OSError(errno.EPERM, "no links")))
    put({"a/x": b"new x"}, out)
    assert (out / "a/x").read_bytes() == b"new x"


def test_an_input_that_is_refused_while_computing_changes_nothing(out):
    before = tree(out)

    def files():
        yield out / "a/x", b"new x"
        raise Refused([])

    with pytest.raises(Refused):
        write.write(files(), out, out.parent)
    assert tree(out) == before and os.listdir(out.parent) == ["dist"]


@pytest.mark.parametrize("name", ["dist", "dist/a"])
def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path, name):
    write_files(tmp_path, {name: "a person's"})
    with pytest.raises(Refused):
        put({"a/x": b"x"}, tmp_path / "dist")
    assert (tmp_path / name).read_text() == "a person's"


@pytest.mark.parametrize("link", ["a", "a/x"])
def test_a_link_that_leaves_the_folder_is_never_written_through(tmp_path, link):
    write_files(tmp_path, {"else/x": "a person's"})
    target = tmp_path / "else" / ("x" if link == "a/x" else "")
    (tmp_path / "dist" / link).parent.mkdir(parents=True)
    (tmp_path / "dist" / link).symlink_to(target)
    with pytest.raises(Refused, match="symbolic link that leaves"):
        put({"a/x": b"ours"}, tmp_path / "dist")
    assert (tmp_path / "else/x").read_text() == "a person's"


def test_a_linked_output_folder_is_staged_beside_its_target(tmp_path):
    (tmp_path / "disk" / "real").mkdir(parents=True)
    (tmp_path / "dist").symlink_to(tmp_path / "disk" / "real")
    with write._stage(tmp_path / "dist") as stage:
        assert stage.parent == tmp_path / "disk"
    put({"a": b"x"}, tmp_path / "dist")
    assert contents(tmp_path / "disk") == {"real/a": b"x"}


def test_what_an_earlier_build_wrote_goes_when_its_source_is_gone(project):
    building.build(project)
    (project.sources / "ours.py").rename(project.sources / "renamed.py")
    outcome = building.build(project).outcome
    assert outcome.removed == ["dist/forms/ours.ipynb", "dist/plain/ours.ipynb"] and not outcome.orphans
    assert contents(project.out) == outputs(project)


def test_what_a_person_changed_or_made_is_never_deleted(project):
    building.build(project)
    write_files(project.out, {"plain/ours.ipynb": "changed", "mine/notes.txt": "mine", "forms/mine.ipynb": "mine"})
    (project.sources / "ours.py").rename(project.sources / "renamed.py")
    outcome = building.build(project).outcome
    kept = ["forms/mine.ipynb", "mine/notes.txt", "plain/ours.ipynb"]
    assert outcome.removed == ["dist/forms/ours.ipynb"] and outcome.orphans == [f"dist/{name}" for name in kept]
    assert all(contents(project.out)[name] in (b"mine", b"changed") for name in kept)


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"variants": [{"path": 1}]}', '{"variants": 3}', "\ud800"])
def test_a_broken_manifest_deletes_nothing(project, manifest):
    building.build(project)
    (project.out / "manifest.json").write_text(manifest, encoding="utf-8", errors="surrogatepass")
    (project.sources / "ours.py").rename(project.sources / "renamed.py")
    assert building.build(project).outcome.removed == []


def test_a_manifest_that_names_files_elsewhere_deletes_none_of_them(project):
    import hashlib
    import json

    building.build(project)
    write_files(project.root, {"precious": "mine"})
    entry = {"path": "../precious", "sha256": hashlib.sha256(b"mine").hexdigest(), "beside": {}}
    (project.out / "manifest.json").write_text(json.dumps({"variants": [entry]}))
    building.build(project)
    assert (project.root / "precious").exists()


def test_a_kill_at_any_moment_is_repaired_by_the_next_build(tmp_path):
    many = {f"notebooks-src/n{i}.py": f"# %%\nx = {i}\n" for i in range(150)}
    project = small_project(tmp_path / "project", many)
    expected = outputs(project)
    script = (
        "import sys; from pathlib import Path; from anylab import building; from anylab.project import open_project; "
    )
    script += "print('go', flush=True); building.build(open_project(Path(sys.argv[1])))"
    rng, killed = random.Random(7), 0
    for attempt in range(8):
        write_files(project.out, {"plain/ours.ipynb": f"stale {attempt}"})
        child = subprocess.Popen([sys.executable, "-c", script, str(project.root)], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(rng.uniform(0.1, 0.6))
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        child.stdout.close()
        whole = {
            name: data for name, data in contents(project.out).items() if name in expected and data != expected[name]
        }
        assert set(whole) <= {"plain/ours.ipynb", "manifest.json"} and whole.get("manifest.json", b"}\n").endswith(
            b"}\n"
        )
        if attempt % 2:
            building.build(project)
            assert contents(project.out) == expected and sorted(os.listdir(project.root)) == [
                ".anylab", "dist", "notebooks-src", "platforms", "pyproject.toml"]  # fmt: skip
            for name in rng.sample(sorted(expected), 250):
                (project.out / name).unlink()
    assert killed


def test_a_volume_of_its_own_is_staged_inside(tmp_path, monkeypatch):
    """A rename leads into no other file system; a folder above that is closed cannot hold the stage either."""
    out = tmp_path / "volume"
    out.mkdir()
    monkeypatch.setattr(write.os, "access", lambda path, mode: False)
    assert write.stage_of(out) == out / ".stage"
    assert write.write([(out / "a.txt", b"x")], out, out.parent).orphans == []
    assert sorted(p.name for p in out.iterdir()) == ["a.txt"]
