"""Load the networks: MuseTalk's UNet with every key accounted for, Stable Diffusion's VAE, Whisper's encoder, TAESD.

The UNet comes as `musetalk.json` and `unet.pth` (32 bits, a pickle): it is read with `weights_only`, compared key by
key and shape by shape, and kept once as 16-bit safetensors, which later loads take.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop, storage
from media import own
from media.hush import hush

from lipsync.registry import CONFIG, WEIGHTS

SIDE = 256  # pixels of the face that the model sees and paints
_OURS = "_anylab_side"  # a tiny twin's config says its own; the real one has no such key


@dataclass
class Nets:
    """The loaded networks, where they are and in which types. `draft` is TAESD, or None for the VAE's own decoder."""

    unet: object
    vae: object
    ears: object
    extractor: object
    draft: object | None
    side: int
    device: str
    dtype: object  # torch.float16, torch.float32
    vae_dtype: object

    @property
    def width(self) -> int:
        """Numbers of one step of what was heard: 384."""
        return self.ears.config.d_model


def load(paths: dict[str, Path], device: str, dtype: str, kept: Path, vae_dtype: str = "") -> Nets:
    """All networks from their folders by role ("unet", "vae", "ears", and "draft" where there is one). `kept` is the
    folder for the converted UNet. Raises Stop when a file is not what it should be."""
    import torch
    from diffusers import AutoencoderKL, AutoencoderTiny
    from transformers import WhisperFeatureExtractor

    kind, vae_kind = getattr(torch, dtype), getattr(torch, vae_dtype or dtype)
    with hush():
        model, side = unet(paths["unet"], kept)
        vae = _strict(AutoencoderKL, paths["vae"])
        draft = _strict(AutoencoderTiny, paths["draft"]) if "draft" in paths else None
        ears = hearing(paths["ears"])
        extractor = WhisperFeatureExtractor.from_pretrained(paths["ears"])
        shape = torch.channels_last if device.startswith("cuda") else torch.contiguous_format
        model.to(device, kind, memory_format=shape)
        vae.to(device, vae_kind, memory_format=shape)
        if draft is not None:
            draft.to(device, vae_kind, memory_format=shape)
        ears.to(device)  # 39 M parameters in 32 bits
    return Nets(model, vae, ears, extractor, draft, side, device, kind, vae_kind)


def unet(folder: Path, kept: Path) -> tuple[object, int]:
    """(UNet in 16 bits on the processor, pixels of its face). Raises Stop for a config or weights of something else."""
    import torch
    from diffusers import UNet2DConditionModel
    from safetensors.torch import load_file

    told = _json(folder / CONFIG)
    try:
        with torch.device("meta"):
            model = UNet2DConditionModel(**{k: v for k, v in told.items() if not k.startswith("_")})
    except (TypeError, ValueError) as error:
        raise Stop(f"{CONFIG} describes no UNet that diffusers knows ({error}): its repository has changed") from None
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    file = converted(folder / WEIGHTS, kept, shapes)
    model.load_state_dict(load_file(file), strict=True, assign=True)
    return model.eval().requires_grad_(False), int(told.get(_OURS, SIDE))


def converted(source: Path, kept: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """The 16-bit safetensors of a `unet.pth`, made once below `kept`. Raises Stop for keys or shapes that differ from
    `shapes`, for what is no tensor, and for numbers that 16 bits cannot hold."""
    with own.alone(kept):  # each card has a process of its own: the first makes it, the others wait
        return _converted(source, kept, shapes)


def _converted(source: Path, kept: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """See `converted`."""
    real = source.resolve()
    about = real.stat()  # in the hub's cache a file is called by its hash
    target = kept / f"musetalk-{real.name[:12]}-{about.st_size}-{int(about.st_mtime)}-fp16.safetensors"
    if _whole(target, shapes):
        return target
    import torch
    from safetensors.torch import save_file

    state = tensors(source)
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if found != shapes:
        raise Stop(f"{source.name} is not the UNet that its config describes: {_differences(found, shapes)}")
    half = {}
    for name, tensor in state.items():
        half[name] = tensor.to(torch.float16).contiguous()
        if not torch.isfinite(half[name]).all():
            raise Stop(f"{source.name} holds numbers that 16 bits cannot hold ({name}): fetch it again")
    with storage.told(kept):
        kept.mkdir(parents=True, exist_ok=True)
    with storage.whole(target) as part:
        save_file(half, part, metadata={"from": source.name, "tensors": str(len(half))})
    return target


def tensors(source: Path) -> dict:
    """The tensors of a checkpoint, mapped where its format allows it. Raises Stop when it holds anything else."""
    import pickle

    import torch

    try:
        try:
            state = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # the format before 2020 cannot be mapped
            state = torch.load(source, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, KeyError, ValueError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise Stop(
            f"{source.name} is no checkpoint that can be read without running it ({why}): fetch it again"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise Stop(f"{source.name} holds more than tensors, so it is not what was expected")
    return state


def _differences(found: dict, wanted: dict) -> str:
    lacks, more = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    other = sorted(name for name in wanted.keys() & found.keys() if wanted[name] != found[name])
    parts = [f"{len(names)} tensors {what} ({names[0]})" for what, names in
             (("are missing", lacks), ("are too many", more), ("have another shape", other)) if names]  # fmt: skip
    return ", ".join(parts)


def _whole(path: Path, shapes: dict) -> bool:
    """Whether a converted file is there and holds exactly these tensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()} == shapes  # noqa: SIM118
    except (OSError, SafetensorError):
        return False


def _strict(kind, folder: Path):
    """A diffusers model from its folder; Stop when a weight is missing, too many, or of another shape."""
    try:
        model, about = kind.from_pretrained(folder, output_loading_info=True, use_safetensors=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise Stop(f"{kind.__name__} cannot be loaded ({(str(error).splitlines() or [''])[0][:160]})") from None
    wrong = [*about["missing_keys"], *about["unexpected_keys"], *about["mismatched_keys"]]
    if wrong:
        raise Stop(f"{kind.__name__}: {len(wrong)} weights do not fit, the first is {wrong[0]}: fetch it again")
    return model.eval().requires_grad_(False)


def hearing(folder: Path):
    """Whisper's encoder, in 32 bits. The whole model is loaded and its decoder let go: loaded alone, the encoder takes
    nothing from such a repository and stays random, with no more than a remark. Raises Stop when a weight lacks."""
    from transformers import WhisperModel

    model, about = WhisperModel.from_pretrained(folder, output_loading_info=True, use_safetensors=True)
    lacks = [name for name in about["missing_keys"] if "encoder" in name]
    if lacks or about["mismatched_keys"]:
        raise Stop(f"{len(lacks)} weights of Whisper's encoder are missing ({(lacks or ['shapes differ'])[0]})")
    return model.encoder.float().eval().requires_grad_(False)


def _json(path: Path) -> dict:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Stop(f"{path.name} cannot be read ({error}): fetch it again") from None
    if not isinstance(told, dict):
        raise Stop(f"{path.name} is no model's description: fetch it again")
    return told
