"""A platform's own versions of what notebooks import, ahead of this environment's, so that code which needs a newer
library than the platform has fails here and not with a user.

`platforms/<id>/standin/overlay.txt` lists them, `name==version` a line, with their source and date on top; torch is
not among them: it stays this environment's CPU build. `python build.py overlays` installs each list once, without
dependencies, into `.anylab/overlays/<id>-<hash of the list>` (ANYLAB_OVERLAYS moves that folder).

What a notebook declares under `no_deps` goes into a folder of its own in the same way: no requirements file can ask for
it without what it drags in, so no test environment has it. A smoke run puts it where the platform's pip would.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from anylab import text
from anylab.built import Build
from anylab.errors import Origin, refuse
from anylab.install import Plan
from anylab.pairs import Pair
from anylab.platforms import Platform


def listed(platform: Platform) -> list[str]:
    """The requirements of a platform's overlay, [] when it has none. Raises Refused for a line that is no pin."""
    path = platform.folder / "standin" / "overlay.txt"
    if not path.is_file():
        return []
    file = f"{platform.file.rpartition('/')[0]}/standin/overlay.txt"
    found = []
    for number, line in enumerate(text.read(path, file).split("\n"), 1):
        pin = line.partition("#")[0].strip()
        if pin and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+", pin):
            raise refuse(Origin(file, number), f"'{pin}' is no name==version; write it so")
        found += [pin] if pin else []
    return found


def place(platform: Platform, root: Path) -> Path | None:
    """Where a platform's overlay is or will be; None when it has none."""
    pins = listed(platform)
    return _folder(root, platform.id, pins) if pins else None


def find(platform: Platform, root: Path) -> Path | None:
    """A platform's overlay, when it has one and it is installed."""
    folder = place(platform, root)
    return folder if folder is not None and folder.is_dir() else None


def fetch(platform: Platform, root: Path) -> Path | None:
    """Install a platform's overlay unless it is there; its folder. Raises Refused with pip's own words."""
    folder = place(platform, root)
    if folder is not None:
        _install(folder, listed(platform), Origin(f"platforms/{platform.id}/standin/overlay.txt"))
    return folder


def bare(compiled: Build, pair: Pair) -> Path | None:
    """Where a variant's packages without dependencies are or will be; None when its plan installs none."""
    plan = compiled.shared.plans.get((pair.source.name, pair.platform.id), Plan())
    return _folder(compiled.project.root, f"{pair.source.name}-no-deps", plan.bare) if plan.bare else None


def fetch_bare(compiled: Build, pair: Pair) -> Path | None:
    """Install them unless they are there; the folder. Raises Refused with pip's own words."""
    folder = bare(compiled, pair)
    if folder is not None:
        pins = compiled.shared.plans[pair.source.name, pair.platform.id].bare
        _install(folder, pins, pair.source.at("no_deps"))
    return folder


def site(compiled: Build, pair: Pair) -> list[Path]:
    """What a variant's kernel finds ahead of this environment: the folders that are installed."""
    folders = (find(pair.platform, compiled.project.root), bare(compiled, pair))
    return [folder for folder in folders if folder is not None and folder.is_dir()]


def _folder(root: Path, name: str, pins: Sequence[str]) -> Path:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    key = hashlib.sha256("\n".join([python, *sorted(pins)]).encode()).hexdigest()
    return Path(os.environ.get("ANYLAB_OVERLAYS") or root / ".anylab" / "overlays") / f"{name}-{key[:12]}"


def _install(folder: Path, pins: Sequence[str], at: Origin) -> None:
    """Install exactly these, without what they ask for, into a folder that is there when all of them are."""
    if folder.is_dir():
        return
    staged = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--target"]
    done = subprocess.run([*command, str(staged), *pins], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(staged, ignore_errors=True)
        why = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")
        raise refuse(at, f"cannot be installed: {why}")
    staged.rename(folder)
