"""Cut a face out, and put a painted one back so that no seam shows: crop box, mask, colour, blend.

A mask is a polygon of the face's contour below the crop's middle, without the nose, a little longer at the chin and
feathered; without a contour a half-ellipse. It ends inside the crop, since there is nothing painted outside.
"""

import functools
from dataclasses import dataclass

import numpy

from lipsync.faces import Face

_GRID = 128  # masks are drawn in this many rows and columns, and enlarged
_MOST = 24.0  # of 255: no colour is moved further


@dataclass(frozen=True)
class Look:
    """What the preview's sliders move. Pixels of the frame; the others are shares of the face's width or height."""

    shift: int = 0  # of the crop's centre row, downwards: opens the mouth more (MuseTalk's bbox_shift)
    margin: int = 10  # below the chin
    cheeks: float = 0.9  # width of the mask
    feather: float = 0.07
    match: bool = True  # colours


def box(face: Face, width: int, height: int, look: Look = Look()) -> tuple[int, int, int, int] | None:
    """The crop (x0, y0, x1, y1) in whole pixels: its centre row as given, its bottom at the chin and a margin, its top
    as far above the centre as the chin is below, all inside the frame. The detector's own box where that is none;
    None where that is none either."""
    centre = face.centre + look.shift
    top = max(0.0, centre - (face.chin - centre))
    found = _inside(face.left, top, face.right, face.chin + look.margin, width, height)
    if face.chin <= centre or face.left < 0 or found is None:
        x0, y0, x1, y1 = face.box
        found = _inside(x0, y0, x1, y1 + look.margin, width, height)
    return found


def _inside(x0: float, y0: float, x1: float, y1: float, width: int, height: int) -> tuple[int, int, int, int] | None:
    x0, y0, x1, y1 = max(0, round(x0)), max(0, round(y0)), min(width, round(x1)), min(height, round(y1))
    return (x0, y0, x1, y1) if x1 - x0 >= 8 and y1 - y0 >= 8 else None


def cut(frame: numpy.ndarray, place: tuple[int, int, int, int], side: int) -> numpy.ndarray:
    """The crop as the model sees it, (side, side, 3) uint8, by Lanczos."""
    import cv2

    x0, y0, x1, y1 = place
    return cv2.resize(frame[y0:y1, x0:x1], (side, side), interpolation=cv2.INTER_LANCZOS4)


def mask(face: Face, place: tuple[int, int, int, int], look: Look = Look()) -> numpy.ndarray:
    """How much of the painted crop is shown, (height, width) float32 in 0..1."""
    import cv2

    x0, y0, x1, y1 = place
    scale = numpy.array([_GRID / (x1 - x0), _GRID / (y1 - y0)], numpy.float32)
    centre = (face.centre + look.shift - y0) * scale[1]
    if not 0 < centre < _GRID:
        centre = _GRID / 2
    drawn = numpy.zeros((_GRID, _GRID), numpy.uint8)
    if face.contour is not None:
        points = (numpy.asarray(face.contour, numpy.float32) - (x0, y0)) * scale
        middle = points[:, 0].mean()
        points[:, 0] = middle + (points[:, 0] - middle) * look.cheeks
        chin = max(points[:, 1].max(), centre + 1)
        points[:, 1] += 0.04 * _GRID * numpy.clip((points[:, 1] - centre) / (chin - centre), 0, 1)
        cv2.fillPoly(drawn, [points.round().astype(numpy.int32)], 255)
        if face.nose is not None:
            nose = (numpy.asarray(face.nose, numpy.float32) - (x0, y0)) * scale
            cv2.fillPoly(drawn, [cv2.convexHull(nose.round().astype(numpy.int32))], 0)
    else:
        half = (int(_GRID / 2 * look.cheeks), int(_GRID * 0.96 - centre))
        cv2.ellipse(drawn, (_GRID // 2, int(centre)), half, 0, 0, 180, 255, -1)
    drawn[: int(centre)] = 0
    sigma = max(0.5, look.feather * _GRID / 2)
    soft = cv2.GaussianBlur(drawn, (0, 0), sigma).astype(numpy.float32) / 255 * _edge(look.feather)
    return cv2.resize(soft, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)


@functools.cache
def _edge(feather: float) -> numpy.ndarray:
    """1 inside, falling to 0 at the crop's own edges, (grid, grid) float32."""
    ramp = numpy.clip(numpy.minimum(numpy.arange(_GRID), numpy.arange(_GRID)[::-1]) / max(1.0, feather * _GRID), 0, 1)
    return numpy.outer(ramp, ramp).astype(numpy.float32)


def blend(
    frame: numpy.ndarray, painted: numpy.ndarray, place: tuple[int, int, int, int], soft: numpy.ndarray,
    weight: float = 1.0, match: bool = True,
) -> None:  # fmt: skip
    """Put a painted crop, (side, side, 3) uint8, into the frame in place, through the mask `soft` times `weight`."""
    import cv2

    x0, y0, x1, y1 = place
    region = frame[y0:y1, x0:x1]
    made = cv2.resize(painted, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    if match:
        made = matched(made, region, soft)
    share = soft * numpy.float32(weight)
    frame[y0:y1, x0:x1] = cv2.blendLinear(made, numpy.ascontiguousarray(region), share, 1 - share)


def matched(made: numpy.ndarray, region: numpy.ndarray, soft: numpy.ndarray) -> numpy.ndarray:
    """The painted crop with the colours that the region has where the mask fades: there both show the same skin."""
    import cv2

    band = ((soft > 0.05) & (soft < 0.6)).astype(numpy.uint8)
    if not band.any():
        return made
    change = numpy.array(cv2.mean(region, mask=band)[:3]) - numpy.array(cv2.mean(made, mask=band)[:3])
    change = numpy.clip(change, -_MOST, _MOST)
    tables = numpy.clip(numpy.arange(256)[:, None] + change[None], 0, 255).round().astype(numpy.uint8)
    return cv2.LUT(made, tables[None])


def openness(painted: numpy.ndarray) -> float:
    """How open a mouth is, as a number that is only good to be compared: how dark the darkest fifth of the middle of
    the crop's lower half is, 0 to 1. Takes (side, side, 3) uint8."""
    side = painted.shape[0]
    part = painted[side * 5 // 8 : side * 7 // 8, side * 3 // 8 : side * 5 // 8].mean(-1)
    darkest = numpy.sort(part, axis=None)[: max(1, part.size // 5)]
    return float(1 - darkest.mean() / 255)
