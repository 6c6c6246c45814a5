"""What will be made here, and what it will take: the model, size and length by the card that was granted, and the
memory, disk and time of every stage, before anything is downloaded. Plain arithmetic; torch is never imported.

Sizes are GB of 1e9 bytes, what a plan takes is reckoned by `videogen.cost`. Seconds are estimates and are called so.
"""

from dataclasses import asdict, dataclass, replace

from labkit import Stop

from videogen.cost import downloads, minutes, stages
from videogen.registry import DEFAULT, IMAGE_DEFAULT, MODELS, Card, Model

TILE = 384  # pixels of a side that are decoded at once, at most


@dataclass(frozen=True)
class Machine:
    """What was granted: free GPU memory in GB (0: no card), its capability, the number of cards, RAM and disk in GB."""

    gpu_gb: float
    capability: tuple[int, int] | None
    cards: int
    ram_gb: float
    disk_gb: float

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
    """Everything that decides how a clip is made. `asked` is what the reader set, for the record."""

    model: str
    device: str
    dtype: str
    vae_dtype: str
    encoder: str  # "cuda" or "cpu"
    frames: int
    height: int
    width: int
    steps: int
    guidance: float
    storage: str = ""
    cache: float = 0.0
    tile: int = TILE
    offload: bool = False

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


def choose(machine: Machine, model: str = "auto", image: bool = False, **asked) -> Plan:
    """The plan for this machine. `asked` overrides frames, height, width, steps (0: the default). Raises Stop."""
    name = model if model != "auto" else IMAGE_DEFAULT if image or machine.gpu_gb >= 21.5 else DEFAULT
    if name not in MODELS:
        raise Stop(f"there is no model '{name}'; choose one of {', '.join(MODELS)}, or auto")
    spec = MODELS[name]
    if image and not spec.images:
        able = ", ".join(m.name for m in MODELS.values() if m.images)
        raise Stop(f"{spec.title} makes clips from words only; for an image choose {able}, or auto")
    card = next((card for card in spec.cards if machine.gpu_gb >= card.gb), None)
    if card is None:
        least = min(card.gb for card in spec.cards)
        have = f"{machine.gpu_gb:.1f} GB are free" if machine.gpu_gb else "this session has none"
        raise Stop(f"{spec.title} needs a card with {least:g} GB of free memory, {have}; choose auto, or another GPU")
    dtype = "float32" if spec.family == "ltx" and machine.dtype == "float16" else machine.dtype
    plan = Plan(
        name,
        machine.device,
        dtype,  # LTX in fp16 has opposite reports; one widely used program casts it to fp32 on such cards (2026-08)
        "float32" if dtype == "float32" or (spec.family == "wan" and machine.dtype == "bfloat16") else dtype,
        card.encoder if machine.capability else "cpu",
        **_size(spec, card, image, asked),
        steps=_steps(spec, asked.get("steps", 0)),
        guidance=spec.guidance,
        storage=card.storage,
        cache=spec.cache,
    )
    return _fits(plan, machine)


def quick(name: str) -> Plan:
    """The quick test's plan: tiny weights of the same classes, a few frames, on the processor."""
    spec = MODELS[name]
    frames, height, width = snap(spec, 9, 64, 96)
    steps = spec.steps if spec.ladder else 3
    return Plan(name, "cpu", "float32", "float32", "cpu", frames, height, width, steps, spec.guidance, cache=spec.cache)


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


def describe(plan: Plan, machine: Machine, clips: int) -> str:
    """A few lines for the reader: what will be made, and what it will take at most."""
    spec, gb = plan.spec, stages(plan)
    need, deleted = disk(plan, machine.disk_gb)
    where = "the card" if plan.device == "cuda" else "this machine"
    most = max(gb.values()) if plan.encoder == plan.device else max(gb["denoise"], gb["decode"])
    each = minutes(plan, machine.capability)
    lines = [
        f"{spec.title}: {plan.frames} frames of {plan.width} x {plan.height}, {plan.seconds:.1f} s at {spec.fps} fps, "
        f"{plan.steps} steps, {plan.forwards} forwards, {plan.dtype}",
        f"memory of {where}, at most (estimate): "
        + ", ".join(f"{k} {v:.1f}" for k, v in gb.items() if k != "encode" or plan.encoder == plan.device)
        + f" GB; {most:.1f} of {(machine.gpu_gb or machine.ram_gb):.1f} GB",
        f"download {downloads(plan):.1f} GB, disk {need:.1f} GB"
        + (", the text encoder is deleted in between" if deleted else ""),
        f"{clips} clip{'s' if clips != 1 else ''}, {span(each)} each (estimate, not measured on this card)",
    ]
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


def _size(spec: Model, card: Card, image: bool, asked: dict) -> dict:
    """Frames, height and width as asked, or the card's, on the grid; what was rounded is said."""
    given = {key: asked.get(key) or getattr(card, key) for key in ("frames", "height", "width")}
    frames, height, width = snap(spec, **given)
    if any(asked.get(key) for key in given) and (frames, height, width) != tuple(given.values()):
        print(
            f"{given['frames']} frames of {given['width']} x {given['height']} are not on this model's grid; "
            f"making {frames} of {width} x {height}."
        )
    return {"frames": frames, "height": height, "width": width}


def _steps(spec: Model, asked: int) -> int:
    if spec.ladder and asked and asked != spec.steps:
        print(f"{spec.title} was distilled for {spec.steps} steps and is run with these.")
    return spec.steps if spec.ladder or not asked else asked


def _fits(plan: Plan, machine: Machine) -> Plan:
    """The plan, if every stage fits. Raises Stop with what would."""
    free = machine.gpu_gb if plan.device == "cuda" else machine.ram_gb
    gb = stages(plan)
    most = max(gb["denoise"], gb["decode"])
    if most > free:
        fewer = plan
        while fewer.frames > fewer.spec.shape.time + 1 and max(list(stages(fewer).values())[1:]) > free:
            fewer = replace(fewer, frames=fewer.frames - fewer.spec.shape.time)
        choice = (
            f"{fewer.frames} frames would fit" if max(list(stages(fewer).values())[1:]) <= free else "make it smaller"
        )
        raise Stop(
            f"{plan.frames} frames of {plan.width} x {plan.height} need about {most:.1f} GB, {free:.1f} GB are free; "
            f"{choice}, or leave the size at 0"
        )
    if plan.encoder == "cuda" and gb["encode"] > machine.gpu_gb:
        plan = replace(plan, encoder="cpu")
    if plan.encoder == "cpu" and gb["encode"] + 1.5 > machine.ram_gb:
        raise Stop(
            f"to encode the prompt {gb['encode'] + 1.5:.1f} GB of memory are needed, and this session has "
            f"{machine.ram_gb:.1f} GB and no card of that size; choose a larger GPU, or tick QUICK_TEST"
        )
    need, _ = disk(plan, machine.disk_gb)
    if need > machine.disk_gb:
        raise Stop(f"{need:.1f} GB of disk are needed for the model and {machine.disk_gb:.1f} GB are free; free some")
    return plan
