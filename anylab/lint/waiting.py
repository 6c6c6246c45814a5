"""Run all runs to the end: nothing on its way waits for a person.

In a batch run nobody answers, and a dialog hangs until the session is over (kagglehub#230). What a reader asks for is
another matter: a call below `if SETTING:`, with a setting of the notebook, is off the way.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator

from anylab.errors import Problem
from anylab.lint import Collection, Piece, rule
from anylab.lint.things import dotted

_ASKS = frozenset({"input", "getpass.getpass", "breakpoint", "pdb.set_trace"})
_WAYS_TO_ASK = ("input(", "getpass(", "breakpoint(", "set_trace(", "_login(")
_LOGINS = frozenset({"notebook_login", "interpreter_login"})  # of the model hub's client; their last names are enough


@rule("run-all/input", on="code", foreign="warning", hints=_WAYS_TO_ASK)
def nothing_waits_for_an_answer(piece: Piece, around: Collection) -> Iterable[Problem]:
    for name, line in _unasked(piece):
        if name in _ASKS or name.rpartition(".")[2] in _LOGINS:
            what = f"{name}() waits for a person, and Run all and batch runs have none; "
            yield Problem(piece.at(line), what + "make it a setting, or ask labkit.secret for what is secret")


@rule("run-all/dialog", on="code", foreign="warning", hints=("(",))
def no_dialog_opens_by_itself(piece: Piece, around: Collection) -> Iterable[Problem]:
    """The calls that open a dialog stand in the platform folders: `[words] dialogs`."""
    dialogs = _dialogs(around)
    called = any(dialog.rpartition(".")[2] + "(" in piece.text for dialog in dialogs)
    if not (called and piece.is_cell):
        return  # a platform's own adapter opens its dialogs when a setting asks for it
    for name, line in _unasked(piece):
        if name in dialogs:
            what = f"{name}() opens a dialog of {dialogs[name]} and blocks the run; "
            yield Problem(piece.at(line), what + "put it below a setting that is off: if UPLOAD:")


@functools.lru_cache(maxsize=4)
def _dialogs(around: Collection) -> dict[str, str]:
    """The calls that open a dialog, and the platform that each belongs to."""
    return {d: p.name for p in around.platforms for d in p.profile.get("words", {}).get("dialogs", ())}


def _unasked(piece: Piece) -> Iterator[tuple[str, int]]:
    """(name, line) of each call that is not below an `if` about one of the notebook's settings."""
    todo: list[ast.AST] = [piece.tree] if piece.tree else []
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)} & piece.settings:
            todo += node.orelse
            continue
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name:
                yield piece.names.resolved(name), node.lineno
        todo += ast.iter_child_nodes(node)
