"""From words and noise to latents, and from latents to pictures; each stage by itself, checked for finite numbers.

Latents are (1, channels, latent frames, height, width) float32 on the processor, frames (frames, height, width, 3)
uint8. A seed gives the same first noise on every card: it is drawn on the processor.
"""

import math
import threading
from collections.abc import Callable

from videogen import cost, encode, schedule
from videogen.plan import Plan


class NotFinite(RuntimeError):
    """Numbers that overflowed: the stage is done again in 32 bits."""


class Cancelled(RuntimeError):
    """The reader asked for an end."""


def latents(
    pipe,
    plan: Plan,
    words,
    avoid,
    seed: int,
    image=None,
    tell: Callable[[int, object], None] | None = None,
    cancel: threading.Event | None = None,
):
    """One clip's latents. `words` and `avoid` are embeddings (tokens, width), `avoid` only with guidance; `image` a PIL
    image of the planned size; `tell(step, latents)` is called after each step. Raises NotFinite and Cancelled."""
    import torch

    pipe.scheduler = schedule.of(plan.spec, seed)
    if plan.cache:  # what a clip that failed has left there would be taken for this one's
        pipe.transformer._reset_stateful_cache()

    def after(pipe, step, _, tensors):
        if not torch.isfinite(tensors["latents"]).all():
            raise NotFinite(f"the latents overflowed at step {step + 1}")
        if tell:
            tell(step + 1, _unpacked(plan, tensors["latents"]))
        if cancel is not None and cancel.is_set():
            pipe._interrupt = True
        return tensors

    given = {"image": image} if image is not None else {}
    where = pipe._execution_device  # pipelines do not move embeddings to the card themselves
    given |= _wan(plan, words, avoid, where) if plan.spec.family == "wan" else _ltx(plan, words, where)
    with torch.inference_mode():
        out = pipe(
            **given,
            height=plan.height,
            width=plan.width,
            num_frames=plan.frames,
            num_inference_steps=plan.steps,
            guidance_scale=plan.guidance,
            generator=torch.Generator().manual_seed(seed),
            output_type="latent",
            callback_on_step_end=after,
        ).frames
    if cancel is not None and cancel.is_set():
        raise Cancelled("stopped at your wish; run it again to go on")
    return out.float().cpu()


def _unpacked(plan: Plan, latents):
    """Latents as (1, channels, frames, height, width), also where a pipeline holds them as a row of tokens (LTX)."""
    if latents.dim() == 5:
        return latents
    _, *grid = cost.latent_shape(plan)
    rows = latents[:, -math.prod(grid) :]  # what a clip begins with may stand before them
    return rows.unflatten(1, grid).permute(0, 4, 1, 2, 3)


def frames(vae, plan: Plan, latents):
    """Decode latents into frames. Raises NotFinite."""
    import torch

    device = next(vae.parameters()).device
    with torch.inference_mode():
        z, more = _unscaled(vae, plan, latents.to(device, torch.float32))
        video = vae.decode(z.to(vae.dtype), *more, return_dict=False)[0][0]
        if not torch.isfinite(video).all():
            raise NotFinite("the decoded frames overflowed")
        pictures = (video.float() / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
    return pictures.permute(1, 2, 3, 0).cpu().numpy()


def _unscaled(vae, plan: Plan, z):
    """Latents as the VAE made them, and what else its decoder asks for."""
    import torch

    def shaped(values):
        return torch.as_tensor(values).to(z.device, z.dtype).view(1, -1, 1, 1, 1)

    if plan.spec.family == "wan":
        return z * shaped(vae.config.latents_std) + shaped(vae.config.latents_mean), ()
    z = z * shaped(vae.latents_std) / vae.config.scaling_factor + shaped(vae.latents_mean)
    if not vae.config.timestep_conditioning:
        return z, ()
    # a little noise, which this decoder was trained to take off again (0.025 at timestep 0.05, diffusers' own docs)
    noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(0)).to(z)
    return 0.975 * z + 0.025 * noise, (torch.tensor([0.05], device=z.device, dtype=vae.dtype),)


def _wan(plan: Plan, words, avoid, where) -> dict:
    """Embeddings padded with zeros to the length that the model was trained with."""
    import torch

    def padded(rows):
        rows = rows[None].to(where)
        return torch.cat([rows, rows.new_zeros(1, encode.LONGEST["wan"] - rows.shape[1], rows.shape[2])], 1)

    given = {"prompt_embeds": padded(words)}
    if plan.guidance > 1:
        given["negative_prompt_embeds"] = padded(avoid)
    return given


def _ltx(plan: Plan, words, where) -> dict:
    import torch

    rows = words[None].to(where, getattr(torch, plan.dtype))
    return {
        "prompt_embeds": rows,
        "prompt_attention_mask": torch.ones(rows.shape[:2], dtype=torch.int64, device=where),
        "timesteps": [level * 1000 for level in plan.spec.ladder],
        "frame_rate": plan.spec.fps,
        "image_cond_noise_scale": 0.0,
    }
