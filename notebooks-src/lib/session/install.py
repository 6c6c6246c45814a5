"""Install what is missing and nothing else: what the platform ships stays as it is.

Everything runs against a constraints file made from the installed versions, before anything is imported; the packages
that a platform's image is built around are never moved.
"""

import importlib
import os
import re
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
_CHANGED = "ANYLAB_CHANGED"  # what changed while it was loaded: an environment variable ends with the kernel


def ensure(*requirements: str, no_deps: tuple = (), pins: tuple = ()) -> None:
    """Make these requirements (PEP 508) importable; prints one line. Raises Stop with what to do when that fails.

    `no_deps` go in without their dependencies; `pins` are the exact versions for whatever is missing here. What is
    here and does is left alone, whatever its pin says.
    """
    if os.environ.get(_CHANGED):
        raise Stop(_restart(os.environ[_CHANGED]))
    missing, bare = ([text for text in texts if not _satisfied(text)] for texts in (requirements, no_deps))
    if not missing and not bare:
        print("Every package that this notebook uses is already here; nothing to install.")
        return
    moved = [text for text in missing + bare if _name(text) in PROTECTED and _version(_name(text))]
    if moved:
        have = ", ".join(f"{_name(t)} {_version(_name(t))}" for t in moved)
        raise Stop(f"this notebook needs {', '.join(moved)}, here is {have}, and replacing it would break the session")
    exact = {_name(pin): pin.partition(";")[0].strip() for pin in pins if _holds(pin)}
    if not here.INSTALLS:
        raise Stop(f"please install: {_by_hand(missing, bare, exact)}")
    before = _versions()
    _install(missing, exact)
    if bare:
        _pip([_pinned(text, exact) for text in bare], [], "--no-deps")
    importlib.invalidate_caches()
    after = _versions()
    changed = sorted(name for name, version in before.items() if after.get(name) != version and _is_loaded(name))
    if changed:
        os.environ[_CHANGED] = ", ".join(changed)
        raise Stop(_restart(os.environ[_CHANGED]))
    print("Installed " + ", ".join(f"{_name(t)} {_version(_name(t)) or ''}".strip() for t in missing + bare))


def _restart(changed: str) -> str:
    return f"{changed} changed while it was loaded: {here.RESTART_CLICKS}"


def _by_hand(missing: list[str], bare: list[str], exact: dict[str, str]) -> str:
    """The commands for a machine that a notebook does not change."""
    pip, lines = f"{sys.executable} -m pip install", []
    if missing:
        lines.append(f"{pip} {' '.join(repr(t) for t in missing)}")
    if bare:
        lines.append(f"{pip} --no-deps {' '.join(repr(_pinned(t, exact)) for t in bare)}")
    return " && ".join(lines)


def _install(missing: list[str], exact: dict[str, str]) -> None:
    """The missing ones at their pins, and so what they bring along. An image that has moved on may refuse the pins:
    then as declared, still against what is installed."""
    if not missing:
        return
    along = [pin for name, pin in exact.items() if not _version(name)]
    try:
        _pip([_pinned(text, exact) for text in missing], along)
    except Stop:
        if not exact or not machine.online():
            raise
        print("The versions that this variant was made with do not fit here any more; trying newer ones.")
        _pip(missing, [])


def _pip(wanted: list[str], pins: list[str], *options: str) -> None:
    free = {_name(text) for text in (*wanted, *pins)}
    held = [
        f"{name}=={version}"
        for name, version in _versions().items()
        if _normal(name) not in free and _is_version(version)
    ]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        # a local version such as 2.11.0+cu128 is on no registry, but as a constraint it holds what is installed
        constraints.write_text("\n".join([*held, *pins]) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "-q", "--only-binary=:all:", *options]
        done = subprocess.run([*command, "-c", str(constraints), *wanted], capture_output=True, text=True)
    if done.returncode:
        why = [line for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()] or ["no message"]
        why = [line for line in why if "ERROR:" in line and "ResolutionImpossible" not in line] or why
        if not machine.online():
            raise Stop(
                f"{', '.join(wanted)} cannot be installed without internet. To switch it on: {here.INTERNET_CLICKS}"
            )
        raise Stop(f"installing {', '.join(wanted)} failed: {why[-1].strip()}")


def _is_version(text: str) -> bool:
    """Whether pip can read it: an image may hold a package whose version is none."""
    return re.fullmatch(r"[0-9][0-9A-Za-z.!+_-]*", text) is not None


def _requirement(text: str):
    try:
        from packaging.requirements import Requirement
    except ImportError:  # pip carries it everywhere
        from pip._vendor.packaging.requirements import Requirement
    return Requirement(text)


def _satisfied(text: str) -> bool:
    return not _holds(text) or _is_here(_requirement(text))


def _is_here(requirement) -> bool:
    """Whether a requirement is installed in a version that does, and so is what its extras ask for."""
    version = _version(requirement.name)
    if version is None or not requirement.specifier.contains(version, prereleases=True):
        return False
    for extra in requirement.extras:
        for inner in map(_requirement, metadata.requires(requirement.name) or ()):
            marker = inner.marker
            asked = marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})
            if asked and not _is_here(inner):
                return False
    return True


def _holds(text: str) -> bool:
    """Whether a requirement's marker (such as `; python_version < "3.13"`) holds here."""
    marker = _requirement(text).marker
    return marker is None or marker.evaluate()


def _pinned(text: str, exact: dict[str, str]) -> str:
    """A requirement at its exact version, its extras kept; as it is where it has no pin."""
    requirement = _requirement(text)
    pin = exact.get(_name(text))
    if pin is None:
        return text
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}=={pin.partition('==')[2]}"


def _name(text: str) -> str:
    return _normal(_requirement(text).name)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _versions() -> dict[str, str]:
    """Everything that is installed; the first found of a name is the one that is imported."""
    found: dict[str, str] = {}
    for one in metadata.distributions():
        if one.name:  # a half-removed one has none
            found.setdefault(one.name, one.version)
    return found


def _is_loaded(name: str) -> bool:
    """Whether a module of this distribution has been imported: told by its files, which name PIL for pillow."""
    try:
        files = metadata.files(name) or ()
    except metadata.PackageNotFoundError:
        return False
    parts = (Path(f).with_suffix("").parts for f in files if f.suffix == ".py")
    return any(".".join(p[:-1] if p[-1] == "__init__" else p) in sys.modules for p in parts)
