"""What to do when memory runs out or numbers overflow: one step at a time, each with its words, none in silence.

Out of memory while decoding: smaller tiles, then without the transformer on the card. While denoising: fewer frames,
then smaller, then weights that travel from the machine's memory layer by layer. Overflow or black: the VAE in 32 bits,
then the transformer.
"""

from dataclasses import replace

from videogen.cost import tokens
from videogen.plan import TILE, Plan, snap

SMALLEST_TILE, FEWEST, SHORTEST_SIDE = 64, 17, 256


def lighter(plan: Plan, stage: str) -> tuple[Plan, str] | None:
    """The next lighter plan for a stage ("denoise" or "decode") and what it changes; None at the ladder's end."""
    if stage == "decode":
        if plan.tile == 0 or plan.tile // 2 >= SMALLEST_TILE:
            side = plan.tile // 2 or TILE
            return replace(plan, tile=side), f"decoding in tiles of {side} pixels"
        return _offloaded(plan)
    time = plan.spec.shape.time
    fewer = snap(plan.spec, int((plan.frames - 1) * 0.75 // time) * time + 1, plan.height, plan.width)[0]
    if FEWEST <= fewer < plan.frames:
        return replace(plan, frames=fewer), f"{fewer} frames instead of {plan.frames}"
    _, height, width = snap(plan.spec, plan.frames, int(plan.height * 0.75), int(plan.width * 0.75))
    if min(height, width) >= SHORTEST_SIDE:
        made = replace(plan, height=height, width=width)
        if tokens(made) < tokens(plan):
            return made, f"{width} x {height} instead of {plan.width} x {plan.height}"
    return _offloaded(plan)


def wider(plan: Plan, stage: str) -> tuple[Plan, str] | None:
    """The next plan in wider numbers after an overflow or a black clip; None at the ladder's end."""
    if plan.vae_dtype != "float32" and stage == "decode":
        return replace(plan, vae_dtype="float32"), "the VAE in 32 bits"
    if plan.dtype != "float32":
        return replace(plan, dtype="float32", storage=""), "the transformer in 32 bits"
    return None


def _offloaded(plan: Plan) -> tuple[Plan, str] | None:
    if plan.offload or plan.device == "cpu":
        return None
    return replace(plan, offload=True), "weights wait in the machine's memory (slower)"
