"""A face video or photo, whatever it is: turned the right way, even sides, 25 frames a second at exact times.

`look` reads a file's packets (not its pictures) once; `read` and `order` then give frames by their number at 25 a
second. At time i/25 stands the frame that a player would show then: 29.97 a second does not drift, a variable rate
neither. Only what is needed at once is held.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy
from disk import sealed
from labkit import Stop

from lipsync import FPS

MOST = 1080  # pixels of the shorter side; what is larger is made smaller: the painted face has 256
HELD = 256e6  # bytes of a short clip that are held whole
_BLOCK = 96e6  # bytes that are held to play backwards
_SPACES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # a file's colour matrix (ISO 23091) -> swscale's name of it
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")  # brands that ffmpeg opens as a tile, or not at all
_EPS = 0.0015  # seconds that a time may be off by rounding


@dataclass(frozen=True)
class Clip:
    """A face video: sizes as they will be written, frames at 25 a second, what it was, what was changed (remarks)."""

    path: Path
    width: int
    height: int
    frames: int
    fps: float
    turned: int  # degrees counterclockwise
    scale: float
    still: bool
    digest: str
    remarks: tuple[str, ...] = ()
    stretch: tuple[float, float] = (1.0, 1.0)  # of width and height, before it is turned: pixels that are not square

    @property
    def seconds(self) -> float:
        return self.frames / FPS


def look(path: Path) -> Clip:
    """What a file is. Raises Stop for one that is neither a video nor a photo, or has no picture."""
    path = Path(path)
    if not path.is_file():
        raise Stop(f"there is no file {path}: give the path of a video or a photo of the face")
    photo = _photo(path)
    if photo is not None:
        height, width = photo.shape[:2]
        return _small(Clip(path, width, height, 1, FPS, 0, 1.0, True, digest(path)))
    with open(path, "rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" and head[8:] in _HEIC:
        raise Stop(f"{path.name} is a HEIC photo, as iPhones make them: save it as JPEG")
    return _small(_film(path))


def _film(path: Path) -> Clip:
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise Stop(f"{path.name} has no picture: give a video or a photo of the face")
            stream = container.streams.video[0]
            ends, begins, unit, known = [], [], stream.time_base, lasting(container, stream)
            stretch = _stretch(stream.sample_aspect_ratio)
            step = float(1 / stream.average_rate) if stream.average_rate else 1 / FPS
            for packet in container.demux(stream):
                if packet.size and packet.pts is not None:
                    begins.append(float(packet.pts * unit))
                    ends.append(begins[-1] + (float(packet.duration * unit) if packet.duration else step))
        with av.open(str(path)) as container:
            first = next(container.decode(video=0), None)
    except FileNotFoundError:
        raise _gone(path) from None
    except av.FFmpegError as error:
        raise Stop(f"{path.name} is neither a video nor a photo that can be opened ({error.strerror})") from None
    if first is None or not begins:
        raise Stop(f"{path.name} holds no frame that can be read: convert it anew")
    frames = max(1, round((max(ends) - min(begins)) * FPS)) if len(begins) > 1 else 1
    rate = len(begins) / max(1e-6, max(ends) - min(begins))
    turned = int(first.rotation) % 360
    width, height = round(first.width * stretch[0]), round(first.height * stretch[1])
    width, height = (height, width) if turned in (90, 270) else (width, height)
    remarks = ("it has one frame, and is taken as a photo",) if frames == 1 else ()
    lasts = max(ends) - min(begins)
    if known > lasts + max(0.2, 2 * step):
        remarks += (f"the file breaks off: of {known:.1f} s that it should have, {lasts:.1f} s are there",)
    hashed = digest(path)
    return Clip(path, width, height, frames, rate, turned, 1.0, frames == 1, hashed, remarks, stretch)


def lasting(container, stream) -> float:
    """Seconds that a stream should last, as its file's head says; 0 where it says nothing (or only guesses)."""
    told, kind = stream.metadata.get("DURATION", ""), container.format.name
    if re.fullmatch(r"\d+:\d\d:\d\d(\.\d+)?", told):  # Matroska
        hours, minutes, seconds = told.split(":")
        begins = float((stream.start_time or 0) * stream.time_base)
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds) - begins
    if ("mp4" in kind or kind == "flac") and stream.duration:
        return float(stream.duration * stream.time_base)
    return 0.0


def _stretch(ratio) -> tuple[float, float]:
    """How much wider and higher a picture is shown than its pixels say, by their width over their height; never
    narrower, which would lose some. 1, 1 for square ones, and for a ratio that makes no sense."""
    ratio = float(ratio or 1)
    if not 0.2 < ratio < 5:
        return 1.0, 1.0
    return (ratio, 1.0) if ratio > 1 else (1.0, 1 / ratio)


def _gone(path: Path) -> Stop:
    return Stop(f"{path} is not there any more: bring it again, and run all")


def _small(clip: Clip) -> Clip:
    """The clip at a size that is worth its while, with even sides."""
    short, remarks = min(clip.width, clip.height), clip.remarks
    scale = MOST / short if short > MOST else 1.0
    if scale < 1:
        remarks += (
            f"{clip.width} x {clip.height} is made smaller, to {MOST} on the shorter side: the painted face has 256",
        )
    if abs(clip.fps - FPS) > 0.01 and not clip.still:
        remarks += (f"{clip.fps:.2f} frames a second become {FPS}",)
    width, height = (int(round(v * scale)) // 2 * 2 for v in (clip.width, clip.height))
    if width < 32 or height < 32:
        raise Stop(f"{clip.path.name} is {clip.width} x {clip.height} pixels: too small for a face")
    return replace(clip, width=width, height=height, scale=scale, remarks=remarks)


def order(clip: Clip, wanted: Iterable[int]) -> Iterator[numpy.ndarray]:
    """The frames of these numbers in this order, each a copy of one's own; runs forwards, backwards or of one frame are
    read in one go."""
    wanted, size = list(wanted), clip.width * clip.height * 3
    if wanted and (max(wanted) - min(wanted) + 1) * size <= HELD:
        low = min(wanted)
        held = list(read(clip, low, max(wanted) + 1))
        left = Counter(wanted)
        for i in wanted:
            left[i] -= 1
            yield held[i - low].copy() if left[i] else held[i - low]
        return
    for begin, end in _runs(wanted):
        if begin <= end:
            yield from read(clip, begin, end + 1)
            continue
        block = max(1, int(_BLOCK // size))
        for high in range(begin, end - 1, -block):
            low = max(end, high - block + 1)
            yield from reversed(list(read(clip, low, high + 1)))


def _runs(wanted: list[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of numbers that go up, or down, one by one."""
    i = 0
    while i < len(wanted):
        j, step = i, 0
        while (
            j + 1 < len(wanted)
            and abs(wanted[j + 1] - wanted[j]) == 1
            and (not step or wanted[j + 1] - wanted[j] == step)
        ):
            step = wanted[j + 1] - wanted[j]
            j += 1
        yield wanted[i], wanted[j]
        i = j + 1


def read(clip: Clip, begin: int = 0, end: int | None = None) -> Iterator[numpy.ndarray]:
    """Frames begin..end - 1 of a clip, (height, width, 3) uint8. Raises Stop where the file is damaged."""
    end = clip.frames if end is None else end
    if clip.still:
        picture = _picture(clip)
        for _ in range(begin, end):
            yield picture.copy()
        return
    at, held = begin, None
    for second, frame in _decoded(clip, begin / FPS):
        while held is not None and at < end and at / FPS + _EPS < second:
            yield _rgb(held, clip)  # each is the receiver's own, to be drawn on
            at += 1
        if at >= end:
            return
        held = frame
    if held is None:
        raise Stop(f"{clip.path.name} holds no frame at {begin / FPS:.1f} s: convert it anew")
    for _ in range(at, end):  # the last frame stands until the end
        yield _rgb(held, clip)


def _decoded(clip: Clip, second: float):
    """(second, frame) from a frame at or before `second` on; seconds count from the clip's begin."""
    import av

    if not clip.path.is_file():
        raise _gone(clip.path)
    for seeking in (second > 0, False):
        with av.open(str(clip.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            zero, unit = float((stream.start_time or 0) * stream.time_base), float(stream.time_base)
            if seeking:
                try:
                    container.seek(int((second + zero) / unit), stream=stream, backward=True)
                except av.FFmpegError:
                    continue  # a container without an index is read from its begin
            number, step, seen = 0, 1 / clip.fps, False
            try:
                for frame in container.decode(stream):
                    if frame.pts is None and seeking:
                        break
                    time = float(frame.pts) * unit - zero if frame.pts is not None else number * step
                    number += 1
                    if seeking and not seen and time > second + _EPS:
                        break  # the seek went too far
                    seen = True
                    yield time, frame
                else:
                    return
            except av.FFmpegError as error:
                told = f"{clip.path.name} is damaged near {second + number * step:.1f} s ({error.strerror})"
                raise Stop(f"{told}: convert it anew") from None


def _rgb(frame, clip: Clip) -> numpy.ndarray:
    """A decoded frame as it will be used: its own colours, size and turn."""
    width, height = (round(v * s * clip.scale) for v, s in zip((frame.width, frame.height), clip.stretch, strict=True))
    space = _SPACES.get(int(frame.colorspace), 1 if frame.height >= 720 else 5)  # where none is said: by the size
    picture = frame.reformat(width, height, "rgb24", src_colorspace=space).to_ndarray()
    if clip.turned:
        picture = numpy.rot90(picture, clip.turned // 90)
    return numpy.ascontiguousarray(picture[: clip.height, : clip.width])


def _photo(path: Path):
    """A photo's pixels, turned as its camera says; None for what is none (an animation goes as a video)."""
    import warnings

    from media.picture import plain
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large raises
            with Image.open(path) as image:
                if getattr(image, "is_animated", False):
                    return None
                return numpy.asarray(plain(ImageOps.exif_transpose(image)))
    except Image.DecompressionBombError:
        most = f"{2 * Image.MAX_IMAGE_PIXELS / 1e6:.0f} million pixels"
        raise Stop(f"{path.name} is a photo of more than {most}: make it smaller") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None


def _picture(clip: Clip) -> numpy.ndarray:
    import cv2

    if not clip.path.is_file():
        raise _gone(clip.path)
    found = _photo(clip.path)
    if found is None:  # a video of one frame
        return _rgb(next(_decoded(clip, 0.0))[1], clip)
    if clip.scale < 1:
        found = cv2.resize(found, None, fx=clip.scale, fy=clip.scale, interpolation=cv2.INTER_AREA)
    return numpy.ascontiguousarray(found[: clip.height, : clip.width])


def digest(path: Path) -> str:
    """A file's hash, 16 digits."""
    return sealed.hashed(path)[1][:16]
