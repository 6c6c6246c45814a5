"""Text as it stands in a file: bytes to lines and back, without losing or moving a character.

A file is UTF-8 (a BOM is dropped), CRLF is read as LF, and only LF ends a line. Python's `splitlines`, which jupytext
uses, also cuts at form feeds, U+0085, U+2028 and six others, even inside a string literal: `shield` hides those.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anylab.errors import Origin, refuse

# everything but LF that str.splitlines() ends a line at (Python documentation, str.splitlines)
_LINE_ENDS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
# stand-ins for them: noncharacters first (assigned to nobody); icon fonts do use the private areas
_STAND_INS = (*range(0xFDD0, 0xFDF0), *range(0xF0000, 0xFFFFE))


def read(path: Path, name: str) -> str:
    """The text of `path`, LF only. Raises Refused (under `name`, with the line) when it is not UTF-8 or unreadable."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refuse(Origin(name), f"cannot be read: {error.strerror or error}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refuse(Origin(name, line), f"not UTF-8 (byte 0x{data[error.start]:02x}); save it as UTF-8") from None
    return text.replace("\r\n", "\n")


def shield(text: str) -> tuple[str, Callable[[str], str]]:
    """`text` with its unusual line ends replaced by characters that it does not hold, and the way back."""
    unused = (chr(code) for code in _STAND_INS if chr(code) not in text)
    there = {ord(end): next(unused) for end in _LINE_ENDS}
    back = {ord(stand_in): chr(end) for end, stand_in in there.items()}
    return text.translate(there), lambda shielded: shielded.translate(back)
