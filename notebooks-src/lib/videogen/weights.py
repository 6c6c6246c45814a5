"""Models from the hub: one commit of a repository, only the folders that are used, checked file by file.

The commit is resolved when the download starts and printed; nobody writes one down that was not looked up. What went
wrong is one sentence, and what is here already stays and is gone on with.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import disk
from labkit import Stop, here, secret

from videogen.hush import settle
from videogen.registry import UNVERIFIED, Source


@dataclass(frozen=True)
class Local:
    """One commit of a repository, on this disk."""

    id: str
    commit: str
    path: Path


def fetch(source: Source, commit: str = "") -> Local:
    """Download what is used of a repository, or find it here: at the registry's commit, else at `commit` (that of an
    earlier session), else at the newest. Prints the commit; raises Stop with one sentence."""
    settle()
    from huggingface_hub import HfApi, snapshot_download

    token = secret.get("HF_TOKEN")
    asked = (commit or None) if source.revision == UNVERIFIED else source.revision
    try:
        found = HfApi().model_info(source.id, revision=asked, files_metadata=True, token=token)
    except Exception as error:
        kept = _kept(source, asked)
        if kept is None or not _away(error):
            if commit and type(error).__name__ == "RevisionNotFoundError":
                print(f"{source.id}: commit {commit[:12]} of the earlier session is gone; taking the newest")
                return fetch(source)
            raise _told(error, source) from None
        print(f"{source.id}: the hub does not answer; using what is here, commit {kept.commit[:12]}")
        return kept
    wanted = {f.rfilename: f.size or 0 for f in found.siblings if _used(f.rfilename, source.patterns)}
    if not any(name.endswith(".safetensors") for name in wanted):
        raise Stop(f"{source.id} has no weights in {', '.join(source.parts)} at {found.sha[:12]}; they may have moved")
    print(f"{source.id} at commit {found.sha}, {sum(wanted.values()) / 1e9:.2f} GB")
    cache = _cache()
    missing = sum(size for name, size in wanted.items() if not _whole(cache, source, found.sha, name, size))
    try:
        if missing:
            cache.mkdir(parents=True, exist_ok=True)
            disk.room(missing, cache)
        path = Path(
            snapshot_download(source.id, revision=found.sha, allow_patterns=list(wanted), cache_dir=cache, token=token)
        )
    except Exception as error:
        raise _told(error, source, cache) from None
    _check(path, wanted, source)
    return Local(source.id, found.sha, path)


def forget(local: Local, parts: Iterable[str]) -> float:
    """Delete folders of a downloaded repository, to make room for the next stage; the GB that became free."""
    freed = 0.0
    for part in parts:
        for file in sorted((local.path / part).rglob("*")) if (local.path / part).is_dir() else ():
            if file.is_file():
                blob = file.resolve()
                freed += blob.stat().st_size / 1e9
                file.unlink()
                if blob != file:
                    blob.unlink(missing_ok=True)
        shutil.rmtree(local.path / part, ignore_errors=True)
    return freed


def _cache() -> Path:
    from huggingface_hub import constants

    return Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or constants.HF_HOME) / "hub")


def _used(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _snapshot(cache: Path, source: Source, commit: str) -> Path:
    return cache / f"models--{source.id.replace('/', '--')}" / "snapshots" / commit


def _whole(cache: Path, source: Source, commit: str, name: str, size: int) -> bool:
    path = _snapshot(cache, source, commit) / name
    return path.is_file() and path.stat().st_size == size


def _kept(source: Source, asked: str | None) -> Local | None:
    """The newest commit that is here with weights, for a session without internet."""
    found = [path for path in _snapshot(_cache(), source, "x").parent.glob(asked or "*") if path.is_dir()]
    for path in sorted(found, key=lambda p: p.stat().st_mtime, reverse=True):
        if all(any((path / part).glob("*")) if "." not in part else (path / part).is_file() for part in source.parts):
            return Local(source.id, path.name, path)
    return None


def _check(path: Path, wanted: dict[str, int], source: Source) -> None:
    """Every file has the size that the hub states; one that has not is removed, so that it is fetched anew."""
    for name, size in wanted.items():
        file = path / name
        have = file.stat().st_size if file.is_file() else -1
        if have != size:
            if have >= 0:
                file.resolve().unlink()
                file.unlink(missing_ok=True)
            raise Stop(
                f"{name} of {source.id} is {max(have, 0)} bytes and should be {size}: the download is broken and was "
                "removed; run this again"
            )


def _away(error: BaseException) -> bool:
    """Whether an error says that the hub cannot be reached, not that it refuses."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"ConnectionError", "ConnectError", "OfflineModeIsEnabled", "Timeout", "TimeoutException"})


def _told(error: BaseException, source: Source, folder: Path | None = None) -> BaseException:
    """An error of the hub's client as one sentence; a stop by the reader stays what it is."""
    names = {kind.__name__ for kind in type(error).__mro__}
    code = getattr(getattr(error, "response", None), "status_code", None)
    page = f"https://huggingface.co/{source.id}"
    if isinstance(error, Stop):
        return error
    if "GatedRepoError" in names or code in (401, 403):
        return Stop(
            f"{source.id} asks for a sign-in (HTTP {code or 401}): accept its terms on {page}, and give this notebook "
            "a read token as the secret HF_TOKEN"
        )
    if "RevisionNotFoundError" in names:
        return Stop(f"{source.id} has no revision {source.revision}: the repository has changed; see {page}")
    if "RepositoryNotFoundError" in names or code == 404:
        return Stop(f"{source.id} is not on the hub any more, or private (HTTP {code or 404}); see {page}")
    if _away(error):
        return Stop(f"the hub cannot be reached for {source.id}. To switch the internet on: {here.INTERNET_CLICKS}")
    if folder is not None and disk.full(error, folder):
        return Stop(f"{source.id} was not downloaded: {disk.sentence(folder, error)}")
    what = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
    return Stop(f"the download of {source.id} broke off ({what}); run this again, it goes on where it stopped")


def repositories(spec) -> dict[str, Source]:
    """The sources of a model (registry.Model) by role: text, weights, and extra where there is one."""
    found = {"text": spec.text, "weights": spec.weights, "extra": spec.extra}
    return {role: source for role, source in found.items() if source is not None}


def held_gb() -> float:
    """GB of the registry's models that are on this disk already: they need no room again."""
    from videogen.registry import MODELS

    ids = {source.id for spec in MODELS.values() for source in repositories(spec).values()}
    blobs = (_cache() / f"models--{name.replace('/', '--')}" / "blobs" for name in ids)
    return sum(f.stat().st_size for folder in blobs if folder.is_dir() for f in folder.iterdir()) / 1e9


def licences(sources: Iterable[Source]) -> str:
    """One line on what may be done with the result."""
    kinds = {(s.licence, s.sell) for s in sources}
    return "; ".join(f"{licence}: may I sell the result? {sell}" for licence, sell in sorted(kinds))
