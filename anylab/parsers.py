"""jupytext, loaded when something must be parsed, and only the half of it that parses.

`import jupytext` also loads a Jupyter server's contents manager and jupyter_client (tornado, asyncio), which is half of
its time; both are optional to jupytext itself, which goes on without them when their import fails. nbformat, which
validates each cell that jupytext makes, compiles a second validator first, unless its documented variable says not to.
"""

from __future__ import annotations

import functools
import os
import sys
from types import ModuleType

_NOT_FOR_PARSING = ("jupytext.sync_contentsmanager", "jupytext.async_contentsmanager", "jupyter_client.kernelspec")


@functools.cache
def jupytext() -> ModuleType:
    """The jupytext package."""
    os.environ.setdefault("NBFORMAT_VALIDATOR", "jsonschema")
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
