"""A stand-in of a platform: its environment variables, folders and modules, below a temporary root.

What it consists of is data in `platforms/<id>/standin/`: `standin.toml` (env, folders, cwd) and `site/` (stubs of the
platform's own modules). The network is refused and pip is recorded (`anylab/smoke/site`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from anylab import text
from anylab.errors import Origin, did_you_mean, refuse
from anylab.platforms import Platform
from anylab.tomls import read_toml

SITE = Path(__file__).parent / "site"
_KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "ANYLAB_CACHE")


@dataclass(frozen=True)
class Standin:
    """A stand-in, ready to run in: `env` is the whole environment of the kernel, `cwd` its working folder."""

    root: Path
    cwd: Path
    env: dict[str, str]
    pip_log: Path


def prepare(platform: Platform, root: Path, cache: Path | None = None, site: Iterable[Path] = ()) -> Standin:
    """Lay out the platform's folders below `root`. `cache` (models, graphs, fonts) may be shared between runs;
    `site` are folders with packages that only the kernel finds: the platform's own versions, and what it installs."""
    folder = platform.folder / "standin"
    file = f"{platform.file.rpartition('/')[0]}/standin/standin.toml"
    described, lines = ({}, {}) if not folder.is_dir() else read_toml(text.read(folder / "standin.toml", file), file)
    known = ("env", "folders", "cwd", "home")
    for key in described:
        if key not in known:
            raise refuse(Origin(file, lines.get((key,), 1)), f"unknown key '{key}'{did_you_mean(key, known)}")
    cwd = _below(root, described.get("cwd", "/work"))
    home = _below(root, described.get("home", "/home"))
    for path in (cwd, home, root / "tmp", *(_below(root, name) for name in described.get("folders", []))):
        path.mkdir(parents=True, exist_ok=True)
    env = {key: os.environ[key] for key in _KEPT if key in os.environ}
    paths = [str(p) for p in (folder / "site", SITE) if p.is_dir()]
    env |= {
        "HOME": str(home),
        "TMPDIR": str(root / "tmp"),
        "ANYLAB_STANDIN": str(root),
        "ANYLAB_PIP_LOG": str(root / "pip.log"),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "IPYTHONDIR": str(root / "home" / ".ipython"),
        "JUPYTER_PATH": os.path.join(sys.prefix, "share", "jupyter"),
        # matplotlib builds a font list of some seconds for each new home; let runs share one
        "MPLCONFIGDIR": str((cache or root) / "matplotlib"),
    }
    env |= {"ANYLAB_CACHE": str(cache)} if cache else {}
    kernels = os.pathsep.join(map(str, site))
    env |= {"ANYLAB_OVERLAY": kernels} if kernels else {}
    env |= {key: str(value) for key, value in described.get("env", {}).items()}
    return Standin(root, cwd, env, root / "pip.log")


def marks(platforms: Iterable[Platform]) -> set[str]:
    """The environment variables by which platforms are known."""
    return {p.profile["detect"]["env"] for p in platforms if p.profile.get("detect", {}).get("env")}


def _below(root: Path, name: str) -> Path:
    return root / name.lstrip("/")
