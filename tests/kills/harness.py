"""Kill a program with SIGKILL at random instants until it has been killed often enough, and hold it to its word.

A program prints "saved N" when it has saved N, "resumed N" when it has found N again, and "finished". After a kill it
is started again on the same folder; it must resume at least what it had promised.
"""

import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

PROMISE = re.compile(r"^(?:saved (\d+)|\d+ of \d+ done)")


def whole_run(command: list[str]) -> float:
    """Run undisturbed; the seconds it took. Fails with the program's words."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert done.returncode == 0 and "finished" in done.stdout, done.stdout + done.stderr
    return time.monotonic() - started


def attempt(command: list[str], delay: float | None) -> tuple[list[str], bool, str]:
    """Start the program, kill it after `delay` seconds; (its lines, whether the kill met it alive, its errors)."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, stderr=errors, text=True)
        if delay is not None:
            timer = threading.Timer(delay, lambda: process.poll() is None and process.send_signal(signal.SIGKILL))
            timer.start()
        lines = process.stdout.read().splitlines()
        code = process.wait()
        if delay is not None:
            timer.cancel()
        errors.seek(0)
        return lines, code == -signal.SIGKILL, errors.read()


def kill_often(command: Callable[[Path], list[str]], root: Path, kills: int, seconds: float, check: Callable) -> dict:
    """Kill `command(folder)` `kills` times at random instants of its `seconds`; counts of what happened.

    Whenever a folder's run has come to its end, `check(folder)` compares it with the undisturbed one, and a new folder
    is begun.
    """
    counts, chance = Counter(kills=0, starts=0, runs_finished=0, resumed_midway=0), random.Random(0)
    while counts["kills"] < kills:
        folder = root / f"run-{counts['runs_finished']}"
        promised, finished = 0, False
        while not finished:
            enough = counts["kills"] >= kills
            lines, killed, errors = attempt(command(folder), None if enough else chance.uniform(0, seconds))
            counts["starts"] += 1
            counts["kills"] += killed
            assert killed or not errors, errors
            resumed = [int(line.split()[1]) for line in lines if line.startswith("resumed ")]
            assert all(found >= promised for found in resumed), f"promised {promised}, resumed {resumed}"
            counts["resumed_midway"] += bool(resumed and resumed[0])
            saved = [PROMISE.match(line) for line in lines]
            done = sum(1 for match in saved if match and match[1] is None)
            promised = max([promised, *(int(m[1]) for m in saved if m and m[1]), (resumed or [promised])[0] + done])
            finished = "finished" in lines
            assert finished or killed, (lines, errors)
        check(folder)
        counts["runs_finished"] += 1
    return dict(counts)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder that is not hidden: name -> content."""
    paths = (p for p in sorted(folder.rglob("*")) if p.is_file())
    named = ((p.relative_to(folder), p) for p in paths)
    return {str(name): p.read_bytes() for name, p in named if not any(x.startswith(".") for x in name.parts)}


def latest_two(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without checkpoints before the last two: a kill between a save and its tidying leaves a third one."""
    names = sorted({m[0] for name in files if (m := re.match(r"checkpoints/[^/]+/\d+-step-\d+", name))})
    return {name: data for name, data in files.items() if not name.startswith(tuple(names[:-2]))}
