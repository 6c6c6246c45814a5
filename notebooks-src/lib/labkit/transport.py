"""A platform's own way to carry a bundle, in its folder as transport.py. Your own machine has none: the file is it."""

from pathlib import Path

from labkit import Stop

WAY = "a file"


def send(archive: Path, name: str, dry_run: bool = False) -> str:
    """Leave the archive where a person can take it; one sentence that says where it is (dry run: would be)."""
    return f"The bundle {name} {'would be' if dry_run else 'is'} {archive}: fetch it, upload it where the job goes on"


def receive(name: str, folder: Path, dry_run: bool = False) -> Path | None:
    """Nothing can be carried here by itself. Raises Stop."""
    raise Stop(f"nothing brings the bundle {name} here by itself: give the path of its file")
