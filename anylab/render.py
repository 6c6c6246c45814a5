"""(source, platform) -> cells. Pure: what comes out depends on the arguments alone.

The order of one of our notebooks is title, settings, bootstrap (scratch folder and sys.path), library, setup, story,
finish; a foreign notebook gets one cell in front (badges, how to open it) and is otherwise left alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anylab import carried, library, settings
from anylab.cell import Cell
from anylab.errors import Origin, Problem, Refused, did_you_mean
from anylab.install import Plan
from anylab.platforms import Platform
from anylab.source import Source
from anylab.templating import Template

CAPABILITIES = ("gpu", "drive", "forms", "secrets", "batch", "internet_toggle", "persistent_home", "session_limit")
VERSION = "@@anylab-variant-version@@"  # replaced by the compiler once the variant's hash is known
_SHARED = Path(__file__).parent / "templates"


@dataclass(frozen=True, eq=False)
class Shared:
    """What every variant is made with beside its source and platform."""

    modules: library.Library
    repository: str
    branch: str
    links: Mapping[str, Mapping[str, Mapping[str, str]]]  # notebook -> platform -> badge, link, label, name, upload
    siblings: Mapping[str, tuple[Mapping[str, Any], ...]]  # notebook -> marks of all platforms with a variant of it
    verified: Mapping[tuple[str, str], Mapping[str, Any]]
    pictures: Mapping[str, str]  # notebook -> data URI of its picture
    gpu: frozenset[str]  # the notebooks that ask for a GPU
    plans: Mapping[tuple[str, str], Plan] = field(default_factory=dict)  # (notebook, platform) -> what is installed


def render(source: Source, platform: Platform, shared: Shared) -> tuple[list[Cell], dict[str, str]]:
    """The cells of one variant, and the texts of the files beside it by name.

    Raises Refused with every fault, each at the line that can mend it.
    """
    context = context_of(source, platform, shared)
    cells = _cells(source, platform, shared, context)
    return cells, {name: template.render(context) for name, template in platform.files.items()}


def _cells(source: Source, platform: Platform, shared: Shared, context: Mapping[str, Any]) -> list[Cell]:
    if not source.ours:
        return [_generated("foreign.md.j2", context, Origin(source.file, 1), "markdown"), *source.cells]
    story, problems = _story(source, platform, context)
    chosen, more = _settings_cell(source, platform, context)
    setup = [cell.render(context) for cell in platform.cells.get("setup", ())]
    if problems or more:
        raise Refused([*problems, *more])
    modules = carried.needed_modules(source, platform, shared.modules, (*setup, *story))
    title = next((c.origin for c in source.cells if c.slot == "title"), Origin(source.file, 1))
    cells = [_generated("title.md.j2", context, title, "markdown")]
    cells += [chosen] if chosen else []
    if modules:
        names = sorted({m.name.partition(".")[0] for m in modules})
        folders = sorted({m.path.rpartition("/")[0] for m in modules})
        bootstrap = {**context, "packages": names, "folders": folders}
        at = next((c.origin for c in source.cells if c.slot == "bootstrap"), Origin(source.file, 1))
        cells.append(_generated("library.md.j2", {**context, "modules": modules}, at, "markdown"))
        cells.append(_generated("bootstrap.py.j2", bootstrap, at, "code", "Scratch folder"))
        cells += [carried.module_cell(module) for module in modules]
    return [*cells, *setup, *story]


def context_of(source: Source, platform: Platform, shared: Shared) -> dict[str, Any]:
    """The variables that templates see (docs/sources.md lists them)."""
    front, key = source.front, (source.name, platform.id)
    notebook = {
        "name": source.name, "title": fitting_title(source, platform), "file": source.file, "needs": source.needs,
        **{k: front.get(k, "") for k in ("summary", "result", "leaves", "picture_alt")},
        "packages": front.get("packages", []), "models": front.get("models"),
        "picture": shared.pictures.get(source.name, ""), "wants_gpu": source.name in shared.gpu,
        "internet": source.needs.get("internet", "none" if source.ours else "required"),
    }  # fmt: skip
    models = {model["id"]: model.get("gb", 0) for model in source.front.get("models", ())}
    facts = {name: fact["value"] for name, fact in platform.profile["facts"].items()}
    return {
        "notebook": notebook,
        "platform": {
            "id": platform.id, "name": platform.name, "note": platform.profile.get("note", ""), "facts": facts,
            "can": {c: platform.has(c) for c in CAPABILITIES}, "python": platform.profile.get("python", ""),
            "here": platform.profile.get("here", False),
            "open": platform.profile.get("open", {}),
        },
        "plan": shared.plans.get(key, Plan()),
        "variant": f"{source.name}/{platform.id}",
        "version": VERSION,
        "repository": shared.repository,
        "owner": shared.repository.partition("/")[0],
        "branch": shared.branch,
        "badges": [link for link in shared.links[source.name].values() if link["badge"]],
        "links": shared.links[source.name],
        "siblings": [m["mark"] for m in shared.siblings.get(source.name, ()) if m["id"] != platform.id],
        "needs": {**source.needs, **({"models": models} if models else {})},
        "quick_test": any(s.name == "QUICK_TEST" for s in settings_of(source)),
        "verified": shared.verified.get(key),
    }  # fmt: skip


def title_of(source: Source) -> str:
    """The declared title, else the first heading, else the name in words."""
    if source.front.get("title"):
        return source.front["title"]
    for cell in source.cells:
        heading = re.search(r"^# +(.+?)\s*#*$", cell.source, re.MULTILINE) if cell.kind == "markdown" else None
        if heading:
            return heading[1]
    return source.name.replace("_", " ").capitalize()


def wants_gpu(source: Source, marks: Iterable[Mapping[str, Any]]) -> bool:
    """Declared by ours. For a foreign notebook: its metadata shows one of the `marks` (what platforms write for a GPU),
    or it imports a GPU framework."""
    if source.ours:
        return source.needs.get("gpu", "optional") != "none"
    if any(_shares_a_leaf(source.metadata, mark) for mark in marks):
        return True
    code = "\n".join(c.source for c in source.cells if c.kind == "code")
    return bool(re.search(r"^\s*(import|from) +(torch|tensorflow|jax|cupy|diffusers|keras)\b", code, re.MULTILINE))


def _shares_a_leaf(metadata: Any, mark: Any) -> bool:
    if isinstance(mark, Mapping):
        return isinstance(metadata, Mapping) and any(_shares_a_leaf(metadata.get(k), v) for k, v in mark.items())
    return metadata == mark


def _story(source: Source, platform: Platform, context: Mapping[str, Any]) -> tuple[list[Cell], list[Problem]]:
    """The cells after setup: the source's own, its slots filled, its conditions decided; finish is always there."""
    cells: list[Cell] = []
    problems: list[Problem] = []
    slots = [c.slot for c in source.cells]
    for cell in source.cells:
        if cell.is_settings or cell.slot in ("title", "bootstrap", "setup"):
            continue
        if cell.only_if and not _holds(cell, platform, problems):
            continue
        try:
            if cell.slot in platform.cells:  # else the platform does here what the source does
                cells += [t.render(context) for t in platform.cells[cell.slot]]
            elif cell.kind == "markdown" and source.front.get("jinja"):
                cells.append(replace(cell, source=_template(cell).render(context)))
            else:
                cells.append(cell)
        except Refused as refused:
            problems += refused.problems
    if "finish" not in slots:
        cells += [t.render(context) for t in platform.cells.get("finish", ())]
    return cells, problems


def fitting_title(source: Source, platform: Platform) -> str:
    """The title; a stranger's is cut or lengthened to what the platform takes (ours is held to it by a lint)."""
    title, limits = title_of(source), platform.profile["notebook"]
    if source.ours:
        return title
    if len(title) < limits.get("title_min", 0):
        title += " notebook"
    longest = limits.get("title_max", len(title))
    return title if len(title) <= longest else title[:longest].rpartition(" ")[0] or title[:longest]


@functools.cache
def _template(cell: Cell) -> Template:
    return Template(cell.source, cell.origin.file, cell.origin.line)


def _holds(cell: Cell, platform: Platform, problems: list[Problem]) -> bool:
    wanted = not cell.only_if.startswith("not ")
    name = cell.only_if.removeprefix("not ").strip()
    if name not in CAPABILITIES:
        marker = Origin(cell.origin.file, max(cell.origin.line - 1, 1))
        problems.append(Problem(marker, f"unknown capability '{name}'{did_you_mean(name, CAPABILITIES)}"))
        return False
    return platform.has(name) is wanted


def _settings_cell(source: Source, platform: Platform, context: Mapping[str, Any]) -> tuple[Cell | None, list[Problem]]:
    """The one settings cell: the source's, with the platform's own settings below."""
    found = [c for c in source.cells if c.is_settings]
    if len(found) > 1:
        first, second = found[0].origin, found[1].origin
        what = (
            f"a second parameters cell (the first is at line {first.line}); papermill injects after one only; join them"
        )
        return None, [Problem(second, what)]
    extra = [cell.render(context) for cell in platform.cells.get("settings", ())]
    cells = [*found, *extra]
    if not cells:
        return None, []
    problems = [problem for cell in cells for problem in _read_settings(cell)[1]]
    body, origin = "\n".join(cell.source for cell in cells), cells[0].origin
    body = settings.form(body) if platform.has("forms") else settings.plain(body)
    if platform.has("forms") and not body.startswith("#@title"):
        body, origin = "#@title Settings\n" + body, Origin(origin.file, origin.line - 1)
    return Cell("code", body, origin, "Settings", metadata={"tags": ["parameters"]}), problems


_read_settings = functools.cache(settings.read)


def settings_of(source: Source) -> list[settings.Setting]:
    """The settings that a source declares, [] without a parameters cell."""
    return next((_read_settings(c)[0] for c in source.cells if c.is_settings), [])


@functools.cache
def _shared_template(name: str) -> Template:
    return Template((_SHARED / name).read_text(encoding="utf-8"), f"anylab/templates/{name}")


def _generated(name: str, context: Mapping[str, Any], origin: Origin, kind: str, title: str = "") -> Cell:
    body = _shared_template(name).render(context).strip("\n")
    code = body if kind == "code" else ""
    return Cell(kind, body, origin, title, collapse=kind == "code", python=code, made=True)
