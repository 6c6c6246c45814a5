"""Carry a bundle through Google Drive, or through the browser (colabtools@3c07d77, 2026-04-07; drive.py, files.py).

Drive is a file system below the mount point only while it is mounted; afterwards the same path is an ordinary folder on
this machine, lost with it. A mounted Drive has a line of type fuse.drive in the mount table (drive.py looks for
the same), so that line is asked for before a copy and again after it. Nothing is ever made outside the mount.
"""

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

import remote
from labkit import Stop, here

WAY = "Google Drive"
_ROOT = os.environ.get("ANYLAB_STANDIN", "")  # tests put the platform's folders below a folder of theirs
_MOUNT = f"{_ROOT}/content/drive"
_PLACE = "MyDrive/anylab/bundles"
_AGAIN = "Runtime > Restart session, run the notebook again and allow the access to Drive"


def send(archive: Path, name: str, dry_run: bool = False) -> str:
    """Copy the archive to Drive under `name`, whole or not at all; one sentence that says where it is now.

    Raises Stop when Drive is refused, full or gone; the archive here and an older one there stay as they were.
    """
    file = _file(name)
    archive = _readable(Path(archive))
    if dry_run:
        return (
            f"A run would copy {archive.name} ({remote.size(archive)}) to {_PLACE}/{file} in your own Google Drive, "
            "private unless you share that folder; it asks for your permission, not for a token; Drive was not touched."
        )
    target = _bundles() / file
    _copy(archive, target, f"; the bundle stays at {archive}, download() hands it to your browser")
    return (
        f"The bundle is in your Google Drive at {_PLACE}/{file} ({remote.size(archive)}), private unless you share "
        "that folder: receive it in another Colab session under the same name, or download it at "
        "drive.google.com; Drive may need a few minutes to write it out, so let the session run until you see it there."
    )


def receive(name: str, folder: Path, dry_run: bool = False) -> Path | None:
    """Copy the bundle `name` from Drive into `folder`, whole or not at all; its path here, None after a dry run."""
    file = _file(name)
    target = Path(folder) / file
    if dry_run:
        print(f"A run would copy {_PLACE}/{file} from your own Google Drive to {target}; Drive was not touched.")
        return None
    source = _bundles() / file
    if not source.is_file():
        raise Stop(f"there is no {_PLACE}/{file} in your Google Drive: send it first, or upload it there by hand")
    _copy(source, target, f"; it is still in your Google Drive at {_PLACE}/{file}")
    return target


def download(archive: Path, name: str = "", dry_run: bool = False) -> str:
    """Hand the archive to the browser; one sentence. Raises Stop where no browser answers."""
    archive = _readable(Path(archive))
    if dry_run:
        return f"A run would hand {archive.name} ({remote.size(archive)}) to your browser; the browser was not asked."
    try:
        from google.colab import files

        files.download(str(archive))
    except Exception as error:  # no front end: AttributeError, TimeoutException, MessageError
        raise Stop(f"the browser did not take {archive.name} ({_why(error)}); {here.FETCH}") from None
    return f"Your browser is saving {archive.name} ({remote.size(archive)}); keep this tab open until it has finished."


def upload(name: str, folder: Path, dry_run: bool = False) -> Path | None:
    """Ask the browser for one file; its path in `folder`. It passes through this machine's memory: a few GB at most."""
    if dry_run:
        print("A run would ask your browser for a bundle; the browser was not asked.")
        return None
    folder = Path(folder)
    target, temporary = folder / "uploaded.bundle.zip", folder / ".uploaded.bundle.zip.part"
    try:
        from google.colab import files

        folder.mkdir(parents=True, exist_ok=True)
        files.upload_file(str(temporary))  # ValueError when the dialog was closed without a file
        os.replace(temporary, target)
    except Exception as error:
        raise Stop(f"no file came from the browser ({_why(error)}); run the cell again and choose the bundle") from None
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _bundles() -> Path:
    """The bundles' folder on a Drive that is really mounted. Raises Stop."""
    drive, note = here._mount()
    if drive is None:
        raise Stop(f"the bundle cannot pass through Google Drive: {note.split('; ')[0]}; {_AGAIN}")
    if not _mounted():
        raise Stop(f"{_MOUNT} is an ordinary folder of this machine and no Google Drive: remove it, then {_AGAIN}")
    return drive / _PLACE.partition("/")[2]


def _mounted() -> bool:
    """True while the mount table has Drive at the mount point."""
    try:
        lines = Path(f"{_ROOT}/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.split()[1:3] == [_MOUNT, "fuse.drive"] for line in lines)


def _copy(source: Path, target: Path, stays: str) -> None:
    """Copy under a temporary name, to the disk, of the same size, Drive still there; then rename. Raises Stop."""
    temporary = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(source, "rb") as reader, open(temporary, "wb") as writer:
            while chunk := reader.read(8 << 20):
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
        if not _mounted():
            raise OSError(errno.ENOTCONN, "Google Drive went away in the middle")
        if temporary.stat().st_size != source.stat().st_size:
            raise OSError(errno.EIO, "the copy is shorter than the file")
        os.replace(temporary, target)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        todo = "free some space there, a bin counts too" if full else _AGAIN
        raise Stop(f"{target.name} could not be copied to {target.parent} ({_why(error)}): {todo}{stays}") from None
    finally:
        with suppress(OSError):  # the place itself may have gone
            temporary.unlink(missing_ok=True)


def _file(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(name)):
        raise Stop(f"a bundle's name is made of a-z, 0-9 and single hyphens, like graphmer-training, not {name!r}")
    return f"{name}.bundle.zip"


def _readable(archive: Path) -> Path:
    if not archive.is_file():
        raise Stop(f"there is no file {archive}: make the bundle first")
    return archive


def _why(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0]
