"""Whose voice is it? Speaker embeddings by resemblyzer, whose weights come with its package: nothing is downloaded.

Cosine similarity of two of them: clips of one espeak voice 0.84 to 0.91, of clearly different ones 0.54 to 0.63, of a
similar one up to 0.86 (measured 2026-11-20). It tells far voices apart, not twins.
"""

from functools import cache

import numpy
from media import shims
from media.sound import Sound, resample

RATE = 16000
SAME = 0.75  # between the two groups above
# of the surest windows: espeak's voices that differ clearly 0.55 to 0.64, one voice 0.67 to 0.78 (2026-11-28)
_APART = 0.65
_WINDOW = 1.6  # seconds of one embedding
_LEVEL = 10 ** (-30 / 20)  # of each window: resemblyzer's own (audio_norm_target_dBFS); else a step back is a stranger


@cache
def _encoder():
    import torch

    with shims.pkg_resources(), shims.quiet():
        from resemblyzer import VoiceEncoder

        return VoiceEncoder("cuda" if torch.cuda.is_available() else "cpu", verbose=False)


def ready() -> None:
    """Load the encoder; see watermark.ready for why it is not left to the first use."""
    _encoder()


def _speech(sound: Sound) -> numpy.ndarray:
    """At resemblyzer's rate and level, long silences shortened, at least one window long."""
    _encoder()
    from resemblyzer import preprocess_wav

    wave = resample(sound, RATE).samples
    if not numpy.any(wave):
        return numpy.zeros(int(_WINDOW * RATE), numpy.float32)
    with shims.quiet():
        kept = preprocess_wav(wave)
    kept = kept if len(kept) >= RATE // 4 else wave  # nothing that it takes for speech
    return numpy.pad(kept, (0, max(0, int(_WINDOW * RATE) - len(kept)))).astype(numpy.float32)


def embedding(sound: Sound) -> numpy.ndarray:
    """(256,) float32 of unit length."""
    return _encoder().embed_utterance(_speech(sound)).astype(numpy.float32)


def windows(sound: Sound, talk: numpy.ndarray, frame: float, step: float = 0.8) -> tuple[numpy.ndarray, numpy.ndarray]:
    """(begins,) in seconds and (windows, 256): one embedding for each 1.6 s in which somebody talks for the most part;
    `talk` says so for each `frame` seconds (silence has no voice, and would be taken for another one)."""
    encoder, wave = _encoder(), resample(sound, RATE).samples
    begins = numpy.arange(0, max(1e-9, len(wave) / RATE - _WINDOW), step)
    busy = [talk[int(b / frame) : int((b + _WINDOW) / frame)] for b in begins]
    begins = numpy.array([b for b, t in zip(begins, busy, strict=True) if len(t) and t.mean() > 0.6])
    parts = [wave[int(b * RATE) : int((b + _WINDOW) * RATE)] for b in begins]
    parts = [part * numpy.float32(_LEVEL / max(1e-4, float(numpy.sqrt((part**2).mean())))) for part in parts]
    return begins, _at_once(encoder, [numpy.pad(part, (0, int(_WINDOW * RATE) - len(part))) for part in parts])


def _at_once(encoder, waves: list[numpy.ndarray], most: int = 64) -> numpy.ndarray:
    """(waves, 256): what embed_utterance gives for each wave of one window, many in one pass."""
    import torch
    from resemblyzer.audio import wav_to_mel_spectrogram
    from resemblyzer.hparams import partials_n_frames

    made = [numpy.zeros((0, 256), numpy.float32)]
    for begin in range(0, len(waves), most):
        mels = numpy.stack([wav_to_mel_spectrogram(wave)[:partials_n_frames] for wave in waves[begin : begin + most]])
        with torch.inference_mode():
            made.append(encoder(torch.from_numpy(mels).to(encoder.device)).cpu().numpy())
    return numpy.concatenate(made)


def similarity(one: numpy.ndarray, other: numpy.ndarray) -> float:
    """Cosine of two embeddings, -1 to 1."""
    return float(numpy.dot(one, other) / (numpy.linalg.norm(one) * numpy.linalg.norm(other) + 1e-9))


def groups(embeddings: numpy.ndarray) -> numpy.ndarray:
    """(windows,) 0 or 1: the two most different groups among the windows, all 0 where they are one voice.

    Two-means on the sphere from the two windows that are farthest apart; a second voice must have a fifth of the
    windows, and the groups' means must differ as different voices do: those of the half of each group that is surest,
    since where two take turns every few seconds many windows hold both."""
    labels = numpy.zeros(len(embeddings), int)
    if len(embeddings) < 4:
        return labels
    cosines = embeddings @ embeddings.T
    first, second = numpy.unravel_index(numpy.argmin(cosines), cosines.shape)
    centres = embeddings[[first, second]]
    for _ in range(10):
        labels = numpy.argmax(embeddings @ centres.T, axis=1)
        if min(numpy.bincount(labels, minlength=2)) == 0:
            return numpy.zeros(len(embeddings), int)
        centres = numpy.stack([embeddings[labels == i].mean(axis=0) for i in (0, 1)])
        centres /= numpy.linalg.norm(centres, axis=1, keepdims=True)
    small = min(numpy.bincount(labels, minlength=2)) < max(2, len(labels) / 5)
    cosines = embeddings @ centres.T
    sure, means = numpy.abs(cosines[:, 0] - cosines[:, 1]), []
    for label in (0, 1):
        mine = numpy.flatnonzero(labels == label)
        means.append(embeddings[mine[numpy.argsort(-sure[mine])][: max(1, len(mine) // 2)]].mean(axis=0))
    return labels * 0 if small or similarity(*means) > _APART else labels
