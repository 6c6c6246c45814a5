"""One process for each further card, all of them at the same work list; each sees its own card only."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from labkit import clock, storage


def start(module: str, told: dict, devices: list[str], work: Path) -> list[subprocess.Popen]:
    """Start `python -m module JOB` for each of these devices ("cuda:1", ...); JOB is a JSON file with `told` and the
    device. What each says goes into `worker-N.log` in the work folder."""
    helpers, left = [], clock.time_left()  # a process of its own would begin to count anew
    told = {**told, "minutes": 0.0 if left is None else max(left, 1e-3) / 60}
    for number, device in enumerate(devices, 2):
        # its own card is its only one, so that nothing lands on the first by accident
        job = storage.write_json(
            work / f"worker-{number}.json", {**told, "device": "cuda" if device.startswith("cuda") else device}
        )
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        if device.startswith("cuda:"):
            seen, at = os.environ.get("CUDA_VISIBLE_DEVICES", ""), int(device.partition(":")[2])
            env["CUDA_VISIBLE_DEVICES"] = seen.split(",")[at] if seen else str(at)
        with open(work / f"worker-{number}.log", "wb") as log:
            command = [sys.executable, "-m", module, str(job)]
            helpers.append(subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT))
        print(f"card {number} works on the same list; what it says stands in {log.name}")
    return helpers


def joined(told: dict) -> None:
    """What a started process does first: it ends with the session's budget, and when it is told to end, as at the stop
    button, what it is at is queued again."""
    clock.budget(told["minutes"])
    signal.signal(signal.SIGTERM, _stopped)


def _stopped(*_) -> None:
    raise KeyboardInterrupt


def end(helpers: list[subprocess.Popen]) -> None:
    """A stop here is a stop there: what they were at is queued again."""
    for helper in helpers:
        if helper.poll() is None:
            helper.terminate()
            helper.wait()
