"""Chatterbox (Resemble AI): Turbo for English, Multilingual for 22 further languages; every result is marked by Perth.

Its package is installed without what it asks for (torch 2.6, numpy 1, gradio). Shims keep it going: pkg_resources,
without which its watermarker is None, and reference loudness that is set here, since its own gives numbers in double
precision that its model refuses (numpy 2). It needs the real torchaudio.
"""

from pathlib import Path

import numpy
from labkit import Stop
from media import shims

from voiceclone.engines import How
from voiceclone.registry import About, Repo

ABOUT = About(
    name="chatterbox",
    title="Chatterbox",
    package="chatterbox-tts",
    code_licence="MIT",
    weight_licence="MIT",
    sell="yes",
    gated=False,
    terms="nothing beyond the law, as far as its pages were read",
    languages=(
        "en",
        "ar",
        "da",
        "de",
        "el",
        "es",
        "fi",
        "fr",
        "he",
        "hi",
        "it",
        "ja",
        "ko",
        "ms",
        "nl",
        "no",
        "pl",
        "pt",
        "ru",
        "sv",
        "sw",
        "tr",
        "zh",
    ),  # fmt: skip
    gpu_gb=4.5,  # 3.6 GB seen on an L4 (an issue's report) and some room
    ram_gb=7.0,  # 4.2 GB measured with a cut language model; estimate
    rate=24000,
    reference=(5.5, 10.0),  # Turbo refuses 5 s and less
    wants_transcript=False,
    rtf=(0.83, "T4, its language model alone, float32", "reported by a user"),
    checked="2026-11-20",
)
TURBO = Repo("ResembleAI/chatterbox-turbo", ("*.safetensors", "*.json", "*.txt"), 3.0)  # GB: estimate
MANY = Repo(  # checkpoints (.pt) are read as weights only
    "ResembleAI/chatterbox",
    ("ve.*", "t3_mtl23ls_v2.safetensors", "s3gen.pt", "grapheme_mtl_merged_expanded_v1.json", "Cangjie5_TC.json"),
    3.5,  # estimate
)


def repos(language: str) -> list[Repo]:
    return [TURBO if language == "en" else MANY]


def load(folders: list[Path], language: str, device: str, work: Path) -> "Chatterbox":
    """From a downloaded snapshot, in float32 (bfloat16 is three times slower on a T4, by a user's report)."""
    if not shims.has_torchaudio():
        raise Stop("Chatterbox needs torchaudio, which is not here: choose another engine, or install it")
    shims.onnx()
    with shims.pkg_resources(), shims.quiet():
        import perth

        if perth.PerthImplicitWatermarker is None:
            raise Stop("the watermarker that Chatterbox asks for cannot be loaded; choose another engine")
        if language == "en":
            from chatterbox.tts_turbo import ChatterboxTurboTTS as Kind
        else:
            from chatterbox.mtl_tts import ChatterboxMultilingualTTS as Kind
        import chatterbox.models.t3.t3 as source

        source.tqdm = _plain  # a bar for each sentence would hide what we tell
        return Chatterbox(Kind.from_local(folders[0], device), language)


def _plain(items, **_):
    return items


class Chatterbox:
    """A loaded Chatterbox."""

    def __init__(self, model, language: str):
        self.model, self.language, self.dtype, self.rate = model, language, "float32", int(model.sr)

    def voice(self, reference: Path, transcript: str):
        """The reference's conditionals; its loudness was set when it was prepared."""
        own = {"norm_loudness": False} if self.language == "en" else {}
        with shims.quiet():
            self.model.prepare_conditionals(str(reference), **own)
        return self.model.conds

    def say(self, text: str, voice, how: How) -> numpy.ndarray:
        import torch

        torch.manual_seed(how.seed)
        self.model.conds = voice
        given = {} if self.language == "en" else {"language_id": self.language}
        if how.guidance and self.language != "en":
            given["cfg_weight"] = how.guidance
        return self.model.generate(text, **given).numpy().astype(numpy.float32).reshape(-1)
