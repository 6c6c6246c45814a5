"""What the tests of lip sync share: tiny networks, drawn films of every kind, speech, and a take of the sample."""

import functools
import importlib.util
import wave
from fractions import Fraction
from pathlib import Path

import numpy
from labkit import storage
from lipsync import nets, sample, studio, takes, tiny
from media import voice

from tests.conftest import ROOT


def drawing():
    """The script that draws the sample's face."""
    path = ROOT / "notebooks-src/assets/make_lip_sync.py"
    spec = importlib.util.spec_from_file_location("make_lip_sync", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@functools.cache
def networks(folder: Path, draft: bool = False) -> nets.Nets:
    """Tiny networks, written and loaded once for each folder."""
    roles = ("unet", "vae", "ears", *(["draft"] if draft else []))
    return nets.load(tiny.build_all(folder / "tiny", roles), "cpu", "float32", folder / "kept")


def places(root: Path) -> storage.Folders:
    """Folders of a job below `root`."""
    for name in ("work", "outputs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    return storage.Folders(root / "work", root / "outputs", root / "cache", True, "lip_sync")


def take_of(folders, seconds: float = 2.0, **more):
    """(take, track, remarks) of the sample's face and voice."""
    return takes.prepare(
        "film", sample.write(folders.work), voice.write(folders.work), folders, ours=True, most=seconds, **more
    )


def studio_of(loaded: nets.Nets, folders, batch: int = 8) -> studio.Studio:
    return studio.Studio(loaded, batch, folders.work / "latents", "tiny")


def tone(path: Path, seconds: float, pauses=(), rate: int = 16000, level: float = 0.3) -> Path:
    """A wav of a buzzing voice; silent from a to b seconds for each of `pauses`."""
    at = numpy.arange(int(seconds * rate)) / rate
    sound = level * numpy.sin(2 * numpy.pi * 140 * at) * (0.6 + 0.4 * numpy.sin(2 * numpy.pi * 3 * at))
    for a, b in pauses:
        sound[int(a * rate) : int(b * rate)] = 0
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype(numpy.int16).tobytes())
    return path


def numbered(path: Path, count: int, rate, size=(64, 48), times=None, codec="libx264", unit=None) -> Path:
    """A film whose frame n has the greys of n % 16, left, and n // 16, right: it can be read off. `times` are
    the frames' own (in `unit`), for a variable rate."""
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options={"crf": "4", "preset": "ultrafast", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if unit:
            stream.codec_context.time_base = unit
        for n in range(count):
            picture = numpy.full((size[1], size[0], 3), 16 + 14 * (n % 16), numpy.uint8)
            picture[:, size[0] // 2 :] = 16 + 14 * (n // 16)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = times[n] if times else n
            frame.time_base = unit or Fraction(1) / Fraction(rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def number_of(frame: numpy.ndarray) -> int:
    """Which frame of a `numbered` film this is."""
    left, right = (round((float(half.mean()) - 16) / 14) for half in numpy.array_split(frame, 2, 1))
    return left + 16 * right
