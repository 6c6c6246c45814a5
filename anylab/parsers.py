"""jupytext, loaded when something must be parsed, and only the half of it that parses.

`import jupytext` also loads a Jupyter server's contents manager and jupyter_client (tornado, asyncio), which is half of
its time; both are optional to jupytext itself, which goes on without them when their import fails. And nbformat holds
each cell that jupytext makes against a JSON schema, over a third of the time of reading a source; what a build writes
is validated by the tests, so that is left out too.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_NOT_FOR_PARSING = ("jupytext.sync_contentsmanager", "jupytext.async_contentsmanager", "jupyter_client.kernelspec")


@functools.cache
def jupytext() -> ModuleType:
    """The jupytext package."""
    absent = [name for name in _NOT_FOR_PARSING if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # None: an import raises ImportError
    try:
        import jupytext
        import jupytext.magics
        import jupytext.myst
    finally:
        for name in absent:
            del sys.modules[name]
    return jupytext


@contextmanager
def unvalidated() -> Iterator[None]:
    """Cells are made without a check against nbformat's schema while this is open."""
    from nbformat.v4 import nbbase

    before = nbbase.validate
    nbbase.validate = lambda *arguments, **options: None
    try:
        yield
    finally:
        nbbase.validate = before
