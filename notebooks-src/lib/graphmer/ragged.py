"""Lists of different lengths as two flat arrays, so that a corpus is a few files that are mapped and never parsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Ragged:
    """Item i is `flat[offsets[i] : offsets[i + 1]]`. `flat` (n, ...) int32, `offsets` (items + 1,) int64."""

    flat: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        return self.flat[self.offsets[i] : self.offsets[i + 1]]

    def lengths(self) -> np.ndarray:
        """(items,) int64."""
        return np.diff(self.offsets)


def ragged(items: Sequence[Sequence], columns: int = 0) -> Ragged:
    """From a list of lists of numbers, or of tuples of `columns` numbers."""
    offsets = np.zeros(len(items) + 1, dtype=np.int64)
    np.cumsum([len(item) for item in items], out=offsets[1:])
    shape = (int(offsets[-1]), columns) if columns else (int(offsets[-1]),)
    values = chain.from_iterable(items)
    flat = np.fromiter(chain.from_iterable(values) if columns else values, dtype=np.int32).reshape(shape)
    return Ragged(flat, offsets)


def grouped(group: np.ndarray, values: np.ndarray, groups: int) -> Ragged:
    """`values` (n, ...) gathered by `group` (n,), the order inside a group kept."""
    order = np.argsort(group, kind="stable")
    offsets = np.zeros(groups + 1, dtype=np.int64)
    np.cumsum(np.bincount(group, minlength=groups), out=offsets[1:])
    return Ragged(np.ascontiguousarray(values[order], dtype=np.int32), offsets)


def save(folder: Path, name: str, items: Ragged) -> None:
    """Two .npy files. Raises OSError."""
    np.save(folder / f"{name}.npy", items.flat, allow_pickle=False)
    np.save(folder / f"{name}-offsets.npy", items.offsets, allow_pickle=False)


def load(folder: Path, name: str) -> Ragged:
    """Memory-mapped. Raises OSError or ValueError; offsets that do not fit their data are a ValueError."""
    # A plain view of the mapped file: a slice of np.memmap itself costs ten times one of an array.
    flat = np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
    offsets = np.load(folder / f"{name}-offsets.npy", allow_pickle=False)
    if offsets.ndim != 1 or offsets[0] != 0 or offsets[-1] != len(flat) or (np.diff(offsets) < 0).any():
        raise ValueError(f"{folder / name}: offsets and data do not belong together")
    return Ragged(flat, offsets)


def gather(items: Ragged, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(values of all rows in a row, how many each has)."""
    first = items.offsets[rows]
    n = items.offsets[rows + 1] - first
    return items.flat[np.repeat(first - starts(n), n) + np.arange(n.sum())], n


def starts(n: np.ndarray) -> np.ndarray:
    """Where each of `n` pieces starts."""
    return np.cumsum(n) - n


def owned(values: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(whose each value is, values with columns first)."""
    return np.repeat(np.arange(len(n)), n), values.T
