"""Definitions as tokens: the text of each view, where heads are mentioned, which tails may hang there.

Contract: a `Corpus` holds every sample's tokens once, as flat arrays, and never changes. What training may see is
decided by the definitions and triples given to `build_corpus`; heads and tails of other triples are unknown to it.

Decisions:
- Three views. `sig_doc` (names, signature, docstring) hides the body; only there does predicting a tail prove anything,
  since 98.7 % of called names stand in the body and 6.2 % in the signature and docstring of the standard library
  (measured on the standard library of CPython 3.11). `body` is a window of the function; `chunk` a window of R - 2
  tokens of all bodies in a row, words only.
- `sig_doc` says the name on a line of its own, `MENTIONS` times: a mention carries one triple, and so a function that
  calls four others shows four of them in one graph.
- Heads are the definition's own name, class and module where they stand in the text, and other known names in it. They
  are found by comparing hashes of whole identifiers: a thousand samples take 50 ms.
- Tails are last name components of up to K tokens; longer ones are skipped and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from graphmer.knowledge import QUERIED, RELATIONS, Definition
from graphmer.ragged import Ragged, grouped, ragged
from graphmer.tokens import Units, encode_batch, encode_names, identifier_flags

SIG_DOC, BODY, CHUNK = 0, 1, 2
MENTIONS = 3


@dataclass(frozen=True)
class ChainSettings:
    """Sizes in tokens, shares between 0 and 1. `windows` bounds how much of a long body is kept.

    `sig_doc_share` and `chunk_share` of the samples show those views, the rest the body. `focus` is the share of
    mentions whose triple is drawn among the relations that can be asked for, where the head has one. In a share `alone`
    of the graphs every tail is masked.
    """

    roots: int = 128
    leaf_slots: int = 7
    row_tokens: int = 768
    heads: int = 8
    windows: int = 8
    root_mask: float = 0.15
    leaf_mask: float = 0.30
    sig_doc_share: float = 0.5
    chunk_share: float = 0.1
    focus: float = 0.8
    alone: float = 0.3
    shuffle_window: int = 2048
    seed: int = 0

    def __post_init__(self):
        if self.row_tokens < self.roots + self.heads * self.leaf_slots:
            raise ValueError(
                f"row_tokens = {self.row_tokens} cannot hold one full graph: "
                f"{self.roots} roots + {self.heads} heads x {self.leaf_slots} leaf slots"
            )
        if self.sig_doc_share + self.chunk_share > 1:
            raise ValueError("sig_doc_share + chunk_share is more than 1")


@dataclass(frozen=True)
class Corpus:
    """Tokens and graph of every sample.

    `views[v][sample]` (tokens,) int32 ids; `heads[v][sample]` (mentions, 3): token position, tokens, entity.
    `entities` numbers the heads by qualified name; `edges[entity]` (n, 2): relation id, tail id, those that can be
    asked for first, `asked` (entities,) of them; `tails[tail]` token ids. `names[sample]`: the definition's name.
    `inside`, `spaced`: see `tokens.identifier_flags`.
    """

    settings: ChainSettings
    names: tuple[str, ...]
    views: tuple[Ragged, Ragged]
    heads: tuple[Ragged, Ragged]
    entities: dict[str, int]
    edges: Ragged
    asked: np.ndarray
    tails: Ragged
    inside: np.ndarray
    spaced: np.ndarray
    skipped_tails: int

    def __len__(self) -> int:
        return len(self.names)

    def text(self, view: int, sample: int) -> np.ndarray:
        """Token ids of a sample's view."""
        return self.views[view][sample]


def last_component(name: str) -> str:
    """`json.encoder.JSONEncoder` -> `JSONEncoder`."""
    return name.rpartition(".")[2]


def header_text(definition: Definition, view: int) -> str:
    """The lines that every view begins with. The first space makes its first word one like any other."""
    if definition.kind == "Module":
        return f" module {definition.name}\n"
    owner = f"class {last_component(definition.owner)}\n" if definition.owner else ""
    own = " ".join([last_component(definition.name)] * MENTIONS) + "\n" if view == SIG_DOC else ""
    return f" module {definition.module}\n{owner}{own}"


def view_text(definition: Definition, view: int) -> str:
    """What follows the header: signature and docstring, or the code."""
    if definition.kind == "Module":
        return definition.doc
    if view == BODY and definition.source:
        return definition.source
    return f"{definition.signature}\n{definition.doc}"


def build_corpus(
    definitions: Sequence[Definition],
    triples: Sequence[tuple[str, str, str]],
    tokenizer: Tokenizer,
    settings: ChainSettings,
    hidden: frozenset[str] = frozenset(),
) -> Corpus:
    """Tokenise definitions and hang up `triples` (only these: a split decides what training may see).

    Definitions named in `hidden` never show their body: one of their triples is kept for a test.
    """
    entities = {
        name: i for i, name in enumerate(dict.fromkeys([*(t[0] for t in triples), *(d.name for d in definitions)]))
    }
    units = Units(tokenizer)  # names stand in the texts, too
    texts = _encode(definitions, units, settings, hidden)
    edges, asked, tails, skipped = _edges(triples, entities, units, settings)
    inside, spaced = identifier_flags(tokenizer)
    told = edges.lengths() > 0
    known = {name: i for name, i in entities.items() if told[i]} | {d.name: entities[d.name] for d in definitions}
    heads = _find_heads(definitions, texts, known, units, inside, spaced)
    return Corpus(
        settings, tuple(d.name for d in definitions), texts, heads, entities, edges, asked, tails, inside, spaced,
        skipped,
    )  # fmt: skip


def _edges(triples, entities: dict[str, int], units: Units, settings: ChainSettings):
    """(edges of each entity, how many of them can be asked for, tails, triples whose tail is too long)."""
    last = {tail: last_component(tail) for _, _, tail in triples}
    names = sorted(set(last.values()))
    encoded = encode_names(units, names)
    fits = {name: ids for name, ids in zip(names, encoded, strict=True) if len(ids) <= settings.leaf_slots}
    place = {name: i for i, name in enumerate(fits)}
    number = {tail: place.get(name, -1) for tail, name in last.items()}
    relations = {relation: i + 1 for i, relation in enumerate(RELATIONS)}
    rows = [(entities[head], relations[relation], number[tail]) for head, relation, tail in triples]
    entity, relation, tail = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    kept = tail >= 0
    entity, relation, tail = entity[kept], relation[kept], tail[kept]
    later = ~np.isin(relation, [relations[name] for name in QUERIED])
    # Of each entity those that can be asked for come first.
    halves = grouped(2 * entity + later, np.stack([relation, tail], 1), 2 * len(entities))
    asked = halves.lengths()[::2].astype(np.int32)
    return Ragged(halves.flat, halves.offsets[::2]), asked, ragged(list(fits.values())), int((~kept).sum())


def _encode(definitions, units: Units, settings: ChainSettings, hidden) -> tuple[Ragged, Ragged]:
    """Tokens of every sample in both views: header and text, cut to what the windows hold. Each distinct text is
    encoded once: what is hidden, and a module, show the same in both views."""
    limit = settings.windows * (settings.roots - 2)
    views = [(d, view) for view in (SIG_DOC, BODY) for d in definitions]
    # Code has about four characters per token (4.1 to 4.4 on the standard library): the cut spares work on giants.
    texts = [view_text(d, SIG_DOC if d.name in hidden else view)[: 6 * limit] for d, view in views]
    headers = [header_text(d, view) for d, view in views]
    place = {text: i for i, text in enumerate(dict.fromkeys([*texts, *headers]))}
    found = units.encode(list(place))
    header, text = (np.array([place[t] for t in some], dtype=np.int64) for some in (headers, texts))
    above, below = found.lengths()[header], found.lengths()[text]
    size = (above + below).clip(max=limit)
    offsets = np.concatenate([[0], np.cumsum(size)])
    sample = np.repeat(np.arange(len(texts)), size)
    at = np.arange(offsets[-1]) - offsets[sample]
    from_header = at < above[sample]
    begin = np.where(from_header, found.offsets[header][sample], (found.offsets[text] - above)[sample])
    flat, middle = found.flat[at + begin], offsets[len(definitions)]
    return (
        Ragged(flat[:middle], offsets[: len(definitions) + 1]),
        Ragged(flat[middle:], offsets[len(definitions) :] - middle),
    )


def _find_heads(definitions, texts, known: dict[str, int], units, inside, spaced) -> tuple[Ragged, Ragged]:
    """Mentions of each sample's candidate names, as whole identifiers; a dotted module only in its own header line."""
    # In order of precedence: the first name to claim a word of a sample keeps it.
    claims = [(d.name, d.owner, *(tail for _, tail in d.triples), d.module) for d in definitions]
    entity = np.fromiter((known.get(name, -1) for names in claims for name in names), np.int64)
    sample = np.repeat(np.arange(len(claims)), list(map(len, claims)))[entity >= 0]
    entity = entity[entity >= 0]
    shorts: dict[str, int] = {}
    short_of = {i: shorts.setdefault(last_component(name), len(shorts)) for name, i in known.items()}
    short = np.array([short_of.get(i, -1) for i in range(max(short_of, default=-1) + 1)], dtype=np.int64)
    table, first = np.unique(sample * len(shorts) + short[entity], return_index=True)
    entity_of = entity[first]
    spelled = [*encode_names(units, list(shorts)), *encode_batch(units, list(shorts))]
    words = _hash_spellings(spelled, len(shorts))
    module, offset = _modules(definitions, known, units)
    result = []
    for tokens in texts:
        sample, at, length, value = _words(tokens, inside, spaced)
        place = np.searchsorted(words[0], value).clip(max=max(0, len(words[0]) - 1))
        short = np.where(words[0][place] == value, words[1][place], -1) if len(words[0]) else np.full(len(value), -1)
        wanted = sample * len(shorts) + short
        found = np.searchsorted(table, wanted).clip(max=max(0, len(table) - 1))
        # The header's lines name one thing each: `copy.copy` must not be found in the line `module copy`.
        own = np.array([d.kind == "Module" for d in definitions])
        fits = (short >= 0) & (table[found] == wanted) & ((at > offset[sample] + module[sample, 1]) | own[sample])
        mentions = np.stack([at, length, entity_of[found]], 1)[fits]
        group = sample[fits]
        named = module[:, 0] >= 0
        top = np.stack([offset, module[:, 1], module[:, 0]], 1)[named & ~own]
        group, mentions = np.concatenate([np.flatnonzero(named & ~own), group]), np.concatenate([top, mentions])
        result.append(grouped(group, mentions, len(definitions)))
    return result[0], result[1]


def _modules(definitions, known, units) -> tuple[np.ndarray, np.ndarray]:
    """(samples, 2): entity of the module in the header line or -1, its tokens; (samples,) tokens before it."""
    names = list(dict.fromkeys(d.module for d in definitions))
    lengths = dict(zip(names, map(len, encode_names(units, names)), strict=True))
    before = len(encode_batch(units, [" module"])[0])
    return (
        np.array([(known.get(d.module, -1), lengths[d.module]) for d in definitions]).reshape(-1, 2),
        np.full(len(definitions), before),
    )


_STEP, _TURN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def _mix(token: np.ndarray, place: np.ndarray) -> np.ndarray:
    x = (token.astype(np.uint64) + np.uint64(1)) * _STEP + place.astype(np.uint64) * _TURN
    x = (x ^ (x >> np.uint64(30))) * _TURN
    return x ^ (x >> np.uint64(27))


def _hash_spellings(spelled: list[list[int]], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted hashes of spellings and the word (index modulo `count`) that each one spells."""
    flat = ragged(spelled)
    if not len(flat.flat):
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    place = np.arange(len(flat.flat)) - np.repeat(flat.offsets[:-1], flat.lengths())
    value = np.add.reduceat(_mix(flat.flat, place), flat.offsets[:-1][flat.lengths() > 0])
    word = np.flatnonzero(flat.lengths() > 0) % count
    value, first = np.unique(value, return_index=True)
    return value, word[first]


def _words(tokens: Ragged, inside: np.ndarray, spaced: np.ndarray):
    """Every identifier of every sample: (sample, position in it, tokens, hash of its tokens)."""
    flat = np.asarray(tokens.flat)
    is_in = inside[flat]
    follows = np.zeros(len(flat), dtype=bool)
    follows[1:] = is_in[1:] & is_in[:-1] & ~spaced[flat[1:]]
    follows[tokens.offsets[:-1][tokens.lengths() > 0]] = False
    starts = np.flatnonzero(~follows)
    if not len(starts):
        return (np.zeros(0, np.int64),) * 3 + (np.zeros(0, np.uint64),)
    run = np.diff(np.append(starts, len(flat)))
    place = np.arange(len(flat)) - np.repeat(starts, run)
    value = np.add.reduceat(_mix(flat, place), starts)
    words = is_in[starts]
    starts, run, value = starts[words], run[words], value[words]
    sample = np.searchsorted(tokens.offsets, starts, side="right") - 1
    return sample, starts - tokens.offsets[sample], run, value
