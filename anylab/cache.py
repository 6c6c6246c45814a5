"""Has anything changed? A key over every input of a build, and the hashes of every output that it gave.

Key: sources, library, platforms, templates, generator, pyproject's settings, reports, README outside its markers, and
the versions of what a build uses. The file lives in `.anylab/` (git-ignored); a missing or broken one is a miss, never
an error. It is trusted only for *which bytes are expected*: outputs are hashed on disk each time. Nothing heavy is
imported here, so that an unchanged build costs an interpreter start and some hashing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from anylab.catalog import readme
from anylab.errors import Origin, Problem, Refused
from anylab.project import Project, walk

_LIBRARIES = ("jupytext", "jinja2", "markupsafe", "pyyaml", "nbformat", "jsonschema", "markdown_it_py", "packaging")


def key_of(project: Project) -> str:
    """The key of a build's inputs, '' when they cannot all be read (the build will say why)."""
    digest = hashlib.sha256()
    trees = [(project.sources, project.sources.name), (project.platforms, project.platforms.name)]
    trees += [pair for pair in project.lib_folders[1:] if pair[0].is_dir()]
    trees += [(Path(__file__).parent, "anylab")]
    verified = project.root / "verified"
    trees += [(verified, "verified")] if verified.is_dir() else []
    try:
        for folder, shown in trees:
            for path, name in walk(folder, shown):
                digest.update(f"{name}\0".encode("utf-8", "surrogateescape"))
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    except (OSError, Refused):
        return ""
    digest.update(f"{project.repository}\0{project.branch}\0{project.is_whole}\0".encode())
    digest.update(readme.outside(project.root).encode("utf-8", "surrogateescape") if project.is_whole else b"")
    digest.update(json.dumps(_versions()).encode())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    """The versions of what a build uses, from the names of the installed `*.dist-info` folders.

    importlib.metadata would say the same, and cost more than all the rest of an unchanged build (docs/lab-log.md).
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in names:
            if entry.endswith(".dist-info"):
                name, _, version = entry.removesuffix(".dist-info").partition("-")
                found.setdefault(name.lower(), version)
    return {name: found.get(name, "") for name in _LIBRARIES}


def file_of(project: Project) -> Path:
    """The cache file of this combination of folders."""
    folders = f"{project.sources}\0{project.platforms}\0{project.out}"
    return (
        project.root
        / ".anylab"
        / f"build-{hashlib.sha256(folders.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}.json"
    )


def load(project: Project, key: str) -> tuple[dict[str, str], list[str], list[Problem]] | None:
    """The expected outputs {absolute path: sha256} for this key, what was left out and warned of; None on a miss."""
    try:
        stored = json.loads(file_of(project).read_text(encoding="utf-8"))
        outputs, left_out = stored["outputs"], stored["left_out"]
        warnings = [Problem(Origin(w["file"], w["line"]), w["what"], w["rule"]) for w in stored["warnings"]]
        whole = all(isinstance(v, str) for v in [*outputs.values(), *left_out])
        if key and stored["key"] == key and whole and isinstance(left_out, list):
            return outputs, left_out, warnings
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def store(
    project: Project, key: str, outputs: dict[str, str], left_out: list[str], warnings: Iterable[Problem]
) -> None:
    """Remember the outputs of a key, what it leaves out and warns of. Failures are never fatal."""
    path = file_of(project)
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        told = [{"file": w.origin.file, "line": w.origin.line, "what": w.what, "rule": w.rule} for w in warnings]
        stored = {"key": key, "outputs": outputs, "left_out": left_out, "warnings": told}
        temporary.write_text(json.dumps(stored), encoding="utf-8")
        os.replace(temporary, path)


def sha256_of(path: Path) -> str:
    """The hash of a file, '' when there is none to read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
