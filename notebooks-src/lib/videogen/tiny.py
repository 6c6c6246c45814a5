"""Tiny models of the same classes, laid out as the real repositories are: random weights, a few hundred kB.

`build` writes one repository of a model's registry entry: the same folders, file names and shards, so that the code
which loads the real one loads it. For the quick test, and for whoever serves the models' ids in tests.
"""

import json
from pathlib import Path

from videogen.registry import MODELS, Model, Source

_SENTENCE = "A red and white lighthouse on a cliff at dusk, its beam sweeping over the sea while the camera turns."
_TOKENIZER = "tokenizer.json"


def build(folder: Path, entry: Source, seed: int = 0) -> Path:
    """Write the tiny twin of one repository (a Source of the registry) into `folder`; returns it."""
    from media.hush import hush

    with hush():
        return _build(folder, entry, seed)


def _build(folder: Path, entry: Source, seed: int) -> Path:
    model = next(m for m in MODELS.values() if entry in (m.weights, m.text, m.extra))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"tokenizer": _tokenizer, "text_encoder": _text, "transformer": _transformer, "vae": _vae}
    for part in entry.parts:
        if part in makers:
            makers[part](folder / part, model, seed)
        elif part == "scheduler":
            _scheduler(folder / part, model)
        elif part.endswith(".json"):
            _config_alone(folder, part, model, seed)
        else:
            _single_file(folder / part, model, seed)
    index = {
        "_class_name": "LTXConditionPipeline" if model.family == "ltx" else "WanPipeline",
        "_diffusers_version": "0.36.0",
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=1))
    return folder


def twin(folder: Path, repo: str) -> None:
    """Write the tiny twin of a repository by its id: every part of it that some model of the registry uses."""
    from videogen.weights import repositories

    sources = [source for model in MODELS.values() for source in repositories(model).values() if source.id == repo]
    for source in dict.fromkeys(sources):
        build(folder, source)


def build_all(folder: Path, model: Model) -> dict[str, Path]:
    """All repositories of a model, each below `folder` under its id; their folders by role (weights.repositories)."""
    from videogen.weights import repositories

    return {role: build(Path(folder) / source.id, source) for role, source in repositories(model).items()}


def _tokenizer(folder: Path, model: Model, seed: int) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.Unigram())
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False)
    made.train_from_iterator([_SENTENCE], trainer)
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / _TOKENIZER))
    # a generic fast tokenizer: T5's own class would ask older transformers for a sentencepiece file
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "</s>",
             "unk_token": "<unk>", "model_max_length": 512}  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(about))


def _text(folder: Path, model: Model, seed: int) -> None:
    import torch
    from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

    kind, config = (UMT5EncoderModel, UMT5Config) if model.family == "wan" else (T5EncoderModel, T5Config)
    small = config(
        vocab_size=256, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu"
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = kind(small).eval().to(torch.bfloat16)
    made.save_pretrained(folder, max_shard_size="40KB")  # in several files, as the real ones are


def _transformer(folder: Path, model: Model, seed: int) -> None:
    shards = "100KB" if model.name == "wan-5b" else "10GB"
    _made_transformer(model, seed).save_pretrained(folder, max_shard_size=shards)


def _made_transformer(model: Model, seed: int):
    import torch
    from diffusers import LTXVideoTransformer3DModel, WanTransformer3DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        if model.family == "ltx":
            return LTXVideoTransformer3DModel(
                in_channels=8, out_channels=8, num_attention_heads=4, attention_head_dim=8, cross_attention_dim=32,
                caption_channels=32, num_layers=2,
            )  # fmt: skip
        channels = model.shape.channels
        made = WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels,
            out_channels=channels, text_dim=32, freq_dim=64, ffn_dim=64, num_layers=3, cross_attn_norm=True,
            qk_norm="rms_norm_across_heads", rope_max_seq_len=64,
        )  # fmt: skip
        return made.to(torch.bfloat16) if model.name == "fastwan-1.3b" else made


def _vae(folder: Path, model: Model, seed: int) -> None:
    import torch
    from diffusers import AutoencoderKLLTXVideo, AutoencoderKLWan

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 2)
        if model.family == "ltx":
            made = AutoencoderKLLTXVideo(
                latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
                layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
                spatio_temporal_scaling=(True, True, True, False),
                decoder_spatio_temporal_scaling=(True, True, True, False),
                decoder_inject_noise=(False, False, False, False, False), patch_size=4, patch_size_t=1,
                encoder_causal=True, decoder_causal=False,
            )  # fmt: skip
        elif model.shape.space == 16:
            made = AutoencoderKLWan(
                base_dim=4, decoder_base_dim=4, z_dim=48, dim_mult=[1, 1, 1, 1], num_res_blocks=1, in_channels=12,
                out_channels=12, patch_size=2, is_residual=True, scale_factor_spatial=16, scale_factor_temporal=4,
                temperal_downsample=[False, True, True], latents_mean=[0.0] * 48, latents_std=[1.0] * 48,
            )  # fmt: skip
        else:
            made = AutoencoderKLWan(
                base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
            )
    _livelier(made).save_pretrained(folder, max_shard_size="10GB")


def _livelier(vae):
    """A random decoder's frames hardly differ; wider last weights make a clip that a check does not take for still."""
    import torch

    with torch.no_grad():
        for name, weight in vae.named_parameters():
            if name.startswith("decoder.conv_out") and weight.dim() > 1:
                weight.mul_(2)
    return vae


def _scheduler(folder: Path, model: Model) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler

    if model.family == "ltx":
        FlowMatchEulerDiscreteScheduler().save_pretrained(folder)
    else:
        UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True).save_pretrained(folder)


def _config_alone(folder: Path, part: str, model: Model, seed: int) -> None:
    made = _made_transformer(model, seed)
    (folder / part).parent.mkdir(parents=True, exist_ok=True)
    made.save_config(str((folder / part).parent))


def _single_file(path: Path, model: Model, seed: int) -> None:
    """A transformer under the names of its first publisher, all in one file, as `from_single_file` reads them."""
    from safetensors.torch import save_file

    names = (("proj_in", "patchify_proj"), ("time_embed", "adaln_single"), ("norm_q", "q_norm"), ("norm_k", "k_norm"))
    weights = {}
    for name, tensor in _made_transformer(model, seed).state_dict().items():
        for ours, theirs in names:
            name = name.replace(ours, theirs)
        weights[f"model.diffusion_model.{name}"] = tensor.contiguous()
    save_file(weights, path)
