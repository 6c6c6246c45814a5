"""What the arithmetic runs in on a device, and how a batch gets there."""

import contextlib
import dataclasses
import os

import numpy as np
import torch

from graphmer.rows import Batch


def precision(device: torch.device) -> torch.dtype:
    """bf16 from sm_80, fp16 below (bf16 is emulated there), fp32 on CPU. fp16 needs a gradient scaler.

    The environment variable GRAPHMER_PRECISION (float32, bfloat16, float16) overrides it: a CPU with bf16 instructions
    is 1.3 to 1.4 times as fast in bfloat16, one without them ten times as slow (docs/benchmarks.md).
    """
    if wish := os.environ.get("GRAPHMER_PRECISION"):
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[wish]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def autocast(device: torch.device):
    """Context for forward and loss in `precision(device)`."""
    dtype = precision(device)
    return contextlib.nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def to_torch(batch: Batch, device: torch.device) -> Batch:
    """The same batch with int64 tensors on `device`; counts stay Python numbers, so nothing waits for the device."""
    move = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
    for name, value in move.items():
        if isinstance(value, np.ndarray):
            move[name] = torch.from_numpy(value).to(device, non_blocking=True)
    return Batch(**move)
