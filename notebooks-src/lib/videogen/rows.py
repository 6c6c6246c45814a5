"""Prompts as they come: typed lines, a text file, JSONL rows; each judged by itself, in one sentence that names it."""

import json
import unicodedata
from pathlib import Path

from labkit import Stop

from videogen import film
from videogen.plan import LARGEST, number, side
from videogen.presets import STYLES, TEMPLATES

LONGEST = 2000  # characters; the encoder reads at most 512 tokens, about as many words
ROW = {"prompt": str, "negative": str, "seed": int, "style": str, "image": str, "frames": int, "height": int,
       "width": int, "variations": int}  # fmt: skip
KINDS = ("", ".txt", ".jsonl")


def typed(text: str) -> list[tuple[str, dict]]:
    """(where it stands, row) of each prompt of the form: one a line, or apart by |."""
    if not isinstance(text, str):
        raise Stop(f"PROMPTS must be text, prompts apart by |, not {text!r}")
    return _lines(text.replace("|", "\n"), "the prompt")


def read(name: str) -> list[tuple[str, dict]]:
    """(file and line, row) of each prompt of a .txt or .jsonl file; in a .txt, lines that begin with # are remarks.
    A row's image may be named from where the file lies. Raises Stop."""
    path = film.given(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Stop(f"{path.name} is no text in UTF-8; save it as that") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise Stop(f"{str(path)[-80:]} cannot be read ({why}); give the path of a .txt or .jsonl file") from None
    if path.suffix.lower() not in KINDS:
        raise Stop(f"{path.name} is neither .txt (a prompt a line) nor .jsonl (a row a line); give one of these")
    if path.suffix.lower() == ".jsonl":
        lines = [(f"{path.name}:{number}", line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        rows = [(where, _beside(path, _row(line, where))) for where, line in lines]
    else:
        rows = [(where, row) for where, row in _lines(text, path.name) if not row["prompt"].startswith("#")]
        if rows and rows[0][1]["prompt"].startswith(("{", "[")):
            raise Stop(f"{path.name} has JSON in it; name it .jsonl, with a row a line")
    if not rows:
        raise Stop(f"{path.name} holds no prompt; say what is to be seen, a line each")
    return rows


def prompt(text: str, where: str) -> str:
    """A prompt, or the one that a template's name stands for. Raises Stop when nothing can be made of it."""
    text = TEMPLATES.get(text.strip().lower(), text.strip())  # a phone writes Cat
    if not text:
        raise Stop(f"{where}: the prompt is empty; say what is to be seen, in a sentence or two")
    if not any(c.isalnum() for c in text):
        raise Stop(f"{where}: '{text[:20]}' has no words in it; say what is to be seen")
    return readable(text, where, "prompt")


def readable(text: str, where: str, what: str) -> str:
    """Text that can be read, encoded and written into a file's head. Raises Stop."""
    if not isinstance(text, str):
        raise Stop(f"{where}: the {what} must be text, not {text!r}")
    if len(text) > LONGEST:
        raise Stop(f"{where}: the {what} has {len(text)} characters, and the model reads about {LONGEST}; shorten it, "
                   "or make scenes of it")  # fmt: skip
    strange = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs") and not c.isspace()), "")
    if strange:
        raise Stop(f"{where}: the {what} has a sign that is no text (U+{ord(strange):04X}); delete it")
    return text


def style(name: str, where: str) -> None:
    """Raise Stop when there is no such style."""
    if not isinstance(name, str) or name not in STYLES:
        raise Stop(f"{where}: there is no style '{name}'; choose one of {', '.join(STYLES)}")


def _lines(text: str, what: str) -> list[tuple[str, dict]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(f"{what}, line {number}", {"prompt": line}) for number, line in lines if line]


def _row(line: str, where: str) -> dict:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Stop(f"{where} is no JSON ({error})") from None
    if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
        raise Stop(f'{where} has no prompt: a row is like {{"prompt": "a red kite in the wind", "seed": 7}}')
    for key, value in row.items():
        if key not in ROW:
            raise Stop(f"{where} has '{key}', which no clip has; known are {', '.join(ROW)}")
        if not isinstance(value, ROW[key]) or isinstance(value, bool):
            raise Stop(f"{where}: {key} must be {'a number' if ROW[key] is int else 'text'}, not {value!r}")
        if key in LARGEST:
            number(f"{where}: {key}", value, 0, LARGEST[key])
        if key in ("height", "width"):
            side(f"{where}: {key}", value)
    return row


def _beside(path: Path, row: dict) -> dict:
    image = row.get("image", "")
    near = path.parent / image
    return {**row, "image": str(near)} if image and not Path(image).expanduser().exists() and near.exists() else row
