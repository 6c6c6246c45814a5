"""What a plan takes, by arithmetic: tokens, TFLOP, memory of every stage, tiles, seconds. torch is never imported.

The work of a forward follows from the model's shape; `tests/bench/video.py` holds these formulas against what the real
configurations do on the meta device. Seconds are estimates and are called so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videogen.plan import Plan

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
AT_REST = {"fp8": 1.0, "nf4": 0.5625}  # bytes of a weight; 4 bits and a scale of 32 bits for each 64 weights
RESERVE_GB = 0.6  # CUDA's own context and what fragmentation takes
PROCESS_GB = {"cuda": 2.5, "cpu": 1.5}  # Python, torch and its libraries in the machine's memory: a guess
OVERLAP = 64  # pixels by which neighbouring tiles overlap
# what cards reach in practice, in TFLOP/s, all in. T4: 10 to 20, from two reports of others (video models, 2025); the
# rest scaled by their published half-precision peaks; a processor: two cores of a free session. None was measured here
SPEED = {"cpu": 0.06, (7, 0): 30, (7, 5): 12, (8, 0): 120, (8, 6): 45, (8, 9): 60, (9, 0): 350}


def latent_shape(plan: Plan) -> tuple[int, int, int, int]:
    """(channels, frames, height, width) of a clip's latents."""
    s = plan.spec.shape
    return s.channels, (plan.frames - 1) // s.time + 1, plan.height // s.space, plan.width // s.space


def tokens(plan: Plan) -> int:
    """How many tokens the transformer attends over."""
    _, frames, height, width = latent_shape(plan)
    return frames * (height // plan.spec.shape.patch) * (width // plan.spec.shape.patch)


def tflop(plan: Plan) -> float:
    """TFLOP of one forward of the transformer: its matrices, attention among tokens, and from tokens to words."""
    s, n = plan.spec.shape, tokens(plan)
    matrices = 2 * n * s.layers * (6 * s.width**2 + 2 * s.width * s.ffn)  # q, k, v, out; q and out of the words'
    words = 2 * s.words * s.layers * 2 * s.width**2
    attention = 4 * s.layers * s.width * n * (n + s.words)
    return (matrices + words + attention) / 1e12


def stages(plan: Plan) -> dict[str, float]:
    """Peak memory of each stage in GB, weights and what a forward keeps; the encoder is gone before the rest comes."""
    s, spec, wide = plan.spec.shape, plan.spec, BYTES[plan.dtype]
    per_weight = 0 if plan.offload else AT_REST.get(plan.storage, wide)
    resident = s.params_b * per_weight + spec.vae_params_b * BYTES[plan.vae_dtype]
    n = tokens(plan)
    # at its peak a block holds its input and norms in 32 bits and the two sides of its widened middle
    denoise = n * (s.width * 12 + s.ffn * 2 * wide) / 1e9
    if spec.expand_timesteps:  # a noise level for each token, and so six modulations of each
        denoise += n * s.width * 36 / 1e9
    frames = plan.frames * plan.height * plan.width * 3 / 1e9
    (tile_h, _), (tile_w, _) = tiles(plan)
    tile = tile_h * tile_w * DECODE_PER_PIXEL[spec.shape.space] * BYTES[plan.vae_dtype] / 1e9
    # the decoded tiles wait in the VAE's own type, and are joined into one tensor, then rounded to bytes
    decode = tile + frames * (3 * BYTES[plan.vae_dtype] + 1)
    return {
        "encode": encoder(plan),
        "denoise": resident + denoise + RESERVE_GB,
        "decode": resident + decode + RESERVE_GB,
    }


def encoder(plan: Plan) -> float:
    """GB of the text encoder where it computes: bf16, or most of it in 4 bits."""
    spec, rest = plan.spec, AT_REST["nf4"] if plan.encoder == "nf4" else 2
    return spec.text_kept_b * 2 + (spec.text_params_b - spec.text_kept_b) * rest + 0.2


def host(plan: Plan) -> float:
    """GB of the machine's own memory that a plan takes at most. Weights go straight to a card; what computes or waits
    here stays here, and a finished clip is here four times: raw, on its way to ffmpeg, read back, measured."""
    film = 4 * plan.frames * plan.height * plan.width * 3 / 1e9
    found = [film]
    if plan.device == "cpu" or plan.encoder == "cpu":
        found.append(encoder(plan))
    if plan.device == "cpu":
        found += [size - RESERVE_GB for stage, size in stages(plan).items() if stage != "encode"]
    elif plan.offload:
        found.append(film + plan.spec.shape.params_b * AT_REST.get(plan.storage, BYTES[plan.dtype]))
    return max(found) + PROCESS_GB[plan.device]


def tiles(plan: Plan) -> tuple[tuple[int, int], tuple[int, int]]:
    """((side, step) in height, (side, step) in width) of the tiles that are decoded one by one, in pixels. Equal tiles:
    with the usual ones of 256 every 192 the default clip would be decoded 1.7 times over, so it is 1.3 times."""
    return _tiles(plan, plan.height), _tiles(plan, plan.width)


def decoded(plan: Plan) -> float:
    """Millions of pixels that are decoded for a clip, overlaps counted as often as they are."""
    sides = 1.0
    for length, (side, step) in zip((plan.height, plan.width), tiles(plan), strict=True):
        sides *= sum(min(side, length - at) for at in range(0, length, step))
    return plan.frames * sides / 1e6


def _tiles(plan: Plan, length: int) -> tuple[int, int]:
    if not plan.tile or length <= plan.tile:
        return length, length
    grid = plan.spec.shape.space * plan.spec.shape.patch
    overlap = min(OVERLAP, plan.tile // 4 // grid * grid or grid)
    count = -(-length // max(grid, plan.tile - overlap))
    step = -(-length // count // grid) * grid
    step = step if step * count >= length else step + grid
    return step + overlap, step


# values that live at once for each pixel of a decoded tile, by the VAE's compression; counted on the meta device by
# tests/bench/video.py, 2026-11-20 (32: not counted, a guess)
DECODE_PER_PIXEL = {8: 5000, 16: 7500, 32: 4000}


def downloads(plan: Plan) -> float:
    """GB that are downloaded for this plan."""
    spec = plan.spec
    return spec.weights.gb + spec.text.gb + (spec.extra.gb if spec.extra else 0)


def minutes(plan: Plan, capability: tuple[int, int] | None) -> float:
    """Minutes for one clip, without downloads: an estimate, from counted work and a guessed speed."""
    known = [key for key in SPEED if key != "cpu" and capability and key <= capability]
    speed = SPEED[max(known)] if known else SPEED["cpu"] if capability is None else 8
    work = tflop(plan) * plan.forwards * (0.6 if plan.cache else 1)
    if plan.dtype == "float32" and capability:
        speed /= 4
    return (work + decoded(plan) * DECODE_TFLOP[plan.spec.shape.space]) / speed / 60


# TFLOP for a million decoded pixels, by the VAE's compression; counted as above
DECODE_TFLOP = {8: 8.5, 16: 18.5, 32: 3.0}
