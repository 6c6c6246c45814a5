"""Films on disk by PyAV: written as h264 (yuv420p), joined with AAC without a second encoding, opened again, judged.

Frames are (height, width, 3) uint8 RGB with even sides, 25 a second. The colour matrix is BT.601's, and the file says
so: OpenCV's conversion takes 0.6 ms at 720p, swscale's to BT.709 took 4 to 6 (2026-11-28, one core).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy
from labkit import Stop, storage

from lipsync import FPS
from lipsync.speech import RATE_OUT

BLACK, STILL = 16, 0.02  # brightest value of a black film; mean difference of frames below which it stands still
_X264 = {"crf": "18", "preset": "ultrafast", "threads": "2"}  # a fixed number of threads: the same bytes everywhere
_BT709, _BT601 = 1, 6  # H.273's numbers of colours
_BT601_SWS = 5  # what swscale calls that matrix


@dataclass(frozen=True)
class Facts:
    """What a film is: size in pixels, frames, seconds of picture and of sound (0: none), its tags."""

    width: int
    height: int
    frames: int
    seconds: float
    sound: float
    tags: dict


class Writer:
    """A film in the making: `add` frames, then leave the `with` block; on an error nothing is left."""

    def __init__(self, path: Path, width: int, height: int):
        self.path, self.size, self.count = Path(path), (width, height), 0

    def __enter__(self):
        import av

        self._whole = storage.whole(self.path)
        part = self._whole.__enter__()
        self.container = av.open(str(part), "w", format="mp4")
        self.stream = self.container.add_stream("libx264", rate=FPS, options=dict(_X264))
        self.stream.width, self.stream.height, self.stream.pix_fmt = *self.size, "yuv420p"
        self.stream.codec_context.time_base = Fraction(1, FPS)
        context = self.stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = _BT601, _BT709, _BT709, 1
        return self

    def add(self, frame: numpy.ndarray) -> None:
        """One frame more."""
        import av
        import cv2

        made = av.VideoFrame.from_ndarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), "yuv420p")
        made.pts, made.time_base = self.count, Fraction(1, FPS)
        made.colorspace, made.color_primaries, made.color_trc, made.color_range = _BT601, _BT709, _BT709, 1
        self.count += 1
        self.container.mux(self.stream.encode(made))

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.container.mux(self.stream.encode(None))
        finally:
            self.container.close()
            self._whole.__exit__(kind, error, trace)


def write(path: Path, frames: Iterable[numpy.ndarray], width: int, height: int) -> Path:
    """A film of these frames, without sound."""
    with Writer(path, width, height) as film:
        for frame in frames:
            film.add(frame)
    return path


def join(parts: list[Path], sound: Path, seconds: float, path: Path, tags: dict[str, str]) -> Path:
    """Put parts of a film one after the other, their packets as they are, under a sound (raw int16 mono at 48 kHz, at
    most so many seconds of it), with tags. Whole or not at all. Raises Stop."""
    import av

    try:
        with storage.whole(path) as part:
            options = {"movflags": "faststart+use_metadata_tags"}
            with av.open(str(part), "w", format="mp4", options=options) as out:
                out.metadata.update(tags)
                with av.open(str(parts[0])) as first:
                    video = out.add_stream_from_template(first.streams.video[0])
                audio = out.add_stream("aac", rate=RATE_OUT, layout="mono")
                audio.bit_rate = 128_000
                voice = _spoken(sound, audio, int(seconds * RATE_OUT))
                heard, ahead = 0.0, next(voice, None)
                for packet, at in _packets(parts, video):
                    while ahead is not None and heard <= at:  # side by side in the file, so that it plays as it loads
                        heard = float((ahead.pts or 0) * ahead.time_base)
                        out.mux(ahead)
                        ahead = next(voice, None)
                    out.mux(packet)
                while ahead is not None:
                    out.mux(ahead)
                    ahead = next(voice, None)
    except av.FFmpegError as error:
        raise Stop(f"{path.name} cannot be written ({error.strerror})") from None
    return path


def _packets(parts: list[Path], stream):
    """(packet, second) of every part's picture, moved to its place in the whole."""
    import av

    done = 0
    for path in parts:
        with av.open(str(path)) as container:
            source = container.streams.video[0]
            unit = source.time_base
            base, count = round(Fraction(done, FPS) / unit), 0
            for packet in container.demux(source):
                if packet.dts is None:
                    continue
                packet.pts, packet.dts = packet.pts + base, packet.dts + base
                packet.stream = stream
                count += 1
                yield packet, float(packet.dts * unit)
            done += count


def _spoken(sound: Path, stream, samples: int):
    """The packets of a raw sound, a tenth of a second at a time."""
    import av

    step = RATE_OUT // 10
    with open(sound, "rb") as raw:
        at = 0
        while at < samples and (data := raw.read(2 * min(step, samples - at))):
            piece = numpy.frombuffer(data, numpy.int16)[None]
            frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_OUT, at, Fraction(1, RATE_OUT)
            at += piece.shape[1]
            yield from stream.encode(frame)
    yield from stream.encode(None)


def facts(path: Path) -> Facts:
    """What a film is, every packet counted. Raises Stop when it is none."""
    import av

    try:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            count = sum(1 for packet in container.demux(video) if packet.size)
            sound = container.streams.audio[0] if container.streams.audio else None
            heard = float(sound.duration * sound.time_base) if sound and sound.duration else 0.0
            tags = dict(container.metadata)
            return Facts(video.width, video.height, count, count / FPS, heard, tags)
    except (av.FFmpegError, IndexError, OSError):
        raise Stop(f"{path.name} is no film that can be opened") from None


def frames(path: Path):
    """The frames of a film that was written here, one after the other."""
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.reformat(format="rgb24", src_colorspace=_BT601_SWS).to_ndarray()


def picked(path: Path, wanted: Iterable[int]) -> list[numpy.ndarray]:
    """The frames of these numbers, in order, of a film that was written here; what lies between is not decoded."""
    import av

    found = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for number in sorted(wanted):
            container.seek(round(Fraction(number, FPS) / stream.time_base), stream=stream, backward=True)
            for frame in container.decode(stream):
                if round(frame.pts * stream.time_base * FPS) >= number:
                    found.append(frame.reformat(format="rgb24", src_colorspace=_BT601_SWS).to_ndarray())
                    break
    return found


def faults(path: Path, count: int, width: int, height: int, seconds: float) -> list[str]:
    """What is wrong with a finished film: frames, size, sound, length, black; [] for a good one. One frame of the
    sound's length is allowed for."""
    try:
        found = facts(path)
    except Stop as stop:
        return [str(stop)]
    wrong = []
    if found.frames != count:
        wrong.append(f"it has {found.frames} frames and should have {count}")
    if (found.width, found.height) != (width, height):
        wrong.append(f"it is {found.width} x {found.height} and should be {width} x {height}")
    if abs(found.sound - seconds) > 0.1 or not found.sound:
        wrong.append(f"its sound lasts {found.sound:.2f} s and should last {seconds:.2f} s")
    first = next(frames(path), None)
    if first is None or first.max() < BLACK:
        wrong.append("it is black")
    return wrong
