"""The GraphMER notebook's own cells, from its settings to its trained encoder, as a quick test that can be killed.

The graph, the tokens and the chains are made once; then each attempt is a fork that runs the cells and is killed while
it trains. Saving every half second instead of every ten minutes is the one thing that differs from the notebook.
"""

import contextlib
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
END = "# %% [markdown]\n# ### A head that points at names"


@cache
def program() -> str:
    """The notebook up to the end of its training; the link head goes on exactly too (test_graphmer_links.py)."""
    text = (ROOT / "notebooks-src" / "graphmer_training.py").read_text(encoding="utf-8")
    changes = {
        "QUICK_TEST = False": "QUICK_TEST = True",
        "last_save[0] > 600": "last_save[0] > 0.5",
        'here = Path(globals().get("__file__", "notebook"))': f"here = Path({str(ROOT / 'notebooks-src' / 'x.py')!r})",
        "    last_save[0] = time.monotonic()\n\n\ndef try_to_save": (
            '    last_save[0] = time.monotonic()\n    print("saved", run.step, flush=True)\n\n\ndef try_to_save'
        ),
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    assert END in text
    return text[: text.index(END)]


def prepare(home: Path, cache_folder: Path) -> None:
    """Run the cells before the training here, their slow, pure calls remembered for all forks of this process."""
    os.environ.update(ANYLAB_CACHE=str(cache_folder), TOKENIZERS_PARALLELISM="false", MPLBACKEND="Agg")
    import torch
    from graphmer import baselines, cache, knowledge, splits, tokens

    torch.set_num_threads(1)  # a fork has no threads but its own
    for module, name in (
        (knowledge, "build"), (tokens, "train"), (cache, "both"), (splits, "hold_out"),
        (baselines, "counting_levels"),
    ):  # fmt: skip
        setattr(module, name, once(getattr(module, name)))
    run_cells(home, program()[: program().index('print(f"{size}: ')])
    graph = knowledge.build()
    knowledge.load = lambda path: graph if path.exists() else None


def once(function):
    """The result of the first call, for every call: all attempts ask for the same."""
    results = []

    def first(*arguments, **named):
        if not results:
            results.append(function(*arguments, **named))
        return results[0]

    return first


def run_cells(home: Path, cells: str) -> None:
    """Run cells of the notebook with their outputs below `home`."""
    os.environ["ANYLAB_HOME"] = str(home)
    exec(compile(cells, "graphmer_training.py", "exec"), {"__name__": "__main__"})


def attempt(home: Path, delay: float | None) -> tuple[list[str], bool]:
    """Run the cells in a fork and kill it `delay` seconds after the training began; (its lines, was it killed?)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(writing, 1)
        sys.stdout = os.fdopen(1, "w", buffering=1)
        code = 1
        with contextlib.suppress(BaseException):
            run_cells(home, program())
            print("finished", flush=True)
            code = 0
        os._exit(code)
    os.close(writing)
    lines, timer = [], None
    with os.fdopen(reading) as stream:
        for line in stream:
            lines.append(line.rstrip("\n"))
            if delay is not None and timer is None and re.match(r"tiny: ", line):
                timer = threading.Timer(delay, os.kill, (child, signal.SIGKILL))
                timer.start()
    if timer:
        timer.cancel()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or "finished" in lines, "\n".join(lines)
    return lines, killed


def kill_the_training(folder: Path, cache_folder: Path, kills: int) -> tuple[dict, list[Path]]:
    """Train undisturbed, then under `kills` kills; (counts, the folders of all runs, the undisturbed one first)."""
    prepare(folder / "before", cache_folder)
    began = time.monotonic()
    attempt(folder / "whole", None)
    seconds, homes = time.monotonic() - began, [folder / "whole"]
    counts, chance = Counter(kills=0, starts=0, runs_finished=0, resumed_midway=0), random.Random(0)
    while counts["kills"] < kills:
        homes.append(folder / f"run-{counts['runs_finished']}")
        promised, finished = 0, False
        while not finished:
            lines, killed = attempt(homes[-1], None if counts["kills"] >= kills else chance.uniform(0, seconds))
            counts["starts"] += 1
            counts["kills"] += killed
            steps = [int(m[1]) for line in lines if (m := re.search(r"Going on from step (\d+)", line))]
            assert all(step >= promised for step in steps), (promised, lines)
            counts["resumed_midway"] += bool(steps)
            promised = max([promised, *(int(line.split()[1]) for line in lines if line.startswith("saved "))])
            finished = "finished" in lines
        counts["runs_finished"] += 1
    return dict(counts), homes


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "notebooks-src" / "lib"))
    print(json.dumps(kill_the_training(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))[0]))
