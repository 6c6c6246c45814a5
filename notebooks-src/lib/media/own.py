"""A scratch folder of this session's own. Two sessions may share a home (two notebooks on one machine, two cards): what
is for one of them alone lies here, so that neither speaks with what the other put down.

It is removed when the session ends. A lock beside it says that its session lives; what a killed one left behind is
removed by the next."""

import atexit
import hashlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import disk
from labkit import storage

_mine: dict[tuple, Path] = {}  # (process, work folder) -> its folder


def folder(work: Path) -> Path:
    """This session's folder under `work`, made when first asked for. Raises Stop."""
    key = (os.getpid(), os.path.realpath(work))
    if key in _mine and _mine[key].is_dir():
        return _mine[key]
    with storage.told(work):
        place = work / ".sessions"
        place.mkdir(parents=True, exist_ok=True)
        others(work)
        name = secrets.token_hex(6)
        disk.lock(place / f"{name}.lock")  # before the folder: nobody takes it for a dead one's
        (place / name).mkdir()
    _mine[key] = place / name
    atexit.register(_remove, os.getpid(), place / name)
    return _mine[key]


def _remove(process: int, left: Path) -> None:
    """Remove a session's folder and its lock; only the process that made them does."""
    if process == os.getpid():
        shutil.rmtree(left, ignore_errors=True)
        with suppress(OSError):
            left.with_suffix(".lock").unlink()


def others(work: Path) -> int:
    """How many other sessions live in this home; what dead ones left is removed."""
    count = 0
    for left in (work / ".sessions").glob("*/"):
        if left in _mine.values():
            continue
        with disk.held(left.with_suffix(".lock")) as dead:
            if dead:
                _remove(os.getpid(), left)
        count += not dead
    return count


def told(work: Path) -> None:
    """Say so when another session works in this home."""
    folder(work)
    if others(work):
        print("Another session works in this home: where both give a result one name, that of the later one stays.")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """In this block no other session of this machine writes results into `folder`: a recording and its record are of
    one session. Waits for the other; where there are no locks it goes on."""
    name = hashlib.sha256(os.path.realpath(folder).encode()).hexdigest()[:16]
    handle = None
    with suppress(OSError):
        while (handle := disk.lock(Path(tempfile.gettempdir(), f"anylab-{name}.lock"))) is None:
            time.sleep(0.05)
    try:
        yield
    finally:
        if handle is not None:
            disk.release(handle)
