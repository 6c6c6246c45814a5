"""Models are named with a licence, a gate and a revision, and nobody invents a commit.

A hub repository moves under a notebook that names no revision. A commit hash pins it, and is worth something only with
the place it was read from; until somebody looked, the honest word is "unverified".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from anylab.errors import Problem
from anylab.lint import Collection, Piece, rule
from anylab.lint.hub import HINTS, UNTOLD, loads
from anylab.source import Source

UNVERIFIED = "unverified"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NO_WORD = {"", "?", "tbd", "todo", "unknown", "n/a", "none", "-"}


@rule("model/licence", on="source")
def every_model_has_a_licence(source: Source, around: Collection) -> Iterable[Problem]:
    for i, model in _declared(source):
        if str(model.get("licence", "")).strip().lower() in _NO_WORD:
            what = f"the licence of {model['id']} is a placeholder; write its name, or what was looked at and not found"
            yield Problem(source.at("models", i, "licence"), what)


@rule("model/gate", on="source")
def every_model_says_whether_it_is_gated(source: Source, around: Collection) -> Iterable[Problem]:
    for i, model in _declared(source):
        if "gated" not in model:
            what = f"{model['id']} says nothing of a gate; add gated: true (a person must agree first) or gated: false"
            yield Problem(source.at("models", i), what)


@rule("model/revision", on="source")
def every_model_has_a_revision(source: Source, around: Collection) -> Iterable[Problem]:
    for i, model in _declared(source):
        revision = model.get("revision")
        if revision is None:
            what = f"{model['id']} has no revision; add a commit with its revision_source, or revision: {UNVERIFIED}"
            yield Problem(source.at("models", i), what)
        elif revision != UNVERIFIED and not _COMMIT.fullmatch(revision):
            what = f"the revision '{revision}' of {model['id']} can move; write a commit's 40 digits, or {UNVERIFIED}"
            yield Problem(source.at("models", i, "revision"), what)
        elif revision != UNVERIFIED and not model.get("revision_source"):
            what = f"the commit of {model['id']} has no revision_source; say where it was read, or write {UNVERIFIED}"
            yield Problem(source.at("models", i, "revision"), what)


@rule("model/unverified", on="source", warning=True)
def an_unverified_revision_is_told(source: Source, around: Collection) -> Iterable[Problem]:
    for i, model in _declared(source):
        if model.get("revision") == UNVERIFIED:
            what = f"the revision of {model['id']} is unverified: the notebook takes what the hub has on the day"
            yield Problem(source.at("models", i, "revision"), what)


@rule("model/tiny", on="source", warning=True)
def every_model_can_be_tried_without_it(source: Source, around: Collection) -> Iterable[Problem]:
    for i, model in _declared(source):
        if "tiny" not in model:
            what = f"{model['id']} has no 'tiny', a function that writes a twin of it, so no test takes the users' path"
            yield Problem(source.at("models", i), what)


@rule("model/moving", on="code", foreign="warning", hints=HINTS)
def nothing_is_loaded_without_a_revision(piece: Piece, around: Collection) -> Iterable[Problem]:
    for load in loads(piece):
        name = load.name or "a repository"
        if load.loader == "pipeline" and not load.name:
            what = "pipeline without a model takes what its maker likes best that day; pass model= and revision="
        elif load.revision is None:
            how = "name a commit: 'owner/name:<40 digits>'" if load.loader == "torch.hub.load" else "pass revision="
            what = f"{load.loader} of {name} names no revision, so it is another one some day; {how}"
        elif load.revision in (UNTOLD, UNVERIFIED) or _COMMIT.fullmatch(load.revision):
            continue
        else:
            what = f"the revision '{load.revision}' of {name} can move; pass a commit (40 digits) with its source"
        yield Problem(piece.at(load.line), what)


@rule("model/hash-without-source", on="code", hints=("revision",))
def a_commit_stands_beside_its_source(piece: Piece, around: Collection) -> Iterable[Problem]:
    """In a call or a table, `revision` with a commit wants `revision_source`; or the front matter has both."""
    models = [m for _, m in _declared(piece.source)] if piece.source else []
    declared = {m.get("revision") for m in models if m.get("revision_source")}
    for line, commit, has_source in _commits(piece):
        if not has_source and commit not in declared and "source:" not in piece.line_of(piece.at(line)):
            what = f"the commit {commit[:8]}... has no source; add revision_source= beside it, or write '{UNVERIFIED}'"
            yield Problem(piece.at(line), what)


@rule("model/undeclared", on="code", hints=HINTS)
def every_model_that_is_loaded_is_declared(piece: Piece, around: Collection) -> Iterable[Problem]:
    if piece.source is None:
        return
    declared = {model["id"] for _, model in _declared(piece.source)}
    for load in loads(piece):
        fits = re.compile(re.escape(load.name).replace(r"\{\}", r"[\w.-]*"))
        if load.is_named and load.is_model and not any(fits.fullmatch(id) for id in declared):
            what = f"{load.name} is not among the 'models' of the front matter; declare its licence and gate there"
            yield Problem(piece.at(load.line), what)


def _declared(source: Source) -> Iterator[tuple[int, dict]]:
    yield from enumerate(source.front.get("models") or ())


def _commits(piece: Piece) -> Iterator[tuple[int, str, bool]]:
    """(line, commit, is a source beside it?) of each revision that is written as a commit."""
    for node in piece.nodes(ast.Call, ast.Dict):
        if isinstance(node, ast.Call):
            pairs = {k.arg: k.value for k in node.keywords if k.arg}
        else:
            pairs = {k.value: v for k, v in zip(node.keys, node.values, strict=True) if isinstance(k, ast.Constant)}
        commit = piece.names.text(pairs.get("revision"))
        if commit and _COMMIT.fullmatch(commit):
            yield pairs["revision"].lineno, commit, "revision_source" in pairs
