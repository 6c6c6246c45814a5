"""Every import finds its package: in the standard library, the notebook, its `packages`, or the platform's image.

And in that order: what has to be installed is imported after it was (a kernel that holds the old numpy fails with
"numpy.dtype size changed", colabtools#5238). An import whose failure a `try` catches is its own affair. What images
have stands in `platforms/<id>/packages.txt`, one name a line; a platform without such a list promises nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from anylab import carried
from anylab.cell import Cell
from anylab.errors import Origin, Problem, Refused, did_you_mean
from anylab.library import Imported, Library, Module
from anylab.lint import Collection, Piece, Variant, rule
from anylab.lint.installs import installs, names_of
from anylab.lint.leaks import ways_of
from anylab.lint.names import ALWAYS, STDLIB, brought, imports_of
from anylab.lint.things import pieces_of
from anylab.platforms import Platform
from anylab.source import Source


@rule("import/unknown", on="variant", foreign="warning")
def every_import_finds_its_package(variant: Variant, around: Collection) -> Iterable[Problem]:
    source, platform = variant.source, variant.platform
    if not source.ours and not _listed(platform):
        return  # a stranger declares nothing, and what is there nobody knows
    ways = ways_of(platform, around)  # a way to carry bundles says itself what it lacks
    for cell in variant.cells:
        for found in _strangers(cell, around):
            if _is_brought(found.name, source, platform):
                continue
            if not found.waits or not (cell.origin.file in ways or _is_never_called(found.waits, cell, variant)):
                origin = Origin(cell.origin.file, cell.origin.line + found.line - 1)
                yield Problem(origin, _unknown(found.name, platform, around))


def _is_never_called(function: str, cell: Cell, variant: Variant) -> bool:
    """True for a function of a library module that no other code of the variant names: nothing will import it then."""
    if cell.module is None or "." in function or re.search(rf"(?<!def )\b{function}\(", cell.module.text):
        return False  # a cell's own, a method, or asked for in the module itself
    leaf = cell.module.name.rpartition(".")[2]
    named = re.compile(rf"\b{leaf}\.{function}\b|\bimport\b[^\n]*\b{function}\b")
    return not any(c.kind == "code" and c is not cell and named.search(c.source) for c in variant.cells)


def _is_brought(name: str, source: Source, platform: Platform) -> bool:
    return _is_own(name, platform) or brought(name, _declared(source)) or brought(name, _listed(platform))


def _unknown(name: str, platform: Platform, around: Collection) -> str:
    first = name.partition(".")[0]
    told = name if first in _namespaces(around) else first
    where = f"on {platform.name}" if _listed(platform) else "where the image is not known"
    near = did_you_mean(told, around.packages)
    advice = near if "did you mean" in near else "; declare its package under 'packages'"
    return f"nothing brings the module '{told}' {where}{advice}"


@rule("import/before-install", on="variant")
def nothing_is_imported_before_it_is_installed(variant: Variant, around: Collection) -> Iterable[Problem]:
    """In our variants the platform's setup cells install; they, and all that they import, get along without."""
    code = [(i, c.origin.file) for i, c in enumerate(variant.cells) if c.kind == "code"]
    marks = [i for i, file in code if file.endswith("/cells/setup.py.j2")]
    early = variant.cells[: marks[-1] + 1] if marks else []
    asked = []
    for cell in (c for c in early if c.kind == "code" and not c.module):
        asked += [i.name for i in carried.imports_of(cell) if not i.waits]
        for found in _strangers(cell, around):
            if not (found.waits or _is_own(found.name, variant.platform)):
                yield _too_early(Origin(cell.origin.file, cell.origin.line + found.line - 1), found)
    library = carried.overlaid(variant.platform, around.modules)
    for module, found in _at_once(library, variant.platform, frozenset(asked), around):
        yield _too_early(Origin(module.file, found.line), found)


@rule("import/before-its-install", on="source", foreign="warning")
def nothing_is_imported_above_its_pip_line(source: Source, around: Collection) -> Iterable[Problem]:
    """In somebody else's notebook the cells themselves install."""
    first: dict[str, Origin] = {}
    for piece in pieces_of(source):
        steps = [(line, "", names_of(words)) for line, words in installs(piece)]
        steps += [(line, name, set()) for line, name in _imports_of(piece)]
        for line, name, packages in sorted(steps, key=lambda step: step[0]):
            if name:
                first.setdefault(name.lower(), piece.at(line))
            for package in packages:
                for brings in imports_of(package):
                    if brings.lower() in first:
                        what = f"imports {brings}, which a later line installs: the kernel keeps the old one"
                        yield Problem(first[brings.lower()], what)


def _imports_of(piece: Piece) -> Iterator[tuple[int, str]]:
    from anylab.library import imported

    if "import" in piece.text and piece.tree:
        yield from ((i.line, i.name.partition(".")[0]) for i in imported(piece.tree) if not i.waits)


def _too_early(origin: Origin, found: Imported) -> Problem:
    what = f"imports {found.name.partition('.')[0]} before the setup cell has installed anything; "
    return Problem(origin, what + "import it in a later cell, or inside the function that uses it")


@functools.lru_cache(maxsize=8192)
def _strangers(cell: Cell, around: Collection) -> tuple[Imported, ...]:
    """What a cell, or the module that it writes, must find beyond the standard library and ours.

    Lines are counted so that the cell's origin and the line give the place.
    """
    if cell.kind != "code":
        return ()
    if cell.module:
        found = (Imported(i.name, i.line + 1, i.caught, i.waits) for i in cell.module.imports)
    else:
        found = carried.imports_of(cell)
    ours = STDLIB | ALWAYS | around.packages
    return tuple(i for i in found if not i.caught and i.name.partition(".")[0] not in ours)


def _is_own(name: str, platform: Platform) -> bool:
    """True for the platform's own modules."""
    own = platform.profile.get("words", {}).get("modules", ())
    return any(name == o or name.startswith(o + ".") for o in own)


@functools.lru_cache(maxsize=256)
def _declared(source: Source) -> frozenset[str]:
    """What the notebook's packages are imported as, in lower case; of a stranger's, what its cells install."""
    wishes = [*source.front.get("packages", ()), *source.front.get("no_deps", ())]
    names = [m.group() for t in wishes if (m := re.match(r"[\w.-]+", t.strip()))]
    for piece in pieces_of(source) if not source.ours else ():
        for _, words in installs(piece):
            names += names_of(words)
    return frozenset(n.lower() for package in names for n in imports_of(package))


@functools.lru_cache(maxsize=256)
def _listed(platform: Platform) -> frozenset[str]:
    """What the platform's image can import, from its package list; empty when there is no list."""
    try:
        names = platform.image.packages if platform.image else ()
    except Refused:  # the list is none, which the planner says
        names = ()
    return frozenset(n.lower() for name in names for n in imports_of(name))


def _namespaces(around: Collection) -> set[str]:
    """First words that several packages share: there the whole name is told."""
    own = {m for p in around.platforms for m in p.profile.get("words", {}).get("modules", ())}
    return {m.partition(".")[0] for m in own if "." in m}


def _at_once(
    library: Library, platform: Platform, asked: frozenset[str], around: Collection
) -> tuple[tuple[Module, Imported], ...]:
    """(module, import) of everything from outside that importing `asked` imports on the way."""
    key = (id(library), asked)
    if key not in _reached:
        _reached[key] = tuple(_walk(library, platform, asked, around))
    return _reached[key]


_reached: dict[tuple[int, frozenset[str]], tuple[tuple[Module, Imported], ...]] = {}


def _walk(
    library: Library, platform: Platform, asked: frozenset[str], around: Collection
) -> Iterator[tuple[Module, Imported]]:
    seen: set[str] = set()
    queue = list(asked)
    while queue:
        parts = queue.pop().split(".")
        for name in (".".join(parts[:n]) for n in range(1, len(parts) + 1)):
            module = library.get(name)
            if module is None or name in seen:
                continue
            seen.add(name)
            queue += [i.name for i in module.imports if not i.waits]
            cell = carried.module_cell(module)
            for found in _strangers(cell, around):
                if not (found.waits or _is_own(found.name, platform)):
                    yield module, Imported(found.name, found.line - 1, False, False)
