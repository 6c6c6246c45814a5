"""What the reader gets: wav (48 kHz) and mp3 with tags, a JSON record beside them, and a signature where one is wanted.

The order matters: loudness, mark, tags, record, signature last, since whatever touches a file after it breaks it.
"""

import hashlib
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from labkit import storage
from media import watermark
from media.consent import Consent, granted
from media.sound import Sound

from voiceclone import sound

_READ = 10.0  # seconds of the result in which the mark is looked for: reading an hour would take two minutes
_LONGEST = 30.0  # seconds that are marked at once


@dataclass(frozen=True)
class Result:
    """A finished recording: its files, and what was measured of it."""

    name: str
    wav: Path
    mp3: Path
    record: Path
    seconds: float
    loudness: float
    mark: float
    signed: str


def tags(name: str, engine: str, commit: str, title: str = "") -> dict[str, str]:
    """What a file says of itself; in both formats."""
    said = f"AI-generated speech, made with {engine} (weights {commit[:12]}); marked with Perth"
    return {"title": title or name, "comment": said, "artist": "AI-generated voice", "software": "Anylab voice cloning",
            "date": time.strftime("%Y-%m-%d", time.gmtime())}  # fmt: skip


def write(
    folder: Path, name: str, made: Sound, about: dict, agreed: Consent, mark: bool = True, sign: bool = False
) -> Result:
    """Write a recording and its record. `about` holds engine, commit and whatever was set and measured; each sentence
    was marked when it was made, and here the mark is read back from the files. Raises Stop without consent, and when a
    mark that should be there is not."""
    granted(agreed)
    made, level = _levelled(made)
    told = tags(name, about["engine"], about["commit"])
    if not mark:
        told["comment"] = told["comment"].partition(";")[0]
    with ThreadPoolExecutor(1) as aside:  # mp3 is the slowest part, and needs no Python while it is made
        later = aside.submit(sound.write, folder / f"{name}.mp3", made, told)
        wav = sound.write(folder / f"{name}.wav", made, told)
        found = read_mark(wav)
        mp3 = later.result()
    found = min(found, read_mark(mp3))
    if mark and found < watermark.FOUND and made.seconds >= watermark.SHORTEST:
        found = _mark_whole(wav, mp3, made, told)  # very short or quiet sentences: the whole is marked once more
    how = "no"
    if sign:
        from media import provenance

        how = provenance.sign(wav, name, told)
    record = {
        "file": wav.name, "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "ai_generated": True, **about,
        **storage.facts(), "seconds": round(made.seconds, 3), "rate": made.rate,
        "loudness_lufs": round(level, 1) if math.isfinite(level) else None,
        "watermark": {"kind": "Perth" if mark else "none, by the reader's own decision", "found": round(found, 3)},
        "signature": how, "consent": agreed.facts(),
        "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (wav, mp3)},
    }  # fmt: skip
    side = folder / f"{name}.json"
    storage.write_json(side, record)
    return Result(name, wav, mp3, side, made.seconds, level, found, how)


def _levelled(made: Sound) -> tuple[Sound, float]:
    """The sound at the loudness that is given out, and that loudness; sentences that are there already stay."""
    level = sound.loudness(made)
    if abs(level - sound.LOUDNESS) < 0.5 and float(abs(made.samples).max()) <= 1.0:
        return made, level
    made = sound.at_loudness(made)
    return made, sound.loudness(made)


def read_mark(path: Path) -> float:
    """How surely the mark is in a file, in its first ten seconds."""
    whole = sound.from_file(path)
    return watermark.found(Sound(whole.samples[: int(_READ * whole.rate)], whole.rate))


def _mark_whole(wav: Path, mp3: Path, made: Sound, told: dict) -> float:
    """Mark the joined sound in stretches of half a minute, write it again; how surely the mark is found then."""
    import numpy
    from labkit import Stop

    size = int(_LONGEST * made.rate)
    parts = [
        watermark.marked(Sound(made.samples[i : i + size], made.rate)).samples
        for i in range(0, len(made.samples), size)
    ]
    again = sound.at_loudness(Sound(numpy.concatenate(parts), made.rate))
    found = min(read_mark(sound.write(path, again, told)) for path in (wav, mp3))
    if found < watermark.FOUND:
        for path in (wav, mp3):
            path.unlink()
        raise Stop(f"the mark cannot be read back from {wav.name} ({found:.2f}), so it is not given out: run it again")
    return found
