"""Pack a job's outputs and unpack them elsewhere: `python moving.py ROOT`; ROOT/outputs holds what is to be moved."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kills.small_job import folders_below  # it puts the library on the path

from labkit import bundle  # isort: skip


def main(root: Path) -> None:
    here, there = folders_below(root, "small_job"), folders_below(root / "elsewhere", "small_job")
    archive = here.outputs / "small_job.bundle.zip"
    if not archive.exists():
        bundle.pack(here)
    print("saved 1", flush=True)
    bundle.unpack(archive, there)
    print("saved 2", flush=True)
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
