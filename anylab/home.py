"""The declared home of the project: the repository and branch that badge links open."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

from anylab.errors import Origin, refuse
from anylab.project import BRANCH, REPOSITORY, Project

_PLACEHOLDERS = {
    "your-repo",
    "your-repository",
    "your-name",
    "your-username",
    "owner",
    "repo",
    "user",
    "username",
    "example",
}


def declare(root: Path, repository: str, branch: str | None) -> None:
    """Write OWNER/NAME (and the branch) into [tool.anylab] of pyproject.toml, leaving the rest of the file as it is."""
    if not REPOSITORY.fullmatch(repository):
        raise refuse(Origin(repository), "must be OWNER/NAME, as in github.com/OWNER/NAME")
    if branch is not None and not BRANCH.fullmatch(branch):
        raise refuse(Origin(branch), "is no name of a git branch")
    path = root / "pyproject.toml"
    content = path.read_text(encoding="utf-8")
    header = re.search(r"^\[tool\.anylab\][ \t]*(#.*)?$", content, re.MULTILINE)
    if not header:
        raise refuse(Origin("pyproject.toml"), "has no [tool.anylab] table; add one")
    before, rest = content[: header.end()] + "\n", content[header.end() + 1 :]
    table, next_table, after = re.match(r"(.*?)((?:^\[|\Z))(.*)", rest, re.DOTALL | re.MULTILINE).groups()
    for key, value in (("repository", repository), ("branch", branch)):
        if value is None:
            continue
        line = f'{key} = "{value}"'
        table, found = re.subn(rf"^[\"']?{key}[\"']?\s*=.*$", line, table, flags=re.MULTILINE)
        table = table if found else f"{line}\n{table}"
    changed = before + table + next_table + after
    read = tomllib.loads(changed)["tool"]["anylab"]
    if read["repository"] != repository or (branch is not None and read["branch"] != branch):
        raise refuse(Origin("pyproject.toml"), "[tool.anylab] cannot be changed as it is written; change it by hand")
    path.write_text(changed, encoding="utf-8", newline="\n")


def release_faults(project: Project) -> list[str]:
    """What keeps this checkout from being released: a placeholder as home, or a home that is not the git remote."""
    owner, _, name = project.repository.partition("/")
    if {owner.lower(), name.lower()} & _PLACEHOLDERS:
        return [f"the declared home {project.repository} is a placeholder; run: python build.py home OWNER/REPO"]
    command = ["git", "-C", str(project.root), "remote", "get-url", "origin"]
    try:
        remote = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ["no git remote 'origin' to compare the declared home with; add it, or release from a clone"]
    found = re.fullmatch(r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)github\.com[:/]([\w.-]+/[\w.-]+?)(\.git)?/?", remote)
    if not found:
        return [f"the git remote {remote} is not on GitHub, where the badges open notebooks from"]
    if found[1].lower() != project.repository.lower():
        where = found[1]
        return [
            f"the declared home {project.repository} is not the git remote {where}; run: python build.py home {where}"
        ]
    return []
