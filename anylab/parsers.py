"""jupytext and jsonschema, loaded when something must be parsed, and only the half of them that does it.

`import jupytext` also loads a Jupyter server's contents manager and jupyter_client (tornado, asyncio), which is half of
its time; both are optional to jupytext itself, which goes on without them when their import fails. And nbformat holds
each cell that jupytext makes against a JSON schema, over a third of the time of reading a source; what a build writes
is validated by the tests, so that is left out too. jsonschema, where JupyterLab is installed, builds 39 grammars of web
addresses (1.5 s) for a format that no schema here has.
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
    jsonschema()  # which nbformat imports
    with _without(*_NOT_FOR_PARSING):
        import jupytext
        import jupytext.magics
        import jupytext.myst
    return jupytext


@functools.cache
def jsonschema() -> ModuleType:
    """The jsonschema package."""
    with _without("rfc3987", "rfc3987_syntax"):
        import jsonschema
    return jsonschema


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """While this is open, modules that a package can do without cannot be imported."""
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
