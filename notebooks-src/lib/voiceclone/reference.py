"""Is this recording good enough to clone from, and which seconds of it? Judged before anything is downloaded.

What cannot work is a Stop of one sentence; what will cost quality is a remark, and the work goes on.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy
from labkit import Stop
from media.sound import Sound, cut_off

from voiceclone import sound, speaker

LOUDNESS = -23.0  # LUFS of what engines hear (EBU R128's level)
_FRAME = 0.02  # seconds
_SILENT = 40.0  # dB below the loud frames
_LOWEST = 8000  # samples a second: a telephone's; below that speech is hardly understood
_LOUDEST = 1e6  # a sample is -1 to 1; 16-bit numbers that were never divided are up to 32768
_LONGEST = 600.0  # seconds of a recording that are looked at
_CLEAN = 30.0  # dB over the noise around: above that it is not heard
_TELEPHONE = 4200.0  # Hz: what an 8 kHz recording can hold, and a little


@dataclass(frozen=True)
class Quality:
    """What was measured: seconds, Hz, channels, the highest frequency with sound (Hz), speech over noise (dB, at most
    60), shares (0..1) of clipped samples, of silence and of frames that are as uneven as speech is, likely voices."""

    seconds: float
    rate: int
    channels: int
    bandwidth: float
    snr: float
    clipped: float
    silent: float
    uneven: float
    voices: int


@dataclass(frozen=True)
class Reference:
    """A recording and its best part: `part` is mono at LOUDNESS, seconds `begin` to `end` of `whole`; `source` is the
    SHA-256 of the file."""

    whole: Sound
    part: Sound
    begin: float
    end: float
    quality: Quality
    remarks: tuple[str, ...]
    source: str

    def facts(self) -> dict:
        """What goes into a record."""
        return {**asdict(self.quality), "begin": round(self.begin, 2), "end": round(self.end, 2)}


def prepare(path: Path, least: float = 3.0, most: float = 15.0) -> Reference:
    """Read, judge and cut a recording for an engine that wants `least` to `most` seconds. Raises Stop."""
    frames, rate = sound.read(path, most=_LONGEST)
    name = Path(path).name
    if not numpy.isfinite(frames).all() or float(numpy.abs(frames).max(initial=0.0)) > _LOUDEST:
        raise Stop(
            f"{name} is damaged (samples in it are no numbers of a sound): export it again, or give another recording"
        )
    if rate < _LOWEST:
        raise Stop(f"{name} has {rate} samples a second, and a voice needs at least {_LOWEST}: record again")
    whole = Sound(_mono(frames), rate)
    if whole.seconds < least:
        raise Stop(f"{name} has {_floor(whole.seconds)} s and at least {least:g} s of speech are needed: record more")
    if float(numpy.abs(whole.samples).max(initial=0.0)) < 1e-3:
        raise Stop(f"{name} is silent: check the microphone, or give another recording")
    level = _levels(whole)
    talk = _talking(level)
    begins, embedded = speaker.windows(whole, talk, _FRAME)
    labels = speaker.groups(embedded)
    quality = _measure(whole, frames, level, talk, 1 + int(labels.any()))
    if talk.mean() * whole.seconds < min(least, 2.0):
        raise Stop(f"{name} is almost silent: {talk.mean() * whole.seconds:.1f} s of sound in {whole.seconds:.0f} s")
    if quality.uneven < _MUSIC:
        raise Stop(f"{name} sounds like music or a steady noise, not like speech: give a voice alone")
    mine = _of_main_voice(len(level), begins, labels)
    begin, end = _best(level, talk & mine, most)
    part = sound.at_loudness(sound.trimmed(Sound(whole.samples[int(begin * rate) : int(end * rate)], rate)), LOUDNESS)
    if part.seconds < least:
        raise Stop(f"{name} holds only {_floor(part.seconds)} s of one voice in one piece, and {least:g} s are needed")
    cut = ["its file breaks off, the end is missing"] if cut_off(Path(path)) else []
    return Reference(whole, part, begin, end, quality, (*cut, *_remarks(quality)), sound.sha256(path))


def _floor(seconds: float) -> str:
    """Tenths of a second, never more than there are: 2.99 s are not 3.0."""
    return f"{int(seconds * 10) / 10:.1f}"


def _mono(frames: numpy.ndarray) -> numpy.ndarray:
    """(samples,) float32: the channels' mean, or the loudest channel where they cancel each other out; without the
    constant part that a bad microphone adds."""
    if not len(frames):
        return numpy.zeros(0, numpy.float32)
    power, mono = frames.var(axis=0), frames.mean(axis=1)
    if mono.var() < 0.1 * power.max():
        mono = frames[:, int(power.argmax())]
    constant = float(mono.mean(dtype=numpy.float64))
    return numpy.ascontiguousarray(mono - numpy.float32(constant) if abs(constant) > 0.1 * float(mono.std()) else mono)


def _levels(given: Sound) -> numpy.ndarray:
    """(frames,) loudness in dB of each 20 ms."""
    size = int(_FRAME * given.rate)
    count = len(given.samples) // size
    power = (given.samples[: count * size].reshape(count, size).astype(numpy.float64) ** 2).mean(axis=1)
    return 10 * numpy.log10(power + 1e-12)


def _talking(level: numpy.ndarray) -> numpy.ndarray:
    """(frames,) bool: not silent."""
    return level > max(numpy.percentile(level, 95) - _SILENT, -70.0)


_MUSIC = 0.12  # espeak's clips 0.36 to 0.5, chords and beats made for the test 0.0 to 0.05 (2026-11-20)


def _measure(whole: Sound, frames: numpy.ndarray, level: numpy.ndarray, talk: numpy.ndarray, voices: int) -> Quality:
    power = 10 ** (level / 10)
    noise = max(numpy.percentile(power, 5), 1e-12)
    speech = power[level > numpy.percentile(level, 50)].mean()
    # speech: many frames far below the mean of the second around them (Scheirer and Slaney 1997, low-energy frames)
    around = numpy.convolve(power**0.5, numpy.ones(51) / 51, mode="same")
    near = numpy.convolve(talk, numpy.ones(51), mode="same") >= 5  # long silence around speech says nothing of it
    uneven = float((power**0.5 < 0.5 * around)[near].mean()) if near.any() else 0.0
    return Quality(
        seconds=round(whole.seconds, 2),
        rate=whole.rate,
        channels=frames.shape[1],
        bandwidth=_bandwidth(whole),
        snr=round(float(min(60.0, 10 * numpy.log10(max(speech - noise, 1e-12) / noise))), 1),
        clipped=_clipped(frames),
        silent=round(float(1 - talk.mean()), 3),
        uneven=round(uneven, 3),
        voices=voices,
    )


def _bandwidth(whole: Sound) -> float:
    """Hz below which all but a thousandth of the mean spectrum's power lies, on a scale that favours high sounds."""
    size = 2048
    count = min(400, len(whole.samples) // size)
    step = len(whole.samples) // max(count, 1)
    rows = numpy.stack([whole.samples[i * step : i * step + size] for i in range(count)])
    spectrum = numpy.abs(numpy.fft.rfft(rows * numpy.hanning(size))).mean(axis=0)
    loud = numpy.flatnonzero(spectrum > spectrum.max() * 10 ** (-60 / 20))
    return float(round(loud[-1] * whole.rate / size)) if len(loud) else 0.0


def _clipped(frames: numpy.ndarray) -> float:
    """Share of samples in flat tops: three or more in a row at the very peak of a loud recording."""
    worst = 0.0
    for channel in frames.T:
        peak = numpy.abs(channel).max(initial=0.0)
        if peak < 0.5:
            continue
        top = numpy.abs(channel) > 0.998 * peak
        run = top[:-2] & top[1:-1] & top[2:]
        worst = max(worst, float(run.mean()))
    return round(worst, 5)


def _of_main_voice(count: int, begins: numpy.ndarray, labels: numpy.ndarray) -> numpy.ndarray:
    """(frames,) bool: where the voice is heard that is heard most."""
    if not labels.any():
        return numpy.ones(count, bool)
    main = int(numpy.bincount(labels).argmax())
    out = numpy.zeros(count, bool)
    for begin, label in zip(begins, labels, strict=True):
        if label == main:
            out[int((begin + 0.4) / _FRAME) : int((begin + 1.2) / _FRAME) + 1] = True
    for begin, label in zip(begins, labels, strict=True):  # where both are heard in one window, neither is sure
        if label != main:
            out[int((begin + 0.2) / _FRAME) : int((begin + 1.4) / _FRAME) + 1] = False
    return out


def _best(level: numpy.ndarray, good: numpy.ndarray, most: float) -> tuple[float, float]:
    """Seconds of the window with most good speech over noise, begun and ended in a pause where there is one."""
    length = min(len(level), int(most / _FRAME))
    worth = numpy.clip((level - _noise(level)) / _CLEAN, 0, 1) + (level - level.max()) / 200  # of two clean: the louder
    sums = numpy.concatenate([[0], numpy.cumsum(good * worth)])
    scores = sums[length:] - sums[:-length]
    begin = int(numpy.argmax(scores))
    end = begin + length
    inside = numpy.flatnonzero(good[begin:end])  # another voice at an end is cut off
    begin, end = begin + int(inside[0]), begin + int(inside[-1]) + 1
    if end < len(level) - 1:
        end -= _pause(level[begin:end][::-1])
    if begin > 0:
        begin += _pause(level[begin:end])
    return begin * _FRAME, min(len(level), end) * _FRAME


def _noise(level: numpy.ndarray) -> numpy.ndarray:
    """(frames,) dB of the noise around each frame: the quiet frames (a tenth) of the 4 s around it."""
    from scipy.ndimage import percentile_filter

    return percentile_filter(level, 10, min(len(level), int(4 / _FRAME)), mode="nearest")


def _pause(level: numpy.ndarray) -> int:
    """Frames until the first pause of 0.1 s in the first 3 s, at most a third; else until the quietest of 0.5 s."""
    near = level[: min(int(3 / _FRAME), len(level) // 3)]
    quiet = (near < numpy.percentile(level, 95) - _SILENT).astype(int)
    run = numpy.convolve(quiet, numpy.ones(5, int), mode="valid") if len(quiet) >= 5 else quiet[:0]
    if (run == 5).any():
        return int(numpy.argmax(run == 5)) + 3
    return int(numpy.argmin(level[: int(0.5 / _FRAME)]))


def _remarks(quality: Quality) -> list[str]:
    said = []
    if quality.seconds >= _LONGEST:
        said.append(f"it is long: only its first {_LONGEST / 60:.0f} minutes were looked at")
    if quality.voices > 1:
        said.append("two voices seem to speak: the part is taken from the one that is heard most; listen to it")
    if quality.bandwidth < _TELEPHONE or quality.rate <= 8000:
        said.append("it sounds like a telephone (nothing above 4 kHz): the clone will sound so, too")
    if quality.clipped > 0.001:
        said.append(f"it is clipped ({quality.clipped:.1%} of it): record again at a lower level")
    if quality.snr < 20:
        said.append(
            f"it is noisy ({quality.snr:.0f} dB of speech over noise, 25 and more is good): the noise is cloned, too"
        )
    if quality.silent > 0.5:
        said.append(f"more than half of it is silence ({quality.silent:.0%})")
    if quality.channels > 1:
        said.append(f"its {quality.channels} channels were mixed to one")
    return said
