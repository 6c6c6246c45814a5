"""Load what was chosen: engine and recogniser, from the hub under one commit each, or tiny twins for a quick test."""

from dataclasses import dataclass
from pathlib import Path

from labkit import Stop, secret, storage
from media import memory, shims

from voiceclone import recogniser, registry
from voiceclone.registry import About

TOKEN = "HF_TOKEN"


@dataclass(frozen=True)
class Loaded:
    """A loaded engine, and what stands in records: its entry, the commits it came from, where it runs."""

    engine: object
    about: About
    commits: dict[str, str]
    device: str

    def facts(self) -> dict:
        """What is recorded of the engine."""
        first = next(iter(self.commits.values()))
        return {
            "engine": self.about.title, "commit": first, "commits": self.commits, "dtype": self.engine.dtype,
            "device": self.device, "weight_licence": self.about.weight_licence,
        }  # fmt: skip


def device() -> str:
    """ "cuda" or "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def choose(asked: str, language: str) -> About:
    """The engine for this machine, see registry.choose; free memory of the card, not all of it, decides. What an
    earlier run in this kernel holds there counts as free: `load` gives it back, and the same engine fits again."""
    import torch
    from session import machine

    gb = 0.0
    if torch.cuda.is_available():
        gb = (torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()) / 1e9
    token = bool(secret.get(TOKEN))
    return registry.choose(asked, language.strip().lower(), gb, machine.ram_gb(), token, shims.has_torchaudio())


def load(about: About, language: str, folders: storage.Folders, quick: bool = False) -> Loaded:
    """Fetch (or, for a quick test, write) and load an engine. Raises Stop with one sentence: gate, room, memory,
    and a quick test of an engine that has no tiny twin."""
    import torch

    if quick:
        from voiceclone import tiny

        if about.name in tiny.WITHOUT:
            raise Stop(f"{about.title} has no tiny twin, so a quick test cannot try it: set ENGINE to auto for it")
    wanted = registry.module(about.name).repos(language)
    found = [_place(repo, folders, quick) for repo in wanted]
    where = device()
    if where == "cuda":
        _give_back()
    try:
        engine = registry.module(about.name).load([place for place, _ in found], language, where, folders.work)
    except (torch.OutOfMemoryError, MemoryError):
        raise Stop(f"{about.title} does not fit into the memory here: choose a smaller engine") from None
    except ImportError as error:
        raise Stop(
            f"{about.title} cannot be loaded ({error}): run the setup cell again, or choose another engine"
        ) from None
    commits = {repo.id: commit for repo, (_, commit) in zip(wanted, found, strict=True)}
    _loaded[:] = [engine]
    return Loaded(engine, about, commits, where)


_loaded: list[object] = []  # the engine of an earlier run in this kernel


def _give_back() -> None:
    """Give the card's memory back that an earlier run's engine holds; variables of the notebook still name it, so it
    is emptied. Two of them side by side are more than a T4 has."""
    for engine in _loaded:
        vars(engine).clear()
    _loaded.clear()
    memory.give_back()


def listener(folders: storage.Folders) -> recogniser.Recogniser | None:
    """The recogniser, or None where it cannot be had: the work goes on without, and says so."""
    try:
        place, _ = _place(recogniser.REPO, folders, False)
        return recogniser.load(place, device())
    except (Stop, ImportError) as problem:
        print(f"No recogniser, so words are not checked: {problem}")
        return None


def _place(repo: registry.Repo, folders: storage.Folders, quick: bool) -> tuple[Path, str]:
    """(folder, commit) of a repository."""
    if quick:
        from voiceclone import tiny

        place = folders.work / "tiny" / repo.id.replace("/", "--")
        tiny.twin(place, repo.id)
        return place, "random weights"
    from session import weights

    got = weights.fetch(repo.id, repo.revision, folders, repo.patterns)
    return got.folder, got.commit
