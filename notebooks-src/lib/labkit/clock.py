"""How long have I left? The session's limit as the platform states it, time used, time left, in seconds. Used is the
larger of this process's and the container's age: a restarted kernel does not start the count anew. The wall clock is
never read: one that jumps changes nothing. What is not known is not guessed: no limit is None."""

import os
import time
from pathlib import Path

from labkit import here

_began, _most, _budget = time.monotonic(), [0.0], []


def time_used() -> float:
    """Seconds since this session began, as far as this machine can tell; never runs backwards."""
    _most[0] = max(_most[0], time.monotonic() - _began, _container_age() if here.SESSION_HOURS else 0.0)
    return _most[0]


def time_left() -> float | None:
    """Seconds until the session's limit or the budget, whichever is first, never below 0; None when nothing ends it."""
    ends = [end - time.monotonic() for end in _budget]
    ends += [here.SESSION_HOURS * 3600 - time_used()] if here.SESSION_HOURS else []
    return max(0.0, min(ends)) if ends else None


def budget(minutes: float) -> None:
    """Let jobs stop after so many minutes from now, before the session's limit; 0 takes that back."""
    _budget[:] = [time.monotonic() + minutes * 60] if 0 < minutes < float("inf") else []


def should_stop(margin_minutes: float = 5.0) -> bool:
    """Whether a job should save and stop: the session's limit is nearer than the margin, or the budget is used up."""
    ending = here.SESSION_HOURS and here.SESSION_HOURS * 3600 - time_used() <= margin_minutes * 60
    return bool(ending) or any(time.monotonic() >= end for end in _budget)


def describe() -> str:
    """Limit, used, left, and what is known of the idle limit, as one sentence."""
    limit = f"{here.SESSION_HOURS:g} h at most, {span(time_used())} used" if here.SESSION_HOURS else "no limit"
    return limit + ("" if time_left() is None else f", {span(time_left())} left") + f"; {here.IDLE}"


def span(seconds: float) -> str:
    """Hours and minutes, as 1:05 h."""
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02} h"


def _container_age() -> float:
    """Seconds since the container's first process started (proc(5): field 22 of stat, in ticks since boot)."""
    try:
        stat, uptime = (Path(f"{here.ROOT}/proc/{name}").read_text(errors="replace") for name in ("1/stat", "uptime"))
        return float(uptime.split()[0]) - int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):  # this process's own age is all that is known
        return 0.0
