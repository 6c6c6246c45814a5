"""A notebook and a platform: whether there is a variant of one for the other, where it goes, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from anylab.errors import Origin, Problem, did_you_mean, refuse

if TYPE_CHECKING:  # an unchanged build imports nothing heavy
    from anylab.platforms import Platform
    from anylab.project import Project
    from anylab.source import Source


@dataclass(frozen=True)
class Pair:
    """A notebook and a platform: `path` below dist when compiled, else the reason why not."""

    source: Source
    platform: Platform
    path: str
    reason: str = ""


def of(src: Source, platform: Platform) -> Pair:
    """The pair, and where its variant goes."""
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


def unknown_platforms(src: Source, targets: list[Platform]) -> list[Problem]:
    """What is wrong with the platforms that a notebook lists."""
    known = {p.id for p in targets}
    return [
        Problem(src.at("platforms", i), f"unknown platform '{name}'{did_you_mean(name, known)}")
        for i, name in enumerate(src.front.get("platforms") or [])
        if name not in known
    ]


def planned(pairs: list[Pair]) -> frozenset[str]:
    """The paths below dist of everything that a build writes."""
    made = [p for p in pairs if p.path]
    beside = (f"{p.path.rpartition('/')[0]}/{name}" for p in made for name in p.platform.files)
    return frozenset(["manifest.json", *(p.path for p in made), *beside])


def select(pairs: list[Pair], notebooks: tuple[str, ...], only: tuple[str, ...]) -> list[Pair]:
    """The compiled pairs of these notebooks and platforms (none named: all). Raises Refused for an unknown name."""
    known = {"notebook": {p.source.name for p in pairs}, "platform": {p.platform.id for p in pairs}}
    for kind, names in (("notebook", notebooks), ("platform", only)):
        for name in names:
            if name not in known[kind]:
                raise refuse(Origin(name), f"no such {kind}{did_you_mean(name, known[kind])}")
    return [p for p in pairs if p.path and is_chosen(p, notebooks, only)]


def is_chosen(pair: Pair, notebooks: tuple[str, ...], only: tuple[str, ...]) -> bool:
    """True for a pair of these notebooks and platforms (none named: all)."""
    return (not notebooks or pair.source.name in notebooks) and (not only or pair.platform.id in only)


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
