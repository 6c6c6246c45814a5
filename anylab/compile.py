"""Compile everything: project -> (path, bytes) of every file below dist, and what was left out.

All faults of all sources and platforms are found before the first file is handed out. Files are handed out one at a
time, so that twelve hundred variants never stand in memory together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from anylab import (
    __version__,
    emit,
    library,
    linting,
    pictures,
    planning,
    platforms,
    render,
    source,
    templating,
    verified,
    work,
)
from anylab.cell import Cell
from anylab.errors import Origin, Problem, Refused, did_you_mean, refuse
from anylab.platforms import Platform
from anylab.project import Project, source_files, walk
from anylab.source import Source


@dataclass(frozen=True)
class Pair:
    """A notebook and a platform: `path` below dist when compiled, else the reason why not."""

    source: Source
    platform: Platform
    path: str
    reason: str = ""


@dataclass
class Build:
    """A compiled collection, not yet written."""

    project: Project
    pairs: list[Pair]
    rendered: dict[str, tuple[list[Cell], dict[str, str]]]  # path -> cells, and the files beside by name
    shared: render.Shared
    warnings: list[Problem]
    folders: list[Platform]  # every platform folder, those without variants too
    known: work.Known  # the cards, and the work of notebooks

    def files(self, pages: Iterable[tuple[str, bytes]] = ()) -> Iterator[tuple[str, bytes]]:
        """(path below dist, bytes) of every file, `pages` among them; the manifest last."""
        variants = []
        for pair in self.pairs:
            if pair.path:
                entry, files = self._variant(pair)
                variants.append(entry)
                yield from files
        hashes = {}
        for path, data in pages:
            hashes[path] = hashlib.sha256(data).hexdigest()
            yield path, data
        manifest = {
            "generator": f"anylab {__version__}",
            "note": "Written by `python build.py`; do not edit. Information, not evidence: check hashes every file.",
            "variants": variants,
            **({"pages": hashes} if hashes else {}),
        }
        yield "manifest.json", (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()

    def variant_files(self, pair: Pair) -> list[tuple[str, bytes]]:
        """(path below dist, bytes) of one variant and the files beside it."""
        return self._variant(pair)[1]

    def _variant(self, pair: Pair) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
        """The manifest's entry of one variant, and its files."""
        src, platform = pair.source, pair.platform
        note = {"generated_from": src.file, "note": f"Do not edit: edit {src.file} and run python build.py"}
        note |= {"variant": f"{src.name}/{platform.id}", "version": render.VERSION}
        cells, beside = self.rendered[pair.path]
        data = emit.notebook(src, platform, cells, note, src.name in self.shared.gpu)
        version = f"{__version__}+{hashlib.sha256(data).hexdigest()[:8]}"
        if src.ours:
            data = data.replace(render.VERSION.encode(), version.encode())
        else:  # in the metadata, which come last; a stranger's cell may say what it likes
            before, _, after = data.rpartition(render.VERSION.encode())
            data = before + version.encode() + after
        entry = {"notebook": src.name, "platform": platform.id, "path": pair.path, "source": src.file}
        entry |= {"version": version, "sha256": hashlib.sha256(data).hexdigest(), "beside": {}}
        files = [(pair.path, data)]
        for name, text_beside in beside.items():
            file = text_beside.replace(render.VERSION, version).encode()
            entry["beside"][name] = hashlib.sha256(file).hexdigest()
            files.append((f"{pair.path.rpartition('/')[0]}/{name}", file))
        return entry, files


def compile_all(project: Project) -> Build:
    """Read and render everything. Raises Refused with every fault found."""
    build, problems = examine(project)
    if problems:
        raise Refused(problems)
    return build


def examine(project: Project, chosen: Callable[[Pair], bool] = lambda pair: True) -> tuple[Build, list[Problem]]:
    """The same, and the faults beside it; lints look at the `chosen` pairs. Raises Refused when nothing can be read."""
    problems: list[Problem] = []
    sources, folders, modules = read_all(project, problems)
    targets = [p for p in folders if p.has_variants]
    pairs = [_pair(src, platform) for src in sources for platform in targets]
    for src in sources:
        problems += _unknown_platforms(src, targets)
    known = work.read(project, problems)
    around = linting.around(project, folders, modules, planned(pairs), known)
    errors, warnings = linting.of_sources(sources, around)
    problems += [*errors, *linting.of_modules(around), *_same_titles(sources)]
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


def planned(pairs: list[Pair]) -> frozenset[str]:
    """The paths below dist of everything that a build writes."""
    made = [p for p in pairs if p.path]
    beside = (f"{p.path.rpartition('/')[0]}/{name}" for p in made for name in p.platform.files)
    return frozenset(["manifest.json", *(p.path for p in made), *beside])


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


def _same_titles(sources: list[Source]) -> list[Problem]:
    """Two of ours with one title would get one address where a platform makes it from the title."""
    first: dict[str, Source] = {}
    problems = []
    for src in (s for s in sources if s.ours):
        other = first.setdefault(templating.slug(render.title_of(src)), src)
        if other is not src:
            problems.append(Problem(src.at("title"), f"has the same title as {other.file}; give it another"))
    return problems


def _pair(src: Source, platform: Platform) -> Pair:
    reason = why_not(src, platform)
    folder = f"{platform.id}/{src.name}" if platform.files else platform.id
    return Pair(src, platform, "" if reason else f"{folder}/{src.name}.ipynb", reason)


def why_not(src: Source, platform: Platform) -> str:
    """Why there is no variant of this notebook for this platform; '' when there is one."""
    listed = src.front.get("platforms")
    if listed is not None and platform.id not in listed:
        return "not among the platforms that it lists"
    needs = src.needs
    if needs.get("gpu") == "required" and not platform.has("gpu"):
        return "needs a GPU, the platform has none"
    required = needs.get("gpu", "optional") == "required"
    for key, words, counts in (
        ("gpu_memory_gb", "GB of GPU memory", required),
        ("compute_capability", "compute capability", required),
        ("disk_gb", "GB of disk", True),
        ("ram_gb", "GB of memory", True),
    ):
        there, wanted = platform.fact(key), needs.get(key, 0)
        if counts and isinstance(there, int | float) and wanted > there:
            return f"needs {wanted:g} {words}, the platform has {there:g}"
    return ""


def _unknown_platforms(src: Source, targets: list[Platform]) -> list[Problem]:
    known = {p.id for p in targets}
    return [
        Problem(src.at("platforms", i), f"unknown platform '{name}'{did_you_mean(name, known)}")
        for i, name in enumerate(src.front.get("platforms") or [])
        if name not in known
    ]


def _shared(
    project: Project, pairs: list[Pair], modules: library.Library, plans: planning.Plans, problems: list[Problem]
) -> render.Shared:
    marks = [p.profile["notebook"].get("gpu", {}) for p in {id(p.platform): p.platform for p in pairs}.values()]
    sources = {id(pair.source): pair.source for pair in pairs}.values()
    gpu = frozenset(src.name for src in sources if render.wants_gpu(src, marks))
    links: dict[str, dict[str, dict[str, str]]] = {p.source.name: {} for p in pairs}
    for pair in pairs:
        if pair.path:
            links[pair.source.name][pair.platform.id] = link_of(project, pair, pair.source.name in gpu)
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


def link_of(project: Project, pair: Pair, gpu: bool) -> dict[str, str]:
    """The addresses of a variant: `link` opens it, `badge` is the picture of the link ('' where there is none)."""
    opening = pair.platform.profile.get("open", {})
    path = quote(f"dist/{pair.path}")
    blob = f"https://github.com/{project.repository}/blob/{quote(project.branch, safe='')}/{path}"
    fields = {"repository": project.repository, "branch": quote(project.branch, safe=""), "path": path}
    fields |= {"blob": blob, "blob_encoded": quote(blob, safe="")}
    link = opening["link"] if gpu else opening.get("link_cpu", opening["link"])
    for key, value in fields.items():
        link = link.replace("{" + key + "}", value)
    return {
        "platform": pair.platform.id,
        "name": pair.platform.name,
        "label": opening.get("label", f"Open in {pair.platform.name}"),
        "badge": opening.get("badge", ""),
        "link": link,
        "path": f"dist/{pair.path}",
        "upload": opening.get("upload", ""),
    }
