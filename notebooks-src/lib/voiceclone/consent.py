"""Whose voice is it, and may it be used? Nothing is generated before that is answered.

The voice that comes with the notebook is nobody's and needs no answer. For any other one the reader says whose it is
and on what ground it may be used; on wish the person says so aloud, in words drawn for this run: a recogniser compares
the words, an embedding the voice.
"""

import secrets
from pathlib import Path

from labkit import Stop
from media.consent import Consent, now, stated

ANSWERS = ("my own voice", "allowed in writing", "free or synthetic")
ALLOWED_ERRORS = 0.2  # word error rate of the spoken sentence that still counts as said
_OPENINGS = ("I agree that", "I allow that", "I give my consent that")
_THINGS = (
    "amber", "bridge", "copper", "dolphin", "ember", "falcon", "garden", "harbour", "island", "jasmine", "kettle",
    "lantern", "meadow", "north", "orchard",
)  # fmt: skip


def ask(own_voice: bool, whose: str, ground: str) -> Consent:
    """The consent for a voice; `own_voice` is False for the sample that comes with the notebook. Raises Stop."""
    from voiceclone import sample

    if not own_voice:
        return Consent(sample.WHOSE, "free", now(), {})
    return stated("voice", whose, ground, "WHOSE_VOICE", ANSWERS)


def sentence(whose: str) -> str:
    """A sentence to be said aloud that nobody can have recorded before: two words and a number are drawn."""
    one, other = secrets.choice(_THINGS), secrets.choice(_THINGS)
    number = 10 + secrets.randbelow(90)
    return f"{secrets.choice(_OPENINGS)} a machine may speak with my voice, {whose.strip()}, {one} {other} {number}."


def aloud(wish: str, given: Consent, reference, recogniser, folders, language: str) -> Consent:
    """The consent with its spoken check. "ask" draws a sentence, keeps it and stops: it is to be said and recorded;
    a recording is compared with the sentence that was drawn last. Raises Stop."""
    import json
    from dataclasses import replace

    from labkit import storage

    from voiceclone import intake

    kept = folders.outputs / "consent-sentence.json"
    if wish.strip() == "ask" or not kept.is_file():
        drawn = sentence(given.whose)
        storage.write_json(kept, {"sentence": drawn, "whose": given.whose})
        raise Stop(f"have {given.whose} record this sentence, give its path under SPOKEN_CONSENT, run again: '{drawn}'")
    drawn = json.loads(kept.read_text(encoding="utf-8"))
    if drawn["whose"] != given.whose:
        raise Stop(f"the sentence was drawn for {drawn['whose']}, not for {given.whose}: set SPOKEN_CONSENT to 'ask'")
    spoken = check(intake.find(wish, folders), drawn["sentence"], reference, recogniser, language)
    print(f"Spoken consent: word errors {spoken['word_errors']:.2f}, similarity {spoken['similarity']:.2f}: accepted.")
    return replace(given, spoken=spoken)


def check(recording: Path, asked: str, reference, recogniser, language: str = "en") -> dict:
    """Compare a spoken consent with what was asked and with the reference's voice; the record of it. Raises Stop.

    `reference` is a voiceclone.reference.Reference, `recogniser` a voiceclone.recogniser.Recogniser."""
    from voiceclone import measures, sound, speaker

    if recogniser is None:
        raise Stop("a spoken consent is checked by a recogniser: set CHECK_WORDS, then run again")
    frames, rate = sound.read(recording, most=60)
    said = sound.Sound(frames.mean(axis=1), rate)
    heard = recogniser.heard(said, language)
    errors = measures.word_errors(asked, heard, language)
    if errors > ALLOWED_ERRORS:
        raise Stop(f"in {Path(recording).name} was heard: '{heard[:120]}', and not: '{asked}'; record it again")
    alike = speaker.similarity(speaker.embedding(said), speaker.embedding(reference.part))
    if alike < speaker.SAME:
        raise Stop(
            f"{Path(recording).name} and the reference are two voices (similarity {alike:.2f}, {speaker.SAME:g} is "
            "needed): the person who is cloned has to say it"
        )
    return {"asked": asked, "heard": heard, "word_errors": round(errors, 3), "similarity": round(alike, 3)}
