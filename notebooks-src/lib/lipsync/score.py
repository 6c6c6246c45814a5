"""LSE-D and LSE-C, the usual measures of lip sync: SyncNet's distance between five frames of a face and the sound of
the same fifth of a second, and how much nearer it is at the best delay than at the others.

The network is that of Chung and Zisserman 2016 (syncnet_v2, MIT), the protocol their evaluation's: MFCC of 13 numbers
100 times a second, faces of 224 pixels, delays of up to 15 frames. Built from the published layers, loaded strictly;
with the real weights it has not run here. Papers cut faces by another detector: compare with care.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy
from labkit import Stop

from lipsync import film, nets, timeline
from lipsync.speech import RATE
from lipsync.syncnet import network
from lipsync.takes import Take

SIDE, FRAMES, SHIFT = 224, 5, 15
_ROOM = 0.4  # of the face's half side, more on every side, and twice below: as its authors cut


@dataclass(frozen=True)
class Lse:
    """LSE-D (lower is better), LSE-C (higher is better), and the delay of the sound in frames at which it is best."""

    distance: float
    confidence: float
    offset: int

    def facts(self) -> dict:
        return asdict(self)


def load(path: Path, device: str):
    """SyncNet with its weights, every key accounted for. Raises Stop."""
    model = network()
    try:
        model.load_state_dict(nets.tensors(path), strict=True)
    except RuntimeError as error:
        why = (str(error).splitlines() or [""])[-1].strip()[:120]
        raise Stop(f"{path.name} is not the SyncNet that this notebook knows ({why})") from None
    return model.to(device)


def measure(model, take: Take, made: Path, device: str, most: float = 20.0) -> Lse:
    """The measures of a film's first `most` seconds. Raises Stop when it is too short, or has frames without a face."""
    import torch

    count = min(take.frames, int(most * 25))
    if count < 2 * FRAMES:
        raise Stop(f"LSE needs {2 * FRAMES / 25:.1f} s at least, {take.name} has {count / 25:.1f} s")
    at, found = timeline.indices(0, count, take.clip.frames, take.longer), take.track
    faces = [found.face(i) for i in at]
    if any(face is None for face in faces):
        raise Stop(f"LSE is measured where a face is in every frame, and {take.name} has some without")
    crops = numpy.stack([_face(frame, face) for frame, face in zip(film.frames(made), faces, strict=False)])
    sound = mfcc(take.speech.read(0, count * RATE // 25))
    windows = min(count - FRAMES + 1, (sound.shape[1] - 20) // 4 + 1)
    seen, heard = [], []
    with torch.inference_mode():
        for i in range(0, windows, 8):
            part = [crops[j : j + FRAMES] for j in range(i, min(i + 8, windows))]
            x = torch.from_numpy(numpy.stack(part)).permute(0, 4, 1, 2, 3).float().flip(1)  # its frames are BGR
            seen.append(model.see(x.to(device)).float().cpu())
            part = [sound[:, 4 * j : 4 * j + 20] for j in range(i, min(i + 8, windows))]
            heard.append(model.hear(torch.from_numpy(numpy.stack(part))[:, None].float().to(device)).float().cpu())
    return compared(torch.cat(seen), torch.cat(heard))


def of_films(ready: list[Take], results: list, path: Path, device: str) -> dict[str, dict]:
    """The measures of finished films by their names; each is told, and so is why one has none."""
    try:
        model, found = load(path, device), {}
    except Stop as stop:  # the films are there: a measure less ends nothing
        print(stop)
        return {}
    takes = {take.name: take for take in ready}
    for result in results:
        try:
            lse = measure(model, takes[result.name], result.path, device)
        except Stop as stop:
            print(stop)
            continue
        found[result.name] = lse.facts()
        print(f"{result.name}: LSE-D {lse.distance:.2f}, LSE-C {lse.confidence:.2f}, best at {lse.offset} frames")
    return found


def compared(seen, heard) -> Lse:
    """The measures of two rows of vectors, (n, 1024) each, one for every frame."""
    import torch

    padded = torch.nn.functional.pad(heard, (0, 0, SHIFT, SHIFT))
    apart, reach = torch.nn.functional.pairwise_distance, 2 * SHIFT + 1
    each = [apart(seen[i : i + 1], padded[i : i + reach]) for i in range(len(seen))]
    mean = torch.stack(each, 1).mean(1)
    best = int(mean.argmin())
    return Lse(float(mean[best]), float(mean.median() - mean[best]), best - SHIFT)


def mfcc(sound: numpy.ndarray) -> numpy.ndarray:
    """13 mel cepstra 100 times a second, (13, n) float32, of mono sound at 16 kHz in -1..1: windows of 25 ms, 26
    filters, lifter 22, the first number the logarithm of the energy, as the package python_speech_features has them."""
    from scipy.fft import dct

    x = numpy.round(numpy.asarray(sound, numpy.float64) * 32768)
    x = numpy.append(x[:1], x[1:] - 0.97 * x[:-1])
    count = 1 + max(0, -(-(len(x) - 400) // 160))
    x = numpy.pad(x, (0, max(0, (count - 1) * 160 + 400 - len(x))))
    rows = numpy.lib.stride_tricks.sliding_window_view(x, 400)[::160][:count]
    power = numpy.abs(numpy.fft.rfft(rows, 512)) ** 2 / 512
    tiny = numpy.finfo(float).eps
    energy = numpy.maximum(power.sum(1), tiny)
    mel = numpy.linspace(0, 2595 * numpy.log10(1 + 8000 / 700), 28)
    bins = numpy.floor(513 * 700 * (10 ** (mel / 2595) - 1) / RATE)
    bank = numpy.zeros((26, 257))
    for j in range(26):
        for i in range(int(bins[j]), int(bins[j + 1])):
            bank[j, i] = (i - bins[j]) / (bins[j + 1] - bins[j])
        for i in range(int(bins[j + 1]), int(bins[j + 2])):
            bank[j, i] = (bins[j + 2] - i) / (bins[j + 2] - bins[j + 1])
    found = dct(numpy.log(numpy.maximum(power @ bank.T, tiny)), type=2, axis=1, norm="ortho")[:, :13]
    found *= 1 + 11 * numpy.sin(numpy.pi * numpy.arange(13) / 22)
    found[:, 0] = numpy.log(energy)
    return found.T.astype(numpy.float32)


def _face(frame: numpy.ndarray, face) -> numpy.ndarray:
    """A face as SyncNet sees it, (224, 224, 3) uint8; what lies outside the picture is grey."""
    import cv2

    x0, y0, x1, y1 = face.box
    half = max(x1 - x0, y1 - y0) / 2
    x, y, edge = (x0 + x1) / 2, (y0 + y1) / 2, int(half * (1 + 2 * _ROOM))
    wide = cv2.copyMakeBorder(frame, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(110, 110, 110))
    top, left, side = int(y - half) + edge, int(x - half * (1 + _ROOM)) + edge, int(2 * half * (1 + _ROOM))
    part = wide[max(0, top) : top + side, max(0, left) : left + side]
    return cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
