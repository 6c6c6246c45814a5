"""Sound in memory, and at another rate."""

from dataclasses import dataclass

import numpy


@dataclass(frozen=True)
class Sound:
    """Mono sound: samples (n,) float32, and their rate in Hz."""

    samples: numpy.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def resample(sound: Sound, rate: int) -> Sound:
    """The same sound at another rate."""
    if rate == sound.rate or not len(sound.samples):
        return Sound(sound.samples, rate)
    import soxr

    return Sound(soxr.resample(sound.samples, sound.rate, rate).astype(numpy.float32), rate)
