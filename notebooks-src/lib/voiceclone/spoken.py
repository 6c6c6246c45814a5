"""Consent, said aloud: a sentence is drawn for this run, a recogniser compares the words, an embedding the voice."""

import json
import secrets
from dataclasses import replace
from pathlib import Path

from labkit import Stop, storage
from media import voice
from media.consent import Consent
from media.intake import words
from media.sound import Sound

from voiceclone import intake, measures, sound, speaker

ALLOWED_ERRORS = 0.2  # word error rate of the spoken sentence that still counts as said
# what is to be said ("{}" is whose voice it is), and words to be drawn for it; other languages say it in English
_ALOUD = {
    "en": (
        "I agree that a machine may speak with my voice, {}",
        "amber bridge copper dolphin ember falcon garden harbour island jasmine kettle lantern meadow north orchard",
    ),
    "de": (
        "Ich erlaube, dass eine Maschine mit meiner Stimme spricht, {}",
        "Ahorn Brücke Dachs Eimer Falke Garten Hafen Insel Kessel Laterne Mantel Norden Orgel Pinsel Quelle",
    ),
    "fr": (
        "J'accepte qu'une machine parle avec ma voix, {}",
        "abeille bateau cheval dauphin étoile fenêtre girafe horloge jardin lanterne montagne nuage orange pomme",
    ),
    "es": (
        "Acepto que una máquina hable con mi voz, {}",
        "abeja barco caballo delfín estrella faro jirafa hoja jardín linterna montaña nube naranja puente río",
    ),
}


def sentence(whose: str, language: str = "en") -> str:
    """A sentence to be said aloud that nobody can have recorded before: two words and a number are drawn."""
    said, words = _ALOUD.get(language, _ALOUD["en"])
    one, other = (secrets.choice(words.split()) for _ in range(2))
    return f"{said.format(whose.strip())}, {one} {other} {10 + secrets.randbelow(90)}."


def possible(wish: str, quick: bool) -> str:
    """SPOKEN_CONSENT as it is used: "ask", a recording, or "". Raises Stop where one is wanted of a quick test, which
    has no recogniser to check it with."""
    wish = words(wish, "SPOKEN_CONSENT").strip()
    if quick and wish:
        raise Stop("a quick test cannot check a spoken consent: leave SPOKEN_CONSENT empty, or turn QUICK_TEST off")
    return "ask" if wish.lower() == "ask" else wish


def asked(wish: str, given: Consent | None, reference, folders: storage.Folders, language: str) -> dict:
    """The sentence that was drawn for this consent: {"sentence", "whose", "language"}; nothing is downloaded for it.
    "ask" draws a new one, keeps it and stops: it is to be said and recorded. Raises Stop."""
    if reference is None or given is None:
        raise Stop(
            "a spoken consent is for a recording under VOICE: leave SPOKEN_CONSENT empty for a voice that was kept"
        )
    if reference.source == voice.SHA256:
        raise Stop("the voice that comes with the notebook is nobody's: leave SPOKEN_CONSENT empty, or set VOICE")
    kept = folders.outputs / "consent-sentence.json"
    drawn = _drawn(kept)
    if wish.strip() == "ask" or drawn is None:
        language = language if language in _ALOUD else "en"
        drawn = {"sentence": sentence(given.whose, language), "whose": given.whose, "language": language}
        storage.write_json(kept, drawn)
        told = "record this sentence, give its path under SPOKEN_CONSENT, run again"
        raise Stop(f"have {given.whose} {told}: '{drawn['sentence']}'")
    if drawn["whose"] != given.whose:
        raise Stop(f"the sentence was drawn for {drawn['whose']}, not for {given.whose}: set SPOKEN_CONSENT to 'ask'")
    return drawn


def aloud(wish: str, given: Consent | None, reference, recogniser, folders: storage.Folders, language: str) -> Consent:
    """The consent with its spoken check: a recording is compared with the sentence that was drawn last, see `asked`.
    Raises Stop."""
    drawn = asked(wish, given, reference, folders, language)
    spoken = check(intake.find(wish, folders), drawn["sentence"], reference, recogniser, drawn["language"])
    print(f"Spoken consent: word errors {spoken['word_errors']:.2f}, similarity {spoken['similarity']:.2f}: accepted.")
    return replace(given, spoken=spoken)


def _drawn(kept: Path) -> dict | None:
    """The sentence that was drawn last, with whose it is and its language; None when there is none to be read."""
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        return found if {"sentence", "whose", "language"} <= set(found) else None
    except (OSError, ValueError, TypeError):
        return None


def check(recording: Path, asked: str, reference, recogniser, language: str = "en") -> dict:
    """Compare a spoken consent with what was asked and with the reference's voice; the record of it. Raises Stop.

    `reference` is a voiceclone.reference.Reference, `recogniser` a voiceclone.recogniser.Recogniser."""
    if recogniser is None:
        raise Stop("a spoken consent is checked by a recogniser, which is not here: a quick test has none, and else it "
                   "is downloaded (0.3 GB)")  # fmt: skip
    frames, rate = sound.read(recording, most=60)
    said = Sound(frames.mean(axis=1), rate)
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
