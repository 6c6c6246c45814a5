"""The training loop, visible from top to bottom.

Contract: `train` runs until `settings.steps` optimiser steps are done, `should_stop()` says so, or the notebook's stop
button is pressed; in each case it ends after a whole step and the returned `Run` can be saved and continued. Batches
and masks depend only on (seed, epoch, sample) and dropout only on (seed, step), so a continued run repeats the losses
of an uninterrupted one (to 1e-6 on CPU, tested).

Decisions:
- L = MLM + mu * MNM, two separate means over the whole optimiser step. One joint mean would leave MNM 0.07 % of the
  loss with the paper's data (computed from its counts: 28,533 triples in 989,666 sequences).
- The stop button's signal only sets a flag during the loop: an exception inside the optimiser would leave half-updated
  weights. A second press interrupts at once.
- Losses stay on the device between log lines. Rates leave out the first steps, which pay for start-up.
"""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from graphmer.corpus import Corpus
from graphmer.model import GraphMER, autocast, precision, to_torch
from graphmer.rows import Batch, Cursor, collate, stream
from graphmer.tokens import PAD

UNCOUNTED_STEPS = 10


@dataclass(frozen=True)
class Settings:
    """One optimiser step sees rows * accumulate rows. `warmup` None means max(100, 3 % of the steps)."""

    steps: int = 1000
    rows: int = 8
    accumulate: int = 1
    lr: float = 4e-4
    min_lr: float = 1e-5
    warmup: int | None = None
    weight_decay: float = 0.01
    clip: float = 1.0
    mu: float = 1.0
    seed: int = 0
    log_every: int = 10


@dataclass
class Run:
    """A run's whole state: what `checkpoint` saves and `train` continues. `history` holds one dict per log line."""

    model: GraphMER
    settings: Settings
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    step: int = 0
    cursor: Cursor = Cursor()
    samples: int = 0
    tokens: int = 0
    seconds: float = 0.0
    stopped: bool = False
    unlogged: tuple[float, float, int] = (0.0, 0.0, 0)  # sums of both losses, and steps, since the last log line
    history: list[dict] = field(default_factory=list)


def learning_rate(step: int, s: Settings) -> float:
    """Rate of optimiser step `step` (from 0): linear warm-up, then cosine from `lr` to `min_lr`."""
    warmup = max(100, round(0.03 * s.steps)) if s.warmup is None else s.warmup
    if step < warmup:
        return s.lr * (step + 1) / warmup
    done = (step - warmup) / max(1, s.steps - warmup)
    return s.min_lr + 0.5 * (s.lr - s.min_lr) * (1 + math.cos(math.pi * min(1.0, done)))


def new_run(model: GraphMER, settings: Settings) -> Run:
    """A run at step 0. AdamW decays matrices only: not norms, biases, embeddings or H-GAT's attention vectors."""
    spared = {"tokens.weight", "slots.weight", "hgat.a"}
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in named if p.ndim >= 2 and n not in spared]
    plain = [p for n, p in named if p.ndim < 2 or n in spared]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=(0.9, 0.98), eps=1e-6, fused=device.type == "cuda")
    scaler = torch.amp.GradScaler(device.type, enabled=precision(device) == torch.float16)
    return Run(model, settings, optimizer, scaler)


def train(
    model: GraphMER,
    data: Corpus,
    settings: Settings,
    on_log: Callable[[dict], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    run: Run | None = None,
) -> Run:
    """Train `model` on `data`; with `run` continue where it stands.

    Log lines hold step, mlm and mnm (nats per token, mean since the last line), lr, epoch, samples_per_s and
    tokens_per_s (None in the first steps). Dropout reseeds torch's global generator. ValueError when `run` is of
    another model.
    """
    run = new_run(model, settings) if run is None else run
    if run.model is not model:
        raise ValueError("this run belongs to another model object; pass run.model")
    run.settings, run.stopped = settings, False
    device = next(model.parameters()).device
    rows = stream(data, run.cursor)
    window = _Window(device, run.unlogged)
    first = run.step
    model.train()
    with _stop_button() as pressed:
        while run.step < settings.steps and not run.stopped:
            started = time.perf_counter()
            batches, run.cursor = _batches(rows, settings, data)
            _step(run, batches, window, device)
            run.step += 1
            if run.step % settings.log_every == 0 or run.step == settings.steps:
                window.wait()
            run.seconds += time.perf_counter() - started
            if run.step - first > UNCOUNTED_STEPS:
                window.count(batches, time.perf_counter() - started)
            try:
                if run.step % settings.log_every == 0 or run.step == settings.steps:
                    run.unlogged = (0.0, 0.0, 0)
                    run.history.append(window.line(run, learning_rate(run.step - 1, settings)))
                    if on_log is not None:
                        on_log(run.history[-1])
                run.stopped = pressed.is_set() or (should_stop is not None and should_stop())
            except KeyboardInterrupt:
                run.stopped = True
    run.unlogged = (*window.losses.tolist(), window.steps)
    model.eval()
    return run


def _batches(rows: Iterator, s: Settings, data: Corpus) -> tuple[list[Batch], Cursor]:
    """The micro-batches of one optimiser step and the cursor after them."""
    taken = [next(rows) for _ in range(s.rows * s.accumulate)]
    graphs = [row for row, _ in taken]
    return [collate(graphs[i : i + s.rows], data.settings) for i in range(0, len(graphs), s.rows)], taken[-1][1]


def _step(run: Run, batches: list[Batch], window: "_Window", device: torch.device) -> None:
    """One optimiser step over all micro-batches."""
    s = run.settings
    roots = max(1, sum(len(b.root_where) for b in batches))
    leaves = max(1, sum(len(b.leaf_where) for b in batches))
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(run.step, s)
    # One seed per step instead of a saved generator: dropout is the same after a resume, on any device count.
    torch.manual_seed(s.seed * 1_000_003 + run.step)
    for batch in batches:
        with autocast(device):
            mlm, mnm = run.model(to_torch(batch, device))
        run.scaler.scale(mlm / roots + s.mu * mnm / leaves).backward()
        window.add(mlm.detach() / roots, mnm.detach() / leaves)
        run.samples += batch.samples
        run.tokens += batch.real_tokens
    # The tied head would move the vector of [PAD], which has to stay zero.
    run.model.tokens.weight.grad[PAD].zero_()
    run.scaler.unscale_(run.optimizer)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), s.clip)
    run.scaler.step(run.optimizer)
    run.scaler.update()
    run.optimizer.zero_grad(set_to_none=True)
    window.steps += 1


class _Window:
    """Sums since the last log line. Losses stay tensors until `line`."""

    def __init__(self, device: torch.device, unlogged: tuple[float, float, int]):
        self.device = device
        self.clear()
        self.losses += torch.tensor(unlogged[:2], device=device)
        self.steps = unlogged[2]

    def clear(self) -> None:
        self.losses = torch.zeros(2, device=self.device)
        self.steps = self.samples = self.tokens = 0
        self.seconds = 0.0

    def add(self, mlm: torch.Tensor, mnm: torch.Tensor) -> None:
        self.losses += torch.stack([mlm, mnm])

    def count(self, batches: list[Batch], seconds: float) -> None:
        self.samples += sum(b.samples for b in batches)
        self.tokens += sum(b.real_tokens for b in batches)
        self.seconds += seconds

    def wait(self) -> None:
        """Let the device finish, so that the time of its work is counted with it."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def line(self, run: Run, lr: float) -> dict:
        mlm, mnm = (self.losses / max(1, self.steps)).tolist()
        timed = self.seconds > 0
        line = {
            "step": run.step,
            "mlm": mlm,
            "mnm": mnm,
            "lr": lr,
            "epoch": run.cursor.epoch,
            "samples_per_s": self.samples / self.seconds if timed else None,
            "tokens_per_s": self.tokens / self.seconds if timed else None,
        }
        self.clear()
        return line


@contextlib.contextmanager
def _stop_button():
    """An event that SIGINT sets while the loop runs; outside the main thread no handler can be installed."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.getsignal(signal.SIGINT)

    def press(number, frame):
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
