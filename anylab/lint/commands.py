"""Shell commands in code, however they are sent: `!x`, `%pip`, `%%bash`, `os.system`, `subprocess`, `get_ipython()`.

A command written as a text in Python does the same as one behind a `!`, and peers write both. A value that only a run
knows stands as `{}` in what is given here.
"""

from __future__ import annotations

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from anylab.lint.things import Piece, argument, dotted

_SHELL_CELL = re.compile(r"%%(?:(?:bash|sh|shell|system|sx|script)\b|!)")
_SHELL_LINE = re.compile(r"\s*(?:[\w., \[\]]+=\s*)?(?:!{1,2}|%(?:sx|system|shell)\s)\s*(?P<text>.*)")
_MAGIC_LINE = re.compile(r"\s*(?:[\w., \[\]]+=\s*)?%(?P<text>[A-Za-z].*)")
_OF_SUBPROCESS = ("run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput")
_BY_TEXT = frozenset(["os.system", "os.popen", "asyncio.create_subprocess_shell"])
_BY_TEXT |= {f"subprocess.{name}" for name in _OF_SUBPROCESS}
_KERNEL = ("system", "getoutput", "getoutput_async", "system_raw", "system_piped")  # of get_ipython()
_WAYS = ("system", "popen", "subprocess", "get_ipython", "create_subprocess_shell")


@dataclass(frozen=True)
class Command:
    """One command: its line in the piece (from 1), its text, and whether the notebook's own shell runs it (`!x`)."""

    line: int
    text: str
    of_notebook: bool


@functools.lru_cache(maxsize=1024)
def commands(piece: Piece) -> tuple[Command, ...]:
    """Every command of a cell or module that can be told from its text."""
    return (*(_written(piece.text) if piece.is_cell else ()), *_called(piece))


def is_shell_cell(text: str) -> bool:
    """True for a cell that a shell runs as a whole."""
    return bool(_SHELL_CELL.match(next((line for line in text.split("\n") if line.strip()), "")))


def _written(text: str) -> Iterator[Command]:
    """What stands in the cell itself; a command that goes on behind a backslash is one."""
    shell = is_shell_cell(text)
    for number, line in _whole_lines(text):
        found = _SHELL_LINE.match(line)
        magic = None if found or shell else _MAGIC_LINE.match(line)
        if shell and not line.lstrip().startswith(("%%", "#")):
            yield Command(number, line.strip(), True)
        elif found or magic:
            yield Command(number, (found or magic)["text"], bool(found))


def _whole_lines(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line, first = lines[number], number + 1
        while line.endswith("\\") and number + 1 < len(lines):
            number += 1
            line = line[:-1] + " " + lines[number].strip()
        number += 1
        yield first, line


def _called(piece: Piece) -> Iterator[Command]:
    """What Python sends: by a text, by a list of words, through the kernel."""
    if not any(way in piece.text for way in _WAYS):
        return
    for node in piece.nodes(ast.Call):
        text, of_notebook = _sent(piece, node)
        for line in text.split("\n"):
            if line.strip():
                yield Command(node.lineno, line.strip(), of_notebook)


def _sent(piece: Piece, call: ast.Call) -> tuple[str, bool]:
    """(the command that a call sends, does the notebook's own shell run it?), '' for any other call."""
    of_kernel = isinstance(call.func, ast.Attribute) and _is_kernel(piece, call.func.value)
    if of_kernel and call.func.attr in ("run_line_magic", "run_cell_magic"):
        texts = [piece.names.shape(a) or "" for a in call.args]
        if call.func.attr == "run_cell_magic":
            is_shell = is_shell_cell("%%" + texts[0]) if texts else False
            return ("\n".join(texts[2:]) if is_shell else ""), True
        if texts[:1] and texts[0] in ("sx", "system", "shell"):
            return " ".join(texts[1:]), True
        return " ".join(texts), False
    if of_kernel and call.func.attr in _KERNEL:
        return piece.names.shape(argument(call, "cmd", 0)) or "", True
    if piece.names.resolved(dotted(call.func)) in _BY_TEXT:
        given = argument(call, "args", 0) or argument(call, "command", 0) or argument(call, "cmd", 0)
        return piece.names.shape(given) or "", False
    return "", False


def _is_kernel(piece: Piece, node: ast.AST) -> bool:
    """True for `get_ipython()`, also behind a name that it was given."""
    return isinstance(node, ast.Call) and piece.names.resolved(dotted(node.func)).endswith("get_ipython")


def bare(text: str) -> str:
    """A command without what stands in quotes, and without its comment."""
    unquoted = re.sub(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", " ", text)
    return re.sub(r"(?:^|\s)#.*", "", unquoted)


def parts(text: str) -> list[str]:
    """The single commands of a line: `a && b; c | d &`."""
    return re.split(r"&&|\|\||[;|]|(?<![>&<])&(?![>&])", text)


def split(text: str) -> list[str]:
    """The words of a command, its quotes taken off and its comment left out."""
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # a quote left open
        return text.split()
