"""Where do I save? `work` is fast and local, `outputs` is kept, `cache` holds models; files appear whole or not."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop, here


@dataclass(frozen=True)
class Folders:
    """The job's folders. `kept` is False where `outputs` is lost with the session."""

    work: Path
    outputs: Path
    cache: Path | None
    kept: bool


def prepare(job: str, **settings: bool) -> Folders:
    """Make this job's folders and point the model libraries' caches at `cache`; call it before importing them.

    `settings` are the platform's own (its form fields). Raises Stop when a folder cannot be made.
    """
    asked = here.folders(job, **settings)
    if asked["note"]:
        print(asked["note"])
    override = os.environ.get("ANYLAB_CACHE")
    cache = Path(override) if override else asked["cache"]
    for folder in (asked["work"], asked["outputs"], cache):
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Stop(f"the folder {folder} cannot be made ({error.strerror}); free some space or check it") from None
    if cache is not None:
        for variable, name in (("HF_HOME", "huggingface"), ("TORCH_HOME", "torch")):
            os.environ.setdefault(variable, str(cache / name))
    return Folders(asked["work"], asked["outputs"], cache, asked["kept"])


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file so that a reader, or a kill at any instant, sees the old contents or the new, never a part.

    Raises Stop when the disk is full or the folder cannot be written; the old file is then untouched.
    """
    handle, temporary = -1, ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise Stop(
            f"{path.name} could not be saved in {path.parent} ({error.strerror}); free some space there"
        ) from None
    return path


def keep(path: Path, folders: Folders) -> Path:
    """Copy a finished file, or a finished folder as one zip, to `outputs`; returns where it now is.

    One archive instead of many files: slow persistent places take a thousand small files badly. When the place
    has gone away, says so and leaves the local copy.
    """
    if path.is_dir():
        path = Path(shutil.make_archive(str(folders.work / path.name), "zip", root_dir=path.parent, base_dir=path.name))
    target = folders.outputs / path.name
    if target.resolve() == path.resolve():
        return path
    temporary = folders.outputs / f".{path.name}.part"
    try:
        shutil.copyfile(path, temporary)
        os.replace(temporary, target)
        return target
    except OSError as error:
        print(f"{path.name} could not be copied to {folders.outputs} ({error.strerror}); it stays at {path}")
        return path


def show(folders: Folders, most: int = 8) -> None:
    """List the kept files with their sizes, the largest first, and say how to fetch them."""
    files = [(p.stat().st_size, p) for p in folders.outputs.rglob("*") if p.is_file() and folders.work not in p.parents]
    print(f"{len(files)} files in {folders.outputs}")
    for size, path in sorted(files, key=lambda pair: (-pair[0], pair[1]))[:most]:
        print(f"  {size / 1e6:8.2f} MB  {path.relative_to(folders.outputs)}")
    if len(files) > most:
        print(f"  and {len(files) - most} smaller ones")
    print(here.FETCH)
    if not folders.kept:
        print("They are lost when this session ends: fetch them before you go.")
