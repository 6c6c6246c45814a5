"""Rules about a compiled variant: its cells, before they become bytes."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable

from anylab import magics, syntax
from anylab.cell import Cell
from anylab.errors import Origin, Problem
from anylab.lint import Collection, Variant, rule
from anylab.render import title_of


@rule("variant/json", on="variant", foreign="error")
def files_beside_are_what_their_names_say(variant: Variant, around: Collection) -> Iterable[Problem]:
    for name, text in variant.beside.items():
        if name.endswith(".json"):
            try:
                json.loads(text)
            except ValueError as error:
                origin = Origin(variant.platform.files[name].file, getattr(error, "lineno", 1))
                yield Problem(origin, f"renders to bad JSON: {error}")


@rule("variant/syntax", on="variant", foreign="error")
def platform_cells_parse(variant: Variant, around: Collection) -> Iterable[Problem]:
    """What the templates gave; the source's own cells are judged where they were written."""
    for cell in variant.cells:
        if cell.kind != "code" or not cell.origin.file.endswith(".j2"):
            continue
        found = _fault(cell)
        if found:
            origin = Origin(cell.origin.file, cell.origin.line + found[0] - 1)
            yield Problem(origin, f"the rendered cell does not parse on Python 3.11 to 3.13: {found[1]}")


@functools.lru_cache(maxsize=1024)  # a template without Jinja gives one cell to all variants
def _fault(cell: Cell) -> tuple[int, str] | None:
    return syntax.fault(cell.python or magics.python_only(cell.source), deep=False)


@rule("variant/title-length", on="variant")
def the_title_fits_the_platform(variant: Variant, around: Collection) -> Iterable[Problem]:
    """A title that is too long is cut without a word where a platform makes an address from it (learntools)."""
    source, platform = variant.source, variant.platform
    limits, title = platform.profile["notebook"], title_of(source)
    advice = "; write another 'title:' into the front matter"
    longest, shortest = limits.get("title_max"), limits.get("title_min")
    has = f"the title has {len(title)} characters; {platform.name}"
    if longest and len(title) > longest:
        yield Problem(source.at("title"), f"{has} takes {longest}{advice}")
    if shortest and len(title) < shortest:
        yield Problem(source.at("title"), f"{has} wants {shortest}{advice}")
