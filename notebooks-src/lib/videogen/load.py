"""The pipeline without its text encoder: transformer and VAE of a model from the folders that were fetched."""

from pathlib import Path

from labkit import Stop
from media.hush import hush

from videogen import schedule
from videogen.cost import tiles
from videogen.plan import Plan


def pipeline(plan: Plan, paths: dict[str, Path], device: str | None = None):
    """The model's pipeline on its device, in the planned types, tiled and cached as planned. `paths` are the folders
    of its repositories by role. Raises Stop when something else was loaded than asked for."""
    spec, device = plan.spec, device or plan.device
    folder = paths["weights"]
    with hush():
        kinds = _classes(spec.family)
        transformer = _transformer(plan, paths, device)
        vae = _vae(plan, folder)
    _assert_dtype("transformer", transformer, _asked(plan))
    _assert_dtype("VAE", vae, plan.vae_dtype)
    scheduler = schedule.of(spec, 0)
    parts = {"tokenizer": None, "text_encoder": None, "vae": vae, "transformer": transformer, "scheduler": scheduler}
    if spec.family == "wan":
        parts["expand_timesteps"] = spec.expand_timesteps
    pipe = kinds["words"](**parts)
    pipe.set_progress_bar_config(disable=True)
    if plan.cache:  # right after loading: later it fails, or is silently wrong (diffusers 0.39)
        from diffusers import FirstBlockCacheConfig

        transformer.enable_cache(FirstBlockCacheConfig(threshold=plan.cache))
    place(pipe, plan, device)
    return pipe


def place(pipe, plan: Plan, device: str) -> None:
    """Put a pipeline where it computes, in the way that the plan says."""
    import torch

    if plan.storage == "fp8":  # 8 bits at rest, widened layer by layer: a cast, no arithmetic that a T4 lacks
        _eight_bits(pipe.transformer, getattr(torch, plan.dtype))
    if plan.offload:
        pipe.transformer.enable_group_offload(
            onload_device=torch.device(device), offload_device=torch.device("cpu"), offload_type="leaf_level"
        )
    elif plan.storage != "nf4":  # 4 bits are made where they stay
        pipe.transformer.to(device)
    pipe.vae.to(device)
    tile(pipe.vae, plan)


def tile(vae, plan: Plan) -> None:
    """Decode in the plan's tiles, which overlap so that seams blend; with `tile` 0 in one piece."""
    if not plan.tile:
        vae.disable_tiling()
        return
    names = ("tile_sample_min_height", "tile_sample_min_width", "tile_sample_stride_height", "tile_sample_stride_width")
    (height, step_h), (width, step_w) = tiles(plan)
    vae.enable_tiling(**dict(zip(names, (height, width, step_h, step_w), strict=True)))


def with_image(pipe, plan: Plan):
    """The pipeline that starts from an image, of the same parts; nothing is loaded again."""
    kind = _classes(plan.spec.family)["image"]
    if isinstance(pipe, kind):
        return pipe
    more = {"expand_timesteps": plan.spec.expand_timesteps} if plan.spec.family == "wan" else {}
    names = ("tokenizer", "text_encoder", "vae", "transformer", "scheduler")
    parts = {name: getattr(pipe, name, None) for name in names}
    made = kind(**parts, **({"image_encoder": None, "image_processor": None} if more else {}), **more)
    made.set_progress_bar_config(disable=True)
    return made


def _classes(family: str) -> dict:
    import diffusers

    names = {
        "wan": ("WanPipeline", "WanTransformer3DModel", "AutoencoderKLWan", "WanImageToVideoPipeline"),
        "ltx": ("LTXConditionPipeline", "LTXVideoTransformer3DModel", "AutoencoderKLLTXVideo", "LTXConditionPipeline"),
    }[family]
    return dict(zip(("words", "transformer", "vae", "image"), (getattr(diffusers, n) for n in names), strict=True))


def _eight_bits(transformer, compute) -> None:
    """Weights in 8 bits, computed in `compute`; what stays wide (norms, first and last layers) is in that type too."""
    import torch

    transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=compute)
    for weight in transformer.parameters():
        if weight.dtype in (torch.float16, torch.bfloat16) and compute == torch.float32:
            weight.data = weight.data.float()


def _asked(plan: Plan) -> str:
    """The type that weights are loaded in: 32 bits of a model that rests in 8 never fit where 8 are needed."""
    return "bfloat16" if plan.dtype == "float32" and plan.storage == "fp8" else plan.dtype


def _transformer(plan: Plan, paths: dict[str, Path], device: str):
    import torch

    spec, dtype = plan.spec, getattr(torch, _asked(plan))
    kind, folder = _classes(spec.family)["transformer"], paths["weights"]
    # straight to the card: the 5B model in half precision is 10 of the 12.7 GB that a free session has as RAM
    more = {} if plan.offload else {"device_map": {"": device}}
    if plan.storage == "nf4":
        more |= {"quantization_config": _four_bits(dtype)}
    # torch_dtype and not dtype: diffusers before 0.40 ignores the latter with one log line, and loads 32 bits
    if spec.extra is None:
        return kind.from_pretrained(  # anylab: allow model/moving: a folder
            folder / "transformer", torch_dtype=dtype, **more
        )
    file = paths["extra"] / spec.extra.parts[0]
    return kind.from_single_file(
        str(file), config=str(folder), subfolder="transformer", torch_dtype=dtype, local_files_only=True, **more
    )


def _four_bits(dtype):
    from diffusers import BitsAndBytesConfig

    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)


def _vae(plan: Plan, folder: Path):
    import torch

    kind, dtype = _classes(plan.spec.family)["vae"], getattr(torch, plan.vae_dtype)
    return kind.from_pretrained(folder / "vae", torch_dtype=dtype)  # anylab: allow model/moving: a folder


def _assert_dtype(what: str, model, wanted: str) -> None:
    have = str(model.dtype).removeprefix("torch.")
    if have != wanted:
        raise Stop(f"the {what} was asked for in {wanted} and came in {have}: it would not fit, or be slow")
