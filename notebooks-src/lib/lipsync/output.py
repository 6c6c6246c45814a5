"""What the reader gets: the film with a marked voice and tags, a record beside it, a comparison, a signature last.

The order matters: the mark is in the sound before it is joined, the film is opened again and judged, its mark is read
back from the file, and the signature comes last, since whatever touches a file after it breaks it.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy
from labkit import Stop, storage
from media.consent import Consent, granted, now
from media.sound import Sound

from lipsync import film, speech, sync, timeline, video
from lipsync.speech import RATE_OUT
from lipsync.takes import Take

_LONGEST = 30.0  # seconds that are marked at once
_READ = 10.0  # seconds in which the mark is looked for


@dataclass(frozen=True)
class Result:
    """A finished film: its file and record, and what was measured."""

    name: str
    path: Path
    record: Path
    facts: dict
    score: sync.Score
    openness: list


def tags(take: Take, models: dict[str, str], marked: bool) -> dict[str, str]:
    """What a film says of itself."""
    unet = models["unet"].partition("@")
    said = f"AI-generated: the mouth was painted by {unet[0]} (weights {unet[2][:12]})"
    return {
        "title": take.name,
        "comment": said + ("; the voice is marked with Perth" if marked else ""),
        "description": "AI-generated lip sync: this was not said like this before a camera",
        "artist": "AI-generated",
        "software": "Anylab lip sync",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def write(
    take: Take, parts: list[Path], records: list[dict], folders, models: dict[str, str],
    agreed: dict[str, Consent], mark: bool = True, sign: bool = False,
) -> Result:  # fmt: skip
    """Join a take's chunks to a film and its record. `agreed` holds the consents for "face" and "voice". Raises Stop
    without one, when the film is not as it should be, and when a mark that should be there cannot be read back."""
    for what in ("face", "voice"):
        granted(agreed.get(what), what)
    sound = marked(take, folders.work / "speech") if mark else take.speech.high
    told = tags(take, models, mark)
    path = film.join(parts, sound, take.speech.seconds, folders.outputs / f"{take.name}.mp4", told)
    try:
        wrong = film.faults(path, take.frames, take.clip.width, take.clip.height, take.speech.seconds)
        if wrong:
            raise Stop(f"the film is not good: {'; '.join(wrong)}; run it again")
        found = read_mark(path) if mark else 0.0
        if mark and found < 0.5 and take.speech.seconds >= 1:
            raise Stop(f"the mark cannot be read back from {path.name} ({found:.2f}), so it is not given out")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    how = "no"
    if sign:
        from media import provenance

        how = provenance.sign(path, take.name, told, provenance.COMPOSITE)
    notes = [record["made"] for record in records]
    openness = [value for note in notes for value in note["openness"]]
    score = sync.score(openness, speech.levels(take.speech))
    facts = {
        "file": path.name, "made": now(), "ai_generated": True, **storage.facts(), "models": models,
        "take": take.identity(), "face": take.clip.path.name, "speech": take.speech.source.name,
        "frames": take.frames, "painted": sum(note["painted"] for note in notes),
        "encoded": sum(note["encoded"] for note in notes), "stage_seconds": _added(notes),
        "seconds": round(sum(record["seconds"] for record in records), 3),
        "changes": sorted({change for note in notes for change in note["changes"]}),
        "label": take.label or "none, by the reader's own decision",
        "watermark": {"kind": "Perth" if mark else "none, by the reader's own decision", "found": round(found, 3)},
        "sync": score.facts(), "signature": how, "consent": {what: one.facts() for what, one in agreed.items()},
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "openness": openness,
    }  # fmt: skip
    side = storage.write_json(folders.outputs / f"{take.name}.json", facts)
    return Result(take.name, path, side, facts, score, openness)


def marked(take: Take, folder: Path) -> Path:
    """The raw sound at 48 kHz with the inaudible mark, made in stretches of half a minute; the sound itself where a
    mark is in it already, as in one from the voice notebook."""
    from media import watermark

    size = int(_LONGEST * RATE_OUT)
    total = take.speech.high.stat().st_size // 2
    if watermark.found(_stretch(take.speech.high, 0, min(total, int(_READ * RATE_OUT)))) > watermark.FOUND:
        return take.speech.high
    target = folder / f"{take.speech.high.stem}-marked.s16"
    with storage.whole(target) as part, open(part, "wb") as out:
        for begin in range(0, total, size):
            made = watermark.marked(_stretch(take.speech.high, begin, min(total, begin + size))).samples
            out.write((numpy.clip(made, -1, 32767 / 32768) * 32768).round().astype(numpy.int16).tobytes())
    return target


def read_mark(path: Path) -> float:
    """How surely the mark is in a film's sound, in its first ten seconds."""
    import av
    from media import watermark

    pieces, seen = [], 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            pieces.append(frame.to_ndarray().reshape(-1).astype(numpy.float32))
            seen += frame.samples
            if seen >= _READ * frame.sample_rate:
                break
    return watermark.found(Sound(numpy.concatenate(pieces), RATE_OUT)) if pieces else 0.0


def compare(take: Take, made: Path, path: Path, seconds: float = 10.0) -> Path:
    """The face as it came, left, and the film, right, for at most so many seconds, with the sound."""
    count = min(take.frames, int(seconds * 25))
    wanted = timeline.indices(0, count, take.clip.frames, take.longer)
    silent = path.with_name(f".{path.stem}-silent.mp4")
    try:
        pairs = zip(video.order(take.clip, wanted), film.frames(made), strict=False)
        film.write(silent, (numpy.hstack(pair) for pair in pairs), 2 * take.clip.width, take.clip.height)
        told = {"title": f"{take.name}: before and after", "comment": "AI-generated (right half)"}
        return film.join([silent], take.speech.high, count / 25, path, told)
    finally:
        silent.unlink(missing_ok=True)


def _stretch(path: Path, begin: int, end: int) -> Sound:
    found = numpy.fromfile(path, numpy.int16, end - begin, offset=2 * begin)
    return Sound(found.astype(numpy.float32) / 32768, RATE_OUT)


def _added(notes: list[dict]) -> dict[str, float]:
    """Seconds of each stage over all chunks."""
    total: dict[str, float] = {}
    for note in notes:
        for stage, seconds in note["seconds"].items():
            total[stage] = round(total.get(stage, 0.0) + seconds, 3)
    return total
