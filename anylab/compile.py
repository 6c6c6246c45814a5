"""Compile everything: project -> what a build writes, and what was left out.

All faults of all sources and platforms are found before the first file is handed out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anylab import inputs, library, linting, pictures, planning, render, verified, work
from anylab import pairs as pairing
from anylab.built import Build
from anylab.cell import Cell
from anylab.errors import Problem, Refused
from anylab.pairs import Pair
from anylab.project import Project


def compile_all(project: Project) -> Build:
    """Read and render everything. Raises Refused with every fault found."""
    build, problems = examine(project)
    if problems:
        raise Refused(problems)
    return build


def examine(project: Project, chosen: Callable[[Pair], bool] = lambda pair: True) -> tuple[Build, list[Problem]]:
    """The same, and the faults beside it; lints look at the `chosen` pairs. Raises Refused when nothing can be read."""
    problems: list[Problem] = []
    sources, folders, modules = inputs.read_all(project, problems)
    targets = [p for p in folders if p.has_variants]
    pairs = [pairing.of(src, platform) for src in sources for platform in targets]
    for src in sources:
        problems += pairing.unknown_platforms(src, targets)
    known = work.read(project, problems)
    around = linting.around(project, folders, modules, pairing.planned(pairs), known)
    errors, warnings = linting.of_sources(sources, around)
    problems += [*errors, *linting.of_modules(around), *inputs.same_titles(sources)]
    plans, unread = planning.plans(project, [p for p in pairs if p.path], problems)
    warnings += unread
    shared = _shared(project, pairs, modules, plans, problems)
    rendered: dict[str, tuple[list[Cell], dict[str, str]]] = {}
    for pair in (p for p in pairs if p.path):
        try:
            rendered[pair.path] = cells, beside = render.render(pair.source, pair.platform, shared)
        except Refused as refused:
            problems += refused.problems
            continue
        if chosen(pair):
            errors, more = linting.of_variant(pair.source, pair.platform, cells, beside, around)
            problems += errors
            warnings += more
    return Build(project, pairs, rendered, shared, list(dict.fromkeys(warnings)), folders, known), problems


def _shared(
    project: Project, pairs: list[Pair], modules: library.Library, plans: planning.Plans, problems: list[Problem]
) -> render.Shared:
    marks = [p.profile["notebook"].get("gpu", {}) for p in {id(p.platform): p.platform for p in pairs}.values()]
    sources = {id(pair.source): pair.source for pair in pairs}.values()
    gpu = frozenset(src.name for src in sources if render.wants_gpu(src, marks))
    links: dict[str, dict[str, dict[str, str]]] = {p.source.name: {} for p in pairs}
    for pair in pairs:
        if pair.path:
            links[pair.source.name][pair.platform.id] = pairing.link_of(project, pair, pair.source.name in gpu)
    siblings: dict[str, list[Mapping[str, Any]]] = {}
    for pair in pairs:
        if pair.path:
            detect = pair.platform.profile.get("detect", {})
            link = links[pair.source.name][pair.platform.id]["link"]
            mark = (pair.platform.name, detect.get("env", ""), detect.get("folder", ""), link)
            entry = {"id": pair.platform.id, "rank": detect.get("rank", 100), "mark": mark}
            if detect:
                siblings.setdefault(pair.source.name, []).append(entry)
    known = {"notebook": {src.name for src in sources}, "platform": {p.platform.id for p in pairs}}
    return render.Shared(
        modules,
        project.repository,
        project.branch,
        links,
        {name: tuple(sorted(entries, key=lambda e: e["rank"])) for name, entries in siblings.items()},
        verified.read(project, problems, known) if project.is_whole else {},
        {src.name: pictures.as_data(project, src, problems) for src in sources},
        gpu,
        plans,
    )
