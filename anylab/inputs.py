"""Read what a project is made of: its sources, its platform folders, its library."""

from __future__ import annotations

from anylab import library, platforms, render, source, templating
from anylab.errors import Origin, Problem, Refused, refuse
from anylab.platforms import Platform
from anylab.project import Project, source_files, walk
from anylab.source import Source


def read_all(
    project: Project, problems: list[Problem]
) -> tuple[list[Source], list[Platform], dict[str, library.Module]]:
    """Sources, platform folders, and the library; `problems` takes what is wrong with them."""
    for folder, what in ((project.sources, "sources"), (project.platforms, "platforms")):
        if not folder.is_dir():
            raise refuse(Origin(str(folder)), f"no such folder of {what}")
        for _ in walk(folder, folder.name):
            pass  # refuses links that leave the tree before anything is read through them
    for folder, shown in project.lib_folders[1:]:
        for _ in walk(folder, shown) if folder.is_dir() else ():
            pass
    sources = []
    for path, name in source_files(project):
        try:
            sources.append(source.read(path, name))
        except Refused as refused:
            problems += refused.problems
    folders: list[Platform] = []
    modules: dict[str, library.Module] = {}
    try:
        folders = platforms.load_folders(project.platforms, project.platforms.name)
    except Refused as refused:
        problems += refused.problems
    try:
        modules = library.load(project.lib_folders)
    except Refused as refused:
        problems += refused.problems
    if problems and not (folders and modules):
        raise Refused(problems)
    try:
        modules |= platforms.shared_modules(folders, modules)
    except Refused as refused:
        problems += refused.problems
    return sources, folders, modules


def same_titles(sources: list[Source]) -> list[Problem]:
    """Two of ours with one title would get one address where a platform makes it from the title."""
    first: dict[str, Source] = {}
    problems = []
    for src in (s for s in sources if s.ours):
        other = first.setdefault(templating.slug(render.title_of(src)), src)
        if other is not src:
            problems.append(Problem(src.at("title"), f"has the same title as {other.file}; give it another"))
    return problems
