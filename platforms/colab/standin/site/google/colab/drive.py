"""Mounting Google Drive: makes the folder and its line in the mount table, or fails as ANYLAB_DRIVE names."""

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
    if (path / "MyDrive").is_dir() and not force_remount:  # colabtools looks no further either
        print(f"Drive already mounted at {mountpoint}; to attempt to forcibly remount, use force_remount=True.")
        return
    if path.is_dir() and any(path.iterdir()):
        raise ValueError("Mountpoint must not already contain files")
    (path / "MyDrive").mkdir(parents=True)
    table = _table()
    table.parent.mkdir(exist_ok=True)
    table.write_text(f"overlay / overlay rw 0 0\ndrive {mountpoint} fuse.drive rw,nosuid,nodev 0 0\n")
    print(f"Mounted at {mountpoint}")


def flush_and_unmount(timeout_ms=24 * 60 * 60 * 1000):
    _table().write_text("overlay / overlay rw 0 0\n")


def _table():
    return Path(os.environ.get("ANYLAB_STANDIN", ""), "proc/mounts")
