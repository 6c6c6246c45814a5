"""Carry a bundle as a file that a person fetches here and uploads there; a platform may have a way of its own."""

from pathlib import Path

from labkit import Stop, here

WAY = "a file"


def send(archive: Path, name: str, dry_run: bool = False) -> str:
    """Leave the archive where a person can take it; one sentence that says where it is (dry run: where it would be)."""
    if not dry_run and not archive.is_file():
        raise Stop(f"there is no archive at {archive}: make the bundle first")
    state = "would be" if dry_run else "is"
    return (
        f"The bundle {name} {state} {archive.resolve()} on {here.NAME}: fetch it, and upload it where the job goes on."
    )


def receive(name: str, folder: Path, dry_run: bool = False) -> Path | None:
    """The archive named by `name`: a path, or a file name looked for in the current folder, in Downloads, in `folder`.

    It stays where it is. A dry run says where it would look and returns None. Raises Stop when there is none.
    """
    given = Path(name).expanduser()
    homes = [Path()] if given.is_absolute() else [Path.cwd(), Path.home() / "Downloads", folder]
    places = [home / end for home in homes for end in (given, f"{given}.bundle.zip")]
    if dry_run:
        print("A run would look for " + ", then ".join(map(str, places)) + "; nothing was looked for.")
        return None
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise Stop(f"there is no bundle {name}, looked for " + ", ".join(map(str, places)) + ": upload it there")
    return found
