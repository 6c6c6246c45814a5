"""What to do when memory runs out or numbers overflow: one step at a time, each with its words, none in silence.

Out of memory while decoding: smaller tiles, then without the transformer on the card. While denoising: fewer frames,
then smaller, then weights that travel from the machine's memory layer by layer. Overflow or black: the VAE in 32 bits,
then the transformer.
"""

from dataclasses import replace

from videogen.cost import host, tokens
from videogen.plan import TILE, Plan, lacks, snap

SMALLEST_TILE, FEWEST, SHORTEST_SIDE = 64, 17, 256


def lighter(plan: Plan, stage: str) -> tuple[Plan, str] | None:
    """The next lighter plan for a stage ("load", "denoise", "decode") and what it changes; None at the ladder's end."""
    if stage == "load":
        return _offloaded(plan)
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


def wider(plan: Plan, stage: str, image: bool = False) -> tuple[Plan, str] | None:
    """The next plan in wider numbers after an overflow or a black clip; None at the ladder's end. With an `image` the
    VAE has a part in denoising: it encodes what the clip begins with."""
    if plan.vae_dtype != "float32" and (stage == "decode" or image):
        made = replace(plan, vae_dtype="float32")
        while lacks(made) and made.tile // 2 >= SMALLEST_TILE:
            made = replace(made, tile=made.tile // 2)
        if not lacks(made):
            return made, "the VAE in 32 bits" + (f", in tiles of {made.tile} pixels" if made.tile < plan.tile else "")
    if plan.dtype != "float32":
        made = replace(plan, dtype="float32")  # weights at rest in 8 or 4 bits stay there: the sums are what overflows
        if not lacks(made):
            return made, "the transformer in 32 bits"
        made = replace(made, offload=True)
        if not lacks(made) and plan.device != "cpu":
            return made, "the transformer in 32 bits, its weights wait in the machine's memory (slow)"
    return None


def _offloaded(plan: Plan) -> tuple[Plan, str] | None:
    made = replace(plan, offload=True)
    if plan.offload or plan.device == "cpu" or plan.storage == "nf4" or (plan.ram_gb and host(made) > plan.ram_gb):
        return None  # 4 bits stay where they were made; a machine that is full ends the whole session
    return made, "weights wait in the machine's memory (slower)"
