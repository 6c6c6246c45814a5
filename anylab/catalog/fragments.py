"""The pieces of HTML, style and script in page/: read once, and filled without a template engine.

A slot is `{{name}}`; what fills it is HTML already. An unknown slot is a fault of this module's callers (KeyError).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent / "page"


@functools.cache
def text(name: str) -> str:
    """A file of page/ as it stands."""
    return (_HERE / name).read_text(encoding="utf-8")


def filled(name: str, slots: Mapping[str, str]) -> str:
    """A file of page/ with its slots filled; what fills a slot is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: slots[found[1]], text(name))


@functools.cache
def script(name: str) -> str:
    """A script without its comments and indents; its lines stay lines. Its strings hold no comments and no indents."""
    kept = re.sub(r"/\*.*?\*/", "", text(name), flags=re.DOTALL)
    return re.sub(r"\n\s*(?=\n|\S)", "\n", kept)


@functools.cache
def style(name: str) -> str:
    """A style sheet without comments and line ends."""
    return re.sub(r"\s*\n\s*", "", re.sub(r"/\*.*?\*/", "", text(name), flags=re.DOTALL))
