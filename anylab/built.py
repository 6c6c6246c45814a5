"""A compiled collection, not yet written. Its files come out one at a time, so that twelve hundred variants never stand
in memory together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from anylab import __version__, emit, render
from anylab.cell import Cell
from anylab.errors import Problem
from anylab.pairs import Pair
from anylab.platforms import Platform
from anylab.project import Project
from anylab.work import Known


@dataclass
class Build:
    """A compiled collection, not yet written."""

    project: Project
    pairs: list[Pair]
    rendered: dict[str, tuple[list[Cell], dict[str, str]]]  # path -> cells, and the files beside by name
    shared: render.Shared
    warnings: list[Problem]
    folders: list[Platform]  # every platform folder, those without variants too
    known: Known  # the cards, and the work of notebooks

    def files(self, pages: Iterable[tuple[str, bytes]] = ()) -> Iterator[tuple[str, bytes]]:
        """(path below dist, bytes) of every file, `pages` among them; the manifest last."""
        variants = []
        for pair in self.pairs:
            if pair.path:
                entry, files = self._variant(pair)
                variants.append(entry)
                yield from files
        hashes = {}
        for path, data in pages:
            hashes[path] = hashlib.sha256(data).hexdigest()
            yield path, data
        manifest = {
            "generator": f"anylab {__version__}",
            "note": "Written by `python build.py`; do not edit. Information, not evidence: check hashes every file.",
            "variants": variants,
            **({"pages": hashes} if hashes else {}),
        }
        yield "manifest.json", (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()

    def variant_files(self, pair: Pair) -> list[tuple[str, bytes]]:
        """(path below dist, bytes) of one variant and the files beside it."""
        return self._variant(pair)[1]

    def _variant(self, pair: Pair) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
        """The manifest's entry of one variant, and its files."""
        src, platform = pair.source, pair.platform
        note = {"generated_from": src.file, "note": f"Do not edit: edit {src.file} and run python build.py"}
        note |= {"variant": f"{src.name}/{platform.id}", "version": render.VERSION}
        cells, beside = self.rendered[pair.path]
        data = emit.notebook(src, platform, cells, note, src.name in self.shared.gpu)
        version = f"{__version__}+{hashlib.sha256(data).hexdigest()[:8]}"
        if src.ours:
            data = data.replace(render.VERSION.encode(), version.encode())
        else:  # in the metadata, which come last; a stranger's cell may say what it likes
            before, _, after = data.rpartition(render.VERSION.encode())
            data = before + version.encode() + after
        entry = {"notebook": src.name, "platform": platform.id, "path": pair.path, "source": src.file}
        entry |= {"version": version, "sha256": hashlib.sha256(data).hexdigest(), "beside": {}}
        files = [(pair.path, data)]
        for name, text_beside in beside.items():
            file = text_beside.replace(render.VERSION, version).encode()
            entry["beside"][name] = hashlib.sha256(file).hexdigest()
            files.append((f"{pair.path.rpartition('/')[0]}/{name}", file))
        return entry, files
