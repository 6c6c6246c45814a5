"""The picture of a notebook, which travels inside each of its variants."""

from __future__ import annotations

import base64
from pathlib import Path

from anylab.errors import Problem
from anylab.project import Project
from anylab.source import Source

LIMIT = 100_000  # bytes, before base64


def as_data(project: Project, src: Source, problems: list[Problem]) -> str:
    """The notebook's picture as a data URI, '' when it declares none."""
    name = src.front.get("picture")
    if not name:
        return ""
    path = project.sources / name
    hidden = any(part.startswith(".") for part in Path(name).parts)  # which no build looks at, the cache neither
    kind = (
        None
        if hidden
        else {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".gif": "gif"}.get(path.suffix.lower())
    )
    at = src.at("picture")
    if (
        kind is None
        or "\0" in name
        or not path.resolve().is_relative_to(project.sources.resolve())
        or not path.is_file()
    ):
        problems.append(Problem(at, f"picture '{name}' is no png, jpg, webp or gif below {project.sources.name}/"))
        return ""
    data = path.read_bytes()
    if len(data) > LIMIT:
        problems.append(Problem(at, f"picture '{name}' has {len(data)} bytes; {LIMIT} at most; make it smaller"))
    if not src.front.get("picture_alt"):
        problems.append(Problem(at, "the picture has no picture_alt, the words for those who cannot see it; add them"))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
