"""Checkpoints: sealed folders `checkpoints/<job>-<settings>/<serial>-step-<n>`, each written beside the last good one
and switched in by one rename. Where `outputs` is slow they are made in `work` and carried over, each as one zip."""

import shutil
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import disk
from disk import sealed

from labkit import Stop, secret, storage

KEPT = 2
MANIFEST = "manifest.json"
Checkpoint = namedtuple("Checkpoint", "path step manifest")  # the folder with its files, the step, its manifest
DEPTHS = 6  # how far below an attached input they may lie: owner, name, folders of the job


class Store:
    """The checkpoints of one job with these settings (plain data). Raises Stop when another process has the job."""

    def __init__(self, folders: storage.Folders, settings: dict, job: str = ""):
        self.job, self.settings = job or folders.job, secret.mask(sealed.plain({**settings}, "settings"))
        self.folders, self.place = folders, f"checkpoints/{self.job}-{sealed.digest(self.settings)[:8]}"
        self.roots = [base / self.place for base in ([folders.work] if folders.slow else []) + [folders.outputs]]
        inputs = [path for given in folders.inputs for n in range(DEPTHS) for path in given.glob("*/" * n + self.place)]
        self.places, self.refused, self.step = [*self.roots, *inputs], set(), None
        self.opened, self.lock = folders.work / f".{self.roots[0].name}.opened", None
        self._open_up()
        self.seen = {found[:2] for found in self._found(*self.places)}
        self.serial = max((serial for serial, _ in self.seen), default=0)
        self._carry()

    def latest(self) -> Checkpoint | None:
        """The newest whole one, in `work`, `outputs` or inputs, or None; says what it refused and why. Raises Stop."""
        for _, step, path in sorted(self._found(*self.places), key=lambda found: found[:2], reverse=True):
            try:
                found, self.step = self._open(path), step
                return found
            except (sealed.Broken, OSError) as error:
                if isinstance(error, OSError) and error.errno in disk.FULL:  # an earlier one would lose work
                    raise Stop(f"to open {path.name}, {disk.sentence(self.opened, error)}") from None
                self.refused.add(path)
                print(f"The checkpoint {path.name} is refused: {error}. Looking for the one before it.")
        with storage.told(self.folders.outputs):
            self.folders.outputs.stat()  # away just now, it would look like a new run

    @contextmanager
    def save(self, step: int) -> Iterator[Path]:
        """A fresh folder for a step's files. Raises Stop when they cannot be saved; the block's own errors stay."""
        if (step := int(step)) < 0:
            raise ValueError(f"a step is 0 or more, not {step}")
        if self.lock is None:  # closed, and now used again
            self._open_up()
        if strange := {found[:2] for found in self._found(*self.roots)} - self.seen:
            raise Stop(f"another session has saved step {max(strange)[1]}, which is not overwritten; run this again")
        self.serial += 1  # used once, even when this save fails or the stop button ends it
        root, inside, last = self.roots[0], False, "none" if self.step is None else f"step {self.step}"
        fresh, done = root / ".fresh", root / f"{self.serial:06}-step-{step}"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            inside = True  # an error is the block's own
            yield fresh
            inside = False
            about = storage.facts() | {"job": self.job, "settings": self.settings, "step": step, "serial": self.serial}
            sealed.seal(fresh, MANIFEST, secret.mask(about))
            self.seen.add((self.serial, step))
            disk.move(fresh, done)
        except BaseException as error:
            missing = isinstance(error, FileNotFoundError) and fresh.is_dir()  # the block's own mistake
            ours = not inside or (str(fresh) in str(getattr(error, "filename", "")) and not missing)
            failed = (ours and isinstance(error, OSError | sealed.Broken)) or disk.full(error, root)
            words = disk.sentence(done, error)
            shutil.rmtree(fresh, ignore_errors=True)
            if failed and not isinstance(error, KeyboardInterrupt):
                raise Stop(f"the checkpoint {words}. The last good one: {last}") from None
            raise
        self.step = step
        self._carry()
        self._prune()

    def close(self) -> None:
        """Let another process have the job; the end of this process does the same."""
        if self.lock is not None:
            self.lock = disk.release(self.lock)

    def _open_up(self) -> None:
        """Hold the job's lock, and have its places."""
        with storage.told(self.roots[-1]):
            self.folders.outputs.stat()  # gone with its drive? Then it is not made anew on this machine's own disk
            for root in self.roots:
                root.mkdir(parents=True, exist_ok=True)
            if self.lock is None:
                self.lock = disk.lock(self.folders.work / f".{self.roots[0].name}.lock")
        if self.lock is None:
            raise Stop(f"another process is at work on {self.job}; let it finish or stop it, then run this again")

    def _carry(self) -> None:
        """Where `outputs` is slow: carry over, as one zip, the last ones that it lacks."""
        for _, _, done in sorted(self._found(self.roots[0]))[-KEPT:] if self.folders.slow else ():
            if not (self.roots[1] / f"{done.name}.zip").exists():
                storage.keep(done, self.folders, self.place)

    def _found(self, *places: Path) -> Iterator[tuple[int, int, Path]]:
        """(serial, step, path) of everything that has a checkpoint's name."""
        for path in (path for place in places for path in place.glob("[0-9]*-step-*")):
            serial, _, step = path.name.removesuffix(".zip").partition("-step-")
            if serial.isdecimal() and step.isdecimal():
                yield int(serial), int(step), path

    def _open(self, path: Path) -> Checkpoint:
        if path.is_symlink():
            raise sealed.Broken(f"{path.name}: a link")
        if path.suffix == ".zip":
            shutil.rmtree(self.opened, ignore_errors=True)
            listed, path = sealed.extract(path, self.opened, MANIFEST), self.opened
        else:
            listed = sealed.read(path, MANIFEST)
            sealed.check(path, listed)
        if listed.get("job") != self.job:
            raise sealed.Broken(f"{MANIFEST}: belongs to the job {listed.get('job')}, not {self.job}")
        theirs, ours = secret.mask([listed.get("settings"), self.settings])
        if type(listed.get("step")) is not int or not isinstance(theirs, dict):
            raise sealed.Broken(f"{MANIFEST}: no checkpoint's manifest")
        for name in {**theirs, **ours}:
            if sealed.digest(theirs.get(name)) != sealed.digest(ours.get(name)):
                raise sealed.Broken(f"{MANIFEST}: of other settings, {name} was {theirs.get(name)}")
        return Checkpoint(path, listed["step"], listed)

    def _prune(self) -> None:
        for root in self.roots:
            with suppress(OSError):
                for old in [p for _, _, p in sorted(self._found(root), reverse=True) if p not in self.refused][KEPT:]:
                    old.rename(root / f".old-{old.name}")  # at once, so that no half of it is ever found
                for gone in root.glob(".old-*"):  # one that a kill has left, too
                    gone.unlink() if gone.is_symlink() or gone.is_file() else shutil.rmtree(gone)
