"""What was asked for, as a list of clips: lines, a text file, JSONL rows or scenes; judged before minutes are spent.

A clip is plain data: prompt, negative, seed (-1: drawn, and recorded), variation, image, and what it overrides. Raises
Stop with one sentence that names the line.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from labkit import Stop

from videogen import picture
from videogen.plan import Plan, snap
from videogen.presets import STYLES, TEMPLATES, styled
from videogen.registry import MODELS, opt_in

LONGEST = 2000  # characters; the encoder reads at most 512 tokens, about as many words
ROW = {"prompt": str, "negative": str, "seed": int, "style": str, "image": str, "frames": int, "height": int,
       "width": int, "variations": int}  # fmt: skip
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
    if not 1 <= variations <= 100:
        raise Stop(f"variations must be 1 to 100, not {variations}")
    if not -1 <= seed < 2**31:
        raise Stop(f"the seed must be -1 (drawn, and recorded) or 0 to {2**31 - 1}, not {seed}")
    _known(style, "the settings")
    made = []
    for where, row in _file(file) if file.strip() else _lines(text.replace("|", "\n"), "the prompt"):
        base = {"negative": negative, "seed": seed, "style": style, "image": image, "variations": variations, **row}
        _known(base["style"], where)
        base["prompt"] = _prompt(base["prompt"], where)
        if not 1 <= base["variations"] <= 100:
            raise Stop(f"{where}: variations must be 1 to 100, not {base['variations']}")
        made += _variations(base)
    if not made:
        raise Stop("the prompt is empty; say what is to be seen, in a sentence or two")
    if len(made) > MOST_CLIPS:
        raise Stop(f"{len(made)} clips are more than the {MOST_CLIPS} that one list may have; cut the list")
    return made


def accepted(model: str, yes: bool) -> None:
    """Raise Stop when a model's licence is no free one and the reader has not accepted it."""
    spec = MODELS.get(model)
    if spec is not None and opt_in(spec) and not yes:
        raise Stop(
            f"{spec.title} comes under {spec.weights.licence} (to sell the result: {spec.weights.sell}); read it on "
            f"https://huggingface.co/{spec.weights.id} and tick ACCEPT_LICENCE, or choose auto"
        )


def planned(clip: dict, plan: Plan) -> Plan:
    """The plan of one clip: the list's, with what its row overrides, on the model's grid."""
    given = [clip.get(key) or getattr(plan, key) for key in ("frames", "height", "width")]
    frames, height, width = snap(plan.spec, *given)
    return replace(plan, frames=frames, height=height, width=width)


def images(made: Iterable[dict], plan: Plan, place: Path) -> list[dict]:
    """The clips with their images opened, judged, and kept below `place` by their content: another image is another
    clip, and the same one is the same on every machine. Raises Stop."""
    out, known = [], {}
    for clip in made:
        name = clip["image"]
        if name and name not in known:
            if not plan.spec.images:
                raise Stop(f"{plan.spec.title} makes clips from words only; for an image choose wan-5b, or auto")
            opened, wanted = picture.judged(name), planned(clip, plan)
            if abs(opened.width / opened.height / (wanted.width / wanted.height) - 1) > 0.05:
                print(
                    f"{Path(name).name} is {opened.width} x {opened.height}; it is cut in its middle to the clip's "
                    f"{wanted.width} x {wanted.height}"
                )
            known[name] = picture.keep(opened, place)
        out.append({**clip, "image": known.get(name, "")})
    return out


def extras(parts: int, fade: float, fps: int, larger: int, sound: str, count: int, plan: Plan) -> None:
    """Judge what is done after the clips are made, before they are. Raises Stop."""
    if not 1 <= parts <= 20:
        raise Stop(f"PARTS must be 1 to 20, not {parts}")
    if parts > 1 and not plan.spec.images:
        raise Stop(f"{plan.spec.title} cannot begin with an image, so it makes no long clips; choose wan-5b")
    if fade >= 0 and count < 2 and parts < 2:
        print("CROSSFADE has nothing to join: there is one clip.")
    if fade > plan.seconds / 2:
        raise Stop(f"a cross-fade of {fade:g} s is more than half of a clip of {plan.seconds:.1f} s; make it shorter")
    if fps and not plan.spec.fps < fps <= 120:
        raise Stop(f"SMOOTH_FPS must be more than the clip's {plan.spec.fps}, and at most 120, not {fps}")
    if not 1 <= larger <= 4 or max(plan.height, plan.width) * larger > 4096:
        raise Stop(f"ENLARGE must be 1 to 4, with at most 4096 pixels a side, not {larger}")
    if sound and not Path(sound).expanduser().is_file():
        raise Stop(f"there is no sound file {sound}; upload it first, and give its path")


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
        seed = row["seed"] if row["seed"] < 0 else (row["seed"] + number) % 2**31
        made.append({**row, "seed": seed, "variation": number})
    return made


def _lines(text: str, what: str) -> list[tuple[str, dict]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(f"{what}, line {number}", {"prompt": line}) for number, line in lines if line and line[0] != "#"]


def _file(name: str) -> list[tuple[str, dict]]:
    path = Path(name.strip()).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Stop(f"{path.name} is no text in UTF-8; save it as that") from None
    except OSError as error:
        raise Stop(f"{path} cannot be read ({error.strerror}); give the path of a .txt or .jsonl file") from None
    if path.suffix.lower() != ".jsonl":
        return _lines(text, path.name)
    return [
        (f"{path.name}:{number}", _row(line, f"{path.name}:{number}"))
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]


def _row(line: str, where: str) -> dict:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise Stop(f"{where} is no JSON ({error})") from None
    if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
        raise Stop(f'{where} has no prompt: a row is like {{"prompt": "a red kite in the wind", "seed": 7}}')
    for key, value in row.items():
        if key not in ROW:
            raise Stop(f"{where} has '{key}', which no clip has; known are {', '.join(ROW)}")
        if not isinstance(value, ROW[key]) or isinstance(value, bool):
            raise Stop(f"{where}: {key} must be {'a number' if ROW[key] is int else 'text'}, not {value!r}")
        if key in ("frames", "height", "width") and not 0 <= value <= 4096:
            raise Stop(f"{where}: {key} must be 0 to 4096, not {value}")
        if key == "seed" and not -1 <= value < 2**31:
            raise Stop(f"{where}: the seed must be -1 or 0 to {2**31 - 1}, not {value}")
    return row


def _prompt(text: str, where: str) -> str:
    text = TEMPLATES.get(text.strip(), text.strip())
    if not text:
        raise Stop(f"{where}: the prompt is empty; say what is to be seen, in a sentence or two")
    if len(text) > LONGEST:
        raise Stop(
            f"{where}: the prompt has {len(text)} characters, and the model reads about {LONGEST}; shorten it, or make "
            "scenes of it"
        )
    if not any(c.isalnum() for c in text):
        raise Stop(f"{where}: '{text[:20]}' has no words in it; say what is to be seen")
    return text


def _known(style: str, where: str) -> None:
    if style not in STYLES:
        raise Stop(f"{where}: there is no style '{style}'; choose one of {', '.join(STYLES)}")
