"""Install what is missing and nothing else: what the platform ships stays as it is.

Everything runs against a constraints file made from the installed versions, before anything is imported; the packages
that a platform's image is built around are never moved.
"""

import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from labkit import Stop, here

from session import machine

# moved by an install, these break the running kernel or the GPU (unsloth install fixes, 2026)
PROTECTED = ("torch", "torchvision", "torchaudio", "torchcodec", "triton", "numpy", "pandas", "pillow", "protobuf")
PROTECTED += ("huggingface-hub",)


def ensure(*requirements: str) -> None:
    """Make these requirements (PEP 508) importable; prints one line. Raises Stop with what to do when that fails."""
    missing = [text for text in requirements if not _satisfied(text)]
    if not missing:
        print("Every package that this notebook uses is already here; nothing to install.")
        return
    moved = [text for text in missing if _name(text) in PROTECTED and _version(_name(text))]
    if moved:
        have = ", ".join(f"{_name(t)} {_version(_name(t))}" for t in moved)
        raise Stop(f"this notebook needs {', '.join(moved)}, here is {have}, and replacing it would break the session")
    if not here.INSTALLS:
        raise Stop(f"please install: {sys.executable} -m pip install {' '.join(repr(t) for t in missing)}")
    loaded = {_name(text): _version(_name(text)) for text in missing if _name(text).replace("-", "_") in sys.modules}
    _pip(missing)
    changed = [name for name, version in loaded.items() if _version(name) != version]
    if changed:
        raise Stop(f"{', '.join(changed)} changed while it was loaded: {here.RESTART_CLICKS}")
    print("Installed " + ", ".join(f"{_name(t)} {_version(_name(t)) or ''}".strip() for t in missing))


def _pip(missing: list[str]) -> None:
    pins = [f"{name}=={_version(name)}" for name in PROTECTED if _version(name)]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        # a local version such as 2.11.0+cu128 is on no registry, but as a constraint it holds what is installed
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--only-binary=:all:",
            "-c",
            str(constraints),
            *missing,
        ]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["no message"]
        if not machine.online():
            raise Stop(
                f"{', '.join(missing)} cannot be installed without internet. To switch it on: {here.INTERNET_CLICKS}"
            )
        raise Stop(f"installing {', '.join(missing)} failed: {why[0]}")


def _requirement(text: str):
    try:
        from packaging.requirements import Requirement
    except ImportError:  # pip carries it everywhere
        from pip._vendor.packaging.requirements import Requirement
    return Requirement(text)


def _satisfied(text: str) -> bool:
    requirement = _requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    version = _version(requirement.name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _name(text: str) -> str:
    return _requirement(text).name.lower().replace("_", "-")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
