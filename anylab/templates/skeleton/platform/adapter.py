"""The adapter for __TITLE__."""

import os
from pathlib import Path

NAME = "__TITLE__"
SESSION_HOURS = None  # not known yet
IDLE = "its idle limit is not known yet"
INSTALLS = True
GPU_CLICKS = "choose a GPU in the session's settings, then run all again"
LARGER_CLICKS = "choose a smaller size in the settings, or free some disk"
INTERNET_CLICKS = "switch the internet on in the session's settings, then run all again"
RESTART_CLICKS = "restart the kernel, then run all again"
FETCH = "To fetch them: the file list of the session."
CLONING = "What the terms of __TITLE__ say on cloned voices and faces was not read yet."
ELSEWHERE = "This is the variant for __TITLE__, but this machine is not; the badges on top lead to the others."
ROOT = os.environ.get("ANYLAB_STANDIN", "")  # tests put the platform's folders below a folder of theirs


def am_i_here() -> bool:
    """The variable that only this platform sets."""
    return bool(os.environ.get("__VARIABLE___SESSION"))


def is_batch() -> bool:
    """True when nobody is there to answer a dialog."""
    return False


def folders(job: str) -> dict:
    """Where things go: `work` (fast), `outputs` (kept), `cache` (models)."""
    base = Path(f"{ROOT}/__NAME__")
    return {"work": base / "work" / job, "outputs": base / job, "cache": base / "cache", "kept": False, "note": ""}


def secret(name: str) -> str | None:
    """A secret of this platform, None when there is none."""
    return None


def image() -> str:
    """The name of the platform's image, for the run report."""
    return ""


def release() -> str:
    """Let the GPU go; returns what to tell the reader."""
    return "To free the GPU, end the session."
