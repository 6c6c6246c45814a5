"""What of the library travels with a variant: (cells, platform, library) -> modules, and the cells that write them.

Pure: what comes out depends on the arguments alone; closures of imports are kept, since a few serve all variants.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from anylab import library, magics, syntax
from anylab.cell import Cell
from anylab.errors import Origin
from anylab.platforms import Platform
from anylab.source import Source


def needed_modules(
    source: Source, platform: Platform, modules: library.Library, cells: Iterable[Cell]
) -> list[library.Module]:
    """The library modules of this variant, the platform's own (adapter, transport) in the place of the local ones."""
    ours = overlaid(platform, modules)
    wanted = [pair for cell in cells if cell.kind == "code" for pair in _imports(cell)]
    for i, name in enumerate(source.front.get("embeds", [])):
        wanted += library.everything_in(ours, name, source.at("embeds", i))
    key = (id(ours), frozenset(name for name, _ in wanted))
    if key not in _closures:  # a few sets of imports serve all variants
        _closures[key] = library.closure(ours, wanted)
    return _closures[key]


_closures: dict[tuple[int, frozenset[str]], list[library.Module]] = {}  # the libraries live in _libraries
_libraries: dict[tuple[int, int], tuple[Any, Any, library.Library]] = {}


def overlaid(platform: Platform, modules: library.Library) -> library.Library:
    """The library as this platform's variants see it. Raises Refused when a module of its own does not parse."""
    key = (id(platform), id(modules))
    if key not in _libraries:  # the arguments are kept, so that their ids stay theirs
        _libraries[key] = (platform, modules, library.exchanged(modules, platform.overlays))
    return _libraries[key][2]


@functools.cache
def _cell_imports(code: str) -> tuple[library.Imported, ...]:
    tree = syntax.outline(code) if "import" in code else None  # what does not parse is reported by a lint
    return tuple(library.imported(tree)) if tree else ()


def imports_of(cell: Cell) -> tuple[library.Imported, ...]:
    """What a code cell imports, lines counted from 1 within the cell."""
    return _cell_imports(cell.python or magics.python_only(cell.source))


def _imports(cell: Cell) -> list[tuple[str, Origin]]:
    return [(i.name, Origin(cell.origin.file, cell.origin.line + i.line - 1)) for i in imports_of(cell)]


@functools.cache
def module_cell(module: library.Module) -> Cell:
    """The collapsed cell that writes one library module, its whole source readable."""
    body = f"%%writefile $LAB/{module.path}\n{module.text}".rstrip("\n")
    return Cell("code", body, Origin(module.file, 0), module.path, collapse=True, module=module)
