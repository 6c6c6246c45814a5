"""One sentence: spoken as often as wanted, tried once more where something is wrong, ranked, marked, written.

The engine works ahead: while a sentence is measured and marked here, the next one is being spoken in a thread. On a
card, where the engine needs the processor little, our own work is hidden behind it.
"""

import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy
from media import consent, watermark
from media.consent import Consent
from media.sound import Sound, resample

from voiceclone import measures, sound, speaker, text
from voiceclone.engines import Engine, How
from voiceclone.sound import RATE

RETRY = 1_000_003  # what a second try's seed is moved by
_SAYS = {"comment": "AI-generated speech", "artist": "AI-generated voice"}  # a take may be taken along
FASTEST = 1.3  # how much a sentence is hurried to fit its subtitle; beyond that it runs over, and that is told


@dataclass(frozen=True)
class Voice:
    """A voice that is ready to speak: the engine's own state, the embedding to compare with, its reference, and the
    consent to use it."""

    state: object
    embedding: numpy.ndarray
    name: str
    digest: str
    agreed: Consent


@dataclass(frozen=True)
class Settings:
    """What holds for all sentences: how many takes, steps and guidance (0: the engine's own), and whether it is marked
    (watermark.wanted). Raises Stop for what cannot be."""

    takes: int = 1
    steps: int = 0
    guidance: float = 0.0
    mark: str = watermark.ON

    def __post_init__(self):
        watermark.wanted(self.mark)
        text.number(self.takes, "TAKES", 1, 20, whole=True)
        text.number(self.steps, "STEPS", 0, 200, whole=True)
        text.number(self.guidance, "GUIDANCE", 0, 20)


class Booth:
    """Where sentences are spoken. `make` is a work list's function; use it as a context, so that its thread ends."""

    def __init__(self, engine: Engine, voices: dict[str, Voice], settings: Settings, recogniser=None):
        for voice in voices.values():
            consent.granted(voice.agreed)
        self.engine, self.voices, self.settings, self.recogniser = engine, voices, settings, recogniser
        self.thread = ThreadPoolExecutor(1, "engine")
        self.begun: tuple[dict, Future] | None = None  # the sentence that is spoken ahead
        self.order: deque[dict] = deque()

    def __enter__(self) -> "Booth":
        watermark.ready()
        if watermark.wanted(self.settings.mark):
            watermark.proved(sound.carried())
        speaker.ready()
        return self

    def __exit__(self, *_) -> None:
        self.thread.shutdown(wait=True, cancel_futures=True)

    def expect(self, items: Iterable[dict]) -> None:
        """Tell in which order sentences will be asked for, so that the next can be spoken ahead."""
        self.order = deque(items)

    def make(self, item: dict, folder: Path) -> dict:
        """Write the takes of a sentence, `take-1.wav` the best, into `folder`; what is worth noting of them."""
        tried = self._ready(item)
        found = [self._judge(item, *take) for take in tried]
        again = 0
        if all(take["fault"] or take.get("word_errors", 0) > measures.CLEAR for take, _ in found):
            again = 1
            found.append(self._judge(item, *self.thread.submit(self._speak, item, RETRY).result()))
        found.sort(key=lambda pair: measures.rank(pair[0]))
        best = found[0][0]
        if best["fault"] and not _usable(found[0][1]):
            raise RuntimeError(f"{best['fault']}, also when tried again")
        kept = [pair for pair in found if _usable(pair[1])][: self.settings.takes]
        for number, (take, made) in enumerate(kept, 1):
            marked = watermark.marked(made) if watermark.wanted(self.settings.mark) else made
            if marked is not made and number == 1:  # what the mark added is the difference
                take["mark"] = {"before": round(watermark.found(made), 3), "after": round(watermark.found(marked), 3)}
            ends = sound.soft(marked)  # the mark ends where it likes, and that would click
            take["file"] = sound.write(folder / f"take-{number}.wav", ends, _SAYS).name
        return {"takes": [take for take, _ in kept], "again": again, "check": _check(best)}

    def _ready(self, item: dict) -> list[tuple]:
        """This sentence's takes, spoken ahead or now; the next sentence is begun before they are judged."""
        ahead, self.begun = self.begun, None
        if ahead is not None and ahead[0] != item:
            ahead[1].cancel()  # another process makes that one
            ahead = None
        done = (ahead[1] if ahead else self.thread.submit(self._all, item)).result()
        if item in self.order:  # by its place: a text may say the same sentence twice
            while self.order.popleft() != item:
                pass
            if self.order:
                self.begun = (self.order[0], self.thread.submit(self._all, self.order[0]))
        return done

    def _all(self, item: dict) -> list[tuple]:
        return [self._speak(item, number) for number in range(self.settings.takes)]

    def _speak(self, item: dict, further: int) -> tuple[int, Sound | None, float, str]:
        """(seed, sound or None, seconds of work, what went wrong) of one take, by the engine alone."""
        shortest, _, longest = text.seconds(item["text"])
        seed = (item["seed"] + further) % 2**31
        how = How(seed, self.settings.steps, self.settings.guidance, shortest, longest)
        started = time.perf_counter()
        try:
            samples = self.engine.say(item["text"], self.voices[item["speaker"]].state, how)
        except Exception as error:  # whatever an engine's package raises, it is tried once more, and told
            return seed, None, time.perf_counter() - started, _first_line(error)
        made = Sound(numpy.nan_to_num(samples) if numpy.isfinite(samples).any() else samples, self.engine.rate)
        return seed, made, time.perf_counter() - started, ""

    def _judge(self, item: dict, seed: int, raw: Sound | None, took: float, problem: str) -> tuple[dict, Sound | None]:
        """What is worth noting of a take, and its sound as it is used: trimmed, at its speed, 48 kHz."""
        take = {"seed": seed, "engine_seconds": round(took, 3), "fault": problem}
        if raw is None:
            return take, None
        shortest, _, longest = text.seconds(item["text"])
        take["fault"] = measures.fault(raw, shortest, longest)
        if not _usable(raw):
            return take, raw
        made = sound.at_loudness(sound.trimmed(resample(raw, RATE)))
        hurried = min(FASTEST, made.seconds / item["speed"] / item["slot"]) if item.get("slot") else 1.0
        speed = item["speed"] * max(1.0, hurried)
        made = sound.faster(made, speed)
        voice = self.voices[item["speaker"]]
        take |= {"seconds": round(made.seconds, 3), "speed": round(speed, 3)}
        take |= measures.of_piece(made, voice.embedding, item["text"], self.recogniser, item["language"])
        return take, made


def _usable(made: Sound | None) -> bool:
    """Whether a sound can be given out at all."""
    if made is None or not len(made.samples) or not numpy.isfinite(made.samples).all():
        return False
    return float(numpy.abs(made.samples).max()) >= 1e-3


def _check(take: dict) -> str:
    """What a reader should listen to, in a few words; "" when nothing was seen."""
    if take["fault"]:
        return take["fault"]
    if take.get("word_errors", 0) > measures.CLEAR:
        return f"words are unclear (heard: {take['heard'][:60]})"
    return ""


def _first_line(error: BaseException) -> str:
    words = (str(error).strip().splitlines() or [""])[0][:160]
    if "out of memory" in words or isinstance(error, MemoryError):
        return "the memory is full: take a smaller engine"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
