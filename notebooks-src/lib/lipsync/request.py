"""What is to be made: one face and one speech from the settings, or a table of them; where each comes from, and on
whose word it may be used."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from disk import sealed
from labkit import Stop, storage
from media import consent, intake, own
from media.consent import Consent

from lipsync import sample

SAMPLE, VOICE = "sample", "voice"
FACES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif", ".jpg", ".jpeg", ".png", ".webp")
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
    if not intake.words(table, "list").strip():
        face, speech = (intake.words(one, what).strip().strip("\"'") or SAMPLE
                        for one, what in ((face, "face"), (speech, "speech")))  # fmt: skip
        name = "film" if face == speech == SAMPLE else f"{Path(face).stem}-{Path(speech).stem}"
        return [Wish(_named(name, {"films"}), face, speech, number)]
    path = intake.place(table, "list")
    found, taken = [], {"films"}  # films.json is the table of all
    for line, row in _rows(path):
        if not any(row.values()):  # a line of commas, as spreadsheets leave them
            continue
        if not row.get("face") or not row.get("speech"):
            raise Stop(f"{path.name}, line {line}: a row needs a face and a speech")
        if not re.fullmatch(r"\d{0,2}", row.get("face_number", "")):
            raise Stop(f"{path.name}, line {line}: face_number is a number from 0 to 99, not '{row['face_number']}'")
        name = _named(row.get("name") or f"{Path(row['face']).stem}-{Path(row['speech']).stem}", taken)
        whose = row.get("whose_face", ""), row.get("whose_voice", "")
        both = [_beside(path, row[what]) for what in ("face", "speech")]
        found.append(Wish(name, *both, int(row.get("face_number") or number), *whose))
    if not found:
        raise Stop(f"{path.name} holds no row: write one film a line, with its face and its speech")
    return found


_COLUMNS = ("face", "speech", "name", "face_number", "whose_face", "whose_voice")


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, {column: cell}) of each row of a list; what it has beside the columns that are known is told. Raises
    Stop."""
    try:
        data = path.read_bytes()
        if data[:2] == b"PK":
            raise Stop(f"{path.name} is a spreadsheet: save it as CSV, with the columns face, speech")
        content = re.sub(r"^sep=.\r?\n", "", intake.decoded(data))
        head = content.partition("\n")[0]
        rows = csv.DictReader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=head.count))
        names = [re.sub(r"\W+", "_", str(name).strip().lower()) for name in rows.fieldnames or ()]
        rows.fieldnames = names
        told = [(rows.line_num, row) for row in rows]
    except UnicodeDecodeError:
        raise Stop(f"the list {path.name} is no text in UTF-8: save it as CSV in UTF-8") from None
    except (OSError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise Stop(
            f"the list {path.name} cannot be read ({why}): give a CSV file with the columns face, speech"
        ) from None
    twice = [name for name in _COLUMNS if names.count(name) > 1]
    if twice:
        raise Stop(f"{path.name} has two columns '{twice[0]}': leave one")
    strange = [name for name in names if name and name not in _COLUMNS]
    if strange and "face" in names:
        print(f"{path.name}: not used is what stands under {', '.join(strange)}; known are {', '.join(_COLUMNS)}")
    for line, row in told:
        if any((cell or "").strip() for cell in row.get(None, ())):
            raise Stop(f"{path.name}, line {line}: more cells than the first line has: put a comma into double quotes")
        yield line, {name: (cell or "").strip() for name, cell in row.items() if name is not None}


def _beside(table: Path, wish: str) -> str:
    """A file of a list: where the list lies, or as it is told."""
    with suppress(OSError, ValueError):  # what is no path is told when it is looked for
        if not Path(wish).exists() and (table.parent / wish).is_file():
            return str(table.parent / wish)
    return wish


def table(wish: str, folders: storage.Folders) -> str:
    """The path of a list, which may be uploaded, or named alone where a face may; "" when none is wanted. Raises
    Stop."""
    return intake.document(wish, folders, "LIST_FILE", "list")


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
    here = own.folder(folders.work)  # not one file for two sessions
    face = sample.write(here) if ours else intake.find(wish.face, folders, "video or photo", FACES)
    if wish.speech == SAMPLE:
        return Found(wish, face, voice.write(here), ours, Consent(voice.WHOSE, "free", consent.now(), {}))
    if wish.speech == VOICE:
        speech = newest(voices, folders)
    else:
        speech = intake.find(wish.speech, folders, "recording", intake.RECORDINGS, _SECONDS)
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
        whole = told["sha256"][speech.name] == sealed.hashed(speech)[1]
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
