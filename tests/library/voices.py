"""What the tests of voice cloning share: the packages that go in without dependencies, and voices by espeak-ng."""

import functools
import importlib.util
import os
import sys
from pathlib import Path

import numpy
import pytest

from anylab.compile import compile_all
from anylab.project import open_project
from anylab.smoke import overlay
from tests.conftest import ROOT

FETCH = "python build.py overlays"


@functools.cache
def packages() -> Path:
    """Put the notebook's packages without dependencies on the path; a red test in CI where they are not fetched."""
    compiled = compile_all(open_project(ROOT))
    pair = next(p for p in compiled.pairs if p.source.name == "voice_cloning" and p.platform.id == "local")
    folder = overlay.bare(compiled, pair)
    if not folder.is_dir():
        assert not os.environ.get("CI"), f"CI needs the packages without dependencies: {FETCH}"
        pytest.skip(f"the packages without dependencies are not on this machine: {FETCH}")
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    return folder


@functools.cache
def speak(voice: str = "en-us+m3", text: str = "", pitch: int = 42) -> tuple[numpy.ndarray, int]:
    """(samples,) float32 at 16 kHz and the rate, as the script beside the notebook's sample makes them."""
    import soxr

    path = ROOT / "notebooks-src/assets/make_voice_cloning.py"
    spec = importlib.util.spec_from_file_location("make_voice_cloning", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    samples, rate = made.speak(text or made.TEXT, voice, 150, pitch)
    return soxr.resample(samples, rate, 16000), 16000
