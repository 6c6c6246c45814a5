"""What cells install, and what they leave running: pip lines that move an image, and commands sent to the background.

A kernel has numpy loaded before the first cell, so an install that moves it breaks the session (colabtools#5238,
ColabFold#693): no `--force-reinstall`, no `-U`. What is not pinned is another package tomorrow (colabtools#6081).
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator

from anylab.errors import Problem
from anylab.lint import Collection, Piece, rule

_SHELL_CELL = re.compile(r"%%(bash|sh|shell|system|script)\b")
_INSTALL = re.compile(r"(?:^|\s)(?:uv\s+)?pip3?\s+install\b(?P<rest>.*)")
_OPTIONS = """
-c --constraint -r --requirement -i --index-url --extra-index-url -f --find-links -t --target --prefix --root --platform
--python-version -e --editable --only-binary --no-binary --upgrade-strategy --progress-bar --python --timeout --retries
--torch-backend
"""
_TAKES_VALUE = frozenset(_OPTIONS.split())
_PLAIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(\[[^\]]*\])?(?P<versions>[^@{$/]*)")
_COMMIT = re.compile(r"@[0-9a-f]{40}(#|$)")
_HINTS = ("pip", "install")


@rule("install/force-reinstall", on="code", foreign="warning", hints=("--force-reinstall",))
def nothing_is_reinstalled_by_force(piece: Piece, around: Collection) -> Iterable[Problem]:
    for line, words in installs(piece):
        if "--force-reinstall" in words:
            what = "--force-reinstall replaces what the kernel has loaded (numpy first); remove it"
            yield Problem(piece.at(line), what)


@rule("install/upgrade", on="code", foreign="warning", hints=_HINTS)
def nothing_is_upgraded(piece: Piece, around: Collection) -> Iterable[Problem]:
    for line, words in installs(piece):
        if any(w == "--upgrade" or re.fullmatch(r"-[a-zA-Z]*U[a-zA-Z]*", w) for w in words):
            what = "-U moves what the image ships and the kernel has loaded; ask for the versions that are needed"
            yield Problem(piece.at(line), what)


@rule("install/unpinned", on="code", foreign="warning", hints=_HINTS)
def what_is_installed_is_pinned(piece: Piece, around: Collection) -> Iterable[Problem]:
    for line, words in installs(piece):
        if not {"-c", "--constraint"} & set(words):
            loose = [w for w in _wanted(words) if _is_loose(w)]
            if loose:
                shown = ", ".join(loose[:3]) + (" and more" if len(loose) > 3 else "")
                what = f"installs {shown} without a version, so another one every day; "
                yield Problem(piece.at(line), what + "declare it under 'packages', or pin it with ==")


@rule("install/git", on="code", foreign="warning", hints=("git+",))
def nothing_is_installed_from_a_moving_branch(piece: Piece, around: Collection) -> Iterable[Problem]:
    for line, words in installs(piece):
        if any("git+" in w and not _COMMIT.search(w) for w in words):
            what = "installs from a git branch, which moves; name the commit (@ and 40 digits) or take a release"
            yield Problem(piece.at(line), what)


@rule("shell/background", on="code", foreign="warning", hints=("&",))
def no_command_is_sent_to_the_background(piece: Piece, around: Collection) -> Iterable[Problem]:
    for number, line in enumerate(piece.text.split("\n") if piece.is_cell else (), 1):
        if re.match(r"\s*!.*[^&\s>]\s*&\s*$", line):
            what = "'!command &' works on one platform and is refused by others; start it with subprocess.Popen"
            yield Problem(piece.at(number), what + " and a log file")


def installs(piece: Piece) -> Iterator[tuple[int, list[str]]]:
    """(line, words behind `install`) of every pip line in a cell, and of every command list in Python."""
    if "pip" not in piece.text or "install" not in piece.text:
        return
    if piece.is_cell:
        lines = piece.text.split("\n")
        shell = bool(_SHELL_CELL.match(next((line for line in lines if line.strip()), "")))
        number = 0
        while number < len(lines):
            line, first = lines[number], number + 1
            while line.endswith("\\") and number + 1 < len(lines):
                number += 1
                line = line[:-1] + " " + lines[number].strip()
            number += 1
            if shell or line.lstrip().startswith(("!", "%")):
                for command in re.split(r"&&|\|\||;|\|", line.lstrip().lstrip("!%")):
                    found = _INSTALL.search(re.sub(r"^\s*#.*", "", command))
                    if found:
                        yield first, _words(found["rest"])
    for node in ast.walk(piece.tree or ast.Module([], [])):
        if isinstance(node, ast.List):
            words = [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
            if "pip" in words and "install" in words:
                yield node.lineno, words[words.index("install") + 1 :]


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest, comments=True)
    except ValueError:  # a quote left open
        return rest.split()


def _wanted(words: list[str]) -> Iterator[str]:
    """The requirements among the words of an install line: no options, and not what belongs to one."""
    skip = False
    for word in words:
        if skip or word in _TAKES_VALUE or word.startswith("-"):
            skip = not skip and word in _TAKES_VALUE
        elif re.match(r"[A-Za-z0-9]", word):  # a variable is the caller's matter
            yield word


def _is_loose(word: str) -> bool:
    """True for a plain requirement without an upper bound; addresses, files and variables are no such thing."""
    named = _PLAIN.fullmatch(word.partition("#")[0].strip())
    if not named or re.search(r"\.(whl|txt|tar\.gz|zip)$", named["name"]):
        return False
    return not re.search(r"===?|~=|<", named["versions"])


def names_of(words: list[str]) -> set[str]:
    """The packages that an install line names."""
    return {m.group() for word in _wanted(words) if (m := re.match(r"[A-Za-z0-9][\w.-]*", word))}
