"""One face through a whole video: found in every frame, followed, smoothed, held through short gaps.

A track has one row for every frame of the clip, so that nothing shifts where nobody is seen: those frames pass through
unchanged. Rows are `faces.ROW` numbers, contours lie beside them.
"""

import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
from labkit import Stop, storage

from lipsync import FPS, faces, video
from lipsync.faces import Face

GAP = FPS // 2  # frames without a face that are held: half a second
_WINDOW = 9  # frames over which a track is smoothed
_SMALL, _SOFT, _LEAST = 40, 350, 0.25  # pixels of a face that is too small, and of one that turns soft; share of frames


@dataclass(frozen=True)
class Track:
    """Where a face is: `rows` (frames, 9) float32, `points` (frames, 44, 2) float32 or None, who found it, how many."""

    rows: numpy.ndarray
    points: numpy.ndarray | None
    finder: str
    people: int

    def face(self, frame: int) -> Face | None:
        """The face in a frame of the clip, None where there is none."""
        return faces.of_row(self.rows[frame], None if self.points is None else self.points[frame])

    @property
    def seen(self) -> float:
        """Share of the frames with a face."""
        return float((self.rows[:, 8] > 0).mean())

    @property
    def width(self) -> float:
        """The face's median width in pixels, 0 without one."""
        there = self.rows[self.rows[:, 8] > 0]
        return float(numpy.median(there[:, 3] - there[:, 2])) if len(there) else 0.0

    def remarks(self) -> list[str]:
        """What of it costs quality, a sentence each. Raises Stop when nothing can be made of it."""
        there = self.rows[self.rows[:, 8] > 0]
        if not len(there):
            raise Stop("no face was found: show it from the front, larger and lit, or give BOX yourself")
        if self.seen < _LEAST and numpy.median(there[:, 8]) > 0.5:
            raise Stop(f"a face is seen in {self.seen:.0%} of the video only: cut it to where the person is seen")
        sure = float(numpy.median(there[:, 8]))
        if sure < 0.3:
            raise Stop(f"the face is seen from the side (frontal by {sure:.0%}): MuseTalk needs it from the front")
        if self.width < _SMALL:
            raise Stop(
                f"the face is {self.width:.0f} pixels wide, {_SMALL} are needed: come closer, or enlarge the video"
            )
        found = []
        if self.people > 1:
            found.append(f"{self.people} faces are seen: FACE_NUMBER says whose mouth moves (1 is the largest)")
        if self.width > _SOFT:
            found.append(f"the face is {self.width:.0f} pixels wide and the model's 256: the mouth will look soft")
        elif self.width < 2 * _SMALL:
            found.append(f"the face is {self.width:.0f} pixels wide: little will be seen of the mouth")
        if self.seen < 1:
            found.append(f"a face is seen in {self.seen:.0%} of the frames; the others stay as they are")
        if sure < 0.7:
            found.append("the face looks aside often; where it does, the frames stay as they are")
        return found


def of_faces(found: list[Face | None], finder: str, people: int = 1) -> Track:
    """A track of one face a frame, or None."""
    rows = numpy.zeros((len(found), faces.ROW), numpy.float32)
    points = None
    if any(face is not None and face.contour is not None for face in found):
        points = numpy.full((len(found), len(faces.OVAL) + len(faces.NOSE), 2), numpy.nan, numpy.float32)
    for i, face in enumerate(found):
        if face is not None:
            rows[i] = face.row()
            if points is not None and face.contour is not None:
                points[i, : len(faces.OVAL)], points[i, len(faces.OVAL) :] = face.contour, face.nose
    return Track(rows, points, finder, people)


def make(
    clip: video.Clip, finder, number: int = 0, tell: Callable[[int], None] | None = None, frames: int = 0
) -> Track:
    """Find, follow and smooth a face. `number` 0 is the largest in each moment, 1 the largest person of the video, 2
    the next; `tell` hears of each frame; only the first `frames` are looked at (0: all). Raises Stop when there are not
    so many faces, or when the file is damaged."""
    people: list[dict[int, Face]] = []
    count = frames or clip.frames
    for i, frame in enumerate(video.read(clip, 0, count)):
        for face in sorted(finder.find(frame, i), key=lambda f: -f.width):
            _follow(people, i, face)
        if tell:
            tell(i + 1)
    people.sort(key=lambda one: -sum(f.width**2 for f in one.values()))
    people = [one for one in people if len(one) >= min(5, count)]  # a flash is nobody
    if number > len(people):
        raise Stop(
            f"FACE_NUMBER is {number}, and {len(people)} {'face was' if len(people) == 1 else 'faces were'} found"
        )
    chosen: dict[int, Face] = {}
    for one in people if number == 0 else people[number - 1 : number]:
        chosen = one | chosen
    together = _together(people)
    return smooth(of_faces([chosen.get(i) for i in range(count)], finder.name, together))


def _follow(people: list[dict[int, Face]], i: int, face: Face) -> None:
    """Add a face to the person who was last nearest to it, or as a new one."""
    best, least = None, 0.75 * face.width
    for one in people:
        last = max(one)
        if last == i or i - last > GAP + 1:
            continue
        away = numpy.hypot(*(numpy.array(one[last].middle) - face.middle))
        if away < least and 0.6 < one[last].width / face.width < 1.7:
            best, least = one, away
    if best is None:
        people.append({i: face})
    else:
        best[i] = face


def _together(people: list[dict[int, Face]]) -> int:
    """The most faces that are seen at once."""
    counts: dict[int, int] = {}
    for one in people:
        for i in one:
            counts[i] = counts.get(i, 0) + 1
    return max(counts.values(), default=0)


def smooth(track: Track) -> Track:
    """The track without trembling: short gaps filled in a straight line, then Savitzky-Golay over nine frames, never
    across a cut or a long gap."""
    from scipy.signal import savgol_filter

    rows, points = track.rows.copy(), None if track.points is None else track.points.copy()
    for begin, end in _runs(rows):
        there = numpy.flatnonzero(rows[begin:end, 8] > 0) + begin
        at = numpy.arange(begin, end)
        for column in range(faces.ROW):
            rows[begin:end, column] = numpy.interp(at, there, rows[there, column])
        window = min(_WINDOW, (end - begin) // 2 * 2 - 1)
        if window >= 5:
            rows[begin:end, :8] = savgol_filter(rows[begin:end, :8], window, 2, axis=0)
        if points is not None and numpy.isfinite(points[there]).all():
            flat = points[there].reshape(len(there), -1)
            filled = numpy.stack([numpy.interp(at, there, flat[:, k]) for k in range(flat.shape[1])], 1)
            if window >= 5:
                filled = savgol_filter(filled, window, 2, axis=0)
            points[begin:end] = filled.reshape(end - begin, -1, 2)
    return Track(rows, points, track.finder, track.people)


def _runs(rows: numpy.ndarray):
    """(begin, end) of each stretch that is one movement: gaps inside are short, and the face never jumps."""
    there = numpy.flatnonzero(rows[:, 8] > 0)
    if not len(there):
        return
    begin = there[0]
    for a, b in zip(there[:-1], there[1:], strict=True):
        width = max(1.0, float(rows[a, 3] - rows[a, 2]))
        jump = max(abs(rows[b, 0] - rows[a, 0]), abs(rows[b, 2] + rows[b, 3] - rows[a, 2] - rows[a, 3]) / 2)
        if b - a > GAP + 1 or jump > 0.5 * width:
            yield begin, a + 1
            begin = b
    yield begin, there[-1] + 1


def weights(track: Track) -> numpy.ndarray:
    """How far the painted mouth is shown in each frame of the clip for how sure its face is, (frames,) float32: 1 from
    a confidence of 0.6 on, 0 below 0.35, without steps of more than a third from frame to frame."""
    sure = numpy.clip((track.rows[:, 8] - 0.35) / 0.25, 0, 1).astype(numpy.float32)
    for _ in range(2):
        lower = numpy.minimum(numpy.roll(sure, 1), numpy.roll(sure, -1))
        lower[0], lower[-1] = sure[0], sure[-1]
        sure = numpy.minimum(sure, lower + 1 / 3)
    return sure


def save(track: Track, path: Path) -> Path:
    """Keep a track, so that a later session need not find the face again."""
    import io

    out = io.BytesIO()
    about = json.dumps({"finder": track.finder, "people": track.people})
    held = {} if track.points is None else {"points": track.points}
    numpy.savez_compressed(out, rows=track.rows, about=numpy.array(about), **held)
    return storage.write_whole(path, out.getvalue())


def load(path: Path) -> Track | None:
    """A kept track, None when there is none that can be read."""
    try:
        with numpy.load(path, allow_pickle=False) as held:
            about = json.loads(str(held["about"]))
            return Track(held["rows"], held.get("points"), about["finder"], about["people"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
