"""A variant carries nothing of another platform: no path, module, button or name that only another one has.

The commonest defect of peers (84 of 112 Kaggle notebooks of one collection sent the reader to a "Google Colab
instance"). What belongs to a platform stands in its own folder: `[words]` and `[detect]` of `platform.toml`. Aside are
links and badges, the marks of the other platforms by which a variant says that it is in the wrong place, an adapter's
own am-I-here check, and the ways that carry a bundle (`transport.py`), which are there to speak of another place.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator

from anylab import syntax
from anylab.cell import Cell
from anylab.errors import Origin, Problem
from anylab.library import EXCHANGED
from anylab.lint import Collection, Variant, rule
from anylab.platforms import Platform
from anylab.source import Source

_LINK = re.compile(r"https?://[^\s)\"'>]+|!?\[(?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*\]\([^)\s]*\)")
_HERE = "am_i_here"  # the adapter's check (docs/platforms.md)
_TEXTS = ("title", "summary", "result", "leaves", "picture_alt")
_KINDS = {"paths": "the path", "modules": "the module", "buttons": "the words", "names": "the name"}


@rule("leak/other-platform", on="variant", foreign="warning")
def a_variant_says_nothing_of_another_platform(variant: Variant, around: Collection) -> Iterable[Problem]:
    id, ways = variant.platform.id, ways_of(variant.platform, around)
    for key, word, kind, owners in _above(variant.source, around):
        if id not in owners:
            yield _leak(variant.source.at(key), word, kind, owners, around)
    for cell in variant.cells:
        hits = () if cell.made or cell.origin.file.endswith(".j2") else _hits(cell, around)
        if not hits or cell.origin.file in ways:
            continue  # what cells are made from is looked at above and below
        check = _own_check(variant.platform, cell)
        for word, kind, owners, n in hits:
            if id not in owners and n not in check:
                yield _leak(Origin(cell.origin.file, cell.origin.line + n), word, kind, owners, around)


@rule("leak/template", on="platform")
def a_platforms_own_cells_say_nothing_of_another(platform: Platform, around: Collection) -> Iterable[Problem]:
    """The templates as they were written, with all their branches."""
    words, code, prose = _vocabulary(around)
    texts = [(c.text, c.origin, prose if c.kind == "markdown" else code) for cs in platform.cells.values() for c in cs]
    texts += [(t.text, Origin(t.file, 1), code) for t in platform.files.values()]
    for text, origin, pattern in texts:
        for word, kind, owners, n in _found(text, pattern, words):
            if platform.id not in owners:
                yield _leak(Origin(origin.file, origin.line + n), word, kind, owners, around)


def _leak(origin: Origin, word: str, kind: str, owners: frozenset[str], around: Collection) -> Problem:
    names = " and ".join(sorted({p.name for p in around.platforms if p.id in owners}))
    what = f"{_KINDS[kind]} '{word}' belongs to {names} and stands in variants of other platforms; "
    return Problem(origin, what + "ask labkit for it, or say it in that platform's own cells")


@functools.lru_cache(maxsize=1024)
def _above(source: Source, around: Collection) -> tuple[tuple[str, str, str, frozenset[str]], ...]:
    words, _, prose = _vocabulary(around)
    texts = ((key, source.front.get(key, "")) for key in _TEXTS)
    return tuple((key, *hit[:3]) for key, text in texts if text for hit in _found(text, prose, words))


@functools.lru_cache(maxsize=64)
def ways_of(platform: Platform, around: Collection) -> frozenset[str]:
    """The files of the bundle transports that this platform's variants may carry."""
    own = EXCHANGED["transport.py"]
    shared = [f for p in around.platforms if not p.has_variants for _, f in p.overlays.values()]
    return frozenset([*shared, *(file for name, (_, file) in platform.overlays.items() if name == own)])


Hit = tuple[str, str, frozenset[str], int]  # word, kind, platforms that have it, line from 0


@functools.lru_cache(maxsize=8192)  # a library cell is in every variant, a story cell in those of its notebook
def _hits(cell: Cell, around: Collection) -> tuple[Hit, ...]:
    """Everything in a cell that belongs to some platform."""
    words, code, prose = _vocabulary(around)
    if not any(word in cell.source for word in words):
        return ()
    return tuple(_found(cell.source, prose if cell.kind == "markdown" else code, words))


def _found(text: str, pattern: re.Pattern, words: dict) -> Iterator[Hit]:
    told = set()
    for n, line in enumerate(text.split("\n")):
        for found in pattern.finditer(_LINK.sub("", line)):
            word = found.group()
            if (word, n) not in told:
                told.add((word, n))
                yield (word, *words[word], n)


@functools.lru_cache(maxsize=4)
def _vocabulary(around: Collection) -> tuple[dict[str, tuple[str, frozenset[str]]], re.Pattern, re.Pattern]:
    """Every platform's words with their kind and owners; what is looked for in code, and in prose (names, too)."""
    owners: dict[str, set[str]] = {}
    kinds: dict[str, str] = {}
    for platform in around.platforms:
        table = platform.profile.get("words", {})
        detect = platform.profile.get("detect", {})
        own = [(kind, word) for kind in _KINDS for word in table.get(kind, ())]
        own += [("paths", detect[key]) for key in ("env", "folder") if key in detect]
        for kind, word in own:
            owners.setdefault(word, set()).add(platform.id)
            kinds.setdefault(word, kind)
    words = {word: (kinds[word], frozenset(ids)) for word, ids in owners.items()}
    return words, _pattern(w for w in words if kinds[w] != "names"), _pattern(words)


def _pattern(words: Iterable[str]) -> re.Pattern:
    """Any of the words, whole: `/content` is neither in `/contents` nor in `my/content`."""
    longest_first = sorted(words, key=len, reverse=True)
    ends = "|".join(re.escape(word) + (r"(?!\w)" if re.match(r".*\w$", word) else "") for word in longest_first)
    return re.compile(rf"(?<![\w.~-])(?:{ends})" if ends else r"(?!)")


def _own_check(platform: Platform, cell: Cell) -> range:
    """The lines (from 0) of the am-I-here check, when the cell is this platform's adapter."""
    content, file = platform.overlays.get(EXCHANGED["adapter.py"], ("", ""))
    return _lines_of(content, _HERE) if file and file == cell.origin.file else range(0)


@functools.lru_cache(maxsize=64)
def _lines_of(content: str, function: str) -> range:
    for node in (syntax.parse(content) or ast.Module([], [])).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return range(node.lineno, (node.end_lineno or node.lineno) + 1)  # below the cell's own first line
    return range(0)
