"""Who finds faces: MediaPipe's landmarks, the small detector YuNet, a box given by hand, or the sample's own numbers.

A finder has a `name` and `find(frame, number) -> [Face]`; frames come in order, 25 a second. `choose` takes the first
that works on this machine, and says why one did not.
"""

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

import numpy
from labkit import Stop, here, storage
from media import intake

from lipsync import FPS, faces, registry, sample, weights
from lipsync.faces import Face

CHOICES = ("auto", "mediapipe", "yunet", "box")
_LONGEST = 640  # pixels of the longer side in which YuNet looks


class Fixed:
    """The same box in every frame: what is given by hand as x0, y0, x1, y1 from the brows' height up to the chin."""

    def __init__(self, told: str, width: int, height: int):
        self.name = "box"
        x0, y0, x1, y1 = _four(told)
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise Stop(f"BOX {told} does not lie in the picture of {width} x {height} pixels (left, top, right, chin)")
        self.face = faces.from_box((x0, y0, x1, y1))

    def find(self, frame: numpy.ndarray, number: int) -> list[Face]:
        return [self.face]


def _four(told: str) -> tuple[float, ...]:
    """The four numbers of BOX. Raises Stop."""
    try:
        x0, y0, x1, y1 = (float(part) for part in told.replace(";", ",").split(","))
    except ValueError:
        raise Stop(
            f"BOX should be four numbers like '120, 80, 300, 330' (left, top, right, chin), not '{told}'"
        ) from None
    return x0, y0, x1, y1


def judged(wish: str, box) -> str:
    """BOX as words, "" for none. Raises Stop for what is no box, or no way to find a face."""
    if wish not in CHOICES:
        raise Stop(f"there is no way to find faces called '{wish}', only {', '.join(CHOICES)}")
    told = ", ".join(map(str, box)) if isinstance(box, (tuple, list)) else intake.words(box, "BOX")
    if told.strip() or wish == "box":
        _four(told)
    return told


class Middle:
    """The middle of the picture, for a quick test: no finder is downloaded, and what is painted is noise anyway."""

    name = "nobody: the middle of the picture, for a quick test"

    def __init__(self, width: int, height: int):
        self.face = faces.from_box((0.3 * width, 0.3 * height, 0.7 * width, 0.7 * height))

    def find(self, frame: numpy.ndarray, number: int) -> list[Face]:
        return [self.face]


class Sample:
    """The drawn face's own numbers."""

    name = "sample"

    def find(self, frame: numpy.ndarray, number: int) -> list[Face]:
        return [sample.face(number)]


class YuNet:
    """OpenCV's YuNet: a box and five points, from a file of 0.2 MB."""

    def __init__(self, path: Path, least: float = 0.6):
        import cv2

        self.name = "yunet"
        if path.stat().st_size < 1000:  # a pointer of git's large files instead of the file
            raise Stop(f"{path.name} has {path.stat().st_size} bytes, so it is not the detector: fetch it again")
        try:
            level = cv2.utils.logging.setLogLevel(2)  # errors only: a remark on targets alarms, and means nothing here
            self.net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), least, 0.3, 200)
            cv2.utils.logging.setLogLevel(level)
        except (cv2.error, AttributeError) as error:
            why = (str(error).strip().splitlines() or [""])[0][:120]
            raise Stop(f"OpenCV {cv2.__version__} cannot load {path.name} ({why})") from None

    def find(self, frame: numpy.ndarray, number: int) -> list[Face]:
        import cv2

        height, width = frame.shape[:2]
        scale = min(1.0, _LONGEST / max(height, width))
        small = frame if scale == 1 else cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self.net.setInputSize((small.shape[1], small.shape[0]))
        _, found = self.net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        rows = numpy.zeros((0, 15)) if found is None else numpy.asarray(found, numpy.float64)
        return [
            faces.from_five(*(row[:4] / scale).tolist(), row[4:14].reshape(5, 2) / scale, float(row[14]))
            for row in rows
        ]


class MediaPipe:
    """MediaPipe's FaceLandmarker: 478 points of up to four faces."""

    def __init__(self, path: Path, most: int = 4):
        self.name = "mediapipe"
        try:
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision

            options = vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(path)),
                running_mode=vision.RunningMode.VIDEO,
                num_faces=most,
            )
            self.landmarker = vision.FaceLandmarker.create_from_options(options)
        except (ImportError, OSError, RuntimeError, ValueError, AttributeError) as error:
            why = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise Stop(f"MediaPipe cannot be used here ({why})") from None
        self._image = lambda frame: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame)

    def find(self, frame: numpy.ndarray, number: int) -> list[Face]:
        height, width = frame.shape[:2]
        result = self.landmarker.detect_for_video(self._image(numpy.ascontiguousarray(frame)), number * 1000 // FPS)
        size = numpy.array([width, height], numpy.float32)
        return [
            faces.from_mesh(numpy.array([(p.x, p.y) for p in one], numpy.float32) * size)
            for one in result.face_landmarks
        ]


def choose(wish: str, box: str, clip, folders, ours: bool = False, quick: bool = False):
    """The finder for a clip. `wish` is one of CHOICES, `box` what BOX says, `ours` whether it is the sample's face; a
    `quick` test downloads nothing. Raises Stop when none can be used."""
    box = judged(wish, box)
    if box.strip() or wish == "box":
        return Fixed(box, clip.width, clip.height)
    if ours and wish == "auto":
        return Sample()
    if quick:
        print(
            "A quick test downloads no finder: the middle of the picture is taken for the face; BOX says where it is."
        )
        return Middle(clip.width, clip.height)
    problems = []
    for name in ("mediapipe", "yunet") if wish == "auto" else (wish,):
        try:
            return MediaPipe(landmarker(folders.work)) if name == "mediapipe" else YuNet(_yunet(folders))
        except Stop as stop:
            problems.append(str(stop))
            print(
                f"{stop}."
                + (" Taking YuNet, which knows no contour." if name == "mediapipe" and wish == "auto" else "")
            )
    raise Stop(f"faces cannot be found here: {problems[-1]}; or give the face's place yourself, under BOX")


def _yunet(folders) -> Path:
    """YuNet's newest float file: the one with free sizes (2026may) is what OpenCV 5 wants."""
    got = weights.fetched("yunet", folders)
    found = sorted(p for p in got.path.rglob("*.onnx") if "int8" not in p.name)
    if not found:
        raise Stop(f"{got.id} holds no detector any more")
    return next((p for p in found if "2026may" in p.name), found[-1])


def landmarker(folder: Path) -> Path:
    """MediaPipe's model, fetched once and checked by its hash. Raises Stop."""
    url, known = registry.LANDMARKER
    path = Path(folder) / "face_landmarker.task"
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == known:
        return path
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            data = answer.read(64_000_000)
    except (urllib.error.URLError, OSError) as error:
        raise Stop(
            f"MediaPipe's face model cannot be fetched ({getattr(error, 'reason', error)}): {here.INTERNET_CLICKS}"
        ) from None
    if hashlib.sha256(data).hexdigest() != known:
        raise Stop(
            "MediaPipe's face model is not the one that was known when this notebook was written: it is not used"
        )
    return storage.write_whole(path, data)
