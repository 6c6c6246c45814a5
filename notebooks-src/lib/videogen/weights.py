"""A model's repositories on this disk: which folders of which commit, fetched by `session.weights`, and let go again.

The commit is resolved when the download starts, printed, and kept with the clips: a later session of the same job asks
for the same one, so that it goes on with the same clips.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop
from media.hush import settle
from session import machine
from session import weights as hub

from videogen.registry import MODELS, UNVERIFIED, Model, Source


@dataclass(frozen=True)
class Local:
    """One commit of a repository, on this disk."""

    id: str
    commit: str
    path: Path


def fetch(source: Source, folders, commit: str = "") -> Local:
    """Download what is used of a repository, or find it here: at the registry's commit, else at `commit` (that of an
    earlier session), else at the newest. Raises Stop with one sentence."""
    settle()
    asked = source.revision if source.revision != UNVERIFIED else commit or UNVERIFIED
    try:
        found = hub.fetch(source.id, asked, folders, source.patterns)
    except Stop as stop:
        if asked != commit or "has no revision" not in str(stop):
            raise
        print(f"{source.id}: commit {commit[:8]} of the earlier session is gone; taking the newest")
        found = hub.fetch(source.id, UNVERIFIED, folders, source.patterns)
    return Local(source.id, found.commit, found.folder)


def forget(source: Source, folders) -> float:
    """Delete a source's parts of a downloaded repository, whatever commit, to make room; the GB that became free."""
    freed = 0.0
    for part in _parts(source.id, folders):
        if part.name not in source.parts:
            continue
        for file in [part] if part.is_file() else sorted(part.rglob("*")):
            if file.is_file():
                blob = file.resolve()
                freed += blob.stat().st_size / 1e9
                blob.unlink(missing_ok=True)  # a snapshot is links into the blobs
                file.unlink(missing_ok=True)
        shutil.rmtree(part, ignore_errors=True)
    return freed


def repositories(spec: Model) -> dict[str, Source]:
    """The sources of a model by role: text, weights, and extra where there is one."""
    found = {"text": spec.text, "weights": spec.weights, "extra": spec.extra}
    return {role: source for role, source in found.items() if source is not None}


def held_gb(folders) -> dict[str, float]:
    """GB of each of the registry's models that are on this disk already, whole or begun: they need no room again."""
    return {name: sum(_held(list(repositories(spec).values()), folders)) for name, spec in MODELS.items()}


def _held(sources: list[Source], folders) -> Iterable[float]:
    """GB of these sources' repositories, without what other models use of them."""
    for name in dict.fromkeys(source.id for source in sources):
        ours = {part.partition("/")[0] for source in sources if source.id == name for part in source.parts}
        others = (part for part in _parts(name, folders) if part.name not in {*ours, "model_index.json"})
        files = (file for part in others for file in ([part] if part.is_file() else part.rglob("*")) if file.is_file())
        yield machine.used_gb(machine.repository(machine.model_cache(folders), name)) - sum(
            blob.stat().st_size / machine.GB for blob in {file.resolve() for file in files}
        )


def _parts(name: str, folders) -> list[Path]:
    """The folders and files at the top of each commit of a repository."""
    place = machine.repository(machine.model_cache(folders), name)
    return sorted((place / "snapshots").glob("*/*"))


def licences(sources: Iterable[Source]) -> str:
    """One line on what may be done with the result."""
    kinds = {(s.licence, s.sell) for s in sources}
    return "; ".join(f"{licence}: may I sell the result? {sell}" for licence, sell in sorted(kinds))
