"""Sound in memory, and at another rate."""

from dataclasses import dataclass
from pathlib import Path

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


def cut_off(path: Path) -> bool:
    """Whether a wav, mp3 or ogg is shorter than its head says, or has no last page."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(65536)
        file.seek(max(0, size - 66000))
        tail = file.read()
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        at = 12
        while at + 8 <= len(head):
            length = int.from_bytes(head[at + 4 : at + 8], "little")
            if head[at : at + 4] == b"data":
                return length < 0xFFFFFF00 and at + 8 + length > size  # larger: a stream that did not know its length
            at += 8 + length + length % 2
    if head[:4] == b"OggS":
        last = tail.rfind(b"OggS")
        return last >= 0 and not tail[last + 5] & 4  # the flag of a stream's last page (RFC 3533)
    for name in (b"Xing", b"Info"):
        at = head.find(name)
        if at >= 0 and (head[:3] == b"ID3" or head[0] == 0xFF) and head[at + 7] & 2:  # bytes are told as well
            length = int.from_bytes(head[at + 12 : at + 16] if head[at + 7] & 1 else head[at + 8 : at + 12], "big")
            return 0 < size < 0.98 * length
    return False
