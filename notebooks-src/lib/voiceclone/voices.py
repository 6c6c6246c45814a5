"""A voice that is kept: the prepared reference, its transcript and the consent, in a folder that any engine can read.

`voices/<name>/voice.wav` and `voice.json`. What an engine makes of it (latents, keys and values) takes a second and
belongs to one engine and version; it is made anew.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop, storage
from media.consent import Consent, granted
from media.sound import Sound

from voiceclone import reference, sound
from voiceclone.consent import fits

FORMAT = 1


@dataclass(frozen=True)
class Prompt:
    """A voice prompt on this disk: mono wav, what is said in it ("" when unknown), and on what ground it is used."""

    name: str
    wav: Path
    transcript: str
    consent: Consent
    quality: dict

    @property
    def digest(self) -> str:
        """SHA-256 of the wav and the transcript: another reference is another voice."""
        return hashlib.sha256(self.wav.read_bytes() + self.transcript.encode()).hexdigest()[:16]

    def sound(self) -> Sound:
        return sound.from_file(self.wav)


def save(folder: Path, name: str, found: reference.Reference, transcript: str, granted: Consent) -> Prompt:
    """Keep a prepared reference as a voice prompt; one of the same name is replaced. Raises Stop."""
    name = checked_name(name)
    fits(granted, found.source)
    place = folder / "voices" / name
    with storage.told(place):
        place.mkdir(parents=True, exist_ok=True)
    wav = sound.write(place / "voice.wav", found.part, {"title": name, "comment": "reference of a voice clone"})
    about = {"format": FORMAT, "name": name, "transcript": transcript.strip(), "consent": granted.facts()}
    storage.write_json(place / "voice.json", {**about, "quality": found.facts(), "sha256": sound.sha256(wav)})
    return Prompt(name, wav, transcript.strip(), granted, found.facts())


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
    granted(agreed)
    return Prompt(about["name"], wav, about["transcript"], agreed, about["quality"])


def kept(folder: Path) -> list[str]:
    """Names of the voices that are kept."""
    return sorted(path.parent.name for path in (folder / "voices").glob("*/voice.json"))


def checked_name(name: str) -> str:
    """A name that is safe for a folder. Raises Stop."""
    name = name.strip()
    if not re.fullmatch(r"[\w-][\w -]{0,39}", name):
        raise Stop(f"'{name[:40]}' is no name for a voice: letters, digits, spaces and - (40 at most)")
    return name


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
    told = told.strip()
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
