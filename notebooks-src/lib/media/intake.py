"""Where a recording, a video or a photo comes from: a path, a name in the inputs, an upload or a microphone. Upload and
microphone are the platform's (labkit.here), where it has them."""

import glob
from pathlib import Path

from labkit import Stop, here, storage


def find(wish: str, folders: storage.Folders, what: str, endings: tuple[str, ...], seconds: int = 0) -> Path:
    """The file that `wish` means: "upload", "record" (where `seconds` says how long), a path, a folder with one such
    file, or a file's name in the working folder, the outputs or an attached input. Raises Stop."""
    wish = wish.strip()
    if wish == "upload":
        return _from_platform("upload", folders.work, "an upload in the notebook")
    if wish == "record" and seconds:
        return _from_platform("record", folders.work, "a recording in the notebook", seconds)
    path = Path(wish).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        return _only(path, wish, what, endings)
    found = named(wish, folders)
    if found is not None:
        return found
    record = ", 'record'" if seconds else ""
    raise Stop(f"there is no {what} '{wish}': give its path, 'upload'{record}, or 'sample' for the one that is here")


def named(name: str, folders: storage.Folders) -> Path | None:
    """A file of this name in the outputs, the working folder or an attached input."""
    if not name or Path(name).name != name:
        return None
    for place in (folders.outputs, folders.work, *folders.inputs):
        for found in sorted(place.rglob(glob.escape(name))):
            if found.is_file():
                return found
    return None


def _only(folder: Path, wish: str, what: str, endings: tuple[str, ...]) -> Path:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in endings)
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found[:5])
    raise Stop(f"{wish} is a folder with {len(found)} {what}s{': name one of ' + names if found else ''}")


def _from_platform(name: str, folder: Path, what: str, *more) -> Path:
    """What the platform's own dialog gives. Raises Stop where it has none, or nobody answers."""
    ask = getattr(here, name, None)
    if ask is None or here.is_batch():
        raise Stop(
            f"{here.NAME} has no way to {what}, or nobody is there: put the file beside the notebook, give its path"
        )
    path = ask(folder, *more)
    if path is None:
        raise Stop(f"nothing came of {what}: run the cell again, or give a path")
    return Path(path)
