"""The models: what they are called on the hub, what they weigh, what they may be used for, and how they are run.

Data only. Sizes are GB of 1e9 bytes and parameters in billions, counted on the meta device from the published
configurations (2026-11-20); downloads as listed on the hub pages then, or parameters times bytes where marked.
No commit is written down here: none was looked up. Each is resolved when it is downloaded, printed and kept.
"""

from dataclasses import dataclass

from session.weights import UNVERIFIED


@dataclass(frozen=True)
class Source:
    """Folders, or single files, of one repository on the hub, and their download in GB."""

    id: str
    parts: tuple[str, ...]
    gb: float
    licence: str = "Apache-2.0"
    sell: str = "yes"
    gated: bool = False
    revision: str = UNVERIFIED

    @property
    def patterns(self) -> list[str]:
        """What of the repository is downloaded: nothing that is a program (pickle), nothing that is not used."""
        kinds = ("*.json", "*.safetensors", "*.model", "*.txt")
        folders = [f"{part}/{kind}" for part in self.parts if "." not in part for kind in kinds]
        return ["model_index.json", *folders, *(part for part in self.parts if "." in part)]


@dataclass(frozen=True)
class Shape:
    """A transformer's form, from which its work follows."""

    layers: int
    width: int
    ffn: int
    params_b: float
    channels: int  # of a latent
    space: int  # pixels of a side that become one latent
    time: int  # frames that become one latent, after the first
    patch: int  # latents of a side that become one token
    words: int  # tokens of the prompt that it attends to


@dataclass(frozen=True)
class Card:
    """What a model does by default on a card with at least `gb` of free memory (0: no card, the processor)."""

    gb: float
    frames: int
    height: int
    width: int
    storage: str = ""  # "fp8", "nf4": weights rest in 8 or 4 bits and are widened layer by layer


@dataclass(frozen=True)
class Model:
    """One choice of the notebook's form."""

    name: str
    title: str
    family: str  # "wan" or "ltx": which pipeline classes
    weights: Source  # transformer and VAE
    text: Source  # tokenizer and text encoder
    shape: Shape
    text_params_b: float
    vae_params_b: float
    images: bool  # can it start from an image?
    fps: int
    steps: int
    guidance: float  # 1: none, one forward a step; above: two
    ladder: tuple[float, ...] = ()  # noise levels that a distilled model was trained on; () for any number of steps
    shift: float = 0.0  # of the noise levels, where there is no ladder
    stochastic: bool = False  # fresh noise after each step
    cache: float = 0.0  # first-block cache: skip a step's blocks while the first changes less than this
    expand_timesteps: bool = False
    extra: Source | None = None  # a transformer in a file of its own
    text_kept_b: float = 2.057  # of the encoder, what stays in 16 bits when the rest is in 4: words, and `wo`
    negative: str = ""
    cards: tuple[Card, ...] = ()


_TEXT = Source("Wan-AI/Wan2.2-TI2V-5B-Diffusers", ("tokenizer", "text_encoder"), 11.4)
_WAN = Shape(30, 1536, 8960, 1.419, 16, 8, 4, 2, 512)
# what the model should avoid, in words of our own; used with guidance only
_AVOID = "overexposed, static, blurry details, subtitles, watermark, worst quality, deformed hands, extra limbs"

MODELS = {
    model.name: model
    for model in (
        # three steps without guidance, at the noise levels that it was distilled for: 1000, 757, 522 of 1000
        # (FastVideo's model card). Its repository holds the encoder in 32 bits, 22.7 GB; the same encoder lies in bf16,
        # 11.4 GB, beside Wan2.2: 14.9 GB of download instead of 26.2
        Model(
            "fastwan-1.3b",
            "FastWan2.1 1.3B",
            "wan",
            Source("FastVideo/FastWan2.1-T2V-1.3B-Diffusers", ("transformer", "vae", "scheduler"), 3.5),
            _TEXT,
            _WAN,
            5.681,
            0.127,
            images=False,
            fps=16,
            steps=3,
            guidance=1.0,
            ladder=(1.0, 0.757, 0.522),
            stochastic=True,
            cards=(
                Card(13.5, 61, 448, 832),
                Card(5.5, 33, 320, 576),
                Card(0, 17, 192, 320),
            ),
        ),
        Model(
            "wan-1.3b",
            "Wan2.1 1.3B, undistilled",
            "wan",
            Source("Wan-AI/Wan2.1-T2V-1.3B-Diffusers", ("transformer", "vae", "scheduler"), 6.2),
            _TEXT,
            _WAN,
            5.681,
            0.127,
            images=False,
            fps=16,
            steps=30,
            guidance=5.0,
            shift=3.0,  # for 480p; the model card says 5 for 720p
            cache=0.1,
            negative=_AVOID,
            cards=(Card(13.5, 81, 480, 832), Card(5.5, 33, 320, 576)),
        ),
        # transformer and VAE lie in 32 bits on the hub: 5.000 B and 0.705 B parameters times four bytes
        Model(
            "wan-5b",
            "Wan2.2 TI2V 5B",
            "wan",
            Source("Wan-AI/Wan2.2-TI2V-5B-Diffusers", ("transformer", "vae", "scheduler"), 22.8),
            _TEXT,
            Shape(30, 3072, 14336, 5.0, 48, 16, 4, 2, 512),
            5.681,
            0.705,
            images=True,
            fps=24,
            steps=30,
            guidance=5.0,
            shift=5.0,
            expand_timesteps=True,
            negative=_AVOID,
            cards=(
                Card(21.5, 121, 704, 1280),
                Card(13.5, 49, 704, 1280, storage="fp8"),
                Card(7.0, 25, 704, 1280, storage="nf4"),
            ),
        ),
        Model(
            "ltx-2b",
            "LTX-Video 2B 0.9.6 distilled",
            "ltx",
            Source(
                "Lightricks/LTX-Video-0.9.5",
                ("vae", "scheduler", "transformer/config.json"),
                1.7,
                licence="LTXV Open Weights 0.X",
                sell="up to 10 million USD of yearly revenue; read the licence",
            ),
            Source(
                "Lightricks/LTX-Video-0.9.5",
                ("tokenizer", "text_encoder"),
                9.5,
                licence="LTXV Open Weights 0.X",
                sell="up to 10 million USD of yearly revenue; read the licence",
            ),
            Shape(28, 2048, 8192, 1.923, 128, 32, 8, 1, 256),
            4.762,
            0.419,
            images=True,
            fps=24,
            steps=8,
            guidance=1.0,
            ladder=(1.0, 0.9937, 0.9875, 0.9812, 0.975, 0.9094, 0.725, 0.4219),
            extra=Source(
                "Lightricks/LTX-Video",
                ("ltxv-2b-0.9.6-distilled-04-25.safetensors",),
                6.3,
                licence="LTXV Open Weights 0.X",
                sell="up to 10 million USD of yearly revenue; read the licence",
            ),
            text_kept_b=1.138,
            cards=(Card(13.5, 121, 512, 768),),
        ),
    )
}
DEFAULT, IMAGE_DEFAULT = "fastwan-1.3b", "wan-5b"


def opt_in(model: Model) -> bool:
    """Whether a model's licence is no free one, so that the reader has to accept it first."""
    return model.weights.licence not in ("Apache-2.0", "MIT")
