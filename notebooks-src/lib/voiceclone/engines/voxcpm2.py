"""VoxCPM2 (OpenBMB): a language model of 2.4 billion parameters that draws audio latents, 6.25 steps a second.

Its package is installed without what it asks for (funasr, gradio, an old datasets); of that its loader needs einops,
librosa, pydantic, safetensors and transformers. No denoiser (it would come from another hub) and no text normaliser of
its own (voiceclone.text does that).
"""

import json
import os
import shutil
from pathlib import Path

import numpy
from labkit import Stop
from media import shims

from voiceclone.engines import How
from voiceclone.registry import About, Repo

ABOUT = About(
    name="voxcpm2",
    title="VoxCPM2",
    package="voxcpm",
    code_licence="Apache-2.0",
    weight_licence="Apache-2.0",
    sell="yes",
    gated=False,
    terms="impersonation, fraud and disinformation",
    # the model card's list, huggingface.co/openbmb/VoxCPM2 (a duplicate's README, read 2026-11-20)
    languages=(
        "en",
        "zh",
        "ar",
        "my",
        "da",
        "nl",
        "fi",
        "fr",
        "de",
        "el",
        "he",
        "hi",
        "id",
        "it",
        "ja",
        "km",
        "ko",
        "lo",
        "ms",
        "no",
        "pl",
        "pt",
        "ru",
        "es",
        "sw",
        "sv",
        "tl",
        "th",
        "tr",
        "vi",
    ),  # fmt: skip
    gpu_gb=11.0,  # estimate for float32: 9.5 GB of weights, the cache and what is computed; bfloat16: 8 (published)
    ram_gb=13.0,  # estimate
    rate=48000,
    reference=(3.0, 15.0),
    wants_transcript=False,
    rtf=(0.30, "RTX 4090, bfloat16", "published by its authors"),
    checked="2026-11-20",
)
STEPS_PER_SECOND = 6.25
STEPS, GUIDANCE = 10, 2.0


def repos(language: str) -> list[Repo]:
    """One repository for all languages. The audio VAE lies there as a checkpoint, which is read as weights only."""
    return [Repo("openbmb/VoxCPM2", ("*.json", "*.safetensors", "audiovae.pth"), 5.0)]


def load(folders: list[Path], language: str, device: str, work: Path) -> "VoxCPM2":
    """From a downloaded snapshot. Below compute capability 8.0 it computes in float32: bfloat16 is emulated there."""
    shims.torchaudio()
    import torch

    card = torch.cuda.get_device_capability() if device == "cuda" else None
    dtype = "bfloat16" if card is not None and card >= (8, 0) else "float32"
    place = with_dtype(folders[0], work / "voxcpm2", dtype)
    with shims.quiet():
        import voxcpm.model.voxcpm2 as source
        from voxcpm import VoxCPM

        source.tqdm = iter  # a bar for each sentence would hide what we tell
        model = VoxCPM.from_pretrained(str(place), load_denoiser=False, optimize=False, device=device)
    _whole(model.tts_model, place)
    return VoxCPM2(model.tts_model, dtype)


def with_dtype(snapshot: Path, place: Path, dtype: str) -> Path:
    """A folder with the snapshot's files, linked, and a config.json that asks for `dtype`: the loader takes it from
    there alone. Raises Stop when the snapshot has no config."""
    try:
        config = json.loads((snapshot / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Stop(f"config.json of VoxCPM2 cannot be read ({error}); remove {snapshot} and run again") from None
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for path in snapshot.iterdir():
        if path.name == "config.json" or not path.is_file():
            continue
        try:
            os.symlink(path.resolve(), place / path.name)
        except OSError:  # a system or a drive without links
            shutil.copyfile(path, place / path.name)
    (place / "config.json").write_text(json.dumps({**config, "dtype": dtype}, indent=1), encoding="utf-8")
    return place


def _whole(model, place: Path) -> None:
    """Raise Stop when the file lacks weights of the model: its loader takes random ones for those, and says nothing."""
    from safetensors import safe_open

    with safe_open(place / "model.safetensors", framework="pt") as file:
        given = set(file.keys())
    lacking = [n for n, _ in model.named_parameters() if not n.startswith("audio_vae.") and n not in given]
    if lacking:
        raise Stop(f"model.safetensors of VoxCPM2 lacks {len(lacking)} weights, such as {lacking[0]}: fetch it again")


class VoxCPM2:
    """A loaded VoxCPM2."""

    def __init__(self, model, dtype: str):
        self.model, self.dtype, self.rate = model, dtype, int(model.sample_rate)

    def voice(self, reference: Path, transcript: str) -> dict:
        """The reference's latents; with a transcript also as a beginning to go on from, which is closer to it."""
        given = {"reference_wav_path": str(reference)}
        if transcript:
            given |= {"prompt_wav_path": str(reference), "prompt_text": transcript}
        with shims.quiet():
            return self.model.build_prompt_cache(**given)

    def say(self, text: str, voice: dict, how: How) -> numpy.ndarray:
        import torch

        torch.manual_seed(how.seed)
        sound, _, _ = self.model.generate_with_prompt_cache(
            target_text=text,
            prompt_cache=voice,
            min_len=int(how.shortest * STEPS_PER_SECOND),
            max_len=max(2, int(how.longest * STEPS_PER_SECOND)),
            inference_timesteps=how.steps or STEPS,
            cfg_value=how.guidance or GUIDANCE,
            retry_badcase=False,  # it would retry up to three times without a word; voiceclone.takes retries once
            retry_badcase_ratio_threshold=1e6,
        )
        return sound.squeeze(0).cpu().numpy().astype(numpy.float32)
