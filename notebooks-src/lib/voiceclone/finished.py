"""Each recording put together and written, unless an earlier run has done just that: of a list of hundreds a rerun
writes what is left, and looks at the clock."""

import json
from collections.abc import Iterator, Mapping

from disk import sealed
from labkit import clock, storage
from media import watermark
from media.consent import Consent

from voiceclone import batch, output, sound
from voiceclone.drafts import Drafts

_MARGIN = 1.0  # minutes before the session's end in which no recording is begun


def written(
    items: list[dict],
    made: batch.Run,
    folders: storage.Folders,
    about: dict,
    consents: Mapping[str, Consent],
    mark: str = watermark.ON,
    sign: bool = False,
    begun: Drafts | None = None,
) -> Iterator[tuple[output.Result, list[str]]]:
    """(result, what to tell of it) of every recording with at least one sentence, in order; of the others a line says
    why there is none. `consents` are those of all speakers, `about` see output.write. Raises Stop."""
    waiting, late = [], []
    for name, pairs in batch.grouped(items, made).items():
        whose = {who: consents[who] for who in batch.speakers(items, name)}
        of = _made_of(pairs, about, whose, mark, sign)
        found = _earlier(folders, name, of)
        if found is None and (late or clock.should_stop(_MARGIN)):
            late.append(name)
            continue
        if found is None:
            put = batch.together(pairs, folders)
            if put is None:
                waiting += _told(name, pairs)
                continue
            whole, notes = put
            told = {**about, "sentences": batch.parts(items, made, name), "notes": notes, "made_of": of}
            try:
                found = output.write(folders.outputs, name, whole, told, whose, mark, sign, begun), notes
            except KeyboardInterrupt:  # the stop button: what is written stays, and the cells below go on
                late.append(name)
                continue
        yield found
    for names, why in (
        (waiting, "not made yet"),
        (late, "spoken, and not written: it was stopped, or the session is about to end"),
    ):
        if names:
            which = f"{names[0]} is" if len(names) == 1 else f"{len(names)} recordings ({names[0]}, ...) are"
            print(f"{which} {why}; run all goes on with what is left")


def _made_of(pairs: list[tuple[dict, dict]], about: dict, whose: Mapping[str, Consent], mark: str, sign: bool) -> str:
    """What a recording is of, as one number: its sentences as they were made, whose voices speak, its marks."""
    made = [[item, record.get("files", {}), record.get("error", "")] for item, record in pairs]
    agreed = {who: [one.whose, one.ground, one.spoken] for who, one in whose.items()}
    return sealed.digest(sealed.plain([made, about, agreed, mark, bool(sign)], "a recording"))


def _earlier(folders: storage.Folders, name: str, of: str) -> tuple[output.Result, list[str]] | None:
    """The recording as an earlier run wrote it, where it is of the same, and whole; a signature that could not be made
    is tried again."""
    side, wav, mp3 = (folders.outputs / f"{name}.{ending}" for ending in ("json", "wav", "mp3"))
    try:
        told = json.loads(side.read_text(encoding="utf-8"))
        same = told["made_of"] == of and not told["signature"].startswith("unsigned")
        if not same or told["sha256"] != {path.name: sound.sha256(path) for path in (wav, mp3)}:
            return None
        level = float("-inf") if told["loudness_lufs"] is None else told["loudness_lufs"]
        mark, marked = told["watermark"].get("found", 0.0), told["watermark"]["kind"] == "Perth"
        result = output.Result(name, wav, mp3, side, told["seconds"], level, mark, marked, told["signature"])
        return result, told["notes"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _told(name: str, pairs: list[tuple[dict, dict]]) -> list[str]:
    """Say why there is nothing of a recording, where it failed; its name where it only waits."""
    failed = list(dict.fromkeys(record["error"] for _, record in pairs if "error" in record))
    if failed:
        print(f"{name}: nothing of it could be said ({'; '.join(failed)[:200]}); run all tries again")
    return [] if failed else [name]
