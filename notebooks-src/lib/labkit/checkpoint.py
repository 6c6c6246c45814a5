"""Checkpoints: written beside the last good one, switched in by one rename; the newest whole one is found again.

    store = checkpoint.Store(folders, settings)
    found = store.latest()                     # None, or where to go on: found.path, found.step
    with store.save(step=500) as folder:       # write files into it; it counts once the block has ended
        ...

Each is a sealed folder `checkpoints/<job>-<settings>/<serial>-step-<n>`: a run with other settings has a place of its
own. Where `outputs` is slow it is made in `work` and carried over as one zip.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import disk
from disk import sealed

from labkit import Stop, secret, storage

KEPT = 2
MANIFEST = "manifest.json"
DEPTHS = 6  # how far below an attached input they may lie: owner, name, folders of the job


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: the folder with its files, the step, its manifest."""

    path: Path
    step: int
    manifest: dict


class Store:
    """The checkpoints of one job with these settings (plain data). Raises Stop when another process has the job."""

    def __init__(self, folders: storage.Folders, settings: dict, job: str = ""):
        self.job, self.settings = job or folders.job, secret.mask(json.loads(json.dumps(settings)))
        place = Path("checkpoints", f"{self.job}-{sealed.digest(self.settings)[:8]}")
        self.roots = [folders.work / place, folders.outputs / place] if folders.slow else [folders.outputs / place]
        self.inputs = [p for i in folders.inputs for n in range(DEPTHS) for p in i.glob("*/" * n + place.as_posix())]
        self.opened, self.refused, self.step = folders.work / ".opened", set(), None
        try:
            for root in self.roots:
                root.mkdir(parents=True, exist_ok=True)
            self.lock = disk.lock(folders.work / f".{place.name}.lock")
        except OSError as error:
            raise Stop(storage.sentence(self.roots[0], error)) from None
        if self.lock is None:
            raise Stop(f"another process is at work on {self.job}; let it finish or stop it, then run this again")
        self.serial = max((serial for serial, _, _ in self._found(*self.inputs)), default=0)

    def latest(self) -> Checkpoint | None:
        """The newest whole checkpoint, in `work`, `outputs` or attached inputs; prints what it refused and why."""
        for _, step, path in sorted(self._found(*self.inputs), key=lambda found: found[:2], reverse=True):
            try:
                found = self._open(path)
                self.step = step
                return found
            except (sealed.Broken, OSError) as error:
                self.refused.add(path)
                print(f"The checkpoint {path.name} is refused: {error}. Looking for the one before it.")
        return None

    @contextmanager
    def save(self, step: int) -> Iterator[Path]:
        """A fresh folder for the files of step `step`. Raises Stop, and the last good one stays, when it fails."""
        fresh, done = self.roots[0] / ".fresh", self.roots[0] / f"{self.serial + 1:06}-step-{step}"
        newest = max(self._found(), default=(0, 0))
        if newest[0] > self.serial:
            raise Stop(f"another session has saved step {newest[1]} of {self.job} in the meantime; this one stops, and "
                       "overwrites nothing. Run it again to go on from there")  # fmt: skip
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            yield fresh
            about = {"job": self.job, "settings": self.settings, "step": step, "serial": self.serial + 1}
            sealed.seal(fresh, MANIFEST, storage.facts() | about)
            for path in (*fresh.rglob("*"), fresh):
                disk.sync(path)
            os.rename(fresh, done)
            disk.sync(done.parent)
        except Exception as error:
            problem = error if isinstance(error, OSError) else self._full(error)
            shutil.rmtree(fresh, ignore_errors=True)
            if problem is None:
                raise
            last = "there is none before it" if self.step is None else f"the last good one is of step {self.step}"
            raise Stop(f"checkpoint {storage.sentence(done, problem)}; {last}") from None
        self.serial, self.step = self.serial + 1, step
        for far in self.roots[1:]:
            try:
                with storage.whole(far / f"{done.name}.zip") as part:
                    sealed.pack(part, done, [path for path in done.rglob("*") if path.is_file()])
            except Stop as stop:
                print(f"{stop}. The checkpoint stays at {done}")
        self._prune()

    def close(self) -> None:
        """Let another process have the job; the end of this process does the same."""
        if self.lock is not None:
            os.close(self.lock)
        self.lock = None

    def _found(self, *more: Path) -> Iterator[tuple[int, int, Path]]:
        """(serial, step, path) of everything that has a checkpoint's name."""
        for path in (path for root in (*self.roots, *more) for path in root.glob("[0-9]*-step-*")):
            serial, _, step = path.name.removesuffix(".zip").partition("-step-")
            if serial.isdecimal() and step.isdecimal():
                yield int(serial), int(step), path

    def _open(self, path: Path) -> Checkpoint:
        if path.suffix == ".zip":
            shutil.rmtree(self.opened, ignore_errors=True)
            listed, path = sealed.extract(path, self.opened, MANIFEST), self.opened
        else:
            listed = sealed.read(path, MANIFEST)
            sealed.check(path, listed)
        if listed.get("job") != self.job:
            raise sealed.Broken(f"{MANIFEST}: belongs to the job {listed.get('job')}, not {self.job}")
        theirs = dict(listed.get("settings", {}))
        for name in {**theirs, **self.settings}:
            if theirs.get(name) != self.settings.get(name):
                raise sealed.Broken(f"{MANIFEST}: of other settings, {name} was {theirs.get(name)}")
        return Checkpoint(path, listed["step"], listed)

    def _full(self, error: Exception) -> OSError | None:
        """A full disk where that is what a library's own error hides."""
        full = "No space left" in str(error) or shutil.disk_usage(self.roots[0]).free < 1 << 20
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else None

    def _prune(self) -> None:
        for root in self.roots:
            for old in sorted({*root.glob("[0-9]*-step-*")} - self.refused, reverse=True)[KEPT:]:
                gone = root / f".old-{old.name}"  # renamed at once, so that no half of it is ever found
                with suppress(OSError):
                    old.rename(gone)
            for gone in root.glob(".old-*"):  # one that a kill has left, too
                shutil.rmtree(gone, ignore_errors=True) if gone.is_dir() else gone.unlink(missing_ok=True)
