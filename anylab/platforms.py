"""Load the platform folders: profile, cell and file templates, adapter.

A platform is a folder `platforms/<id>/` (CONTRIBUTING.md, rule 1): what differs between platforms is data here, and no
code outside the folder knows its name. Templates are Jinja, split into cells first and compiled one cell at a
time, so that an undefined variable names the template's own line; a block cannot span cells.
"""

from __future__ import annotations

import functools
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anylab import magics, schema, text
from anylab.cell import Cell
from anylab.errors import Origin, Problem, Refused, did_you_mean, refuse

TEMPLATE_SLOTS = ("settings", "setup", "save", "finish")
_MARKER = re.compile(r"^# %%(?P<kind> \[markdown\])?(?P<options>(?:\s.*)?)$")


@dataclass(frozen=True, eq=False)
class TemplateCell:
    """One cell of a `.py.j2` file: its kind and options fixed, its text a compiled Jinja template."""

    kind: str
    title: str
    collapse: bool
    origin: Origin
    template: Any
    fixed: str | None  # the text itself, where it holds no Jinja

    def render(self, context: Mapping[str, Any]) -> Cell:
        """The cell for one variant. Raises Refused at the template's own line."""
        return self._fixed if self.fixed is not None else self._cell(self.template.render(context))

    @functools.cached_property
    def _fixed(self) -> Cell:
        return self._cell(self.fixed or "")  # one cell for all variants: it is parsed and emitted once

    def _cell(self, rendered: str) -> Cell:
        body = rendered.strip("\n")
        if self.kind == "markdown":
            body = "\n".join(re.sub(r"^# ?", "", line) for line in body.split("\n"))
            return Cell("markdown", body, self.origin, self.title)
        shown = magics.uncomment(body)
        return Cell("code", shown, self.origin, self.title, collapse=self.collapse, python=body)


class Template:
    """A Jinja template that knows where it stands: `line` is the file's line of its first line."""

    _env: Any = None

    def __init__(self, content: str, file: str, line: int = 1):
        import jinja2

        if Template._env is None:
            Template._env = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
            Template._env.filters |= {"slug": slug, "literal": literal, "arguments": arguments}
        self.file, self.line = file, line
        try:
            code = Template._env.compile(content, filename=file)
        except jinja2.TemplateSyntaxError as error:
            raise refuse(Origin(file, line + error.lineno - 1), f"template: {error.message}") from None
        self._template = jinja2.Template.from_code(Template._env, code, Template._env.globals)

    def render(self, context: Mapping[str, Any]) -> str:
        """The text. Raises Refused when a variable is undefined or a filter fails."""
        try:
            return self._template.render(context)
        except Refused:
            raise
        except Exception as error:
            tb, line = error.__traceback__, 1
            while tb:
                if tb.tb_frame.f_code.co_filename == self.file:
                    line = tb.tb_lineno
                tb = tb.tb_next
            known = did_you_mean(str(error).split("'")[1], context) if "' is undefined" in str(error) else ""
            raise refuse(Origin(self.file, self.line + line - 1), f"template: {error}{known}") from None


@dataclass(frozen=True, eq=False)
class Platform:
    """A platform folder, read and checked."""

    id: str
    name: str
    folder: Path
    file: str  # its profile as shown to people
    profile: Mapping[str, Any]
    cells: Mapping[str, tuple[TemplateCell, ...]]  # slot -> cells
    files: Mapping[str, Template]  # name beside the notebook -> template
    adapter: tuple[str, str] | None  # (text, file as shown), None: the library's own

    def has(self, capability: str) -> bool:
        """True when the platform has this capability."""
        return self.profile.get("capabilities", {}).get(capability, False)

    def fact(self, key: str) -> Any:
        """The value of a fact, None when unknown."""
        value = self.profile["facts"].get(key, {}).get("value")
        return None if value == "unknown" else value


def load_all(folder: Path, shown: str) -> list[Platform]:
    """Every platform of a folder, in the order that their profiles ask for. Raises Refused with all faults."""
    found, problems = [], []
    for child in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))):
        try:
            found.append(load(child, f"{shown}/{child.name}"))
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    if not found:
        raise refuse(Origin(shown), "holds no platform folder")
    return sorted(found, key=lambda p: (p.profile["order"], p.id))


def load(folder: Path, shown: str) -> Platform:
    """One platform folder. Raises Refused with the key and line of what is wrong."""
    file = f"{shown}/platform.toml"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", folder.name):
        raise refuse(Origin(shown), f"the folder name '{folder.name}' must be lower-case letters, digits and -")
    content = text.read(folder / "platform.toml", file)
    profile, lines = read_toml(content, file)
    problems = schema.check(profile, "platform", file, lines, "the profile")
    if problems:
        raise Refused(problems)
    try:
        json.dumps(profile["notebook"], allow_nan=False)
    except (TypeError, ValueError):
        what = "the notebook's metadata holds a date or a nan, for which JSON has no word; write it in quotes"
        raise refuse(Origin(file, lines["notebook",]), what) from None
    adapter = folder / "adapter.py"
    return Platform(
        folder.name,
        profile["name"],
        folder,
        file,
        profile,
        _cell_templates(folder, shown),
        _file_templates(folder, shown),
        (text.read(adapter, f"{shown}/adapter.py"), f"{shown}/adapter.py") if adapter.exists() else None,
    )


def read_toml(content: str, file: str) -> tuple[dict, dict[tuple, int]]:
    """TOML as data, and the line of each key: tomllib gives lines for syntax errors only, so keys are scanned for."""
    try:
        data = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else content.count("\n") + 1
        raise refuse(Origin(file, line), f"not TOML: {str(error).split(' (at')[0]}") from None
    lines: dict[tuple, int] = {(): 1}
    table: tuple[str, ...] = ()
    for number, line in enumerate(content.split("\n"), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if header and not key:
            table = tuple(part.strip("\"' ") for part in header[1].split("."))
            path = table
        elif key:
            path = (*table, *(part.strip("\"'") for part in key[1].split(".")))
        else:
            continue
        for n in range(1, len(path) + 1):
            lines.setdefault(path[:n], number)
    return data, lines


def slug(title: str) -> str:
    """A title as the web's address part: lower-case letters, digits and single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def literal(value: Any) -> str:
    """Plain data as a Python literal, on one line: a line of a template stays one line, which errors are traced by."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return _texts(value) if all(type(v) is str for v in value) else f"({', '.join(map(literal, value))},)"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return _string(value) if isinstance(value, str) else repr(value)


@functools.lru_cache(maxsize=4096)  # the marks of the other platforms stand in every variant of a notebook
def _texts(value: tuple[str, ...]) -> str:
    return f"({', '.join(map(_string, value))}{',' if len(value) == 1 else ''})"


def arguments(values: Any) -> str:
    """A list as the arguments of a call."""
    return ", ".join(map(literal, values))


def _string(value: str) -> str:
    """A string in double quotes, as the house writes them; non-ASCII text stays readable."""
    return json.dumps(value, ensure_ascii=False) if value.isprintable() else repr(value)


def _cell_templates(folder: Path, shown: str) -> dict[str, tuple[TemplateCell, ...]]:
    cells: dict[str, tuple[TemplateCell, ...]] = {}
    problems: list[Problem] = []
    for path in sorted((folder / "cells").glob("*.j2")) if (folder / "cells").is_dir() else []:
        file, name = f"{shown}/cells/{path.name}", path.name.removesuffix(".py.j2")
        if name not in TEMPLATE_SLOTS:
            problems.append(Problem(Origin(file), f"unknown slot '{name}'{did_you_mean(name, TEMPLATE_SLOTS)}"))
            continue
        cells[name] = tuple(split_template(text.read(path, file), file))
    if problems:
        raise Refused(problems)
    return cells


def split_template(content: str, file: str) -> list[TemplateCell]:
    """The cells of a percent template. Text above the first marker is a comment to the reader and left out."""
    lines = content.split("\n")
    marks = [i for i, line in enumerate(lines) if _MARKER.match(line)]
    cells = []
    for start, end in zip(marks, [*marks[1:], len(lines)], strict=True):
        marker = _MARKER.match(lines[start])
        assert marker
        options = marker["options"]
        title = options.split("collapse=")[0].strip()
        body = "\n".join(lines[start + 1 : end])
        kind = "markdown" if marker["kind"] else "code"
        fixed = None if "{{" in body or "{%" in body or "{#" in body else body
        template = Template(body, file, start + 2) if fixed is None else None
        cells.append(TemplateCell(kind, title, "collapse=true" in options, Origin(file, start + 2), template, fixed))
    return cells


def _file_templates(folder: Path, shown: str) -> dict[str, Template]:
    beside = folder / "files"
    paths = sorted(beside.glob("*.j2")) if beside.is_dir() else []
    return {
        p.name.removesuffix(".j2"): Template(text.read(p, f"{shown}/files/{p.name}"), f"{shown}/files/{p.name}")
        for p in paths
    }
