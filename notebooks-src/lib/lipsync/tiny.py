"""Tiny models of the same classes, laid out as the real repositories are: random weights, less than a MB together.

For the quick test, and for whoever serves the models' ids in tests. File names, key names and formats are the real
ones: a UNet's state as `unet.pth`, a VAE with the names its attention had in 2022, a whole Whisper of which only the
encoder is used. The face is 64 pixels instead of 256, what was heard 16 numbers wide instead of 384.
"""

import json
from pathlib import Path

from lipsync.registry import CONFIG, NEEDED, SOURCES, WEIGHTS

SIDE, WIDTH, LAYERS = 64, 16, 4  # layers as in whisper-tiny: five vectors a step


def twin(folder: Path, repo: str) -> None:
    """Write the tiny twin of a repository, by its id."""
    from media.hush import hush

    role = next(role for role, source in SOURCES.items() if source.id == repo)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"unet": _unet, "vae": _vae, "ears": _ears, "draft": _draft, "yunet": _yunet, "score": _score}
    with hush():
        makers[role](folder)


def build_all(folder: Path, roles: tuple[str, ...] = NEEDED) -> dict[str, Path]:
    """The twins of these roles, each below `folder`; their folders by role."""
    found = {}
    for role in roles:
        found[role] = Path(folder) / SOURCES[role].id.replace("/", "--")
        if not found[role].is_dir():
            twin(found[role], SOURCES[role].id)
    return found


def _seeded(seed: int):
    """A block with torch's own numbers from this seed; afterwards its state is as before."""
    import contextlib

    import torch

    @contextlib.contextmanager
    def block():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield

    return block()


def _unet(folder: Path) -> None:
    import torch
    from diffusers import UNet2DConditionModel

    told = {
        "act_fn": "silu", "attention_head_dim": 2, "block_out_channels": [16, 32], "center_input_sample": False,
        "cross_attention_dim": WIDTH, "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "downsample_padding": 1, "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 8, "layers_per_block": 1,
        "mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": 8, "out_channels": 4, "sample_size": 8,
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    }  # fmt: skip
    with _seeded(0):
        made = UNet2DConditionModel(**told)
    (folder / CONFIG).parent.mkdir(exist_ok=True)
    about = {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "_anylab_side": SIDE}
    (folder / CONFIG).write_text(json.dumps(about | told, indent=2))
    torch.save(made.state_dict(), folder / WEIGHTS)


def _vae(folder: Path) -> None:
    from diffusers import AutoencoderKL
    from safetensors.torch import save_file

    with _seeded(1):
        made = AutoencoderKL(
            block_out_channels=(8, 8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1, norm_num_groups=4, latent_channels=4,
            sample_size=SIDE,
        )  # fmt: skip
    _livelier(made.decoder.conv_out)
    made.save_config(folder)
    names = (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn"))
    state = {}
    for name, tensor in made.state_dict().items():
        for ours, theirs in names:
            name = name.replace(f"attentions.0.{ours}", f"attentions.0.{theirs}")
        state[name] = tensor.contiguous()
    save_file(state, folder / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})


def _ears(folder: Path) -> None:
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    config = WhisperConfig(
        vocab_size=64, d_model=WIDTH, encoder_layers=LAYERS, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, num_mel_bins=80, pad_token_id=0,
        bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, begin_suppress_tokens=None, suppress_tokens=None,
    )  # fmt: skip
    with _seeded(2):
        made = WhisperForConditionalGeneration(config)
    made.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)


def _draft(folder: Path) -> None:
    from diffusers import AutoencoderTiny

    with _seeded(3):
        made = AutoencoderTiny(encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8))
    made.save_pretrained(folder)


def _livelier(layer) -> None:
    """A random decoder's pictures hardly differ; wider last weights make mouths that can be told apart."""
    import torch

    with torch.no_grad():
        layer.weight.mul_(2)


def _yunet(folder: Path) -> None:
    from lipsync import tiny_yunet

    tiny_yunet.write(folder / "face_detection_yunet_2026may.onnx")


def _score(folder: Path) -> None:
    import torch

    from lipsync import syncnet

    with _seeded(4):  # at its real size, 54 MB: its layers are written down, not configured
        made = syncnet.network()
    (folder / syncnet.FILE).parent.mkdir(exist_ok=True)
    torch.save(made.state_dict(), folder / syncnet.FILE)
