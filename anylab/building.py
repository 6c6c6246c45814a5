"""`build` and `check`: the same computation with another last step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from anylab import cache, pairs, write
from anylab.catalog import readme
from anylab.errors import Problem
from anylab.project import Project

if TYPE_CHECKING:  # at run time only where something must be compiled: an unchanged build imports nothing heavy
    from anylab.built import Build

DIFF_LINES = 12


@dataclass
class Report:
    """What build or check has to say."""

    outcome: write.Outcome
    left_out: list[str] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    from_cache: bool = False
    drift: dict[str, list[str]] = field(default_factory=dict)  # file -> a short diff
    pages: list[Problem] = field(default_factory=list)  # what is found in README and docs, which no build reads


def build(project: Project, notebooks: Iterable[str] = (), only: Iterable[str] = ()) -> Report:
    """Compile everything and write what differs; `notebooks` and `only` (platforms) limit what is written."""
    notebooks, only = tuple(notebooks), tuple(only)
    key = cache.key_of(project)
    if not (notebooks or only):
        report = _unchanged(project, key)
        if report:
            return report
    from anylab.compile import compile_all

    compiled = compile_all(project)
    wanted = _wanted(compiled, notebooks, only) if notebooks or only else None
    outcome = write.write(_targets(compiled), project.out, project.root, wanted, project.owns_out)
    if not (notebooks or only):
        cache.store(project, key, outcome.hashes, _left_out(compiled), compiled.warnings)
    return Report(outcome, _left_out(compiled), compiled.warnings)


def check(project: Project) -> Report:
    """Would a build change anything? Writes nothing outside the cache."""
    from anylab import linting

    key = cache.key_of(project)
    report = _unchanged(project, key) or _compared(project, key)
    written = frozenset(Path(path).relative_to(project.out).as_posix() for path in report.outcome.hashes
                        if Path(path).is_relative_to(project.out))  # fmt: skip
    report.pages = linting.of_pages(project, written)
    return report


def _compared(project: Project, key: str) -> Report:
    """What is on disk against what a build would write."""
    from anylab.compile import compile_all

    compiled = compile_all(project)
    report = Report(write.Outcome(), _left_out(compiled), compiled.warnings)
    for path, data in _targets(compiled):
        report.outcome.hashes[str(path)] = digest = hashlib.sha256(data).hexdigest()
        if cache.sha256_of(path) == digest:
            report.outcome.unchanged += 1
        else:
            report.drift[write.shown(path, project.root)] = _diff(path, data)
    report.outcome.orphans = [write.shown(p, project.root) for p in write.orphans(project.out, report.outcome.hashes)]
    if not report.drift and not report.outcome.orphans:
        cache.store(project, key, report.outcome.hashes, report.left_out, report.warnings)
    return report


def _unchanged(project: Project, key: str) -> Report | None:
    """A report without work: the inputs are known, and every output is on disk with the bytes that belong there."""
    expected, left_out, warnings = cache.load(project, key) or (None, [], [])
    if expected is None or any(cache.sha256_of(Path(p)) != digest for p, digest in expected.items()):
        return None
    if write.orphans(project.out, expected) or write.stage_of(project.out).exists():
        return None
    return Report(write.Outcome(unchanged=len(expected), hashes=expected), left_out, warnings, from_cache=True)


def _targets(compiled: Build) -> Iterator[tuple[Path, bytes]]:
    """Every output file with its bytes, README included when the project builds itself; the manifest last."""
    project = compiled.project
    last = None
    for path, data in outputs(compiled):
        if path == "manifest.json":
            last = (project.out / path, data)
        else:
            yield project.out / path, data
    if project.is_whole:
        from anylab.render import title_of

        titles = {p.source.name: title_of(p.source) for p in compiled.pairs}
        page = readme.updated(
            project.root, readme.table(compiled.pairs, compiled.shared.links, compiled.shared.verified, titles)
        )
        if page is not None:
            yield project.root / "README.md", page
    assert last
    yield last


def outputs(compiled: Build) -> Iterator[tuple[str, bytes]]:
    """(path below dist, bytes) of everything that a build writes there; the manifest last."""
    return compiled.files(_pages(compiled))


def _pages(compiled: Build) -> Iterator[tuple[str, bytes]]:
    """The guide and the page, where the project builds itself: like the README they tell of the whole collection."""
    if compiled.project.is_whole:
        from anylab.catalog import guide

        yield from guide.files(compiled)


def _wanted(compiled: Build, notebooks: tuple[str, ...], only: tuple[str, ...]) -> set[Path]:
    wanted = set()
    for pair in pairs.select(compiled.pairs, notebooks, only):
        path = compiled.project.out / pair.path
        wanted |= {path, *(path.parent / name for name in pair.platform.files)}
    return wanted


def _left_out(compiled: Build) -> list[str]:
    return [f"{p.source.name} for {p.platform.id}: {p.reason}" for p in compiled.pairs if not p.path]


def _diff(path: Path, data: bytes) -> list[str]:
    """A short unified diff of what is on disk against what a build would write."""
    import difflib

    if not path.exists():
        return ["(missing)"]
    try:
        old = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return ["(not readable as text)"]
    lines = list(
        difflib.unified_diff(old, data.decode("utf-8").split("\n"), "on disk", "from the sources", "", "", 1, "")
    )
    more = [f"... {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return [line[:160] for line in lines[:DIFF_LINES]] + more
