"""The adapter for SageMaker Studio Lab (AWS documentation, 2026-09-24; aws/studio-lab-examples)."""

import os
import tempfile
from pathlib import Path

NAME = "SageMaker Studio Lab"
IDLE = "an idle limit is not published"
SESSION_HOURS = 4  # on a GPU, per session and per 24 hours (AWS documentation, 2026-09-24)
INSTALLS = True
GPU_CLICKS = "on the project page: Stop runtime, choose GPU as compute type, Start runtime"
LARGER_CLICKS = (
    "choose a smaller size in the settings, or delete what is not needed in the file list; Studio Lab has one size of "
    "each machine"
)
INTERNET_CLICKS = (
    "Studio Lab sessions are always online, so this one is broken: on the project page Stop runtime, then Start runtime"
)
RESTART_CLICKS = "Kernel > Restart Kernel and Run All Cells"
FETCH = "They stay in your project; to fetch one: right-click it in the file list > Download."
ELSEWHERE = (
    "This is the variant for Studio Lab, but this machine is not Studio Lab; the badges on top lead to the others."
)
# whether the policy holds for Studio Lab is not known; a stored copy of it was read 2026-11-28, newer ones may exist
CLONING = (
    "SageMaker Studio Lab's own terms were not read by us. AWS's policy for its AI services "
    "(aws.amazon.com/machine-learning/responsible-ai/policy, version of 2023-09-28) forbids \"to depict a person's "
    'voice or likeness without their consent": use only a voice or face that is yours or that you were given.'
)
ROOT = os.environ.get("ANYLAB_STANDIN", "")  # tests put the platform's folders below a folder of theirs


def am_i_here() -> bool:
    """The home folder that only Studio Lab has."""
    return Path(f"{ROOT}/home/studio-lab-user").is_dir()


def is_batch() -> bool:
    """Studio Lab runs notebooks from JupyterLab."""
    return False


def folders(job: str) -> dict:
    """Where things go: the home folder is kept (15 GB in all), models stay on the machine's own disk."""
    home = Path(f"{ROOT}/home/studio-lab-user")
    scratch = Path(tempfile.gettempdir()) / "anylab"
    return {
        "work": scratch / job,
        "outputs": home / "anylab" / job,
        "cache": scratch / "cache",
        "kept": True,
        "note": "",
    }


def secret(name: str) -> str | None:
    """Studio Lab has no secret store: the environment is asked by the caller."""
    return None


def image() -> str:
    """The internal image's address names its version."""
    return os.environ.get("SAGEMAKER_INTERNAL_IMAGE_URI", "").rpartition("/")[2]


def release() -> str:
    """There is no call that stops the runtime."""
    return "To save your daily hours: on the project page, Stop runtime."
