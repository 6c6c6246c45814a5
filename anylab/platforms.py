"""Load the platform folders: profile, cell and file templates, overlays (adapter, transport).

A platform is a folder `platforms/<id>/` (CONTRIBUTING.md, rule 1): what differs between platforms is data here, and no
code outside the folder knows its name.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anylab import schema, text
from anylab.errors import Origin, Problem, Refused, did_you_mean, refuse
from anylab.library import EXCHANGED
from anylab.templating import Template, TemplateCell, split_template

TEMPLATE_SLOTS = ("settings", "setup", "save", "finish")


@dataclass(frozen=True, eq=False)
class Platform:
    """A platform folder, read and checked."""

    id: str
    name: str
    folder: Path
    file: str  # its profile as shown to people
    profile: Mapping[str, Any]
    cells: Mapping[str, tuple[TemplateCell, ...]]  # slot -> cells
    files: Mapping[str, Template]  # name beside the notebook -> template
    overlays: Mapping[str, tuple[str, str]]  # library module -> (text, file as shown) that travels in its place

    def has(self, capability: str) -> bool:
        """True when the platform has this capability."""
        return self.profile.get("capabilities", {}).get(capability, False)

    def fact(self, key: str) -> Any:
        """The value of a fact, None when unknown."""
        value = self.profile["facts"].get(key, {}).get("value")
        return None if value == "unknown" else value


def load_all(folder: Path, shown: str) -> list[Platform]:
    """Every platform of a folder, in the order that their profiles ask for. Raises Refused with all faults."""
    found, problems = [], []
    for child in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))):
        try:
            found.append(load(child, f"{shown}/{child.name}"))
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    if not found:
        raise refuse(Origin(shown), "holds no platform folder")
    return sorted(found, key=lambda p: (p.profile["order"], p.id))


def load(folder: Path, shown: str) -> Platform:
    """One platform folder. Raises Refused with the key and line of what is wrong."""
    file = f"{shown}/platform.toml"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", folder.name):
        raise refuse(Origin(shown), f"the folder name '{folder.name}' must be lower-case letters, digits and -")
    content = text.read(folder / "platform.toml", file)
    profile, lines = read_toml(content, file)
    problems = schema.check(profile, "platform", file, lines, "the profile")
    if problems:
        raise Refused(problems)
    try:
        json.dumps(profile["notebook"], allow_nan=False)
    except (TypeError, ValueError):
        what = "the notebook's metadata holds a date or a nan, for which JSON has no word; write it in quotes"
        raise refuse(Origin(file, lines["notebook",]), what) from None
    return Platform(
        folder.name,
        profile["name"],
        folder,
        file,
        profile,
        _cell_templates(folder, shown),
        _file_templates(folder, shown),
        _overlays(folder, shown),
    )


def read_toml(content: str, file: str) -> tuple[dict, dict[tuple, int]]:
    """TOML as data, and the line of each key: tomllib gives lines for syntax errors only, so keys are scanned for."""
    try:
        data = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else content.count("\n") + 1
        raise refuse(Origin(file, line), f"not TOML: {str(error).split(' (at')[0]}") from None
    lines: dict[tuple, int] = {(): 1}
    table: tuple[str, ...] = ()
    for number, line in enumerate(content.split("\n"), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if header and not key:
            table = tuple(part.strip("\"' ") for part in header[1].split("."))
            path = table
        elif key:
            path = (*table, *(part.strip("\"'") for part in key[1].split(".")))
        else:
            continue
        for n in range(1, len(path) + 1):
            lines.setdefault(path[:n], number)
    return data, lines


def _overlays(folder: Path, shown: str) -> dict[str, tuple[str, str]]:
    """The modules of the library that this folder has a version of its own for."""
    own = {name: module for name, module in EXCHANGED.items() if (folder / name).exists()}
    return {module: (text.read(folder / name, f"{shown}/{name}"), f"{shown}/{name}") for name, module in own.items()}


def _cell_templates(folder: Path, shown: str) -> dict[str, tuple[TemplateCell, ...]]:
    cells: dict[str, tuple[TemplateCell, ...]] = {}
    problems: list[Problem] = []
    for path in sorted((folder / "cells").glob("*.j2")) if (folder / "cells").is_dir() else []:
        file, name = f"{shown}/cells/{path.name}", path.name.removesuffix(".py.j2")
        if name not in TEMPLATE_SLOTS:
            problems.append(Problem(Origin(file), f"unknown slot '{name}'{did_you_mean(name, TEMPLATE_SLOTS)}"))
            continue
        cells[name] = tuple(split_template(text.read(path, file), file))
    if problems:
        raise Refused(problems)
    return cells


def _file_templates(folder: Path, shown: str) -> dict[str, Template]:
    beside = folder / "files"
    paths = sorted(beside.glob("*.j2")) if beside.is_dir() else []
    return {
        p.name.removesuffix(".j2"): Template(text.read(p, f"{shown}/files/{p.name}"), f"{shown}/files/{p.name}")
        for p in paths
    }
