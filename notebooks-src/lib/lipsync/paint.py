"""Crops and what was heard become mouths: masked and reference latents, one UNet call at timestep 0, decoded.

No noise, no scheduler, no guidance: MuseTalk paints the lower half of a face in one step, from the upper half, a
reference, and fifty vectors of speech. Every batch has the same size, the last one is filled up.
"""

import math

from lipsync.nets import Nets

EMPTY = -1.0  # what the lower half of the masked copy holds


class NotFinite(RuntimeError):
    """Numbers overflowed: the autoencoder is to be run in 32 bits, then the UNet."""


def latents(nets: Nets, crops):
    """Crops, (n, side, side, 3) uint8, as the UNet's first input, (n, 8, side/8, side/8) in the UNet's type: four
    channels of the copy whose lower half is masked, then four of the whole. The mode of the VAE, never a sample.
    Raises NotFinite when the encoder overflows: what is not finite must not be kept."""
    import torch

    x = torch.as_tensor(crops).to(nets.device).permute(0, 3, 1, 2).to(nets.vae_dtype) / 127.5 - 1
    masked = x.clone()
    masked[:, :, nets.side // 2 :] = EMPTY
    with torch.inference_mode():
        z = nets.vae.encode(torch.cat([masked, x])).latent_dist.mode() * nets.vae.config.scaling_factor
    if not bool(torch.isfinite(z).all()):
        raise NotFinite("the encoder's numbers overflow")
    masked, whole = z.chunk(2)
    return torch.cat([masked, whole], 1).to(nets.dtype)


def mouths(nets: Nets, z, heard):
    """The painted crops, (n, side, side, 3) uint8 in numpy. `z` is (n, 8, h, w) of `latents`, `heard` (n, 50, width)
    float32 of `ears.windows`. Raises NotFinite when the decoder overflows."""
    import torch

    with torch.inference_mode():
        heard = (heard.to(nets.device) + position(heard.shape[1], heard.shape[2], nets.device)).to(nets.dtype)
        step = torch.zeros(1, dtype=torch.int64, device=nets.device)
        z = nets.unet(z.to(nets.device, nets.dtype), step, encoder_hidden_states=heard).sample.to(nets.vae_dtype)
        if nets.draft is not None:  # TAESD takes latents as the UNet gives them
            x = nets.draft.decode(z).sample
        else:
            x = nets.vae.decode(z / nets.vae.config.scaling_factor).sample
        if not bool(torch.isfinite(x).all()):
            raise NotFinite("the decoder's numbers overflow")
        x = ((x.float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return x.permute(0, 2, 3, 1).cpu().numpy()


def position(length: int, width: int, device: str = "cpu"):
    """The sinusoidal table that is added to a window, (length, width) float32: sine and cosine in turns, base 10000
    (Vaswani et al. 2017)."""
    import torch

    at = torch.arange(length, device=device, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, device=device, dtype=torch.float32) * (-math.log(10000.0) / width))
    table = torch.zeros(length, width, device=device)
    table[:, 0::2], table[:, 1::2] = torch.sin(at * rate), torch.cos(at * rate)
    return table


def filled(batch, size: int):
    """A batch filled up to `size` rows with its last one: the GPU then sees one shape only."""
    import torch

    lacks = size - len(batch)
    return torch.cat([batch, batch[-1:].expand(lacks, *batch.shape[1:])]) if lacks > 0 else batch
