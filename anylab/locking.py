"""`lock`: which locks the notebooks want, made, kept or removed. The resolving itself stands in `resolve`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anylab import install, linting, locks, resolve
from anylab.errors import Origin, Problem, Refused, did_you_mean, refuse
from anylab.inputs import read_all
from anylab.pairs import why_not
from anylab.platforms import Platform
from anylab.project import Project
from anylab.source import Source

ELSEWHERE = "a platform whose image nobody lists"


def run(project: Project, notebooks: Iterable[str], only: Iterable[str]) -> Iterator[str]:
    """Make the locks of these notebooks and platforms (none named: all); a line for each as it is done.

    Raises Refused at the end with all that cannot be resolved.
    """
    notebooks, only, problems = tuple(notebooks), tuple(only), []
    sources, targets = _read(project)
    for kind, names, known in (
        ("notebook", notebooks, {s.name for s in sources}),
        ("platform", only, {p.id for p in targets}),
    ):
        for name in names:
            if name not in known:
                raise refuse(Origin(name), f"no such {kind}{did_you_mean(name, known)}")
    wanted = set()
    for source in sources:
        for key, platform in _places(source, targets).items():
            name = locks.name_of(source.name, key)
            wishes = install.wishes(source)
            if not install.wanted(wishes, platform.image):
                continue
            wanted.add(name)
            chosen = not only or platform.id in only or (not key and any(p.id in only and not p.image for p in targets))
            if (notebooks and source.name not in notebooks) or not chosen:
                continue
            try:
                yield _one(project, source, key, platform, wishes)
            except Refused as refused:
                problems += refused.problems
    for name in locks.stored(project.sources):
        if name not in wanted and not notebooks and not only:
            (project.sources / locks.FOLDER / name).unlink()
            yield f"removed   {project.sources.name}/{locks.FOLDER}/{name} (nothing wants it)"
    if problems:
        raise Refused(problems)


def _one(project: Project, source: Source, key: str, platform: Platform, wishes: tuple) -> str:
    name = locks.name_of(source.name, key)
    path, shown = project.sources / locks.FOLDER / name, f"{project.sources.name}/{locks.FOLDER}/{name}"
    try:
        old = locks.read(path, shown)
    except Refused:  # broken: made anew
        old = None
    question = resolve.Question(wishes, platform.image, old)
    content = resolve.locked(source.name, question, key, platform.name if key else ELSEWHERE)
    if path.is_file() and path.read_bytes() == content.encode():
        return f"unchanged {shown}"
    locks.write(path, content)
    return f"wrote     {shown}"


def _places(source: Source, targets: Iterable[Platform]) -> dict[str, Platform]:
    """The platforms that a notebook is locked for: each with a list, and one for all that have none."""
    if not (source.front.get("packages") or source.front.get("no_deps")):
        return {}
    return {(p.id if p.image else ""): p for p in targets if not why_not(source, p)}


def _read(project: Project) -> tuple[list[Source], list[Platform]]:
    """Sources and platforms, without what a build would refuse in their requirements."""
    problems: list[Problem] = []
    sources, folders, modules = read_all(project, problems)
    targets = [p for p in folders if p.has_variants]
    around = linting.around(project, folders, modules, frozenset())
    problems += linting.of_requirements(sources, around, "source/library-as-requirement")
    for platform in targets:
        try:
            for source in sources:
                if source.ours and not why_not(source, platform):
                    problems += install.refusals(install.wishes(source), platform)
        except Refused as refused:  # its list is none
            problems += refused.problems
    if problems:
        raise Refused(problems)
    return sources, targets
