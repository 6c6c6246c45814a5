"""Second pass of the graph builder: the symbols of every file are known, references become triples.

Contract: `Resolver(files).triples()` depends on the facts alone; it returns sorted distinct (head, relation, tail) and
leaves the type of every entity in `kinds`.

Decisions:
- `self.x` is looked up in the class and its *direct* bases. A value of unknown type resolves to nothing and is dropped:
  a wrong triple costs more than a missing one.
- What lies outside the read files (C modules, absent packages) is known only by its dotted name. A capital first letter
  then decides between class and function, which is a convention and not a fact.
"""

import builtins

from graphmer.syntax import Facts, Scope

# What `site` and a notebook's kernel add or take away is no part of the language, and differs from session to session.
SESSION = {"exit", "quit", "copyright", "credits", "license", "help", "display", "get_ipython", "__IPYTHON__", "_"}
BUILTINS = {
    name: "Class" if isinstance(getattr(builtins, name), type) else "Function"
    for name in sorted(set(dir(builtins)) - SESSION)
}


class Resolver:
    """All files' facts and the look-ups over them."""

    def __init__(self, files: list[Facts]):
        self.files = files
        self.scopes: dict[str, Scope] = {}
        for facts in files:
            self.scopes.update(facts.scopes)
        self.kinds = {name: scope.kind for name, scope in self.scopes.items()}

    def triples(self) -> list[tuple[str, str, str]]:
        found: set[tuple[str, str, str]] = set()
        # Bases first: every `self.` look-up below needs them.
        for relation, head, scope, parts in self._references("inherits"):
            base = self.resolve(scope, parts)
            if base is not None and base not in ("builtins.object", head) and self._kind(base, "Class") == "Class":
                self.scopes[head].bases.append(base)
                found.add((head, relation, base))
        for facts in self.files:
            found.update(facts.direct)
            for scope in facts.scopes.values():
                if scope.kind == "Class":
                    found.update(self._class(scope))
        for relation, head, scope, parts in self._references():
            tail = self.resolve(scope, parts)
            if tail is not None and tail != head and (named := self._typed(relation, tail)) is not None:
                found.add((head, named, tail))
        for head, relation, tail in sorted(found):
            default = {"has_parameter": "Parameter", "imports": "Module", "imports_name": "Symbol"}.get(
                relation, "Function"
            )
            self.kinds.setdefault(head, default)
            self.kinds.setdefault(tail, default)
        return sorted(found)

    def _references(self, only: str | None = None):
        for facts in self.files:
            for reference in facts.references:
                if (reference[0] == "inherits") == (only == "inherits"):
                    yield reference

    def _class(self, scope: Scope):
        for short, name in scope.attributes.items():
            if short not in scope.members:
                self.kinds.setdefault(name, "Attribute")
                yield scope.name, "has_attribute", name
        for short, name in scope.members.items():
            for base in scope.bases:
                inherited = self.scopes.get(base)
                if inherited is not None and short in inherited.members and inherited.members[short] != name:
                    yield name, "overrides", inherited.members[short]

    def _kind(self, name: str, outside: str = "Function") -> str:
        """Kind of a resolved name; for one outside the read files, by its capital letter (see the module docstring)."""
        if name not in self.kinds:
            short = name.rpartition(".")[2]
            known = BUILTINS.get(short) if name.startswith("builtins.") else None
            self.kinds[name] = known or ("Class" if short[:1].isupper() or outside == "Class" else "Function")
        return self.kinds[name]

    def _typed(self, relation: str, tail: str) -> str | None:
        """The relation's final name, or None where the tail's type does not fit it."""
        if relation == "imports_name":
            return "imports" if self.kinds.get(tail) == "Module" else relation
        if relation in ("reads_attribute", "writes_attribute"):
            return relation if self.kinds.get(tail) == "Attribute" else None
        kind = self._kind(tail, "Class" if relation in ("raises", "catches") else "Function")
        if relation == "calls":
            return {"Class": "instantiates", "Function": "calls", "Method": "calls"}.get(kind)
        if relation == "decorated_by":
            return relation if kind in ("Class", "Function", "Method") else None
        return relation if kind == "Class" else None

    def resolve(self, scope: Scope, parts: tuple[str, ...]) -> str | None:
        """Qualified name that `parts` means inside `scope`, or None."""
        method = scope.method
        if method is not None and len(parts) > 1 and parts[0] in (method.first, "super()"):
            start = method.parent.bases if parts[0] == "super()" else [method.parent.name]
            if parts[0] == method.first or start:
                return self._through(start, parts[1]) if len(parts) == 2 else None
        name = self._lexical(scope, parts[0])
        for part in parts[1:]:
            if name is None:
                return None
            name = self._member(name, part)
        return name

    def _through(self, classes: list[str], short: str) -> str | None:
        for name in classes:
            owner = self.scopes.get(name)
            for candidate in [owner, *(self.scopes.get(base) for base in owner.bases)] if owner is not None else []:
                if candidate is not None and short in candidate.members:
                    return candidate.members[short]
                if candidate is not None and short in candidate.attributes:
                    return candidate.attributes[short]
        return None

    def _lexical(self, scope: Scope, name: str) -> str | None:
        here, first = scope, True
        while here is not None:
            if here.kind != "Class" or first:
                if name in here.members:
                    return here.members[name]
                if name in here.aliases:
                    return self._imported(*here.aliases[name], depth=0)
                if name in here.bound or name in here.attributes:
                    return None
                for star in here.stars:
                    if star in self.scopes and (found := self._member(star, name)) is not None:
                        return found
            here, first = here.parent, False
        return f"builtins.{name}" if name in BUILTINS else None

    def _imported(self, module: str, name: str | None, depth: int) -> str | None:
        """Follow re-exports (`from .encoder import JSONEncoder` in a package) to where the name is defined."""
        if name is None:
            return module
        scope = self.scopes.get(module)
        if scope is None:
            return f"{module}.{name}"
        if name in scope.members:
            return scope.members[name]
        if name in scope.aliases and depth < 8:
            return self._imported(*scope.aliases[name], depth=depth + 1)
        for star in scope.stars if depth < 8 else ():
            # A star import of an unread module says nothing about which names it brings.
            if star in self.scopes and (found := self._imported(star, name, depth + 1)) in self.kinds:
                return found
        return f"{module}.{name}" if f"{module}.{name}" in self.scopes or name in scope.bound else None

    def _member(self, owner: str, short: str) -> str | None:
        scope = self.scopes.get(owner)
        if scope is None:
            # One step into an unread module is a name; a step into an unread class or value is a guess.
            return f"{owner}.{short}" if self.kinds.get(owner, "Module") == "Module" and "." not in owner else None
        if scope.kind == "Class":
            return self._through([owner], short)
        if scope.kind == "Module":
            found = self._imported(owner, short, 0)
            return None if found is None or (found not in self.scopes and short in scope.bound) else found
        return None
