"""A work list that survives its session: each item is queued, running, done or failed; a rerun does what is left.

Beside an item's files in `outputs/<name>` lies its record, `0001-<hash of item and settings>.json`, written last: what
`make` returned (seeds), versions, seconds, peak memory. An item is done when it says so and the files are as listed."""

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

from labkit import Stop, clock, secret, storage


class Worklist:
    """Items (plain data: text, numbers, lists, dicts) with one set of settings; several processes may share them."""

    def __init__(self, folders: storage.Folders, name: str, items: Iterable, settings: dict | None = None):
        if name in ("", "..") or Path(name).name != name:
            raise ValueError(f"a work list's name is that of a folder, not {name!r}")
        self.place, self.claims = folders.outputs / name, folders.work / f".{name}"
        self.settings, self.items, self.known, seen = sealed.plain(settings or {}, "settings"), [], {}, Counter()
        with storage.told(self.place):
            self.place.mkdir(exist_ok=True)
            self.claims.mkdir(exist_ok=True)
            self.sides = {path.stem.partition("-")[2]: path for path in self.place.glob("[0-9]*-*.json")}
            for number, item in enumerate(items, 1):
                item = sealed.plain(item, f"item {number}")
                key = sealed.digest([item, self.settings])
                seen[key] += 1  # the same item twice is two pieces of work
                key = (sealed.digest([key, seen[key]]) if seen[key] > 1 else key)[:8]
                self.items.append((number, key, item))
                self.sides.setdefault(key, self.place / f"{number:04}-{key}.json")
                self._wake(key)

    def record(self, key: str) -> dict:
        """What is known of an item: its JSON file, or {"state": "queued"}."""
        try:
            found = self.known.get(key) or json.loads(self.sides[key].read_text(encoding="utf-8"))
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
        for number, key, item in sorted(self.items, key=lambda entry: self.record(entry[1]).get("died", 0)):
            if clock.should_stop(margin_minutes + slowest / 60):
                why = "; stopped, the session or its budget is about to end"
                break
            try:
                with storage.told(self.claims), disk.held(self.claims / key) as mine:  # else another process does it
                    if mine:  # under another number, where another process has the items in another order
                        self.sides[key] = next(self.place.glob(f"[0-9]*-{key}.json"), self.sides[key])
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
        fresh, side, started = self.claims / f"{key}-files", self.sides[key], time.monotonic()
        record = {"state": "running", "item": item, "settings": self.settings, **storage.facts(), "files": {}}
        record["died"] = self.record(key).get("died", 0)  # how often a process died over it
        try:
            storage.write_json(side, record)
            try:
                shutil.rmtree(fresh, ignore_errors=True)
                fresh.mkdir()
                _peaks(reset=True)
                record["made"] = sealed.plain(make(sealed.plain(item, "item"), fresh), "what make returned")
                record["files"] = sealed.deliver(fresh, self.place, side.stem, secret.mask)
                record |= {"state": "done", "died": 0, **_peaks()}
            except (Exception, SystemExit) as error:
                if disk.full(error, fresh):
                    raise Stop(disk.sentence(side, error)) from None
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

    def _wake(self, key: str) -> None:
        """Queue an item again whose process was killed; one that was killed twice has failed, and is done last."""
        if self.record(key)["state"] == "running":
            with disk.held(self.claims / key) as mine:  # else it is being done
                record = self.record(key)
                if mine and record["state"] == "running":
                    died = record.get("died", 0) + 1
                    told = {"state": "queued" if died < 2 else "failed", "error": "its process died", "died": died}
                    storage.write_json(self.sides[key], record | told)


def _peaks(reset: bool = False) -> dict[str, float]:
    """The peaks of the GPU's memory since the last reset and of this process's since it began, in GB."""
    cuda, peaks = getattr(sys.modules.get("torch"), "cuda", None), {}
    if cuda and cuda.is_available():
        peaks["peak_gpu_gb"] = round(cuda.max_memory_allocated() / 1e9, 3)
        if reset:
            cuda.reset_peak_memory_stats()
    with suppress(ImportError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024  # bytes
        peaks["peak_ram_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9, 3)
    return peaks
