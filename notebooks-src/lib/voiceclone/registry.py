"""The engines: what each is, may be used for, needs and speaks. An engine is one file in `voiceclone/engines`, with its
entry here as `ABOUT`; it is found by being there.

Licences, gates and sizes were read on the day that each entry names, and change: a weight licence that was free in
spring was not in summer (OmniVoice, 2026).
"""

import importlib
import pkgutil
from dataclasses import dataclass

from labkit import Stop
from media.intake import words
from session.weights import UNVERIFIED

SLOW = 3.0  # real-time factor above which another engine is advised; VoxCPM2 on a T4 was not measured


@dataclass(frozen=True)
class Repo:
    """What of a hub repository is downloaded; GB of 1e9 bytes. `revision` is a commit, or "unverified"."""

    id: str
    patterns: tuple[str, ...]
    gb: float
    revision: str = UNVERIFIED


@dataclass(frozen=True)
class About:
    """One engine. `gpu_gb` and `ram_gb` are what it takes while it speaks; `rtf` is (seconds of work per second of
    speech, on what, who says so); `reference` the seconds of a voice that it wants, at least and at most."""

    name: str
    title: str
    package: str
    code_licence: str
    weight_licence: str
    sell: str
    gated: bool
    terms: str  # what its publisher forbids, in our words
    languages: tuple[str, ...]  # ISO 639-1
    gpu_gb: float
    ram_gb: float
    rate: int  # Hz of what it gives
    reference: tuple[float, float]
    wants_transcript: bool
    rtf: tuple[float, str, str]
    checked: str  # the day when all this was read


def engines() -> dict[str, About]:
    """{name: entry} of every engine that is here, in the order in which they are tried."""
    from voiceclone import engines as package

    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    found = [importlib.import_module(f"voiceclone.engines.{name}").ABOUT for name in names]
    return {about.name: about for about in sorted(found, key=lambda about: (-about.gpu_gb, about.name))}


def module(name: str):
    """An engine's module: `repos(language)` and `load(...)`, see voiceclone.engines."""
    return importlib.import_module(f"voiceclone.engines.{name}")


def describe(about: About, language: str) -> str:
    """What a reader should know before anything is downloaded, in a few short lines."""
    gate = "gated: its terms must be accepted on its page, and HF_TOKEN set" if about.gated else "not gated"
    repos = module(about.name).repos(language)
    ask = f"{about.rtf[0]:g} s of work per second of speech ({about.rtf[1]}; {about.rtf[2]})"
    return "\n".join(
        (
            f"{about.title}: code {about.code_licence}, weights {about.weight_licence}; {gate}. "
            f"Checked {about.checked}.",
            f"  May you sell the result? {about.sell}. Forbidden by its publisher: {about.terms}.",
            f"  {len(about.languages)} languages; {sum(r.gb for r in repos):.1f} GB to download, "
            f"{about.gpu_gb:g} GB of GPU memory or {about.ram_gb:g} GB of RAM; {ask}.",
        )
    )


def choose(asked: str, language: str, gpu_gb: float, ram_gb: float | None, token: bool, torchaudio: bool) -> About:
    """The engine that is asked for, or with "auto" the first that fits: VoxCPM2 where the card holds it, Chatterbox on
    a smaller one; without a card Pocket TTS where there is a token for its gate. Raises Stop."""
    known, asked = engines(), words(asked, "ENGINE").strip().lower()
    if asked != "auto":
        if asked not in known:
            raise Stop(f"there is no engine '{asked}'; choose auto or one of {', '.join(known)}")
        if asked == "chatterbox" and not torchaudio:
            raise Stop("Chatterbox needs torchaudio, which is not here: choose another engine, or install it")
        return speaks(known[asked], language)
    ram = ram_gb if ram_gb is not None else 16.0
    if gpu_gb:
        fits = [about for about in known.values() if about.gpu_gb <= gpu_gb and (about.name != "pocket" or token)]
    else:
        order = ("pocket", "chatterbox", "voxcpm2")
        fits = [known[name] for name in order if known[name].ram_gb <= ram and (name != "pocket" or token)]
    fits = [about for about in fits if about.name != "chatterbox" or torchaudio]
    able = [about for about in fits if language in about.languages]
    if able:
        return able[0]
    if fits:
        speaks(fits[0], language)
    raise Stop(
        f"no engine fits here ({gpu_gb:.0f} GB of GPU memory, {ram:.0f} GB of RAM): take a GPU session, or set "
        "HF_TOKEN and accept the terms of Pocket TTS, which needs neither"
    )


def speaks(about: About, language: str) -> About:
    """The engine, if it speaks the language. Raises Stop that names who does."""
    if language in about.languages:
        return about
    others = [other.title for other in engines().values() if language in other.languages]
    hint = f"; {' and '.join(others)} can: choose it under ENGINE" if others else "; no engine here does"
    raise Stop(f"{about.title} does not speak '{language}'{hint}. It speaks {', '.join(about.languages)}")


def advice(about: About, factor: float | None, language: str) -> str:
    """What to try where an engine is slower than SLOW, from the factor that was measured; "" where nothing is."""
    other = engines()["chatterbox"]
    if factor is None or factor <= SLOW or about.name == other.name or language not in other.languages:
        return ""
    return f"{about.title} is slow here ({factor:.1f} s of work per second of speech): try ENGINE = '{other.name}'"
