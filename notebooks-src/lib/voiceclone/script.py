"""What is to be said, from where people have it: plain text, a script with speakers, subtitles with times, a table.

All become the same: `Line`s of one or more recordings. Raises Stop with one sentence that names file and line.
"""

import csv
import html
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop
from media.intake import decoded, place, words

from voiceclone import text as texts

LONGEST = 3600.0  # seconds of one recording: it is put together in memory (0.7 GB an hour, several times over)
LONGEST_FILM = 3 * LONGEST  # subtitles keep their times, so they are not parted
LARGEST = 2_000_000  # characters of a file: about 37 hours of speech
KINDS = (".txt", ".md", ".srt", ".vtt", ".csv", ".tsv")


@dataclass(frozen=True)
class Line:
    """A stretch of text by one speaker ("" is the voice of the settings). `begin` and `end` are seconds, or None;
    `seed` and `speed` override the settings where a table says so."""

    recording: str
    speaker: str
    text: str
    begin: float | None = None
    end: float | None = None
    seed: int | None = None
    speed: float | None = None
    where: str = ""  # file and line


def lines(text: str, file: str = "", speakers: Collection[str] = ()) -> list[Line]:
    """The lines of the settings' text, or of a file, see KINDS. One line that begins with the name of one
    of the `speakers` is a script already; of other names it takes two."""
    if not file.strip():  # the form's field has one line: a typed \\n is a line break
        return _plain(words(text, "TEXT").replace("\\n", "\n"), "", speakers)
    path = place(file.strip(), "text file")
    if path.suffix.lower() not in KINDS:
        raise Stop(f"{path.name} is no text: give a {', '.join(KINDS)} file")
    content = _read(path)
    if path.suffix.lower() in (".srt", ".vtt"):
        return _subtitles(content, path)
    return _table(content, path) if path.suffix.lower() in (".csv", ".tsv") else _plain(content, path.name, speakers)


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Stop(f"{path} cannot be read ({error.strerror}): give the path of a text file") from None
    try:
        content = decoded(data)
    except UnicodeDecodeError:
        told = "of an older program, a picture, or a document?"
        raise Stop(f"{path.name} is no text in UTF-8 ({told}): save it as plain text, or CSV, in UTF-8") from None
    if "\0" in content[:4096]:
        raise Stop(f"{path.name} is no text (a picture, or a document?): save it as plain text")
    if len(content) > LARGEST:
        raise Stop(f"{path.name} has {len(content):,} characters, {LARGEST:,} are the most at once: cut it in parts")
    return content.replace("\r\n", "\n").replace("\r", "\n")


_NAME = r"[^\W\d_][\w.-]{0,29}"  # Anna, Ben.2, Österreich; the first letter is no small one


def _plain(content: str, where: str, speakers: Collection[str]) -> list[Line]:
    """Plain text; lines that begin with "Name:" or "[Name]" make it a script with speakers."""
    marked = re.compile(rf"^[ \t]*(?:\[([\w .-]{{1,30}})\]|({_NAME}):)\s+(?=\S)", re.MULTILINE)
    found = [match for match in marked.finditer(content) if match[1] or not match[2][0].islower()]
    if len(found) < 2 and not any((match[1] or match[2]).strip() in speakers for match in found):
        return [Line("speech", "", content, where=where)]
    made, speaker, begin = [], "", 0
    for match in found:
        if content[begin : match.start()].strip():
            made.append(Line("speech", speaker, content[begin : match.start()].strip(), where=where))
        speaker, begin = (match[1] or match[2]).strip(), match.end()
    return [*made, Line("speech", speaker, content[begin:].strip(), where=where)]


_TIME = r"(?:(\d+):)?([0-5]\d):([0-5]\d)[,.](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")


def _cues(content: str, path: Path) -> Iterator[tuple[str, re.Match, list[str]]]:
    """(number or name, its times, its lines) of each subtitle, SubRip's or WebVTT's; the line of times tells where one
    begins, since blank lines lack between some, and stand inside others. Raises Stop."""
    if content.startswith("WEBVTT"):
        content = "".join(re.split(r"(\n\s*\n)", content, maxsplit=1)[1:])
        content = re.sub(r"^(?:NOTE|STYLE|REGION)\b.*?(?:\n\s*\n|\Z)", "", content, flags=re.S | re.M)
    rows = content.strip().split("\n")
    spots = [i for i, row in enumerate(rows) if _TIMES.match(row)]
    heads = [i - (i > 0 and bool(rows[i - 1].strip()) and (rows[i - 1].strip().isdigit() or not rows[i - 2].strip()
             or i == 1)) for i in spots]  # fmt: skip
    odd = next((i for i, row in enumerate(rows) if re.search(r"\d\s*-->", row) and i not in spots), None)
    if odd is not None or (content.strip() and heads[:1] != [0]):
        what = rows[max(0, (odd or 0) - 1)][:40]
        raise Stop(f"{path.name}: '{what}' has no times: a subtitle is a number, '00:00:01,000 --> 00:00:03,500', text")
    for head, spot, end in zip(heads, spots, [*heads, len(rows)][1:] if heads else [], strict=True):
        yield rows[head][:40], _TIMES.match(rows[spot]), rows[spot + 1 : end]


def _subtitles(content: str, path: Path) -> list[Line]:
    """SubRip or WebVTT: number, times, text. "Name:" at the start, or <v Name>, is the speaker; other tags go."""
    made, last = [], 0.0
    for what, times, rows in _cues(content, path):
        begin, end = (_seconds(times.groups()[i : i + 4]) for i in (0, 4))
        if end <= begin or begin < last:
            raise Stop(f"{path.name}: the subtitle '{what}' ends before it begins, or begins before the one above")
        told = " ".join(rows).strip()
        voice = re.match(r"<v(?:\.[^\s>]*)?\s+([^>]+?)\s*>", told)  # WebVTT's own mark of a speaker
        said = html.unescape(re.sub(r"<[^>]+>|\{[^}]+\}", "", told)).strip()
        who = re.match(rf"({_NAME}):\s+", said)
        who = None if voice or who is None or who[1][0].islower() else who
        if said:
            what_is_said = said[who.end() if who else 0 :]
            told = f"{path.name}, subtitle {what}"
            name = who[1] if who else html.unescape(voice[1]) if voice else ""
            made.append(Line(_file_name(path.stem), name, what_is_said, begin, end, where=told))
        last = begin
    if not made:
        raise Stop(f"{path.name} has no subtitles in it")
    if last > LONGEST_FILM:
        hours = LONGEST_FILM / 3600
        raise Stop(
            f"{path.name} goes on for {last / 3600:.0f} hours, {hours:.0f} are the most at once: cut it in parts"
        )
    return made


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, rest = parts
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(rest.ljust(3, "0")) / 1000


def _table(content: str, path: Path) -> list[Line]:
    """A row a recording: `text`, and if wanted `name`, `speaker`, `seed`, `speed`; split at comma, semicolon or tab."""
    content = re.sub(r"^sep=.\n", "", content)  # as a spreadsheet's first line
    head = content.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(content), delimiter=max(",;\t", key=head.count), strict=True)
    made: list[Line] = []
    try:
        names = [name.strip().lower() for name in rows.fieldnames or []]
        twice = [name for name, times in Counter(filter(None, names)).items() if times > 1]
        if twice:
            raise Stop(f"{path.name} has two columns '{twice[0]}': leave one")
        if "text" not in names:
            raise Stop(f"{path.name} has no column 'text': its first line should be like name,text,speaker,seed,speed")
        for row in rows:
            if None in row:
                told = f"{path.name}:{rows.line_num} has more cells than the first line has names"
                raise Stop(f"{told}: put a text with {rows.reader.dialect.delimiter!r} in it into double quotes")
            line = _row({k.strip().lower(): (v or "").strip() for k, v in row.items()}, path, rows.line_num, len(made))
            made += [line] if line is not None else []
    except csv.Error as error:
        raise Stop(f"{path.name}:{rows.line_num} is no row of a table ({error}): mend its double quotes") from None
    if not made:
        raise Stop(f"{path.name} has no row with text in it")
    names = Counter(line.recording.lower() for line in made)  # some disks take A.wav and a.wav for one
    if names.most_common(1)[0][1] > 1:
        twice = names.most_common(1)[0][0]
        raise Stop(f"{path.name} uses the name '{twice}' twice: each row becomes a file of its own")
    return made


def _row(cells: dict[str, str], path: Path, number: int, before: int) -> Line | None:
    """The line of a table's row; None without text."""
    if not cells["text"]:
        return None
    name = _file_name(cells.get("name", "")) if cells.get("name") else f"{_file_name(path.stem)}-{before + 1:03}"
    seed, speed = _number(cells, "seed", int, path, number), _number(cells, "speed", float, path, number)
    if seed is not None and not 0 <= seed < 2**31:
        raise Stop(f"{path.name}:{number}: seed must be 0 to {2**31 - 1}, not '{cells['seed']}'")
    if speed is not None and not 0.5 <= speed <= 2:
        raise Stop(f"{path.name}:{number}: speed must be 0.5 to 2, not '{cells['speed']}'")
    return Line(name, cells.get("speaker", ""), cells["text"], seed=seed, speed=speed, where=f"{path.name}:{number}")


_OURS = ("measures", "consent-sentence", "run-report")  # files that a run writes beside the recordings


def _file_name(told: str) -> str:
    """A recording's name that is safe as a file's: letters, digits and - (60 at most)."""
    told = unicodedata.normalize("NFC", told)  # an é is one letter, however it was typed
    name = re.sub(r"[^\w-]+", "-", told).strip("-")[:60] or "speech"
    return f"{name}-1" if name.lower() in _OURS else name


def _number(cells: dict, key: str, kind: type, path: Path, row: int):
    if not cells.get(key):
        return None
    try:
        return kind(cells[key].replace(",", "."))
    except ValueError:
        raise Stop(f"{path.name}:{row}: {key} should be a number, not '{cells[key]}'") from None


def items(
    made: list[Line], language: str, speed: float = 1.0, seed: int = 0
) -> tuple[list[dict], list[tuple], list[str]]:
    """(pieces as plain data for a work list, what the normaliser changed, remarks), each piece of at most 200 signs.
    What is longer than an hour becomes several recordings. Raises Stop."""
    texts.number(speed, "SPEED", 0.5, 2)
    texts.number(seed, "SEED", 0, 2**31 - 1, whole=True)
    out, changes, remarks, long = [], [], [], Counter()
    for line in made:
        said, changed = texts.spoken(line.text, language)
        if len(made) > 1 and not any(sign.isalnum() for sign in said):  # a tune, a picture, "..."
            remarks.append(f"{line.where or 'a line'} has nothing to say ('{line.text.strip()[:20]}') and is left out")
            continue
        if line.text.strip() and not said:
            raise Stop(f"'{line.text.strip()[:20]}' has no words in it: write what is to be said")
        try:
            told = texts.judge(said, language)
        except Stop as stop:
            raise Stop(f"{line.where}: {stop}" if line.where else str(stop)) from None
        remarks += [remark for remark in told if remark not in remarks]
        changes += changed
        slot = line.end - line.begin if line.begin is not None else None
        for piece, pause in texts.pieces(said):
            item = {
                "recording": line.recording, "speaker": line.speaker, "text": piece, "pause": pause,
                "begin": line.begin, "slot": slot, "speed": line.speed or speed,
                "seed": line.seed if line.seed is not None else seed, "language": language,
            }  # fmt: skip
            part = int(long[line.recording] // LONGEST)
            long[line.recording] += texts.seconds(piece)[1] / item["speed"] + pause
            if part and slot is None:
                item["recording"] = f"{line.recording}-part-{part + 1:02}"
            out.append(item)
    return out, changes, remarks


def minutes(pieces: list[dict]) -> float:
    """About how many minutes of speech that will be."""
    return sum(texts.seconds(item["text"])[1] / item["speed"] + item["pause"] for item in pieces) / 60


def preview(pieces: list[dict], changes: list[tuple[str, str]], remarks: list[str]) -> str:
    """What will be said, in a few lines. Raises Stop when nothing is left of it."""
    if not pieces:
        raise Stop("nothing of the text can be said: write words under TEXT")
    told, long = [], minutes(pieces)
    names = list(dict.fromkeys(piece["recording"] for piece in pieces))
    what = f"{len(names)} recordings, " if len(names) > 1 else ""
    span = f"{long:.0f} minutes" if long >= 2 else f"{long * 60:.0f} seconds"
    told.append(f"{what}{len(pieces)} pieces, about {span} of speech")
    shown = dict.fromkeys(f"{before.strip()} -> {after.strip() or 'left out'}" for before, after in changes)
    if shown:
        told.append(
            "put into words: "
            + "; ".join(list(shown)[:12])
            + (f"; and {len(shown) - 12} more" if len(shown) > 12 else "")
        )
    told += [f"note: {remark}" for remark in remarks]
    told += [f"- {piece['speaker'] + ': ' if piece['speaker'] else ''}{piece['text']}" for piece in pieces[:6]]
    if len(pieces) > 6:
        told.append(f"  and {len(pieces) - 6} more")
    return "\n".join(told)
