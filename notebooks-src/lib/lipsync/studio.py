"""Make chunks of films: read, cut, paint, blend, label, write, ten seconds at a time in memory that does not grow.

Reading is a step ahead in one thread, blending and writing a step behind in another, so that the card does not wait.
A frame in which nobody speaks, or whose face is not sure, is never painted: it passes through.
"""

import queue
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop
from media import memory

from lipsync import crop, film, paint, timeline, video
from lipsync.ears import Ears
from lipsync.label import Label
from lipsync.latents import Latents
from lipsync.nets import Nets
from lipsync.takes import Take

AHEAD = 8  # frames that are read before they are asked for


@dataclass
class Stage:
    """What is held of a take while its chunks are made."""

    take: Take
    track: object
    weights: object
    ears: Ears
    latents: Latents
    label: Label | None


class Studio:
    """What makes chunks on one device. `batch` frames are painted at once; `cache` is the folder for latents."""

    def __init__(self, nets: Nets, batch: int, cache: Path | None = None, made_with: str = ""):
        self.nets, self.batch, self.cache, self.made_with = nets, batch, cache, made_with
        self.changes: list[str] = []
        self._stage: Stage | None = None

    def chunk(self, take: Take, begin: int, end: int, path: Path) -> dict:
        """Make frames begin..end - 1 of a take as a film without sound; what is noted of them. When memory runs out or
        numbers overflow it is tried again with less, step by step, and said. Raises Stop at the end of that ladder."""
        while True:
            try:
                return self._chunk(take, begin, end, path)
            except paint.NotFinite as error:
                self._wider(error)
            except (RuntimeError, MemoryError) as error:
                if isinstance(error, Stop) or not memory.out_of_memory(error):
                    raise
                self._lighter()

    def close(self) -> None:
        """Give the networks' memory back."""
        self.nets = self._stage = None
        memory.give_back()

    def _chunk(self, take: Take, begin: int, end: int, path: Path) -> dict:
        stage, spent, opened = self._ready(take), {}, []
        encoded = 0
        wanted = timeline.indices(begin, end, take.clip.frames, take.longer)
        with film.Writer(path, take.clip.width, take.clip.height) as out, ThreadPoolExecutor(1) as hand:
            behind: deque = deque()

            def give(rows, painted):
                behind.append(hand.submit(self._finish, stage, rows, painted, out, spent, opened))
                if len(behind) > 2:
                    behind.popleft().result()

            rows, count = [], 0
            with ahead(video.order(take.clip, wanted)) as frames:
                for i, source in zip(range(begin, end), wanted, strict=True):
                    with timed(spent, "read"):
                        frame = next(frames)
                    face = stage.track.face(source) if stage.weights[i] > 0 else None
                    place = face and crop.box(face, take.clip.width, take.clip.height, take.look)
                    rows.append((i, source, frame, face, place))
                    count += place is not None
                    if count == self.batch or len(rows) >= 4 * self.batch or i == end - 1:
                        encoded += self._encode(stage, rows, spent)
                        give(rows, self._paint(stage, rows, spent) if count else None)
                        rows, count = [], 0
            while behind:
                behind.popleft().result()
        stage.latents.save()
        return {
            "frames": end - begin, "painted": len([v for v in opened if v is not None]), "encoded": encoded,
            "openness": opened, "seconds": {name: round(s, 3) for name, s in spent.items()},
            "batch": self.batch, "changes": list(self.changes),
        }  # fmt: skip

    def _ready(self, take: Take) -> Stage:
        """The take's track, weights, ears and latents; kept until another take comes."""
        if self._stage is None or self._stage.take != take:
            found = take.track
            ears = Ears(self.nets, take.speech)
            name = f"{take.kept.stem}-{take.look.shift}-{take.look.margin}-{self.nets.side}-{self.made_with}"
            kept = Latents(self.cache / name if self.cache else None, take.clip.frames)
            label = Label(take.clip.width, take.clip.height, take.label) if take.label else None
            self._stage = Stage(take, found, take.weights(found), ears, kept, label)
        return self._stage

    def _encode(self, stage: Stage, rows: list, spent: dict) -> int:
        """Have the latents of all faces of these rows; how many had to be made."""
        import numpy
        import torch

        fresh = {source: (frame, place) for _, source, frame, _, place in rows if place is not None
                 and stage.latents.get(source) is None}  # fmt: skip
        if not fresh:
            return 0
        with timed(spent, "encode"):
            crops = numpy.stack([crop.cut(frame, place, self.nets.side) for frame, place in fresh.values()])
            size = min(self.batch, 2 ** (len(fresh) - 1).bit_length())
            found = [
                paint.latents(self.nets, paint.filled(torch.from_numpy(crops[i : i + size]), size))[: len(crops) - i]
                for i in range(0, len(crops), size)
            ]
            for source, z in zip(fresh, torch.cat(found).cpu(), strict=True):
                stage.latents.put(source, z.clone())
        return len(fresh)

    def _paint(self, stage: Stage, rows: list, spent: dict):
        """The painted crops of these rows' faces, in order."""
        import torch

        with timed(spent, "listen"):
            heard = stage.ears.windows(rows[0][0], rows[-1][0] + 1)
            heard = heard[[n for n, row in enumerate(rows) if row[4] is not None]]
        with timed(spent, "paint"):
            z = torch.stack([stage.latents.get(row[1]) for row in rows if row[4] is not None])
            return paint.mouths(self.nets, paint.filled(z, self.batch), paint.filled(heard, self.batch))[: len(z)]

    def _finish(self, stage: Stage, rows: list, painted, out: film.Writer, spent: dict, opened: list) -> None:
        """Blend, label and write rows in order; runs in a thread of its own."""
        look, at = stage.take.look, 0
        for i, _, frame, face, place in rows:
            with timed(spent, "blend"):
                if place is not None:
                    soft = crop.mask(face, place, look)
                    crop.blend(frame, painted[at], place, soft, float(stage.weights[i]), look.match)
                    shown = bool(soft.any())  # what a mask hides wholly is not counted as painted
                    opened.append(round(crop.openness(painted[at]), 4) if shown else None)
                    at += 1
                else:
                    opened.append(None)
                if stage.label is not None:
                    stage.label.draw(frame)
            with timed(spent, "write"):
                out.add(frame)

    def _lighter(self) -> None:
        """Half as many frames at once. Raises Stop when it is one already."""
        if self.batch == 1:
            raise Stop(
                "the memory is full even with one frame at once: choose a larger GPU, or restart the session"
            ) from None
        self.batch //= 2
        self._note(f"out of memory: {self.batch} frames at once")
        memory.give_back()

    def _wider(self, error: Exception) -> None:
        """The autoencoder in 32 bits, then the UNet. Raises Stop when both are, or when that does not fit."""
        import torch

        nets, wide = self.nets, torch.float32
        if nets.vae_dtype != wide:
            self._widened([part for part in (nets.vae, nets.draft) if part is not None], nets.vae_dtype, error)
            nets.vae_dtype = wide
            self._note(f"{error}: the autoencoder in 32 bits")
        elif nets.dtype != wide:
            self._widened([nets.unet], nets.dtype, error)
            nets.dtype = wide
            self._note(f"{error}: the UNet in 32 bits")
        else:
            raise Stop(f"{error}, also in 32 bits: the weights are damaged, fetch them again") from None

    def _widened(self, parts: list, before, error: Exception) -> None:
        """Turn networks to 32 bits, all of them or, where the memory ends, none."""
        import torch

        try:
            for part in parts:
                part.to(torch.float32)
        except (RuntimeError, MemoryError) as full:
            if not memory.out_of_memory(full):
                raise
            for part in parts:  # a half-widened network would fail on every later chunk
                part.to(before)
            raise Stop(
                f"{error}, and 32 bits do not fit the memory: choose a larger GPU, or restart the session"
            ) from None

    def _note(self, change: str) -> None:
        print(change)
        self.changes.append(change)


@contextmanager
def timed(spent: dict, stage: str):
    """Seconds of a block, added up by stage."""
    began = time.perf_counter()
    try:
        yield
    finally:
        spent[stage] = spent.get(stage, 0.0) + time.perf_counter() - began


@contextmanager
def ahead(items, most: int = AHEAD):
    """The items of an iterator, made in another thread, so many before they are asked for. Its errors come out here."""
    waiting, ended = queue.Queue(most), threading.Event()

    def put(what) -> bool:
        while not ended.is_set():
            try:
                waiting.put(what, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work():
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((None, StopIteration()))
        except BaseException as error:  # handed over, whatever it is
            put((None, error))

    def taken():
        while True:
            item, error = waiting.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        ended.set()
        thread.join(5)
