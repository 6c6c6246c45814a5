"""One clip through its stages, and a list of them: seed, latents and film each lie on the disk before the next begins.

A clip's unfinished work is `outputs/latents/<its key>/`: `state.json` (the seed that was drawn, what had to be changed)
and `latents.safetensors`. A run that was killed goes on there; the folder goes when the clip is done.
"""

import json
import random
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from labkit import Stop, progress, storage
from media import memory

from videogen import denoise, encode, film, ladders, load, picture, plots, preview, quality, request
from videogen.plan import Plan
from videogen.weights import Local

VERSION = "1"  # of what is kept beside a clip
LATENTS, EMBEDDINGS, COLOURS = "latents", "embeddings", "latent-colours.npy"


class Studio:
    """What makes clips on one device: the plan, the models by role, the outputs, and the pipeline once it is loaded.

    `make(clip, folder)` is what a work list runs. `tell(stage, done, of)` hears of progress beside the bar.
    """

    def __init__(self, plan: Plan, models: dict[str, Local], outputs: Path, device: str = "", cancel=None, tell=None):
        self.plan, self.models, self.outputs = plan, models, Path(outputs)
        self.device, self.cancel, self.tell = device or plan.device, cancel, tell
        self.pipe, self.loaded = None, None
        self.colours = preview.load(self.outputs / COLOURS)
        self.live = None
        for name in (LATENTS, EMBEDDINGS):
            (self.outputs / name).mkdir(parents=True, exist_ok=True)

    @property
    def encoder(self) -> str:
        """What made the embeddings: repository and commit."""
        text = self.models["text"]
        return f"{text.id}@{text.commit}"

    @property
    def commits(self) -> dict[str, str]:
        """The commit of each repository, by role."""
        return {role: f"{local.id}@{local.commit}" for role, local in self.models.items()}

    @property
    def made_by(self) -> Local:
        """Where the transformer came from: a file of its own, or the repository of the VAE."""
        return self.models.get("extra", self.models["weights"])

    @property
    def settings(self) -> dict:
        """What, beside the clip, decides its frames: another of these is other work."""
        return {**self.plan.identity(), "commits": self.commits}

    def make(self, clip: dict, folder: Path) -> dict:
        """Make one clip's files in `folder`; what is noted of it. Goes on from saved latents where there are some."""
        work = Work(self.outputs / LATENTS / folder.name.removesuffix("-files"))
        wanted = request.planned(clip, self.plan)
        seed, stamps = work.seed(clip["seed"]), {}
        latents, plan = work.latents(wanted)
        if latents is None:
            work.changes = []  # of a try that was killed: it may have been on another card
            latents, plan = self._denoise(clip, wanted, seed, work, stamps)
        else:
            print("going on from saved latents")
        self._preview(latents, clip)
        frames, plan, latents = self._decode(clip, plan, latents, seed, work, stamps)
        path = self._film(clip, plan, frames, seed, folder, stamps)
        first = self._image(clip, plan) if clip["image"] else None
        with _timed(stamps, "report"):
            curves = quality.curves(frames)
            numbers = quality.measure(frames, first, curves)
            for name, figure in (
                ("sheet.png", plots.sheet(frames, plan.spec.fps, clip["prompt"])),
                ("quality.png", plots.report(curves, plan.spec.fps, numbers)),
            ):
                with storage.whole(folder / name) as part:
                    figure.savefig(part, format="png", dpi=100)
        return {
            "seed": seed,
            "file": path.name,
            "prompt": clip["prompt"],
            "asked": _size(wanted),
            "made": _size(plan),
            "changes": work.changes,
            "model": self.made_by.id,
            "commits": self.commits,
            "licence": plan.spec.weights.licence,
            "plan": plan.settings(),
            "forwards": plan.forwards,
            "stage_seconds": stamps,
            "quality": numbers,
            "verdict": quality.verdict(numbers),
        }

    def sweep(self, keys: set[str]) -> None:
        """Remove the unfinished work of clips that are done."""
        for key in keys:
            shutil.rmtree(self.outputs / LATENTS / key, ignore_errors=True)

    def close(self) -> None:
        """Give the pipeline's memory back."""
        self.pipe = self.loaded = None
        memory.give_back()

    def _denoise(self, clip: dict, plan: Plan, seed: int, work: "Work", stamps: dict):
        words, avoid = (
            encode.read(self.outputs / EMBEDDINGS, text, self.encoder)
            for text in (clip["prompt"], clip["negative"] or plan.spec.negative)
        )
        if words is None or (plan.guidance > 1 and avoid is None):
            raise Stop("the prompt is not encoded yet: run the cell that turns words into numbers first")
        while True:
            try:
                with _timed(stamps, "denoise"):
                    latents = self._steps(clip, plan, words, avoid, seed)
                break
            except (RuntimeError, MemoryError) as error:
                plan = self._next(error, plan, "denoise", work, bool(clip["image"]))
        work.save(latents, plan)
        return latents, plan

    def _steps(self, clip: dict, plan: Plan, words, avoid, seed: int):
        pipe = self._ready(plan)
        image = None
        if clip["image"]:
            image = self._image(clip, plan)
            pipe = load.with_image(pipe, plan)
        bar = progress.bar(total=plan.steps, what="denoising", unit="step")

        def tell(step, latents):
            bar.update(step - bar.n)
            if self.tell:
                self.tell("denoise", step, plan.steps)
            if self.live is not None and self.live.due() and step < plan.steps:
                self._preview(latents, clip)

        try:
            return denoise.latents(pipe, plan, words, avoid, seed, image, tell, self.cancel)
        finally:
            bar.close()

    def _decode(self, clip: dict, plan: Plan, latents, seed: int, work: "Work", stamps: dict):
        """Frames that are neither overflowed nor black; the latents again in 32 bits when it takes that."""
        while True:
            try:
                pipe = self._ready(plan)
                with _timed(stamps, "decode"):
                    frames = denoise.frames(pipe.vae, plan, latents)
                if frames.max() < film.BLACK:
                    raise denoise.NotFinite("the clip is black")
                break
            except (RuntimeError, MemoryError) as error:
                before, plan = plan, self._next(error, plan, "decode", work)
                if plan.dtype != before.dtype:
                    latents, plan = self._denoise(clip, plan, seed, work, stamps)
        if self.colours is None and len(frames) > 1:
            self.colours = preview.fit(latents, frames)
            with suppress(Stop):
                preview.save(self.colours, self.outputs / COLOURS)
        return frames, plan, latents

    def _next(self, error: BaseException, plan: Plan, stage: str, work: "Work", image: bool = False) -> Plan:
        """The plan to try next after a failure, said and noted; raises the failure when there is none."""
        if isinstance(error, denoise.Cancelled):
            raise error
        full, stage = memory.out_of_memory(error), getattr(error, "stage", stage)
        if not full and not isinstance(error, denoise.NotFinite):
            raise error
        found = ladders.lighter(plan, stage) if full else ladders.wider(plan, stage, image)
        why = f"out of memory ({stage})" if full else str(error)
        if found is None:
            tried = "also in 32 bits" if plan.dtype == "float32" else "and 32 bits do not fit this machine"
            raise Stop(f"{why}, and there is nothing lighter left to try: choose a smaller size" if full
                       else f"{why}, {tried}; try another seed or prompt") from None  # fmt: skip
        made, words = found
        work.note(f"{why}: {words}")
        self.close()
        return made

    def _ready(self, plan: Plan):
        """The pipeline as this plan wants it; loaded once, and again only when the weights' types or places change."""
        kind = (plan.dtype, plan.vae_dtype, plan.storage, plan.offload)
        if self.loaded != kind:
            self.close()
            paths = {role: local.path for role, local in self.models.items()}
            try:
                self.pipe, self.loaded = load.pipeline(plan, paths, self.device), kind
            except (RuntimeError, MemoryError) as error:
                error.stage = "load"  # fewer frames would not help
                raise
        load.tile(self.pipe.vae, plan)
        return self.pipe

    def _preview(self, latents, clip: dict) -> None:
        if self.live is None:
            return
        from matplotlib.figure import Figure

        picture = preview.thumbnail(latents, self.colours)
        figure = Figure(figsize=(2.6, 2.6 * picture.shape[0] / picture.shape[1] + 0.25), layout="constrained")
        axis = figure.subplots()
        axis.axis("off")
        axis.imshow(picture, interpolation="bicubic")
        colours = "" if self.colours is not None else ", false colours"
        axis.set_title(f"preview from latents{colours}", fontsize=8)
        self.live.draw(figure, clip["prompt"][:60])

    def _film(self, clip: dict, plan: Plan, frames, seed: int, folder: Path, stamps: dict) -> Path:
        with _timed(stamps, "film"):
            day = datetime.now(UTC).strftime("%Y-%m-%d")
            made_with = f"{self.made_by.id} at {self.made_by.commit[:12]}"
            about = film.provenance(plan, made_with, seed, clip["prompt"], VERSION, day)
            path = film.write(frames, folder / "clip.mp4", plan.spec.fps, about)
            wrong = film.faults(path, plan.frames, plan.height, plan.width)
        if wrong:
            raise Stop(
                f"the clip is not good: {'; '.join(wrong)}; its latents are kept, run it again or take another seed"
            )
        return path

    def _image(self, clip: dict, plan: Plan):
        """The image that a clip begins with, in its size; it lies below the outputs under its content's hash."""
        return picture.fitted(picture.opened(self.outputs / clip["image"]), plan.height, plan.width)


class Work:
    """The unfinished work of one clip: a folder that outlives the session."""

    def __init__(self, place: Path):
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        try:
            self.state = json.loads((place / "state.json").read_text(encoding="utf-8"))
            self.changes = list(self.state["changes"])
        except (OSError, ValueError, LookupError, TypeError):
            self.state, self.changes = {}, []

    def seed(self, asked: int) -> int:
        """The clip's seed: as asked, or the one that was drawn for it, in an earlier run or now."""
        seed = asked if asked >= 0 else self.state.get("seed", random.SystemRandom().randrange(2**31))
        self._write(seed=seed)
        return seed

    def note(self, change: str) -> None:
        """Say a change of plan, and keep it for the record."""
        print(change)
        if change not in self.changes:
            self.changes.append(change)
        self._write()

    def save(self, latents, plan: Plan) -> None:
        """Keep the latents and the plan that they were made with."""
        from safetensors.torch import save

        about = {"plan": json.dumps(plan.settings())}
        storage.write_whole(self.place / "latents.safetensors", save({"latents": latents}, metadata=about))

    def latents(self, wanted: Plan):
        """(latents, their plan), or (None, `wanted`) when there are none that can be read."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.place / "latents.safetensors", framework="pt") as file:
                made = Plan(**json.loads(file.metadata()["plan"]))
                # what had to change of the clip stays; how it is decoded is this session's own: the card that made
                # its latents may have held weights in 4 bits, or computed in types that this one lacks
                return file.get_tensor("latents"), replace(wanted, **made.identity())
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):
            return None, wanted

    def _write(self, **more) -> None:
        self.state |= {"changes": self.changes, **more}
        storage.write_json(self.place / "state.json", self.state)


def _size(plan: Plan) -> dict:
    return {k: getattr(plan, k) for k in ("frames", "height", "width", "steps")}


class _timed:
    """Seconds of a block, added up by stage."""

    def __init__(self, stamps: dict[str, float], stage: str):
        self.stamps, self.stage = stamps, stage

    def __enter__(self):
        self.began = time.monotonic()

    def __exit__(self, *_):
        self.stamps[self.stage] = round(self.stamps.get(self.stage, 0.0) + time.monotonic() - self.began, 3)
