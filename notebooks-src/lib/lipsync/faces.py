"""A face in a frame, whoever found it: the four numbers that a crop is made of, how sure, and its contour if known.

Pixels of the frame, x to the right, y down. What MuseTalk was trained with are iBUG's 68 points: the crop's centre row
is point 29 (third of the nose bridge), its bottom the chin, its sides the jaw's extremes.
"""

from dataclasses import dataclass

import numpy

# FaceMesh points (MediaPipe): the 36 of the face's oval in order, the nose below the bridge, and those that stand for
# iBUG's. 197 for point 29 and the nose are from memory of the mesh, not measured against iBUG
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
NOSE = (197, 48, 64, 98, 2, 327, 294, 278)
BRIDGE, CHIN = 197, 152
EYE_OUTER = (33, 263)


@dataclass(frozen=True)
class Face:
    """One face in one frame. `box` is the detector's own (x0, y0, x1, y1); `contour` (36, 2) and `nose` (8, 2) are
    float32, or None where the finder knows no contour; `confidence` is 0..1, and lower for a face in profile."""

    centre: float
    chin: float
    left: float
    right: float
    box: tuple[float, float, float, float]
    confidence: float
    contour: numpy.ndarray | None = None
    nose: numpy.ndarray | None = None

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, self.centre

    def row(self) -> list[float]:
        """The numbers of a track's row."""
        return [self.centre, self.chin, self.left, self.right, *self.box, self.confidence]


ROW = 9  # numbers of a row


def of_row(row, points=None) -> Face | None:
    """The face of a track's row, None for a row without one (confidence 0)."""
    if row[8] <= 0:
        return None
    contour = None if points is None or not numpy.isfinite(points).all() else points
    numbers = [float(v) for v in row]
    return Face(*numbers[:4], tuple(numbers[4:8]), numbers[8],
                None if contour is None else contour[: len(OVAL)],
                None if contour is None else contour[len(OVAL) :])  # fmt: skip


def from_box(box: tuple[float, float, float, float], confidence: float = 1.0) -> Face:
    """A face of which only the crop is known: what is given by hand."""
    x0, y0, x1, y1 = box
    return Face((y0 + y1) / 2, y1, x0, x1, box, confidence)


def from_five(x: float, y: float, w: float, h: float, points, score: float) -> Face:
    """A face of a detector's box (left, top, width, height), five points (5, 2) and score: right eye, left eye, nose
    tip, right and left corner of the mouth. The crop by proportions that were fitted on one photograph (2026-11)."""
    points = numpy.asarray(points, numpy.float32)
    eyes, nose, mouth = points[:2].mean(0), points[2], points[3:].mean(0)
    centre = eyes[1] + 0.66 * (nose[1] - eyes[1])
    chin = mouth[1] + 0.85 * (mouth[1] - eyes[1])
    return Face(float(centre), float(chin), x, x + w, (x, y, x + w, y + h), score * frontal(points[0], points[1], nose))


def from_mesh(points, confidence: float = 1.0) -> Face:
    """A face of MediaPipe's 478 landmarks, (478, 2) pixels."""
    points = numpy.asarray(points, numpy.float32)
    oval = points[list(OVAL)]
    (left, top), (right, bottom) = oval.min(0), oval.max(0)
    eyes = points[EYE_OUTER[0]], points[EYE_OUTER[1]]
    return Face(
        float(points[BRIDGE, 1]), float(points[CHIN, 1]), float(left), float(right),
        (float(left), float(top), float(right), float(bottom)),
        confidence * frontal(*eyes, points[4]), oval, points[list(NOSE)],
    )  # fmt: skip


def frontal(one_eye, other_eye, nose) -> float:
    """How much a face looks at the camera, 0 (profile) to 1: whether the nose stands between the eyes. 1 until the nose
    is a quarter of the eyes' distance off the middle, 0 when it stands below an eye."""
    axis = numpy.asarray(other_eye, float) - numpy.asarray(one_eye, float)
    length = float(numpy.hypot(*axis))
    if length < 1e-6:
        return 0.0
    along = float(numpy.dot(numpy.asarray(nose, float) - numpy.asarray(one_eye, float), axis)) / length**2
    return float(numpy.clip((0.5 - abs(along - 0.5)) / 0.25, 0, 1))
