"""Tiny twins of the models: the real classes and file names with random weights, loaded as the real ones are.

A twin's audio is noise; what it shows is that every line between a text and a checked file works on this machine.
Sizes: VoxCPM2 1 MB, Pocket TTS 1 MB, Whisper 1 MB.
"""

import json
import shutil
from pathlib import Path

SEED = 7
WITHOUT = ("chatterbox",)  # engines that have none, see `chatterbox`


def twin(folder: Path, repo: str) -> None:
    """Write the repository `repo` into `folder`, with the file names that the notebook asks the hub for."""
    makers = {
        "openbmb/VoxCPM2": voxcpm2,
        "kyutai/pocket-tts": pocket_weights,
        "kyutai/pocket-tts-without-voice-cloning": pocket_tokenizer,
        "openai/whisper-base": whisper,
        "ResembleAI/chatterbox-turbo": chatterbox,
        "ResembleAI/chatterbox": chatterbox,
    }
    folder.mkdir(parents=True, exist_ok=True)
    makers[repo](folder)


def voxcpm2(folder: Path) -> None:
    """VoxCPM2 with 2 + 1 layers of width 32 and real strides: 16 kHz in, 48 kHz out, 6.25 steps a second."""
    from media import shims

    shims.torchaudio()
    import torch
    from safetensors.torch import save_file
    from voxcpm.model.voxcpm2 import VoxCPM2Model, VoxCPMConfig
    from voxcpm.modules.audiovae import AudioVAEConfigV2, AudioVAEV2

    _bpe(folder, "LlamaTokenizerFast")
    config = {"architecture": "voxcpm2", **_VOXCPM2, "audio_vae_config": _AUDIO_VAE, "dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    with torch.random.fork_rng(devices=[]), shims.quiet():
        torch.manual_seed(SEED)
        vae = AudioVAEV2(config=AudioVAEConfigV2(**_AUDIO_VAE))
        tokenizer = _Named({"a": 0})
        model = VoxCPM2Model(VoxCPMConfig(**_VOXCPM2, dtype="float32"), tokenizer, vae, device="cpu")
        _stops_at_once(model)
    weights = {n: t.contiguous() for n, t in model.state_dict().items() if not n.startswith("audio_vae.")}
    save_file({n: t.to(torch.bfloat16) for n, t in weights.items()}, folder / "model.safetensors")
    torch.save({"state_dict": vae.state_dict()}, folder / "audiovae.pth")


class _Named:
    """A tokenizer's vocabulary, all that the model asks of one while it is built."""

    def __init__(self, vocab: dict[str, int]):
        self.vocab = vocab


def _stops_at_once(model) -> None:
    """A random stop head stops anywhere; this one does as soon as it may, so a text's length decides the sound's."""
    import torch

    with torch.no_grad():
        model.stop_proj.weight.zero_()
        model.stop_proj.bias.fill_(1.0)
        model.stop_head.weight[0], model.stop_head.weight[1] = 0.0, 1.0


# the real configuration's fields; counts at real sizes are in tests/bench/voice.py
_VOXCPM2 = {
    "lm_config": {
        "bos_token_id": 1, "eos_token_id": 2, "hidden_size": 32, "intermediate_size": 64,
        "max_position_embeddings": 4096, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5, "vocab_size": 512, "use_mup": False, "scale_emb": 12.0, "dim_model_base": 32,
        "scale_depth": 1.4, "rope_theta": 10000.0, "kv_channels": 8,
        "rope_scaling": {"type": "longrope", "long_factor": [1.0] * 4, "short_factor": [1.0] * 4,
                         "original_max_position_embeddings": 4096},
    },
    "patch_size": 4, "feat_dim": 16, "residual_lm_num_layers": 1, "residual_lm_no_rope": True,
    "scalar_quantization_latent_dim": 16, "scalar_quantization_scale": 9,
    "encoder_config": {"hidden_dim": 32, "ffn_dim": 64, "num_heads": 4, "num_layers": 1, "kv_channels": 8},
    "dit_config": {"hidden_dim": 32, "ffn_dim": 64, "num_heads": 4, "num_layers": 1, "kv_channels": 8,
                   "cfm_config": {}},
    "max_length": 512,
}  # fmt: skip
_AUDIO_VAE = {
    "encoder_dim": 4, "encoder_rates": [2, 5, 8, 8], "latent_dim": 16, "decoder_dim": 64,
    "decoder_rates": [8, 6, 5, 2, 2, 2], "cond_dim": 8,
}  # fmt: skip


def _bpe(folder: Path, kind: str) -> None:
    """A tokenizer of single letters: BPE without merges, words begun by Metaspace, 512 entries."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = [chr(code) for code in range(33, 127)] + ["▁", *"äöüßéèçñ¿¡"]
    words = ["<unk>", "<s>", "</s>"] + [f"<reserved_{i}>" for i in range(102)] + letters
    words += [f"<extra_{i}>" for i in range(512 - len(words))]
    made = Tokenizer(models.BPE({word: i for i, word in enumerate(words)}, [], unk_token="<unk>"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    made.save(str(folder / "tokenizer.json"))
    about = {"tokenizer_class": kind, "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))


def _words(folder: Path) -> None:
    """A tokenizer of whole words: Pocket TTS takes a text's length in tokens for its length in speech."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    known = ["<unk>", *".!?…,;:'-", *"abcdefghijklmnopqrstuvwxyz"]  # where a sentence ends is told by its sign
    known += [f"<extra_{i}>" for i in range(512 - len(known))]
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(known)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(folder / "tokenizer.json"))


def pocket_tokenizer(folder: Path) -> None:
    """The tokenizer of each language's Pocket TTS, where the ungated repository has it."""
    from voiceclone.engines import pocket

    for language in pocket.NAMES:
        place = (folder / pocket.files(language)[1]).parent
        place.mkdir(parents=True, exist_ok=True)
        _words(place)


def pocket_weights(folder: Path) -> None:
    """The gated weights of Pocket TTS, the same for each language: each width a fraction of the real one."""
    from media import shims

    from voiceclone.engines import pocket

    with shims.threads_kept(), shims.quiet():
        import torch
        from pocket_tts import TTSModel
        from safetensors.torch import save_file

        place = folder / "languages" / "english"
        place.mkdir(parents=True, exist_ok=True)
        _words(place)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            model = TTSModel.load_model(config=_pocket_config(place))
            _speaks(model)
        save_file({n: t.contiguous().clone() for n, t in model.state_dict().items()}, place / "model.safetensors")
    (place / "tokenizer.json").unlink()
    for language in pocket.NAMES:
        there = folder / pocket.files(language)[0]
        there.parent.mkdir(parents=True, exist_ok=True)
        for name, copy in (("model.safetensors", there), ("config.yaml", there.parent / "config.yaml")):
            if copy != place / name:
                shutil.copyfile(place / name, copy)


def _pocket_config(folder: Path) -> Path:
    """A configuration of the twin's sizes beside its weights; that of the real weights is the package's own."""
    import yaml

    told = json.loads(json.dumps(_POCKET))
    told["flow_lm"]["lookup_table"]["tokenizer_path"] = str(folder / "tokenizer.json")
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path


def _speaks(model) -> None:
    """Let a random model neither stop at once nor explode: no end of speech, latents of usual size."""
    import torch

    for name, weight in model.named_parameters():
        if "out_eos" in name:
            torch.nn.init.zeros_(weight)
    model.flow_lm.emb_std.fill_(1.0)
    model.flow_lm.emb_mean.zero_()


_POCKET = {
    "default_eos_threshold": 1.0,
    "flow_lm": {
        "insert_bos_before_voice": True, "dtype": "float32", "flow": {"depth": 1, "dim": 32},
        "transformer": {"d_model": 32, "hidden_scale": 2, "max_period": 10000, "num_heads": 2, "num_layers": 1},
        "lookup_table": {"dim": 32, "n_bins": 512, "tokenizer": "tokenizers", "tokenizer_path": ""},
    },
    "mimi": {
        "dtype": "float32", "sample_rate": 24000, "inner_dim": 8, "outer_dim": 32, "channels": 1, "frame_rate": 12.5,
        "seanet": {"dimension": 32, "channels": 1, "n_filters": 4, "n_residual_layers": 1, "ratios": [6, 5, 4],
                   "kernel_size": 7, "residual_kernel_size": 3, "last_kernel_size": 3, "dilation_base": 2,
                   "pad_mode": "constant", "compress": 2},
        "transformer": {"d_model": 32, "num_heads": 2, "num_layers": 1, "layer_scale": 0.01, "context": 250,
                        "dim_feedforward": 64, "input_dimension": 32, "output_dimensions": [32]},
        "quantizer": {"dimension": 8, "output_dimension": 32},
    },
}  # fmt: skip


def whisper(folder: Path) -> None:
    """Whisper with one layer of width 16 and a tokenizer of letters; what it hears means nothing."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    _bpe(folder, "PreTrainedTokenizerFast")
    config = WhisperConfig(
        vocab_size=512, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, pad_token_id=2, bos_token_id=1,
        eos_token_id=2, decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        WhisperForConditionalGeneration(config).eval().save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)


def chatterbox(folder: Path) -> None:
    """No weights: the widths of Chatterbox's models are fixed in its package (2 GB). What loads them is tried by a test
    of its own, on demand (`pytest -m heavy`); here the repository exists, and a run that asks for it is told so."""
    (folder / "config.json").write_text(json.dumps({"twin": "without weights, see voiceclone.tiny.chatterbox"}))
