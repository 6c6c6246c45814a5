"""Forms show what they hold: the default of a field is one of its options, of its type, within its bounds.

A form that cannot show its default shows another value, and Run all uses the one that nobody sees. The settings cell of
ours is read as it is compiled (`anylab.settings`); here are the fields in all other cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from anylab import settings
from anylab.errors import Problem
from anylab.lint import Collection, Piece, rule

_FIELD = re.compile(r"^\s*\w+\s*(?::[^=]+)?=[^=].*#\s?@param\b")


@rule("form/default", on="code", foreign="warning", hints=("@param",))
def every_field_can_show_its_default(piece: Piece, around: Collection) -> Iterable[Problem]:
    if not piece.is_cell:
        return
    for number, line in enumerate(piece.text.split("\n"), 1):
        fault = settings.field_fault(line.strip()) if _FIELD.match(line) else ""
        if fault:
            yield Problem(piece.at(number), fault)
