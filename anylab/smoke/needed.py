"""What a run needs and this environment lacks, said in one line before anything starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from anylab.built import Build
from anylab.errors import Origin, Problem, Refused
from anylab.pairs import Pair
from anylab.smoke import overlay

RUNNER = ("papermill", "ipykernel")
_told: set[str] = set()


def check(pairs: Iterable[Pair], compiled: Build | None = None) -> None:
    """Raise Refused when papermill, a kernel, or a package that a notebook declares is missing here. With `compiled`,
    the run is one on a stand-in, which has folders for what goes in without its dependencies."""
    problems = []
    for pair in pairs:
        source = pair.source
        missing = [name for name in RUNNER if _lacks(name)]
        missing += [text for text in source.front.get("packages", []) if _lacks(text)]
        bare = overlay.bare(compiled, pair) if compiled else None
        alone = [text for text in source.front.get("no_deps", []) if _lacks(text)] if compiled is None else []
        if bare is not None and not bare.is_dir():
            what = "its packages without dependencies are not here yet: python build.py overlays fetches them, once"
            problems.append(Problem(source.at("no_deps"), what))
        if compiled is not None:
            problems += _without_overlay(pair, compiled)
        ways = (("packages", "pip install", missing), ("no_deps", "pip install --no-deps", alone))
        for key, command, names in ways:
            if names:
                what = f"to run it here, install what is missing: {command} " + " ".join(f'"{m}"' for m in names)
                problems.append(Problem(source.at(key), what))
    if problems:
        raise Refused(problems)


def _without_overlay(pair: Pair, compiled: Build) -> list[Problem]:
    """A platform's own versions that are not here: refused in CI, elsewhere told, since a run would not meet them."""
    root = compiled.project.root
    if overlay.place(pair.platform, root) is None or overlay.find(pair.platform, root) is not None:
        return []
    origin = Origin(f"platforms/{pair.platform.id}/standin/overlay.txt")
    what = (
        f"{pair.platform.name}'s own versions are not here, a run meets others: python build.py overlays fetches them"
    )
    if os.environ.get("CI"):
        return [Problem(origin, what)]
    if pair.platform.id not in _told:
        _told.add(pair.platform.id)
        print(f"warning: {origin}: {what}", file=sys.stderr)
    return []


def _lacks(text: str) -> bool:
    try:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            return False
        return not requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return True
    except InvalidRequirement:
        return False  # a lint has refused it, or it is a stranger's
