"""What the reader gets: wav (48 kHz) and mp3 with tags, a JSON record beside them, and a signature where one is wanted.

The order matters: loudness, mark, tags, record, signature last, since whatever touches a file after it breaks it.
"""

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy
from labkit import Stop, storage
from media import own, watermark
from media.consent import Consent, granted
from media.sound import Sound

from voiceclone import sound
from voiceclone.drafts import Drafts

_SPOTS, _SPOT = 4, 2.5  # so many stretches of so many seconds are read: all of an hour would take a minute
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
    mark: float  # as it was read
    marked: bool
    signed: str

    @property
    def notes(self) -> list[str]:
        """What to tell of the files beside their numbers."""
        if not self.marked or self.mark >= watermark.FOUND:
            return []
        return [f"it is shorter than {watermark.SHORTEST:g} s: it is marked, but the mark cannot be read in it"]


def tags(name: str, engine: str, commit: str, title: str = "") -> dict[str, str]:
    """What a file says of itself; in both formats."""
    said = f"AI-generated speech, made with {engine} (weights {commit[:12]}); marked with Perth"
    return {"title": title or name, "comment": said, "artist": "AI-generated voice", "software": "Anylab voice cloning",
            "date": time.strftime("%Y-%m-%d", time.gmtime())}  # fmt: skip


def drafts(folders: storage.Folders, about: dict, mark: str = watermark.ON) -> Drafts:
    """Where the mp3s of recordings with these facts are begun while they are spoken; for batch.run and `write`."""
    wanted = watermark.wanted(mark)
    return Drafts(folders, lambda name: _told(name, about, wanted))


def _told(name: str, about: dict, mark: bool) -> dict[str, str]:
    told = tags(name, about["engine"], about["commit"])
    return told if mark else told | {"comment": told["comment"].partition(";")[0]}


def write(
    folder: Path,
    name: str,
    made: Sound,
    about: dict,
    agreed: Consent | Mapping[str, Consent],
    mark: str = watermark.ON,
    sign: bool = False,
    begun: Drafts | None = None,
) -> Result:
    """Write a recording and its record. `about` holds engine, commit and whatever was set and measured; each sentence
    was marked when it was made, and here the mark is read back from the files. `agreed` is the consent, or that of each
    speaker; `mark` see watermark.wanted; `begun` may have the mp3 already. Raises Stop without consent, and when a
    mark that should be there is not."""
    consents = [granted(one) for one in (agreed.values() if isinstance(agreed, Mapping) else [agreed])]
    if not consents:
        granted(None)
    watermark.wanted(mark)
    with own.alone(folder):
        return _write(folder, name, made, about, agreed, mark, sign, begun)


def _write(folder, name, made, about, agreed, mark, sign, begun) -> Result:
    """See `write`."""
    marked = watermark.wanted(mark)
    if marked:
        watermark.proved(sound.carried())
    made, level = _levelled(made)
    told = _told(name, about, marked)
    spots = _loud(made)
    with ThreadPoolExecutor(1) as aside:  # neither encoding nor reading a mark needs Python for long
        later = aside.submit(_mp3, folder / f"{name}.mp3", made, told, spots, begun)
        wav = sound.write(folder / f"{name}.wav", made, told)
        found = read_mark(wav, spots)
        mp3, found_there = later.result()
    found = min(found, found_there)
    if marked and found < watermark.FOUND and made.seconds >= watermark.SHORTEST:
        found = _mark_whole(wav, mp3, made, told)  # very short or quiet sentences: the whole is marked once more
    how = "no"
    if sign:
        from media import provenance

        how = provenance.sign(wav, name, told)
    record = {
        "file": wav.name, "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "ai_generated": True, **about,
        **storage.facts(), "seconds": round(made.seconds, 3), "rate": made.rate,
        "loudness_lufs": round(level, 1) if math.isfinite(level) else None,
        "watermark": _mark_facts(found) if marked else {"kind": "none", "stated": mark},
        "signature": how, "consent": _facts(agreed),
        "sha256": {path.name: sound.sha256(path) for path in (wav, mp3)},
    }  # fmt: skip
    side = folder / f"{name}.json"
    storage.write_json(side, record)
    return Result(name, wav, mp3, side, made.seconds, level, found, marked, how)


def _mark_facts(found: float) -> dict:
    """What a record keeps of the mark: how surely it is read, whether that counts (what is shorter than a second is
    given out though it is not), and what the reader said of speech that has none and of the same, marked."""
    before, after = watermark.proved(sound.carried())
    return {"kind": "Perth", "found": round(found, 3), "read_back": found >= watermark.FOUND,
            "proof": {"without": round(before, 3), "with": round(after, 3)}}  # fmt: skip


def _facts(agreed: Consent | Mapping[str, Consent]) -> dict:
    """What a record keeps of the consent, or of each speaker's."""
    return agreed.facts() if isinstance(agreed, Consent) else {who: one.facts() for who, one in agreed.items()}


def _levelled(made: Sound) -> tuple[Sound, float]:
    """The sound at the loudness that is given out, and that loudness; sentences that are there already stay."""
    level = sound.loudness(made)
    if abs(level - sound.LOUDNESS) < 0.5 and max(made.samples.max(), -made.samples.min()) <= 1.0:
        return made, level
    made = sound.at_loudness(made)
    return made, sound.loudness(made)


def _mp3(path: Path, made: Sound, told: dict, spots: list[float], begun: Drafts | None) -> tuple[Path, float]:
    """The mp3 at its place, as it was begun while the sentences were spoken or written now, and its mark."""
    draft = begun.taken(path.stem, made, told) if begun is not None else None
    if draft is None:
        sound.write(path, made, told)
    else:
        with storage.whole(path) as part:
            shutil.copyfile(draft, part)
    return path, read_mark(path, spots)


def _loud(made: Sound) -> list[float]:
    """Seconds at which stretches begin that are read for the mark: all of a short sound; of a long one the first, the
    last and some between, of those that are at least half as loud as the middle one."""
    size = int(_SPOT * made.rate)
    count = len(made.samples) // size
    if count <= _SPOTS:
        return [i * _SPOT for i in range(max(1, count))]
    rows = made.samples[: count * size].reshape(count, size)
    level = numpy.sqrt(numpy.einsum("ij,ij->i", rows, rows) / size)
    heard = numpy.flatnonzero(level >= 0.5 * numpy.median(level[level > 0])) if level.any() else numpy.arange(count)
    chosen = heard[numpy.linspace(0, len(heard) - 1, _SPOTS).round().astype(int)]
    return [float(i) * _SPOT for i in dict.fromkeys(chosen.tolist())]


def read_mark(path: Path, spots: Sequence[float] = (0.0,)) -> float:
    """How surely the mark is in a file, where it is least sure of the stretches that begin at these seconds."""
    found = []
    for spot in spots:
        part = sound.stretch(path, spot, _SPOT)
        if part.seconds >= watermark.SHORTEST or not found:
            found.append(watermark.found(part))
    return min(found)


def _mark_whole(wav: Path, mp3: Path, made: Sound, told: dict) -> float:
    """Mark the joined sound in stretches of half a minute, write it again; how surely the mark is found then."""
    size = int(_LONGEST * made.rate)
    parts = [
        watermark.marked(Sound(made.samples[i : i + size], made.rate)).samples
        for i in range(0, len(made.samples), size)
    ]
    again = sound.at_loudness(Sound(numpy.concatenate(parts), made.rate))
    found = min(read_mark(sound.write(path, again, told), _loud(again)) for path in (wav, mp3))
    if found < watermark.FOUND:
        for path in (wav, mp3):
            path.unlink()
        raise Stop(f"the mark cannot be read back from {wav.name} ({found:.2f}), so it is not given out: run it again")
    return found
