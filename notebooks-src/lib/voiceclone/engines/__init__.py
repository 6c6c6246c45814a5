"""Engines, one file each: `ABOUT` (its entry, voiceclone.registry), `repos(language)` (what it downloads) and

    load(folders: list[Path], language, device, work) -> Engine

where `folders` are the downloaded repositories in the order of `repos`, `work` a folder to write to. Engines import
their packages inside functions, so that what is not chosen need not be there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy


@dataclass(frozen=True)
class How:
    """How to speak one piece: the seed, steps and guidance where the engine has them (0: its own), and the shortest
    and longest plausible result in seconds."""

    seed: int = 0
    steps: int = 0
    guidance: float = 0.0
    shortest: float = 0.3
    longest: float = 30.0


class Engine(Protocol):
    """A loaded engine."""

    rate: int  # Hz
    dtype: str  # what it computes in

    def voice(self, reference: Path, transcript: str) -> Any:
        """A voice from a mono wav file (and what is said in it, or ""), prepared once for many pieces."""

    def say(self, text: str, voice: Any, how: How) -> numpy.ndarray:
        """(samples,) float32 in -1..1 at `rate`; not marked yet unless the engine does so itself."""
