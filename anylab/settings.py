"""The settings cell: one literal a line, with Colab's form comments; the cell that papermill injects after.

A line reads `STEPS = 400  #@param {type:"integer"}`; `# @param` (as ruff-format writes it) is the same. Where a
platform has no forms the comment becomes plain words. The syntax is that of Colab's forms notebook.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

from anylab import syntax
from anylab.cell import Cell
from anylab.errors import Origin, Problem, did_you_mean

_PARAM = re.compile(r"#\s?@param\b\s*(?P<spec>.*)$")
_OPTIONS = re.compile(r"""\[(?:"[^"]*"|'[^']*'|[^]"'])*\]""")
_TYPE = re.compile(r"type:\s*\"?(\w+)")
_BOUNDS = re.compile(r"min:\s*([-\d.]+).*max:\s*([-\d.]+)")
_FORM_ONLY = re.compile(r"^\s*#\s?@(title|markdown)\b\s?(?P<text>.*)$")


@dataclass(frozen=True)
class Setting:
    """One setting: its name, its default and the words of its form field."""

    name: str
    default: Any
    spec: str
    line: int  # within the cell, from 1
    comment: int = -1  # where its form comment starts in the line, -1 without one


def read(cell: Cell) -> tuple[list[Setting], list[Problem]]:
    """The settings of a parameters cell, and what is wrong with its lines."""
    settings, problems = [], []
    for number, line in enumerate(cell.source.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        origin = Origin(cell.origin.file, cell.origin.line + number - 1 if cell.origin.line else 0)
        setting = _setting(line, number)
        if setting is None:
            what = "a line of the settings cell must be NAME = one literal (no sums, calls or names: they go stale "
            problems.append(Problem(origin, what + "when a value is injected); move the rest to a later cell"))
            continue
        fault = _options_fault(setting)
        if fault:
            problems.append(Problem(origin, fault, "form/default"))
        if setting.name in {s.name for s in settings}:
            problems.append(Problem(origin, f"'{setting.name}' is set twice in the settings cell; keep one"))
        settings.append(setting)
    return settings, problems


def _setting(line: str, number: int) -> Setting | None:
    try:
        statements = syntax.tree(line).body
        if len(statements) != 1 or not isinstance(statements[0], ast.Assign | ast.AnnAssign):
            return None
        node = statements[0]
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or node.value is None:
            return None
        default = ast.literal_eval(node.value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    end = len(line.encode()[: node.end_col_offset].decode())  # Python counts bytes
    spec = _PARAM.search(line, end)
    return Setting(targets[0].id, default, spec["spec"].strip() if spec else "", number, spec.start() if spec else -1)


def field_fault(line: str) -> str:
    """What is wrong with one form field wherever it stands; '' when nothing is, or it is no NAME = literal."""
    setting = _setting(line, 1)
    return _options_fault(setting) if setting else ""


# what a form field of each type can show (Colab's forms notebook); a field may be empty
_KINDS = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "raw": (object,),
    "date": (str,),
    "slider": (int, float),
}


def _options_fault(setting: Setting) -> str:
    """What is wrong with a form field whose default it cannot show, '' when nothing is."""
    kind = _TYPE.search(setting.spec)
    if kind and kind[1] not in _KINDS:
        return f"unknown form type '{kind[1]}' of '{setting.name}'{did_you_mean(kind[1], _KINDS)}"
    if kind and not isinstance(setting.default, _KINDS[kind[1]]):
        return f"the default of '{setting.name}' ({setting.default!r}) does not fit its form type '{kind[1]}'"
    bounds = _BOUNDS.search(setting.spec)
    if bounds and isinstance(setting.default, int | float):
        low, high = float(bounds[1]), float(bounds[2])
        if not low <= setting.default <= high:
            return f"the default of '{setting.name}' ({setting.default!r}) is not between {low:g} and {high:g}"
    found = _OPTIONS.match(setting.spec)
    if not found or "allow-input: true" in setting.spec or "allow-input:true" in setting.spec:
        return ""
    try:
        options = ast.literal_eval(found.group())
    except (SyntaxError, ValueError, TypeError):
        return f"the options of '{setting.name}' are not a list of literals: {found.group()}"
    if setting.default in options or str(setting.default) in map(str, options):
        return ""
    return f"the default of '{setting.name}' ({setting.default!r}) is not among its options {found.group()}"


def form(source: str) -> str:
    """The settings for a platform with forms: its comments as the platform itself writes them, `#@param`."""
    return re.sub(r"#\s@(param|title|markdown)\b", r"#@\1", source)


def plain(source: str) -> str:
    """The settings for a platform without forms: form comments in plain words."""
    return "\n".join(_plain_line(line) for line in source.split("\n"))


def _plain_line(line: str) -> str:
    only = _FORM_ONLY.match(line)
    if only:
        words = re.sub(r"\s*\{[^{}]*\}\s*$|[*`]", "", only["text"])
        return f"# {words}".rstrip()
    setting = _setting(line, 1)
    if not setting or setting.comment < 0:
        return line
    code, words = line[: setting.comment].rstrip(), _words(setting.spec)
    return f"{code}  # {words}" if words else code


def _words(spec: str) -> str:
    options = _OPTIONS.match(spec)
    if options:
        return "one of: " + options.group()[1:-1].replace('"', "").replace("'", "")
    kind = _TYPE.search(spec)
    bounds = _BOUNDS.search(spec)
    if bounds:
        return f"{bounds[1]} to {bounds[2]}"
    return {"boolean": "True or False", "integer": "a whole number", "number": "a number"}.get(
        kind[1] if kind else "", ""
    )
