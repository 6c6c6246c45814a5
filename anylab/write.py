"""Bring compiled files to disk: compare, stage beside, rename when complete, manifest last.

A build that fails leaves every file as it was; one that is killed between two renames leaves whole files, and the next
build repairs the rest, since it compares contents and believes no manifest (for that reason nothing is fsynced).
Unchanged files are not touched. A file is deleted only when the old manifest says that we wrote it and its contents are
still those: nothing a person made is lost.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from anylab.errors import Origin, refuse


@dataclass
class Outcome:
    """What a build did (or a check found): paths as shown to people."""

    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)  # absolute path -> sha256 of what belongs there


def shown(path: Path, root: Path) -> str:
    """A path as people know it: relative to the project where it is inside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def write(
    files: Iterable[tuple[Path, bytes]], out: Path, root: Path, wanted: set[Path] | None = None, tidy: bool = True
) -> Outcome:
    """Write what differs. `wanted` limits what is written (None: everything), never what is computed; `tidy` removes
    what an earlier build of these sources wrote and this one does not.

    Raises Refused (exit 2) when the folder cannot be written; nothing has changed then.
    """
    outcome = Outcome()
    folders: set[Path] = set()  # those known to be no way out of the tree
    try:
        with _locked(out), _stage(out) as stage:
            moves = []
            for target, data in files:
                outcome.hashes[str(target)] = hashlib.sha256(data).hexdigest()
                if wanted is not None and target not in wanted:
                    continue
                if target.parent not in folders or target.is_symlink():
                    _refuse_links(target, out, root)
                    folders.add(target.parent)
                if _same(target, data):
                    outcome.unchanged += 1
                    continue
                staged = stage / str(len(moves))
                staged.write_bytes(data)
                moves.append((staged, target))
            stale = ours_and_stale(out, outcome.hashes) if tidy and wanted is None else []
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            _move(moves, stale, stage)
            outcome.written = [shown(target, root) for _, target in moves]
            outcome.removed = [shown(path, root) for path in stale]
            for path in stale:
                _remove_empty(path.parent, out)
    except OSError as error:
        where = shown(Path(error.filename), root) if isinstance(error.filename, str) else str(out)
        raise refuse(Origin(where), f"cannot be written: {error.strerror or error}; nothing was changed") from None
    if wanted is None:
        outcome.orphans = [shown(p, root) for p in orphans(out, outcome.hashes)]
    return outcome


def _move(moves: list[tuple[Path, Path]], stale: list[Path], stage: Path) -> None:
    """Rename everything into place and delete the stale; when one step fails, undo those before it and raise."""
    undo: list[tuple[Path | None, Path]] = []
    try:
        for staged, target in [*moves, *((None, path) for path in stale)]:
            kept = _keep(target, stage / f"old{len(undo)}")
            if staged:
                os.replace(staged, target)
            else:
                target.unlink()
            undo.append((kept, target))
    except OSError:
        for kept, target in reversed(undo):
            with suppress(OSError):
                os.replace(kept, target) if kept else target.unlink()
        raise


def _keep(target: Path, aside: Path) -> Path | None:
    """A second name for what stands at `target` (None: nothing), a copy where the file system has no such names."""
    import shutil

    try:
        os.link(target, aside)
    except FileNotFoundError:
        return None
    except OSError:
        shutil.copy2(target, aside)
    return aside


def orphans(out: Path, expected: Iterable[str]) -> list[Path]:
    """Files below `out` that no build writes, sorted."""
    expected = set(expected)
    found = []
    for folder, names, files in os.walk(out):
        names[:] = sorted(n for n in names if n not in (".ipynb_checkpoints", ".stage"))
        found += [Path(folder, f) for f in files if os.path.join(folder, f) not in expected and f != ".DS_Store"]
    return sorted(found)


def ours_and_stale(out: Path, expected: Iterable[str]) -> list[Path]:
    """Orphans that an earlier build wrote and nobody has changed since, by the old manifest's own hashes."""
    try:
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        wrote = {}
        for entry in manifest["variants"]:
            wrote[out / entry["path"]] = entry["sha256"]
            for name, digest in entry["beside"].items():
                wrote[(out / entry["path"]).parent / name] = digest
        wrote |= {out / path: digest for path, digest in manifest.get("pages", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [p for p in orphans(out, expected) if p in wrote and hashlib.sha256(p.read_bytes()).hexdigest() == wrote[p]]


def _same(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _refuse_links(target: Path, out: Path, root: Path) -> None:
    """A symbolic link below dist that leads elsewhere would make us write there."""
    base = os.path.realpath(out if target.is_relative_to(out) else root)
    if not os.path.realpath(target).startswith(base + os.sep):
        raise refuse(Origin(shown(target, root)), "lies behind a symbolic link that leaves the folder; remove the link")


def _remove_empty(folder: Path, out: Path) -> None:
    """Remove `folder` and its parents below `out` as far as they are empty; one that is gone already is passed over."""
    while folder != out and folder.is_relative_to(out):
        if folder.is_dir():
            if any(folder.iterdir()):
                return
            folder.rmdir()
        folder = folder.parent


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """One build at a time for an output folder. filelock: a well-kept lock that is the same on Windows and Linux."""
    import tempfile

    from filelock import FileLock, Timeout

    if out.exists() and not out.is_dir():
        raise refuse(Origin(str(out)), "is a file, not a folder; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    # in the temporary folder, so that no lock file is left beside somebody's output
    name = hashlib.sha256(os.path.realpath(out).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else 0
    lock = FileLock(os.path.join(tempfile.gettempdir(), f"anylab-{user}-{name}.lock"), timeout=60)
    try:
        lock.acquire()
    except Timeout:
        raise refuse(Origin(str(out)), "another build has been writing there for a minute; wait for it") from None
    try:
        yield
    finally:
        lock.release()


def stage_of(out: Path) -> Path:
    """Where files are staged; a folder that stands there shows a build at work, or one that was killed."""
    real = Path(os.path.realpath(out))
    beside = real.parent / f".{real.name}.stage"
    if real.is_dir() and (os.stat(real).st_dev != os.stat(real.parent).st_dev or not os.access(real.parent, os.W_OK)):
        return real / ".stage"  # a mounted volume: renames do not lead into it
    return beside


@contextmanager
def _stage(out: Path) -> Iterator[Path]:
    """A fresh folder beside `out` (the same file system, so that a rename is one step). Held under the lock, so one
    that is there already was left by a build that was killed."""
    import shutil

    stage = stage_of(out)
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
