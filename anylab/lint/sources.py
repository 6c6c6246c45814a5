"""Rules about a source as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from anylab import magics, parsers, syntax
from anylab.errors import Origin, Problem
from anylab.lint import Collection, Piece, rule
from anylab.render import settings_of
from anylab.source import Source

LIBRARY_NAMES_ARE_STRANGERS = "on the registry this name is a stranger's package"


@rule("source/syntax", on="code", foreign="warning")
def every_code_cell_parses(piece: Piece, around: Collection) -> Iterable[Problem]:
    if not piece.is_cell:
        return  # a module is parsed when it is loaded
    found = syntax.fault(piece.python)
    if found:
        line, what = found
        text = piece.text.split("\n")[line - 1 :][:1]
        ours = piece.source is not None and piece.source.ours
        if ours and text and text[0].lstrip().startswith(("%", "!")):
            what += "; write a magic as a comment: # " + text[0].strip()[:40]
        yield Problem(piece.at(line), f"does not parse on Python 3.11 to 3.13: {what}")


@rule("source/comment-command", on="source", foreign="warning")
def no_comment_reads_as_a_command(source: Source, around: Collection) -> Iterable[Problem]:
    """jupytext, when a person opens the source in Jupyter, turns such a comment into a command."""
    if source.path.suffix != ".py":
        return
    is_magic = parsers.jupytext().magics.is_magic
    for cell in (c for c in source.cells if c.kind == "code"):
        quoted = ""
        for number, line in enumerate(cell.python.split("\n") if not cell.source.startswith("%%") else ()):
            inside, quoted = quoted, magics.open_quote(line, quoted)
            looks = not inside and line.lstrip().startswith("#") and is_magic(line, "python", True, True)
            if looks and not magics.is_commented_magic(line):
                word = line.lstrip("# ").split()[0]
                origin = Origin(cell.origin.file, cell.origin.line + number)
                yield Problem(
                    origin,
                    f"jupytext alone reads this comment as the command '{word}', here it stays one; reword it",
                )


def _requirements(source: Source) -> Iterable[tuple[str, Origin]]:
    for key in ("packages", "no_deps"):
        for i, text in enumerate(source.front.get(key, [])):
            yield text, source.at(key, i)


@rule("source/requirement", on="source")
def every_requirement_parses(source: Source, around: Collection) -> Iterable[Problem]:
    from packaging.requirements import InvalidRequirement, Requirement

    for text, origin in _requirements(source):
        try:
            Requirement(text)
        except InvalidRequirement as error:
            yield Problem(origin, f"'{text}' is not a requirement (PEP 508): {str(error).splitlines()[0]}")


@rule("source/library-as-requirement", on="source")
def no_library_package_is_a_requirement(source: Source, around: Collection) -> Iterable[Problem]:
    for text, origin in _requirements(source):
        name = re.split(r"[^A-Za-z0-9_.-]", text.strip(), maxsplit=1)[0].lower().replace("-", "_")
        if name in around.packages:
            what = (
                f"'{text}' is our own library, which travels in the notebook; {LIBRARY_NAMES_ARE_STRANGERS}; remove it"
            )
            yield Problem(origin, what)


@rule("source/hidden-settings", on="source")
def the_settings_are_never_hidden(source: Source, around: Collection) -> Iterable[Problem]:
    for cell in source.cells:
        if cell.is_settings and cell.collapse:
            yield Problem(
                cell.origin, "the settings cell must not be collapsed: where forms do not exist it would be hidden"
            )


@rule("source/exit", on="code", hints=("SystemExit", "exit(", "quit("))
def no_cell_ends_the_run(piece: Piece, around: Collection) -> Iterable[Problem]:
    """`SystemExit(0)` ends a papermill run as if all cells had run; in a browser it stops Run all without a word."""
    for number, line in enumerate(piece.python.split("\n") if piece.is_cell else (), 1):
        if re.match(r"\s*(raise SystemExit|sys\.exit\(|exit\(|quit\()", line):
            yield Problem(piece.at(number), "raise an error with a sentence instead of exiting")


@rule("source/quick-test", on="source", warning=True)
def the_source_has_a_quick_test(source: Source, around: Collection) -> Iterable[Problem]:
    has_code = any(c.kind == "code" for c in source.cells)
    if has_code and "QUICK_TEST" not in {s.name for s in settings_of(source)}:
        yield Problem(
            source.at(), "no QUICK_TEST setting, so smoke runs it in full; add QUICK_TEST = False to the settings"
        )
