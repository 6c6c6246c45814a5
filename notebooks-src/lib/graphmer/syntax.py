"""One Python file -> its facts, for the first pass of the graph builder. Nothing is imported or run.

Contract: `collect` walks one parsed file once and keeps only small records (scopes, definitions, unresolved
references), so no tree outlives its file. `resolve` turns the references of all files into triples.

Decisions:
- The walk uses its own stack: a file that parsed can still be deep enough to exhaust Python's recursion limit.
- Names are qualified by module (`json.encoder.JSONEncoder.encode`). Parameters stay bare, for `has_parameter` is about
  naming.
"""

import ast
from dataclasses import dataclass, field

SKIP = (ast.Constant, ast.Load, ast.Store, ast.Del, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


class Scope:
    """A module, class or function and the names it binds. `members` maps a short name to a qualified one."""

    __slots__ = (
        "name",
        "kind",
        "parent",
        "members",
        "attributes",
        "aliases",
        "stars",
        "bound",
        "method",
        "first",
        "bases",
    )

    def __init__(self, name: str, kind: str, parent: "Scope | None" = None):
        self.name, self.kind, self.parent = name, kind, parent
        self.members: dict[str, str] = {}
        self.attributes: dict[str, str] = {}
        self.aliases: dict[str, tuple[str, str | None]] = {}
        self.stars: list[str] = []
        self.bound: set[str] = set()
        # A function nested in a method still sees the method's `self`.
        self.method: Scope | None = parent.method if parent is not None and kind == "Function" else None
        self.first: str | None = None
        self.bases: list[str] = []


@dataclass
class Facts:
    """What one file says: its scopes by qualified name, (name, kind, signature, doc, source, owner), references."""

    module: Scope
    is_package: bool
    scopes: dict[str, Scope] = field(default_factory=dict)
    definitions: list[tuple[str, str, str, str, str, str]] = field(default_factory=list)
    direct: list[tuple[str, str, str]] = field(default_factory=list)
    references: list[tuple[str, str, Scope, tuple[str, ...]]] = field(default_factory=list)


def dotted(node: ast.AST) -> tuple[str, ...] | None:
    """`a.b.c` -> ("a", "b", "c"); `super().f` -> ("super()", "f"); anything else -> None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        return (node.id, *reversed(parts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super":
        return ("super()", *reversed(parts))
    return None


def header(node: ast.AST, lines: list[str]) -> str:
    """Source from `def` to the colon. Columns of `ast` count UTF-8 bytes, hence the detour for a one-line function."""
    body = node.body[0]
    first = min([body.lineno] + [d.lineno for d in getattr(body, "decorator_list", [])])
    text = lines[node.lineno - 1 : first - 1]
    before = lines[first - 1].encode("utf-8", "replace")[: body.col_offset].decode("utf-8", "ignore")
    if first == body.lineno and before.strip():
        text = [*text, before]
    return " ".join(" ".join(text).split())


def collect(tree: ast.Module, module: str, is_package: bool, text: str) -> Facts:
    """Walk one module. `module` is its qualified name, `text` its decoded source."""
    lines = text.split("\n")
    top = Scope(module, "Module")
    facts = Facts(top, is_package, {module: top})
    facts.definitions.append((module, "Module", f"module {module}", ast.get_docstring(tree) or "", "", ""))
    # Reversed pushes keep source order: of two bindings of one name (under `if` or `try`) the first one counts.
    todo = [(node, top) for node in reversed(tree.body)]
    while todo:
        node, scope = todo.pop()
        handler = HANDLERS.get(type(node))
        if handler is None:
            for name in reversed(node._fields):
                value = getattr(node, name, None)
                if isinstance(value, list):
                    todo.extend(
                        (v, scope) for v in reversed(value) if isinstance(v, ast.AST) and not isinstance(v, SKIP)
                    )
                elif isinstance(value, ast.AST) and not isinstance(value, SKIP):
                    todo.append((value, scope))
        else:
            todo.extend(reversed(handler(facts, node, scope, lines)))
    return facts


def _definition(facts, node, scope, lines):
    """Bind the name, record the text, open a scope. Decorators, defaults and annotations belong outside it."""
    name = f"{scope.name}.{node.name}"
    is_class = isinstance(node, ast.ClassDef)
    kind = "Class" if is_class else "Method" if scope.kind == "Class" else "Function"
    inner = Scope(name, kind, scope)
    scope.members.setdefault(node.name, name)
    facts.scopes.setdefault(name, inner)
    facts.direct.append((scope.name, "has_method" if kind == "Method" else "defines", name))
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (parts := dotted(target)) is not None:
            facts.references.append(("decorated_by", name, scope, parts))
    # Bases and decorators stay out of the text: `inherits` and `decorated_by` are to be predicted, not copied.
    signature = f"class {node.name}:" if is_class else header(node, lines)
    source = "" if is_class else _dedent(lines[node.lineno - 1 : node.end_lineno])
    owner = scope.name if scope.kind == "Class" else ""
    facts.definitions.append((name, kind, signature, ast.get_docstring(node) or "", source, owner))
    outside = [(d, scope) for d in node.decorator_list]
    if is_class:
        for base in node.bases:
            if (parts := dotted(base)) is not None:
                facts.references.append(("inherits", name, scope, parts))
        outside += [(k.value, scope) for k in node.keywords]
    else:
        outside += _parameters(facts, node, scope, inner)
    return outside + [(child, inner) for child in node.body]


def _parameters(facts, node, scope, inner):
    arguments = node.args
    positional = arguments.posonlyargs + arguments.args
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    if inner.kind == "Method" and positional and not static:
        inner.method, inner.first = inner, positional[0].arg
    for arg in (*positional, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if arg is None:
            continue
        inner.bound.add(arg.arg)
        if arg.arg != inner.first:
            facts.direct.append((inner.name, "has_parameter", arg.arg))
        _annotation(facts, "param_type", inner.name, scope, arg.annotation)
    _annotation(facts, "returns_type", inner.name, scope, node.returns)
    return [(d, scope) for d in (*arguments.defaults, *arguments.kw_defaults) if d is not None]


def _annotation(facts, relation, head, scope, node):
    todo = [node] if node is not None else []
    while todo:
        node = todo.pop()
        if (parts := dotted(node)) is not None:
            facts.references.append((relation, head, scope, parts))
        else:
            todo.extend(ast.iter_child_nodes(node))


def _dedent(lines: list[str]) -> str:
    """Remove the first line's indent from every line that has it (textwrap.dedent is ten times slower)."""
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return "\n".join(line.removeprefix(indent) for line in lines)


def _import(facts, node, scope, lines):
    for alias in node.names:
        short = alias.name.split(".")[0]
        scope.aliases.setdefault(alias.asname or short, (alias.name if alias.asname else short, None))
        facts.direct.append((facts.module.name, "imports", alias.name))
    return ()


def _import_from(facts, node, scope, lines):
    base = node.module or ""
    if node.level:
        # `from . import x` means the package itself: one part less is dropped inside an __init__.py.
        parts = facts.module.name.split(".")
        keep = len(parts) - node.level + (1 if facts.is_package else 0)
        if keep < 1:
            return ()
        base = ".".join(parts[:keep] + ([node.module] if node.module else []))
    if base != facts.module.name:
        facts.direct.append((facts.module.name, "imports", base))
    for alias in node.names:
        if alias.name == "*":
            scope.stars.append(base)
        else:
            scope.aliases.setdefault(alias.asname or alias.name, (base, alias.name))
            facts.references.append(("imports_name", facts.module.name, scope, (alias.asname or alias.name,)))
    return ()


def _call(facts, node, scope, lines):
    parts = dotted(node.func)
    if parts is not None and scope.kind in ("Function", "Method"):
        facts.references.append(("calls", scope.name, scope, parts))
    rest = [node.func, *node.args, *(k.value for k in node.keywords)]
    return [(child, scope) for child in rest if not isinstance(child, SKIP)]


def _raise(facts, node, scope, lines):
    target = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    if target is not None and (parts := dotted(target)) is not None and scope.kind in ("Function", "Method"):
        facts.references.append(("raises", scope.name, scope, parts))
    return [(child, scope) for child in (node.exc, node.cause) if child is not None]


def _handler(facts, node, scope, lines):
    for kind in node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]:
        if kind is not None and (parts := dotted(kind)) is not None and scope.kind in ("Function", "Method"):
            facts.references.append(("catches", scope.name, scope, parts))
    if node.name:
        scope.bound.add(node.name)
    return [(child, scope) for child in node.body]


def _attribute(facts, node, scope, lines):
    method = scope.method
    if method is not None and isinstance(node.value, ast.Name) and node.value.id == method.first:
        written = not isinstance(node.ctx, ast.Load)
        if written:
            owner = method.parent
            owner.attributes.setdefault(node.attr, f"{owner.name}.{node.attr}")
        facts.references.append(
            ("writes_attribute" if written else "reads_attribute", method.name, scope, (node.value.id, node.attr))
        )
        return ()
    return ((node.value, scope),)


def _name(facts, node, scope, lines):
    if isinstance(node.ctx, ast.Store):
        if scope.kind == "Class":
            scope.attributes.setdefault(node.id, f"{scope.name}.{node.id}")
        else:
            scope.bound.add(node.id)
    return ()


HANDLERS = {
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.ClassDef: _definition,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Call: _call,
    ast.Raise: _raise,
    ast.ExceptHandler: _handler,
    ast.Attribute: _attribute,
    ast.Name: _name,
}
