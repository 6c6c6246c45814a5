"""What `lint` prints: everything that rules find about chosen notebooks and platforms, and the pages when all are asked
for. Only `lint --online` touches a network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from anylab import compile, linting
from anylab import pairs as pairing
from anylab.built import Build
from anylab.errors import Problem
from anylab.pairs import Pair
from anylab.project import Project


@dataclass(frozen=True)
class Finding:
    """One line of `lint`."""

    severity: str  # "error" or "warning"
    problem: Problem

    @property
    def file(self) -> str:
        """The file; a cell of a notebook file counts to its file."""
        return self.problem.origin.file.partition(" cell ")[0]

    def data(self) -> dict[str, Any]:
        """As JSON has it."""
        told = {"severity": self.severity, "rule": self.problem.rule, "what": self.problem.what}
        return told | asdict(self.problem.origin)


def run(
    project: Project, notebooks: tuple[str, ...], only: tuple[str, ...], online: bool
) -> tuple[list[Finding], list[Problem]]:
    """Everything that rules find about these notebooks and platforms; the pages too, when none is named. And what
    cannot be compiled at all: the rest of the notebooks is looked at all the same.

    Raises Refused for an unknown name, and where nothing can be read.
    """
    build, problems = compile.examine(project, lambda pair: pairing.is_chosen(pair, notebooks, only))
    pairs = [p for p in pairing.select(build.pairs, notebooks, only) if p.path in build.rendered]
    refused = [p for p in problems if p.rule in ("", linting.REQUIREMENT)]
    problems = [p for p in problems if p not in refused]
    told = [] if notebooks or only else list(linting.pages(project))
    problems += linting.of_pages(project, pairing.planned(build.pairs)) if told else []
    if online:
        from anylab import online as web

        errors, more = web.check(build, pairs, told)
        problems, build.warnings = problems + errors, build.warnings + more
    files = _files(build, pairs) if notebooks or only else None
    found = [Finding("error", p) for p in problems] + [Finding("warning", p) for p in build.warnings]
    found = [f for f in dict.fromkeys(found) if files is None or f.file in files]
    found = sorted(found, key=lambda f: (f.file, f.problem.origin.line, f.problem.rule))
    return found, list(dict.fromkeys(refused))


def _files(build: Build, pairs: list[Pair]) -> set[str]:
    """The files that these variants are made from."""
    files = {p.source.file for p in pairs} | {template.file for p in pairs for template in p.platform.files.values()}
    return files | {cell.origin.file.partition(" cell ")[0] for p in pairs for cell in build.rendered[p.path][0]}
