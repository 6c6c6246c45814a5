"""Bundles: a job's kept files as one sealed zip, `<job>.bundle.zip`, that another platform checks and takes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import disk
from disk import sealed

from labkit import Stop, storage

MANIFEST = "bundle.json"


def pack(folders: storage.Folders) -> Path:
    """One sealed zip of `outputs` (`work`, when that is gone), without hidden files, links, `.before`. Raises Stop."""
    root = folders.outputs if folders.outputs.is_dir() else folders.work
    target = (folders.work if folders.slow else folders.outputs) / f"{folders.job}.bundle.zip"
    with storage.whole(target) as part:
        paths = [path for path in root.rglob("*") if _travels(path, root, folders)]
        if not paths:
            raise Stop(f"there is nothing to pack in {root}")
        try:
            disk.room(sum(path.stat().st_size for path in paths), target.parent)
            sealed.pack(part, root, paths, MANIFEST, storage.facts() | {"job": folders.job})
        except FileNotFoundError as gone:
            raise Stop(f"{gone.filename} went away while it was packed: let the job stop first") from None
    print(f"Packed {len(paths)} files, {target.stat().st_size / 1e6:.1f} MB: {target}")
    return target


def unpack(source: Path | str, folders: storage.Folders, once: bool = False) -> int:
    """Check a bundle (or the folder that a service made of it), then move its files into `outputs`; how many are new.
    What is there with other contents stays as `<name>.before`, the bundle's checkpoints are then the newest, and `once`
    leaves a bundle alone that was unpacked here before. Raises Stop: one that is not sound, or of another job, changes
    nothing; when the disk fails midway each file is old or new, and a rerun does the rest."""
    source, staged = Path(source).expanduser(), folders.work / ".unpacking"
    try:
        listed = sealed.read(source, MANIFEST)
        if listed.get("job") != folders.job:
            raise Stop(f"the bundle {source} holds the job {listed.get('job')}, and this notebook is {folders.job}")
        mark = folders.outputs / f".unpacked-{sealed.digest(listed)[:12]}"
        if once and mark.exists():
            print(f"The bundle {source} was unpacked here before; what the job has done since then stays.")
            return 0
        shutil.rmtree(staged, ignore_errors=True)
        folders.outputs.stat()  # gone with its drive? Then it is not made anew on this machine's own disk
        sealed.extract(source, staged, MANIFEST)
        moved = sealed.settle(staged, folders.outputs, listed["files"], "checkpoints")
        mark.touch()
    except sealed.Broken as broken:
        raise Stop(f"the bundle {source} cannot be used: {broken}") from None
    except OSError as error:
        raise Stop(f"the bundle {source} is not unpacked: {disk.sentence(folders.outputs, error)}") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    origin = "".join(c for c in str(listed.get("platform")) if c.isprintable())
    print(f"Unpacked {moved} of {len(listed['files'])} files from {origin} into {folders.outputs}")
    return moved


def send(folders: storage.Folders, choice: str, dry_run: bool = False, **ways: Callable) -> None:
    """Pack, and carry the bundle by the chosen one of `ways`; "file" leaves it here, "no" does nothing. Raises Stop."""
    if choice not in ("no", "file", *ways):
        raise Stop(f"there is no way called {choice!r} to take the job along (PACK), only {', '.join(ways)} and file")
    archive = pack(folders) if choice != "no" else None
    if choice == "file":
        print("To go on elsewhere: bring this file there, and set GO_ON_FROM to its path.")
    elif archive:
        print(ways[choice](archive, folders.job.replace("_", "-"), dry_run=dry_run))


def fetch(folders: storage.Folders, choice: str, dry_run: bool = False, **ways: Callable) -> int:
    """Go on from a bundle: its path, or the way to get it; "" and one unpacked before change nothing. Raises Stop."""
    place, found = folders.work / ".fetched", (choice := str(choice).strip().strip("\"'"))  # as a path is pasted
    if choice and choice not in ways and not Path(choice).expanduser().exists():
        raise Stop(f"there is no bundle at {choice}; give the path of its file here, or one of: {', '.join(ways)}")
    try:
        if choice in ways:
            with storage.told(place):
                place.mkdir(exist_ok=True)
                found = ways[choice](folders.job.replace("_", "-"), place, dry_run=dry_run)
        return unpack(found, folders, once=True) if found else 0
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _travels(path: Path, root: Path, folders: storage.Folders) -> bool:
    parts = path.relative_to(root).parts
    parts = parts[:3] if parts[0] == "checkpoints" else parts  # a checkpoint is taken as it is, or not at all
    ours = parts[-1].endswith((".bundle.zip", ".before")) or folders.work in path.parents and root != folders.work
    return path.is_file() and not (path.is_symlink() or ours or any(part.startswith(".") for part in parts))
