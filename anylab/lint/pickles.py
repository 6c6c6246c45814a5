"""Nothing is unpickled that somebody else made: a pickle is a program, and it runs when it is read.

`torch.load` reads pickles unless `weights_only=True` says otherwise (torch's own default changed in 2.6, and platforms
have older ones); a `.bin` on the hub often lies beside the same weights as `.safetensors`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from anylab.errors import Problem
from anylab.lint import Collection, Piece, rule
from anylab.lint.hub import HINTS, loads
from anylab.lint.things import argument, spread

_MODULES = ("pickle", "dill", "joblib")  # cloudpickle, read_pickle and allow_pickle are found by the first
_LOADERS = frozenset(
    f"{module}.{name}"
    for module in ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib")
    for name in ("load", "loads", "Unpickler")
) | {"pandas.read_pickle", "torch.jit.load"}
_PICKLED = re.compile(r"\.(bin|pt|pth|ckpt|pkl|pickle)$", re.IGNORECASE)


@rule("pickle/torch-load", on="code", foreign="warning")
def torch_load_reads_weights_only(piece: Piece, around: Collection) -> Iterable[Problem]:
    if not piece.names.mention("torch.load", "torch import", "torch as", "load_state_dict_from_url"):
        return  # before a tree is walked
    for name, call in piece.calls():
        if name in ("torch.load", "torch.hub.load_state_dict_from_url") and not spread(call):
            only = argument(call, "weights_only")
            if only is None or _is(only, False):
                what = f"{name} without weights_only=True runs whatever the file says; add weights_only=True"
                yield Problem(piece.at(call.lineno), what)


@rule("pickle/load", on="code", foreign="warning")
def nothing_is_unpickled(piece: Piece, around: Collection) -> Iterable[Problem]:
    if not piece.names.mention(*_MODULES, "torch.jit"):
        return
    for name, call in piece.calls():
        if name in _LOADERS:
            what = f"{name} runs whatever the file says; keep data as JSON, .npz or .safetensors"
            yield Problem(piece.at(call.lineno), what)
        elif name == "numpy.load" and _is(argument(call, "allow_pickle", 2), True):
            what = "numpy.load with allow_pickle=True runs whatever the file says; save plain arrays"
            yield Problem(piece.at(call.lineno), what)


@rule("pickle/hub-file", on="code", foreign="warning", hints=("use_safetensors", *HINTS))
def safetensors_are_taken_from_the_hub(piece: Piece, around: Collection) -> Iterable[Problem]:
    for name, call in piece.calls():
        if _is(argument(call, "use_safetensors"), False):
            what = "use_safetensors=False asks for the pickled weights; leave it out"
            yield Problem(piece.at(call.lineno), what)
        file = piece.names.text(argument(call, "filename", 1)) if name.endswith("hf_hub_download") else None
        if file and _PICKLED.search(file):
            yield Problem(piece.at(call.lineno), _pickle(file))
    for load in loads(piece):
        if _PICKLED.search(load.file):
            yield Problem(piece.at(load.line), _pickle(load.file))


def _pickle(file: str) -> str:
    what = f"'{file}' is a pickle; take the repository's .safetensors, or say why not: "
    return what + "# anylab: allow pickle/hub-file: <the reason>"


def _is(node: ast.AST | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
