"""The mp3 of a recording, begun while its later sentences are still being spoken.

Encoding costs more than all else that a finished recording needs, and no Python while it runs: so each sentence goes to
the encoder when it is made, in a thread, to a file in a folder of this run's own. `taken` gives such a file out only if
it is as it was written, of exactly the samples and tags that are asked for; else (a sentence was made again, the
loudness had to be set) there is none, and the mp3 is written anew. A draft that fails is given up without a word:
nothing depends on it.
"""

import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from labkit import storage
from media import own
from media.sound import Sound

from voiceclone import sound


class Drafts:
    """The drafts of one run. `told(recording)` gives the tags of a recording's file."""

    def __init__(self, folders: storage.Folders, told):
        self._kept = tempfile.TemporaryDirectory(dir=own.folder(folders.work), ignore_cleanup_errors=True)
        self.folder, self.told = Path(self._kept.name), told  # removed with these drafts
        self.thread = ThreadPoolExecutor(1, "drafts")
        self.name, self.known = "", {}

    def add(self, recording: str, path: Path, pause: float, begin: float | None) -> None:
        """The next sentence of a recording, as its wav; one recording comes after the other."""
        if recording != self.name:
            if recording in self.known:  # it was ended when another began
                self.known[recording] = None
                return
            if self.name:
                self.thread.submit(self._end, self.known[self.name])
            self.name = recording
            self.known[recording] = _Draft(self.folder / f"{len(self.known):04}.mp3", self.told(recording))
        draft = self.known[recording]
        if draft is not None:
            self.thread.submit(draft.add, path, pause, begin)

    def taken(self, recording: str, made: Sound, tags: dict[str, str]) -> Path | None:
        """The whole draft of a recording with exactly these samples and tags, or None."""
        draft = self.known.get(recording)
        if draft is None:
            return None
        self.thread.submit(self._end, draft).result()
        same = draft.whole and draft.tags == tags and draft.digest.digest() == _digest(made.samples).digest()
        return draft.path if same and draft.unaltered() else None

    @staticmethod
    def _end(draft: "_Draft | None") -> None:
        if draft is not None:
            draft.end()


class _Draft:
    """One mp3 that grows; used in the drafts' thread only, until it is ended."""

    def __init__(self, path: Path, tags: dict[str, str]):
        self.path, self.tags, self.whole = path, tags, True
        self.track, self.digest, self.file, self.written = sound.Track(), hashlib.sha256(), None, ""

    def add(self, path: Path, pause: float, begin: float | None) -> None:
        if not self.whole:
            return
        try:
            made = sound.from_file(path)
            before = self.track.end
            spot = self.track.put(len(made.samples), pause, begin)
            samples = numpy.concatenate([numpy.zeros(spot - before, numpy.float32), made.samples])
            if self.file is None:
                self.file = sound.encoder(self.path, made.rate, ".mp3", self.tags)
            self.file.write(numpy.clip(samples, -1, 1))
            self.digest.update(samples.tobytes())
        except Exception:  # a full scratch disk, a file that is gone: the mp3 is then written from the whole
            self.whole = False
            self.end()

    def end(self) -> None:
        """Close the file; without a sound there is none, and the draft is not whole."""
        self.whole = self.whole and self.file is not None
        if self.file is not None and not self.file.closed:
            try:
                self.file.close()
                self.written = sound.sha256(self.path)
            except Exception:
                self.whole = False

    def unaltered(self) -> bool:
        """Whether the file is the one that was closed here."""
        try:
            return sound.sha256(self.path) == self.written
        except OSError:
            return False


def _digest(samples: numpy.ndarray):
    return hashlib.sha256(numpy.ascontiguousarray(samples))
