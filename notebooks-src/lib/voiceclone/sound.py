"""Sound on disk and in memory: read what people have, one rate, one loudness, joined without clicks, written with tags.

In memory sound is `media.sound.Sound`: float32 mono, -1..1. Loudness is in LUFS (ITU-R BS.1770, by pyloudnorm).
"""

import base64
import io
import math
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy
from disk import sealed
from labkit import Stop, storage
from media import voice
from media.sound import Sound

RATE = 48000  # Hz of what is given out
PAUSE = 0.15  # seconds between two sentences
LOUDNESS = -19.0  # LUFS of what is given out: mono speech as loud as stereo at -16, usual for podcasts; a choice
_AT_ONCE = 300.0  # seconds whose loudness is measured at once
PEAK = 10 ** (-1.0 / 20)  # no sample above -1 dBFS: room for what mp3 adds
_FADE = 0.005  # seconds at each end of a piece
_FLOOR = 10 ** (-45 / 20)  # what is this far below a piece's peak, at its ends, is silence


def read(path: Path, most: float = 600.0) -> tuple[numpy.ndarray, int]:
    """(frames, channels) float32 and the rate in Hz of a sound file, at most so many seconds of it. Whatever soundfile
    cannot open (m4a, webm, a video) goes through ffmpeg. Raises Stop when it is no sound."""
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise Stop(f"there is no file {path}: give the path of a recording, or upload one")
    try:
        with soundfile.SoundFile(path) as file:
            return file.read(int(most * file.samplerate), dtype="float32", always_2d=True), file.samplerate
    except (soundfile.SoundFileError, RuntimeError):
        with tempfile.TemporaryDirectory() as folder:
            decoded = Path(folder, "decoded.wav")
            _ffmpeg(path, "-t", f"{most:g}", "-vn", decoded, what=f"{path.name} is no recording that can be opened")
            with soundfile.SoundFile(decoded) as file:
                return file.read(dtype="float32", always_2d=True), file.samplerate


def _ffmpeg(source: Path, *arguments, what: str) -> None:
    """Run ffmpeg on a file. Raises Stop that begins with `what`."""
    try:
        import imageio_ffmpeg

        program = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise Stop(
            f"{what}, and ffmpeg is not here (pip install imageio-ffmpeg); wav, mp3 and flac need none"
        ) from None
    command = [program, "-v", "error", "-nostdin", "-y", "-i", str(source), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Stop(f"{what}: use wav, mp3, m4a, flac or ogg")


def loudness(sound: Sound) -> float:
    """LUFS; minus infinity for silence, and for less than the 0.4 s that one block of the measure takes. What is longer
    than _AT_ONCE is measured in stretches, whose powers are averaged: the whole would take 2.5 GB an hour."""
    if sound.seconds < 0.4 or not sound.samples.any():
        return float("-inf")
    import pyloudnorm

    meter, size = pyloudnorm.Meter(sound.rate), int(_AT_ONCE * sound.rate)
    starts = range(0, max(1, len(sound.samples) - size // 2), size)  # a short rest goes to the stretch before it
    parts = [sound.samples[i : None if i == starts[-1] else i + size] for i in starts]
    found = [(len(part), meter.integrated_loudness(part.astype(numpy.float64))) for part in parts if part.any()]
    heard = [(length, 10 ** (level / 10)) for length, level in found if math.isfinite(level)]
    power = sum(length * level for length, level in heard) / max(1, sum(length for length, _ in heard))
    return 10 * math.log10(power) if power > 0 else float("-inf")


def at_loudness(sound: Sound, lufs: float = LOUDNESS) -> Sound:
    """The sound at this loudness, single peaks held below PEAK, by 6 dB at most; silence stays as it is."""
    now = loudness(sound)
    if not math.isfinite(now):
        return sound
    peak = float(numpy.abs(sound.samples).max())
    return limited(Sound(sound.samples * numpy.float32(min(10 ** ((lufs - now) / 20), 2 * PEAK / peak)), sound.rate))


def limited(sound: Sound) -> Sound:
    """No sample above PEAK: the gain goes down 2.5 ms before a peak and comes back 2.5 ms after it."""
    level = numpy.abs(sound.samples)
    if float(level.max(initial=0.0)) <= PEAK:
        return sound
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    half = int(0.0025 * sound.rate) | 1  # two means of this width reach as far as the minimum before them
    gain = minimum_filter1d(numpy.minimum(1.0, PEAK / numpy.maximum(level, 1e-9)), 2 * half + 1)
    smooth = uniform_filter1d(uniform_filter1d(gain, half), half)
    return Sound((sound.samples * smooth).astype(numpy.float32), sound.rate)


def faster(sound: Sound, factor: float) -> Sound:
    """The sound so many times as fast (0.5 to 2), its pitch kept, by ffmpeg's atempo. Raises Stop."""
    if abs(factor - 1) < 1e-3:
        return sound
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.wav"), Path(folder, "after.wav")
        soundfile.write(before, sound.samples, sound.rate, subtype="FLOAT")
        told = "the speed cannot be changed"
        _ffmpeg(before, "-filter:a", f"atempo={factor:g}", "-c:a", "pcm_f32le", after, what=told)
        samples, rate = soundfile.read(after, dtype="float32")
    return Sound(samples, rate)


def trimmed(sound: Sound) -> Sound:
    """Without the silence at both ends (20 ms of it stay) and without a constant part, the ends faded: no clicks."""
    sound = Sound(sound.samples - sound.samples.mean(), sound.rate) if len(sound.samples) else sound
    level = numpy.abs(sound.samples)
    loud = numpy.flatnonzero(level > level.max(initial=0.0) * _FLOOR)
    if not len(loud):
        return sound
    room = int(0.02 * sound.rate)
    return soft(Sound(sound.samples[max(0, loud[0] - room) : loud[-1] + 1 + room], sound.rate))


def soft(sound: Sound) -> Sound:
    """The sound with its ends faded, 5 ms each: it begins and ends at 0."""
    kept = sound.samples.copy()
    ramp = numpy.linspace(0, 1, min(int(_FADE * sound.rate), len(kept) // 2), dtype=numpy.float32)
    kept[: len(ramp)] *= ramp
    kept[len(kept) - len(ramp) :] *= ramp[::-1]
    return Sound(kept, sound.rate)


class Track:
    """Where the pieces of a recording go, one after the other, and none over another. Pieces without a time follow
    each other with a pause between; those with one begin then, or when the piece before has ended."""

    def __init__(self, rate: int = RATE):
        self.rate, self.end = rate, 0  # frames so far
        self._pause, self._begin = 0.0, None

    def put(self, length: int, pause: float = PAUSE, begin: float | None = None) -> int:
        """The frame at which a piece of so many frames begins; `pause` are the seconds behind it, `begin` those at
        which it is due. What has the same time as the piece before (one long subtitle) follows it after PAUSE."""
        if begin is None:
            spot = self.end + int(self._pause * self.rate)
        else:
            due = self.end + int(PAUSE * self.rate) if begin == self._begin else int(begin * self.rate)
            spot = max(due, self.end)
        self._pause, self._begin, self.end = pause, begin, spot + length
        return spot


def laid(pieces: Sequence[Sound], spots: Sequence[int]) -> Sound:
    """The pieces at these frames, silence between."""
    out = numpy.zeros(max(spot + len(piece.samples) for piece, spot in zip(pieces, spots, strict=True)), numpy.float32)
    for piece, spot in zip(pieces, spots, strict=True):
        out[spot : spot + len(piece.samples)] = piece.samples
    return Sound(out, pieces[0].rate)


def write(path: Path, sound: Sound, tags: dict[str, str] | None = None) -> Path:
    """A wav (16 bit) or mp3 file by the path's ending, whole or not at all, with the tags that such files have (title,
    artist, comment, software, date). Raises Stop."""
    import soundfile

    with storage.whole(path) as part:
        try:
            with encoder(part, sound.rate, path.suffix, tags or {}) as file:
                for begin in range(0, len(sound.samples), 60 * sound.rate):  # no second hour in memory
                    file.write(numpy.clip(sound.samples[begin : begin + 60 * sound.rate], -1, 1))
        except soundfile.SoundFileError as error:  # its own error for a full disk has no number
            raise OSError(28, f"the sound was not written: {error}", str(path)) from None
    return path


def encoder(path: Path, rate: int, suffix: str, tags: dict[str, str]):
    """An open soundfile.SoundFile for mono sound, its tags set; raises what soundfile raises."""
    import soundfile

    kind, subtype = ("MP3", "MPEG_LAYER_III") if suffix == ".mp3" else ("WAV", "PCM_16")
    file = soundfile.SoundFile(path, "w", rate, 1, subtype, format=kind)
    for name, value in tags.items():
        setattr(file, name, value)
    return file


def from_file(path: Path) -> Sound:
    """A mono file that was written here."""
    samples, rate = read(path, most=36000)
    return Sound(samples.mean(axis=1), rate)


@cache
def carried() -> Sound:
    """The voice that the notebook carries: clean speech without a mark."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(voice.DATA)), dtype="float32")
    return Sound(samples, rate)


def sha256(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    return sealed.hashed(path)[1]


def stretch(path: Path, begin: float, seconds: float) -> Sound:
    """So many seconds of a mono file that was written here, from `begin` on."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        file.seek(min(int(begin * file.samplerate), file.frames))
        return Sound(file.read(int(seconds * file.samplerate), dtype="float32"), file.samplerate)
