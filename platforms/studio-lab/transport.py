"""Carry a bundle as a plain file in the project's home folder, and through the browser's file list (JupyterLab)."""

import os
import re
import shutil
from pathlib import Path

from labkit import Stop, here

WAY = "a file in your Studio Lab project"
_HOME = Path(f"{os.environ.get('ANYLAB_STANDIN', '')}/home/studio-lab-user")  # tests put it below a folder of theirs
_PLACE = "anylab/bundles"


def send(archive: Path, name: str, dry_run: bool = False) -> str:
    """Copy the archive to anylab/bundles in the home folder, whole or not at all; one sentence. Raises Stop."""
    file, archive = _file(name), Path(archive)
    if not archive.is_file():
        raise Stop(f"there is no file {archive}: make the bundle first")
    size = archive.stat().st_size
    words = f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
    if dry_run:
        return f"A run would copy {archive.name} ({words}) to {_PLACE}/{file} in your project; nothing leaves it."
    target = _HOME / _PLACE / file
    temporary = target.with_name(f".{file}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(archive, "rb") as reader, open(temporary, "wb") as writer:
            shutil.copyfileobj(reader, writer, 8 << 20)
            writer.flush()
            os.fsync(writer.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise Stop(
            f"{file} could not be copied to {target.parent} ({error.strerror}): free some of the project's 15 GB; "
            f"the bundle stays at {archive}"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    return (
        f"The bundle is in your project at {_PLACE}/{file} ({words}): in the file list on the left right-click it > "
        "Download; it stays there until you delete it."
    )


def receive(name: str, folder: Path, dry_run: bool = False) -> Path | None:
    """The newest bundle `name` in anylab/bundles, the home folder (for uploads) and `folder`, as it lies there."""
    file = _file(name)
    places = (_HOME / _PLACE, _HOME, Path(folder))
    found = max((p / file for p in places if (p / file).is_file()), key=lambda p: p.stat().st_mtime, default=None)
    if dry_run:
        print(f"A run would take {found}." if found else f"A run would find no {file} in your project yet.")
        return None
    if found is None:
        raise Stop(
            f"there is no {file} in your project: drag it from your computer into the file list on the left, wait for "
            f"the upload to end, and run the cell again ({here.NAME} keeps it)"
        )
    return found


def _file(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(name)):
        raise Stop(f"a bundle's name is made of a-z, 0-9 and single hyphens, like graphmer-training, not {name!r}")
    return f"{name}.bundle.zip"
