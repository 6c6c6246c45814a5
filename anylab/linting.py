"""Which rules are asked about what: the steps of a build, and the pages of the project.

A build and `check` ask all rules about sources, library modules and variants; `check` and `lint` also look at the pages
(README, CONTRIBUTING, docs, verified), which no build reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from anylab import lint, text
from anylab.errors import Problem, Refused
from anylab.lint import Collection, Document, Page, Variant
from anylab.project import Project

if TYPE_CHECKING:  # `check` looks at pages where nothing is compiled: nothing heavy is imported for them
    from anylab.cell import Cell
    from anylab.library import Library
    from anylab.platforms import Platform
    from anylab.source import Source
    from anylab.work import Known

REQUIREMENT = "source/requirement"  # a rule whose finding no command can plan with: bad input
Found = tuple[list[Problem], list[Problem]]  # errors, warnings


def around(
    project: Project,
    folders: Iterable[Platform],
    modules: Library,
    planned: frozenset[str],
    known: Known | None = None,
) -> Collection:
    """What rules may ask about beside the thing that they look at."""
    packages = frozenset(name.partition(".")[0] for name in modules)
    cards = frozenset(known.cards.data if known and known.cards else ())
    return Collection(packages, tuple(folders), modules, project, planned, known.files if known else (), cards)


def of_sources(sources: Iterable[Source], collection: Collection) -> Found:
    """What is found in sources and their cells; in notebook files also in what a build leaves out of them."""
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for source in sources:
        parts = [("source", source)]
        if source.path.suffix == ".ipynb":
            parts.append(("document", Document(source.file, json.loads(text.read(source.path, source.file)))))
        for kind, thing in parts:
            more, told = lint.findings(kind, thing, collection, ours=source.ours)
            errors, warnings = errors + more, warnings + told
    return errors, warnings


def of_modules(collection: Collection) -> list[Problem]:
    """What is found in the library, in what platforms put in the place of its modules, in templates and in facts."""
    from anylab import carried

    modules = collection.modules
    problems = [p for module in modules.values() for p in lint.findings("module", module, collection)[0]]
    problems += [p for folder in collection.platforms for p in lint.findings("platform", folder, collection)[0]]
    holders = (*collection.platforms, *collection.facts)
    problems += [p for holder in holders for p in lint.findings("facts", holder, collection)[0]]
    for platform in (p for p in collection.platforms if p.has_variants):
        try:
            own = carried.overlaid(platform, modules)
        except Refused as refused:
            problems += refused.problems
            continue
        for name in platform.overlays.keys() & modules.keys():
            problems += lint.findings("module", own[name], collection)[0]
    return problems


def of_variant(
    source: Source, platform: Platform, cells: list[Cell], beside: Mapping[str, str], collection: Collection
) -> Found:
    """What is found in one variant."""
    return lint.findings("variant", Variant(source, platform, cells, beside), collection, ours=source.ours)


def of_pages(project: Project, planned: frozenset[str]) -> list[Problem]:
    """What is found on the project's pages; `planned` are the paths below dist that a build writes."""
    collection = Collection(project=project, planned=planned)
    return [p for page in pages(project) for p in lint.findings("page", page, collection)[0]]


def pages(project: Project) -> Iterable[Page]:
    """README, CONTRIBUTING, docs and verified; nothing where other sources are tried out."""
    paths = [p for pattern in ("*.md", "docs/*.md", "verified/*.md") for p in sorted(project.root.glob(pattern))]
    for path in paths if project.is_whole else ():
        shown = path.relative_to(project.root).as_posix()
        yield Page(shown, text.read(path, shown))


def of_requirements(sources: Iterable[Source], collection: Collection, *more: str) -> list[Problem]:
    """The requirements of ours that do not parse, and what `more` rules find: nothing can be planned with these."""
    found = [p for s in sources if s.ours for p in lint.findings("source", s, collection)[0]]
    return [p for p in found if p.rule in (REQUIREMENT, *more)]
