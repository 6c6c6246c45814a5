"""What a run on a stand-in has left, beside its notebook: what it asked of pip, and what it says that it produces."""

from __future__ import annotations

from dataclasses import replace

from anylab.built import Build
from anylab.pairs import Pair
from anylab.smoke import asked, produced
from anylab.smoke.runner import Verdict
from anylab.smoke.standin import Standin


def judged(verdict: Verdict, compiled: Build, pair: Pair, there: Standin) -> Verdict:
    """The verdict with the first fault of all three; a run that failed is not looked into further."""
    fault = verdict.fault or asked.fault(compiled, pair, there.pip_log) or produced.fault(pair.source, there.root)
    return replace(verdict, fault=fault)
