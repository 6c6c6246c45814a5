"""Find things: the project's root and settings, its sources, platforms, library, reports; and which pairs exist.

Nothing is read twice and nothing outside the given folders is read; a symbolic link that leaves its tree is refused.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anylab.errors import Origin, Refused, did_you_mean, refuse

REPOSITORY = re.compile(r"[\w-][\w.-]*/(?!\.)[\w.-]+")
# what git check-ref-format allows, and no quote, since it stands in quotes in pyproject.toml
BRANCH = re.compile(r"(?![-/])(?!.*(?:\.\.|//|@\{|/\.|\.lock$))[^\s~^:?*\[\\\"]+(?<![/.])")


@dataclass(frozen=True)
class Project:
    """Where everything is. `sources`, `platforms` and `out` may be overridden from the command line."""

    root: Path
    sources: Path
    platforms: Path
    out: Path
    repository: str  # OWNER/NAME of the declared home
    branch: str

    @property
    def is_whole(self) -> bool:
        """True when nothing was overridden, so that README.md and verified/ belong to this build."""
        root = self.root
        return (self.sources, self.platforms, self.out) == (root / "notebooks-src", root / "platforms", root / "dist")

    @property
    def owns_out(self) -> bool:
        """False when other sources or platforms are tried out into the project's own dist/: nothing is removed then."""
        return self.is_whole or self.out != self.root / "dist"

    @property
    def lib_folders(self) -> list[tuple[Path, str]]:
        """The library beside the sources, then the project's own."""
        own = self.root / "notebooks-src" / "lib"
        beside = self.sources / "lib"
        folders = [(beside, f"{self.sources.name}/lib")]
        return folders if beside == own else [*folders, (own, "notebooks-src/lib")]


def find_root(start: Path) -> Path:
    """The nearest folder above `start` whose pyproject.toml has a [tool.anylab] table, else this checkout's."""
    home = Path(__file__).resolve().parent.parent
    for folder in (*[start, *start.parents], home):
        file = folder / "pyproject.toml"
        if file.is_file() and "[tool.anylab]" in file.read_text(encoding="utf-8", errors="replace"):
            return folder
    raise refuse(Origin(str(start)), "no Anylab project here or above (a pyproject.toml with [tool.anylab])")


def open_project(
    root: Path, sources: Path | None = None, platforms: Path | None = None, out: Path | None = None
) -> Project:
    """The project at `root`. Raises Refused when its settings are missing or malformed."""
    settings = read_settings(root)
    target = (out or root / "dist").resolve()
    if root.resolve().is_relative_to(target) or target.is_relative_to(Path(__file__).resolve().parent):
        raise refuse(
            Origin(str(out)), "holds the project itself, and a build fills a folder of its own; choose another"
        )
    for kind, folder in (
        ("sources", sources or root / "notebooks-src"),
        ("platforms", platforms or root / "platforms"),
    ):
        if target.is_relative_to(folder.resolve()):
            raise refuse(
                Origin(str(out)), f"lies in the folder of {kind}, which a build never writes to; choose another"
            )
    return Project(
        root,
        (sources or root / "notebooks-src").resolve(),
        (platforms or root / "platforms").resolve(),
        Path(os.path.abspath(out or root / "dist")),
        settings["repository"],
        settings["branch"],
    )


def read_settings(root: Path) -> Mapping[str, Any]:
    """[tool.anylab] of pyproject.toml: `repository` (OWNER/NAME) and `branch`."""
    path = root / "pyproject.toml"
    try:
        content = path.read_text(encoding="utf-8")
        table = tomllib.loads(content).get("tool", {}).get("anylab", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise refuse(Origin("pyproject.toml"), f"cannot be read: {error}") from None
    line = next((n for n, text in enumerate(content.split("\n"), 1) if text.strip() == "[tool.anylab]"), 1)
    unknown = sorted(set(table) - {"repository", "branch"})
    if unknown:
        known = did_you_mean(unknown[0], ["repository", "branch"])
        raise refuse(Origin("pyproject.toml", line), f"unknown key '{unknown[0]}' in [tool.anylab]{known}")
    repository, branch = table.get("repository", ""), table.get("branch", "main")
    if not isinstance(repository, str) or not REPOSITORY.fullmatch(repository):
        raise refuse(Origin("pyproject.toml", line), '[tool.anylab] needs repository = "OWNER/NAME"')
    if not isinstance(branch, str) or not BRANCH.fullmatch(branch):
        raise refuse(Origin("pyproject.toml", line), "[tool.anylab] branch must be the name of a git branch")
    return {"repository": repository, "branch": branch}


def walk(folder: Path, shown: str) -> Iterator[tuple[Path, str]]:
    """Every file below `folder` as (path, shown name), sorted. Refuses links that leave it; skips caches and hidden."""
    base = os.path.realpath(folder)

    def visit(path: str, name: str) -> Iterator[tuple[Path, str]]:
        for entry in sorted(os.scandir(path), key=lambda e: e.name):
            if entry.name.startswith(".") or entry.name == "__pycache__" or entry.name.endswith(".pyc"):
                continue
            inner = f"{name}/{entry.name}"
            if entry.is_symlink():
                target = os.path.realpath(entry.path)
                if target != base and not target.startswith(base + os.sep):
                    raise refuse(Origin(inner), "is a symbolic link that leaves the folder; copy the file instead")
                if os.path.isdir(target):
                    raise refuse(Origin(inner), "is a symbolic link to a folder; copy the files instead")
            if entry.is_dir(follow_symlinks=False):
                yield from visit(entry.path, inner)
            elif entry.is_file():
                yield Path(entry.path), inner
            elif entry.is_symlink():
                raise refuse(Origin(inner), "is a symbolic link to nothing; remove it")

    try:
        yield from visit(str(folder), shown)
    except OSError as error:
        inside = os.path.relpath(error.filename, folder) if error.filename else "."
        name = shown if inside == "." else f"{shown}/{Path(inside).as_posix()}"
        raise refuse(Origin(name), f"cannot be read: {error.strerror}") from None


def source_files(project: Project) -> list[tuple[Path, str]]:
    """The source files directly in the sources folder. Raises Refused on two of one name."""
    from anylab.source import SUFFIXES

    folder, shown = project.sources, project.sources.name
    found: dict[str, str] = {}
    files, problems = [], []
    for path in sorted(folder.iterdir()):
        if path.suffix not in SUFFIXES or path.name.startswith((".", "_")) or not path.is_file():
            continue
        if path.stem == "README" or path.name == "conftest.py":
            continue
        name = f"{shown}/{path.name}"
        if path.stem in found:
            what = f"has the same name as {found[path.stem]}; two sources cannot share one, rename one of them"
            problems += refuse(Origin(name), what).problems
        found[path.stem] = name
        files.append((path, name))
    if problems:
        raise Refused(problems)
    return files
