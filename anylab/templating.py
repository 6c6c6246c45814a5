"""Jinja templates that know where they stand: a fault is told at the template's own line.

A percent template (`.py.j2`) is split into cells first and compiled one cell at a time, so that a block cannot span
cells. What templates see is listed in docs/sources.md; the filters are below.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anylab import magics
from anylab.cell import Cell
from anylab.errors import Origin, Refused, did_you_mean, refuse

_MARKER = re.compile(r"^# %%(?P<kind> \[markdown\])?(?P<options>(?:\s.*)?)$")


@dataclass(frozen=True, eq=False)
class TemplateCell:
    """One cell of a `.py.j2` file: its kind and options fixed, its text a compiled Jinja template."""

    kind: str
    title: str
    collapse: bool
    origin: Origin
    text: str
    template: Any  # compiled, None where the text holds no Jinja

    def render(self, context: Mapping[str, Any]) -> Cell:
        """The cell for one variant. Raises Refused at the template's own line."""
        return self._cell(self.template.render(context)) if self.template else self._fixed

    @functools.cached_property
    def _fixed(self) -> Cell:
        return self._cell(self.text)  # one cell for all variants: it is parsed and emitted once

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
        self.text, self.file, self.line = content, file, line
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
        jinja = "{{" in body or "{%" in body or "{#" in body
        template = Template(body, file, start + 2) if jinja else None
        cells.append(TemplateCell(kind, title, "collapse=true" in options, Origin(file, start + 2), body, template))
    return cells


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
