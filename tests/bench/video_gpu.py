"""The same on a GPU: real shapes, random weights, seconds of each stage, peak memory, MFU, and the plain pipeline.

Called by `python -m tests.bench.video` where there is a GPU. The default, and the 5B model in 8 bits, run staged by the
plan of a T4 under a cap of 14.5 GB, so that a larger card tells whether a T4 would do; the plain pipeline (50 steps,
guidance) runs without the cap. MFU is against the rate that a large matrix product reaches on the same card in the same
run, never against a data sheet.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace

import torch
from videogen import cost, denoise, load, schedule
from videogen import plan as planning

from tests.bench import video

CAP_GB, TIMES_FASTER, FIVE_MINUTES = 14.5, 10.0, 300.0


def main(device: str = "cuda") -> list[str]:
    """Measure and print; what does not hold, one line each."""
    t4 = planning.Machine(14.6, (7, 5), 1, 12.7, 100.0)  # its own plan and types, whatever card this is
    wrong, seconds = [], {}
    rate = matmul_rate(device, planning.choose(t4).dtype)
    with capped(device):
        for name in ("fastwan-1.3b", "wan-5b"):
            try:
                seconds[name] = staged(planning.choose(t4, name), device, rate)
            except torch.OutOfMemoryError as error:
                wrong.append(f"{name} on a T4: more than {CAP_GB} GB ({str(error)[:100]})")
    if "fastwan-1.3b" not in seconds:
        return wrong
    plain = replace(planning.choose(t4), model="wan-1.3b", steps=50, guidance=5.0)
    ours, theirs = sum(seconds["fastwan-1.3b"][stage] for stage in ("denoise", "decode")), unstaged(plain, device)
    print(f"plain pipeline {theirs:.1f} s, ours {ours:.1f} s: {theirs / ours:.1f} times")
    if theirs / ours < TIMES_FASTER:
        wrong.append(f"{theirs / ours:.1f} times as fast as the plain pipeline, not {TIMES_FASTER:g}")
    return wrong


@contextmanager
def capped(device: str):
    """Let this process have no more than CAP_GB of the card; what asks for more gets torch's own error."""
    if device != "cuda":
        yield
        return
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, CAP_GB * 1e9 / total))
    print(f"{torch.cuda.get_device_name()}, {total / 1e9:.1f} GB, capped at {CAP_GB} GB")
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def matmul_rate(device: str, dtype: str, side: int = 4096) -> float:
    """TFLOP/s of a large matrix product here."""
    a = torch.randn(side, side, device=device, dtype=getattr(torch, dtype))
    _timed(lambda: a @ a, device)
    seconds = min(_timed(lambda: a @ a, device) for _ in range(5))
    return 2 * side**3 / seconds / 1e12


def staged(made: planning.Plan, device: str, rate: float) -> dict[str, float]:
    """Seconds of encode, denoise and decode, one after the other, each alone on the card; prints peaks and MFU. Of a
    model with many steps two are measured and scaled, and that is said."""
    print(f"{made.spec.title}: {made.frames} frames of {made.width} x {made.height}, {made.dtype} {made.storage}")
    found = {"encode": encoded(device)}
    pipe = pipeline(made, device)
    words = torch.randn(60, 4096)
    few = made if made.spec.ladder else replace(made, steps=2)
    seconds = _peak("denoise", lambda: denoise.latents(pipe, few, words, words, 0), device)
    done = cost.tflop(made) * few.forwards / seconds
    print(f"  {done:.1f} TFLOP/s, MFU {done / rate:.2f} of {rate:.0f} TFLOP/s")
    if few.steps < made.steps:
        print(f"  {few.steps} of {made.steps} steps measured and scaled")
    found["denoise"] = seconds * made.steps / few.steps
    latents = torch.randn(1, *cost.latent_shape(made))  # random weights: what comes of them may not be finite
    found["decode"] = _peak("decode", lambda: denoise.frames(pipe.vae, made, latents), device)
    return found


def encoded(device: str) -> float:
    """Seconds of encoding 60 tokens; the encoder is gone afterwards."""
    model = real(video.encoder(), torch.bfloat16, device)
    ids = torch.randint(3, 1000, (1, 60), device=device)
    return _peak("encode", lambda: model(ids).last_hidden_state, device)


def unstaged(made: planning.Plan, device: str) -> float:
    """Seconds of a clip by the plain pipeline; a few steps scaled up where all would take too long, and said so."""
    pipe = pipeline(made, device)
    words = torch.randn(60, 4096)

    def some(steps: int) -> float:
        few = replace(made, steps=steps)
        return _timed(lambda: denoise.latents(pipe, few, words, words, 0), device)

    some(1)
    one = some(2) / 2
    if one * made.steps < FIVE_MINUTES:
        seconds = some(made.steps)
    else:
        seconds = some(5) / 5 * made.steps
        print(f"  plain: 5 of {made.steps} steps measured and scaled")
    latents = torch.randn(1, *cost.latent_shape(made))
    return seconds + _timed(lambda: denoise.frames(pipe.vae, made, latents), device)


def pipeline(made: planning.Plan, device: str):
    """The pipeline of a plan with random weights of the real shapes, as load.pipeline puts it together."""
    from diffusers import WanPipeline

    transformer = real(video.transformer(made), None, device)
    vae = real(video.vae(made), getattr(torch, made.vae_dtype), device)
    pipe = WanPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=vae,
        transformer=transformer,
        scheduler=schedule.of(made.spec, 0),
        expand_timesteps=made.spec.expand_timesteps,
    )
    pipe.set_progress_bar_config(disable=True)
    load.place(pipe, made, device)
    load.tile(pipe.vae, made)
    return pipe


def real(model: torch.nn.Module, dtype: torch.dtype | None, device: str) -> torch.nn.Module:
    """A model of the meta device with small random numbers on a real one; buffers that hold tables are computed."""
    from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed

    model = (model if dtype is None else model.to(dtype)).to_empty(device=device)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.02)
    for name, part in list(model.named_modules()):
        if isinstance(part, WanRotaryPosEmbed):
            fresh = WanRotaryPosEmbed(part.attention_head_dim, part.patch_size, part.max_seq_len)
            setattr(model.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2], fresh.to(device))
    return model.eval()


def _peak(stage: str, work, device: str) -> float:
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    seconds = _timed(work, device)
    peak = torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else float("nan")
    print(f"  {stage}: {seconds:.2f} s, peak {peak:.2f} GB")
    return seconds


def _timed(work, device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    with torch.no_grad():
        work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began
