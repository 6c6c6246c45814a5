"""Tiny models for the tests of videogen, and clips made with them."""

import numpy as np
from videogen import batch, plan, request, tiny, weights

CPU = plan.Machine(0.0, None, 0, 25.0, 100.0)
T4 = plan.Machine(14.6, (7, 5), 1, 12.7, 60.0)


def models_of(name, folder):
    """The tiny twins of a model's repositories, by role."""
    spec = plan.MODELS[name]
    built = tiny.build_all(folder, spec)
    return {role: weights.Local(s.id, "0" * 40, built[role]) for role, s in weights.repositories(spec).items()}


def make(folders, models, clips, made=None, devices=("cpu",), **more):
    """Encode and make a list of clips; their records."""
    made = made or plan.quick("fastwan-1.3b")
    found, _ = batch.encode_all(clips, made, folders, models, CPU)
    return batch.run(clips, made, folders, found, list(devices), **more)


def wishes(text="a cat|a dog", **more):
    """Clips of a form's text, without images."""
    return request.clips(text, **more)


def pan(frames=24, height=96, width=160, step=2):
    """A smooth pan over a drawn texture, (frames, height, width, 3) uint8."""
    y, x = np.mgrid[0:height, 0 : width + frames * step]
    wide = 128 + 60 * np.sin(x / 9) * np.cos(y / 7) + 40 * np.sin((x + 2 * y) / 23)
    scene = np.stack([wide, wide * 0.8, 255 - wide], -1).clip(0, 255).astype("uint8")
    return np.stack([scene[:, i * step : i * step + width] for i in range(frames)])
