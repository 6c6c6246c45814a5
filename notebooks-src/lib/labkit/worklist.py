"""A work list that survives its session: each item is queued, running, done or failed; a rerun does what is left.

    clips = worklist.Worklist(folders, "clips", prompts, settings)
    clips.run(make)                            # make(item, folder) writes the item's files into `folder`

Beside an item's files in `outputs/<name>` lies one JSON file, `0001-3fa1b2c4.json`: the item, the settings, what `make`
returned (seeds), versions, seconds, peak memory, state. It is written last, so an item is done when it says so and the
files are as it lists them. The name's second part is the hash of item and settings: other settings are other work.
Several processes may share a list: an item is claimed by a lock that ends with its process.
"""

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

import disk
from disk import sealed

from labkit import Stop, clock, storage

STATES = ("queued", "running", "done", "failed")


class Worklist:
    """Items (plain data: text, numbers, lists, dicts) to be worked through with one set of settings."""

    def __init__(self, folders: storage.Folders, name: str, items: Iterable, settings: dict | None = None):
        self.settings, self.place, self.claims = settings or {}, folders.outputs / name, folders.work / f".{name}"
        try:
            self.place.mkdir(exist_ok=True)
            self.claims.mkdir(exist_ok=True)
        except OSError as error:
            raise Stop(storage.sentence(self.place, error)) from None
        self.items, self.known, seen = [], {}, Counter()
        for number, item in enumerate(items, 1):
            key = sealed.digest([item, self.settings])
            seen[key] += 1  # the same item twice is two pieces of work
            key = (sealed.digest([key, seen[key]]) if seen[key] > 1 else key)[:8]
            self.items.append((number, key, item))
            handle = disk.lock(self.claims / key) if self.record(key)["state"] == "running" else None
            if handle is not None:  # nobody is: a kill has left it so
                self._side(key).unlink()
                os.close(handle)

    def record(self, key: str) -> dict:
        """What is known of an item: its JSON file, or {"state": "queued"}."""
        if key not in self.known:
            try:
                found = json.loads(self._side(key).read_text(encoding="utf-8"))
                if found["state"] != "done":
                    return found
                sealed.check(self.place, found)
                self.known[key] = found
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                return {"state": "queued"}  # none yet, or it or a file of it is gone or altered: it is made again
        return self.known[key]

    def states(self) -> dict[str, int]:
        """How many items are in each state."""
        found = Counter(self.record(key)["state"] for _, key, _ in self.items)
        return {state: found[state] for state in STATES}

    def run(self, make: Callable[[object, Path], object], margin_minutes: float = 5.0) -> list[dict]:
        """Do what is left, a line an item; returns the items' records. A failed item does not end the batch, and a
        rerun tries it again. Ends before the session does, and at the stop button. Raises Stop when nothing more can
        be saved."""
        slowest, why = 0.0, ""
        for number, key, item in self.items:
            if clock.should_stop(margin_minutes + slowest / 60):
                why = "; stopped, the session or its budget is about to end"
                break
            handle = disk.lock(self.claims / key)
            if handle is None:
                continue  # another process is doing it
            try:
                if self.record(key)["state"] != "done":
                    slowest = max(slowest, self._do(number, key, item, make))
            except KeyboardInterrupt:
                why = "; stopped"
                break
            finally:
                os.close(handle)
        counts = {state: n for state, n in self.states().items() if n}
        left = "; run it again to do what is left" if set(counts) - {"done"} else ""
        print(", ".join(f"{n} {state}" for state, n in counts.items()) + why + left)
        return [self.record(key) for _, key, _ in self.items]

    def _do(self, number: int, key: str, item, make: Callable) -> float:
        """Make one item and record it; the seconds it took."""
        fresh, side = self.claims / f"{key}-files", self._side(key, number)
        record = {"state": "running", "item": item, "settings": self.settings, **storage.facts(), "files": {}}
        storage.write_json(side, record)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        started = time.monotonic()
        try:
            with _peak(record):
                record["made"] = json.loads(json.dumps(make(item, fresh)))
            state = "done"
        except KeyboardInterrupt:
            storage.write_json(side, {**record, "state": "queued"})
            raise
        except Exception as error:
            state = "failed"
            record["error"] = f"{type(error).__name__}: {error}"
        for path in sorted(p for p in fresh.rglob("*") if p.is_file() and state == "done"):
            target = self.place / f"{side.stem}-{'-'.join(path.relative_to(fresh).parts)}"
            try:
                disk.move(path, target)
            except OSError as error:
                raise Stop(storage.sentence(target, error)) from None
            record["files"][target.name] = sealed.hashed(target)
        record |= {"state": state, "seconds": round(time.monotonic() - started, 3)}
        storage.write_json(side, record)
        shutil.rmtree(fresh, ignore_errors=True)
        words = f"{len(record['files'])} files" if state == "done" else record["error"]
        print(f"{number} of {len(self.items)} {state} in {record['seconds']:.1f} s: {words}", flush=True)
        return record["seconds"]

    def _side(self, key: str, number: int = 0) -> Path:
        return next(self.place.glob(f"[0-9]*-{key}.json"), self.place / f"{number:04}-{key}.json")


@contextmanager
def _peak(record: dict):
    """Note the peak of the GPU's memory in the block, and of this process's memory so far, in GB."""
    torch = sys.modules.get("torch")
    cuda = torch.cuda if torch is not None and torch.cuda.is_available() else None
    if cuda:
        cuda.reset_peak_memory_stats()
    yield
    record |= {"peak_gpu_gb": round(cuda.max_memory_allocated() / 1e9, 3)} if cuda else {}
    with suppress(ImportError):
        import resource

        record["peak_ram_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 3)
