"""Rules about a compiled variant: its cells, before they become bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from anylab import magics, syntax
from anylab.cell import Cell
from anylab.errors import Origin, Problem
from anylab.lint import rule
from anylab.platforms import Platform
from anylab.render import title_of
from anylab.source import Source

Beside = Mapping[str, str]  # the texts of the files beside the notebook, by name


@rule("variant/json", on="variant")
def files_beside_are_what_their_names_say(
    source: Source, platform: Platform, cells: list[Cell], beside: Beside
) -> Iterable[Problem]:
    for name, text in beside.items():
        if name.endswith(".json"):
            try:
                json.loads(text)
            except ValueError as error:
                origin = Origin(platform.files[name].file, getattr(error, "lineno", 1))
                yield Problem(origin, f"renders to bad JSON: {error}")


@rule("variant/syntax", on="variant")
def platform_cells_parse(source: Source, platform: Platform, cells: list[Cell], beside: Beside) -> Iterable[Problem]:
    """What the templates gave; the source's own cells are judged where they were written."""
    for cell in cells:
        if cell.kind != "code" or not cell.origin.file.endswith(".j2"):
            continue
        found = syntax.fault(cell.python or magics.python_only(cell.source), deep=False)
        if found:
            origin = Origin(cell.origin.file, cell.origin.line + found[0] - 1)
            yield Problem(origin, f"the rendered cell does not parse on Python 3.11 to 3.13: {found[1]}")


@rule("variant/title-length", on="variant")
def the_title_fits_the_platform(
    source: Source, platform: Platform, cells: list[Cell], beside: Beside
) -> Iterable[Problem]:
    if not source.ours:
        return
    limits, title = platform.profile["notebook"], title_of(source)
    advice = "; write another 'title:' into the front matter"
    longest, shortest = limits.get("title_max"), limits.get("title_min")
    if longest and len(title) > longest:
        yield Problem(
            source.at("title"), f"the title has {len(title)} characters; {platform.name} takes {longest}{advice}"
        )
    if shortest and len(title) < shortest:
        yield Problem(
            source.at("title"), f"the title has {len(title)} characters; {platform.name} wants {shortest}{advice}"
        )
