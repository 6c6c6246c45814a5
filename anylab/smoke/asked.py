"""What a run asked of pip, held against the plan: a stand-in writes it down and installs nothing.

A variant may ask for what its plan names, at the plan's versions or in the declared words, against a constraints file
and from wheels; anything else would do to a user's session what the planner promises not to.
"""

from __future__ import annotations

import json
from pathlib import Path

from anylab.built import Build
from anylab.install import Plan
from anylab.pairs import Pair

_MOVES = ("-U", "--upgrade", "--force-reinstall", "-e", "--editable", "--pre")


def fault(compiled: Build, pair: Pair, log: Path) -> str:
    """'' when every recorded call is one of the plan's, else one line with the first that is not."""
    if not log.is_file():
        return ""
    plan = compiled.shared.plans.get((pair.source.name, pair.platform.id), Plan())
    known = {*plan.requirements, *plan.no_deps, *(str(pin).partition(";")[0].strip() for pin in plan.pins)}
    for line in log.read_text(encoding="utf-8").splitlines():
        words = json.loads(line)
        why = _wrong(words, known)
        if why:
            return f"{pair.source.at('packages')}: the run asked for `pip {' '.join(words)}`: {why}"
    return ""


def _wrong(words: list[str], known: set[str]) -> str:
    if words[:1] != ["install"]:
        return "" if words[:1] in (["list"], ["show"], ["--version"]) else "only installs are planned"
    moving = [word for word in words if word in _MOVES]
    if moving:
        return f"{moving[0]} moves what the image has"
    wanted = [word for i, word in enumerate(words[1:], 1) if not word.startswith("-") and words[i - 1] != "-c"]
    unplanned = [word for word in wanted if word not in known]
    if unplanned:
        return f"{unplanned[0]} is not in the plan"
    return "" if "-c" in words else "no constraints file holds what is installed"
