"""What the reader gets: the film with a marked voice and tags, a record beside it, a comparison, a signature last.

The order matters: the mark is in the sound before it is joined, the film is opened again and judged, its mark is read
back from the file, and the signature comes last, since whatever touches a file after it breaks it.
"""

import functools
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

import numpy
from disk import sealed
from labkit import Stop, storage
from media import own
from media.consent import Consent, granted, now
from media.sound import Sound

from lipsync import FPS, film, request, speech, sync, timeline, video
from lipsync.speech import RATE_OUT
from lipsync.takes import Take

_LONGEST = 30.0  # seconds that are marked at once
_SPOTS, _SPOT = 4, 2.5  # so many stretches of so many seconds are read for the mark
_QUIET = 30.0  # dB below the loudest: what is quieter is a pause, in which no mark can be read
COMPARED = "compare"  # the folder of comparisons: there they meet no film's name


@dataclass(frozen=True)
class Result:
    """A finished film: its file and record, and what was measured."""

    name: str
    path: Path
    record: Path
    facts: dict
    score: sync.Score
    openness: list
    sound: Path | None  # raw, 48 kHz, as it is in the film; None for an earlier session's
    tags: dict


def tags(take: Take, models: dict[str, str], marked: bool) -> dict[str, str]:
    """What a film says of itself."""
    unet = models["unet"].partition("@")
    which = f"weights {unet[2][:12]}" if re.fullmatch(r"[0-9a-f]{40}", unet[2]) else unet[2]  # such as random weights
    said = f"AI-generated: the mouth was painted by {unet[0]} ({which})"
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
    sound = marked(take, own.folder(folders.work)) if mark else take.speech.high
    with own.alone(folders.outputs):
        return _write(take, parts, records, folders, models, agreed, mark, sign, sound)


def earlier(take: Take, records: list[dict], folders, models: dict[str, str], agreed: dict[str, Consent],
            mark: bool = True, sign: bool = False) -> Result | None:  # fmt: skip
    """The film as an earlier run wrote it, where it is whole and nothing that `write` is asked for is another; else
    None. `records` are those of its chunks."""
    of = _made_of(take, records, models, agreed, mark, sign)
    for side in folders.outputs.glob(f"{take.name}*.json"):
        try:
            told = json.loads(side.read_text(encoding="utf-8"))
            path = folders.outputs / told["file"]
            if told["made_of"] == of and told["sha256"] == sealed.hashed(path)[1]:
                told_by = tags(take, models, mark)
                score = sync.score(told["openness"], speech.levels(take.speech))
                return Result(take.name, path, side, told, score, told["openness"], None, told_by)
        except (OSError, ValueError, LookupError, TypeError):
            continue  # another file, or a film that was changed since
    return None


def _made_of(take: Take, records: list[dict], models: dict, agreed: dict[str, Consent], mark: bool, sign: bool) -> str:
    """What a film is of, as one number: its name, its chunks, whose it is, its marks. A signature that could not be
    made is asked for again."""
    whose = {what: [one.whose, one.ground, one.spoken] for what, one in agreed.items()}
    chunks = [record.get("files", {}) for record in records]
    return sealed.digest(sealed.plain([take.name, take.identity(), chunks, models, whose, mark, sign], "a film"))


def _write(take, parts, records, folders, models, agreed, mark, sign, sound) -> Result:
    """See `write`."""
    told = tags(take, models, mark)
    path = folders.outputs / f"{_own_name(take, folders.outputs)}.mp4"
    with storage.whole(path) as part:  # judged under another name: what is not good replaces nothing
        film.join(parts, sound, take.speech.seconds, part, told)
        wrong = film.faults(part, take.frames, take.clip.width, take.clip.height, take.speech.seconds)
        if wrong:
            raise Stop(f"the film is not good, and not given out: {'; '.join(wrong)}")
        found = _read_back(take, part, path.name) if mark else 0.0
        how = "no"
        if sign:
            from media import provenance

            how = provenance.sign(part, take.name, told, provenance.COMPOSITE)
    notes = [record["made"] for record in records]
    openness = [value for note in notes for value in note["openness"]]
    score = sync.score(openness, speech.levels(take.speech))
    facts = {
        "file": path.name, "name": take.name, "sources": _sources(take), "made": now(),
        "ai_generated": True, **storage.facts(), "models": models,
        "take": take.identity(), "face": take.clip.path.name, "speech": take.speech.source.name,
        "frames": take.frames, "painted": sum(note["painted"] for note in notes),
        "encoded": sum(note["encoded"] for note in notes), "stage_seconds": _added(notes),
        "seconds": round(sum(record["seconds"] for record in records), 3),
        "changes": sorted({change for note in notes for change in note["changes"]}),
        "label": take.label or "none, by the reader's own decision",
        "watermark": {"kind": "Perth" if mark else "none, by the reader's own decision", "found": round(found, 3)},
        "sync": score.facts(), "signature": how, "consent": {what: one.facts() for what, one in agreed.items()},
        "sha256": sealed.hashed(path)[1], "openness": openness,
        "made_of": _made_of(take, records, models, agreed, mark, sign and how.startswith("C2PA")),
    }  # fmt: skip
    side = storage.write_json(path.with_suffix(".json"), facts)
    return Result(take.name, path, side, facts, score, openness, sound, told)


def _sources(take: Take) -> dict[str, str]:
    """The hashes of the two files that a film is of."""
    return {"face": take.clip.digest, "speech": take.speech.file}


def _own_name(take: Take, folder: Path) -> str:
    """The take's name, with a number where a film of another face or speech has it: that one is kept."""
    name, number = take.name, 2
    while (folder / f"{name}.mp4").exists() or (folder / f"{name}.json").exists():
        try:
            told = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            if told["name"] == take.name and told["sources"] == _sources(take):
                break
        except (OSError, ValueError, LookupError, TypeError):
            pass  # no record of ours: whatever it is, it stays
        name, number = f"{take.name}-{number}", number + 1
    if name != take.name:
        print(f"{take.name}.mp4 is of another face or speech, and stays: this film is {name}.mp4")
    return name


def _read_back(take: Take, path: Path, name: str) -> float:
    """How surely the mark is in a film. Raises Stop where it cannot be read, though there is enough to read it from."""
    loud = speech.levels(take.speech)
    found = read_mark(path, spots(loud))
    if found < 0.5 and (loud > max(speech.SILENT, loud.max() - _QUIET)).sum() >= FPS:
        raise Stop(f"the mark cannot be read back from {name} ({found:.2f}), so it is not given out")
    return found


def tested(made: int, asked: int) -> str:
    """What a quick test has shown, in words."""
    if made == asked:
        return "random weights paint noise, not mouths, and the whole way works on this machine"
    return f"{made} of {asked} films were made; why the others were not stands above"


def marked(take: Take, folder: Path) -> Path:
    """The raw sound at 48 kHz with the inaudible mark, made in stretches of half a minute; the sound itself where a
    record of the voice notebook proves that this very file is marked. What is read from a sound proves nothing: the
    reader takes many a clean tone for a marked one."""
    from media import watermark

    if request.record_of(take.speech.source).get("watermark", {}).get("kind") == "Perth":
        return take.speech.high
    watermark.proved(_carried(folder))
    size = int(_LONGEST * RATE_OUT)
    total = take.speech.high.stat().st_size // 2
    target = folder / f"{take.speech.high.stem}-marked.s16"
    with storage.whole(target) as part, open(part, "wb") as out:
        for begin in range(0, total, size):
            made = watermark.marked(_stretch(take.speech.high, begin, min(total, begin + size))).samples
            out.write((numpy.clip(made, -1, 32767 / 32768) * 32768).round().astype(numpy.int16).tobytes())
    return target


@functools.cache
def _carried(folder: Path) -> Sound:
    """Two seconds of the voice that the notebook carries: clean speech, on which it is seen that marking works."""
    from media import voice

    clean = speech.prepare(voice.write(folder), folder / "clean", 2.0)
    return _stretch(clean.high, 0, 2 * RATE_OUT)


def spots(loud: numpy.ndarray) -> list[float]:
    """Seconds at which stretches begin in which the mark is read: all of a short sound; of a longer one the loudest of
    each quarter, less those in which nobody speaks. `loud` is dBFS of each frame, as of speech.levels."""
    span = int(_SPOT * FPS)
    if len(loud) <= _SPOTS * span:
        return [begin / FPS for begin in range(0, len(loud), span)]
    power = numpy.convolve(10 ** (loud.astype(numpy.float64) / 10), numpy.ones(span) / span, "valid")
    edges = numpy.linspace(0, len(power), _SPOTS + 1).astype(int)
    best = [int(a + power[a:b].argmax()) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    least = power.max() / 10 ** (_QUIET / 10)
    return [begin / FPS for begin in best if power[begin] >= least]


def read_mark(path: Path, begins: list[float]) -> float:
    """How surely the mark is in a film's sound: read in stretches that begin at these seconds, put together."""
    import av
    from media import watermark

    pieces, at = [], 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            if any(begin <= at < begin + _SPOT for begin in begins):
                pieces.append(frame.to_ndarray().reshape(-1).astype(numpy.float32))
            at += frame.samples / frame.sample_rate
    return watermark.found(Sound(numpy.concatenate(pieces), RATE_OUT)) if pieces else 0.0


def compare(take: Take, made: Result, seconds: float = 10.0) -> Path:
    """The face as it came, left, and the film, right, for at most so many seconds, with the film's own sound and tags;
    in a folder beside the film."""
    path = made.path.parent / COMPARED / made.path.name
    sound = made.sound
    if sound is None and path.is_file() and path.stat().st_mtime_ns >= made.path.stat().st_mtime_ns:
        return path  # the film is an earlier run's, and so is this
    if sound is None:
        bare = made.facts["watermark"]["kind"] != "Perth"
        sound = take.speech.high if bare else marked(take, take.speech.high.parent)
    with storage.told(path):
        path.parent.mkdir(exist_ok=True)
    count = min(take.frames, int(seconds * FPS))
    wanted = timeline.indices(0, count, take.clip.frames, take.longer)
    silent = path.with_name(f".{path.stem}-silent.mp4")
    try:
        pairs = zip(video.order(take.clip, wanted), film.frames(made.path), strict=False)
        film.write(silent, (numpy.hstack(pair) for pair in pairs), 2 * take.clip.width, take.clip.height)
        told = made.tags | {"title": f"{take.name}: before, left, and after, right"}
        return film.join([silent], sound, count / FPS, path, told)
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
