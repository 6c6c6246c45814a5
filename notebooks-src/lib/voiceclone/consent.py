"""Whose voice (or face) is it, and may it be used? Nothing is generated before that is answered.

What comes with the notebook is nobody's and needs no answer. For anything else the reader says whose it is and on what
ground it may be used; `voiceclone.spoken` has the person say so aloud. This module needs nothing else of voiceclone.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from labkit import Stop

GROUNDS = {
    "my own voice": "own",
    "allowed in writing": "permission",
    "free or synthetic": "free",
}
SAMPLE = "a synthetic voice (espeak-ng) that comes with this notebook"
SAMPLE_FILE = "dfb23e502dd8491672360bab318db8a274d2c82381a43e52065b3c5a23fe24e2"  # SHA-256 of its recording


@dataclass(frozen=True)
class Consent:
    """What was stated of a voice; it stands in every record. `spoken` holds the check of a spoken consent, or {}."""

    whose: str
    ground: str
    stated: str  # UTC
    spoken: dict

    def facts(self) -> dict:
        return asdict(self)


def ask(own_voice: bool, whose: str, ground: str, spoken: dict | None = None) -> Consent:
    """The consent for a voice; `own_voice` is False for the sample that comes with the notebook. Raises Stop."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if not own_voice:
        return Consent(SAMPLE, "free", now, {})
    if not whose.strip():
        raise Stop(
            "say under WHOSE_VOICE whose voice this is, and under MAY_BE_USED why it may be used; then run again"
        )
    if ground not in GROUNDS:
        known = "', '".join(GROUNDS)
        raise Stop(
            f"say under MAY_BE_USED why the voice of {whose.strip()} may be used ('{known}'); "
            "without that nothing is generated"
        )
    return Consent(whose.strip(), GROUNDS[ground], now, spoken or {})


def each(others: Sequence[str], whose: str, ground: str) -> dict[str, Consent]:
    """{speaker: consent} for the speakers whose voices come from recordings ("" is the one of VOICE). For several of
    them `whose` names each: "VOICE = Ada Smith; Ben = Ben Jones". Raises Stop."""
    if len(others) < 2:
        return {name: ask(True, whose, ground) for name in others}
    named = {}
    for part in whose.replace("\n", ";").split(";"):
        name, _, who = part.partition("=")
        named[name.strip()] = who.strip()
    lacking = [name or "VOICE" for name in others if not named.get(name or "VOICE")]
    if lacking:
        example = "; ".join(f"{name or 'VOICE'} = ..." for name in others)
        raise Stop(f"say under WHOSE_VOICE of each recording whose voice it is ({', '.join(lacking)}): '{example}'")
    return {name: ask(True, named[name or "VOICE"], ground) for name in others}


def granted(consent: Consent | None, source: str = "") -> Consent:
    """The consent itself; what generates asks for it. Raises Stop without one, and when that of the voice that comes
    with the notebook is given for another recording (`source` is the SHA-256 of its file)."""
    if not isinstance(consent, Consent) or not consent.whose.strip() or consent.ground not in GROUNDS.values():
        raise Stop("nothing is generated before it is said whose voice this is and that it may be used")
    if source and consent.whose == SAMPLE and source != SAMPLE_FILE:
        raise Stop("this is not the voice that comes with the notebook: say whose it is and that it may be used")
    return consent
