"""What will be made here, and what it will take: the model, size and length by the card that was granted, and the
memory, disk and time of every stage, before anything is downloaded. Plain arithmetic; torch is never imported.

Sizes are GB of 1e9 bytes, what a plan takes is reckoned by `videogen.cost`. Seconds are estimates and are called so.
"""

from dataclasses import asdict, dataclass, field, replace

from labkit import Stop

from videogen.cost import RESERVE_GB, downloads, host, minutes, stages
from videogen.registry import DEFAULT, IMAGE_DEFAULT, MODELS, Card, Model

TILE = 384  # pixels of a side that are decoded at once, at most
LARGEST = {"frames": 4001, "height": 4096, "width": 4096}
SMALLEST_SIDE = 64


@dataclass(frozen=True)
class Machine:
    """What was granted: free GPU memory in GB (0: no card), its capability, the number of cards, RAM and disk in GB,
    whether weights can be held in 4 bits (bitsandbytes is here), and GB that are on the disk already, by model."""

    gpu_gb: float
    capability: tuple[int, int] | None
    cards: int
    ram_gb: float
    disk_gb: float
    four_bits: bool = False
    held: dict[str, float] = field(default_factory=dict)

    def room(self, model: str) -> float:
        """GB of disk for a model: what is free, and what it has there already; other models make no room."""
        return self.disk_gb + self.held.get(model, 0.0)

    @property
    def device(self) -> str:
        return "cuda" if self.capability else "cpu"

    @property
    def dtype(self) -> str:
        """bf16 from capability 8.0, fp16 below; never by torch's own answer, which is True on a T4 (emulated)."""
        if self.capability is None:
            return "float32"
        return "bfloat16" if self.capability >= (8, 0) else "float16"


@dataclass(frozen=True)
class Plan:
    """Everything that decides how a clip is made, and what it has to fit into (0: unknown)."""

    model: str
    device: str
    dtype: str
    vae_dtype: str
    encoder: str  # "cuda" or "cpu" in bf16, "nf4": on the card, most of it in 4 bits
    frames: int
    height: int
    width: int
    steps: int
    guidance: float
    storage: str = ""
    cache: float = 0.0
    tile: int = TILE
    offload: bool = False
    card_gb: float = 0.0
    ram_gb: float = 0.0

    @property
    def spec(self) -> Model:
        return MODELS[self.model]

    @property
    def forwards(self) -> int:
        """How often the transformer runs for one clip: a guided step takes two."""
        return self.steps * (2 if self.guidance > 1 else 1)

    @property
    def seconds(self) -> float:
        return self.frames / self.spec.fps

    def settings(self) -> dict:
        """As plain data, for the record and for another process."""
        return asdict(self)

    def identity(self) -> dict:
        """What makes it another clip; where and in which types it is computed does not."""
        names = ("model", "frames", "height", "width", "steps", "guidance", "cache")
        return {name: getattr(self, name) for name in names}


def number(what: str, value, low: int, high: int) -> int:
    """A whole number of a setting, within its bounds. Raises Stop."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Stop(f"{what} must be a whole number from {low} to {high}, not {value!r}")
    return value


def side(what: str, value: int) -> None:
    """Raise Stop for a height or width that is smaller than what can be measured and made smoother."""
    if 0 < value < SMALLEST_SIDE:
        raise Stop(f"{what} must be at least {SMALLEST_SIDE} pixels, not {value}; 0 is what fits the card")


def named(model: str, image: bool = False, gpu_gb: float = 0.0) -> Model:
    """The model of a name, with auto the one for an image, a large card or any other. Raises Stop."""
    name = model if model != "auto" else IMAGE_DEFAULT if image or gpu_gb >= 21.5 else DEFAULT
    if not isinstance(name, str) or name not in MODELS:
        raise Stop(f"there is no model '{name}'; choose one of {', '.join(MODELS)}, or auto")
    spec = MODELS[name]
    if image and not spec.images:
        able = ", ".join(m.name for m in MODELS.values() if m.images)
        raise Stop(f"{spec.title} makes clips from words only; for an image, or long clips, choose {able}, or auto")
    return spec


def choose(machine: Machine, model: str = "auto", image: bool = False, **asked) -> Plan:
    """The plan for this machine. `asked` overrides frames, height, width, steps (0: the default). Raises Stop."""
    spec = named(model, image, machine.gpu_gb)
    for key, value in asked.items():
        number(key, value, 0, LARGEST.get(key, 200))
    card = next((card for card in spec.cards if machine.gpu_gb >= card.gb), None)
    if card is None:
        least = min(card.gb for card in spec.cards)
        have = f"{machine.gpu_gb:.1f} GB are free" if machine.gpu_gb else "this session has none"
        # what auto takes for an image is this one already
        way = "leave IMAGE empty and PARTS at 1" if image else "choose auto"
        raise Stop(f"{spec.title} needs a card with {least:g} GB of free memory, {have}; {way}, or take another GPU")
    dtype, vae_dtype = _types(spec, machine)
    plan = Plan(
        spec.name,
        machine.device,
        dtype,
        vae_dtype,
        machine.device,
        **_size(spec, card, asked),
        steps=_steps(spec, asked.get("steps", 0)),
        guidance=spec.guidance,
        storage=card.storage,
        cache=spec.cache,
        card_gb=machine.gpu_gb,
        ram_gb=machine.ram_gb,
    )
    if plan.storage == "nf4" and not machine.four_bits:
        raise Stop(f"{spec.title} fits {machine.gpu_gb:.1f} GB only with weights in 4 bits: install bitsandbytes first")
    if dtype != "float32" and _lacks_apart(plan):  # a VAE in 32 bits is safer, in 16 it is half as large
        plan = replace(plan, vae_dtype=dtype)
    plan = _encoder(fitting(plan), machine)
    need, room = disk(plan, machine.room(plan.model))[0], machine.room(plan.model)
    if need > room:
        raise Stop(f"{need:.1f} GB of disk are needed for the model and {room:.1f} GB are free; free some")
    return plan


def quick(model: str = "auto", image: bool = False, machine: Machine | None = None) -> Plan:
    """The quick test's plan: tiny weights of the same classes, a few frames, on the card where there is one."""
    spec = named(model, image, machine.gpu_gb if machine else 0.0)
    device, types = (machine.device, _types(spec, machine)) if machine else ("cpu", ("float32", "float32"))
    steps = spec.steps if spec.ladder else 3
    return Plan(spec.name, device, *types, device, *snap(spec, 9, 64, 96), steps, spec.guidance, cache=spec.cache)


def snap(spec: Model, frames: int, height: int, width: int) -> tuple[int, int, int]:
    """The nearest frames, height and width on the model's grid: its latents hold whole blocks of frames and pixels."""
    grid, time = spec.shape.space * spec.shape.patch, spec.shape.time
    frames = max(1, round((frames - 1) / time)) * time + 1
    return frames, max(1, round(height / grid)) * grid, max(1, round(width / grid)) * grid


def disk(plan: Plan, free_gb: float) -> tuple[float, bool]:
    """(peak GB of disk, whether the encoder is deleted once the words are encoded, as that is the only way to fit)."""
    together = downloads(plan) + 0.5
    if together <= free_gb:
        return together, False
    rest = plan.spec.weights.gb + (plan.spec.extra.gb if plan.spec.extra else 0)
    return max(plan.spec.text.gb, rest) + 0.5, True


def describe(plan: Plan, machine: Machine, clips: int, parts: int = 1, left: float | None = None) -> str:
    """A few lines for the reader: what will be made, and what it will take at most; `left` are the session's seconds,
    None for no end."""
    spec, gb = plan.spec, stages(plan)
    need, deleted = disk(plan, machine.room(plan.model))
    where = "the card" if plan.device == "cuda" else "this machine"
    here = {k: v for k, v in gb.items() if k != "encode" or plan.encoder != "cpu" or plan.device == "cpu"}
    words = {"nf4": "the words are encoded in 4 bits", "cpu": "the words are encoded on the processor"}
    rest = {"fp8": "weights rest in 8 bits", "nf4": "weights rest in 4 bits"}
    ways = [words[plan.encoder]] if plan.device == "cuda" and plan.encoder in words else []
    ways += [rest[plan.storage]] if plan.storage else []
    each, of = minutes(plan, machine.capability) * parts, f" of {parts} parts" if parts > 1 else ""
    lines = [
        f"{spec.title}: {plan.frames} frames of {plan.width} x {plan.height}, {plan.seconds:.1f} s at {spec.fps} fps, "
        f"{plan.steps} steps, {plan.forwards} forwards, {'; '.join([plan.dtype, *ways])}",
        f"memory of {where}, at most (estimate): "
        + ", ".join(f"{k} {v:.1f}" for k, v in here.items())
        + f" GB; {max(here.values()):.1f} of {(machine.gpu_gb or machine.ram_gb):.1f} GB"
        + (f"; of the machine {host(plan):.1f} of {machine.ram_gb:.1f} GB" if plan.device == "cuda" else ""),
        f"download {downloads(plan):.1f} GB, disk {need:.1f} GB"
        + (", the text encoder is deleted in between" if deleted else ""),
        f"{clips} clip{'s' if clips != 1 else ''}{of}, {span(each)} each (estimate, not measured on this card)",
    ]
    if left is not None and each / parts * 60 > left:
        lines.append(
            f"one {'part' if parts > 1 else 'clip'} takes longer than this session has left ({span(left / 60)}), and "
            "is begun anew in the next: set fewer frames or a smaller size"
        )
    return "\n".join(lines)


def describe_quick(plan: Plan) -> str:
    """The quick test in a line."""
    return (
        f"Quick test: the classes of {plan.spec.title}, tiny random weights, {plan.frames} frames of {plan.width} x "
        f"{plan.height}, {plan.steps} steps; nothing is downloaded"
    )


def span(minutes: float) -> str:
    """Minutes in words."""
    if minutes < 1.5:
        return f"about {max(1, round(minutes * 60))} s"
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"


def on_grid(spec: Model, given: dict, asked: dict, who: str = "") -> dict:
    """Frames, height and width on the model's grid; what was asked for and had to be rounded is said."""
    frames, height, width = snap(spec, **given)
    if any(asked.get(key) for key in given) and (frames, height, width) != tuple(given.values()):
        print(
            f"{who}{given['frames']} frames of {given['width']} x {given['height']} are not on this model's grid; "
            f"making {frames} of {width} x {height}."
        )
    return {"frames": frames, "height": height, "width": width}


def _types(spec: Model, machine: Machine) -> tuple[str, str]:
    """The types of transformer and VAE. LTX in fp16 has opposite reports; one widely used program casts it to fp32 on
    such cards (2026-08)."""
    dtype = "float32" if spec.family == "ltx" and machine.dtype == "float16" else machine.dtype
    return dtype, "float32" if spec.family == "wan" and machine.dtype == "bfloat16" else dtype


def _size(spec: Model, card: Card, asked: dict) -> dict:
    for name in ("height", "width"):
        side(name, asked.get(name, 0))
    given = {key: asked.get(key) or getattr(card, key) for key in ("frames", "height", "width")}
    return on_grid(spec, given, asked)


def _steps(spec: Model, asked: int) -> int:
    if spec.ladder and asked and asked != spec.steps:
        print(f"{spec.title} was distilled for {spec.steps} steps and is run with these.")
    return spec.steps if spec.ladder or not asked else asked


def lacks(plan: Plan) -> str:
    """What a clip's denoising and decoding need beyond what was granted, in words; "" when they fit."""
    gb, free = stages(plan), plan.card_gb if plan.device == "cuda" else plan.ram_gb
    most = max(gb["denoise"], gb["decode"])
    if free and most > free:
        return f"about {most:.1f} GB, {free:.1f} GB are free"
    if plan.ram_gb and host(plan) > plan.ram_gb:
        return f"about {host(plan):.1f} GB of the machine's memory, there are {plan.ram_gb:.1f} GB"
    return ""


def fitting(plan: Plan, who: str = "") -> Plan:
    """The plan, if its frames fit. Raises Stop that says how many would; `who` names the clip."""
    why = _lacks_apart(plan)
    if not why:
        return plan
    fewer, time = plan, plan.spec.shape.time
    while fewer.frames > time + 1 and _lacks_apart(fewer):
        fewer = replace(fewer, frames=fewer.frames - time)
    choice = "make it smaller" if _lacks_apart(fewer) else f"{fewer.frames} frames would fit"
    size = f"{plan.frames} frames of {plan.width} x {plan.height}"
    raise Stop(f"{who}{size} need {why}; {choice}, or leave the size at 0")


def _lacks_apart(plan: Plan) -> str:
    """As `lacks`, the encoder aside: where the words are encoded is decided afterwards."""
    return lacks(replace(plan, encoder=plan.device if plan.device == "cuda" else "nf4"))


def _encoder(plan: Plan, machine: Machine) -> Plan:
    """The plan with the first way to encode that fits: on the card, there in 4 bits, on the processor. Raises Stop."""
    ways = ["cuda", *(["nf4"] if machine.four_bits else [])] if plan.device == "cuda" else []
    for way in ways:
        made = replace(plan, encoder=way)
        if stages(made)["encode"] + RESERVE_GB <= machine.gpu_gb:
            return made
    made = replace(plan, encoder="cpu")
    if host(made) <= machine.ram_gb:
        return made
    how = "choose a larger GPU" if machine.four_bits or plan.device == "cpu" else "install bitsandbytes (4 bits)"
    raise Stop(
        f"to encode the prompt {host(made):.1f} GB of memory are needed, and this session has {machine.ram_gb:.1f} GB "
        f"and no card of that size; {how}, or tick QUICK_TEST"
    )
