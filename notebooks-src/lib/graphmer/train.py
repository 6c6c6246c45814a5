"""The training loop, visible from top to bottom.

Contract: `train` runs until `settings.steps` optimiser steps are done, validation no longer improves, `should_stop()`
says so, or the notebook's stop button is pressed; in each case it ends after a whole step and the returned `Run` can be
saved and continued. Rows and masks depend only on (seed, epoch, sample), dropout only on (seed, step, micro-batch), so
a continued run repeats the losses of an uninterrupted one, on one process or on several (1e-5 on CPU, tested).

Decisions:
- L = MLM + SBO + mu * MNM, three separate means over the whole optimiser step. One joint mean would leave MNM 0.07 % of
  the loss with the paper's data (computed from its counts: 28,533 triples in 989,666 sequences);
  `reduction="official"` has it for comparisons.
- A step is `accumulate` micro-batches of `rows` rows, whoever computes them: process r of n takes every n-th. Gradients
  travel once a step, with the last micro-batch.
- The stop button's signal only sets a flag during the loop: an exception inside the optimiser would leave half-updated
  weights. A second press interrupts at once.
- Losses stay on the device between log lines. Rates leave out the first steps, which pay for start-up.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from graphmer.corpus import Corpus
from graphmer.device import autocast
from graphmer.drawing import Resident
from graphmer.model import GraphMER
from graphmer.rows import Batch, Cursor, ahead, assemble, stream
from graphmer.run import ALONE, Run, Settings, Team, check_team, learning_rate, new_run, stop_button
from graphmer.tokens import PAD

UNCOUNTED_STEPS = 10
KINDS = ("mlm", "sbo", "mnm")


def train(
    model: GraphMER,
    data: Corpus,
    settings: Settings,
    on_log: Callable[[dict], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    run: Run | None = None,
    valid: Sequence[Batch] = (),
    team: Team = ALONE,
) -> Run:
    """Train `model` on `data`; with `run` continue where it stands. `valid` are `validation_batches`.

    Log lines hold step, mlm, sbo and mnm (nats per token, mean since the last line), lr, epoch, samples_per_s and
    tokens_per_s (None in the first steps), valid_mlm, ... where they were measured. Dropout reseeds torch's global
    generator. ValueError when `run` is of another model, or the micro-batches cannot be dealt out evenly.
    """
    run = new_run(model, settings) if run is None else run
    if run.model is not model:
        raise ValueError("this run belongs to another model object; pass run.model")
    check_team(settings, team.size)
    run.settings, run.stopped = settings, False
    device = next(model.parameters()).device
    wrapped = _wrap(model, team)
    steps = _steps(data, run.cursor, settings, device, team)
    steps = ahead(_beside(steps, device)) if device.type == "cuda" else steps
    window = _Window(device, run.unlogged)
    first = run.step
    model.train()
    with stop_button() as pressed, contextlib.closing(steps):
        while not run.ended and not run.stopped:
            started = time.perf_counter()
            work = next(steps)
            if work.ready is not None:
                _take_over(work, device)
            _step(run, wrapped, work, window, team)
            run.step, run.cursor = run.step + 1, work.cursor
            run.samples, run.tokens = run.samples + work.samples, run.tokens + work.tokens
            logs = run.step % settings.log_every == 0 or run.step == settings.steps
            if logs:
                window.wait()
            run.seconds += time.perf_counter() - started
            if run.step - first > UNCOUNTED_STEPS:
                window.count(work, time.perf_counter() - started)
            try:
                if settings.valid_every and run.step % settings.valid_every == 0 and valid:
                    measured = _validate(run, valid)
                else:
                    measured = {}
                if logs:
                    run.unlogged = (0.0, 0.0, 0.0, 0)
                    run.history.append(window.line(run, learning_rate(run.step - 1, settings), team) | measured)
                    if on_log is not None:
                        on_log(run.history[-1])
                wish = pressed.is_set() or (should_stop is not None and should_stop())
                run.stopped = _agree(wish, device, team)
            except KeyboardInterrupt:
                run.stopped = True
    run.unlogged = (*window.shared(team).tolist(), window.steps)
    model.eval()
    return run


@dataclass
class _Work:
    """One optimiser step: this process's micro-batches with their numbers; samples and tokens of all processes.

    `ready`: an event of the CUDA stream that makes the batches, None on a CPU.
    """

    batches: list[tuple[int, Batch]]
    cursor: Cursor
    samples: int
    tokens: int
    ready: object = None


def _steps(data: Corpus, cursor: Cursor, s: Settings, device: torch.device, team: Team) -> Iterator[_Work]:
    rows, size = stream(Resident(data, device), cursor), data.settings.row_tokens
    while True:
        taken = [next(rows) for _ in range(s.rows * s.accumulate)]
        packed = [row for row, _ in taken]
        mine = range(team.rank, s.accumulate, team.size)
        batches = [(m, assemble(packed[m * s.rows : (m + 1) * s.rows], size)) for m in mine]
        yield _Work(batches, taken[-1][1], sum(map(len, packed)), sum(row.nodes for row in packed))


def _beside(steps: Iterator[_Work], device: torch.device) -> Iterator[_Work]:
    """Graphs are drawn on a CUDA stream of their own: on the training's they would wait for whole steps."""
    stream = torch.cuda.Stream(device)
    while True:
        with torch.cuda.stream(stream):
            work = next(steps)
            work.ready = stream.record_event()
        yield work


def _take_over(work: _Work, device: torch.device) -> None:
    """Let the training's stream wait for the batches, and keep their memory until it is done with them."""
    current = torch.cuda.current_stream(device)
    current.wait_event(work.ready)
    for _, batch in work.batches:
        for field in dataclasses.fields(batch):
            if isinstance(value := getattr(batch, field.name), torch.Tensor):
                value.record_stream(current)


def _step(run: Run, model: torch.nn.Module, work: _Work, window: "_Window", team: Team) -> None:
    """One optimiser step over all micro-batches."""
    s, device = run.settings, window.device
    scale = _weights(s, work, device, team)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(run.step, s)
    for i, (number, batch) in enumerate(work.batches):
        # A seed per micro-batch instead of a saved generator: dropout is the same after a resume, on any device count.
        torch.manual_seed((s.seed * 1_000_003 + run.step) * 1_009 + number)
        last = i == len(work.batches) - 1
        with contextlib.nullcontext() if last or team.size == 1 else model.no_sync():
            with autocast(device):
                losses = model(batch)
            # Processes average their gradients; a sum is wanted.
            run.scaler.scale((losses * scale.weights).sum() * team.size).backward()
        window.add(losses.detach() * scale.means)
    # The tied head would move the vector of [PAD], which has to stay zero.
    run.model.tokens.weight.grad[PAD].zero_()
    run.scaler.unscale_(run.optimizer)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), s.clip)
    run.scaler.step(run.optimizer)
    run.scaler.update()
    run.optimizer.zero_grad(set_to_none=True)
    window.steps += 1


@dataclass(frozen=True)
class _Scale:
    """`means` (3,) turn summed losses into means over the step, `weights` (3,) into the loss that is minimised."""

    means: torch.Tensor
    weights: torch.Tensor


def _weights(s: Settings, work: _Work, device: torch.device, team: Team) -> _Scale:
    batches = [batch for _, batch in work.batches]
    counts = torch.tensor(
        [
            float(sum(len(b.root_target) for b in batches)),
            float(sum(len(b.span_target) for b in batches)),
            float(sum(len(b.leaf_target) for b in batches)),
        ],
        device=device,
    )
    if team.size > 1:
        torch.distributed.all_reduce(counts)
    means = 1 / counts.clamp(min=1)
    if s.reduction == "separate":
        return _Scale(means, means * torch.tensor([1.0, 1.0, s.mu], device=device))
    joint = 1 / (counts[0] + counts[2]).clamp(min=1)
    return _Scale(means, torch.stack([joint, means[1], joint]))


def _wrap(model: GraphMER, team: Team) -> torch.nn.Module:
    """The model itself, or one whose gradients are averaged over the processes."""
    if team.size == 1:
        return model
    return torch.nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=False)


def _agree(wish: bool, device: torch.device, team: Team) -> bool:
    """Whether any process wishes to stop: all must leave the loop after the same step."""
    if team.size == 1:
        return wish
    flag = torch.tensor(float(wish), device=device)
    torch.distributed.all_reduce(flag)
    return bool(flag.item())


def validation_batches(data: Corpus, rows: int, device: torch.device, most: int = 128) -> list[Batch]:
    """The first `most` rows of epoch 0 of `data`, the same each time, in micro-batches on `device`."""
    source, packed = stream(Resident(data, device)), []
    while len(packed) < most:
        row, cursor = next(source)
        if cursor.epoch:
            break
        packed.append(row)
    return [assemble(packed[i : i + rows], data.settings.row_tokens) for i in range(0, len(packed), rows)]


@torch.no_grad()
def validate(model: GraphMER, batches: Sequence[Batch]) -> dict[str, float]:
    """Mean losses in nats per token, without dropout."""
    was, device = model.training, next(model.parameters()).device
    model.eval()
    total, counts = torch.zeros(3, device=device), [0, 0, 0]
    for batch in batches:
        with autocast(device):
            total += model(batch)
        sizes = (batch.root_target, batch.span_target, batch.leaf_target)
        counts = [n + len(size) for n, size in zip(counts, sizes, strict=True)]
    model.train(was)
    return {kind: value / max(1, n) for kind, value, n in zip(KINDS, total.tolist(), counts, strict=True)}


def _validate(run: Run, batches: Sequence[Batch]) -> dict[str, float]:
    measured = validate(run.model, batches)
    if run.best is None or measured["mnm"] < run.best["mnm"]:
        run.best, run.worse = {"step": run.step, "mnm": measured["mnm"]}, 0
        run.best_weights = {n: t.detach().to("cpu", copy=True) for n, t in run.model.state_dict().items()}
    else:
        run.worse += 1
    return {f"valid_{kind}": value for kind, value in measured.items()}


class _Window:
    """Sums since the last log line. Losses stay tensors until `line`."""

    def __init__(self, device: torch.device, unlogged: tuple[float, ...]):
        self.device = device
        self.clear()
        self.losses += torch.tensor(unlogged[:3], device=device)
        self.steps, self.carried = int(unlogged[3]), torch.tensor(unlogged[:3], device=device)

    def clear(self) -> None:
        self.losses, self.carried = (torch.zeros(3, device=self.device) for _ in range(2))
        self.steps = self.samples = self.tokens = 0
        self.seconds = 0.0

    def add(self, losses: torch.Tensor) -> None:
        self.losses += losses

    def count(self, work: _Work, seconds: float) -> None:
        self.samples += work.samples
        self.tokens += work.tokens
        self.seconds += seconds

    def wait(self) -> None:
        """Let the device finish, so that the time of its work is counted with it."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def shared(self, team: Team) -> torch.Tensor:
        """(3,) the sums over all processes; what was carried over from before a resume counts once."""
        if team.size == 1:
            return self.losses
        total = self.losses - self.carried
        torch.distributed.all_reduce(total)
        return total + self.carried

    def line(self, run: Run, lr: float, team: Team) -> dict:
        losses = (self.shared(team) / max(1, self.steps)).tolist()
        timed = self.seconds > 0
        line = {"step": run.step, **dict(zip(KINDS, losses, strict=True)), "lr": lr, "epoch": run.cursor.epoch}
        line["samples_per_s"] = self.samples / self.seconds if timed else None
        line["tokens_per_s"] = self.tokens / self.seconds if timed else None
        self.clear()
        return line
