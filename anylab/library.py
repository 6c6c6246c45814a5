"""The library that travels: which modules of `lib/` a notebook imports, in the order in which it gets to see them.

The closure is static, from `import` statements alone, so a compiled notebook stands alone (rule 4 of CONTRIBUTING.md).
Modules travel whole and readable; those of EXCHANGED are the local ones here, and a platform's own take their place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from anylab import syntax, text
from anylab.errors import Origin, Refused, did_you_mean, refuse

# what a platform folder may hold -> the module in whose place it travels
EXCHANGED = {"adapter.py": "labkit.here", "transport.py": "labkit.transport"}
KIT = "labkit"  # the package that platforms add to


@dataclass(frozen=True)
class Imported:
    """One import: the absolute dotted name and its line, whether a `try` catches its failure, and what it waits for:
    a call of this function ("f", "Class.f"), '' where it happens at once."""

    name: str
    line: int
    caught: bool
    waits: str


@dataclass(frozen=True, eq=False)
class Module:
    """One module of the library. `path` is where it goes below the scratch folder; `package` is True for __init__."""

    name: str
    path: str
    file: str
    text: str
    package: bool
    imports: tuple[Imported, ...]
    defined: frozenset[str]  # names bound at its top level


Library = Mapping[str, Module]


def load(folders: Iterable[tuple[Path, str]]) -> dict[str, Module]:
    """Every module below the `lib` folders (path, shown name); a package in an earlier one hides its namesake."""
    modules: dict[str, Module] = {}
    problems = []
    for folder, shown in folders:
        if not folder.is_dir():
            continue
        packages = sorted(p for p in folder.iterdir() if (p / "__init__.py").exists())
        for alone in sorted(folder.glob("*.py")):
            what = f"a module of its own does not travel; move it into a package: {alone.stem}/__init__.py"
            problems += refuse(Origin(f"{shown}/{alone.name}"), what).problems
        for package in packages:
            if package.name in modules:
                continue
            for path in sorted(package.rglob("*.py")):
                relative = path.relative_to(folder)
                if any(part.startswith(".") for part in relative.parts):
                    continue  # what an editor keeps there (.ipynb_checkpoints) is no module
                if not (path.parent / "__init__.py").exists():
                    what = "lies in a folder without an __init__.py; add one with a docstring"
                    problems += refuse(Origin(f"{shown}/{relative.as_posix()}"), what).problems
                    continue
                try:
                    module = parse(text.read(path, f"{shown}/{relative.as_posix()}"), relative, shown)
                    modules[module.name] = module
                except Refused as refused:
                    problems += refused.problems
    if problems:
        raise Refused(problems)
    return modules


def parse(content: str, relative: Path, shown: str, file: str = "") -> Module:
    """A module from its text. Raises Refused when it is empty or does not parse."""
    file = file or f"{shown}/{relative.as_posix()}"
    package = relative.name == "__init__.py"
    name = ".".join(relative.parent.parts if package else relative.with_suffix("").parts)
    if not content.strip():
        raise refuse(Origin(file), "is empty, and %%writefile cannot write an empty file; give it a docstring")
    try:
        tree = syntax.parse(content) or syntax.tree(content)  # which raises
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise refuse(Origin(file, line), f"does not parse: {getattr(error, 'msg', error)}") from None
    imports = tuple(imported(tree, name if package else name.rpartition(".")[0]))
    for wanted in imports:
        if wanted.name.startswith("."):
            what = f"the relative import '{wanted.name}' leads out of the package; name the module"
            raise refuse(Origin(file, wanted.line), what)
    return Module(name, relative.as_posix(), file, content, package, imports, frozenset(_bound(tree)))


def imported(tree: ast.AST, package: str = "") -> Iterable[Imported]:
    """Everything a module imports; `from a import b` gives a.b."""
    for node, caught, waits in _statements(tree, False, ""):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                parents = parents[: len(parents) - node.level + 1]
                above = node.level > len(package.split("."))  # beyond the package: Python refuses it at run time
                base = "." * node.level + base if above else ".".join([*parents, base] if base else parents)
            names = [f"{base}.{alias.name}" if alias.name != "*" else base for alias in node.names]
        else:
            continue
        for name in names:
            yield Imported(name, node.lineno, caught, waits)


def _statements(node: ast.AST, caught: bool, waits: str, group: str = "") -> Iterable[tuple[ast.stmt, bool, str]]:
    """(statement, inside a `try` that catches, the function that it waits for) of everything below a node, without
    walking through expressions, which hold no import. `group` is the class that the node stands in."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        inside = caught or (name == "body" and isinstance(node, ast.Try) and bool(node.handlers))
        for child in getattr(node, name, ()):
            yield child, inside, waits
            if isinstance(child, ast.ClassDef):
                yield from _statements(child, inside, waits, f"{group}{child.name}.")
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                yield from _statements(child, inside, waits or (f"{group}{child.name}" if function else ""), group)


def _bound(tree: ast.AST) -> Iterable[str]:
    """The names that a module binds, also inside `if` and `try`; '*' where it imports everything of another."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        yield from _bound(node)


def exchanged(library: Library, overlays: Mapping[str, tuple[str, str]]) -> Library:
    """The library with a platform's own modules, name -> (text, file as shown), in the place of the local ones.

    A library that lacks a module has no use for a platform's. Raises Refused when one does not parse.
    """
    own = dict(library)
    for name, (content, file) in overlays.items():
        if name in library:
            own[name] = parse(content, Path(library[name].path), "", file)
    return own


def closure(library: Library, wanted: Iterable[tuple[str, Origin]]) -> list[Module]:
    """The modules that `wanted` names (dotted, with where they were asked for) need, packages before what is in them.

    Names of other libraries are skipped. Raises Refused for a name that our package lacks.
    """
    packages = {name.partition(".")[0] for name in library}
    found: dict[str, Module] = {}
    queue = [(name, origin) for name, origin in wanted if name.partition(".")[0] in packages]
    while queue:
        name, origin = queue.pop()
        module = library.get(name)
        if module is None:
            parent, _, leaf = name.rpartition(".")
            module = library.get(parent)
            if module is None or not module.defined & {leaf, "*", "__getattr__"}:
                known = [m for m in library if m.rpartition(".")[0] == parent] if parent in library else library
                raise refuse(origin, f"the library has no '{name}'{did_you_mean(name, known)}")
        if module.name in found:
            continue
        found[module.name] = module
        parts = module.name.split(".")
        queue += [(".".join(parts[:n]), origin) for n in range(1, len(parts))]
        queue += [(i.name, Origin(module.file, i.line)) for i in module.imports if i.name.partition(".")[0] in packages]
    return [found[name] for name in sorted(found)]


def everything_in(library: Library, name: str, origin: Origin) -> list[tuple[str, Origin]]:
    """All modules of an embedded package or the one module of that name. Raises Refused when the library lacks it."""
    below = [n for n in library if n == name or n.startswith(name + ".")]
    if not below:
        known = {n.partition(".")[0] for n in library}
        raise refuse(origin, f"the library has no package '{name}'{did_you_mean(name, known)}")
    return [(n, origin) for n in below]
