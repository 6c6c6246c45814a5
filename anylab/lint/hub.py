"""What code takes from a model hub, however it asks: by the loaders of its clients, by their command lines, by address.

Each is told with the repository and the revision as far as they can be read: `{}` stands for what only a run knows.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from anylab.lint.commands import commands, parts, split
from anylab.lint.things import Piece, argument, dotted, spread

UNTOLD = "?"  # a revision that a run decides
HINTS = ("from_pretrained", "hf_hub_download", "snapshot_download", "weights.fetch", "pipeline", "load_dataset")
HINTS += ("torch.hub", "torch import hub", "huggingface", "hf download")
_ID = re.compile(r"[A-Za-z0-9][\w.-]*/(?=[\w.{-])(?:[\w.-]|\{\})+")
_LOADERS = ("from_pretrained", "hf_hub_download", "snapshot_download", "weights.fetch")
_PIPELINES = frozenset(["transformers.pipeline", "transformers.pipelines.pipeline"])
_DATASETS = frozenset(["load_dataset", "datasets.load_dataset", "datasets.load.load_dataset"])
_BUILDERS = ("json", "csv", "parquet", "text", "arrow", "pandas", "xml", "webdataset", "generator")
_BUILDERS += ("imagefolder", "audiofolder", "videofolder")  # what load_dataset makes of files that are here
_ADDRESS = re.compile(
    r"https?://huggingface\.co/(?P<name>[\w.-]+/[\w.-]+)/(?:resolve|raw)/(?P<revision>[^/\s\"']+)/(?P<file>[^\s\"'?)]+)"
)
_CLIENT = re.compile(r"(?:^|\s)(?:huggingface-cli|hf)\s+download\s+(?P<rest>.*)")


@dataclass(frozen=True)
class Load:
    """One thing taken: `name` is the repository ('' where it is the loader's own choice), `revision` None for none."""

    line: int
    loader: str
    name: str
    revision: str | None
    file: str = ""
    is_model: bool = True

    @property
    def is_named(self) -> bool:
        """True when at least the owner of the repository can be read."""
        return bool(_ID.fullmatch(self.name))


@functools.lru_cache(maxsize=1024)
def loads(piece: Piece) -> tuple[Load, ...]:
    """Everything that a piece takes from the hub."""
    if not any(hint in piece.text for hint in HINTS):
        return ()
    return (*_called(piece), *_commanded(piece), *_addressed(piece))


def _called(piece: Piece) -> Iterator[Load]:
    for node in piece.nodes(ast.Call):
        found = _by_name(piece, node) or _by_loader(piece, node)
        if found:
            yield found


def _by_loader(piece: Piece, call: ast.Call) -> Load | None:
    """The clients' own loaders, by their last name; `from_pretrained` reads folders too: there a name must be one."""
    loader = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if loader == "fetch" and ast.unparse(call.func) == "weights.fetch":  # session.weights; bundles are fetched too
        loader = "weights.fetch"
    if loader not in _LOADERS:
        return None
    given = argument(call, "repo_id", 0) or argument(call, "repo")
    name = piece.names.shape(given or argument(call, "pretrained_model_name_or_path", 0))
    if loader == "from_pretrained" and not (name and _ID.fullmatch(name)):
        return None
    revision = argument(call, "revision", 1) if loader == "weights.fetch" else argument(call, "revision")
    return Load(call.lineno, loader, name or "", _revision(piece, call, revision))


def _by_name(piece: Piece, call: ast.Call) -> Load | None:
    """What is found by the module that it is imported from: pipelines, datasets, torch's own hub."""
    called = piece.names.resolved(dotted(call.func))
    if called in _PIPELINES:
        given = argument(call, "model", 1)
        name = piece.names.shape(given) or ""
        if given is None or isinstance(given, ast.Constant) and given.value is None:
            return None if spread(call) else Load(call.lineno, "pipeline", "", None)
        return Load(call.lineno, "pipeline", name, _revised(piece, call)) if _ID.fullmatch(name) else None
    if called in _DATASETS:
        name = piece.names.shape(argument(call, "path", 0)) or ""
        by_folder = name in _BUILDERS or not re.match(r"\w", name)
        return None if by_folder else Load(call.lineno, "load_dataset", name, _revised(piece, call), is_model=False)
    if called == "torch.hub.load":
        source = piece.names.text(argument(call, "source"))
        name, colon, revision = (piece.names.shape(argument(call, "repo_or_dir", 0)) or "").partition(":")
        told = UNTOLD if "{}" in revision else revision if colon else None
        return None if source == "local" or not _ID.fullmatch(name) else Load(call.lineno, called, name, told)
    return None


def _revised(piece: Piece, call: ast.Call) -> str | None:
    return _revision(piece, call, argument(call, "revision"))


def _revision(piece: Piece, call: ast.Call, given: ast.AST | None) -> str | None:
    """The revision of a call; `None`, written out, is none."""
    local = argument(call, "local_files_only")
    if spread(call) or (isinstance(local, ast.Constant) and local.value is True):
        return UNTOLD
    if given is None or (isinstance(given, ast.Constant) and given.value is None):
        return None
    return piece.names.text(given) or UNTOLD


def _commanded(piece: Piece) -> Iterator[Load]:
    """`hf download c/d --revision ...`"""
    for command in commands(piece):
        for part in parts(command.text):
            found = _CLIENT.search(part)
            words = split(found["rest"]) if found else []
            if words and _ID.fullmatch(words[0]):
                told = next((w for w in words if w.startswith("--revision")), "")
                after = [*words, ""][words.index(told) + 1] if told == "--revision" else told.partition("=")[2]
                revision = UNTOLD if re.search(r"[{$]", after) else after or None
                file = words[1] if len(words) > 1 and not words[1].startswith("-") else ""
                is_model = not re.search(r"--repo-type[ =]dataset", found["rest"])
                yield Load(command.line, "hf download", words[0], revision, file, is_model)


def _addressed(piece: Piece) -> Iterator[Load]:
    """A file by its address, in a command or in a text of Python."""
    for number, line in enumerate(piece.text.split("\n"), 1):
        for found in () if line.lstrip().startswith("#") else _ADDRESS.finditer(line):
            revision = UNTOLD if re.search(r"[{$%]", found["revision"]) else found["revision"]
            is_model = not found["name"].startswith("datasets/")
            yield Load(number, "the address", found["name"], revision, found["file"], is_model)
