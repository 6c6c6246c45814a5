"""Secrets: the environment, then the platform's own way, then none. A value that `get` has given out is masked after
that: in a notebook in every message to the reader (prints, results, tracebacks), in a script on standard output and
error, and in every record that labkit writes."""

import json
import os
import sys
from urllib.parse import quote

from labkit import here

SHORTEST = 6  # a shorter value would mask ordinary words
# every way in which a known value may be spelt, the longest first; the process's own, since notebooks reload labkit
_forms: list[str] = vars(sys).setdefault("anylab_secrets", [])


def get(name: str) -> str | None:
    """The secret called `name`, without the space around it; None when there is none."""
    value = (os.environ.get(name) or here.secret(name) or "").strip()
    if len(value) >= SHORTEST:
        spelt = {value, quote(value), quote(value, safe=""), repr(value)[1:-1]}
        spelt |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        _forms[:] = sorted(spelt.union(_forms), key=len, reverse=True)
        _guard()
    return value or None


def mask(content):
    """Text, or plain data with text in it, with *** in the place of every known secret."""
    if isinstance(content, str):
        for form in _forms:
            content = content.replace(form, "***")
        return content
    if isinstance(content, dict):
        return {mask(k): v if str(k).startswith("image/") else mask(v) for k, v in content.items()}
    return [mask(value) for value in content] if isinstance(content, list | tuple) else content


def _guard() -> None:
    """Mask what leaves this process: in a notebook every message passes one method, in a script two streams."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    session = getattr(getattr(shell, "kernel", None), "session", None)
    for way, name in [(session, "send")] if session else [(sys.stdout, "write"), (sys.stderr, "write")]:
        if (plain := getattr(way, name, None)) is not None and not hasattr(plain, "masks"):  # once is enough

            def masked(*content, plain=plain, **more):  # what is no text, as a socket, goes through mask as it is
                return plain(*mask(content), **{key: mask(value) for key, value in more.items()})

            masked.masks = True
            setattr(way, name, masked)
