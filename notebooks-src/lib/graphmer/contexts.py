"""What a definition shows without its body: its words, the contexts in which it is counted, the names in its scope.

Contract: from names, signatures and docstrings alone. A class and a module also show what they hold: the names,
signatures and docstrings of their members.
"""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from graphmer.corpus import last_component
from graphmer.knowledge import Definition
from graphmer.splits import package
from graphmer.tasks import subtokens

BUCKETS = 1 << 14
KINDS = ("Module", "Class", "Function", "Method")
WORDS = ("name", "owner", "module", "signature", "docstring", "members")  # a bag of each
# Counts that reach over packages, and those that end with one. The first is the table of a relation, and dense.
OPEN = ("relation", "name", "first word", "last word")
CLOSED = ("package", "module", "scope", "scope, any relation")
SCOPE = ("in class", "in module", "in package")
POINTERS = ("own name", "in text", "in members", "like name", "like text", *SCOPE)


def hashes(words: Iterable[str]) -> list[int]:
    """Rows of a table of `BUCKETS`, one for each word: no vocabulary to keep."""
    return [zlib.crc32(word.encode("utf-8", "replace")) % BUCKETS for word in words]


def read(definitions: Sequence[Definition]) -> list[tuple[list[str], list[str]]]:
    """Words of each signature, and of the beginning of each docstring."""
    return [(subtokens(d.signature)[:40], subtokens(d.doc[:600])[:60]) for d in definitions]


def words(definitions: Sequence[Definition], texts: Sequence[tuple[list[str], list[str]]]) -> list[list[list[int]]]:
    """Hashed words of each definition for each of `WORDS`; whole names beside their parts. `texts`: from `read`."""
    own = [_name(last_component(d.name)) for d in definitions]
    held: dict[str, list[int]] = defaultdict(list)
    for d, name in zip(definitions, own, strict=True):
        if d.kind != "Module":
            held[d.owner or d.module] += name
    return [
        [
            name,
            _name(last_component(d.owner)) if d.owner else [],
            hashes([f"={d.module}", f"={package(d.name)}", *subtokens(d.module)]),
            hashes(signature),
            hashes(doc),
            held.get(d.name, []) if d.kind in ("Class", "Module") else [],
        ]
        for d, name, (signature, doc) in zip(definitions, own, texts, strict=True)
    ]


def _name(short: str) -> list[int]:
    return hashes([f"={short}", *subtokens(short)])


def _scope(d: Definition) -> str:
    return d.name.rpartition(".")[0]


def _parts(d: Definition) -> list[str]:
    return subtokens(last_component(d.name)) or [""]


CONTEXTS: dict[str, Callable[[Definition], object]] = {
    "relation": lambda d: 0,
    "name": lambda d: last_component(d.name),
    "first word": lambda d: (_parts(d)[0], d.kind),
    "last word": lambda d: (_parts(d)[-1], d.kind),
    "package": lambda d: package(d.name),
    "module": lambda d: d.module,
    "scope": _scope,
    "scope, any relation": _scope,
}


def finders(
    definitions: Sequence[Definition], texts: Sequence[tuple[list[str], list[str]]], column: Mapping[str, int]
) -> dict[str, tuple[Callable, Callable]]:
    """For each of `POINTERS`: what of a definition it depends on, and the candidates and weights that this finds.

    `texts`: from `read`; `column`: number of each candidate.
    """
    about = {d.name: doc[:40] + signature for d, (signature, doc) in zip(definitions, texts, strict=True)}
    scopes: dict = defaultdict(Counter)
    mentioned: dict[str, Counter] = defaultdict(Counter)
    shown = {}
    for d in definitions:
        found = dict.fromkeys(re.findall(r"\w+", f"{d.signature} {d.doc} {d.module} {d.owner}"))
        shown[d.name] = Counter(column[word] for word in found if word in column)
        if d.kind != "Module":
            mentioned[d.owner or d.module].update(shown[d.name])
            if (own := column.get(last_component(d.name))) is not None:
                scopes[d.owner or d.module][own] += 1
                scopes["package", package(d.name)][own] += 1
    parts: dict[str, list[int]] = defaultdict(list)
    for name, number in column.items():
        for part in set(subtokens(name)):
            parts[part].append(number)

    # No sets here: their order is another in every process, and sums of floats with it.
    def like(words: Iterable[str], most: int) -> Counter:
        # A part that hundreds of names share says nothing.
        return Counter(
            c for part in dict.fromkeys(words) if len(parts.get(part, ())) <= most for c in parts.get(part, ())
        )

    def own_name(name: str) -> Counter:
        return Counter([column[name]]) if name in column else Counter()

    def name(d: Definition) -> str:
        return last_component(d.name)

    return {
        "own name": (name, own_name),
        "in text": (lambda d: d, lambda d: shown[d.name]),
        "in members": (lambda d: d.name if d.kind in ("Class", "Module") else "", lambda key: mentioned[key]),
        "like name": (name, lambda name: like(subtokens(name), 300)),
        "like text": (lambda d: d, lambda d: like(about[d.name], 100)),
        "in class": (lambda d: d.owner or (d.name if d.kind == "Class" else ""), scopes.__getitem__),
        "in module": (lambda d: d.module, scopes.__getitem__),
        "in package": (lambda d: ("package", package(d.name)), scopes.__getitem__),
    }
