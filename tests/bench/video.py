"""What a clip takes, counted: `python -m tests.bench.video`.

On the processor, on the meta device (shapes without numbers), from the published configurations at real sizes: forwards
and TFLOP a clip, bytes that are resident in each stage. Deterministic; no time is taken. Gates, exit code 1 when one
fails: the default needs a tenth of the transformer TFLOP of plain Wan2.1 1.3B at the same size, and less than 14 GB in
every stage. With a GPU, also seconds, peak memory under a cap of 14.5 GB and the ratio to the plain pipeline.
"""

from __future__ import annotations

import functools
import json
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks-src" / "lib"))

from videogen import cost
from videogen import plan as planning
from videogen.registry import DEFAULT

CAP_GB, TIMES_FEWER = 14.0, 10.0
# config.json of the repositories in the registry, read 2026-11-20; what is not named is the class's default
TRANSFORMERS = {
    "fastwan-1.3b": {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30},
    "wan-1.3b": {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30},
    "wan-5b": {"num_attention_heads": 24, "ffn_dim": 14336, "num_layers": 30, "in_channels": 48, "out_channels": 48},
}
VAES = {
    8: {},
    16: {"base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4], "is_residual": True,
         "in_channels": 12, "out_channels": 12, "patch_size": 2, "scale_factor_spatial": 16,
         "temperal_downsample": [False, True, True], "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48},
}  # fmt: skip
UMT5 = {"vocab_size": 256384, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64,
        "feed_forward_proj": "gated-gelu"}  # fmt: skip


class Counter(TorchDispatchMode):
    """FLOP of all matrix products and convolutions, and the bytes of all tensors that are alive at once, the given
    model's weights aside; `peak` is the most there were."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.flop = self.now = self.peak = 0
        self.weights = {t.untyped_storage()._cdata for t in [*model.parameters(), *model.buffers()]}
        self.seen: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.flop += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=out)
        for tensor in out if isinstance(out, list | tuple) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._alive(tensor.untyped_storage())
        return out

    def _alive(self, storage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.seen or key in self.weights:
            return
        self.seen.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size


class FusedAttention(TorchFunctionMode):
    """Attention as the memory-efficient kernels do it: no matrix of all pairs. Its FLOP are counted here."""

    def __init__(self):
        super().__init__()
        self.flop = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.nn.functional.scaled_dot_product_attention:
            query, key = args[:2] if len(args) > 1 else (kwargs["query"], kwargs["key"])
            self.flop += 4 * query.numel() * key.shape[-2]
            return torch.empty_like(query)
        return func(*args, **(kwargs or {}))


def count(model: torch.nn.Module, *inputs, **more) -> tuple[float, float]:
    """(TFLOP, peak GB beside the weights) of a call on the meta device."""
    fused, counter = FusedAttention(), Counter(model)
    call = getattr(model, more.pop("call", "forward"))
    with torch.no_grad(), fused, counter:
        call(*inputs, **more)
    return (counter.flop + fused.flop) / 1e12, counter.peak / 1e9


def weights_gb(model) -> float:
    return sum(t.numel() * t.element_size() for t in [*model.parameters(), *model.buffers()]) / 1e9


def transformer(plan: planning.Plan):
    """The transformer on the meta device, in the types that from_pretrained gives it."""
    from diffusers import WanTransformer3DModel

    with torch.device("meta"):
        model = WanTransformer3DModel(attention_head_dim=128, **TRANSFORMERS[plan.model])
    dtype = getattr(torch, plan.dtype)
    for name, weight in model.named_parameters():  # as diffusers keeps them (_keep_in_fp32_modules)
        if not any(part in name for part in model._keep_in_fp32_modules):
            weight.data = weight.data.to(dtype)
    return model


def denoise(plan: planning.Plan) -> tuple[float, float, float]:
    """(TFLOP of one forward, GB of weights, GB of activations)."""
    model, dtype = transformer(plan), getattr(torch, plan.dtype)
    latents = torch.empty(1, *cost.latent_shape(plan), device="meta", dtype=dtype)
    words = torch.empty(1, 512, 4096, device="meta", dtype=dtype)
    step = (
        torch.empty(1, cost.tokens(plan), device="meta")
        if plan.spec.expand_timesteps
        else torch.empty(1, device="meta")
    )
    tflop, gb = count(model, latents, step, words, return_dict=False)
    return tflop, at_rest_gb(model, plan.storage), gb


def at_rest_gb(model, storage: str, wide: tuple[str, ...] = ()) -> float:
    """GB of weights as they rest: in the type they have, half of it, or every matrix but the `wide` ones in 4 bits."""
    if storage != "nf4":
        return weights_gb(model) * (0.5 if storage == "fp8" else 1)
    parts = (m for name, m in model.named_modules() if isinstance(m, torch.nn.Linear) and not name.endswith(wide))
    narrow = sum(m.weight.numel() * (m.weight.element_size() - cost.AT_REST["nf4"]) for m in parts)
    return weights_gb(model) - narrow / 1e9


def _decoding(plan: planning.Plan) -> planning.Plan:
    """The plan with all that has no part in its decoding made equal, so that it is counted once."""
    name = "wan-5b" if plan.spec.shape.space == 16 else DEFAULT
    return replace(plan, model=name, steps=1, guidance=1.0, cache=0.0, dtype="float32", storage="", encoder="cpu",
                   card_gb=0.0, ram_gb=0.0)  # fmt: skip


@functools.cache
def decode(plan: planning.Plan) -> tuple[float, float, float]:
    """(TFLOP of decoding a clip, GB of weights, GB of activations), in tiles."""
    from videogen import load

    model = vae(plan)
    load.tile(model, plan)
    latents = torch.empty(1, *cost.latent_shape(plan), device="meta", dtype=getattr(torch, plan.vae_dtype))
    tflop, gb = count(model, latents, return_dict=False, call="decode")
    return tflop, weights_gb(model), gb


def vae(plan: planning.Plan):
    """The VAE on the meta device, in the plan's type."""
    from diffusers import AutoencoderKLWan

    with torch.device("meta"):
        return AutoencoderKLWan(**VAES[plan.spec.shape.space]).eval().to(getattr(torch, plan.vae_dtype))


def encoder():
    """The text encoder on the meta device, in bf16."""
    from transformers import UMT5Config, UMT5EncoderModel

    with torch.device("meta"):
        return UMT5EncoderModel(UMT5Config(**UMT5)).eval().to(torch.bfloat16)


@functools.cache
def encode(way: str = "cuda") -> tuple[float, float, float]:
    """(TFLOP, GB of weights, GB of activations) of encoding 512 tokens in bf16, or from 4 bits."""
    model = encoder()
    ids = torch.empty(1, 512, dtype=torch.int64, device="meta")
    mask = torch.zeros(
        1, 1, 512, 512, device="meta", dtype=torch.bfloat16
    )  # made already: its values would be looked at
    tflop, gb = count(model, ids, mask)
    return tflop, at_rest_gb(model, way, (".wo",)), gb


def counted(plan: planning.Plan) -> dict:
    """All counts of a plan, and the estimates that the notebook shows beside them."""
    d_tflop, d_weights, d_live = denoise(plan)
    v_tflop, v_weights, v_live = decode(_decoding(plan))
    e_tflop, e_weights, e_live = encode("nf4" if plan.encoder == "nf4" else "")
    resident = d_weights + v_weights
    found = {
        "frames": plan.frames, "size": f"{plan.width}x{plan.height}", "dtype": plan.dtype, "vae_dtype": plan.vae_dtype,
        "forwards": plan.forwards, "tflop_forward": d_tflop, "tflop_transformer": d_tflop * plan.forwards,
        "tflop_decode": v_tflop, "tflop_encode": e_tflop,
        "gb": {"encode": e_weights + e_live, "denoise": resident + d_live, "decode": resident + v_live},
        "estimate_gb": cost.stages(plan), "estimate_tflop_forward": cost.tflop(plan),
        "decode_live_gb": v_live, "denoise_live_gb": d_live,
    }  # fmt: skip
    return json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 3))


def plans() -> dict[str, planning.Plan]:
    """What is counted: the default on a T4, plain Wan2.1 1.3B at the same size, the 8 GB path, the 5B model thrice."""
    t4 = planning.Machine(14.6, (7, 5), 1, 12.7, 60)
    small = planning.Machine(7.6, (8, 6), 1, 12.7, 60, four_bits=True)
    large = planning.Machine(23.0, (8, 9), 1, 50, 60)
    default = planning.choose(t4)
    plain = replace(default, model="wan-1.3b", steps=50, guidance=5.0)
    return {
        "default on a T4": default,
        "plain Wan2.1 1.3B, same size": plain,
        "8 GB card": planning.choose(small),
        "Wan2.2 5B on 8 GB": planning.choose(small, "wan-5b"),
        "Wan2.2 5B on a T4": planning.choose(t4, "wan-5b"),
        "Wan2.2 5B on 24 GB": planning.choose(large, "wan-5b"),
    }


def gates(found: dict[str, dict]) -> list[str]:
    """What does not hold, one line each."""
    default, plain = found["default on a T4"], found["plain Wan2.1 1.3B, same size"]
    ratio = plain["tflop_transformer"] / default["tflop_transformer"]
    wrong = [] if ratio >= TIMES_FEWER else [f"the default needs {ratio:.1f} times fewer TFLOP, not {TIMES_FEWER:g}"]
    wrong += [f"{stage} of the default takes {gb:.1f} GB" for stage, gb in default["gb"].items() if gb >= CAP_GB]
    return wrong


def main() -> int:
    found = {name: counted(plan) for name, plan in plans().items()}
    for name, row in found.items():
        gb = ", ".join(
            f"{stage} {size:.2f} (said {row['estimate_gb'][stage]:.2f})" for stage, size in row["gb"].items()
        )
        print(f"{name}: {row['frames']} frames of {row['size']}, {row['forwards']} forwards of "
              f"{row['tflop_forward']:.1f} TFLOP = {row['tflop_transformer']:,.0f}; "
              f"decode {row['tflop_decode']:.0f} TFLOP; GB: {gb}")  # fmt: skip
    default, plain = found["default on a T4"], found["plain Wan2.1 1.3B, same size"]
    print(f"plain over default: {plain['tflop_transformer'] / default['tflop_transformer']:.1f} times the TFLOP")
    wrong = gates(found)
    print("\n".join(wrong) if wrong else "all gates hold")
    if torch.cuda.is_available():
        from tests.bench import video_gpu

        wrong += video_gpu.main()
    else:
        print("no GPU here: seconds, MFU and peak memory are not measured")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
