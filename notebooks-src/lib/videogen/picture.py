"""The image that a clip begins with: opened, judged, turned upright, and cut to the model's size without stretching."""

import hashlib
from dataclasses import replace
from pathlib import Path

from labkit import Stop, storage
from media.picture import plain

from videogen import film
from videogen.plan import Plan

SMALLEST, WIDEST = 128, 3.0  # pixels of the shorter side; the longer side over the shorter
NEAR = 0.03  # by which two shapes are the same to the eye: 16:9 is 1280 x 720, the model's grid has 1280 x 704
EXAMPLE = "example"


def keep(picture, place: Path) -> str:
    """Save an image below `place` under its content's hash; its name there, which is the same on every machine."""
    import io

    digest = hashlib.sha256(picture.tobytes() + str(picture.size).encode()).hexdigest()[:16]
    name = f"images/{digest}.png"
    if not (place / name).exists():
        with storage.told(place):
            (place / "images").mkdir(exist_ok=True)
        raw = io.BytesIO()
        picture.save(raw, format="PNG")
        storage.write_whole(place / name, raw.getvalue())
    return name


def opened(name: str | Path, quiet: bool = False):
    """An image as upright RGB of 8 bits; `example` is one that is drawn here. `quiet` says nothing of further pictures
    in it. Raises Stop."""
    import warnings

    from PIL import Image, ImageOps, UnidentifiedImageError

    if str(name).strip() == EXAMPLE:
        return example()
    path, short = film.given(name), Path(str(name)).name[-60:]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large raises
            with Image.open(path) as found:
                found.load()
                picture = ImageOps.exif_transpose(found)
                if getattr(found, "n_frames", 1) > 1 and not quiet:
                    print(f"{short} has {found.n_frames} pictures; the clip begins with the first.")
            return plain(picture)
    except FileNotFoundError:
        raise Stop(f"there is no image {name}; upload it first, and give its path") from None
    except Image.DecompressionBombError:
        raise Stop(
            f"{short} has more than {2 * Image.MAX_IMAGE_PIXELS / 1e6:.0f} million pixels; make it smaller"
        ) from None
    except PermissionError:
        raise Stop(f"{path} may not be read; change its permissions, or give another image") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        why = "is no image" if isinstance(error, UnidentifiedImageError) else "cannot be read as an image"
        if path.suffix.lower() in (".heic", ".heif"):
            why = "is a photo in HEIC, which is not read here"  # what a phone takes by itself
        raise Stop(f"{short} {why}; give a PNG, JPEG or WebP file") from None


def judged(name: str, quiet: bool = False):
    """An image that a clip can begin with. Raises Stop: too small, or too long and thin."""
    picture = opened(name, quiet)
    if min(picture.size) < SMALLEST:
        raise Stop(
            f"{Path(name).name} has {picture.width} x {picture.height} pixels; its shorter side needs {SMALLEST}"
        )
    if max(picture.size) / min(picture.size) > WIDEST:
        raise Stop(
            f"{Path(name).name} is {picture.width} x {picture.height}: more than {WIDEST:g} times as long as wide, "
            "most of it would be cut off; crop it first"
        )
    return picture


def fitted(picture, height: int, width: int):
    """An image cut in its middle to the clip's aspect, then resized: nothing is stretched."""
    from PIL import Image, ImageOps

    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)


def shaped(plan: Plan, name: str) -> Plan:
    """The plan with an image's shape and no more pixels than it had; on the model's grid. An image of nearly the
    plan's own shape, lying or upright, keeps its size: the model was trained at that."""
    picture, grid = judged(name, quiet=True), plan.spec.shape.space * plan.spec.shape.patch
    ratio = min(max(picture.height / picture.width, 9 / 16), 16 / 9)  # the models were trained within these
    for height, width in ((plan.height, plan.width), (plan.width, plan.height)):
        if abs(ratio * width / height - 1) < NEAR:
            return replace(plan, height=height, width=width)
    pixels = plan.height * plan.width
    width = max(1, int((pixels / ratio) ** 0.5 / grid)) * grid
    height = max(1, min(round(width * ratio / grid), pixels // width // grid)) * grid
    return replace(plan, height=height, width=width)


def example(height: int = 480, width: int = 832):
    """A drawn evening at the sea: sky, sun, hills, water. Ours, so that nobody's picture has to be asked for."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height, x / width
    sky = np.stack([255 - 120 * (1 - y * 1.6), 140 + 60 * y, 90 + 90 * (1 - y)], -1)
    sun = np.clip(1.6 - 14 * np.hypot((x - 0.62) * width / height, y - 0.42), 0, 1)[..., None]
    scene = sky * (1 - sun) + np.array([255, 240, 190]) * sun
    hills = 0.5 + 0.05 * np.sin(7 * x + 1) + 0.025 * np.sin(19 * x)
    scene = np.where((y > hills)[..., None], np.array([70, 60, 95]) * (0.8 + 0.4 * x[..., None]), scene)
    waves = 0.5 + 0.5 * np.sin(260 * (y - 0.6).clip(0) ** 0.7 + 6 * np.sin(24 * x))[..., None]
    glint = np.clip(1 - 9 * np.abs(x - 0.62), 0, 1)[..., None] * waves
    sea = np.array([50, 70, 120]) + 40 * waves + np.array([150, 110, 60]) * glint
    scene = np.where((y > 0.62)[..., None], sea, scene)
    return Image.fromarray(scene.clip(0, 255).astype(np.uint8))
