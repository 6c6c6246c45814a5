"""What a notebook's work takes: `work/<notebook>.toml` beside the sources, and the cards: `platforms/cards.toml`.

A notebook without a file has no work model, which advice says. Both files hold facts (anylab/facts.py); a value without
a source is a lint error. Raises Refused for what is no TOML or has another shape.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anylab import facts, schema, text
from anylab.errors import Origin, Problem, Refused
from anylab.project import Project
from anylab.tomls import nearest, read_toml

FOLDER, CARDS = "work", "cards.toml"
KINDS = ("gpu", "tpu", "cpu")


@dataclass(frozen=True, eq=False)
class Facts:
    """A file of facts, read: the work of one notebook, or the cards."""

    file: str  # as shown to people
    data: Mapping[str, Any]
    lines: Mapping[tuple, int]

    def at(self, *path: str | int) -> Origin:
        """Where a key stands."""
        return nearest(self.file, self.lines, *path)

    def found(self) -> Iterable[facts.Found]:
        """Every fact in it."""
        return facts.of_cards(self.data, self.at) if self.file.endswith(f"/{CARDS}") else _of_work(self)

    @functools.cached_property
    def fact_faults(self) -> tuple[tuple[str, Problem], ...]:
        """(kind, finding) of every fact."""
        return tuple(fault for found in self.found() for fault in facts.faults(found))


@dataclass(frozen=True)
class Known:
    """What stands beside platforms and sources: the cards, and the work of notebooks by name."""

    cards: Facts | None
    works: Mapping[str, Facts]

    @property
    def files(self) -> tuple[Facts, ...]:
        """All files of facts."""
        return (*([self.cards] if self.cards else []), *self.works.values())


def read(project: Project, problems: list[Problem]) -> Known:
    """The cards and the work of every notebook that has some; `problems` takes what is wrong with them."""
    cards, works = None, {}
    if (project.platforms / CARDS).is_file():
        cards = _read(project.platforms / CARDS, f"{project.platforms.name}/{CARDS}", "", problems)
    folder = project.sources / FOLDER
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        found = _read(path, f"{project.sources.name}/{FOLDER}/{path.name}", "work", problems)
        if found:
            works[path.stem] = found
    return Known(cards, works)


def _read(path: Path, shown: str, kind: str, problems: list[Problem]) -> Facts | None:
    try:
        content = text.read(path, shown)
        data, lines = read_toml(content, shown)
    except Refused as refused:
        problems += refused.problems
        return None
    faults = schema.check(data, kind, shown, lines, "the work of a notebook") if kind else list(_of_shape(data, shown))
    problems += faults
    return None if faults else Facts(shown, data, lines)


def _of_shape(cards: Mapping[str, Any], shown: str) -> Iterable[Problem]:
    for card, about in cards.items():
        if not isinstance(about, Mapping) or not isinstance(about.get("name"), str) or about.get("kind") not in KINDS:
            what = f"the card '{card}' must be a table with a name and a kind (one of {', '.join(KINDS)})"
            yield Problem(Origin(shown), what)


def _of_work(work: Facts) -> Iterable[facts.Found]:
    numbers = {key: (key, "", "number") for key in ("memory_gb", "item_gb", "further_card")}
    for i, choice in enumerate(work.data["choices"]):
        name = choice["id"]
        for key in numbers.keys() & choice.keys():
            yield facts.Found((name, key), choice[key], work.at("choices", i, key), numbers)
        for key in ("memory", "parts"):
            for j, part in enumerate(choice.get(key, ())):
                at = work.at("choices", i, key, j)
                yield facts.Found((name, part["name"]), part, at, {}, named=False)
        for card, known in choice.get("known", {}).items():
            at = work.at("choices", i, "known", card)
            yield facts.Found((name, "known", card), known, at, {}, named=False)
    for list_of in ("claims", "tips"):
        for i, entry in enumerate(work.data.get(list_of, ())):
            yield facts.Found((list_of, str(i + 1)), entry, work.at(list_of, i), {}, named=False)
