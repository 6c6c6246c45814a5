"""How a job moves from one platform to another: the exact steps, in the words of both platforms' own folders.

A platform's `[moving]` says how its variants are run, which value of PACK puts the bundle into a person's hands and how
it gets there (`take`), how the notebook is opened, how a file is brought in and what GO_ON_FROM is then. The bundle is
labkit's (docs/labkit.md). Whether both ends can do without a file, by a way that a folder without variants brings, is
read from their settings and setup cells, so that what is said here is what the notebooks do. Pure; raises Refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from anylab.built import Build
from anylab.errors import Origin, did_you_mean, refuse
from anylab.pairs import Pair, link_of

_PACK = re.compile(r'^PACK = "no".*@param \[(.*)\]|^PACK = "no".*# one of: (.*)', re.M)
_FETCH = re.compile(r"bundle\.fetch\(folders, GO_ON_FROM, (.*)\)")


@dataclass(frozen=True)
class Move:
    """The steps of one move, in order, and a second way that needs no file ('' where there is none)."""

    notebook: str
    origin: str
    target: str
    leave: tuple[str, ...]
    arrive: tuple[str, ...]
    without_a_file: str

    def lines(self) -> Iterator[str]:
        """As people read it."""
        yield f"On {self.origin}:"
        for number, step in enumerate(self.leave, 1):
            yield f"  {number}. {step}"
        yield f"On {self.target}:"
        for number, step in enumerate(self.arrive, len(self.leave) + 1):
            yield f"  {number}. {step}"
        if self.without_a_file:
            yield f"Without a file: {self.without_a_file}"


def move(build: Build, notebook: str, origin: str, target: str) -> Move:
    """The move of a notebook between two platforms that both have a variant of it. Raises Refused otherwise."""
    notebooks = {p.source.name for p in build.pairs}
    if notebook not in notebooks:
        raise refuse(Origin(notebook), f"no such notebook{did_you_mean(notebook, notebooks)}")
    left, right = _end(build, notebook, origin, "--from"), _end(build, notebook, target, "--to")
    if origin == target:
        raise refuse(Origin("--to"), f"{target} is where the job is already: run the notebook there again, it goes on")
    names = {"bundle": f"{notebook}.bundle.zip", "slug": notebook.replace("_", "-")}
    names["file"] = f"{build.project.out.name}/{right.path}"
    names["link"] = link_of(build.project, right, notebook in build.shared.gpu)["link"]
    here, there = left.platform.profile["moving"], right.platform.profile["moving"]
    leave = [
        f'in the settings set PACK to "{here["pack"]}" and leave the others; {here["run"]}: '
        "a run that has ended, or that you stopped, is packed at the end",
        here["take"],
    ]
    arrive = [
        *there["open"],
        there["bring"],
        f'in the settings set GO_ON_FROM to "{there["from"]}", the others as they were: other settings are another job',
        f"{there['run']}: the bundle is checked, then the job goes on where it stood",
    ]
    return Move(
        notebook,
        left.platform.name,
        right.platform.name,
        tuple(_filled(step, names) for step in leave),
        tuple(_filled(step, names) for step in arrive),
        _without_a_file(build, left, right),
    )


def _without_a_file(build: Build, left: Pair, right: Pair) -> str:
    """The first way that a folder without variants brings and both ends know."""
    secrets = [f"{pair.platform.name}: {pair.platform.profile['moving']['secret']}" for pair in (left, right)]
    for folder in build.folders:
        way = folder.profile.get("transport", {}) if not folder.has_variants else {}
        if way and way["module"] in ways_out(build, left) and way["module"] in ways_in(build, right):
            name, words = way["module"], way.get("words", folder.name)
            return f'PACK = "{name}", then GO_ON_FROM = "{name}": it goes over {words} ({"; ".join(secrets)})'
    return ""


def ways_out(build: Build, pair: Pair) -> tuple[str, ...]:
    """The values of PACK that a variant knows, "no" aside, as its settings cell lists them; () where it packs none."""
    found = _first(build, pair, _PACK)
    return tuple(way.strip(" \"'") for way in (found[1] or found[2]).split(",")[1:]) if found else ()


def ways_in(build: Build, pair: Pair) -> tuple[str, ...]:
    """The words that a variant's GO_ON_FROM knows beside a file's path, as its setup cell has them."""
    found = _first(build, pair, _FETCH)
    return tuple(way.partition("=")[0].strip() for way in found[1].split(",")) if found else ()


def _first(build: Build, pair: Pair, pattern: re.Pattern) -> re.Match | None:
    return next((m for cell in build.rendered[pair.path][0] if (m := pattern.search(cell.source))), None)


def _end(build: Build, notebook: str, id: str, option: str) -> Pair:
    """One end of the move."""
    pairs = {p.platform.id: p for p in build.pairs if p.source.name == notebook}
    able = sorted(id for id, p in pairs.items() if p.path)
    if id not in pairs:
        if id in {folder.id for folder in build.folders}:
            what = f"{id} has no notebook variants, so nothing can be moved there or from there by these steps"
            raise refuse(Origin(option), f"{what}; those that have: {', '.join(able)}")
        raise refuse(Origin(option), f"no such platform '{id}'{did_you_mean(id, able)}")
    pair = pairs[id]
    if not pair.path:
        raise refuse(Origin(option), f"{id} has no variant of {notebook}: {pair.reason}")
    if "moving" not in pair.platform.profile:
        what = "has no [moving], the words of a move (docs/platforms.md)"
        raise refuse(pair.platform.at(), what)
    if not ways_out(build, pair):
        raise refuse(Origin(notebook), "packs no bundle: its settings have no PACK, so there is nothing to move")
    return pair


def _filled(step: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        step = step.replace(f"{{{name}}}", value)
    return step
