"""What this machine can do, and how long it will take: device, types, frames at once, minutes; before a download.

GFLOP are counted on the meta device (`python -m tests.bench.lipsync`); what a card does in a second is an estimate and
is called one.
"""

from dataclasses import dataclass

from labkit import Stop, here
from media import memory

ENCODE, UNET, DECODE, DRAFT = 541, 170, 620, 35  # GFLOP a frame at 256 pixels; the last is TAESD's decoder
# TFLOP/s in 16 bits that a card may sustain here, by compute capability. 7.0: from the authors' 32 ms a frame for UNet
# and decoder on a V100; the others are estimates that nobody has measured yet
RATES = {(6, 0): 6.0, (7, 0): 24.7, (7, 5): 15.0, (8, 0): 80.0, (8, 6): 40.0, (8, 9): 60.0, (9, 0): 200.0}
CPU = 0.02  # TFLOP/s of one core, an estimate
CPU_SECONDS = 2.0  # of the speech, where there is no card and nobody asked for more
GPU_GB, RAM_GB = 3.5, 6.0


@dataclass(frozen=True)
class Plan:
    """How films are made here. `seconds` of each speech at most (0: all); `tflops` of one device (0: not known)."""

    devices: tuple[str, ...]
    dtype: str
    batch: int
    tflops: float
    seconds: float
    draft: bool

    def minutes(self, frames: int, fresh: int) -> float:
        """Minutes for so many painted frames, of which so many have to be encoded first; an estimate."""
        gflop = frames * (UNET + (DRAFT if self.draft else DECODE)) + fresh * ENCODE
        return gflop / 1000 / (self.tflops * len(self.devices)) / 60


def choose(quick: bool = False, draft: bool = False, seconds: float = 0.0) -> Plan:
    """The plan for this machine. Raises Stop when its card or memory is too small."""
    import os

    import torch
    from session import machine

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if quick:
        return Plan(("cpu",), "float32", 8, 0.0, seconds or CPU_SECONDS, draft)
    if not torch.cuda.is_available():
        ram = machine.ram_gb() or RAM_GB
        if ram < RAM_GB:
            raise Stop(f"{RAM_GB:g} GB of memory are needed and {ram:.1f} GB are here: {here.LARGER_CLICKS}")
        return Plan(("cpu",), "float32", 2, CPU * cores, seconds or CPU_SECONDS, draft)
    capability = torch.cuda.get_device_capability(0)
    if not machine.kernels_fit(capability):
        raise Stop(f"the installed torch has no kernels for this card: {here.GPU_CLICKS}")
    count = torch.cuda.device_count()
    free = memory.card_free_gb()
    if free < GPU_GB:
        raise Stop(f"{GPU_GB:g} GB of the card's memory are needed and {free:.1f} GB are free: {here.LARGER_CLICKS}")
    rate = next((rate for known, rate in sorted(RATES.items(), reverse=True) if known <= capability), 6.0)
    batch = 16 if free > 10 else 8 if free > 6 else 4
    return Plan(tuple(f"cuda:{i}" for i in range(count)), "float16", batch, rate, seconds, draft)


def describe(plan: Plan) -> str:
    """The plan in a line."""
    where = f"{len(plan.devices)} card{'s' * (len(plan.devices) > 1)}" if plan.devices[0] != "cpu" else "the processor"
    limit = f", at most {plan.seconds:g} s of each speech" if plan.seconds else ""
    how = "draft decoder" if plan.draft else "full decoder"
    return f"On {where} in {plan.dtype}, {plan.batch} frames at once, {how}{limit}"


def span(minutes: float) -> str:
    """Minutes in words."""
    if minutes < 1.5:
        return f"about {max(1, round(minutes * 60))} s"
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"
