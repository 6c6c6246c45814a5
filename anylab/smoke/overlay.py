"""A platform's own versions of what notebooks import, ahead of this environment's, so that code which needs a newer
library than the platform has fails here and not with a user.

`platforms/<id>/standin/overlay.txt` lists them, `name==version` a line, with their source and date on top; torch is
not among them: it stays this environment's CPU build. `python build.py overlays` installs each list once, without
dependencies, into `.anylab/overlays/<id>-<hash of the list>` (ANYLAB_OVERLAYS moves that folder).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from anylab import text
from anylab.errors import Origin, refuse
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
    if not pins:
        return None
    key = hashlib.sha256(
        "\n".join([f"{sys.version_info[0]}.{sys.version_info[1]}", *sorted(pins)]).encode()
    ).hexdigest()
    return Path(os.environ.get("ANYLAB_OVERLAYS") or root / ".anylab" / "overlays") / f"{platform.id}-{key[:12]}"


def find(platform: Platform, root: Path) -> Path | None:
    """A platform's overlay, when it has one and it is installed."""
    folder = place(platform, root)
    return folder if folder is not None and folder.is_dir() else None


def fetch(platform: Platform, root: Path) -> Path | None:
    """Install a platform's overlay unless it is there; its folder. Raises Refused with pip's own words."""
    folder = place(platform, root)
    if folder is None or folder.is_dir():
        return folder
    staged = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--only-binary=:all:",
        "--target",
        str(staged),
    ]
    done = subprocess.run([*command, *listed(platform)], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(staged, ignore_errors=True)
        why = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")
        raise refuse(Origin(f"platforms/{platform.id}/standin/overlay.txt"), f"cannot be installed: {why}")
    staged.rename(folder)
    return folder
