"""What is kept for tests: whole packages, and single triples of the others. Nothing of it leaks into training.

Contract: `hold_out` depends on names and texts alone: the same packages are held out on every machine. No test triple,
test package, or function body of one is in train. One training run serves both tests.

Decisions:
- Whole top-level packages by a hash of the name: 10 % for tests, 10 % for validation. C/Python twins (`_pydecimal`,
  `decimal`, `_decimal`) and vendored copies (`pip._vendor.rich`, `rich`) are one package.
- Of the remaining packages, 10 % of the triples that can be asked for. What says the same goes with them: the same tail
  under another relation (`raises` beside `instantiates`), the same function under another name.
- A definition with such a triple never shows its body in training: the answer stands in it.
"""

import hashlib
from dataclasses import dataclass

from graphmer.knowledge import QUERIED, Definition, Knowledge

Triple = tuple[str, str, str]
RANDOM, UNSEEN = "random triples", "unseen packages"
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
    return top.removeprefix("py") if parts[0].startswith("_py") else top


def body_key(definition: Definition) -> str:
    """A function's code without its header and white space; "" where there is none worth comparing."""
    text = "".join(definition.source.partition(":\n")[2].split())
    return text if len(text) >= 40 else ""


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
    for definition in knowledge.definitions:
        if key := body_key(definition):
            bodies[key] = min(bodies.get(key, "train"), place[package(definition.name)], key=_RANK.index)
    kept: dict[str, list[Definition]] = {"train": [], "valid": [], "test": []}
    dropped = set()
    for definition in knowledge.definitions:
        where = place[package(definition.name)]
        if (key := body_key(definition)) and bodies[key] != where:
            dropped.add(definition.name)
        else:
            kept[where].append(definition)
    triples: dict[str, list[Triple]] = {"train": [], "valid": [], "test": []}
    for triple in knowledge.triples:
        # The head of an `imports_name` is a module, its parts may be dropped functions: only heads count.
        if triple[0] not in dropped:
            triples[place.get(package(triple[0]), "train")].append(triple)
    train, held, hidden = _random(kept["train"], triples["train"], random_share, seed)
    return Split(
        tuple(train), tuple(triples["valid"]), {RANDOM: tuple(held), UNSEEN: tuple(triples["test"])},
        tuple(kept["train"]), tuple(kept["valid"]), tuple(kept["test"]), frozenset(hidden),
    )  # fmt: skip


_RANK = ("test", "valid", "train")


def _random(definitions, triples: list[Triple], held_share: float, seed: int):
    """(train, test, heads of test triples): triples that tell the same thing stay together."""
    same = {d.name: body_key(d) or _twin(d.name) for d in definitions}
    train, test = [], []
    for triple in triples:
        head, relation, tail = triple
        last = tail.rpartition(".")[0 if relation == "imports_name" else 2]
        last = last.rpartition(".")[2]
        if share(f"{seed} {same.get(head, head)} {last}") >= held_share:
            train.append(triple)
        elif relation in QUERIED:
            test.append(triple)
        elif relation not in TELLING:
            train.append(triple)
    heads = {same.get(t[0], t[0]) for t in test}
    return train, test, {d.name for d in definitions if same[d.name] in heads}


# Relations whose triple would give a held-out one away: `m imports_name x.y` tells that m imports x.
TELLING = ("imports_name", "overrides", "param_type", "returns_type")


def _twin(name: str) -> str:
    """The name with its package's twins joined."""
    return f"{package(name)}.{name.partition('.')[2]}"
