"""A corpus on disk: flat arrays that are mapped into memory, found again by the hash of all that they were made from.

Contract: `corpus` gives the same corpus as building it anew, or builds it: a folder that is missing, damaged or of
another version is made again. Folders appear whole (written beside, then renamed). Nothing is pickled. Processes that
train together map the same files.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from labkit import storage
from tokenizers import Tokenizer

from graphmer import ragged
from graphmer.corpus import ChainSettings, Corpus, build_corpus
from graphmer.knowledge import Definition, Knowledge
from graphmer.splits import Split

VERSION = 1
PARTS = ("view-0", "view-1", "heads-0", "heads-1", "edges", "tails")


def corpus(
    root: Path,
    graph_hash: str,
    definitions: Sequence[Definition],
    triples: Sequence[tuple[str, str, str]],
    tokenizer: Tokenizer,
    settings: ChainSettings,
    hidden: frozenset[str] = frozenset(),
) -> Corpus:
    """`build_corpus`, or what an earlier call with the same input has left below `root`. Raises Stop."""
    folder = Path(root) / f"corpus-{key(graph_hash, definitions, triples, tokenizer, settings, hidden)}"
    found = load(folder)
    if found is not None:
        return found
    save(build_corpus(definitions, triples, tokenizer, settings, hidden), folder)
    return load(folder)


def both(
    root: Path, knowledge: Knowledge, split: Split, tokenizer: Tokenizer, settings: ChainSettings
) -> tuple[Corpus, Corpus]:
    """The corpora to train on and to validate with: signatures alone, every tail masked, as the questions are."""
    graph = knowledge.manifest["triples_sha256"]
    asked = replace(settings, sig_doc_share=1.0, chunk_share=0.0, alone=1.0)
    return (
        corpus(root, graph, split.train_definitions, split.train, tokenizer, settings, split.hidden),
        corpus(root, graph, split.valid_definitions, split.valid, tokenizer, asked),
    )


def key(graph_hash: str, definitions, triples, tokenizer: Tokenizer, settings: ChainSettings, hidden) -> str:
    """24 hexadecimal digits of everything that a corpus depends on: the graph, what was kept back, tokenizer, sizes."""
    digest = hashlib.sha256(f"{VERSION} {graph_hash} {json.dumps(asdict(settings))}".encode())
    digest.update(tokenizer.to_str().encode())
    for words in ((d.name for d in definitions), (" ".join(t) for t in triples), sorted(hidden)):
        digest.update("\n".join(words).encode("utf-8", "replace") + b"\0")
    return digest.hexdigest()[:24]


def save(data: Corpus, folder: Path) -> None:
    """Write a corpus whole. Raises Stop."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        # numpy's own error does not say that the disk is full: it is looked at while it still is.
        with storage.told(folder):
            partial.mkdir(parents=True)
            for name, items in zip(PARTS, (*data.views, *data.heads, data.edges, data.tails), strict=True):
                ragged.save(partial, name, items)
            np.savez(partial / "small.npz", asked=data.asked, inside=data.inside, spaced=data.spaced)
            about = {
                "version": VERSION, "settings": asdict(data.settings), "names": data.names,
                "entities": list(data.entities), "skipped_tails": data.skipped_tails,
            }  # fmt: skip
            (partial / "corpus.json").write_text(json.dumps(about), encoding="ascii")
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load(folder: Path) -> Corpus | None:
    """A stored corpus, its arrays memory-mapped; None where there is none, or it is damaged or of another version."""
    try:
        about = json.loads((folder / "corpus.json").read_text(encoding="ascii"))
        if about["version"] != VERSION:
            return None
        parts = [ragged.load(folder, name) for name in PARTS]
        with np.load(folder / "small.npz", allow_pickle=False) as small:
            asked, inside, spaced = small["asked"], small["inside"], small["spaced"]
        entities = {name: i for i, name in enumerate(about["entities"])}
        names = tuple(about["names"])
        if len(names) != len(parts[0]) or len(asked) != len(entities):
            return None
        return Corpus(
            ChainSettings(**about["settings"]), names, (parts[0], parts[1]), (parts[2], parts[3]), entities,
            parts[4], asked, parts[5], inside, spaced, about["skipped_tails"],
        )  # fmt: skip
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError, BadZipFile):
        return None
