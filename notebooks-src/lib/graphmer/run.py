"""What a training run is: its settings, its whole state, how fast it learns when, and the button that stops it.

Contract: `new_run` is a run at step 0; `train.train` moves it on, `state` keeps it on disk.
"""

import contextlib
import math
import signal
import threading
from dataclasses import dataclass, field

import torch

from graphmer.device import precision
from graphmer.model import GraphMER
from graphmer.rows import Cursor


@dataclass(frozen=True)
class Settings:
    """One optimiser step sees rows * accumulate rows. `warmup` None means 3 % of the steps, at least 100, at most 20 %.

    Every `valid_every` steps (0: never) the validation losses are measured; after `patience` of them without a better
    MNM (0: never) the run has ended.
    """

    steps: int = 1000
    rows: int = 8
    accumulate: int = 1
    lr: float = 4e-4
    min_lr: float = 1e-5
    warmup: int | None = None
    weight_decay: float = 0.01
    clip: float = 1.0
    mu: float = 1.0
    reduction: str = "separate"
    seed: int = 0
    log_every: int = 10
    valid_every: int = 0
    patience: int = 0

    def __post_init__(self):
        if self.reduction not in ("separate", "official"):
            raise ValueError(f"reduction is separate or official, not {self.reduction}")


@dataclass
class Run:
    """A run's whole state: what `checkpoint` saves and `train` continues. `history` holds one dict per log line.

    `best` is {"step", "mnm"} of the lowest validation MNM and `best_weights` the weights then, on the CPU.
    """

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
    unlogged: tuple[float, ...] = (0.0, 0.0, 0.0, 0)  # sums of the three losses, and steps, since the last log line
    history: list[dict] = field(default_factory=list)
    best: dict | None = None
    best_weights: dict | None = None
    worse: int = 0  # validations since the best one

    @property
    def ended(self) -> bool:
        """All steps done, or validation has not improved for as long as the settings allow."""
        return self.step >= self.settings.steps or 0 < self.settings.patience <= self.worse


@dataclass(frozen=True)
class Team:
    """Processes that train one model: this one's rank and how many there are."""

    rank: int = 0
    size: int = 1


ALONE = Team()


def check_team(settings: Settings, processes: int) -> None:
    """ValueError when the micro-batches of a step cannot be dealt out evenly."""
    if settings.accumulate % processes:
        raise ValueError(f"{settings.accumulate} micro-batches a step cannot be dealt out to {processes} processes")


def learning_rate(step: int, s: Settings) -> float:
    """Rate of optimiser step `step` (from 0): linear warm-up, then cosine from `lr` to `min_lr`."""
    # A fifth at most: a run of a hundred steps would be nothing but warm-up.
    warmup = min(max(100, round(0.03 * s.steps)), s.steps // 5) if s.warmup is None else s.warmup
    if step < warmup:
        return s.lr * (step + 1) / warmup
    done = (step - warmup) / max(1, s.steps - warmup)
    return s.min_lr + 0.5 * (s.lr - s.min_lr) * (1 + math.cos(math.pi * min(1.0, done)))


def new_run(model: GraphMER, settings: Settings) -> Run:
    """A run at step 0. AdamW decays matrices only: not norms, biases, embeddings, H-GAT's attention vectors or p."""
    spared = {"tokens.weight", "slots.weight", "positions.weight", "span.places.weight", "hgat.a"}
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in named if p.ndim >= 2 and n not in spared]
    plain = [p for n, p in named if p.ndim < 2 or n in spared]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=(0.9, 0.98), eps=1e-6, fused=device.type == "cuda")
    scaler = torch.amp.GradScaler(device.type, enabled=precision(device) == torch.float16)
    return Run(model, settings, optimizer, scaler)


@contextlib.contextmanager
def stop_button():
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
