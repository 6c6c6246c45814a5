"""Where a recording comes from: the voice that the notebook carries, a path, a name in the inputs, an upload, a
microphone, or a voice that was kept. Upload and microphone are the platform's (labkit.here), where it has them."""

import re
from pathlib import Path

from labkit import Stop, storage
from media import intake
from media import voice as sample

SAMPLE = "sample"
SECONDS = 15  # of a recording that is made in the notebook


def find(wish: str, folders: storage.Folders) -> Path:
    """The file of a recording. `wish` is "sample", "upload", "record", a path, or a file's name in the working folder,
    the outputs or an attached input. Raises Stop."""
    if is_ours(wish):
        return sample.write(folders.work)
    return intake.find(wish, folders, "recording", intake.RECORDINGS, SECONDS)


def text(wish: str, folders: storage.Folders) -> str:
    """The path of a text file, which may be uploaded, or named alone where a recording may; "" when none is wanted.
    Raises Stop."""
    return intake.document(wish, folders, "text file", "text file")


def speakers(told: str) -> dict[str, str]:
    """{name: recording or kept voice} of a setting like "Anna = anna.wav; Ben = kept:ben". Raises Stop."""
    found: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in re.split(r"[;\n]", intake.words(told, "SPEAKERS")))):
        name, mark, wish = part.partition("=")
        if not mark or not name.strip() or not wish.strip():
            raise Stop(f"SPEAKERS should be like 'Anna = anna.wav; Ben = kept:ben', not '{part[:40]}'")
        if name.strip() in found:
            raise Stop(f"SPEAKERS names {name.strip()} twice: one voice each")
        found[name.strip()] = wish.strip()
    return found


def is_ours(wish: str) -> bool:
    """Whether this is the voice that the notebook carries, which needs no consent."""
    return intake.words(wish, "voice").strip().lower() in ("", SAMPLE)


def is_kept(wish: str) -> str:
    """The name of a kept voice ("kept:ben"), or ""."""
    return wish.strip()[5:].strip() if wish.strip().lower().startswith("kept:") else ""


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
        raise Stop(
            f"the script has speakers without a voice ({', '.join(lacking)}): set SPEAKERS, like '{example}'; "
            f"where that is no speaker's name, write a space before the colon ('{lacking[0]} :')"
        )
