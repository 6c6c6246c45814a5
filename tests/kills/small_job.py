"""A small job that saves at every step: `python small_job.py ROOT STEPS [slow]`. What it prints, it has promised.

Its losses and its weights depend on everything before them, so a step lost, repeated or mixed up shows at the end.
"""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks-src" / "lib"))

from labkit import checkpoint, storage


def folders_below(root: Path, job: str, slow: bool = False) -> storage.Folders:
    for name in ("work", "outputs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    return storage.Folders(root / "work", root / "outputs", None, True, job, slow)


def main(root: Path, steps: int, slow: bool) -> None:
    store = checkpoint.Store(folders_below(root, "small_job", slow), {"steps": steps, "seed": 7})
    found = store.latest()
    losses = json.loads((found.path / "losses.json").read_text()) if found else []
    weights = (found.path / "weights.bin").read_bytes() if found else b"seed"
    assert found is None or found.step == len(losses)
    print("resumed", len(losses), flush=True)
    while len(losses) < steps:
        digest = hashlib.sha256(weights).digest()
        losses.append(int.from_bytes(digest[:4], "big") / (len(losses) + 1))
        weights = b"".join(hashlib.sha256(digest + bytes([i])).digest() for i in range(200)) * 8  # 51 kB
        with store.save(len(losses)) as folder:
            (folder / "losses.json").write_text(json.dumps(losses))
            (folder / "weights.bin").write_bytes(weights)
            (folder / "more").mkdir()
            (folder / "more" / "moments.bin").write_bytes(weights[::-1])
        print("saved", len(losses), flush=True)
    storage.write_whole(root / "outputs" / "result.json", json.dumps(losses).encode())
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["slow"])
