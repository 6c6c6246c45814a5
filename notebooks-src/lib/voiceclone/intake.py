"""Where a recording comes from: the voice that the notebook carries, a path, a name in the inputs, an upload, a
microphone, or a voice that was kept. Upload and microphone are the platform's (labkit.here), where it has them."""

import glob
import re
from pathlib import Path

from labkit import Stop, here, storage

from voiceclone import sample

SAMPLE = "sample"
ENDINGS = (".wav", ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".webm", ".aac", ".mp4", ".mov")
SECONDS = 15  # of a recording that is made in the notebook


def find(wish: str, folders: storage.Folders) -> Path:
    """The file of a recording. `wish` is "sample", "upload", "record", a path, or a file's name in the working folder,
    the outputs or an attached input. Raises Stop."""
    wish = wish.strip()
    if wish in ("", SAMPLE):
        return sample.write(folders.work)
    if wish == "upload":
        return _from_platform("upload", folders.work, "an upload in the notebook")
    if wish == "record":
        return _from_platform("record", folders.work, "a recording in the notebook", SECONDS)
    path = Path(wish).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        return _only(path, wish)
    found = _named(wish, folders)
    if found is not None:
        return found
    raise Stop(
        f"there is no recording '{wish}': give its path, 'upload', 'record', or 'sample' for the one that is here"
    )


def text(wish: str, folders: storage.Folders) -> str:
    """The path of a text file, which may be named alone where a recording may; "" when none is wanted."""
    wish = wish.strip()
    found = _named(wish, folders) if wish and not Path(wish).expanduser().exists() else None
    return str(found or wish)


def _named(wish: str, folders: storage.Folders) -> Path | None:
    """A file of this name in the outputs, the working folder or an attached input."""
    if Path(wish).name != wish:
        return None
    for place in (folders.outputs, folders.work, *folders.inputs):
        for found in sorted(place.rglob(glob.escape(wish))):
            if found.is_file():
                return found
    return None


def _only(folder: Path, wish: str) -> Path:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found[:5])
    raise Stop(f"{wish} is a folder with {len(found)} recordings{': name one of ' + names if found else ''}")


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


def speakers(told: str) -> dict[str, str]:
    """{name: recording or kept voice} of a setting like "Anna = anna.wav; Ben = kept:ben". Raises Stop."""
    found: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in re.split(r"[;\n]", told))):
        name, mark, wish = part.partition("=")
        if not mark or not name.strip() or not wish.strip():
            raise Stop(f"SPEAKERS should be like 'Anna = anna.wav; Ben = kept:ben', not '{part[:40]}'")
        if name.strip() in found:
            raise Stop(f"SPEAKERS names {name.strip()} twice: one voice each")
        found[name.strip()] = wish.strip()
    return found


def is_ours(wish: str) -> bool:
    """Whether this is the voice that the notebook carries, which needs no consent."""
    return wish.strip() in ("", SAMPLE)


def is_kept(wish: str) -> str:
    """The name of a kept voice ("kept:ben"), or ""."""
    return wish.strip()[5:].strip() if wish.strip().startswith("kept:") else ""


def wishes(voice: str, speakers: dict[str, str], lines) -> dict[str, str]:
    """{speaker: recording or kept voice} of those who speak in the lines; "" is the voice of the settings. Raises Stop
    when a script's speaker has no voice."""
    missing(lines, {"": voice, **speakers})
    given = {"": voice, **speakers}
    return {name: given[name] for name in dict.fromkeys(line.speaker for line in lines)}


def missing(lines, given: dict[str, str]) -> None:
    """Raise Stop when a script's speaker has no voice."""
    lacking = sorted({line.speaker for line in lines if line.speaker and line.speaker not in given})
    if lacking:
        example = "; ".join(f"{name} = {name.lower()}.wav" for name in lacking[:3])
        raise Stop(f"the script has speakers without a voice ({', '.join(lacking)}): set SPEAKERS, like '{example}'")
