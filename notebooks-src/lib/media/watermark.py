"""Perth's inaudible mark on every result, read back each time.

Perth works at 32 kHz and marks frequencies below 2 kHz. So only its *difference* is taken over, raised to 48 kHz and
added: what lies above 16 kHz stays, and so does the length (Perth's own result is a little shorter).
"""

from functools import cache

import numpy
from labkit import Stop

from media import shims
from media.sound import Sound, resample

RATE = 32000  # Hz, perth_net/pretrained/implicit/hparams.yaml of resemble-perth 1.0.1
SHORTEST = 1.0  # seconds that are needed to read a mark reliably
FOUND = 0.5  # of 0..1: the reader gives 1.0 for a marked sound and 0.0 for clean speech; for noise anything between

ON = "on"
OFF = "off: I say myself, wherever I use it, that a machine made it"


def wanted(choice: str) -> bool:
    """Whether results are to be marked: ON, or OFF word by word, which is the acknowledgement. Raises Stop."""
    if choice not in (ON, OFF):
        raise Stop(f"the watermark is '{ON}', or it is turned off with the whole sentence '{OFF}'; not '{choice}'")
    return choice == ON


@cache
def _perth():
    """The watermarker, on the card where there is one. Raises RuntimeError when perth has none."""
    shims.torchaudio()
    import torch

    with shims.pkg_resources(), shims.quiet():
        import perth

        if perth.PerthImplicitWatermarker is None:
            raise RuntimeError("perth cannot load its watermarker: its parts are not all here")
        return perth.PerthImplicitWatermarker(device="cuda" if torch.cuda.is_available() else "cpu")


def ready() -> None:
    """Load what marks and reads, so that it is there when it is needed. Building it draws random numbers: it must not
    happen while an engine speaks from a seed."""
    _perth()


_proved: list[tuple[float, float]] = []


def proved(speech: Sound) -> tuple[float, float]:
    """What is read from two seconds of clean speech before they are marked, and after; done once a session. A mark that
    is read from a result says little where the reader finds one in any noise, and nothing where marking did nothing:
    here it is seen that both work. Raises Stop when they do not."""
    if not _proved:
        clean = Sound(speech.samples[: 2 * speech.rate], speech.rate)
        before, after = found(clean), found(marked(clean))
        if before >= 0.1 or after <= 0.9:
            raise Stop(f"the watermark does not work here: it is read as {before:.2f} in a sound that has none and as "
                       f"{after:.2f} in a marked one; run the setup cell again")  # fmt: skip
        _proved.append((before, after))
    return _proved[0]


def marked(sound: Sound) -> Sound:
    """The sound with the mark added; of the same length and rate."""
    import torch

    low = resample(sound, RATE).samples
    if len(low) < 2048:  # shorter than one window of Perth's
        return sound
    with torch.inference_mode():
        after = _perth().apply_watermark(low, sample_rate=RATE)
    change = numpy.zeros(len(low), numpy.float32)
    change[: len(after)] = after[: len(low)] - low[: len(after)]
    change = resample(Sound(change, RATE), sound.rate).samples
    out = sound.samples.copy()
    out[: len(change)] += change[: len(out)]
    return Sound(out, sound.rate)


def found(sound: Sound) -> float:
    """How surely the mark is in the sound, 0 to 1."""
    import torch

    low = resample(sound, RATE).samples
    if len(low) < 2048 or not numpy.any(low):
        return 0.0
    with torch.inference_mode():
        read = _perth().get_watermark(low, sample_rate=RATE, round=False)
    return float(numpy.mean(read))
