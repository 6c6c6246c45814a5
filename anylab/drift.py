"""`drift`: what a newer list of an image's packages would mean for the notebooks. Compares, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from anylab import images, install, linting, locks
from anylab.errors import Origin, Problem, Refused, did_you_mean, refuse
from anylab.images import Image
from anylab.inputs import read_all
from anylab.install import Wish
from anylab.locks import Lock
from anylab.pairs import why_not
from anylab.platforms import Platform
from anylab.project import Project


@dataclass(frozen=True)
class Finding:
    """One thing that a newer list means for a notebook."""

    notebook: str
    what: str
    risk: bool


def compare(project: Project, newer: Path, platform: str) -> tuple[list[Finding], Image, Image]:
    """(findings, the stored list, the newer one). Raises Refused where one of them is no list."""
    problems: list[Problem] = []
    sources, folders, modules = read_all(project, problems)
    targets = [p for p in folders if p.has_variants]
    problems += linting.of_requirements(sources, linting.around(project, folders, modules, frozenset()))
    if problems:
        raise Refused(problems)
    there = _platform(targets, platform)
    stored = there.image
    if stored is None:
        what = f"{there.name} has no {images.LIST} to compare with; its image is not known, and everything is pinned"
        raise refuse(Origin(there.file), what)
    new = _judged(images.read(newer, str(newer)), stored)
    found = []
    for source in sources:
        if not why_not(source, there):
            wishes = install.wishes(source)
            name = locks.name_of(source.name, platform)
            shown = f"{project.sources.name}/{locks.FOLDER}/{name}"
            lock = locks.read(project.sources / locks.FOLDER / name, shown)
            told = [*_of(wishes, stored, new), *_of_lock(source.name, wishes, lock, stored, new, platform)]
            found += [Finding(source.name, *one) for one in told]
    return found, stored, new


def _judged(new: Image, stored: Image) -> Image:
    """The newer list with the stored one's Python where it has no head: a freeze tells none."""
    return new if new.python else replace(new, head={**new.head, "python": stored.python})


def _of_lock(
    notebook: str, wishes: tuple[Wish, ...], lock: Lock | None, stored: Image, new: Image, platform: str
) -> Iterable[tuple[str, bool]]:
    """What the newer list means for what is pinned: (in words, whether it is a risk)."""
    command = f"made anew by python build.py lock {notebook} --platform {platform}"
    if lock is None:
        if install.wanted(wishes, new):
            yield f"is not pinned for {platform} at all, so nothing is known of it; {command}", True
        return
    then, now = (image.python.rpartition(".")[0] for image in (stored, new))
    if then != now:
        yield f"{lock.file} is for Python {then}, and the list has {now}; {command}", True
    for pin in lock.pins:
        before, after = (version_of(image, pin.name) for image in (stored, new))
        where, there = f"{lock.file}:{pin.line}: {pin.name} {pin.version}", pin.name in new.packages
        if before == after:
            continue
        if pin.name in install.PROTECTED and there and after != pin.version:
            yield f"{where} would move what the list has ({before} -> {after}); {command}", True
        elif after == pin.version:
            yield f"{where} is there already ({before} -> {after}); {command}", False
        elif there:
            yield f"{where} was chosen beside another version ({before} -> {after}); {command}", True


def _platform(targets: list[Platform], name: str) -> Platform:
    for platform in targets:
        if platform.id == name:
            return platform
    raise refuse(Origin(name), f"no such platform{did_you_mean(name, [p.id for p in targets])}")


def _of(wishes: tuple[Wish, ...], stored: Image, new: Image) -> Iterable[tuple[str, bool]]:
    """What the newer list means for a notebook with these wishes: (in words, whether it is a risk)."""
    for wish in (w for w in wishes if install.applies(w, stored)):
        before, after = (install.satisfies(wish.requirement, image) for image in (stored, new))
        change = f"({version_of(stored, wish.name)} -> {version_of(new, wish.name)})"
        if before and not after and version_of(new, wish.name) == "unknown":
            yield f"'{wish.text}' cannot be judged: the newer list names no version {change}", True
        elif before and not after:
            yield f"'{wish.text}' is no longer satisfied {change}", True
        elif after and not before:
            yield f"'{wish.text}' is satisfied now {change}", False
    pinned = bool(install.wanted(wishes, stored))
    asked = {w.name for w in wishes}
    for name in install.PROTECTED if pinned else [n for n in install.PROTECTED if n in asked]:
        old, now = (image.packages[name].version if name in image.packages else "" for image in (stored, new))
        if old and now and _major(old) != _major(now):
            yield f"{name} moved by a major version ({old} -> {now})", True
        elif old and not now and (name in new.packages or name not in asked):
            yield f"{name} cannot be judged: {version_of(new, name)} in the newer list, and {old} before", True


def version_of(image: Image, name: str) -> str:
    """The version in words."""
    there = image.packages.get(name)
    return "missing" if there is None else there.version or "unknown"


def _major(version: str) -> str:
    return version.partition(".")[0]


def summary(stored: Image, new: Image) -> str:
    """How much differs, in one line."""
    both = stored.packages.keys() & new.packages.keys()
    moved = sum(stored.packages[n].version != new.packages[n].version for n in both if stored.packages[n].version)
    gone, added = len(stored.packages.keys() - both), len(new.packages.keys() - both)
    return f"{stored.file} of {stored.date} against {new.file}: {moved} moved, {gone} gone, {added} new"
