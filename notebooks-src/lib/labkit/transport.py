"""Carry a bundle as a file that a person fetches here and uploads there; a platform may have a way of its own."""

from pathlib import Path

from labkit import Stop

WAY = "a file"


def send(archive: Path, name: str, dry_run: bool = False) -> str:
    """Leave the archive where a person can take it; one sentence that says where it is (dry run: where it would be)."""
    return f"The bundle {name} {'would be' if dry_run else 'is'} {archive}: fetch it, upload it where the job goes on"


def receive(name: str, folder: Path, dry_run: bool = False) -> Path | None:
    """The archive `name`: a path, or a file's name in the current folder or Downloads. Raises Stop when there is none;
    a dry run says where it would look, and gives None."""
    given = Path(name).expanduser()
    places = [home / end for home in (Path.cwd(), Path.home() / "Downloads") for end in (given, f"{given}.bundle.zip")]
    looked = ", ".join(map(str, dict.fromkeys(places)))  # an absolute path is itself in any home
    if dry_run:
        print(f"This would look for {looked}")
        return None
    for place in places:
        if place.is_file():
            return place
    raise Stop(f"there is no bundle {name}; looked for {looked}: put it there")
