"""Where a recording, a video or a photo comes from: a path, a name in the inputs, an upload or a microphone. Upload and
microphone are the platform's (labkit.here), where it has them."""

import codecs
import glob
import json
import re
from contextlib import suppress
from pathlib import Path

from labkit import Stop, here, storage

RECORDINGS = (
    ".wav", ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".webm", ".aac", ".mp4", ".mov", ".aiff", ".amr", ".3gp", ".wma",
)  # fmt: skip


def find(wish: str, folders: storage.Folders, what: str, endings: tuple[str, ...], seconds: int = 0) -> Path:
    """The file that `wish` means: "upload", "record" (where `seconds` says how long), a path, a folder with one such
    file, or a file's name in the working folder, the outputs or an attached input. Raises Stop."""
    wish = words(wish, what).strip().strip("\"'")
    if wish.lower() == "upload":
        return _from_platform("upload", folders.work, "an upload in the notebook")
    if wish.lower() == "record" and seconds:
        return _from_platform("record", folders.work, "a recording in the notebook", seconds)
    path = place(wish, what)
    if path.is_file():
        return path
    if path.is_dir():
        return _only(path, wish, what, endings)
    found = named(wish, folders)
    if found is not None:
        return found
    made = [p for p in (folders.outputs / wish, folders.work / wish) if Path(wish).name == wish and p.is_file()]
    if made:
        raise Stop(f"'{wish}' is what a run made ({made[0]}): give its whole path where that is meant")
    record = ", 'record'" if seconds else ""
    raise Stop(f"there is no {what} '{wish}': give its path, 'upload'{record}, or 'sample' for the one that is here")


def document(wish: str, folders: storage.Folders, setting: str, what: str) -> str:
    """The path of a text or a list, which may be uploaded, or named alone where a recording may; "" when none is
    wanted, and what nobody finds as it is told. Raises Stop."""
    wish = words(wish, setting).strip()
    if wish.lower() == "upload":
        return str(find(wish, folders, what, ()))
    if not wish or place(wish, what).exists():
        return wish
    return str(named(wish, folders) or wish)


def decoded(data: bytes) -> str:
    """The text of a file, also with the mark of UTF-8, or UTF-16 as spreadsheets write "Unicode text". Raises
    UnicodeDecodeError."""
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return data.decode("utf-16" if wide else "utf-8-sig")


def words(told, what: str) -> str:
    """The setting of a `what`, which is words. Raises Stop."""
    if not isinstance(told, str):
        article = "" if what[:2].isupper() else "a "  # a setting is called by its name
        raise Stop(f"{article}{what} is given as words in quotes, not as {told!r}")
    return told


def place(wish: str, what: str) -> Path:
    """The path that a setting means, also one that was pasted in quotes. Raises Stop for what cannot be one, such as a
    whole text, or an address."""
    wish = words(wish, what).strip().strip("\"'")
    if re.match(r"[a-z]{2,}://", wish.lower()):
        raise Stop(f"'{wish[:80]}' is an address, and nothing is fetched from there: bring the file, give its path")
    try:
        path = Path(wish).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.stat()  # raises for what the system takes for no path
    except (OSError, ValueError, RuntimeError):
        short = wish if len(wish) < 50 else f"{wish[:40]}..."
        raise Stop(f"'{short}' is no path of a {what}: give that of a file, or a file's name") from None
    return path


def named(name: str, folders: storage.Folders) -> Path | None:
    """A file of this name in the outputs, the working folder or, with their folders, the attached inputs; where it was
    found is printed. What a run of this notebook made, or kept of somebody's voice, has to be named by its path."""
    if not name or Path(name).name != name:
        return None
    near = [folder / name for folder in (folders.outputs, folders.work)]
    found = [path for path in near if path.is_file() and not _record(path)]
    for attached in folders.inputs:
        found += [path for path in sorted(attached.rglob(glob.escape(name)))
                  if path.is_file() and "ai_generated" in (_record(path) or {"ai_generated": True})]  # fmt: skip
    if found:
        print(f"{name}: {found[0]}")
    return found[0] if found else None


def _record(path: Path) -> dict:
    """The record with a consent that lies beside a file that a run made, or {}."""
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return told if "consent" in told else {}
    except (OSError, ValueError, TypeError):
        return {}


def _only(folder: Path, wish: str, what: str, endings: tuple[str, ...]) -> Path:
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in endings and not p.name.startswith("."))
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found[:5])
    raise Stop(f"{wish} is a folder with {len(found)} {what}s{': name one of ' + names if found else ''}")


def _from_platform(name: str, folder: Path, what: str, *more) -> Path:
    """What the platform's own dialog gives. Raises Stop where it has none, or nobody answers."""
    ask = getattr(here, name, None)
    if ask is None or here.is_batch():
        raise Stop(
            f"{here.NAME} has no way to make {what}, or nobody is there: "
            "put the file beside the notebook, and give its path"
        )
    path = ask(folder, *more)
    if path is None:
        raise Stop(f"nothing came of {what}: run the cell again, or give a path")
    return Path(path)
