"""Secrets: the environment, then the platform's own way, then none. Never printed, never written.

A value that `get` has given out is masked wherever it slips into an output afterwards: in a notebook in every message
to the reader (prints, results, tracebacks), in a script on standard output and error, and in what labkit writes.
"""

import json
import os
import sys
from urllib.parse import quote

from labkit import here

SHORTEST = 6  # a shorter value would mask ordinary words
_forms: list[str] = []  # every way in which a known value may be spelt, the longest first


def get(name: str) -> str | None:
    """The secret called `name`, without the space around it; None when there is none."""
    value = (os.environ.get(name) or here.secret(name) or "").strip()
    if len(value) >= SHORTEST and value not in _forms:
        _forms.extend({value, quote(value, safe=""), json.dumps(value)[1:-1], repr(value)[1:-1]})
        _forms.sort(key=len, reverse=True)
        _guard()
    return value or None


def mask(content):
    """Text, or plain data with text in it, with *** in the place of every known secret."""
    if isinstance(content, str):
        for form in _forms:
            content = content.replace(form, "***")
        return content
    if isinstance(content, dict):
        return {mask(key): mask(value) for key, value in content.items()}
    return [mask(value) for value in content] if isinstance(content, list | tuple) else content


def _guard() -> None:
    """Mask what leaves this process. In a notebook every message passes one method; it is the one to wrap."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    session = getattr(getattr(shell, "kernel", None), "session", None)
    if session is None:
        for name in ("stdout", "stderr"):
            if not isinstance(stream := getattr(sys, name), _Masked):
                setattr(sys, name, _Masked(stream))
        return
    plain = session.__dict__.setdefault("anylab_plain_send", session.send)  # a reloaded labkit wraps the plain one

    def send(stream, message, content=None, *args, **more):
        if isinstance(message, dict):
            message = {**message, "content": mask(message.get("content"))}
        return plain(stream, message, mask(content), *args, **more)

    session.send = send


class _Masked:
    """A text stream that masks what is written to it."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(mask(text))

    def writelines(self, lines) -> None:
        self.stream.writelines(map(mask, lines))

    def __getattr__(self, name):
        return getattr(self.stream, name)
