"""jupytext and jsonschema, loaded when something must be parsed or checked, and only the part of them that does so.

`import jupytext` also loads a Jupyter server's contents manager and jupyter_client (tornado, asyncio), which is half of
its time; both are optional to jupytext itself, which goes on without them when their import fails. And nbformat holds
each cell that jupytext makes against a JSON schema, over a third of the time of reading a source; what a build writes
is validated by the tests, so that is left out too.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

_NOT_FOR_PARSING = ("jupytext.sync_contentsmanager", "jupytext.async_contentsmanager", "jupyter_client.kernelspec")
_NOT_FOR_SCHEMAS = ("rfc3987_syntax",)  # checks addresses; it comes with JupyterLab and compiles grammars for a second


@functools.cache
def jupytext() -> ModuleType:
    """The jupytext package."""
    jsonschema()  # nbformat imports it
    with _absent(_NOT_FOR_PARSING):
        import jupytext
        import jupytext.magics
        import jupytext.myst
    return jupytext


@functools.cache
def jsonschema() -> ModuleType:
    """The jsonschema package."""
    with _absent(_NOT_FOR_SCHEMAS):
        import jsonschema
    return jsonschema


@contextmanager
def _absent(names: Iterable[str]) -> Iterator[None]:
    """These modules cannot be imported while this is open; both packages go on without them."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # None: an import raises ImportError
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


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
