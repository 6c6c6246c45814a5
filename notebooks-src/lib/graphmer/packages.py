"""Which Python sources are on this machine: the standard library, and the packages that are installed beside it.

Contract: nothing is imported, run or downloaded. The choice depends on the names and sizes of the packages alone, never
on the order in which a folder lists them.

Decision: packages are taken whole, in the order of a hash of their names, as long as they fit the budget: a fair sample
that is the same tomorrow. In alphabetical order a budget would always end before the letter t.
"""

import hashlib
import os
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from graphmer.knowledge import SKIPPED_FOLDERS, entered

# A package larger than this share of the budget is left out: one package would be most of the graph.
LARGEST_SHARE = 0.25


def standard_library() -> Path:
    """Folder of the running Python's own modules."""
    return Path(sysconfig.get_paths()["stdlib"])


def installed(most_mb: float, folders: Sequence[Path] | None = None) -> list[Path]:
    """Folders of installed packages with together at most `most_mb` MB (1e6 bytes) of Python source, by name."""
    if folders is None:
        folders = [Path(sysconfig.get_paths()[key]) for key in ("purelib", "platlib")]
    found: dict[str, Path] = {}
    for folder in dict.fromkeys(Path(f) for f in folders):
        for path in sorted(folder.iterdir()) if os.access(folder, os.R_OK | os.X_OK) and folder.is_dir() else ():
            if os.path.isfile(path / "__init__.py") and path.name.isidentifier() and path.name not in SKIPPED_FOLDERS:
                found.setdefault(path.name, path)
    taken, left = [], most_mb * 1e6
    for name in sorted(found, key=lambda name: hashlib.sha256(name.encode()).digest()):
        size = source_bytes(found[name], most_mb * 1e6 * LARGEST_SHARE)
        if size <= min(left, most_mb * 1e6 * LARGEST_SHARE):
            taken.append(found[name])
            left -= size
    return sorted(taken, key=lambda path: path.name)


def source_bytes(package: Path, most: float = float("inf")) -> int:
    """Bytes of a package's Python files, tests left out; counting ends soon after `most`."""
    total = 0
    for folder, names, files in os.walk(package, followlinks=False):
        names[:] = entered(package, folder, names)
        for file in files:
            if file.endswith(".py"):
                try:
                    total += os.stat(os.path.join(folder, file)).st_size
                except OSError:
                    continue
        if total > most:
            break
    return total
