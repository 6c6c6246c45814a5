"""Strict tables: data against a JSON schema of `anylab/schemas/`, each finding with its key and line, in plain words.

Uses the jsonschema library (already loaded by jupytext through nbformat, so it costs a build nothing); only the wording
is ours.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from anylab import parsers
from anylab.errors import Origin, Problem, did_you_mean

_TYPES = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
_TYPES |= {"array": "a list", "object": "a table of keys", "null": "empty"}


@functools.cache
def _validator(schema: str) -> Any:
    text = (Path(__file__).parent / "schemas" / f"{schema}.json").read_text(encoding="utf-8")
    return parsers.jsonschema().Draft202012Validator(json.loads(text))


def check(data: Any, schema: str, file: str, lines: dict[tuple, int], where: str, prefix: tuple = ()) -> list[Problem]:
    """All findings about `data`. `where` names the table in messages ("the front matter"); `prefix` is its own path."""
    problems = []
    for error in _validator(schema).iter_errors(data):
        path = (*prefix, *error.absolute_path)
        extra = []
        if error.validator == "additionalProperties":
            extra = [k for k in error.instance if k not in error.schema["properties"]]
        for key in extra or [None]:
            at = (*path, key) if key is not None else path
            line = next((lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in lines), 0)
            problems.append(Problem(Origin(file, line), _words(error, key, where, path[len(prefix) :])))
    return sorted(problems, key=lambda p: (p.origin.line, p.what))


def _words(error: Any, key: str | None, where: str, path: tuple) -> str:
    name = ".".join(map(str, path))
    if key is not None:
        inside = f" in '{name}'" if name else ""
        return f"unknown key '{key}'{inside} of {where}" + did_you_mean(key, error.schema["properties"])
    value = error.instance
    # default=str: a date that TOML has without quotes
    plain = not isinstance(value, dict | list)
    shown = json.dumps(value, ensure_ascii=False, default=str) if plain else f"a {type(value).__name__}"
    if error.validator == "type":
        kinds = error.validator_value
        wanted = " or ".join(_TYPES[k] for k in ([kinds] if isinstance(kinds, str) else kinds))
        return f"'{name}' of {where} must be {wanted}, not {shown}"
    if error.validator == "enum":
        return f"'{name}' of {where} must be one of {', '.join(map(str, error.validator_value))}, not {shown}"
    if error.validator == "required":
        missing = error.message.split("'")[1]
        return f"'{name or where}' misses the key '{missing}'; add it"
    if error.validator == "pattern":
        return f"'{name}' of {where} must look like {error.validator_value}, not {shown}"
    return f"'{name}' of {where}: {error.message}"
