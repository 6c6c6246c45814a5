"""Training in several processes of one machine, called like `train.train`: torchrun as a subprocess of the notebook.

Contract: the returned run is the one that the processes have left; log lines, the stop button and the clock work as in
one process. A subprocess, since a notebook's own process cannot be forked once it has touched CUDA.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from tokenizers import Tokenizer

from graphmer import cache, state, worker
from graphmer.corpus import Corpus
from graphmer.run import Run, Settings, check_team, stop_button


class LaunchError(RuntimeError):
    """The processes ended early; the message holds the last lines that they wrote."""


def prepare(job: Path, run: Run, settings: Settings, tokenizer: Tokenizer, data: Corpus, valid: Corpus | None) -> None:
    """Write what the processes need into the folder `job`, which is emptied. Raises OSError."""
    shutil.rmtree(job, ignore_errors=True)
    (job / "start").mkdir(parents=True)
    state.write(job / "start", run, tokenizer, data.settings)
    for name, corpus in (("train", data), ("valid", valid)):
        if corpus is not None:
            cache.save(corpus, job / name)
    about = {
        "settings": asdict(settings), "train": str(job / "train"), "valid": str(job / "valid") if valid else "",
        "valid_rows": 128,
    }  # fmt: skip
    (job / "job.json").write_text(json.dumps(about), encoding="utf-8")


def train(
    run: Run,
    data: Corpus,
    settings: Settings,
    tokenizer: Tokenizer,
    job: Path,
    processes: int,
    on_log: Callable[[dict], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    on_save: Callable[[Path, int], None] | None = None,
    save_wanted: Callable[[], bool] | None = None,
    valid: Corpus | None = None,
) -> Run:
    """Train `run` on `processes` devices (CPU processes where there is no GPU); the run as they left it.

    `on_save(folder, step)` is called with a state that can be kept, whenever `save_wanted()` and at the end.
    Raises LaunchError, or ValueError when the micro-batches cannot be dealt out evenly.
    """
    check_team(settings, processes)
    prepare(job, run, settings, tokenizer, data, valid)
    library = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([library, os.environ.get("PYTHONPATH", "")])}
    # Each process would take all cores for itself.
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    environment.setdefault("PYTHONFAULTHANDLER", "1")  # a process that crashes says where
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    process = subprocess.Popen(
        [*command, "-m", worker.__name__, str(job)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=environment, start_new_session=True,
    )  # fmt: skip
    said: list[str] = []
    final = job / "start"
    try:
        with stop_button() as pressed, _watch(job, pressed, should_stop, save_wanted):
            for line in process.stdout:
                record = _record(line)
                if record is None:
                    said = [*said, line.rstrip()][-200:]
                elif "log" in record and on_log is not None:
                    on_log(record["log"])
                elif "saved" in record:
                    final = Path(record["saved"])
                    if on_save is not None:
                        on_save(final, record["step"])
            code = process.wait()
    except BaseException:
        _end(process)
        raise
    if code:
        raise LaunchError(f"{processes} training process(es) ended with code {code}:\n" + "\n".join(_cause(said)))
    device = next(run.model.parameters()).device
    result = state.read(final, device).run
    result.stopped = not result.ended
    return result


def _cause(said: list[str]) -> list[str]:
    """The last lines of the process that failed first; what torchrun says after them repeats that it did."""
    first = next((n for n, line in enumerate(said) if "torch/distributed/elastic" in line or "elastic." in line), None)
    return said[:first][-12:] or said[-12:]


def _record(line: str) -> dict | None:
    if line.startswith("{"):
        with contextlib.suppress(ValueError):
            return json.loads(line)
    return None


@contextlib.contextmanager
def _watch(job: Path, pressed: threading.Event, should_stop, save_wanted):
    """While the processes train: wishes to stop or to save become files that they look for."""
    over = threading.Event()

    def look():
        while not over.wait(0.2):
            if pressed.is_set() or (should_stop is not None and should_stop()):
                (job / "stop").touch()
                return
            if save_wanted is not None and save_wanted() and not (job / "save").exists():
                (job / "save").touch()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _end(process: subprocess.Popen) -> None:
    """The whole group, since torchrun's children are its own."""
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def devices() -> int:
    """How many GPUs could train together; 1 where there is none."""
    return max(1, torch.cuda.device_count())


def team(settings: Settings) -> int:
    """How many of this machine's GPUs train together: as many as a step's micro-batches can be dealt out to evenly."""
    return max(n for n in range(1, devices() + 1) if settings.accumulate % n == 0)
