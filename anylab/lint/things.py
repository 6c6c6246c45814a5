"""What rules look at: a piece of code, a variant, a notebook document, a page of prose, and the collection around them.

Everything that costs time (a tree, the names of a notebook) is made when a rule first asks for it, once.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anylab import magics, syntax
from anylab.errors import Origin

if TYPE_CHECKING:
    from anylab.cell import Cell
    from anylab.library import Library, Module
    from anylab.platforms import Platform
    from anylab.project import Project
    from anylab.source import Source
    from anylab.work import Facts


@dataclass(frozen=True, eq=False)
class Collection:
    """What is around a source or a variant: the platform folders, the library, and what a build will write."""

    packages: frozenset[str] = frozenset()  # the names of the library's packages
    platforms: tuple[Platform, ...] = ()  # every folder, those without variants too
    modules: Library = field(default_factory=dict)
    project: Project | None = None
    planned: frozenset[str] = frozenset()  # paths below dist that a build writes
    facts: tuple[Facts, ...] = ()  # the cards, and the work of notebooks
    cards: frozenset[str] = frozenset()  # what cards are called


@dataclass(frozen=True, eq=False)
class Piece:
    """Code with the place where it stands: a cell, or a whole module. `python` has its magics taken out."""

    text: str
    python: str
    origin: Origin  # of the first line
    names: Names
    is_cell: bool = True
    settings: frozenset[str] = frozenset()  # the notebook's settings
    source: Source | None = None

    @property
    def tree(self) -> ast.Module | None:
        """The tree, None when it does not parse (another rule says so)."""
        return syntax.parse(self.python)

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[Any]:
        """The nodes of these types, a type after another; none when it does not parse."""
        found = syntax.nodes(self.python)
        for kind in kinds:
            yield from found.get(kind, ())

    def at(self, line: int) -> Origin:
        """Where line `line` (from 1) of the text stands."""
        return Origin(self.origin.file, self.origin.line + line - 1)

    def line_of(self, origin: Origin) -> str:
        """The text of a line."""
        lines, n = self.text.split("\n"), origin.line - self.origin.line
        return lines[n] if origin.file == self.origin.file and 0 <= n < len(lines) else ""

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """(what is called, resolved through the notebook's imports; the call) for every call by name."""
        for node in self.nodes(ast.Call):
            name = dotted(node.func)
            if name:
                yield self.names.resolved(name), node


class Names:
    """What names stand for in a whole notebook or module: imported modules, and constants that are texts."""

    def __init__(self, codes: Iterable[str]):
        self._codes = tuple(codes)
        self._mentioned: dict[tuple[str, ...], bool] = {}

    @functools.cached_property
    def _trees(self) -> list[ast.Module]:
        return [tree for tree in map(syntax.parse, self._codes) if tree]

    @functools.cached_property
    def _aliases(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for code in self._codes:
            nodes = syntax.nodes(code)
            for node in nodes.get(ast.Import, ()):
                found |= {a.asname: a.name for a in node.names if a.asname}
            for node in nodes.get(ast.ImportFrom, ()):
                if node.module and not node.level:
                    found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        return found

    @functools.cached_property
    def _texts(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for node in (n for tree in self._trees for n in tree.body):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and type(node.value.value) is str:
                found |= {t.id: node.value.value for t in node.targets if isinstance(t, ast.Name)}
        return found

    def mention(self, *words: str) -> bool:
        """True when one of these words stands anywhere in the code: the cheap question before a tree is walked."""
        if words not in self._mentioned:
            self._mentioned[words] = any(word in code for code in self._codes for word in words)
        return self._mentioned[words]

    def resolved(self, name: str) -> str:
        """A dotted name with its first part as it was imported: `np.load` is `numpy.load`."""
        first, dot, rest = name.partition(".")
        return self._aliases.get(first, first) + dot + rest

    def text(self, node: ast.AST | None) -> str | None:
        """The text that an argument is: a literal, or a constant of the notebook; None when that cannot be told."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return self._texts.get(node.id) if isinstance(node, ast.Name) else None

    def shape(self, node: ast.AST | None) -> str | None:
        """The same, also of what is put together: `{}` stands for what only a run knows."""
        if isinstance(node, ast.JoinedStr):
            return "".join(self.shape(part) or "{}" for part in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.shape(node.value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = self.shape(node.left), self.shape(node.right)
            return "".join(side or "{}" for side in sides) if any(sides) else None
        return self.text(node)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a chain of attributes, '' for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def argument(call: ast.Call, name: str, place: int = -1) -> ast.AST | None:
    """An argument by its keyword or its place; None when it is not there."""
    given = next((k.value for k in call.keywords if k.arg == name), None)
    if given is None and 0 <= place < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args):
        given = call.args[place]
    return given


def spread(call: ast.Call) -> bool:
    """True for a call with `**options`, which may hold anything."""
    return any(k.arg is None for k in call.keywords)


@functools.cache
def pieces_of(source: Source) -> tuple[Piece, ...]:
    """The code cells of a source."""
    from anylab.render import settings_of

    cells = [c for c in source.cells if c.kind == "code"]
    codes = [_python(source, c) for c in cells]
    names, settings = Names(codes), frozenset(s.name for s in settings_of(source))
    return tuple(
        Piece(c.source, code, c.origin, names, settings=settings, source=source)
        for c, code in zip(cells, codes, strict=True)
    )


def _python(source: Source, cell: Cell) -> str:
    """A cell's Python: ours is valid as it stands, somebody else's may hold magics that are no comments."""
    return cell.python if source.ours and cell.python else magics.python_only(cell.source)


def whole(module: Module) -> Piece:
    """A library module as one piece."""
    return Piece(module.text, module.text, Origin(module.file, 1), Names([module.text]), is_cell=False)


@dataclass(frozen=True, eq=False)
class Variant:
    """A compiled variant before it becomes bytes; `beside` are the texts of the files beside it, by name."""

    source: Source
    platform: Platform
    cells: list[Cell]
    beside: Mapping[str, str]

    def line_of(self, origin: Origin) -> str:
        """The text of a line, found by where it was written."""
        for cell in self.cells:
            n = origin.line - cell.origin.line
            if cell.origin.file == origin.file and 0 <= n <= cell.source.count("\n"):
                return cell.source.split("\n")[n]
        return ""


@dataclass(frozen=True, eq=False)
class Document:
    """A notebook file as JSON; `cell` names a cell of it to people."""

    file: str
    data: Mapping[str, Any]

    def line_of(self, origin: Origin) -> str:
        """The text of a line of a cell."""
        for where, cell in self.cells():
            if where.file == origin.file:
                written = cell.get("source")
                lines = ("".join(map(str, written)) if isinstance(written, list) else str(written)).split("\n")
                return lines[origin.line - 1] if 0 < origin.line <= len(lines) else ""
        return ""

    def cells(self) -> Iterator[tuple[Origin, Mapping[str, Any]]]:
        """(where, cell) of each cell; what is no cell is left to others."""
        for i, cell in enumerate(self.data.get("cells") or (), 1):
            if isinstance(cell, Mapping):
                yield Origin(f"{self.file} cell {i}", 1), cell


@dataclass(frozen=True)
class Page:
    """A page of prose of the project: its name below the root, and its text."""

    file: str
    text: str

    def line_of(self, origin: Origin) -> str:
        """The text of a line."""
        lines = self.text.split("\n")
        return lines[origin.line - 1] if origin.file == self.file and 0 < origin.line <= len(lines) else ""
