"""Speech: whatever PyAV can open becomes mono sound on the disk, at 16 kHz for the model and 48 kHz for the film.

Samples are int16 in plain files that are read piece by piece: an hour costs no memory. Levels and the silence gate are
25 numbers a second.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy
from labkit import Stop, storage
from media.sound import cut_off

from lipsync import FPS, video

RATE, RATE_OUT = 16000, 48000  # Hz: what Whisper hears, what the film carries
SHORTEST = 0.2  # seconds
SILENT = -60.0  # dBFS: a recording whose loudest 40 ms stay below is silent
RAMP = 2  # frames (80 ms) in which the gate opens and closes
HELD = 5  # frames: shorter pauses keep the mouth moving


@dataclass(frozen=True)
class Speech:
    """A prepared speech: raw int16 files at 16 and 48 kHz, samples at 16 kHz, and what it came from."""

    source: Path
    low: Path
    high: Path
    samples: int
    digest: str
    file: str = ""  # hash of the file
    remarks: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return self.samples / RATE

    @property
    def frames(self) -> int:
        """Frames of the film: floor(seconds x 25), and at least one."""
        return max(1, self.samples * FPS // RATE)

    def read(self, begin: int, end: int) -> numpy.ndarray:
        """Samples begin..end - 1 at 16 kHz, float32 in -1..1; fewer at the end."""
        count = max(0, min(end, self.samples) - begin)
        found = numpy.fromfile(self.low, numpy.int16, count, offset=2 * begin)
        return found.astype(numpy.float32) / 32768


def prepare(path: Path, folder: Path, most: float = 0.0) -> Speech:
    """Decode a sound file, or a video's sound, into `folder`; at most so many seconds of it (0: all). Raises Stop for
    what is no sound, is damaged, too short or silent."""
    import av

    path = Path(path)
    if not path.is_file():
        raise Stop(f"there is no file {path}: give the path of the speech, or upload it")
    name = f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    low, high = folder / f"{name}-16k.s16", folder / f"{name}-48k.s16"
    with storage.told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        made = _decode(path, low, high, most)
        if made.samples >= SHORTEST * RATE and levels(made).max() < SILENT:
            made = _decode(path, low, high, most, one=True)  # channels that are each other's opposite add up to nothing
            made = replace(made, remarks=(*made.remarks, "its channels cancel each other out: the first is taken"))
    except av.FFmpegError as error:
        raise Stop(
            f"{path.name} is no sound that can be opened ({error.strerror}): use wav, mp3, m4a, ogg or a video"
        ) from None
    if made.samples < SHORTEST * RATE:
        raise Stop(f"{path.name} holds {made.seconds:.2f} s of sound: there is nothing to speak")
    if levels(made).max() < SILENT:
        raise Stop(f"{path.name} is silent (never above {SILENT:g} dBFS): there is nothing to speak")
    return made


def _decode(path: Path, low: Path, high: Path, most: float, one: bool = False) -> Speech:
    """Write both raw files, of the mean of all channels or of `one` alone. Raises Stop for a file that has no sound or
    is damaged, FFmpegError for one that cannot be opened."""
    import av

    remarks = []

    with av.open(str(path)) as container, storage.whole(low) as a, storage.whole(high) as b:
        if not container.streams.audio:
            raise Stop(f"{path.name} has no sound: give the speech as a file of its own")
        with open(a, "wb") as first, open(b, "wb") as second:
            outs, seen, stream = [], 0.0, container.streams.audio[0]
            known, waits = video.lasting(container, stream), _late(container, stream)
            frames = container.decode(stream)
            while not most or seen < most:
                try:
                    frame = next(frames, None)
                except av.FFmpegError as error:
                    if not seen:
                        raise
                    told = f"{path.name} is damaged after {seen:.1f} s ({error.strerror})"
                    raise Stop(f"{told}: convert it anew") from None
                if frame is None:
                    break
                outs = outs or [
                    _resampled(frame.sample_rate, rate, file) for rate, file in ((RATE, first), (RATE_OUT, second))
                ]
                sound = _mono(frame, one)
                if waits:  # a video whose sound begins later: it stays in step with its picture
                    sound = numpy.concatenate([numpy.zeros(round(waits * frame.sample_rate), numpy.float32), sound])
                    seen, known, waits = seen + waits, known and known + waits, 0.0
                seen += frame.samples / frame.sample_rate
                for write in outs:
                    write(sound)
            remarks += _cut(path, seen, known, most, _more(frames) if most and seen >= most else None)
            for write in outs:
                write(numpy.zeros(0, numpy.float32), True)
        for file, rate in ((a, RATE), (b, RATE_OUT)):
            if most and file.stat().st_size > 2 * int(most * rate):
                with open(file, "r+b") as cut:
                    cut.truncate(2 * int(most * rate))
        return Speech(path, low, high, a.stat().st_size // 2, video.digest(a), video.digest(path), tuple(remarks))


def _late(container, stream) -> float:
    """Seconds by which a video's sound begins after its picture; at most a minute, 0 for what has no picture."""
    if not container.streams.video or stream.start_time is None or container.streams.video[0].start_time is None:
        return 0.0
    picture = container.streams.video[0]
    late = float(stream.start_time * stream.time_base - picture.start_time * picture.time_base)
    return late if 0.02 < late < 60 else 0.0


def _more(frames):
    """The next frame, None where there is none that can be read."""
    import av

    try:
        return next(frames, None)
    except av.FFmpegError:
        return None


def _cut(path: Path, seen: float, known: float, most: float, more) -> list[str]:
    """What is to be said of a speech that is not used, or not there, to its end. `seen` seconds were read, `known` is
    what the file's head says, 0 for nothing."""
    if most and (more is not None or seen > most + 0.05):
        of = f" of {known:.1f} s" if known > most else ""
        return [f"the first {most:g} s{of} of the speech are used: SECONDS says how many"]
    if known > seen + 0.2:
        return [f"the speech breaks off: of {known:.1f} s that it should have, {seen:.1f} s are there"]
    return ["the speech breaks off: its file's end is missing"] if cut_off(path) else []


def _resampled(rate: int, wanted: int, file):
    """A function that takes mono sound piece by piece and writes it into `file` at another rate, as int16."""
    import soxr

    stream = soxr.ResampleStream(rate, wanted, 1, "float32")

    def write(sound: numpy.ndarray, last: bool = False) -> None:
        made = stream.resample_chunk(sound, last=last)
        file.write((numpy.clip(made, -1, 32767 / 32768) * 32768).round().astype("<i2").tobytes())

    return write


def _mono(frame, one: bool = False) -> numpy.ndarray:
    """The mean of a decoded frame's channels, or the first `one`, float32 in -1..1; whatever their layout is called,
    or not called."""
    sound = frame.to_ndarray()
    if not frame.format.is_planar:
        sound = sound.reshape(-1, frame.layout.nb_channels).T
    if sound.dtype == numpy.uint8:
        sound = (sound.astype(numpy.float32) - 128) / 128
    elif sound.dtype.kind == "i":
        sound = sound.astype(numpy.float32) / -float(numpy.iinfo(sound.dtype).min)
    return numpy.ascontiguousarray(sound[0] if one else sound.mean(0), numpy.float32)


def levels(speech: Speech) -> numpy.ndarray:
    """Loudness of each frame, (frames,) float32: root mean square of its 40 ms, in dBFS, never below -100."""
    hop, out = RATE // FPS, numpy.full(speech.frames, -100.0, numpy.float32)
    for begin in range(0, speech.frames, 1000):
        sound = speech.read(begin * hop, (begin + 1000) * hop)
        rows = numpy.pad(sound, (0, -len(sound) % hop)).reshape(-1, hop)
        power = numpy.sqrt(numpy.mean(rows.astype(numpy.float64) ** 2, 1))
        found = 20 * numpy.log10(numpy.maximum(power, 1e-5))
        out[begin : begin + len(found)] = found[: len(out) - begin]
    return out


def gate(loud: numpy.ndarray) -> numpy.ndarray:
    """How far the made mouth is shown in each frame, (frames,) float32 in 0..1: 1 while somebody speaks, 0 in pauses
    longer than a fifth of a second, with ramps of 80 ms that lie in the pauses."""
    threshold = max(SILENT, float(numpy.percentile(loud, 95)) - 30.0)
    open_ = loud > threshold
    spoken = numpy.flatnonzero(open_)
    if not len(spoken):
        return numpy.zeros(len(loud), numpy.float32)
    for a, b in zip(spoken[:-1], spoken[1:], strict=True):
        if 1 < b - a <= HELD + 1:
            open_[a:b] = True
    spoken, at = numpy.flatnonzero(open_), numpy.arange(len(loud))
    after = spoken[numpy.clip(numpy.searchsorted(spoken, at), 0, len(spoken) - 1)]
    before = spoken[numpy.clip(numpy.searchsorted(spoken, at, "right") - 1, 0, len(spoken) - 1)]
    away = numpy.minimum(numpy.abs(after - at), numpy.abs(before - at))
    return numpy.clip(1 - away / (RAMP + 1), 0, 1).astype(numpy.float32)
