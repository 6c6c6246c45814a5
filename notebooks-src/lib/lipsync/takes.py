"""A take: one face, one speech, and everything that decides the film that is made of them; as plain data for another
process, and as an identity that a later session recognises."""

import hashlib
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy
from labkit import Stop, progress, storage
from media import own

from lipsync import FPS, find, speech, timeline, track, video
from lipsync.crop import Look
from lipsync.speech import Speech
from lipsync.track import Track
from lipsync.video import Clip

CHUNK = 10 * FPS  # frames that are made, and lost at most, at once
TRACKS = "tracks"
_STEP = 30 * FPS  # frames that are looked at at once: speeches of about one length share a track, and its latents


@dataclass(frozen=True)
class Take:
    """One film to be made. `kept` is the file of its track; `label` the visible words, "" for none."""

    name: str
    clip: Clip
    kept: Path
    speech: Speech
    longer: str = "ping-pong"
    look: Look = Look()
    gate: bool = True
    label: str = ""

    @property
    def frames(self) -> int:
        return self.speech.frames

    @property
    def track(self) -> Track:
        """Where the face is; read from its file."""
        found = track.load(self.kept)
        if found is None:
            raise Stop(f"{self.kept.name} cannot be read: run the cells above again, so that the face is found anew")
        return found

    def identity(self) -> dict:
        """What makes it another film; where its files lie does not."""
        return {
            "face": self.clip.digest, "size": [self.clip.width, self.clip.height], "speech": self.speech.digest,
            "track": self.kept.stem, "frames": self.frames, "longer": self.longer, "look": asdict(self.look),
            "gate": self.gate, "label": self.label,
        }  # fmt: skip

    @property
    def key(self) -> str:
        """The identity as eight digits."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:8]

    def chunks(self) -> list[dict]:
        """The pieces of work: ten seconds each; the same whatever the film is called."""
        return [
            {"take": self.key, "begin": begin, "end": min(begin + CHUNK, self.frames)}
            for begin in range(0, self.frames, CHUNK)
        ]

    def weights(self, found: Track) -> numpy.ndarray:
        """How far the painted mouth is shown in each frame of the film, (frames,) float32: speech and a sure face."""
        spoken = speech.gate(speech.levels(self.speech)) if self.gate else numpy.ones(self.frames, numpy.float32)
        at = timeline.indices(0, self.frames, self.clip.frames, self.longer)
        return spoken * track.weights(found)[at]

    def plain(self) -> dict:
        """As JSON, for another process."""
        return json.loads(json.dumps(asdict(self), default=str))


def of_plain(told: dict) -> Take:
    """The take that `plain` described."""
    clip = dict(told["clip"], path=Path(told["clip"]["path"]), remarks=tuple(told["clip"]["remarks"]),
                stretch=tuple(told["clip"]["stretch"]))  # fmt: skip
    heard = {k: Path(v) if k in ("source", "low", "high") else v for k, v in told["speech"].items()}
    heard["remarks"] = tuple(heard["remarks"])
    more = {k: told[k] for k in ("name", "longer", "gate", "label")}
    return Take(clip=Clip(**clip), kept=Path(told["kept"]), speech=Speech(**heard), look=Look(**told["look"]), **more)


def prepare(
    name: str, face: Path, said: Path, folders: storage.Folders, *, ours: bool = False, number: int = 0,
    wish: str = "auto", box: str = "", longer: str = "ping-pong", most: float = 0.0, quick: bool = False,
    **more,
) -> tuple[Take, Track, list[str]]:  # fmt: skip
    """(take, track, remarks): look at both files, and find the face, unless an earlier session has. `most` seconds of
    the speech at most (0: all); a `quick` test downloads no finder. Raises Stop, with one sentence, for what nothing
    can be made of."""
    box = judged(wish, box, longer)
    heard = speech.prepare(said, own.folder(folders.work) / "speech", most)
    clip = video.look(face)
    remarks = [*clip.remarks, *heard.remarks]
    used = min(clip.frames, -(-heard.frames // _STEP) * _STEP)  # of an hour's video no more than the speech needs
    wanted = hashlib.sha256(repr((clip.digest, clip.width, number, wish, box, ours)).encode()).hexdigest()[:12]
    kept = folders.outputs / TRACKS / (f"{wanted}.npz" if used == clip.frames else f"{wanted}-{used}.npz")
    found = track.load(kept)
    if found is None:
        found = _longer(kept.parent, wanted, used)
        if found is None:
            finder = find.choose(wish, box, clip, folders, ours, quick)
            with _shown(name, used) as tell:
                found = track.make(clip, finder, number, tell, used)
        found.remarks()  # one that nothing can be made of is not kept
        with storage.told(kept), own.alone(kept.parent):
            kept.parent.mkdir(parents=True, exist_ok=True)
            track.save(found, kept)
    remarks += found.remarks()
    take = Take(name, clip, kept, heard, longer, **more)
    if clip.still:
        remarks.append("a photo: all but its mouth stands still")
    elif take.frames > clip.frames:
        how = f"the video is shown {take.frames / clip.frames:.1f} times ({longer})"
        remarks.append(f"the speech lasts {heard.seconds:.1f} s, the face {clip.seconds:.1f} s: {how}")
    elif clip.seconds > heard.seconds + 1:
        remarks.append(
            f"of the video's {clip.seconds:.1f} s the first {heard.seconds:.1f} s are used, as long as the speech"
        )
    return take, found, remarks


def judged(wish: str, box, longer: str) -> str:
    """BOX as words, also where it was given as four numbers. Raises Stop for a FIND, BOX or LONGER that cannot be."""
    if longer not in timeline.LONGER:
        raise Stop(f"LONGER is one of {', '.join(timeline.LONGER)}, not '{longer}'")
    return find.judged(wish, box)


def _longer(folder: Path, wanted: str, used: int) -> Track | None:
    """The first `used` frames of a kept track of the same face that has more, or None."""
    for path in sorted(folder.glob(f"{wanted}*.npz")):
        found = track.load(path)
        if found is not None and len(found.rows) >= used:
            points = None if found.points is None else found.points[:used]
            return Track(found.rows[:used], points, found.finder, found.people)
    return None


@contextmanager
def _shown(name: str, frames: int):
    """A function that hears of each frame; with a bar, where there are many."""
    if frames < _STEP:
        yield None
        return
    with progress.bar(total=frames, what=f"{name}: following the face", unit=" frames") as bar:
        yield lambda _: bar.update()


def relooked(take: Take, look: Look) -> Take:
    """The take with another look, as the sliders set it."""
    return replace(take, look=look)
