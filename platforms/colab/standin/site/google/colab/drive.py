"""Mounting Google Drive: makes the folder, or fails in a documented way that ANYLAB_DRIVE names."""

import os
from pathlib import Path

_FAULTS = {
    "refused": ValueError("mount failed"),
    "timeout": ValueError("mount failed: timeout during initial read of root folder"),
    "files": ValueError("Mountpoint must not already contain files"),
    "enterprise": NotImplementedError("google.colab.drive is not supported in Colab Enterprise."),
}


def mount(mountpoint, force_remount=False, timeout_ms=120000, readonly=False):
    fault = _FAULTS.get(os.environ.get("ANYLAB_DRIVE", ""))
    if fault:
        raise fault
    if " " in mountpoint:
        raise ValueError("Mountpoint must not contain a space.")
    path = Path(mountpoint)
    if path.is_symlink():
        raise ValueError("Mountpoint must not be a symlink")
    if (path / "MyDrive").is_dir() and not force_remount:
        print(f"Drive already mounted at {mountpoint}; to attempt to forcibly remount, use force_remount=True.")
        return
    if path.is_dir() and any(path.iterdir()):
        raise ValueError("Mountpoint must not already contain files")
    (path / "MyDrive").mkdir(parents=True)
    print(f"Mounted at {mountpoint}")


def flush_and_unmount(timeout_ms=24 * 60 * 60 * 1000):
    return None
