"""The adapter for Kaggle notebooks (docker-python@78aaa43, 2026-08-12; kaggle.com/docs/notebooks, 2026-09-24)."""

import os
import tempfile
from pathlib import Path

NAME = "Kaggle"
# 12 h on CPU and GPU, 9 h on a TPU (kaggle.com/docs/notebooks, 2026-09-24)
SESSION_HOURS = 9 if os.environ.get("ISTPUVM") else 12
IDLE = "an interactive one ends after 20 minutes without you (Save Version > Save & Run All does not)"
INSTALLS = True
GPU_CLICKS = "Settings > Accelerator > GPU T4 x2 (needs a phone-verified account), then run all again"
LARGER_CLICKS = (
    "choose a smaller size in the settings; Kaggle has no larger free machine; stopping the session and starting it "
    "again empties the scratch disk"
)
INTERNET_CLICKS = "Settings > Turn on internet (needs a phone-verified account), then run all again"
RESTART_CLICKS = "Run > Restart & clear cell outputs, then Run > Run all"
FETCH = "To keep them: Save Version > Save & Run All; they then stand under Output, as one archive or file by file."
ELSEWHERE = "This is the variant for Kaggle, but this machine is not Kaggle; the badges on top lead to the others."
# read by others in 2026-09 and 2026-10 (the pages open in a browser only), version of 2025-06-22; nothing on voices
CLONING = (
    "Kaggle's terms (kaggle.com/terms, kaggle.com/aup) were not read by us. Others quote from them \"personal, "
    "non-commercial use\" (in 2026-10): read them before you clone a person's voice here, or sell what you make."
)
ROOT = os.environ.get("ANYLAB_STANDIN", "")  # tests put the platform's folders below a folder of theirs


def am_i_here() -> bool:
    """Set in every Kaggle session, and nowhere else."""
    return bool(os.environ.get("KAGGLE_KERNEL_RUN_TYPE"))


def is_batch() -> bool:
    """True for Save & Run All, where nobody can answer a dialog."""
    return os.environ.get("KAGGLE_KERNEL_RUN_TYPE") == "Batch"


def folders(job: str) -> dict:
    """Where things go: /kaggle/working is saved with the version (20 GB), scratch is not."""
    scratch = Path(f"{ROOT}/kaggle/temp")
    try:
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError:
        scratch = Path(tempfile.gettempdir())
    working = Path(f"{ROOT}/kaggle/working")
    # an interactive session keeps nothing by itself: only a saved version does
    return {
        "work": scratch / job,
        "outputs": working / job,
        "cache": scratch / "cache",
        "kept": is_batch(),
        "note": "",
        "inputs": [Path(f"{ROOT}/kaggle/input")],  # SLUG/..., or datasets/OWNER/SLUG/... since 2026
    }


def secret(name: str) -> str | None:
    """A secret from Add-ons > Secrets; None when it is missing, not attached, or the internet is off."""
    try:
        from kaggle_secrets import UserSecretsClient

        return UserSecretsClient().get_secret(name)
    except Exception:  # CredentialError, BackendError, ConnectionError
        return None


def image() -> str:
    """The image's commit and build date, as the image says."""
    parts = []
    for name in ("git_commit", "build_date"):
        path = Path(f"{ROOT}/etc/{name}")
        if path.is_file():
            parts.append(path.read_text(encoding="utf-8", errors="replace").strip()[:12])
    return " ".join(parts)


def release() -> str:
    """There is no call that ends a session."""
    return "To free the GPU: the power sign on top, Stop session. A Save & Run All ends by itself."
