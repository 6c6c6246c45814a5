"""What cells install, and what they leave running: pip lines that move an image, and commands sent to the background.

A kernel has numpy loaded before the first cell, so an install that moves it breaks the session (colabtools#5238,
ColabFold#693): no `--force-reinstall`, no `-U`. What is not pinned is another package tomorrow (colabtools#6081).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from anylab.errors import Problem
from anylab.images import normal
from anylab.install import PROTECTED
from anylab.lint import Collection, Piece, rule
from anylab.lint.commands import bare, commands, parts, split

_INSTALL = re.compile(r"(?:^|[\s/])(?:pip[\d.]*|(?P<conda>conda|mamba|micromamba))(?:\s+-\S+)*\s+install\b(?P<rest>.*)")
_TOOLS = frozenset(["pip", "conda", "mamba", "micromamba"])
_OF_CONDA = {"-c": "--channel", "-n": "--name", "-p": "--prefix"}
_OPTIONS = """
-c --constraint -r --requirement -i --index-url --extra-index-url -f --find-links -t --target --prefix --root --platform
--python-version -e --editable --only-binary --no-binary --upgrade-strategy --progress-bar --python --timeout --retries
--torch-backend --channel --name
"""
_TAKES_VALUE = frozenset(_OPTIONS.split())
_PLAIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(\[[^\]]*\])?(?P<versions>[^@{$/]*)")
_COMMIT = re.compile(r"@[0-9a-f]{40}(#|$)")
_CLONE = re.compile(r"\bgit\s+clone\b")
_FOLDER = re.compile(r"\.|\.{0,2}/.*|[\w.-]+/|\./?\[.*\]")
_ALONE = re.compile(r"(?<![&>|<])&(?![&>])")
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


@rule("install/protected", on="code", foreign="warning", hints=("install",))
def what_the_image_is_built_around_is_left_to_the_plan(piece: Piece, around: Collection) -> Iterable[Problem]:
    """A cell's own install goes past the plan, which compares what is declared with what each platform has."""
    for line, words in installs(piece):
        moved = sorted(name for name in map(normal, names_of(words)) if name in PROTECTED)
        if moved:
            what = f"installs {', '.join(moved)}, which the kernel and its image are built around, past the plan; "
            yield Problem(piece.at(line), what + "declare it under 'packages' and remove this")


@rule("install/git", on="code", foreign="warning", hints=("git",))
def nothing_is_installed_from_a_moving_branch(piece: Piece, around: Collection) -> Iterable[Problem]:
    cloned = "clone" in piece.text and any(_CLONE.search(c.text) for c in commands(piece))
    held = re.search(r"\b(checkout|reset|switch)\b[^\n]*\b[0-9a-f]{40}\b", piece.text)
    for line, words in installs(piece):
        if any("git+" in w and not _COMMIT.search(w) for w in words):
            what = "installs from a git branch, which moves; name the commit (@ and 40 digits) or take a release"
            yield Problem(piece.at(line), what)
        elif cloned and not held and _of_folder(words):
            what = "installs a clone of a git branch, which moves; check out a commit (40 digits) or take a release"
            yield Problem(piece.at(line), what)


@rule("shell/background", on="code", foreign="warning", hints=("&",))
def no_command_is_sent_to_the_background(piece: Piece, around: Collection) -> Iterable[Problem]:
    sent = [c for c in commands(piece) if c.of_notebook]
    if any(re.match(r"wait\b", c.text) for c in sent):
        return  # a shell cell that waits for what it has started leaves nothing behind
    for command in sent:
        if _ALONE.search(bare(command.text)):
            what = "'command &' works on one platform and is refused by others; start it with subprocess.Popen"
            yield Problem(piece.at(command.line), what + " and a log file")


def installs(piece: Piece) -> Iterator[tuple[int, list[str]]]:
    """(line, words behind `install`) of every pip or conda line of a cell or a call, and of every command list."""
    if "install" not in piece.text:
        return
    for command in commands(piece):
        for part in parts(command.text):
            found = _INSTALL.search(part)
            if found:
                yield command.line, _as_pip(found["conda"], split(found["rest"]))
    for node in piece.nodes(ast.List, ast.Tuple) if "pip" in piece.text or "conda" in piece.text else ():
        words = [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
        tool = next((w for w in words if w in _TOOLS), "")
        if tool and "install" in words:
            yield node.lineno, _as_pip(tool != "pip" and tool, words[words.index("install") + 1 :])


def _as_pip(conda: object, words: list[str]) -> list[str]:
    """The words with conda's channel and environment under names that mean nothing else to pip."""
    return [_OF_CONDA.get(w, w) for w in words] if conda else words


def _wanted(words: list[str]) -> Iterator[str]:
    """The requirements among the words of an install line: no options, and not what belongs to one."""
    skip = False
    for word in words:
        if skip or word in _TAKES_VALUE or word.startswith("-"):
            skip = not skip and word in _TAKES_VALUE
        elif re.match(r"[A-Za-z0-9]", word):  # a variable is the caller's matter
            yield word


def _of_folder(words: list[str]) -> bool:
    """True for an install of a folder: `.`, `./x`, `x/`, or anything behind `-e`."""
    editable = any(w in ("-e", "--editable") or w.startswith("--editable=") for w in words)
    return editable or any(_FOLDER.fullmatch(w) for w in words)


def _is_loose(word: str) -> bool:
    """True for a plain requirement without an upper bound; addresses, files and variables are no such thing."""
    named = _PLAIN.fullmatch(word.partition("#")[0].strip())
    if not named or re.search(r"\.(whl|txt|tar\.gz|zip)$", named["name"]):
        return False
    return not re.search(r"(?<![<>!])=|<", named["versions"])  # conda's pin is a single one


def names_of(words: list[str]) -> set[str]:
    """The packages that an install line names."""
    return {m.group() for word in _wanted(words) if (m := re.match(r"[A-Za-z0-9][\w.-]*", word))}
