"""Front matter: the YAML between `---` lines at the top of a source, read strictly and with line numbers.

Scalars follow YAML 1.2 whatever the loader thinks (PyYAML speaks 1.1, where `12:30` is 750, `no` is false and `1e9` a
text): a plain scalar is true/false/null, a JSON-like number, or text. A key given twice is an error.
"""

from __future__ import annotations

import re
from typing import Any

from anylab.errors import Origin, refuse

Lines = dict[tuple[Any, ...], int]  # path of keys and indices -> line in the file
_OURS = re.compile(r"(jupyter|anylab)\s*:")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def split_python(text: str, name: str) -> tuple[list[str], int]:
    """The YAML lines of a `.py` source and the number of the first one; ([], 0) when there is no front matter."""
    lines = text.split("\n")
    start = 0
    while start < len(lines) and (lines[start].startswith("#!") or re.match(r"#.*coding[:=]", lines[start])):
        start += 1
    if start >= len(lines) or not re.fullmatch(r"#\s*---\s*", lines[start]):
        return [], 0
    end = start
    for end in range(start + 1, len(lines)):
        if re.fullmatch(r"#\s*---\s*", lines[end]):
            return [re.sub(r"^# ?", "", line) for line in lines[start + 1 : end]], start + 2
        if not lines[end].startswith("#"):
            break
    if not any(_OURS.match(line.lstrip("# ")) for line in lines[start + 1 : end]):
        return [], 0  # a rule that somebody drew above a comment
    raise refuse(Origin(name, start + 1), "the front matter has no closing '# ---' line; add it")


def split_markdown(text: str, name: str) -> tuple[list[str], int]:
    """The YAML lines of a `.md` source and the number of the first one; ([], 0) when there is no front matter."""
    lines = text.split("\n")
    if not re.fullmatch(r"---\s*", lines[0]):
        return [], 0
    for end in range(1, len(lines)):
        if re.fullmatch(r"(---|\.\.\.)\s*", lines[end]):
            return lines[1:end], 2
    if not any(_OURS.match(line.lstrip()) for line in lines):
        return [], 0  # a horizontal rule
    raise refuse(Origin(name, 1), "the front matter has no closing '---' line; add it")


def parse(yaml_lines: list[str], first_line: int, name: str) -> tuple[dict, Lines]:
    """The front matter as plain data, and the line of each key. Raises Refused on bad YAML."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it
    try:
        node = yaml.compose("\n".join(yaml_lines), Loader=loader)
    except RecursionError:
        raise refuse(Origin(name, first_line), "front matter is nested too deeply") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
        line = first_line + (min(mark.line, len(yaml_lines) - 1) if mark else 0)
        what = getattr(error, "problem", None) or "cannot be read"
        raise refuse(Origin(name, line), f"front matter is not YAML: {what}") from None
    lines: Lines = {}
    if node is None:
        return {}, lines
    data = _plain(node, (), lines, first_line, name)
    if not isinstance(data, dict):
        raise refuse(Origin(name, first_line), "front matter must be a table of keys and values")
    return data, lines


def _plain(node: Any, path: tuple, lines: Lines, first: int, name: str, above: tuple = ()) -> Any:
    lines.setdefault(path, first + node.start_mark.line)
    if len(lines) > 10_000:  # a few lines of YAML aliases can expand to billions of keys
        raise refuse(Origin(name, first), "front matter is too large (more than 10,000 values)")
    if node in above:
        raise refuse(Origin(name, lines[path]), "front matter contains itself (a YAML alias to its own parent)")
    if node.id == "mapping":
        table: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if key_node.id == "scalar" else None
            line = first + key_node.start_mark.line
            if key is None:
                raise refuse(Origin(name, line), "a key must be a word")
            if key in table:
                raise refuse(Origin(name, line), f"key '{key}' is given twice; keep one")
            lines[(*path, key)] = line
            table[key] = _plain(value_node, (*path, key), lines, first, name, (*above, node))
        return table
    if node.id == "sequence":
        return [_plain(n, (*path, i), lines, first, name, (*above, node)) for i, n in enumerate(node.value)]
    return node.value if node.style else _scalar(node.value)


def is_foreign(yaml_lines: list[str]) -> bool:
    """True for front matter that cannot be ours: no reader of notebooks takes it for more than text."""
    return not any(_OURS.search(line) for line in yaml_lines)


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    number = int(text) if re.fullmatch(r"[-+]?\d+", text) and len(text) < 19 else float(text)
    return number if abs(number) < float("inf") else text  # 1e999
