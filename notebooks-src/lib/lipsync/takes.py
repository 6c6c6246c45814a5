"""A take: one face, one speech, and everything that decides the film that is made of them; as plain data for another
process, and as an identity that a later session recognises."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy
from labkit import Stop, storage

from lipsync import FPS, find, speech, timeline, track, video
from lipsync.crop import Look
from lipsync.speech import Speech
from lipsync.track import Track
from lipsync.video import Clip

CHUNK = 10 * FPS  # frames that are made, and lost at most, at once
TRACKS = "tracks"


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
    wish: str = "auto", box: str = "", longer: str = "ping-pong", most: float = 0.0, tell=None, quick: bool = False,
    **more,
) -> tuple[Take, Track, list[str]]:  # fmt: skip
    """(take, track, remarks): look at both files, and find the face, unless an earlier session has. `most` seconds of
    the speech at most (0: all); a `quick` test downloads no finder. Raises Stop, with one sentence, for what nothing
    can be made of."""
    if longer not in timeline.LONGER:
        raise Stop(f"LONGER is one of {', '.join(timeline.LONGER)}, not '{longer}'")
    heard = speech.prepare(said, folders.work / "speech", most)
    clip = video.look(face)
    remarks = [*clip.remarks, *heard.remarks]
    wanted = hashlib.sha256(repr((clip.digest, clip.width, number, wish, box, ours)).encode()).hexdigest()[:12]
    kept = folders.outputs / TRACKS / f"{wanted}.npz"
    found = track.load(kept)
    if found is None:
        finder = find.choose(wish, box, clip, folders, ours, quick)
        found = track.make(clip, finder, number, tell)
        found.remarks()  # one that nothing can be made of is not kept
        with storage.told(kept):
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


def relooked(take: Take, look: Look) -> Take:
    """The take with another look, as the sliders set it."""
    return replace(take, look=look)
