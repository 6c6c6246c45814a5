"""A voice that is kept: the prepared reference, its transcript and the consent, in a folder that any engine can read.

`voices/<name>/voice.wav` and `voice.json`. What an engine makes of it (latents, keys and values) takes a second and
belongs to one engine and version; it is made anew.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop, storage
from media import own, voice
from media.consent import Consent, granted
from media.intake import words
from media.sound import Sound

from voiceclone import reference, sound
from voiceclone.consent import comes_with, fits

FORMAT = 1


@dataclass(frozen=True)
class Prompt:
    """A voice prompt on this disk: mono wav, what is said in it ("" when unknown), and on what ground it is used."""

    name: str
    wav: Path
    transcript: str
    consent: Consent
    quality: dict
    sha256: str  # of the wav, when the consent was given for it

    @property
    def digest(self) -> str:
        """Of the wav and the transcript: another reference is another voice."""
        return hashlib.sha256(f"{self.sha256} {self.transcript}".encode()).hexdigest()[:16]

    def sound(self) -> Sound:
        """What is in the wav. Raises Stop when it is no longer the recording that the consent is for."""
        self.whole()
        return sound.from_file(self.wav)

    def whole(self) -> None:
        """Raise Stop when the wav is gone, or another one than when the consent was given."""
        try:
            same = sound.sha256(self.wav) == self.sha256
        except OSError:
            same = False
        if not same:
            raise Stop(f"{self.wav} is not the recording of {self.consent.whose} any more: run all cells again")


def held(work: Path, name: str, found: reference.Reference, words: str, agreed: Consent) -> Prompt:
    """A voice for this session alone, in the scratch folder: it is not kept, and no other session takes it for its own.
    Raises Stop."""
    with storage.told(work):
        place = Path(tempfile.mkdtemp(dir=own.folder(work)))
    return save(place, name, found, words, agreed)


def save(folder: Path, name: str, found: reference.Reference, transcript: str, granted: Consent) -> Prompt:
    """Keep a prepared reference as a voice prompt, under a name that is free or this recording's already. Raises
    Stop."""
    name = checked_name(name)
    fits(granted, found.source)
    place = folder / "voices" / name
    free(folder, name, found.source, granted)
    with storage.told(place):
        place.mkdir(parents=True, exist_ok=True)
    wav = sound.write(place / "voice.wav", found.part, {"title": name, "comment": "reference of a voice clone"})
    about = {"format": FORMAT, "name": name, "transcript": transcript.strip(), "consent": granted.facts()}
    about |= {"quality": found.facts(), "source": found.source, "sha256": sound.sha256(wav)}
    storage.write_json(place / "voice.json", about)
    return Prompt(name, wav, transcript.strip(), granted, found.facts(), about["sha256"])


def free(folder: Path, name: str, source: str, agreed: Consent) -> None:
    """Raise Stop when another voice is kept there, also under a name in other capitals: some disks take A for a."""
    place = folder / "voices" / name
    for side in place.parent.glob("*/voice.json"):
        if side.parent.name.casefold() != place.name.casefold():
            continue
        try:
            about = json.loads(side.read_text(encoding="utf-8"))
            there = about["consent"]["whose"], about.get("source")
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue  # nothing that can be used
        if there != (agreed.whose, source) or side.parent.name != place.name:
            other = f"a voice of {there[0]}" if there[0] != agreed.whose else f"another recording of {there[0]}"
            raise Stop(f"{side.parent} holds {other}: choose another KEEP_AS, or delete that folder first")


def load(folder: Path, name: str) -> Prompt:
    """A kept voice, by its name or its folder's path. Raises Stop when it is not there, altered or without consent."""
    place = Path(name).expanduser() if "/" in name else folder / "voices" / checked_name(name)
    try:
        about = json.loads((place / "voice.json").read_text(encoding="utf-8"))
        wav = place / "voice.wav"
        whole = about["format"] == FORMAT and about["sha256"] == sound.sha256(wav)
        agreed = Consent(**about["consent"])
    except FileNotFoundError:
        known = ", ".join(kept(folder)) or "none yet"
        raise Stop(f"there is no voice '{name}' among those that were kept ({known})") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Stop(f"the voice in {place} cannot be read ({error}): make it again from the recording") from None
    if not whole:
        raise Stop(f"the voice in {place} was altered since it was kept: make it again from the recording")
    prompt = Prompt(about["name"], wav, about["transcript"], agreed, about["quality"], about["sha256"])
    if granted(agreed).whose == voice.WHOSE:
        comes_with(prompt.sound())
    return prompt


def kept(folder: Path) -> list[str]:
    """Names of the voices that are kept."""
    return sorted(path.parent.name for path in (folder / "voices").glob("*/voice.json"))


def checked_name(name: str) -> str:
    """A name that is safe for a folder. Raises Stop."""
    name = name.strip()
    if not re.fullmatch(r"[\w-][\w -]{0,39}", name):
        raise Stop(f"'{name[:40]}' is no name for a voice: letters, digits, spaces and - (40 at most)")
    return name


def kept_as(name: str, quick: bool) -> str:
    """The name to keep the voice under, "" where it is not kept: a quick test keeps none, and says so."""
    name = words(name, "KEEP_AS")
    if quick and name.strip():
        print("A quick test keeps no voice: KEEP_AS counts when QUICK_TEST is off.")
        return ""
    return name.strip()


def transcript_told(told: str, quick: bool) -> str:
    """TRANSCRIPT as it is used: words, "auto", or "". Raises Stop."""
    told = words(told, "TRANSCRIPT").strip()
    if told.lower() != "auto":
        return told
    if quick:
        print("A quick test has no recogniser: TRANSCRIPT = 'auto' counts when QUICK_TEST is off.")
    return "auto"


def unused(said: str, keep_as: str, found: Iterable[str]) -> None:
    """Say which settings do nothing, where no voice comes from a recording (`found` are the speakers whose do)."""
    found = list(found)
    if said and "" not in found:
        print("TRANSCRIPT is not used: it is what is said in the recording under VOICE, and a kept voice has its own.")
    if keep_as and not found:
        print("KEEP_AS is not used: the voice is kept already.")


def labels(speakers: Iterable[str], keep_as: str = "") -> dict[str, str]:
    """{speaker: folder name of their voice}; that of the settings ("") is called `keep_as`. Raises Stop."""
    found = {"": checked_name(keep_as)} if keep_as else {}
    for name in speakers:
        if name not in found:
            plain = re.sub(r"[^\w -]+", "-", name or "voice").strip(" -")[:30]
            found[name] = plain if plain == (name or "voice") else f"{plain}-{_short(name)}"
    if len({label.lower() for label in found.values()}) < len(found):
        raise Stop(f"two voices would be kept under one name ({', '.join(found.values())}): choose another KEEP_AS")
    return found


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:6]


def transcript(told: str, found: reference.Reference, listener, language: str) -> str:
    """What is said in the part that is taken: as told, as recognised ("auto"), or "" when nobody knows.

    Told words are those of the whole recording; where only a part of it is taken they would not fit, so they are left
    out, unless a recogniser can say what is in the part."""
    if told == "auto":
        return listener.heard(found.part, language) if listener is not None else ""
    if told and found.end - found.begin < found.whole.seconds - 1.5:
        if listener is not None:
            return listener.heard(found.part, language)
        print("Only a part of the recording is taken, so TRANSCRIPT does not fit it and is left out.")
        return ""
    return told


def delete(folder: Path, name: str) -> None:
    """Remove a kept voice."""
    import shutil

    shutil.rmtree(folder / "voices" / checked_name(name), ignore_errors=True)
