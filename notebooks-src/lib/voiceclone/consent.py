"""Whose voice is it, and may it be used? Nothing is generated before that is answered.

The voice that comes with the notebook is nobody's and needs no answer. For any other the reader says whose it is and on
what ground it may be used; `voiceclone.spoken` has the person say so aloud.
"""

import re
from collections.abc import Sequence

import numpy
from labkit import Stop
from media import voice
from media.consent import Consent, granted, now, stated
from media.intake import words
from media.sound import Sound

from voiceclone import sound

ANSWERS = ("my own voice", "allowed in writing", "free or synthetic")


def ask(own_voice: bool, whose: str, ground: str) -> Consent:
    """The consent for a voice; `own_voice` is False for the sample that comes with the notebook. Raises Stop."""
    if not own_voice:
        return Consent(voice.WHOSE, "free", now(), {})
    return stated("voice", whose, ground, "WHOSE_VOICE", ANSWERS)


def each(others: Sequence[str], whose: str, ground: str) -> dict[str, Consent]:
    """{speaker: consent} for the speakers whose voices come from recordings ("" is the one of VOICE). For several of
    them `whose` names each: "VOICE = Ada Smith; Ben = Ben Jones (allowed in writing)", with a ground of their own where
    it is another than `ground`. Raises Stop."""
    told = words(whose, "WHOSE_VOICE")
    if len(others) < 2 and "=" not in told:
        return {name: ask(True, told, ground) for name in others}
    named: dict[str, tuple[str, str]] = {}
    for part in told.replace("\n", ";").split(";"):
        name, _, who = part.partition("=")
        if name.strip() in named and part.strip():
            raise Stop(f"WHOSE_VOICE names {name.strip()} twice: one person each")
        own = re.fullmatch(rf"(.*?)\(({'|'.join(ANSWERS)})\)\s*", who)
        named[name.strip()] = (own[1].strip(), own[2]) if own else (who.strip(), ground)
    lacking = [name or "VOICE" for name in others if not named.get(name or "VOICE", ("",))[0]]
    if lacking:
        example = "; ".join(f"{name or 'VOICE'} = ..." for name in others)
        raise Stop(f"say under WHOSE_VOICE of each recording whose voice it is ({', '.join(lacking)}): '{example}'")
    found = {name: ask(True, *named[name or "VOICE"]) for name in others}
    mine = list(dict.fromkeys(one.whose for one in found.values() if one.ground == "own"))
    if len({who.casefold() for who in mine}) > 1:
        raise Stop(
            f"{' and '.join(mine)} cannot both be 'my own voice': say of each under WHOSE_VOICE why it may be used, "
            f"like '... = {mine[1]} (allowed in writing)'"
        )
    return found


def fits(consent: Consent | None, source: str) -> Consent:
    """The consent itself, for a recording with this SHA-256. Raises Stop without one, and when that of the voice that
    comes with the notebook is given for another recording."""
    if granted(consent).whose == voice.WHOSE and source != voice.SHA256:
        raise Stop("this is not the voice that comes with the notebook: say whose it is and that it may be used")
    return consent


def comes_with(part: Sound) -> None:
    """Raise Stop when a kept voice with the sample's consent is no stretch of the sample: of a cut and louder stretch
    the normalised correlation with the whole is 1."""
    from scipy.signal import correlate

    whole = sound.carried().samples.astype(numpy.float64)
    mine = part.samples.astype(numpy.float64)
    found = 0.0
    if part.rate == sound.carried().rate and 0 < len(mine) <= len(whole) and mine.any():
        sums = numpy.concatenate([[0], numpy.cumsum(whole**2)])
        power = (sums[len(mine) :] - sums[: -len(mine)]) * (mine**2).sum()
        found = float((correlate(whole, mine, "valid", "fft") / numpy.sqrt(power + 1e-9)).max())
    if found < 0.95:
        raise Stop("a voice that was kept is not the one that comes with the notebook: make it again, say whose it is")
