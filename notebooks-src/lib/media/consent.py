"""Whose voice or face is it, and may it be used? What generates asks for an answer first, and keeps it in its records.

What comes with a notebook is nobody's and needs no answer.
"""

import time
import unicodedata
from dataclasses import asdict, dataclass

from labkit import Stop

GROUNDS = {
    "my own": "own",
    "my own voice": "own",
    "allowed in writing": "permission",
    "free or synthetic": "free",
}


@dataclass(frozen=True)
class Consent:
    """What was stated of a voice or face; it stands in every record. `spoken` holds a spoken consent's check, or {}."""

    whose: str
    ground: str
    stated: str  # UTC
    spoken: dict

    def facts(self) -> dict:
        return asdict(self)


def now() -> str:
    """The time as records have it, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def stated(what: str, whose: str, ground: str, setting: str, grounds: tuple[str, ...]) -> Consent:
    """The consent that a reader states for a voice or face (`what`) that the notebook does not carry itself. `setting`
    asks whose it is, MAY_BE_USED why it may be used, by one of `grounds`. Raises Stop."""
    if not isinstance(whose, str):
        raise Stop(f"a name is given under {setting} as words in quotes, not as {whose!r}")
    whose = "".join(sign for sign in whose if unicodedata.category(sign) not in ("Cf", "Cc"))  # nothing to be seen
    if not _named(whose):
        raise Stop(f"say under {setting} whose {what} this is, under MAY_BE_USED why it may be used; then run again")
    if ground not in grounds:
        known = "', '".join(grounds)
        raise Stop(
            f"say under MAY_BE_USED why the {what} of {whose.strip()} may be used ('{known}'); "
            "without that nothing is generated"
        )
    return Consent(whose.strip(), GROUNDS[ground], now(), {})


def _named(whose: str) -> bool:
    """Whether there is a name in it, and not signs alone."""
    return isinstance(whose, str) and any(sign.isalnum() for sign in whose)


def granted(consent: Consent | None, what: str = "voice") -> Consent:
    """The consent itself; what generates asks for it. Raises Stop without one."""
    if not isinstance(consent, Consent) or not _named(consent.whose) or consent.ground not in GROUNDS.values():
        raise Stop(f"nothing is generated before it is said whose {what} this is and that it may be used")
    return consent
