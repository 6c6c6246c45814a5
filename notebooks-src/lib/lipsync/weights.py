"""The networks' files on this disk, by role: from the hub at one commit each, or tiny twins for a quick test."""

from dataclasses import dataclass
from pathlib import Path

from lipsync import registry


@dataclass(frozen=True)
class Local:
    """One repository at one commit, on this disk."""

    id: str
    commit: str
    path: Path


def local(folders, draft: bool = False, quick: bool = False) -> dict[str, Local]:
    """What is needed, by role. Raises Stop with one sentence for what goes wrong on the way."""
    roles = registry.NEEDED + (("draft",) if draft else ())
    if quick:
        from lipsync import tiny

        built = tiny.build_all(folders.work / "tiny", roles)
        return {role: Local(registry.SOURCES[role].id, "random weights", built[role]) for role in roles}
    return {role: fetched(role, folders) for role in roles}


def fetched(role: str, folders) -> Local:
    """What is used of a role's repository, from the hub or found here. Raises Stop with one sentence."""
    from media.hush import settle
    from session import weights

    settle()
    source = registry.SOURCES[role]
    got = weights.fetch(source.id, source.revision, folders, source.files)
    return Local(source.id, got.commit, got.folder)


def syncnet(folders, quick: bool = False) -> Path:
    """The file of SyncNet's weights, for measures only. Raises Stop."""
    file = registry.SOURCES["score"].files[0]
    if quick:
        from lipsync import tiny

        return tiny.build_all(folders.work / "tiny", ("score",))["score"] / file
    return fetched("score", folders).path / file


def commits(found: dict[str, Local]) -> dict[str, str]:
    """Repository and commit of each role, for records and identities."""
    return {role: f"{one.id}@{one.commit}" for role, one in found.items()}
