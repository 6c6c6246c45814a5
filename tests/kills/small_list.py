"""A work list of twelve items, one of them bad: `python small_list.py ROOT`. "k of 12 done" is a promise."""

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kills.small_job import folders_below  # it puts the library on the path

from labkit import worklist  # isort: skip

ITEMS = [f"item {n}" for n in range(12)]
BAD = "item 7"


def make(item: str, folder: Path) -> dict:
    if item == BAD:
        raise ValueError("this one cannot be made")
    content = hashlib.sha256(item.encode()).digest() * 2000  # 64 kB
    (folder / "clip.bin").write_bytes(content)
    (folder / "clip.txt").write_text(item)
    return {"seed": len(item)}


def main(root: Path) -> None:
    clips = worklist.Worklist(folders_below(root, "small_list"), "clips", ITEMS, {"size": 64})
    print("resumed", clips.states()["done"], flush=True)
    records = clips.run(make)
    assert [record["state"] for record in records].count("done") == 11, records
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
