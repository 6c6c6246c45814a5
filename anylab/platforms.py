"""Load the platform folders: profile, cell and file templates, overlays (adapter, transport).

A platform is a folder `platforms/<id>/` (CONTRIBUTING.md, rule 1): what differs between platforms is data here, and no
code outside the folder knows its name. A folder with `variants = false` gets no notebooks: it holds facts about a
place, and a way to carry bundles there that travels as a module in every variant that imports it.
"""

from __future__ import annotations

import functools
import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anylab import facts, images, schema, text
from anylab.errors import Origin, Problem, Refused, did_you_mean, refuse
from anylab.library import EXCHANGED, KIT, Library, Module, parse
from anylab.templating import Template, TemplateCell, split_template
from anylab.tomls import nearest, read_toml

TEMPLATE_SLOTS = ("settings", "setup", "save", "finish")
# the keys of a profile that gets no notebooks
_WITHOUT_VARIANTS = ("name", "order", "variants", "transport", "facts", "plans", "guide")


@dataclass(frozen=True, eq=False)
class Platform:
    """A platform folder, read and checked."""

    id: str
    name: str
    folder: Path
    file: str  # its profile as shown to people
    profile: Mapping[str, Any]
    lines: Mapping[tuple, int]  # the profile's keys -> the line that each stands in
    cells: Mapping[str, tuple[TemplateCell, ...]]  # slot -> cells
    files: Mapping[str, Template]  # name beside the notebook -> template
    overlays: Mapping[str, tuple[str, str]]  # library module -> (text, file as shown) that this folder brings

    @property
    def has_variants(self) -> bool:
        """False for a place that no notebook runs on."""
        return self.profile.get("variants", True)

    def has(self, capability: str) -> bool:
        """True when the platform has this capability."""
        return self.profile.get("capabilities", {}).get(capability, False)

    def at(self, *path: str | int) -> Origin:
        """Where a key of the profile stands."""
        return nearest(self.file, self.lines, *path)

    def fact(self, key: str) -> Any:
        """The value of a fact, None when unknown or without a limit."""
        value = self.profile["facts"].get(key, {}).get("value")
        return None if value in (facts.UNKNOWN, facts.UNLIMITED) else value

    @functools.cached_property
    def fact_faults(self) -> tuple[tuple[str, Problem], ...]:
        """(kind, finding) of every fact; looked for when a lint first asks."""
        return tuple(fault for found in facts.of_profile(self.profile, self.at) for fault in facts.faults(found))

    @functools.cached_property
    def image(self) -> images.Image | None:
        """What it has installed, None where nobody lists that. Read when first asked for; raises Refused."""
        shown = self.file.rpartition("/")[0]
        return images.read_stored(self.folder, shown, self.profile.get("python", ""), self.at("python"))


def load_all(folder: Path, shown: str) -> list[Platform]:
    """Every platform that notebooks are compiled for, in the order that their profiles ask for."""
    return [p for p in load_folders(folder, shown) if p.has_variants]


def load_folders(folder: Path, shown: str) -> list[Platform]:
    """Every folder, those without variants last. Raises Refused with all faults."""
    found, problems = [], []
    for child in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))):
        try:
            found.append(load(child, f"{shown}/{child.name}"))
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    if not any(p.has_variants for p in found):
        raise refuse(Origin(shown), "holds no folder of a platform that notebooks are compiled for")
    return sorted(found, key=lambda p: (not p.has_variants, p.profile.get("order", 0), p.id))


def load(folder: Path, shown: str) -> Platform:
    """One platform folder. Raises Refused with the key and line of what is wrong."""
    file = f"{shown}/platform.toml"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", folder.name):
        raise refuse(Origin(shown), f"the folder name '{folder.name}' must be lower-case letters, digits and -")
    content = text.read(folder / "platform.toml", file)
    profile, lines = read_toml(content, file)
    problems = schema.check(profile, "platform", file, lines, "the profile")
    problems = problems or list(_faults(folder, shown, profile, lines))
    if problems:
        raise Refused(problems)
    return Platform(
        folder.name,
        profile["name"],
        folder,
        file,
        profile,
        lines,
        _cell_templates(folder, shown),
        _file_templates(folder, shown),
        _overlays(folder, shown, profile),
    )


def _faults(folder: Path, shown: str, profile: Mapping[str, Any], lines: Mapping[tuple, int]) -> Iterator[Problem]:
    """What a schema cannot say: what stands in the profile against what stands in the folder."""
    file = f"{shown}/platform.toml"
    for key, fact in profile["facts"].items():
        if not isinstance(fact, Mapping) or "value" not in fact:
            what = f"'facts.{key}' of the profile must be a table with a value"
            yield Problem(nearest(file, lines, "facts", key), what)
    if not profile.get("variants", True):
        yield from _faults_without_variants(folder, shown, profile, lines)
        return
    try:
        json.dumps(profile["notebook"], allow_nan=False)
    except (TypeError, ValueError):
        what = "the notebook's metadata holds a date or a nan, for which JSON has no word; write it in quotes"
        yield Problem(nearest(file, lines, "notebook"), what)
    yield from _bad_shapes(profile, file, lines)
    if "transport" in profile:
        what = "[transport] is for a folder with variants = false; here transport.py alone is enough; remove it"
        yield Problem(nearest(file, lines, "transport"), what)


def _bad_shapes(profile: Mapping[str, Any], file: str, lines: Mapping[tuple, int]) -> Iterator[Problem]:
    for token in profile.get("words", {}).get("tokens", ()):
        try:
            re.compile(token["shape"])
        except re.error as error:
            what = f"the shape of a token is no regular expression: {error}"
            yield Problem(nearest(file, lines, "words", "tokens"), what)


def _faults_without_variants(
    folder: Path, shown: str, profile: Mapping[str, Any], lines: Mapping[tuple, int]
) -> Iterator[Problem]:
    file, way = f"{shown}/platform.toml", f"{shown}/transport.py"
    for key in sorted(set(profile) - {*_WITHOUT_VARIANTS}):
        yield Problem(nearest(file, lines, key), f"a folder with variants = false has no use for '{key}'; remove it")
    for name in ("adapter.py", "cells", "files", images.LIST):
        if (folder / name).exists():
            what = f"a folder with variants = false has no use for {shown}/{name}; remove one of the two"
            yield Problem(nearest(file, lines, "variants"), what)
    there = (folder / "transport.py").is_file()
    if "transport" in profile:
        name = profile["transport"]["module"]
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
            what = f"'transport.module' must be a Python name in lower-case letters, digits and _, not '{name}'"
            yield Problem(nearest(file, lines, "transport", "module"), what)
        if not there:
            yield Problem(nearest(file, lines, "transport"), f"[transport] is declared and {way} is missing; write it")
    elif there:
        what = f"{way} travels nowhere without [transport] and its module; add them, or remove the file"
        yield Problem(nearest(file, lines, "variants"), what)


def shared_modules(folders: Iterable[Platform], library: Library) -> dict[str, Module]:
    """The modules that folders without variants add to the library's kit. Raises Refused where a name is taken."""
    problems, added = [], {}
    for way in folders:
        for name, (content, file) in way.overlays.items() if not way.has_variants else ():
            leaf = name.rpartition(".")[2]
            taken = _taken(name, leaf, library) or (added[name].file if name in added else "")
            if taken:
                what = f"a module '{leaf}' of {KIT} is there already ({taken}); choose another name"
                problems.append(Problem(way.at("transport", "module"), what))
                continue
            try:
                added[name] = parse(content, Path(KIT, f"{leaf}.py"), "", file)
            except Refused as refused:
                problems += refused.problems
    if problems:
        raise Refused(problems)
    return added if KIT in library else {}


def _taken(name: str, leaf: str, library: Library) -> str:
    """The file that has this name in the kit already, '' when none has."""
    if name in library:
        return library[name].file
    exchanged = [file for file, module in EXCHANGED.items() if module == name]
    if exchanged:
        return f"a platform's own {exchanged[0]}"
    return library[KIT].file if KIT in library and leaf in library[KIT].defined else ""


def _overlays(folder: Path, shown: str, profile: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The modules of the library that this folder brings: its versions of the local ones, or the one that it shares."""
    table = EXCHANGED
    if not profile.get("variants", True):
        table = {"transport.py": f"{KIT}.{profile['transport']['module']}"} if "transport" in profile else {}
    own = {name: module for name, module in table.items() if (folder / name).exists()}
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
