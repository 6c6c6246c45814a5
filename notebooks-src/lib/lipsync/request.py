"""What is to be made: one face and one speech from the settings, or a table of them; where each comes from, and on
whose word it may be used."""

import csv
import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop, storage
from media import consent, intake
from media.consent import Consent

from lipsync import sample

SAMPLE, VOICE = "sample", "voice"
FACES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif", ".jpg", ".jpeg", ".png", ".webp")
SPEECHES = (".wav", ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".webm", ".aac", ".mp4", ".mov")
ANSWERS = ("my own", "allowed in writing", "free or synthetic")
_SECONDS = 20  # of a recording that is made in the notebook


@dataclass(frozen=True)
class Wish:
    """One film that is asked for; faces are counted from 1, 0 is the largest in each moment."""

    name: str
    face: str
    speech: str
    number: int = 0
    whose_face: str = ""  # where a row says it itself
    whose_voice: str = ""


@dataclass(frozen=True)
class Found:
    """A wish with its files. `ours` says that the face is the drawn one; `voice` is the consent that came along with
    the speech, or None."""

    wish: Wish
    face: Path
    speech: Path
    ours: bool
    voice: Consent | None


def wishes(face: str, speech: str, table: str, number: int = 0) -> list[Wish]:
    """The films that are asked for: those of a CSV file with the columns face and speech (name, face_number,
    whose_face, whose_voice), or the one of the settings. Raises Stop."""
    if not table.strip():
        face, speech = face.strip() or SAMPLE, speech.strip() or SAMPLE
        name = "film" if face == speech == SAMPLE else f"{Path(face).stem}-{Path(speech).stem}"
        return [Wish(_named(name, {"films"}), face, speech, number)]
    path = Path(table.strip()).expanduser()
    try:
        if path.read_bytes()[:2] == b"PK":
            raise Stop(f"{path.name} is a spreadsheet: save it as CSV, with the columns face, speech")
        with open(path, newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            rows = list(csv.DictReader(file, delimiter=max(",;\t", key=head.count)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Stop(
            f"the list {path.name} cannot be read ({error}): give a CSV file with the columns face, speech"
        ) from None
    found, taken = [], {"films"}  # films.json is the table of all
    for line, row in enumerate(rows, 2):
        row = {str(key).strip().lower(): (value or "").strip() for key, value in row.items() if isinstance(value, str)}
        if not any(row.values()):  # a line of commas, as spreadsheets leave them
            continue
        if not row.get("face") or not row.get("speech"):
            raise Stop(f"{path.name}, line {line}: a row needs a face and a speech")
        if not re.fullmatch(r"\d*", row.get("face_number", "")):
            raise Stop(f"{path.name}, line {line}: face_number is a number, not '{row['face_number']}'")
        name = _named(row.get("name") or f"{Path(row['face']).stem}-{Path(row['speech']).stem}", taken)
        whose = row.get("whose_face", ""), row.get("whose_voice", "")
        found.append(Wish(name, row["face"], row["speech"], int(row.get("face_number") or number), *whose))
    if not found:
        raise Stop(f"{path.name} holds no row: write one film a line, with its face and its speech")
    return found


def _named(wanted: str, taken: set[str]) -> str:
    """A file name of its own."""
    name = plain = re.sub(r"[^\w.-]+", "-", wanted).strip("-.")[:60] or "film"
    number = 2
    while _alike(name) in taken:
        name, number = f"{plain}-{number}", number + 1
    taken.add(_alike(name))
    return name


def _alike(name: str) -> str:
    """What is the same for two names that some system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def find(wish: Wish, folders: storage.Folders, voices: Path) -> Found:
    """The files of a wish; `voices` is the folder of the voice notebook's results. Raises Stop."""
    from media import voice

    ours = wish.face == SAMPLE
    face = sample.write(folders.work) if ours else intake.find(wish.face, folders, "video or photo", FACES)
    if wish.speech == SAMPLE:
        return Found(wish, face, voice.write(folders.work), ours, Consent(voice.WHOSE, "free", consent.now(), {}))
    if wish.speech == VOICE:
        speech = newest(voices, folders)
    else:
        speech = intake.find(wish.speech, folders, "recording", SPEECHES, _SECONDS)
    return Found(wish, face, speech, ours, known(speech))


def find_all(asked: list[Wish], folders: storage.Folders, voices: Path) -> tuple[list[Found], dict[str, str]]:
    """(what was found, {name: why not}) of all wishes: one without its files does not end a list. Raises Stop when
    there is nothing to be made."""
    found, problems = [], {}
    for wish in asked:
        try:
            found.append(find(wish, folders, voices))
        except Stop as stop:
            if len(asked) == 1:
                raise
            problems[wish.name] = str(stop)
            print(f"{wish.name}: {stop}")
    if not found:
        raise Stop("none of the films can be made; the reasons stand above")
    return found, problems


def newest(voices: Path, folders: storage.Folders) -> Path:
    """The voice notebook's newest speech: on this machine, or among what is attached. Raises Stop."""
    places = [voices, *folders.inputs]
    found = [path for place in places if place.is_dir() for path in place.rglob("*.wav") if known(path) is not None]
    if not found:
        raise Stop(f"the voice notebook has left no speech in {voices}: run it first, or give the path of its wav")
    return max(found, key=lambda path: (path.stat().st_mtime_ns, str(path)))


def record_of(speech: Path) -> dict:
    """The voice notebook's record of a speech, {} when there is none, or the file was changed since."""
    try:
        told = json.loads(speech.with_suffix(".json").read_text(encoding="utf-8"))
        whole = told["sha256"][speech.name] == hashlib.sha256(speech.read_bytes()).hexdigest()
        return told if whole and isinstance(told["consent"], dict) else {}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def known(speech: Path) -> Consent | None:
    """The consent that stands in the voice notebook's record of a speech, or None; of several speakers all of them, as
    one that names each."""
    told = record_of(speech).get("consent", {})
    try:
        each = [consent.granted(Consent(**one)) for one in ([told] if "whose" in told else told.values())]
    except (TypeError, Stop):
        return None
    if len(each) < 2:
        return each[0] if each else None
    grounds = {one.ground for one in each}
    ground = grounds.pop() if len(grounds) == 1 else "permission"
    return Consent(", ".join(dict.fromkeys(one.whose for one in each)), ground, min(one.stated for one in each), {})


def agreed(found: Found, whose_face: str, whose_voice: str, ground: str) -> dict[str, Consent]:
    """The consents for a film's face and voice; what its row says goes before the settings. Raises Stop for one that
    is neither ours nor stated."""
    whose_face, whose_voice = found.wish.whose_face or whose_face, found.wish.whose_voice or whose_voice
    face = (
        Consent(sample.WHOSE, "free", consent.now(), {})
        if found.ours
        else consent.stated("face", whose_face, ground, "WHOSE_FACE", ANSWERS)
    )
    voice = found.voice or consent.stated("voice", whose_voice, ground, "WHOSE_VOICE", ANSWERS)
    return {"face": face, "voice": voice}


def chain(found: Found) -> list[str]:
    """The steps that led to a film's speech and face, in words, as far as records tell."""
    told = record_of(found.speech)
    steps = []
    if told:
        words = " ".join(
            str(part.get("text", "")) for part in told.get("sentences", ()) if isinstance(part, dict)
        ).strip()
        steps.append(f"text '{words[:60]}{'…' if len(words) > 60 else ''}'" if words else "a text")
        whose = found.voice.whose if found.voice else "somebody"
        steps.append(f"voice of {whose} by {told.get('engine', 'an engine')}")
    else:
        steps.append(f"speech {found.speech.name}")
    return [*steps, f"lips of {found.face.name}"]
