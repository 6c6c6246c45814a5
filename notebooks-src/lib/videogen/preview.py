"""A thumbnail of a clip before it is decoded: the middle latent by a linear map to colours, no weights needed.

Until a clip has been decoded the map is that of the three strongest directions (false colours, the shapes are right);
after the first it is fitted to that clip's own frames, and colours are about right too.
"""

from pathlib import Path

from labkit import storage


def thumbnail(latents, colours=None):
    """The middle latent frame, (height, width, 3) uint8. `colours` is a map from `fit`, (channels + 1, 3)."""
    import numpy as np

    z = _middle(latents)
    height, width, channels = z.shape
    flat = z.reshape(-1, channels)
    if colours is not None and len(colours) == channels + 1:
        rgb = np.c_[flat, np.ones(len(flat))] @ colours
    else:
        flat = flat - flat.mean(0)
        _, _, directions = np.linalg.svd(flat[:: max(1, len(flat) // 4000)], full_matrices=False)
        rgb = flat @ directions[:3].T
        rgb = rgb if rgb.shape[1] == 3 else np.repeat(rgb[:, :1], 3, 1)
        low, high = np.percentile(rgb, (2, 98), axis=0)
        rgb = (rgb - low) / np.maximum(high - low, 1e-6) * 255
    return rgb.clip(0, 255).astype(np.uint8).reshape(height, width, 3)


def fit(latents, frames):
    """The linear map from a clip's latents to its colours, (channels + 1, 3), by least squares on its middle frame."""
    import cv2
    import numpy as np

    z = _middle(latents)
    count = latents.shape[2]
    at = min(len(frames) - 1, round((count // 2) * (len(frames) - 1) / max(1, count - 1)))
    small = cv2.resize(frames[at], (z.shape[1], z.shape[0]), interpolation=cv2.INTER_AREA)
    flat = z.reshape(-1, z.shape[2])
    return np.linalg.lstsq(np.c_[flat, np.ones(len(flat))], small.reshape(-1, 3).astype(np.float64), rcond=None)[0]


def save(colours, path: Path) -> None:
    """Keep a fitted map for the next session."""
    import io

    import numpy as np

    out = io.BytesIO()
    np.save(out, colours, allow_pickle=False)
    storage.write_whole(path, out.getvalue())


def load(path: Path):
    """A kept map, None when there is none."""
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None


def _middle(latents):
    """The middle latent frame as (height, width, channels) float64."""
    z = latents[0, :, latents.shape[2] // 2].float().cpu().numpy()
    return z.transpose(1, 2, 0).astype("float64")
