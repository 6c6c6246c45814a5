"""What stands in for parts that the speech packages import and that may be missing; each is only used where the real
thing is absent, and none replaces what is there.

- `pkg_resources` left setuptools with version 82. Perth asks it where its weights lie, and without it has no
  watermarker (None, silently); resemblyzer's voice detector asks it for a version.
- `onnx` is imported by s3tokenizer, which Chatterbox uses, and not needed; not every image has it.
- `torchaudio` is imported by VoxCPM's first model and by Perth, which only takes two Fourier transforms from it. Its
  wheels need CUDA libraries that a session without a card may not have.
"""

import contextlib
import importlib
import importlib.util
import sys
import threading
import types
from collections.abc import Iterator

_QUIET = threading.RLock()


@contextlib.contextmanager
def pkg_resources() -> Iterator[None]:
    """Have a `pkg_resources` with the two functions that are asked for, while perth or webrtcvad is imported: they ask
    then and never again, and whoever else finds one (pytest, old namespace packages) expects the whole of it."""
    if "pkg_resources" in sys.modules or importlib.util.find_spec("pkg_resources") is not None:
        yield
        return
    sys.modules["pkg_resources"] = made = _resources()
    try:
        yield
    finally:
        if sys.modules.get("pkg_resources") is made:
            del sys.modules["pkg_resources"]


def _resources() -> types.ModuleType:
    from importlib import metadata
    from pathlib import Path

    def resource_filename(package: str, name: str) -> str:
        origin = sys.modules[package].__spec__.origin if package in sys.modules else None
        return str(Path(origin or importlib.util.find_spec(package).origin).parent / name)

    def get_distribution(name: str) -> types.SimpleNamespace:
        try:
            return types.SimpleNamespace(version=metadata.version(name))
        except metadata.PackageNotFoundError:  # the same module as prebuilt wheels, under their own name
            return types.SimpleNamespace(version=metadata.version(f"{name}-wheels"))

    made = types.ModuleType("pkg_resources")
    made.resource_filename, made.get_distribution = resource_filename, get_distribution
    return made


def torchaudio() -> None:
    """Have a `torchaudio` with Perth's two transforms. transformers is imported first: it looks for torchaudio when it
    starts, and stumbles over a module without a spec."""
    if "torchaudio" in sys.modules or importlib.util.find_spec("torchaudio") is not None:
        return
    import transformers  # noqa: F401

    made, transforms = types.ModuleType("torchaudio"), types.ModuleType("torchaudio.transforms")
    made.__spec__ = importlib.util.spec_from_loader("torchaudio", None)
    made.__anylab__ = True
    made.transforms = transforms
    transforms.Spectrogram, transforms.InverseSpectrogram, transforms.TimeStretch = _transforms()
    sys.modules |= {"torchaudio": made, "torchaudio.transforms": transforms}


def onnx() -> None:
    """Have an `onnx` to be imported: s3tokenizer does so for a conversion that nobody asks for here."""
    if "onnx" not in sys.modules and importlib.util.find_spec("onnx") is None:
        import transformers  # noqa: F401  (it asks whether there is one)

        sys.modules["onnx"] = types.ModuleType("onnx")
        sys.modules["onnx"].__spec__ = importlib.util.spec_from_loader("onnx", None)


def has_torchaudio() -> bool:
    """Whether the real one is here."""
    found = sys.modules.get("torchaudio")
    if found is not None:
        return not hasattr(found, "__anylab__")
    return importlib.util.find_spec("torchaudio") is not None


def _transforms() -> tuple[type, type, type]:
    """Complex spectrogram and its inverse, centred, reflected at the ends, one-sided: torch's own."""
    import torch

    class Spectrogram(torch.nn.Module):
        def __init__(self, n_fft=400, win_length=None, hop_length=None, window_fn=torch.hann_window, **_):
            super().__init__()
            self.sizes = (n_fft, hop_length or n_fft // 2, win_length or n_fft)
            self.register_buffer("window", window_fn(self.sizes[2]))

        def forward(self, wave):
            return torch.stft(wave, *self.sizes, self.window, pad_mode="reflect", return_complex=True)

    class InverseSpectrogram(Spectrogram):
        def forward(self, spectrum):
            return torch.istft(spectrum, *self.sizes, self.window)

    class TimeStretch(torch.nn.Module):  # made by Perth and never called, but its buffer is among the saved weights
        def __init__(self, hop_length=None, n_freq=201, **_):
            super().__init__()
            self.register_buffer("phase_advance", torch.linspace(0, torch.pi * hop_length, n_freq)[..., None])

    return Spectrogram, InverseSpectrogram, TimeStretch


@contextlib.contextmanager
def threads_kept() -> Iterator[None]:
    """Importing pocket_tts sets torch to one thread for the whole process; after this block it is as before."""
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the lines and bars that the speech packages print: they alarm, and mean nothing here. One thread at a
    time: what is put aside is the process's."""
    with _QUIET:
        yield from _silenced()


def _silenced() -> Iterator[None]:
    import io
    import logging
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tqdm.auto  # noqa: F401  (remarks on missing widgets, once)
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        nowhere = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stderr(nowhere), contextlib.redirect_stdout(nowhere):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
