"""What stands around a head, as plain arrays for the link head (`links`): words, names in scope, counts of triples.

Contract: built from training triples, and from the names, signatures and docstrings of definitions; bodies and triples
that were kept back are never read. `ask` is a pure function of its arguments.

Decisions:
- A training triple must not see itself: `ask` takes the asked triple out of every count and out of the head's known
  triples. Without that the counts would be trusted far too much.
- A question `as if unseen` sees counts of *other* packages only and no known triples: how a package looks that nobody
  has read. Training mixes both kinds, so that one model serves both tests.
  Words that only its own package uses are not shown either: to a test package they would be new words.
- What follows similar definitions (`neighbours`) counts other packages alone, for every question.
- Words and known triples are hashed into `BUCKETS` rows of a table: no vocabulary to keep.
- Counts come in three forms: there at all, log(1 + n), and the share of the context. What each is worth is learned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from graphmer import contexts
from graphmer.contexts import CLOSED, CONTEXTS, KINDS, OPEN, POINTERS
from graphmer.corpus import last_component
from graphmer.knowledge import QUERIED, Definition
from graphmer.neighbours import Neighbours
from graphmer.ragged import Ragged, gather, grouped, owned, ragged, starts
from graphmer.splits import Split, package
from graphmer.tasks import subtokens

NEAR = ("neighbours",)
SOURCES = (*OPEN, *CLOSED, *NEAR, *POINTERS)
FEATURES = 3
_RELATION = {relation: i for i, relation in enumerate(QUERIED)}


@dataclass(frozen=True)
class Asked:
    """Questions as arrays. `bags[w]` (ids, first) of each of `WORDS`, then of known triples: as torch's EmbeddingBag.

    `entries`: (question, source, candidate, (n, 3) float32 features) of everything that points at a candidate, sources
    numbered as `SOURCES`; for the source 0 they are differences to the dense table. `totals`
    (questions, sources) float32: log(1 + how much a source has seen). `barred`: (question, candidate) pairs that are
    no contest.
    """

    heads: np.ndarray
    relations: np.ndarray
    bags: tuple[tuple[np.ndarray, np.ndarray], ...]
    entries: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    totals: np.ndarray
    barred: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class _Counts:
    """Counts of one kind of context: `key` (heads,) its number; rows of `table` (candidate, n) are key * relations + r.

    `own` is sorted (row, package, candidate) as one number and `times` how often: what one package has added.
    """

    key: np.ndarray
    table: Ragged
    own: np.ndarray
    times: np.ndarray


class Surroundings:
    """All heads that have a text, and all candidates `names`."""

    def __init__(self, split: Split, names: Sequence[str]):
        definitions = {d.name: d for d in (*split.train_definitions, *split.test_definitions)}
        self.names, self.definitions = tuple(names), tuple(definitions.values())
        self.heads = {name: i for i, name in enumerate(definitions)}
        self.column = {name: i for i, name in enumerate(names)}
        self.kind = np.array([KINDS.index(d.kind) for d in self.definitions])
        texts = contexts.read(self.definitions)
        self.words = tuple(ragged(bags) for bags in zip(*contexts.words(self.definitions, texts), strict=True))
        self.spelling = ragged([contexts.hashes(subtokens(name)) or contexts.hashes([f"={name}"]) for name in names])
        tops = {top: i for i, top in enumerate(dict.fromkeys(package(d.name) for d in self.definitions))}
        self.package = np.array([tops[package(d.name)] for d in self.definitions])
        self.triples = self._triples(split)
        self.known = self._known(split)
        self.counts = [self._count(kind) for kind in (*OPEN, *CLOSED)]
        self.pointers = [
            _pointer(self.definitions, *found)
            for found in contexts.finders(self.definitions, texts, self.column).values()
        ]
        self.near = Neighbours(self.words, self.package, self.triples, len(names))
        self.lonely = self._lonely()
        self.prior = self._prior()
        inside = np.zeros((len(tops), len(names)), dtype=np.int32)
        np.add.at(inside, (self.package[self.triples[:, 0]], self.triples[:, 2]), 1)
        self.outside = inside < np.bincount(self.triples[:, 2], minlength=len(names))
        row = self.triples[:, 0] * len(QUERIED) + self.triples[:, 1]
        self.true = grouped(row, self.triples[:, 2], len(self.heads) * len(QUERIED))

    def _triples(self, split: Split) -> np.ndarray:
        """(triples, 3) head, relation among `QUERIED`, candidate: training triples that could be asked for."""
        found = (
            (self.heads.get(head), _RELATION.get(relation), self.column.get(last_component(tail)))
            for head, relation, tail in split.train
        )
        return np.array([t for t in found if None not in t], dtype=np.int64).reshape(-1, 3)

    def _known(self, split: Split) -> Ragged:
        """Per head (bucket, candidate or -1) of all that training tells of it, parameters left out."""
        rows: list[list[tuple[int, int]]] = [[] for _ in self.heads]
        for head, relation, tail in split.train:
            if relation != "has_parameter" and head in self.heads:
                last = last_component(tail)
                rows[self.heads[head]].append((contexts.hashes([f"{relation} {last}"])[0], self.column.get(last, -1)))
        return ragged(rows, 2)

    def _count(self, kind: str) -> _Counts:
        keys: dict = {}
        key = np.array([keys.setdefault(CONTEXTS[kind](d), len(keys)) for d in self.definitions])
        head, relation, candidate = self.triples.T
        relation = relation * (kind != "scope, any relation")
        row, size = key[head] * len(QUERIED) + relation, len(self.names)
        both, n = np.unique(row * size + candidate, return_counts=True)
        table = grouped(both // size, np.stack([both % size, n], 1), len(keys) * len(QUERIED))
        own = np.zeros(0, np.int64), np.zeros(0, np.int64)
        if kind in OPEN:
            own = np.unique(self._own(row, self.package[head], candidate), return_counts=True)
        return _Counts(key, table, *own)

    def _own(self, row: np.ndarray, top: np.ndarray, candidate: np.ndarray) -> np.ndarray:
        return (row * (int(self.package.max(initial=0)) + 1) + top) * len(self.names) + candidate

    def _prior(self) -> np.ndarray:
        """(relations, candidates, 3) float32: features of the table of each relation."""
        n = np.zeros((len(QUERIED), len(self.names)))
        np.add.at(n, (self.triples[:, 1], self.triples[:, 2]), 1)
        return features(n, np.maximum(n.sum(1, keepdims=True), 1))

    def ask(self, heads, relations, gold=None, unseen=None) -> Asked:
        """Questions (heads, relations). `gold` (questions,): training triples to be left out; `unseen`: bool flags."""
        count = len(heads)
        unseen = np.zeros(count, dtype=bool) if unseen is None else unseen
        left_out = np.full(count, -1) if gold is None else np.where(unseen, -1, gold)
        bags = [self._bag(items, heads, unseen) for items in self.words]
        who, (bucket, candidate) = owned(*gather(self.known, heads))
        keep = ~unseen[who] & ((candidate < 0) | (candidate != left_out[who]))
        bags.append((bucket[keep].astype(np.int64), starts(np.bincount(who[keep], minlength=count))))
        parts, totals = [], np.zeros((count, len(SOURCES)), dtype=np.float32)
        for source, counts in enumerate(self.counts):
            dense = source == 0
            part = self._entries(counts, heads, relations * (source != len(self.counts) - 1), left_out, unseen, dense)
            who, candidate, values, total = part
            parts.append((who, np.full(len(who), source), candidate, values))
            totals[:, source] = np.log1p(total)
        who, candidate, weight, total = self.near.ask(heads, relations)
        parts.append((who, np.full(len(who), len(self.counts)), candidate, features(weight, total[who])))
        totals[:, len(self.counts)] = np.log1p(total)
        for source, (key, table) in enumerate(self.pointers, len(self.counts) + 1):
            who, (candidate, weight) = owned(*gather(table, key[heads]))
            total = np.bincount(who, minlength=count)
            parts.append((who, np.full(len(who), source), candidate, features(weight, total[who])))
            totals[:, source] = np.log1p(total)
        entries = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        return Asked(heads, relations, tuple(bags), entries, totals, self._barred(heads, relations, gold, unseen))

    def _bag(self, words: Ragged, heads, unseen) -> tuple[np.ndarray, np.ndarray]:
        """Words of each head; of an unseen one only those that other packages have too."""
        who, word = owned(*gather(words, heads))
        keep = ~unseen[who] | (self.lonely[word] != self.package[heads[who]])
        return word[keep].astype(np.int64), starts(np.bincount(who[keep], minlength=len(heads)))

    def _lonely(self) -> np.ndarray:
        """(BUCKETS,) the only package whose training triples teach a word, or -1."""
        heads = np.unique(self.triples[:, 0])
        first = np.full(contexts.BUCKETS, len(self.heads))
        last = np.full(contexts.BUCKETS, -1)
        for words in self.words:
            who, word = owned(*gather(words, heads))
            np.minimum.at(first, word, self.package[heads[who]])
            np.maximum.at(last, word, self.package[heads[who]])
        alone = np.where(first == last, first, -1)
        alone[self.spelling.flat] = -1
        return alone

    def _entries(self, counts: _Counts, heads, relations, left_out, unseen, dense: bool):
        """(question, candidate, features, totals) of one kind of counts."""
        row = counts.key[heads] * len(QUERIED) + relations
        closed = not len(counts.own)
        asked = np.flatnonzero(~unseen) if closed else np.arange(len(heads))
        who, (candidate, n) = owned(*gather(counts.table, row[asked]))
        who = asked[who]
        full = n.astype(np.float64)
        n = full - (candidate == left_out[who])
        if not closed and unseen.any():
            at = np.flatnonzero(unseen[who])
            wanted = self._own(row[who[at]], self.package[heads[who[at]]], candidate[at])
            place = np.searchsorted(counts.own, wanted).clip(max=len(counts.own) - 1)
            n[at] -= np.where(counts.own[place] == wanted, counts.times[place], 0)
        total = np.bincount(who, n, minlength=len(heads))
        if dense:
            # The table itself is added whole (`prior`); here only where this question's counts differ from it.
            at = np.flatnonzero(n != full)
            whole = np.bincount(who, full, minlength=len(heads))[who[at]]
            return who[at], candidate[at], features(n[at], whole) - features(full[at], whole), total
        at = np.flatnonzero(n > 0)
        return who[at], candidate[at], features(n[at], total[who[at]]), total

    def _barred(self, heads, relations, gold, unseen) -> tuple[np.ndarray, np.ndarray]:
        """Other true answers of a training question; for an unseen one also what only its own package names."""
        if gold is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        who, candidate = owned(*gather(self.true, heads * len(QUERIED) + relations))
        other = candidate != gold[who]
        alone = np.flatnonzero(unseen)
        row, column = np.nonzero(~self.outside[self.package[heads[alone]]])
        return np.concatenate([who[other], alone[row]]), np.concatenate([candidate[other], column])


def _pointer(definitions: Sequence[Definition], key_of: Callable, find: Callable) -> tuple[np.ndarray, Ragged]:
    """(number of each head's key, candidates and weights of each key)."""
    keys: dict = {}
    key = []
    for d in definitions:
        value = key_of(d)
        # A definition is no key of its own: hashing all of its text would take longer than finding.
        key.append(keys.setdefault(d.name if value is d else value, (len(keys), value))[0])
    return np.array(key), ragged([list(find(value).items()) for _, value in keys.values()], 2)


def features(n: np.ndarray, total: np.ndarray) -> np.ndarray:
    """(..., 3) float32: there at all, log(1 + n), share of `total`."""
    return np.stack([n > 0, np.log1p(n), n / total], -1).astype(np.float32)
