"""Definitions of other packages that read like a head, and the names that follow there: counting by likeness.

Contract: words of names, signatures and docstrings, and training triples. Nothing of a head's own package counts, so a
training triple never sees itself, and a head of a package that nobody has read is asked exactly like any other.

Decisions:
- Likeness is the cosine of word counts (square root) times inverse document frequency, each kind of words for itself
  but signature and docstring together. The `NEAREST` definitions that have triples of the relation count, by it.
- Words of more than a fifth of all definitions are left out: they weigh little and take most of the time.
- Ties at the end of the nearest all count, so the outcome does not depend on how a machine sorts.
"""

from collections.abc import Sequence

import numpy as np

from graphmer.contexts import BUCKETS
from graphmer.knowledge import QUERIED
from graphmer.ragged import Ragged, gather, grouped, owned

NEAREST = 60
COMMON = 0.2
# Which words are compared with which, in the order of `WORDS`: signature and docstring are one text.
_NAME, _OWNER, _MODULE, _TEXT, _MEMBERS = range(5)
_FIELDS = (_NAME, _OWNER, _MODULE, _TEXT, _TEXT, _MEMBERS)


class Neighbours:
    """`bags`: words of each definition for each of `WORDS`; `package` (definitions,) its number; `names`: candidates.

    `triples` (n, 3): head, relation, candidate. `known` (m,): the definitions that head one, the only neighbours.
    """

    def __init__(self, bags: Sequence[Ragged], package: np.ndarray, triples: np.ndarray, names: int):
        self.package, self.names = package, names
        self.words, self.weights = _vectors(bags, len(package))
        self.known = np.unique(triples[:, 0])
        place = np.full(len(package), -1)
        place[self.known] = np.arange(len(self.known))
        self.has = np.zeros((len(QUERIED), len(self.known)), dtype=bool)
        self.has[triples[:, 1], place[triples[:, 0]]] = True
        distinct = np.unique(triples, axis=0)
        row = place[distinct[:, 0]] * len(QUERIED) + distinct[:, 1]
        self.tails = grouped(row, distinct[:, 2], len(self.known) * len(QUERIED))
        whose = place[np.repeat(np.arange(len(package)), self.words.lengths())]
        at = np.flatnonzero(whose >= 0)
        self.postings = grouped(self.words.flat[at], np.stack([whose[at], at], 1), len(_FIELDS) * BUCKETS)
        self.found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.totals = np.zeros(len(package) * len(QUERIED))

    def ask(self, heads: np.ndarray, relations: np.ndarray):
        """(question, candidate, weight) of what follows the neighbours, and their likeness in all (questions,).

        Found once, then kept.
        """
        rows = heads * len(QUERIED) + relations
        missing = np.array([row for row in np.unique(rows).tolist() if row not in self.found], dtype=np.int64)
        for part in np.array_split(missing, -(-len(missing) // 64) or 1):
            if len(part):
                self._find(part)
        found = [self.found[row] for row in rows.tolist()]
        who = np.repeat(np.arange(len(rows)), [len(candidate) for candidate, _ in found])
        candidate, weight = (np.concatenate(column) for column in zip(*found, strict=True))
        return who, candidate, weight, self.totals[rows]

    def shares(self, heads: np.ndarray, relations: np.ndarray) -> np.ndarray:
        """(questions, candidates): how likely a neighbour has each name, as a row of counting."""
        who, candidate, weight, total = self.ask(heads, relations)
        found = np.zeros((len(heads), self.names))
        found[who, candidate] = weight / total[who]
        return found

    def _find(self, rows: np.ndarray) -> None:
        heads, relations = np.divmod(rows, len(QUERIED))
        like = self._like(heads)
        like[~self.has[relations] | (self.package[self.known] == self.package[heads][:, None])] = 0
        nearest = min(NEAREST, like.shape[1])
        least = np.partition(like, -nearest, axis=1)[:, -nearest]
        who, near = np.nonzero((like >= least[:, None] * (1 - 1e-9)) & (like > 0))
        weight = like[who, near]
        self.totals[rows] = np.bincount(who, weight, minlength=len(rows))
        tails, n = gather(self.tails, near * len(QUERIED) + relations[who])
        both = np.repeat(who, n) * self.names + tails
        both, place = np.unique(both, return_inverse=True)
        weight = np.bincount(place, np.repeat(weight, n), minlength=len(both))
        ends = np.searchsorted(both, np.arange(len(rows) + 1) * self.names)
        for row, first, last in zip(rows.tolist(), ends[:-1], ends[1:], strict=True):
            self.found[row] = both[first:last] % self.names, weight[first:last]

    def _like(self, heads: np.ndarray) -> np.ndarray:
        """(heads, known) cosines."""
        who, word = owned(*gather(self.words, heads))
        mine, _ = gather(Ragged(self.weights, self.words.offsets), heads)
        whose, (place, at) = owned(*gather(self.postings, word))
        both = who[whose] * len(self.known) + place
        like = np.bincount(both, mine[whose] * self.weights[at], minlength=len(heads) * len(self.known))
        return like.reshape(len(heads), len(self.known))


def _vectors(bags: Sequence[Ragged], count: int) -> tuple[Ragged, np.ndarray]:
    """(words of each definition, the weight of each): rows of length 1."""
    whose, word, times = [], [], []
    for field, bag in zip(_FIELDS, bags, strict=True):
        n = bag.lengths()
        # All members together weigh as much as the root of their number, or they would drown the name.
        share = 2 / np.sqrt(np.maximum(n, 1)) if field == _MEMBERS else np.ones(count)
        whose.append(np.repeat(np.arange(count), n))
        word.append(bag.flat + field * BUCKETS)
        times.append(np.repeat(share, n))
    size = len(_FIELDS) * BUCKETS
    both, place = np.unique(np.concatenate(whose) * size + np.concatenate(word), return_inverse=True)
    times = np.bincount(place, np.concatenate(times))
    whose, word = np.divmod(both, size)
    seen = np.bincount(word, minlength=size)
    keep = seen[word] <= max(COMMON * count, 2)
    whose, word, times = whose[keep], word[keep], times[keep]
    weight = np.sqrt(times) * np.log((count + 1) / (seen[word] + 0.5))
    weight /= np.sqrt(np.bincount(whose, weight**2, minlength=count))[whose]
    return grouped(whose, word, count), weight
