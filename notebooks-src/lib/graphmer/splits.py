"""What is kept for tests: whole packages, and single triples of the others. Nothing of it leaks into training.

Contract: `hold_out` depends on names and texts alone: the same packages are held out on every machine. No test triple,
test package, or function body of one is in train. One training run serves both tests.

Decisions:
- Whole top-level packages by a hash of the name: 10 % for tests, 10 % for validation. C/Python twins (`_pydecimal`,
  `decimal`, `_decimal`) and vendored copies (`pip._vendor.rich`, `rich`) are one package.
- Of the remaining packages, 10 % of the triples that can be asked for. What says the same goes with them: the same tail
  under another relation (`raises` beside `instantiates`), the same function under another name.
- A definition with such a triple never shows its body in training: the answer stands in it. Nor do functions around it
  or inside it, whose texts overlap with its own.
- Bodies are the same where their code is: comments, docstring and white space do not count.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphmer.knowledge import QUERIED, Definition, Knowledge

Triple = tuple[str, str, str]
RANDOM, UNSEEN = "random triples", "unseen packages"
TWINS = {"cProfile": "profile"}  # of which no underscore tells
VENDORED = {"_vendor", "vendor", "vendored", "_vendored", "extern", "externals", "third_party"}


@dataclass(frozen=True)
class Split:
    """`train`, `valid` and `tests[name]` are triples; `*_definitions` whose text the three may read.

    `hidden` names the training definitions whose body is not shown. Questions about random triples read training
    definitions, those about unseen packages test definitions.
    """

    train: tuple[Triple, ...]
    valid: tuple[Triple, ...]
    tests: dict[str, tuple[Triple, ...]]
    train_definitions: tuple[Definition, ...]
    valid_definitions: tuple[Definition, ...]
    test_definitions: tuple[Definition, ...]
    hidden: frozenset[str]

    def definitions(self, test: str) -> tuple[Definition, ...]:
        """The definitions that questions of this test are about."""
        return self.test_definitions if test == UNSEEN else self.train_definitions

    def everything(self) -> list[Triple]:
        """All triples, for filtering: an answer that is true anywhere is no mistake."""
        return [*self.train, *self.valid, *(t for test in self.tests.values() for t in test)]


def share(text: str) -> float:
    """A number in [0, 1) that depends on `text` alone."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big") / 2**64


def package(name: str) -> str:
    """Top-level package of a qualified name, twins and vendored copies joined: `_pydecimal.Decimal` -> `decimal`."""
    parts = name.split(".")
    for i, part in enumerate(parts[:-1]):
        if part in VENDORED:
            return package(".".join(parts[i + 1 :]))
    if parts[0] == "setuptools" and parts[1:2] == ["_distutils"]:
        return "distutils"
    top = parts[0].lstrip("_")
    top = top.removeprefix("py").lstrip("_") if parts[0].startswith("_py") else top
    return TWINS.get(top, top)


_COMMENT = re.compile(r"(^|\s)#.*", re.MULTILINE)
_DOCSTRING = re.compile(r"""[rRuU]?(\"{3}|'{3}|"|').*?(?<!\\)\1""", re.DOTALL)


def body_key(definition: Definition) -> str:
    """A function's code without header, comments, docstring and white space; "" where it is too short to compare.

    Where the code is short, the docstring counts too.
    """
    text, header = (
        "".join((_COMMENT.sub("", part) if "#" in part else part).split())
        for part in (definition.source, definition.signature)
    )
    text = text.removeprefix(header)
    code = _DOCSTRING.sub("", text, count=1) if _DOCSTRING.match(text) else text
    return next((key for key in (code, text) if len(key) >= 40), "")


def hold_out(
    knowledge: Knowledge,
    test_share: float = 0.1,
    valid_share: float = 0.1,
    random_share: float = 0.1,
    seed: int = 0,
) -> Split:
    """Both tests and the validation set of one graph; the shares are of packages, and of triples."""
    place = {}
    for definition in knowledge.definitions:
        top = package(definition.name)
        if top not in place:
            at = share(f"{seed} {top}")
            place[top] = "test" if at < test_share else "valid" if at < test_share + valid_share else "train"
    # Copies of a function go with the strictest of their places; the other copies are dropped.
    bodies: dict[str, str] = {}
    keys = {definition.name: body_key(definition) for definition in knowledge.definitions}
    for definition in knowledge.definitions:
        if key := keys[definition.name]:
            bodies[key] = min(bodies.get(key, "train"), place[package(definition.name)], key=_RANK.index)
    kept: dict[str, list[Definition]] = {"train": [], "valid": [], "test": []}
    dropped = set()
    for definition in knowledge.definitions:
        where = place[package(definition.name)]
        if (key := keys[definition.name]) and bodies[key] != where:
            dropped.add(definition.name)
        else:
            kept[where].append(definition)
    triples: dict[str, list[Triple]] = {"train": [], "valid": [], "test": []}
    for triple in knowledge.triples:
        # The head of an `imports_name` is a module, its parts may be dropped functions: only heads count.
        if triple[0] not in dropped:
            triples[place.get(package(triple[0]), "train")].append(triple)
    train, held, hidden = random_test(kept["train"], keys, triples["train"], random_share, seed, dropped)
    return Split(
        tuple(train), tuple(triples["valid"]), {RANDOM: tuple(held), UNSEEN: tuple(triples["test"])},
        tuple(kept["train"]), tuple(kept["valid"]), tuple(kept["test"]), hidden,
    )  # fmt: skip


_RANK = ("test", "valid", "train")


def random_test(
    definitions: Iterable[Definition], keys: dict[str, str], triples: Iterable[Triple], held_share: float, seed: int,
    dropped: Iterable[str] = (),
) -> tuple[list[Triple], list[Triple], frozenset[str]]:  # fmt: skip
    """(train, test, definitions whose body must not be shown): triples that tell the same thing stay together.

    `keys`: `body_key` of each definition by name; `dropped`: copies left out, not to be read inside others.
    """
    same, first = {}, {}
    for d in definitions:  # copies go by the code of the first of them, as it stands
        same[d.name] = first.setdefault(keys[d.name], _as_it_stands(d)) if keys[d.name] else _twin(d.name)
    train, test = [], []
    for triple in triples:
        group = _group(triple, same)
        if share(f"{seed} {' '.join(group)}") >= held_share:
            train.append(triple)
        elif triple[1] in QUERIED:
            test.append(triple)
        elif triple[1] not in TELLING:
            train.append(triple)
    asked = {_group(triple, same) for triple in test}
    heads = {same.get(t[0], t[0]) for t in test}
    train = [triple for triple in train if _group(triple, same) not in asked]
    told = {d.name for d in definitions if same[d.name] in heads}
    return train, test, frozenset(_overlapping(definitions, told, set(dropped)))


def _group(triple: Triple, same: dict[str, str]) -> tuple[str, str]:
    """What triples that tell the same have in common: the head's code, and the tail's last name."""
    head, relation, tail = triple
    named = tail.rpartition(".")[0] if relation == "imports_name" else tail
    return same.get(head, head), named.rpartition(".")[2]


def _as_it_stands(definition: Definition) -> str:
    return "".join(definition.source.partition(":\n")[2].split()) or _twin(definition.name)


def _overlapping(definitions, told: set[str], dropped: set[str]) -> set[str]:
    """Training definitions whose text holds, or is part of, that of one which must not be shown."""

    def around(name: str) -> Iterator[str]:
        while "." in name:
            name = name.rpartition(".")[0]
            yield name

    functions = {d.name for d in definitions if d.source}
    outer = {name for inner in told | dropped for name in around(inner)}
    asked = told & functions
    return told | {name for name in functions if name in outer or not asked.isdisjoint(around(name))}


# Relations whose triple would give a held-out one away: `m imports_name x.y` tells that m imports x.
TELLING = ("imports_name", "overrides", "param_type", "returns_type")


def _twin(name: str) -> str:
    """The name with its package's twins joined."""
    return f"{package(name)}.{name.partition('.')[2]}"
