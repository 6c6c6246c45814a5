"""`new` and `new-platform`: skeletons that build, each with a test that passes, from `templates/skeleton/`."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path

from anylab import locks
from anylab.errors import Origin, refuse
from anylab.project import Project

SKELETON = Path(__file__).parent / "templates" / "skeleton"


def notebook(project: Project, name: str) -> list[str]:
    """Write notebooks-src/NAME.py, its lock and its test; the files written, as shown to people."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise refuse(Origin(name), "a notebook's name is lower-case letters, digits and _, and starts with a letter")
    taken = keyword.iskeyword(name) or importlib.util.find_spec(name) is not None
    if taken or any((folder / name).exists() for folder, _ in project.lib_folders):
        raise refuse(Origin(name), "is the name of a Python word, module or library package, which it would hide")
    title = name.replace("_", " ").capitalize()
    title = title if len(title) >= 5 else f"{title} notebook"
    return _write(
        project,
        {"NAME": name, "TITLE": title[:50]},
        {
            "notebook.py": project.sources / f"{name}.py",
            "lock.txt": project.sources / locks.FOLDER / locks.name_of(name, ""),
            "test_notebook.py": project.root / "tests" / "notebooks" / f"test_{name}.py",
        },
    )


def platform(project: Project, name: str) -> list[str]:
    """Write platforms/NAME/ and its test; the files written, as shown to people."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise refuse(Origin(name), "a platform's name is lower-case letters, digits and -, and starts with a letter")
    folder, inside = project.platforms / name, SKELETON / "platform"
    if folder.exists():
        raise refuse(Origin(str(folder)), "is there already; choose another name")
    files = {f"platform/{p.relative_to(inside).as_posix()}": folder / p.relative_to(inside) for p in _files(inside)}
    files["test_platform.py"] = project.root / "tests" / "platforms" / f"test_{name.replace('-', '_')}.py"
    words = {"NAME": name, "TITLE": name.replace("-", " ").title(), "VARIABLE": name.upper().replace("-", "_")}
    return _write(project, words, files)


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc")


def _write(project: Project, words: dict[str, str], files: dict[str, Path]) -> list[str]:
    taken = [path for path in files.values() if path.exists()]
    if taken:
        raise refuse(Origin(str(taken[0])), "is there already; choose another name")
    written = []
    for template, path in files.items():
        content = (SKELETON / template).read_text(encoding="utf-8")
        for key, value in words.items():
            content = content.replace(f"__{key}__", value)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8", newline="\n")
        except OSError as error:
            raise refuse(Origin(str(path)), f"cannot be written: {error.strerror}") from None
        written.append(path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else str(path))
    return written
