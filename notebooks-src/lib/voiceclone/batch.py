"""All sentences through labkit's work list, then each recording put together from what was made.

A disconnect costs at most the sentence in work: Run all goes on with what is left. A sentence that fails twice is
reported, and its recording is made without it.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from labkit import storage, worklist
from media import consent
from media.sound import Sound

from voiceclone import sound, takes, voices
from voiceclone.drafts import Drafts

NAME = "sentences"


@dataclass(frozen=True)
class Run:
    """What came of a list: the records in order, and the seconds that it took in all."""

    records: list[dict]
    seconds: float

    @property
    def engine_seconds(self) -> float:
        """Seconds of the engine alone, of what was made, all takes."""
        return sum(
            take["engine_seconds"]
            for record in self.records
            if record["state"] == "done"
            for take in record["made"]["takes"]
        )


def ready(engine, prompts: dict[str, voices.Prompt]) -> dict[str, takes.Voice]:
    """Each speaker's voice, prepared once for all sentences. Raises Stop for one without consent,
    and for one whose recording is another now than when consent was given."""
    from voiceclone import speaker

    made = {}
    for name, prompt in prompts.items():
        consent.granted(prompt.consent)
        state = engine.voice(prompt.wav, prompt.transcript)
        prompt.whole()  # what the engine read is what the consent is for
        made[name] = takes.Voice(state, speaker.embedding(prompt.sound()), prompt.name, prompt.digest, prompt.consent)
    return made


def run(
    items: list[dict], booth: takes.Booth, folders: storage.Folders, about: dict, drafts: Drafts | None = None
) -> Run:
    """Make what is left of the sentences. `about` (engine, commit, ...) is part of what a sentence is: with another
    engine it is another piece of work. `drafts` begin the recordings' files meanwhile. Raises Stop when nothing can be
    saved."""
    voiced = {name: voice.digest for name, voice in booth.voices.items()}
    settings = {**about, **asdict(booth.settings), "voices": voiced, "checked": booth.recogniser is not None}
    todo = worklist.Worklist(folders, NAME, items, settings)
    left = [item for _, key, item in todo.items if todo.record(key)["state"] != "done"]
    booth.expect(left)
    feed = _feeding(todo, folders, drafts) if drafts is not None else lambda: None

    def make(item: dict, folder: Path) -> dict:
        feed()
        return booth.make(item, folder)

    started = time.perf_counter()
    with booth:
        todo.run(make)
        feed()
    return Run([todo.record(key) for _, key, _ in todo.items], time.perf_counter() - started)


def _feeding(todo: worklist.Worklist, folders: storage.Folders, drafts: Drafts) -> Callable[[], None]:
    """A function that gives the drafts each sentence that is finished, in order, as far as there is no gap."""
    left = list(reversed(todo.items))

    def feed() -> None:
        while left:
            record = todo.record(left[-1][1])
            if record["state"] not in ("done", "failed"):
                return
            _, _, item = left.pop()
            path = file(record, folders)
            if path is not None:
                drafts.add(item["recording"], path, item["pause"], item["begin"])

    return feed


def file(record: dict, folders: storage.Folders, take: int = 1) -> Path | None:
    """The wav of a record's take, the best first; None when there is none."""
    ending = f"take-{take}.wav"
    found = [name for name in record.get("files", {}) if name.endswith(ending)] if record["state"] == "done" else []
    return folders.outputs / NAME / found[0] if found else None


def grouped(items: list[dict], made: Run) -> dict[str, list[tuple[dict, dict]]]:
    """{recording: its sentences, each with its record}, in order."""
    groups: dict[str, list[tuple[dict, dict]]] = {}
    for item, record in zip(items, made.records, strict=True):
        groups.setdefault(item["recording"], []).append((item, record))
    return groups


def recordings(items: list[dict], made: Run, folders: storage.Folders) -> Iterator[tuple[str, tuple[Sound, list[str]]]]:
    """(recording, (its sound, what to tell of it)) of every recording with at least one sentence, one after the other:
    an hour is 0.7 GB."""
    for name, pairs in grouped(items, made).items():
        put = together(pairs, folders)
        if put is not None:
            yield name, put


def together(pairs: list[tuple[dict, dict]], folders: storage.Folders) -> tuple[Sound, list[str]] | None:
    """(a recording's sound, what to tell of it), or None where it has no sentence yet."""
    notes, sounds, kept, waiting = [], [], [], []
    for number, (item, record) in enumerate(pairs, 1):
        path = file(record, folders)
        short = item["text"][:50] + ("…" if len(item["text"]) > 50 else "")
        if path is None and "error" not in record:
            waiting.append(number)
            continue
        if path is None:
            notes.append(f"sentence {number} is missing ('{short}'): {record['error']}")
            continue
        if record["made"]["check"]:
            notes.append(f"listen to sentence {number} ('{short}'): {record['made']['check']}")
        sounds.append(sound.from_file(path))
        kept.append((number, item))
    if not sounds:
        return None
    if waiting:
        which = f"sentence {waiting[0]} is" if len(waiting) == 1 else f"{len(waiting)} of {len(pairs)} sentences are"
        notes.append(f"{which} not made yet: run all goes on with what is left")
    track = sound.Track()
    spots = [track.put(len(made.samples), item["pause"], item["begin"])
             for made, (_, item) in zip(sounds, kept, strict=True)]  # fmt: skip
    return sound.laid(sounds, spots), notes + _late(kept, sounds, spots)


def _late(kept: list[tuple[int, dict]], sounds: list[Sound], spots: list[int]) -> list[str]:
    """What to tell of subtitles that take longer than the time they have."""
    late = []
    for (number, item), made, spot in zip(kept, sounds, spots, strict=True):
        if item["begin"] is None:
            continue
        over = spot / made.rate + made.seconds - (item["begin"] + item["slot"])
        if over > 0.25:
            late.append(f"{number} ({over:.1f} s)")
    return [f"longer than their time, though hurried: subtitle {', '.join(late[:5])}; shorten the text"] if late else []


def speakers(items: list[dict], recording: str) -> list[str]:
    """Who speaks in a recording, in order ("" is the voice of the settings)."""
    return list(dict.fromkeys(item["speaker"] for item in items if item["recording"] == recording))


def parts(items: list[dict], made: Run, recording: str) -> list[dict]:
    """What a recording's record keeps of each sentence: text, seed, and what was measured of the take that is used."""
    out = []
    for item, record in zip(items, made.records, strict=True):
        if item["recording"] == recording:
            best = (
                record["made"]["takes"][0]
                if record["state"] == "done"
                else {"fault": record.get("error", record["state"])}
            )
            out.append({"text": item["text"], "speaker": item["speaker"], **best})
    return out


def takes_of(made: Run, folders: storage.Folders) -> list[tuple[str, Path]]:
    """(label, wav) of all takes of the first finished sentence, the best first."""
    record = next((r for r in made.records if r["state"] == "done"), None)
    if record is None:
        return []
    out = []
    for number, take in enumerate(record["made"]["takes"], 1):
        errors = f", word errors {take['word_errors']:.2f}" if "word_errors" in take else ""
        label = f"take {number}: seed {take['seed']}, similarity {take['similarity']:.2f}{errors}"
        out.append((label, file(record, folders, number)))
    return out


def summary(made: Run, results: list) -> dict:
    """The measures of a run as plain numbers; None where nothing was measured."""
    done = [record["made"] for record in made.records if record["state"] == "done"]
    best = [record["takes"][0] for record in done]
    every = [take for record in done for take in record["takes"] if "seconds" in take]
    spoken = sum(take["seconds"] for take in every)
    errors = [take["word_errors"] for take in best if "word_errors" in take]
    return {
        "asked": len(made.records), "done": len(done), "failed": sum(r["state"] == "failed" for r in made.records),
        "tried_again": sum(record["again"] for record in done), "to_listen_to": sum(bool(r["check"]) for r in done),
        "seconds": round(sum(result.seconds for result in results), 2),
        "real_time_factor": round(made.engine_seconds / spoken, 3) if spoken else None,
        "similarity": round(sum(take["similarity"] for take in best) / len(best), 3) if best else None,
        "word_errors": round(sum(errors) / len(errors), 3) if errors else None,
        "watermark": round(min((result.mark for result in results if result.marked), default=0.0), 3),
        "marked": all(result.marked for result in results),
        "loudness_lufs": round(results[0].loudness, 1) if results and math.isfinite(results[0].loudness) else None,
        "run_seconds": round(made.seconds, 2), "engine_seconds": round(made.engine_seconds, 2),
    }  # fmt: skip


def tested(numbers: dict) -> str:
    """What a quick test has shown, in words."""
    if numbers["done"] == numbers["asked"] and numbers["seconds"]:
        return "random weights make noise, not words, and the whole way works on this machine"
    return f"{numbers['done']} of {numbers['asked']} pieces were made; why the others were not stands above"


def told(numbers: dict, recognised: bool) -> str:
    """The measures as a table of three columns."""
    from voiceclone import measures

    def number(key: str, form: str = ".2f") -> str:
        return "-" if numbers[key] is None else format(numbers[key], form)

    rows = [
        ("real-time factor", number("real_time_factor"), "below 1: fast"),
        ("similarity", number("similarity"), "one voice about 0.85"),
        ("word errors", number("word_errors"), "0: all words heard" if recognised else "no recogniser"),
        ("watermark", number("watermark"), "1: read back, 0: not") if numbers["marked"] else ("watermark", "off", ""),
        ("loudness", number("loudness_lufs", ".1f"), "LUFS"),
        (
            "pieces",
            f"{numbers['done']}/{numbers['asked']}",
            f"{numbers['tried_again']} again, {numbers['failed']} failed",
        ),
    ]
    return measures.table(rows)
