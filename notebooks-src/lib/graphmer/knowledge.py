"""Knowledge graph of Python source trees, from `ast` alone: nothing is downloaded, imported or executed.

Contract: the same files under the same Python minor version give the same graph and the same `sha256`, whatever order
the file system lists them in. A file that cannot be read is skipped and counted by reason; it never stops a build.

Decisions:
- Two passes (`syntax`, `resolve`): facts of each file first, names resolved when all files are known.
- Seventeen relations, named in `RELATIONS`. A relation's id is its place there plus one; 0 means "no relation".
- The key of the cache is the hash of all (relative path, content hash) pairs, the builder's version and the Python
  version. The cache is compressed JSON written whole; what cannot be read back is built again. It is only ever
  trusted as data: no pickle.
"""

import ast
import contextlib
import gc
import gzip
import hashlib
import io
import json
import os
import stat
import sys
import sysconfig
import tokenize
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit import storage

from graphmer.resolve import Resolver
from graphmer.syntax import collect

VERSION = 2  # of the builder: it decides which triples there are; a stored graph of an earlier one can still be read
RELATIONS = (
    "defines", "has_method", "has_attribute", "has_parameter", "imports", "imports_name", "inherits", "overrides",
    "calls", "instantiates", "raises", "catches", "decorated_by", "param_type", "returns_type", "reads_attribute",
    "writes_attribute",
)  # fmt: skip
# Relations that can be asked for. The answers of the others stand in the head's name or signature (`defines`,
# `has_method`, `has_attribute`, `has_parameter`), follow from another relation (`overrides`) or are too few.
QUERIED = ("calls", "instantiates", "raises", "catches", "inherits", "imports", "decorated_by")
SKIPPED_FOLDERS = {
    "site-packages", "dist-packages", "__pycache__", "lib-dynload", "test", "tests", "idle_test", "testdata",
}  # fmt: skip
# The largest hand-written file of the standard library is under 0.8 MB; what is bigger is a generated table.
MAX_BYTES = 2_000_000
DEEPEST = 100  # folders below a root; Python 3.11's os.walk recurses, and ends in an error at a thousand


@dataclass(frozen=True)
class Definition:
    """A module, class, function or method and the triples it heads.

    `kind` is Module, Class, Function or Method; `owner` the qualified class of a method, else "". `signature` is one
    line (a class's bases and all decorators left out), `source` the dedented text from `def` on, "" for classes and
    modules.
    """

    name: str
    kind: str
    module: str
    owner: str
    path: str
    signature: str
    doc: str
    source: str
    triples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Knowledge:
    """`triples`: sorted distinct (head, relation, tail); `kinds`: entity -> type; `manifest`: where it came from."""

    triples: tuple[tuple[str, str, str], ...]
    kinds: dict[str, str]
    definitions: tuple[Definition, ...]
    manifest: dict

    @property
    def functions(self) -> tuple[Definition, ...]:
        """Definitions with code: functions and methods."""
        return tuple(d for d in self.definitions if d.source)


def find_files(roots: Iterable[Path]) -> list[tuple[str, str, Path]]:
    """Sorted (module name, path relative to the root, file), without tests, caches and installed packages.

    A root that is itself a package keeps its own name in front. Linked folders are not entered, so no link can loop.
    """
    found = []
    for root in roots:
        root = Path(root)
        prefix = [root.name] if os.path.isfile(root / "__init__.py") else []
        for folder, names, files in os.walk(root, followlinks=False):
            names[:] = entered(root, folder, (n for n in names if n.isidentifier()))
            for file in files:
                stem = file.removesuffix(".py")
                if stem == file or not stem.isidentifier():
                    continue
                relative = Path(folder, file).relative_to(root)
                parts = [*prefix, *relative.parent.parts, *([] if stem == "__init__" else [stem])]
                if parts:
                    found.append((".".join(parts), relative.as_posix(), Path(folder, file)))
    return sorted(found, key=lambda item: item[:2])


def entered(root: Path, folder: str, names: Iterable[str]) -> list[str]:
    """Which of the folders in `folder` are read."""
    deep = len(Path(folder).relative_to(root).parts) >= DEEPEST
    return [] if deep else [name for name in names if name not in SKIPPED_FOLDERS]


def _read(path: Path) -> tuple[bytes, str]:
    """(content, "") or (b"", reason for skipping)."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return b"", "not a file"
        if status.st_size > MAX_BYTES:
            return b"", "too large"
        return path.read_bytes(), ""
    except OSError:
        return b"", "unreadable"


def _parse(data: bytes) -> tuple[ast.Module | None, str, str]:
    """(tree, text, "") or (None, "", reason). Deep nesting ends in RecursionError or MemoryError, by Python version."""
    if b"\0" in data:
        return None, "", "null bytes"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        return ast.parse(text), text, ""
    except UnicodeDecodeError:
        return None, "", "undecodable"
    except SyntaxError as error:
        # detect_encoding reports an unknown or contradictory coding line as a SyntaxError.
        return None, "", "undecodable" if "encoding" in str(error) or "decode" in str(error) else "syntax error"
    except RecursionError:
        return None, "", "recursion"
    except MemoryError:
        return None, "", "memory"
    except ValueError:
        return None, "", "value error"


@contextlib.contextmanager
def _quiet():
    """No garbage collection (a tree is millions of live objects) and no warnings about other people's escapes."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if enabled:
            gc.enable()


def build(
    roots: Iterable[Path] | None = None,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Knowledge:
    """Knowledge graph of all Python files under `roots` (default: the standard library without tests).

    `cache` is a folder; a graph with the same content hash is read from it. `progress(files done, files)` is called
    now and then.
    """
    files = find_files([Path(sysconfig.get_paths()["stdlib"])] if roots is None else roots)
    contents, skipped, seen = [], Counter(), set()
    digest = hashlib.sha256(f"graphmer {VERSION} python {sys.version_info[0]}.{sys.version_info[1]}\n".encode())
    for module, relative, path in files:
        data, reason = _read(path)
        if not reason and module in seen:
            reason = "module name taken"
        if reason:
            skipped[reason] += 1
            digest.update(f"{module} {relative} {reason}\n".encode())
            continue
        seen.add(module)
        digest.update(f"{module} {relative} {hashlib.sha256(data).hexdigest()}\n".encode())
        contents.append((module, relative, data))
    key = digest.hexdigest()
    stored = Path(cache) / f"knowledge-{key[:24]}.json.gz" if cache is not None else None
    if stored is not None and (found := load(stored)) is not None and found.manifest["sha256"] == key:
        return found
    with _quiet():
        knowledge = _assemble(contents, skipped, key, progress)
    if stored is not None:
        save(stored, knowledge)
    return knowledge


def _assemble(contents, skipped: Counter, key: str, progress) -> Knowledge:
    facts, paths = [], {}
    for done, (module, relative, data) in enumerate(contents):
        tree, text, reason = _parse(data)
        if reason:
            skipped[reason] += 1
            continue
        facts.append(collect(tree, module, relative.endswith("__init__.py"), text))
        paths[module] = relative
        if progress is not None and done % 20 == 0:
            progress(done, len(contents))
    resolver = Resolver(facts)
    triples = resolver.triples()
    # A name defined twice (under `if`, or a property's setter) keeps its first text.
    rows = {}
    for fact in facts:
        module = fact.module.name
        for name, kind, signature, doc, source, owner in fact.definitions:
            rows.setdefault(name, (kind, module, owner, paths[module], signature, doc, source))
    used = {name for head, _, tail in triples for name in (head, tail)} | set(rows)
    kinds = {name: resolver.kinds[name] for name in sorted(used)}
    counts = Counter(relation for _, relation, _ in triples)
    manifest = {
        "builder": VERSION,
        "python": ".".join(map(str, sys.version_info[:3])),
        "sha256": key,
        "triples_sha256": hashlib.sha256(
            "\n".join("\t".join(t) for t in triples).encode("utf-8", "replace")
        ).hexdigest(),
        "files": len(facts),
        "skipped": dict(sorted(skipped.items())),
        "entities": len(kinds),
        "triples": len(triples),
        "relations": {relation: counts[relation] for relation in RELATIONS},
        "definitions": len(rows),
    }
    if progress is not None:
        progress(len(contents), len(contents))
    return _knowledge(triples, kinds, rows, manifest)


def _knowledge(triples, kinds: dict, rows: dict, manifest: dict) -> Knowledge:
    heads: dict[str, list[tuple[str, str]]] = {}
    for head, relation, tail in triples:
        heads.setdefault(head, []).append((relation, tail))
    definitions = tuple(Definition(name, *rows[name], tuple(heads.get(name, ()))) for name in sorted(rows))
    return Knowledge(tuple(map(tuple, triples)), kinds, definitions, manifest)


def save(path: Path, knowledge: Knowledge) -> None:
    """Write a graph as compressed JSON: the whole file under another name, then renamed. Raises Stop."""
    names = {name: i for i, name in enumerate(knowledge.kinds)}
    relations = {relation: i for i, relation in enumerate(RELATIONS)}
    data = {
        "manifest": knowledge.manifest,
        "kinds": knowledge.kinds,
        "triples": [(names[h], relations[r], names[t]) for h, r, t in knowledge.triples],
        "definitions": {
            d.name: (d.kind, d.module, d.owner, d.path, d.signature, d.doc, d.source) for d in knowledge.definitions
        },
    }
    # Lone surrogates may stand in string literals; JSON's ASCII escapes carry them through.
    packed = gzip.compress(json.dumps(data).encode("ascii"), compresslevel=3, mtime=0)
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with storage.told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(packed)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def load(path: Path) -> Knowledge | None:
    """A stored graph, or None where there is none, or it is damaged or of a later version of the builder."""
    try:
        data = json.loads(gzip.decompress(path.read_bytes()))
        if not 1 <= data["manifest"]["builder"] <= VERSION:
            return None
        names = list(data["kinds"])
        triples = [(names[h], RELATIONS[r], names[t]) for h, r, t in data["triples"]]
        return _knowledge(triples, data["kinds"], data["definitions"], data["manifest"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError, zlib.error):
        return None
