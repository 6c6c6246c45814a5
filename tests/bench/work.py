"""What notebooks' work takes, counted: `python -m tests.bench.work`. The figures of `notebooks-src/work/`.

Deterministic, on tensors without data and from the notebooks' own formulas; no time is taken and nothing is downloaded.
GraphMER: FLOPs, bytes saved and bytes moved by everything but matrix products, of a row of 768 in 16 bits (forward and
backward). Video: TFLOP of the transformer and of decoding for the clips that the notebook makes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from tests.bench import graphmer

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks-src" / "lib"))

from videogen import cost
from videogen import plan as planning

ROWS = 32  # of a step on a GPU (notebooks-src/graphmer_training.py)
ADAMW_BYTES = 28  # a parameter: weight, gradient and two moments read, all but the gradient written, 4 bytes each
# these only look at what is there
_FREE = ("view", "reshape", "expand", "transpose", "permute", "t.default", "slice", "select", "squeeze", "detach",
         "alias", "empty", "split")  # fmt: skip


class Moved(TorchDispatchMode):
    """Bytes that operations read and write, floats as if in 16 bits; matrix products, which have a rate, aside."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        out = function(*arguments, **(named or {}))
        if function._overloadpacket not in flop_registry and not any(word in str(function) for word in _FREE):
            tensors = [x for x in _pytree.tree_leaves((arguments, named, out)) if isinstance(x, torch.Tensor)]
            self.bytes += sum(x.numel() * (2 if x.is_floating_point() else x.element_size()) for x in tensors)
        return out


def graphmer_row(size: str) -> dict[str, float]:
    """One row of 768 of a preset: GFLOP, of them attention, MB saved, GB moved beside; and millions of parameters."""
    shape = replace(graphmer.PRESETS[size], dropout=0.0, relation_dropout=0.0)
    counted = graphmer.counts(shape)
    with torch.device("meta"):
        model = graphmer.GraphMER(shape)
    batch = graphmer.to_torch(graphmer.synthetic(2, 768, shape.vocabulary), torch.device("meta"))
    import graphmer.model as network

    before = network.attend
    network.attend = lambda q, k, v, g: graphmer._Fused.apply(q, k, v)
    try:
        with Moved() as moved:
            model(batch).sum().backward()
    finally:
        network.attend = before
    return {
        "gflop": counted["gflop_per_row"],
        "attention_gflop": round(12 * shape.layers * 768 * 768 * shape.width / 1e9, 1),
        "saved_mb": counted["saved_mb_per_row"],
        "moved_gb": round(moved.bytes / 2 / 1e9, 2),
        "parameters_m": round(sum(p.numel() for p in model.parameters()) / 1e6, 1),
    }


def graphmer_step(size: str) -> dict[str, float]:
    """The parts of a step of 32 rows, as `work/graphmer_training.toml` has them: TFLOP and GB."""
    row = graphmer_row(size)
    return {
        "matrices": ROWS * (row["gflop"] - row["attention_gflop"]) / 1e3,
        "attention": ROWS * row["attention_gflop"] / 1e3,
        "elementwise work and the optimiser": ROWS * row["moved_gb"] + row["parameters_m"] * ADAMW_BYTES / 1e3,
    }


def clip(gpu_gb: float, **asked) -> dict[str, float]:
    """TFLOP of the transformer and of decoding for one clip of FastWan on a card with so much free memory (0: none)."""
    made = planning.choose(planning.Machine(gpu_gb, (7, 5) if gpu_gb else None, 1, 16.0, 60.0), "fastwan-1.3b", **asked)
    decoding = cost.decoded(made) * cost.DECODE_TFLOP[made.spec.shape.space]
    return {"transformer": cost.tflop(made) * made.forwards, "decoding": decoding}


def main() -> None:
    """Print everything."""
    for size in ("small", "base"):
        print(f"graphmer {size}: a row {graphmer_row(size)}")
        print(f"graphmer {size}: a step of {ROWS} rows {graphmer_step(size)}")
    for name, gpu in (("16 GB card", 14.5), ("8 GB card", 7.0), ("processor", 0.0)):
        print(f"video, {name}: {clip(gpu)}")


if __name__ == "__main__":
    main()
