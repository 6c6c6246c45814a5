"""What was asked for, as a list of clips: judged as a whole before minutes are spent; `rows` judges each line.

A clip is plain data: prompt, negative, seed (-1: drawn, and recorded), variation, image, and what it overrides. Raises
Stop with one sentence that names the line.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from labkit import Stop

from videogen import film, form, picture, plan, rows
from videogen.plan import LARGEST, Plan
from videogen.presets import styled
from videogen.registry import MODELS, opt_in
from videogen.schedule import SEEDS

MOST_CLIPS = 2000


def clips(
    text: str,
    file: str = "",
    style: str = "none",
    negative: str = "",
    seed: int = 0,
    variations: int = 1,
    image: str = "",
) -> list[dict]:
    """The clips of a form: `text` holds prompts (one a line, or apart by |; a template's name stands for its text),
    `file` names a .txt or .jsonl instead."""
    form = {"negative": negative, "seed": seed, "style": style, "image": image, "variations": variations}
    _judged(form, "the settings")
    made = []
    for where, row in rows.read(str(file)) if str(file).strip() else rows.typed(text):
        base = {**form, **row}
        _judged(base, where)
        made += _variations({**base, "prompt": rows.prompt(base["prompt"], where)})
        if len(made) > MOST_CLIPS:
            raise Stop(f"the list has more than the {MOST_CLIPS} clips that one may have; cut it")
    if not made:
        raise Stop("the prompt is empty; say what is to be seen, in a sentence or two")
    return made


def single(text: str) -> str:
    """The text of a field for one prompt, as one, whatever lines and signs it has."""
    return " ".join(text.replace("|", " ").split())


def _judged(row: dict, where: str) -> None:
    plan.number(f"{where}: variations", row["variations"], 1, 100)
    if isinstance(row["seed"], bool) or not isinstance(row["seed"], int) or not -1 <= row["seed"] < SEEDS:
        raise Stop(f"{where}: the seed must be -1 (drawn, and recorded) or 0 to {SEEDS - 1}, not {row['seed']!r}")
    rows.style(row["style"], where)
    rows.readable(row["negative"], where, "negative prompt")
    rows.readable(row["image"], where, "path of the image")


def begin_with_images(made: Iterable[dict], parts: int = 1) -> bool:
    """Whether the model has to take images: one is given, or parts go on from a last frame."""
    return plan.number("PARTS", parts, 1, 20) > 1 or any(clip["image"].strip() for clip in made)


def accepted(model: str, yes: bool) -> None:
    """Raise Stop when a model's licence is no free one and the reader has not accepted it."""
    spec = MODELS.get(str(model))
    if spec is not None and opt_in(spec) and not yes:
        raise Stop(
            f"{spec.title} comes under {spec.weights.licence} (to sell the result: {spec.weights.sell}); read it on "
            f"https://huggingface.co/{spec.weights.id} and tick ACCEPT_LICENCE, or choose auto"
        )


def planned(clip: dict, made: Plan) -> Plan:
    """The plan of one clip: the list's, with what its row overrides, on the model's grid."""
    given = [clip.get(key) or getattr(made, key) for key in ("frames", "height", "width")]
    frames, height, width = plan.snap(made.spec, *given)
    return replace(made, frames=frames, height=height, width=width)


def judged(made: list[dict], chosen: Plan, place: Path, quick: bool = False) -> list[dict]:
    """The clips as they will be made: each in a size that fits (what is rounded is said), its image opened, judged and
    kept below `place` by its content: another image is another clip, and the same one is the same on every machine.
    A `quick` test makes all of them in its own small size. Raises Stop."""
    out, known, told = [], {}, set()
    if quick and any(clip.get(key) for clip in made for key in LARGEST):
        print(f"A quick test makes every clip {chosen.frames} frames of {chosen.width} x {chosen.height}.")
        made = [{key: value for key, value in clip.items() if key not in LARGEST} for clip in made]
    fixed = [clip for clip in made if clip["seed"] >= 0]
    same = len(fixed) - len({repr(sorted({**clip, "style": "", "variation": 0}.items())) for clip in fixed})
    if same:
        print(
            f"Of {len(made)} clips {same} will be the same as another: the same words, seed and size. Give them other "
            "seeds, or -1."
        )
    if any(clip["negative"] for clip in made) and chosen.guidance <= 1:
        print(f"{chosen.spec.title} works without guidance: what is to be avoided is not looked at.")
    for number, clip in enumerate(made, 1):
        asked = {key: clip[key] for key in ("frames", "height", "width") if clip.get(key)}
        wanted = planned(clip, chosen)
        if asked and repr(asked) not in told:
            told.add(repr(asked))
            size = {key: clip.get(key) or getattr(chosen, key) for key in ("frames", "height", "width")}
            plan.on_grid(chosen.spec, size, asked, f"clip {number}: ")
            plan.fitting(wanted, f"clip {number}: ")
        name = clip["image"].strip()
        if name and name not in known:
            if not chosen.spec.images:
                raise Stop(f"{chosen.spec.title} makes clips from words only; for an image choose wan-5b, or auto")
            known[name] = _kept_image(name, wanted, place)
        out.append({**clip, "image": known.get(name, "")})
    return out


def _kept_image(name: str, wanted: Plan, place: Path) -> str:
    opened = picture.judged(name)
    if abs(opened.width / opened.height / (wanted.width / wanted.height) - 1) > 0.05:
        print(
            f"{Path(name).name} is {opened.width} x {opened.height}; it is cut in its middle to the clip's "
            f"{wanted.width} x {wanted.height}"
        )
    return picture.keep(opened, place)


def extras(
    parts: int, fade: float, fps: int, larger: int, sound: str, made: list[dict], chosen: Plan, quick: bool = False
) -> float:
    """Judge what is done after the clips are made, before they are; the cross-fade in seconds, which a quick test's
    short clips may have to shorten. Raises Stop."""
    spec, plans = chosen.spec, [planned(clip, chosen) for clip in made]
    if plan.number("PARTS", parts, 1, 20) > 1 and not spec.images:
        raise Stop(f"{spec.title} cannot begin with an image, so it makes no long clips; choose wan-5b, or auto")
    if isinstance(fade, bool) or not isinstance(fade, int | float) or not math.isfinite(fade):
        raise Stop(f"CROSSFADE must be a number of seconds, or -1 for none, not {fade!r}")
    seconds = [one.seconds + (parts - 1) * (one.frames - 1) / spec.fps for one in plans]
    most = min(seconds) / 2
    if fade >= 0 and len(made) < 2:
        print("CROSSFADE has nothing to join: there is one clip.")
    elif fade >= 0 and len({(one.height, one.width) for one in plans}) > 1:
        raise Stop("clips of different sizes cannot be joined: give all rows one width and height, or set CROSSFADE -1")
    elif fade > most and quick:
        print(f"A quick test's clips are short: a cross-fade of {most:.2f} s instead of {fade:g} s.")
        fade = most
    elif fade > most:
        raise Stop(f"a cross-fade of {fade:g} s is more than half of a clip of {2 * most:.1f} s; make it shorter")
    if fps != 0 and not spec.fps < plan.number("SMOOTH_FPS", fps, 0, 120):
        raise Stop(f"SMOOTH_FPS must be more than the clip's {spec.fps}, and at most 120, not {fps}")
    largest = max(max(one.height, one.width) for one in plans)
    if plan.number("ENLARGE", larger, 1, 4) * largest > 4096:
        raise Stop(f"ENLARGE {larger} would make {largest * larger} pixels a side; 4096 are the most")
    if sound:
        joined = fade >= 0 and len(made) > 1
        _heard(film.audible(sound), sum(seconds) - fade * (len(made) - 1) if joined else min(seconds))
    return fade


def _heard(sound: Path, seconds: float) -> None:
    """Say what becomes of a sound that is longer or shorter than its film."""
    long = film.length(film.streams(sound))
    if long is not None and abs(long - seconds) > 0.5:
        rest = "the rest is cut off" if long > seconds else "silence follows"
        print(f"{sound.name} has {long:.1f} s, and the film {seconds:.1f} s: {rest}.")


def ending(stop_after: float, with_form: bool) -> None:
    """Judge what else is only used once the clips are made. Raises Stop."""
    number = isinstance(stop_after, int | float) and not isinstance(stop_after, bool)
    if not number or not math.isfinite(stop_after) or stop_after < 0:
        raise Stop(f"STOP_AFTER must be a number of minutes, or 0 for none, not {stop_after!r}")
    if with_form:
        form.there()


def texts(made: Iterable[dict], plan: Plan) -> list[str]:
    """Every text that has to be encoded, each once."""
    words = [clip["prompt"] for clip in made]
    if plan.guidance > 1:
        words += [clip["negative"] or plan.spec.negative for clip in made]
    return list(dict.fromkeys(words))


def _variations(row: dict) -> list[dict]:
    count = row.pop("variations")
    row["prompt"] = styled(row["prompt"], row["style"])
    made = []
    for number in range(count):  # another seed each, the first as asked; -1 is drawn when its turn comes
        seed = row["seed"] if row["seed"] < 0 else (row["seed"] + number) % SEEDS
        made.append({**row, "seed": seed, "variation": number})
    return made
