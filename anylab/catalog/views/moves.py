"""From one place to another in the middle of a job: the steps for each pair of places, as `build.py move` says them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from anylab.catalog import moving
from anylab.catalog.as_html import words
from anylab.catalog.blocks import Raw, Section
from anylab.errors import Refused


def section(build: Any) -> Section:
    """Every pair of places that the first notebook which can move has variants for."""
    notebooks = list(dict.fromkeys(p.source.name for p in build.pairs if p.path))
    moves: list[moving.Move] = []
    for name in notebooks:
        moves = list(_moves(build, name))
        if moves:
            break
    name = moves[0].notebook if moves else ""
    lead = (
        "A job is packed into one file, checked when it is unpacked, and goes on where it stood. The "
        "steps below are those of "
        f"`{name}`; `python build.py move --from A --to B NOTEBOOK` says them for the others."
    )
    return Section("move", "Moving a job", lead if moves else "", tuple(map(_block, moves)), folded=True)


def _moves(build: Any, name: str) -> Iterator[moving.Move]:
    ids = [p.platform.id for p in build.pairs if p.source.name == name and p.path]
    for origin in ids:
        for target in ids:
            if origin != target:
                try:
                    yield moving.move(build, name, origin, target)
                except Refused:  # one of the two cannot pack, or has no words for it: there is no such move
                    continue


def _block(move: moving.Move) -> Raw:
    title = f"From {move.origin} to {move.target}"
    steps = [*move.leave, *move.arrive]
    listed = "".join(f"<li>{words(step)}</li>" for step in steps)
    other = f"<p class=note>Without a file: {words(move.without_a_file)}.</p>" if move.without_a_file else ""
    html = f"<details class=licences><summary>{escape(title)}</summary><ol class=steps>{listed}</ol>{other}</details>"
    numbered = "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1))
    without = f"\n\nWithout a file: {move.without_a_file}." if move.without_a_file else ""
    markdown = f"<details>\n<summary>{title}</summary>\n\n{numbered}{without}\n\n</details>"
    return Raw(html=html, markdown=markdown)
