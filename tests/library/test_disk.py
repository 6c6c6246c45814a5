"""disk: a file is there whole or as it was, a lock ends with its process."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import disk
import pytest

from tests.conftest import ROOT
from tests.library.disks import SmallDisk, count_bytes, everything


def python(code, *arguments, **options):
    """Start a Python with the library on its path."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "notebooks-src/lib")}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, **options)


# whole


def test_a_whole_file_replaces_the_old_one_at_the_end_and_not_before(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with disk.whole(path) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert everything(tmp_path) == {"a.bin": b"new"}


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, SystemExit])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(error, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), disk.whole(path) as part:
        part.write_bytes(b"half")
        raise error
    assert everything(tmp_path) == {"a.bin": b"old"}


def test_a_part_that_a_kill_has_left_is_written_over(tmp_path):
    with disk.whole(tmp_path / "a.bin") as part:
        part.write_bytes(b"x")
    part.write_bytes(b"left by a kill, and longer")
    with disk.whole(tmp_path / "a.bin") as part:
        part.write_bytes(b"new")
    assert everything(tmp_path) == {"a.bin": b"new"}


@pytest.mark.parametrize("name", ["n" * 255, "ä" * 127, "n" * 250 + ".png", "a b (1)'\".bin", "-rf", "雪.pt"])
def test_a_name_as_long_or_odd_as_the_system_allows_is_written(name, tmp_path):
    with disk.whole(tmp_path / name) as part:
        assert part.suffix == Path(name).suffix, "libraries take the format from the ending"
        part.write_bytes(b"x")
    assert everything(tmp_path) == {name: b"x"}


@pytest.mark.parametrize("left", [0, 1, 7, 4095, 4096, 4097, 99_999])
def test_a_disk_that_is_full_at_any_byte_leaves_the_old_file_and_nothing_else(left, tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with count_bytes(monkeypatch, tmp_path) as quota, pytest.raises(OSError) as caught:
        quota.left = left
        with disk.whole(path) as part:
            part.write_bytes(bytes(100_000))
    assert caught.value.errno == errno.ENOSPC and everything(tmp_path) == {"a.bin": b"old"}


@pytest.mark.parametrize("left", [0, 4096, 65536])
def test_a_real_disk_that_is_full_leaves_the_old_file_and_nothing_else(left, small_disk):
    path = small_disk.path / "a.bin"
    path.write_bytes(b"old")
    small_disk.leave(left)
    with pytest.raises(OSError) as caught, disk.whole(path) as part:
        part.write_bytes(bytes(left + 8192))
    assert caught.value.errno == errno.ENOSPC and path.read_bytes() == b"old"
    assert set(everything(small_disk.path)) <= {"a.bin", ".filler"}
    small_disk.free()
    with disk.whole(path) as part:
        part.write_bytes(b"new")
    assert path.read_bytes() == b"new"


def test_a_read_only_place_is_an_oserror_and_changes_nothing(small_disk):
    path = small_disk.path / "a.bin"
    path.write_bytes(b"old")
    small_disk.read_only()
    with pytest.raises(OSError) as caught, disk.whole(path) as part:
        part.write_bytes(b"new")
    assert caught.value.errno == errno.EROFS and everything(small_disk.path) == {"a.bin": b"old"}


def test_the_disk_without_a_mount_gives_out_in_the_same_way(tmp_path, monkeypatch):
    """What tests fall back to where nothing may be mounted has been run, too."""
    monkeypatch.setenv("PATH", "")
    small = SmallDisk(tmp_path / "disk", monkeypatch)
    assert small.kind == "an open that counts bytes"
    small.leave(3)
    with pytest.raises(OSError, match="No space left"):
        (small.path / "a").write_bytes(b"four")
    assert (small.path / "a").read_bytes() == b"fou"
    small.free()
    small.read_only()
    with pytest.raises(OSError, match="Read-only"):
        (small.path / "a").write_bytes(b"four")
    with pytest.raises(OSError, match="Read-only"):
        (small.path / "b").mkdir()
    assert (small.path / "a").read_bytes() == b"fou"


def test_a_file_that_may_only_be_read_is_synced_as_well(tmp_path, monkeypatch):
    """Root may open anything, so the call is looked at: it asks for no right to write."""
    asked, real = [], os.open
    monkeypatch.setattr(os, "open", lambda path, flags, *more: asked.append(flags) or real(path, flags, *more))
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "a").chmod(0o444)
    disk.sync(tmp_path / "a")
    disk.sync(tmp_path)
    assert asked == [os.O_RDONLY, os.O_RDONLY]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_a_folder_that_cannot_be_synced_is_let_be_and_a_file_is_not(number, tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(number, os.strerror(number))

    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(os, "fsync", refuse)
    disk.sync(tmp_path)
    with pytest.raises(OSError):
        disk.sync(tmp_path / "a")


# move


def test_a_move_within_a_disk_is_one_rename(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"x")
    before = (tmp_path / "a").stat().st_ino
    disk.move(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").stat().st_ino == before and everything(tmp_path) == {"b": b"x"}


def test_a_move_to_another_disk_arrives_whole(tmp_path, small_disk, monkeypatch):
    source, target = tmp_path / "a", small_disk.path / "b"
    source.write_bytes(b"x" * 50_000)
    target.write_bytes(b"old")
    if small_disk.quota:
        across_disks(monkeypatch, target)
    disk.move(source, target)
    assert target.read_bytes() == b"x" * 50_000 and not source.exists()
    assert everything(small_disk.path) == {"b": b"x" * 50_000}


@pytest.mark.parametrize("left", [0, 1, 20_000, 49_999])
def test_a_move_to_a_full_disk_keeps_the_source_and_the_old_target(left, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    source, target = tmp_path / "a", tmp_path / "there" / "b"
    source.write_bytes(b"x" * 50_000)
    target.write_bytes(b"old")
    across_disks(monkeypatch, target)
    with count_bytes(monkeypatch, tmp_path / "there") as quota, pytest.raises(OSError, match="No space left"):
        quota.left = left
        disk.move(source, target)
    assert source.read_bytes() == b"x" * 50_000 and everything(tmp_path / "there") == {"b": b"old"}


def across_disks(monkeypatch, target):
    """os.replace as it is between two file systems: into `target` only from the same folder."""
    real = os.replace

    def replace(old, new):
        if Path(new) == target and Path(old).parent != target.parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(old))
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)


def test_a_source_that_cannot_be_synced_is_not_moved(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(disk, "sync", lambda path: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output"):
        disk.move(tmp_path / "a", tmp_path / "b")
    assert everything(tmp_path) == {"a": b"x"}


# lock

HOLD = (
    "import sys, disk, pathlib; print(disk.lock(pathlib.Path(sys.argv[1])) is not None, flush=True); sys.stdin.read()"
)


def test_of_two_processes_one_has_the_lock_and_the_other_after_it(tmp_path):
    first = python(HOLD, tmp_path / "lock", stdin=subprocess.PIPE)
    assert first.stdout.readline() == "True\n"
    assert disk.lock(tmp_path / "lock") is None
    second = python(HOLD, tmp_path / "lock", stdin=subprocess.DEVNULL)
    assert second.communicate(timeout=120)[0] == "False\n"
    first.communicate("", timeout=120)
    handle = disk.lock(tmp_path / "lock")
    assert handle is not None
    disk.release(handle)


def test_a_lock_ends_with_a_holder_that_was_killed(tmp_path):
    holder = python(HOLD, tmp_path / "lock", stdin=subprocess.PIPE)
    assert holder.stdout.readline() == "True\n" and disk.lock(tmp_path / "lock") is None
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=120)
    handle = disk.lock(tmp_path / "lock")
    assert handle is not None
    disk.release(handle)


FORK = """
import os, sys, time, disk, pathlib
handle = disk.lock(pathlib.Path(sys.argv[1]))
if os.fork() == 0:
    os.close(1)
    time.sleep(60)
    os._exit(0)
print(handle is not None, os.getpid(), flush=True)
os._exit(0)
"""


def test_a_forked_worker_that_outlives_the_holder_does_not_keep_the_lock(tmp_path):
    holder = python(FORK, tmp_path / "lock", start_new_session=True)
    try:
        assert holder.communicate(timeout=120)[0].startswith("True")
        handle = disk.lock(tmp_path / "lock")
        assert handle is not None
        disk.release(handle)
    finally:
        os.killpg(holder.pid, signal.SIGKILL)  # the worker, in the session that this test has made


def test_a_worker_that_the_holder_has_forked_does_not_end_the_lock_with_itself(tmp_path):
    handle = disk.lock(tmp_path / "lock")
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    other = python(HOLD, tmp_path / "lock", stdin=subprocess.DEVNULL)
    assert other.communicate(timeout=120)[0] == "False\n"
    disk.release(handle)


def test_a_lock_is_no_hindrance_where_the_file_system_has_none(tmp_path, monkeypatch):
    import fcntl

    def refuse(*_):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    handle = disk.lock(tmp_path / "lock")
    assert handle is not None
    disk.release(handle)


def test_held_tells_who_has_it_and_lets_go_at_the_end(tmp_path):
    with disk.held(tmp_path / "lock") as mine:
        assert mine
        other = python(HOLD, tmp_path / "lock", stdin=subprocess.DEVNULL)
        assert other.communicate(timeout=120)[0] == "False\n"
    holder = python(HOLD, tmp_path / "lock", stdin=subprocess.PIPE)
    assert holder.stdout.readline() == "True\n"
    with disk.held(tmp_path / "lock") as mine:
        assert not mine
    holder.communicate("", timeout=120)


# full


def test_a_full_disk_is_known_by_its_number_by_its_words_and_by_its_free_space(tmp_path, monkeypatch):
    assert disk.full(OSError(errno.ENOSPC, "x"), tmp_path) and disk.full(OSError(errno.EDQUOT, "x"), tmp_path)
    assert disk.full(RuntimeError("[enforce fail] No space left on device"), tmp_path)
    assert not disk.full(OSError(errno.EACCES, "x"), tmp_path) and not disk.full(ValueError("x"), tmp_path)
    assert not disk.full(ValueError("x"), tmp_path / "gone")
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    assert disk.full(RuntimeError("unexpected pos 64 vs 0"), tmp_path)
    assert not disk.full(OSError(errno.EACCES, "x"), tmp_path)
