"""A work list that survives its session: each item is queued, running, done or failed; a rerun does what is left.

Beside an item's files in `outputs/<name>` lies its record, `0001-3fa1b2c4.json`: item, settings, what `make` returned
(seeds), versions, seconds, peak memory, state. It is written last: an item is done when it says so and the files are as
it lists them. The second part of the name is the hash of item and settings: with other settings it is other work."""

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import disk
from disk import sealed

from labkit import Stop, clock, storage


class Worklist:
    """Items (plain data: text, numbers, lists, dicts) with one set of settings; several processes may share them."""

    def __init__(self, folders: storage.Folders, name: str, items: Iterable, settings: dict | None = None):
        self.place, self.claims = folders.outputs / name, folders.work / f".{name}"
        self.settings, self.items, self.known, seen = sealed.plain(settings or {}, "settings"), [], {}, Counter()
        with storage.told(self.place):
            self.place.mkdir(exist_ok=True)
            self.claims.mkdir(exist_ok=True)
            for number, item in enumerate(items, 1):
                key = sealed.digest([sealed.plain(item, f"item {number}"), self.settings])
                seen[key] += 1  # the same item twice is two pieces of work
                key = (sealed.digest([key, seen[key]]) if seen[key] > 1 else key)[:8]
                self.items.append((number, key, item))
                if self.record(key)["state"] == "running":
                    with disk.held(self.claims / key) as mine:  # nobody does it then: a kill has left it so
                        if mine and self.record(key)["state"] == "running":
                            self._side(key).unlink(missing_ok=True)

    def record(self, key: str) -> dict:
        """What is known of an item: its JSON file, or {"state": "queued"}."""
        try:
            found = self.known.get(key) or json.loads(self._side(key).read_text(encoding="utf-8"))
            if found["state"] == "done" and key not in self.known:
                sealed.check(self.place, found)
                self.known[key] = found
            return found
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return {"state": "queued"}  # none yet, or it or a file of it is gone or altered: it is made again

    def states(self) -> dict[str, int]:
        """How many items are in each state."""
        found = Counter(self.record(key)["state"] for _, key, _ in self.items)
        return {state: found[state] for state in ("queued", "running", "done", "failed")}

    def run(self, make: Callable[[object, Path], object], margin_minutes: float = 5.0) -> list[dict]:
        """Do what is left, a line an item; returns the items' records. A failed item does not end the batch; a rerun
        tries it again. Ends before the session does, and at the stop button. Raises Stop when nothing can be saved."""
        slowest, why = 0.0, ""
        for number, key, item in self.items:
            if clock.should_stop(margin_minutes + slowest / 60):
                why = "; stopped, the session or its budget is about to end"
                break
            try:
                with storage.told(self.claims), disk.held(self.claims / key) as mine:  # else another process does it
                    if mine and self.record(key)["state"] != "done":
                        slowest = max(slowest, self._do(number, key, item, make))
            except KeyboardInterrupt:
                why = "; stopped"
                break
        counts = {state: n for state, n in self.states().items() if n}
        why += "; run it again to do what is left" if set(counts) - {"done"} else ""
        print(", ".join(f"{n} {state}" for state, n in counts.items()) + why)
        return [self.record(key) for _, key, _ in self.items]

    def _do(self, number: int, key: str, item, make: Callable) -> float:
        """Make one item and record it; the seconds it took. One that is broken off is queued again."""
        fresh, side, started = self.claims / f"{key}-files", self._side(key, number), time.monotonic()
        record = {"state": "running", "item": item, "settings": self.settings, **storage.facts(), "files": {}}
        try:
            storage.write_json(side, record)
            try:
                shutil.rmtree(fresh, ignore_errors=True)
                fresh.mkdir()
                _peaks(reset=True)
                record["made"] = sealed.plain(make(item, fresh), "what make returned")
                record |= {"files": self._deliver(fresh, side.stem), "state": "done", **_peaks()}
            except Exception as error:
                if disk.full(error, fresh):
                    raise Stop(storage.sentence(side, error)) from None
                reason = f"{type(error).__name__}: {error}".encode(errors="backslashreplace").decode()
                record |= {"state": "failed", "error": reason}
            record["seconds"] = round(time.monotonic() - started, 3)
            storage.write_json(side, record)
        except BaseException:
            with suppress(OSError):
                side.unlink()
            raise
        shutil.rmtree(fresh, ignore_errors=True)
        words = f"{len(record['files'])} files" if record["state"] == "done" else record["error"]
        print(f"{number} of {len(self.items)} {record['state']} in {record['seconds']:.1f} s: {words}", flush=True)
        return record["seconds"]

    def _deliver(self, fresh: Path, stem: str) -> dict[str, list]:
        """Move what was made beside its record, folders as part of the names; what the record lists."""
        files = {}
        for path in sorted(path for path in fresh.rglob("*") if path.is_symlink() or not path.is_dir()):
            name = f"{stem}-{'-'.join(path.relative_to(fresh).parts)}"
            if path.is_symlink() or not path.is_file() or name in files:
                raise ValueError(f"{name} is a link, a device, or the name of two files")
            files[name] = sealed.hashed(path)
            disk.move(path, self.place / name)
        return files

    def _side(self, key: str, number: int = 0) -> Path:
        return next(self.place.glob(f"[0-9]*-{key}.json"), self.place / f"{number:04}-{key}.json")


def _peaks(reset: bool = False) -> dict[str, float]:
    """The peaks of the GPU's memory since the last reset and of this process's since it began, in GB."""
    cuda, peaks = getattr(sys.modules.get("torch"), "cuda", None), {}
    if cuda and cuda.is_available():
        peaks["peak_gpu_gb"] = round(cuda.max_memory_allocated() / 1e9, 3)
        if reset:
            cuda.reset_peak_memory_stats()
    with suppress(ImportError):
        import resource

        unit = 1e9 if sys.platform == "darwin" else 1e9 / 1024
        peaks["peak_ram_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 3)
    return peaks
