"""Definitions as tokens: the text of each view, where heads are mentioned, which tails may hang there.

Contract: a `Corpus` holds every sample's tokens once and never changes. What training may see is decided by the
definitions and triples given to `build_corpus`; heads and tails of other triples are unknown to it.

Decisions:
- Two views. `sig_doc` (names, signature, docstring) hides the body; only there does predicting a tail prove anything,
  since 98.7 % of called names stand in the body and 6.2 % in the signature and docstring of the standard library
  (measured on the standard library of CPython 3.11).
- Heads are the definition's own name, class and module where they stand in the text, and other known names in it.
- Tails are last name components of up to K tokens; longer ones are skipped and counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from graphmer.knowledge import RELATIONS, Definition
from graphmer.tokens import encode_batch, encode_names, identifier_flags

SIG_DOC, BODY = 0, 1


@dataclass(frozen=True)
class ChainSettings:
    """Sizes in tokens, shares between 0 and 1. `windows` bounds how much of a long body is kept."""

    roots: int = 128
    leaf_slots: int = 7
    row_tokens: int = 768
    heads: int = 8
    windows: int = 8
    root_mask: float = 0.15
    leaf_mask: float = 0.30
    sig_doc_share: float = 0.5
    shuffle_window: int = 2048
    seed: int = 0

    def __post_init__(self):
        if self.row_tokens < self.roots + self.heads * self.leaf_slots:
            raise ValueError(
                f"row_tokens = {self.row_tokens} cannot hold one full graph: "
                f"{self.roots} roots + {self.heads} heads x {self.leaf_slots} leaf slots"
            )


@dataclass(frozen=True)
class Corpus:
    """Tokens and graph of every sample; `views[v]` is (flat (tokens,) int32, offsets (samples + 1,)).

    `heads[v][sample]` lists (token position, tokens, entity); `entities` numbers the heads by qualified name;
    `edges[entity]` lists (relation id, tail id); `tails[tail id]` are token ids. `inside`, `spaced`: see
    `tokens.identifier_flags`. `definitions[sample]` is what the sample was made from.
    """

    settings: ChainSettings
    definitions: tuple[Definition, ...]
    views: tuple[tuple[np.ndarray, np.ndarray], ...]
    heads: tuple[list[list[tuple[int, int, int]]], ...]
    entities: dict[str, int]
    edges: list[list[tuple[int, int]]]
    tails: list[list[int]]
    inside: np.ndarray
    spaced: np.ndarray
    skipped_tails: int

    def __len__(self) -> int:
        return len(self.definitions)

    def text(self, view: int, sample: int) -> np.ndarray:
        flat, offsets = self.views[view]
        return flat[offsets[sample] : offsets[sample + 1]]


def last_component(name: str) -> str:
    """`json.encoder.JSONEncoder` -> `JSONEncoder`."""
    return name.rpartition(".")[2]


def view_text(definition: Definition, view: int) -> str:
    """The text a sample shows. It begins with a space, so that its first word is written like any other."""
    if definition.kind == "Module":
        return f" {definition.signature}\n{definition.doc}"
    code = definition.source if view == BODY and definition.source else f"{definition.signature}\n{definition.doc}"
    owner = f"class {last_component(definition.owner)}\n" if definition.owner else ""
    return f" module {definition.module}\n{owner}{code}"


def build_corpus(
    definitions: Sequence[Definition],
    triples: Sequence[tuple[str, str, str]],
    tokenizer: Tokenizer,
    settings: ChainSettings,
) -> Corpus:
    """Tokenise definitions and hang up `triples` (only these: a split decides what training may see)."""
    relation_ids = {relation: i + 1 for i, relation in enumerate(RELATIONS)}
    names = sorted({last_component(tail) for _, _, tail in triples})
    encoded = encode_names(tokenizer, names)
    fits = {name: ids for name, ids in zip(names, encoded, strict=True) if len(ids) <= settings.leaf_slots}
    tail_ids = {name: i for i, name in enumerate(fits)}
    edges: dict[str, list[tuple[int, int]]] = {}
    skipped = 0
    for head, relation, tail in triples:
        tail_id = tail_ids.get(last_component(tail))
        skipped += tail_id is None
        if tail_id is not None:
            edges.setdefault(head, []).append((relation_ids[relation], tail_id))
    entities = {head: i for i, head in enumerate(edges)}
    limit = settings.windows * (settings.roots - 2)
    views = tuple(_encode(definitions, view, tokenizer, limit) for view in (SIG_DOC, BODY))
    inside, spaced = identifier_flags(tokenizer)
    heads = _find_heads(definitions, views, entities, tokenizer, inside, spaced, settings)
    return Corpus(
        settings, tuple(definitions), views, heads, entities, list(edges.values()), list(fits.values()),
        inside, spaced, skipped,
    )  # fmt: skip


def _encode(definitions, view: int, tokenizer, limit: int) -> tuple[np.ndarray, np.ndarray]:
    # Code has about four characters per token (4.1 to 4.4 on the standard library): the cut spares work on giants.
    ids = encode_batch(tokenizer, [view_text(d, view)[: 6 * limit] for d in definitions])
    lengths = [min(len(x), limit) for x in ids]
    flat = np.empty(sum(lengths), dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    for i, x in enumerate(ids):
        flat[offsets[i] : offsets[i + 1]] = x[:limit]
    return flat, offsets


def _find_heads(definitions, views, entities, tokenizer, inside, spaced, settings):
    """Mentions of each sample's candidate names, as whole identifiers, in both views."""
    modules = {d.module for d in definitions}
    shorts = {name: name if name in modules else last_component(name) for name in entities}
    words = sorted(set(shorts.values()))
    spellings = zip(encode_names(tokenizer, words), encode_batch(tokenizer, words), strict=True)
    spelled = dict(zip(words, spellings, strict=True))
    newline = encode_batch(tokenizer, ["\n"])[0][0]
    inside, spaced = inside.tolist(), spaced.tolist()
    result: tuple[list, list] = ([], [])
    for sample, definition in enumerate(definitions):
        for view, (flat, offsets) in enumerate(views):
            text = flat[offsets[sample] : offsets[sample + 1]].tolist()
            present = set(text)
            found: dict[int, tuple[int, int, int]] = {}
            for first, end, names in _regions(definition, text, newline):
                for name in names:
                    for needle in spelled[shorts[name]] if name in entities else ():
                        if needle[0] in present:
                            for at in _mentions(text, needle, inside, spaced):
                                if first <= at < end:
                                    found.setdefault(at, (at, len(needle), entities[name]))
            result[view].append([found[at] for at in sorted(found)])
    return result


def _regions(definition: Definition, text: list[int], newline: int) -> list[tuple[int, int, list[str]]]:
    """(first token, end, names in order of precedence): the header lines of `view_text` name one thing each.

    Without this the function `copy.copy` would be found in the line `module copy`.
    """
    own = [definition.name, definition.owner, *(tail for _, tail in definition.triples), definition.module]
    regions, start = [], 0
    for name in (definition.module, definition.owner) if definition.kind != "Module" else ():
        if name and newline in text[start:]:
            end = text.index(newline, start) + 1
            regions.append((start, end, [name]))
            start = end
    return [*regions, (start, len(text), own)]


def _mentions(text: list[int], needle: list[int], inside: list[bool], spaced: list[bool]) -> Iterator[int]:
    """Positions where `needle` stands as a whole identifier (or dotted name)."""
    first, size, at = needle[0], len(needle), -1
    while True:
        try:
            at = text.index(first, at + 1)
        except ValueError:
            return
        end = at + size
        if text[at:end] != needle:
            continue
        glued = at > 0 and not spaced[first] and inside[text[at - 1]]
        continued = end < len(text) and inside[text[end]] and not spaced[text[end]]
        if not glued and not continued:
            yield at
