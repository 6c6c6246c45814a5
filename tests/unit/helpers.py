"""What the unit tests share: small inputs in our own words, and the ways from text to a notebook."""

import json
from pathlib import Path

from anylab import building
from anylab.compile import compile_all
from anylab.project import Project, open_project

HEAD = "# ---\n# jupyter:\n#   anylab:\n#     title: A small title\n# ---\n\n"  # six lines
PROFILE = """
name = "Plain"
order = 1

[capabilities]
forms = {forms}

[notebook]
nbformat_minor = 4
metadata = {{ kernelspec = {{ name = "python3", display_name = "Python 3" }} }}
collapsed = {{ jupyter = {{ source_hidden = true }} }}

[open]
link = "{{blob}}"
upload = "open it"

[facts.accelerators]
value = ["none"]
source = "a test"
date = "2026-11-20"
grade = "published"
"""
WAY = """
name = "A way"
variants = false

[transport]
module = "way"

[facts.entry]
value = "unknown"
source = "a test"
date = "2026-11-20"
grade = "unknown"
"""
OURS = (
    HEAD + '# %% tags=["parameters"]\nQUICK_TEST = False  #@param {type:"boolean"}\n\n# %%\nfrom kit import sums\n\n'
    "print(sums.total([1, 2]))\n"
)


def write(root: Path, files: dict[str, str | bytes]) -> None:
    """Write files below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def small_project(root: Path, files: dict[str, str | bytes] | None = None, ours: str = OURS) -> Project:
    """A project below `root`: platforms `plain` and `forms`, the package `kit`, the source `ours.py`, and `files`."""
    here = {
        "pyproject.toml": '[tool.anylab]\nrepository = "someone/notebooks"\n',
        "platforms/plain/platform.toml": PROFILE.format(forms="false"),
        "platforms/forms/platform.toml": PROFILE.format(forms="true"),
        "notebooks-src/lib/kit/__init__.py": '"""A small library."""\n',
        "notebooks-src/lib/kit/sums.py": '"""Sums."""\n\n\ndef total(values):\n    return sum(values)\n',
        "notebooks-src/ours.py": ours,
    }
    write(root, here | (files or {}))
    return open_project(root)


LABKIT = {
    "notebooks-src/lib/labkit/__init__.py": '"""A small labkit."""\n\nnice = True\n',
    "notebooks-src/lib/labkit/here.py": "NAME = 'local'\n",
    "notebooks-src/lib/labkit/transport.py": "WAY = 'local'\n",
}


def outputs(project: Project) -> dict[str, bytes]:
    """Everything that a build of the project would write: path below dist -> bytes."""
    return dict(building.outputs(compile_all(project)))


def notebook(project: Project, name: str = "ours", platform: str = "plain") -> dict:
    """One compiled variant as data."""
    return json.loads(outputs(project)[f"{platform}/{name}.ipynb"])


def sources_of(cells: list[dict]) -> list[str]:
    """The text of each cell of a notebook."""
    return ["".join(cell["source"]) for cell in cells]


def foreign(project: Project, content: str | bytes, suffix: str = ".py") -> list[dict]:
    """The cells of somebody else's source as compiled, without the cell that we put in front."""
    write(project.sources, {f"theirs{suffix}": content})
    try:
        return notebook(project, "theirs")["cells"][1:]
    finally:
        (project.sources / f"theirs{suffix}").unlink()


def ipynb(cells: list[dict], **metadata) -> str:
    """A notebook file with these cells."""
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4})


def code(source, **metadata) -> dict:
    """A code cell of a notebook file."""
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def markdown(source, **more) -> dict:
    """A markdown cell of a notebook file."""
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}
