"""Lists of installed packages: a platform's `packages.txt`, or what `pip freeze` printed somewhere.

A line is `name==version`; a name alone is there in a version that nobody published; `# may have moved` marks a version
that was derived, not seen. pip's own forms (`name @ address`, `-e ...`) are read too, so that a freeze can be compared
as it is. The head of a stored list is `# source:`, `# date:` and `# python:`. What is no list is refused with its line.
Reading 800 lines costs a few milliseconds and no import, so a build reads a list whenever a notebook has packages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from anylab import text
from anylab.errors import Origin, Problem, Refused, refuse

LIST = "packages.txt"
MOVED = "may have moved"
HEAD = ("source", "date", "python")
_SHOWN = 5  # faults told of one list; the rest is counted
_PINNED = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:={2,3}(v?[0-9][A-Za-z0-9._!+-]*))?")
_ADDRESS = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*@\s*(\S+)")
_DATE = re.compile(r"20\d\d-\d\d-\d\d")


@dataclass(frozen=True)
class Installed:
    """A package of an image. `version` is '' where nobody published it; `sure` is False where it may have moved."""

    version: str
    sure: bool
    line: int

    def __str__(self) -> str:
        return f"{self.version or 'a version that is not known'}{'' if self.sure else f' ({MOVED})'}"


@dataclass(frozen=True, eq=False)
class Image:
    """What is installed: normalised name -> package; `date` and `python` are '' in a list without a head."""

    file: str
    packages: Mapping[str, Installed]
    head: Mapping[str, str]

    @property
    def python(self) -> str:
        return self.head.get("python", "")

    @property
    def date(self) -> str:
        return self.head.get("date", "")

    def at(self, name: str) -> Origin:
        """Where a package stands in the list."""
        return Origin(self.file, self.packages[name].line)


def normal(name: str) -> str:
    """A distribution's name as the registry compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_stored(folder: Path, shown: str, python: str, profile: Origin) -> Image | None:
    """The list of a platform folder, None where it has none. `python` is what its profile says, at `profile`."""
    path = folder / LIST
    if path.is_dir():
        raise refuse(Origin(f"{shown}/{LIST}"), "is a folder, and must be the list of what the image has; remove it")
    if not path.is_file():
        return None
    image = read(path, f"{shown}/{LIST}")
    problems = [
        Problem(Origin(image.file, 1), f"the head has no '# {key}: ...'; add it, so that the list can be judged")
        for key in HEAD
        if not image.head.get(key)
    ]
    if not problems and not _DATE.fullmatch(image.date):
        problems.append(Problem(Origin(image.file, 1), f"'# date: {image.date}' is no date such as 2026-08-19"))
    if not problems and image.python.rpartition(".")[0] != python:
        what = f"python is '{python}' here and {image.python} in {image.file}; let both say the same"
        problems.append(Problem(profile, what))
    if problems:
        raise Refused(problems)
    return image


def read(path: Path, shown: str) -> Image:
    """A list, strictly. Raises Refused with the lines that are no package; a page or a binary file is told as one."""
    content = text.read(path, shown)
    if "\0" in content:
        raise refuse(Origin(shown), "is a binary file, not a list of packages; give the text that pip freeze prints")
    packages: dict[str, Installed] = {}
    head: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(content.split("\n"), 1):
        entry, _, comment = line.partition("#") if line.startswith("#") else line.partition(" #")
        entry = entry.strip()
        if not entry:
            key, colon, value = comment.strip().partition(":")
            if colon and key in HEAD and not packages:
                head.setdefault(key, value.strip())
            continue
        if entry.startswith("<") and not packages:
            what = "is a web page, not a list of packages; save the plain text (its 'raw' view)"
            raise refuse(Origin(shown, number), what)
        try:
            name, version = _entry(entry)
        except ValueError as error:
            problems.append(Problem(Origin(shown, number), str(error)))
            continue
        if name in packages:
            what = f"'{name}' is listed twice (first in line {packages[name].line}); keep one"
            problems.append(Problem(Origin(shown, number), what))
        elif name:
            packages[name] = Installed(version, MOVED not in comment, number)
    _refuse(problems, shown)
    if not packages:
        raise refuse(Origin(shown), "lists no package; give the text that pip freeze prints")
    return Image(shown, packages, head)


def _refuse(problems: list[Problem], shown: str) -> None:
    if len(problems) > _SHOWN:
        more = Problem(Origin(shown), f"and {len(problems) - _SHOWN} more lines like these; is it a list of packages?")
        problems = [*problems[:_SHOWN], more]
    if problems:
        raise Refused(problems)


def _is_plain(version: str) -> bool:
    """True for a version as PEP 440 has it; most are digits with dots, for which nothing is imported."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)*", version):
        return True
    from packaging.version import InvalidVersion, Version

    try:
        Version(version)
    except InvalidVersion:
        return False
    return True


def _entry(entry: str) -> tuple[str, str]:
    """(normalised name, version or '') of a line; ('', '') of an editable one without a name. Raises ValueError."""
    found = _PINNED.fullmatch(entry)
    if found:
        version = (found[2] or "").removeprefix("v")
        if version and not _is_plain(version):
            raise ValueError(f"'{entry[:40]}' has a version that is none (PEP 440); write the one that is installed")
        return normal(found[1]), version
    found = _ADDRESS.fullmatch(entry)
    if found:  # the file name of a wheel tells its version
        wheel = re.search(r"/[^/]+?-([0-9][^/-]*)-[^/]+\.whl", unquote(found[2]))
        return normal(found[1]), wheel[1] if wheel else ""
    if entry.startswith("-e "):
        egg = re.search(r"#egg=([A-Za-z0-9._-]+)", entry)
        return (normal(egg[1]) if egg else ""), ""
    raise ValueError(f"'{entry[:40]}' is no package; a line is name==version (or name, where the version is unknown)")
