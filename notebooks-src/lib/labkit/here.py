"""The adapter for your own machine: Linux, Windows or macOS, with or without a graphics card."""

import os
import platform
from pathlib import Path

NAME = "your own machine"
SESSION_HOURS, IDLE = None, "nobody ends it"
CLONING = "On your own machine the law of your country decides."
INSTALLS = False  # a notebook does not change your environment; it says what to install
GPU_CLICKS = "install a CUDA build of torch (pytorch.org/get-started) and the NVIDIA driver, then restart the kernel"
LARGER_CLICKS = "choose a smaller size in the settings, close other programs, free some disk, or take a larger machine"
INTERNET_CLICKS = "connect this machine to the internet"
RESTART_CLICKS = "restart the kernel, then run all cells again"
FETCH = "They are ordinary files on this machine."
ROOT = ELSEWHERE = ""  # this variant is right wherever no other platform is recognised


def am_i_here() -> bool:
    """Nothing marks a machine of one's own: the other platforms' marks decide."""
    return False


def is_batch() -> bool:
    """True when nobody is there to answer a dialog."""
    return bool(os.environ.get("CI"))


def folders(job: str) -> dict:
    """Where things go: `work` (fast), `outputs` (kept), `cache` (models; None leaves the libraries' own)."""
    base = Path(os.environ.get("ANYLAB_HOME") or Path.cwd() / "anylab-outputs")
    return {"work": base / job / "work", "outputs": base / job, "cache": None, "kept": True, "note": ""}


def secret(name: str) -> str | None:
    """A secret of this platform, None when there is none."""
    return None


def image() -> str:
    """The name of what this machine runs, for the run report."""
    return f"{platform.system()} {platform.release()}"


def release() -> str:
    """Let the GPU go; returns what to tell the reader."""
    return "Close the notebook's kernel to free the GPU."
