"""TOML with the line of every key, so that a fault can say where it is: text in, data and lines out. Never a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from anylab.errors import Origin, refuse


def read_toml(content: str, file: str) -> tuple[dict, dict[tuple, int]]:
    """TOML as data, and the line of each key: tomllib gives lines for syntax errors only, so keys are scanned for."""
    try:
        data = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else content.count("\n") + 1
        raise refuse(Origin(file, line), f"not TOML: {str(error).split(' (at')[0]}") from None
    return data, _lines(content)


def _lines(content: str) -> dict[tuple, int]:
    """The line of each key; an entry of a list of tables counts by its number: ("setup", 0), ("setup", 0, "do")."""
    lines: dict[tuple, int] = {(): 1}
    counts: dict[tuple, int] = {}  # the lists of tables, and the number of the entry that stands open
    table: tuple = ()
    inside: tuple = ()  # the list of inline tables, one a line, that stands open
    for number, line in enumerate(content.split("\n"), 1):
        entry = line.lstrip()
        if inside and entry.startswith(("{", "]")):
            path: tuple = ()
            if entry[0] == "{":
                counts[inside] = counts.get(inside, -1) + 1
                path = (*inside, counts[inside])
            else:
                inside = ()
        elif header := _HEADER.match(line):
            table = _numbered(tuple(part.strip("\"' ") for part in header[2].split(".")), counts, header[1] == "[[")
            path = table
        elif key := _KEY.match(line):
            path = (*table, *(part.strip("\"'") for part in key[1].split(".")))
            inside = path if entry.rstrip().endswith("[") else inside
        else:
            continue
        for n in range(1, len(path) + 1):
            lines.setdefault(path[:n], number)
    return lines


_HEADER = re.compile(r"\s*(\[+)\s*([^\]]+?)\s*\]+\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")


def _numbered(path: tuple[str, ...], counts: dict[tuple, int], begins: bool) -> tuple:
    """The path of a header with the number of the entry in each list of tables that it is in."""
    found: tuple = ()
    for i, part in enumerate(path):
        found += (part,)
        if begins and i == len(path) - 1:
            counts[found] = counts.get(found, -1) + 1
        if found in counts:
            found += (counts[found],)
    return found


def nearest(file: str, lines: Mapping[tuple, int], *path: str | int) -> Origin:
    """Where a key of a file stands, or the nearest that it is in: an inline table has one line for all."""
    return Origin(file, next(lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines))
