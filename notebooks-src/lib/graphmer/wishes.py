"""What the settings may be, and what lies here of runs with others: told in a sentence, before any work.

Contract: `check` raises Stop for the first setting that cannot be meant, so that nothing is built for a run that would
fail, or do something else than was written. `elsewhere` reads manifests only; what cannot be read is no run.
"""

import re
from pathlib import Path

from disk import sealed
from labkit import Stop
from labkit.checkpoint import MANIFEST
from session import ranges

SIZES = ("auto", "tiny", "smoke", "small", "base")
# Seeds are multiplied by 1e9 for the dropout of each micro-batch, and torch takes 64 bits.
LIMITS = {
    "STEPS": (0, 10_000_000),
    "PACKAGES_MB": (-1, 100_000),
    "SEED": (0, 2**32 - 1),
    "STOP_AFTER": (0.0, 100_000.0),
}
LENGTH = re.compile(r"auto|[1-9][0-9]{0,6}( epochs?)?|[1-9][0-9]{0,3}k")
HURRY = 15 * 60  # seconds; training itself stops five minutes before the limit
NAMES = {"size": "SIZE", "length": "LENGTH", "packages_mb": "PACKAGES_MB", "seed": "SEED", "quick": "QUICK_TEST"}


def check(size: str, length: str, **numbers: float) -> None:
    """Raises Stop for the first setting that is none of its choices, or no number of its range."""
    if size not in SIZES:
        raise Stop(f"SIZE is one of {', '.join(SIZES)}, not {size!r}")
    if not isinstance(length, str) or not LENGTH.fullmatch(length):
        raise Stop(f'LENGTH is "auto", or steps or epochs in whole numbers ("100", "10k", "2 epochs"), not {length!r}')
    ranges.check(LIMITS, **numbers)


def elsewhere(outputs: Path, job: str, what: dict) -> list[str]:
    """A line for each of up to three runs of this job in `outputs` that have other settings: what goes on with it.

    A quick test is no run to go on with.
    """
    newest: dict[str, tuple[int, dict]] = {}
    for path in Path(outputs).glob(f"checkpoints/{job}-*/[0-9]*-step-*"):
        try:
            found = sealed.read(path, MANIFEST)
            place, serial = path.parent.name, found["serial"]
            if serial > newest.get(place, (0, {}))[0]:
                newest[place] = serial, found
        except (sealed.Broken, OSError, KeyError, TypeError):
            continue
    lines = []
    for _, found in newest.values():
        theirs = found.get("settings")
        if not isinstance(theirs, dict) or theirs == what or theirs.get("quick") != what["quick"]:
            continue
        wishes = ", ".join(_wish(n, v) for n, v in theirs.items() if n in NAMES and v != what.get(n))
        at = f"stands at step {found.get('step')}, saved on {found.get('platform')}"
        lines.append(f"A run with other settings {at}; to go on with it: {wishes}.")
    return sorted(lines)[:3]


def _wish(name: str, value) -> str:
    """As it is written into the settings; steps of one's own may be none of the form's lengths."""
    if name == "length" and str(value).isdecimal():
        return f"STEPS = {value}"
    return f'{NAMES[name]} = "{value}"' if name in ("size", "length") else f"{NAMES[name]} = {value}"


def how_much(quick: bool, gpu: bool, step: int, session_left: float | None) -> tuple[dict, str]:
    """(bounds for `evaluate.evaluate`, what a reader of its figures has to know first).

    `session_left`: seconds to the session's own limit, None where it has none. All questions take some minutes, and a
    batch session that runs over its limit leaves nothing.
    """
    few = {"limit": 50, "search": 50, "mlm_rows": 16, "embedding_steps": 4}
    if quick:
        text = f"This was the quick test: a model this small, after {step} steps, is not expected to beat counting."
        return few, text
    if session_left is not None and session_left < HURRY:
        text = "The session was about to end, so little was asked; Run all in the next one asks everything."
        return {**few, "embedding_steps": 100}, text
    return {"embedding_steps": 1000 if gpu else 300}, ""
