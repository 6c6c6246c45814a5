"""Weights from the Hugging Face Hub: which commit, does it fit, fetched to the last byte, one sentence when not.

The real huggingface_hub does the transfer (0.33 to 2.4); `HF_ENDPOINT` is its own way to name another hub. A fetched
file is known by its size (the Hub's own check; a hash of 15 GB would take a minute on a free session).
"""

import errno
import fnmatch
import json
import time
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import disk
import remote
from labkit import Stop, here, secret, storage

from session import machine, report

UNVERIFIED = "unverified"  # no commit was looked up when the notebook was written: the newest one is taken and told
TOKEN = "HF_TOKEN"
PATIENCE = 4  # tries in a row that bring no new byte
_PAUSE = 1.0  # seconds before the second try, twice as long before each further one


@dataclass(frozen=True)
class Weights:
    """A repository's files on this disk: `folder` holds them by their names there, `commit` is the 40 digits."""

    repo: str
    commit: str
    folder: Path
    size: int


def fetch(repo: str, revision: str, folders, patterns: Sequence[str] = ("*",)) -> Weights:
    """The files of a model repository that match `patterns` (such as "vae/*"), in the cache; fetched when they are not.

    `revision` is a commit, or "unverified": then the newest is taken, and told. Without internet, what was fetched
    before serves. Raises Stop with one sentence: not there, gated, no such revision, no room, cut off, broken.
    """
    cache = machine.model_cache(folders)
    note = cache / f".{repo.replace('/', '--')}-{sha256(repr(list(patterns)).encode()).hexdigest()[:12]}.json"
    with _told(repo, revision, cache):
        try:
            commit, sizes = _listed(repo, revision, patterns)
        except Exception as error:
            known = _fetched_before(note, repo, revision)
            if known is None or remote.status(error):
                raise
            report.loaded(repo, known.commit)
            print(f"{repo}: the hub does not answer, so the files of commit {known.commit[:8]} from before are used.")
            return known
        if not sizes:
            raise Stop(f"{repo} has no file that matches {', '.join(patterns)} at commit {commit[:8]}")
        folder = _fetch_all(repo, commit, sizes, cache)
        found = Weights(repo, commit, folder, sum(sizes.values()))
        storage.write_json(note, {"asked": revision, "commit": commit, "sizes": sizes})
    report.loaded(repo, commit)
    return found


def _listed(repo: str, revision: str, patterns: Sequence[str]) -> tuple[str, dict[str, int]]:
    """(commit, {file: bytes}) of what is wanted, as the hub says."""
    from huggingface_hub import HfApi

    asked, api = None if revision == UNVERIFIED else revision, HfApi(token=secret.get(TOKEN))
    for left in range(PATIENCE, -1, -1):
        try:
            info = api.model_info(repo, revision=asked, files_metadata=True, timeout=20)
            break
        except Exception as error:
            if not left or (remote.status(error) or 0) < 500:
                raise
            time.sleep(_PAUSE * 2 ** (PATIENCE - left))
    wanted = (f for f in info.siblings or () if any(fnmatch.fnmatchcase(f.rfilename, p) for p in patterns))
    return info.sha, {f.rfilename: f.size or 0 for f in wanted}


def _fetch_all(repo: str, commit: str, sizes: dict[str, int], cache: Path) -> Path:
    """Fetch what is missing, one file after the other, and look at every size; the folder of the snapshot."""
    from huggingface_hub import try_to_load_from_cache

    cache.mkdir(parents=True, exist_ok=True)
    missing = {}
    for name, size in sizes.items():
        path = try_to_load_from_cache(repo, name, cache_dir=cache, revision=commit)
        if not isinstance(path, str) or Path(path).stat().st_size != size:
            missing[name] = size
    begun = sum(path.stat().st_size for path in _parts(repo, cache))
    disk.room(max(0, sum(missing.values()) - begun), cache)
    todo = f"{remote.size(sum(missing.values()))} to fetch" if missing else "all here"
    print(f"{repo}, commit {commit[:8]}: {remote.size(sum(sizes.values()))} in {len(sizes)} files, {todo}")
    started = time.monotonic()
    for name, size in missing.items():
        _fetch_one(repo, commit, name, size, cache)
    if missing:
        seconds = time.monotonic() - started
        print(f"{repo}: fetched in " + (f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"))
    return _snapshot(repo, commit, cache)


def _fetch_one(repo: str, commit: str, name: str, size: int, cache: Path) -> None:
    """One file, going on where a transfer broke off, as long as new bytes arrive."""
    from huggingface_hub import hf_hub_download

    tries, pause, before, broken = 0, _PAUSE, -1, False
    while True:
        try:
            path = Path(hf_hub_download(repo, name, revision=commit, cache_dir=cache, token=secret.get(TOKEN)))
        except Exception as error:
            if _is_final(error):
                raise
            broken, why = _is_inconsistent(error), error
        else:
            found = path.stat().st_size
            if found == size:
                return
            broken, why = True, ValueError(f"{found} bytes instead of {size}")
            with suppress(OSError):  # the snapshot's name and the file behind it
                path.resolve().unlink()
                path.unlink(missing_ok=True)
        if broken:
            for part in _parts(repo, cache):  # going on from a wrong part would only repeat it
                part.unlink(missing_ok=True)
        have = sum(part.stat().st_size for part in _parts(repo, cache))
        tries, before = (0 if have > before and not broken else tries + 1), have
        if tries >= PATIENCE:
            if broken:
                raise Stop(f"{repo} is broken at the hub, or on the way: {name} should have {size} bytes and does not "
                           f"arrive so ({remote.why(why)}). Nothing broken was kept; try again later")  # fmt: skip
            raise why
        print(f"{name} broke off ({remote.why(why)}); going on with it.")
        time.sleep(pause)
        pause = min(pause * 2, 30.0)


def _fetched_before(note: Path, repo: str, revision: str) -> Weights | None:
    """What an earlier call has fetched that serves this wish, if every file is still there in its size: the very
    commit, however it was asked for, or any where no commit is asked for."""
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        folder = _snapshot(repo, known["commit"], note.parent)
        whole = all((folder / name).stat().st_size == size for name, size in known["sizes"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not whole or revision not in (UNVERIFIED, known["asked"], known["commit"]):
        return None
    return Weights(repo, known["commit"], folder, sum(known["sizes"].values()))


def _snapshot(repo: str, commit: str, cache: Path) -> Path:
    return machine.repository(cache, repo) / "snapshots" / commit


def _parts(repo: str, cache: Path) -> list[Path]:
    """Begun transfers of a repository."""
    return sorted((machine.repository(cache, repo) / "blobs").glob("*.incomplete"))


@contextmanager
def _told(repo: str, revision: str, cache: Path):
    """Turn whatever the client raises into one Stop of one sentence."""
    try:
        yield
    except Stop:
        raise
    except Exception as error:
        raise Stop(secret.mask(_sentence(error, repo, revision, cache))) from None


def _sentence(error: Exception, repo: str, revision: str, cache: Path) -> str:
    names = {type(cause).__name__ for cause in remote.causes(error)}
    status, page = remote.status(error), f"https://huggingface.co/{repo}"
    if isinstance(error, ImportError):
        return "huggingface_hub is not installed: run %pip install huggingface_hub"
    if any(disk.full(cause, cache) for cause in remote.causes(error) if isinstance(cause, OSError)):
        why = f"no room for {repo}: {remote.why(error)}"
        return f"{why}; free some space at {cache} and run again: the files that arrived stay"
    if "GatedRepoError" in names:
        return (
            f"{repo} asks for consent first: log in at {page}, accept its terms there, make a token (kind read) at "
            f"https://huggingface.co/settings/tokens, store it as the secret {TOKEN}, and run again"
        )
    if "RevisionNotFoundError" in names and revision == UNVERIFIED:
        return f"{repo} changed at the hub while it was fetched: run again"
    if "RevisionNotFoundError" in names:
        return f"{repo} has no revision {revision} (any more): see {page}/commits/main"
    if "RepositoryNotFoundError" in names or status in (401, 404):
        return f"{repo} is not at the hub, or not for everyone to see: open {page}; for a private one set {TOKEN}"
    if status == 403:
        return f"the token {TOKEN} may not read {repo}: give it access at https://huggingface.co/settings/tokens"
    if status == 429:
        return "the hub asks to wait (too many requests): try again in some minutes; the files that arrived stay"
    if status and status >= 500:
        return f"the hub is in trouble (error {status}): try again later; the files that arrived stay"
    if isinstance(error, OSError) and error.filename:
        return disk.sentence(Path(error.filename), error)
    return (f"{repo} could not be fetched ({remote.why(error)}): {here.INTERNET_CLICKS}; "
            "run again to go on with what is missing")  # fmt: skip


def _is_final(error: Exception) -> bool:
    """Whether trying again cannot help: an answer of the hub (but not its own trouble), or this machine's disk."""
    status = remote.status(error)
    if isinstance(error, OSError) and error.errno in (*disk.FULL, errno.EACCES, errno.EROFS, errno.EFBIG):
        return True
    return bool(status and status < 500 and status != 416) or isinstance(error, ImportError | TypeError)


def _is_inconsistent(error: Exception) -> bool:
    """Whether what came is not as long as announced (the client's own check), or more was asked for than there is."""
    return "onsistency check failed" in str(error) or remote.status(error) == 416
