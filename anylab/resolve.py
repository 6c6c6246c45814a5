"""`lock`: resolve what platforms lack into lock files, with uv and the network. Never part of a build.

uv resolves for a Python that is not installed here. It sees a platform's image as a folder of empty wheels, one for a
package, under the version that is there and marked as local (`2.11.0+cu128.image`), and is held to them: what is there
stays, whether the registry has it or not, and what it depends on is there as well. So moving a package of an image is
always written out: a notebook declares the newer version, which is refused for what must never move. The versions of
the lock that is there are kept where they still fit; to take newer ones, remove the file first.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from anylab import install, locks
from anylab.errors import Origin, Problem, Refused, refuse
from anylab.images import Image
from anylab.install import Wish
from anylab.locks import Lock, Pin

_MARK = "image"  # the local version label of what an image has
_NO_BROWSER = re.compile(r"(^| and )sys_platform != 'emscripten'")
_CAUSE = 500  # characters of the reason given by uv that are told


class Unresolved(Exception):
    """No versions fit; the text is uv's reason."""


@dataclass(frozen=True)
class Question:
    """What is asked of uv: these wishes, on this image (None: on any machine), keeping what `old` has where it fits."""

    wishes: tuple[Wish, ...]
    image: Image | None
    old: Lock | None = None


def resolve(question: Question) -> tuple[Pin, ...]:
    """The pins of everything that the image lacks. Raises Unresolved, or Refused where uv is missing."""
    image, old = question.image, question.old.pins if question.old else ()
    ordinary = [w for w in question.wishes if not w.bare]
    bare = [w for w in question.wishes if w.bare and install.wanted([w], image)]
    kept, found = [p for p in old if not p.bare], []
    if ordinary and image is None:  # first with the newest torch, so that the pins agree with it, then without
        kept = _ask(question, ordinary, kept)
    if ordinary:
        found = _ask(question, ordinary, kept, without=() if image else sorted(install.BUILDS))
    if bare:
        alone = _ask(question, bare, [p for p in old if p.bare], "--no-deps")
        found += [Pin(p.name, p.version, p.marker, True) for p in alone]
    return tuple(found)


def _ask(
    question: Question, wishes: list[Wish], kept: Iterable[Pin], *options: str, without: Iterable[str] = ()
) -> list[Pin]:
    """What uv answers. `kept` are versions that it keeps where they fit, `without` what it leaves out altogether."""
    image = question.image
    with tempfile.TemporaryDirectory(prefix="anylab-lock-") as name:
        folder = Path(name)
        lines = {"asked.txt": [w.text for w in wishes], "constraints.txt": [], "without.txt": without, "pins.txt": kept}
        if image:
            lines["constraints.txt"] = _image_as_wheels(question, folder / "wheels")
            options += ("--python-version", image.python.rpartition(".")[0], "--python-platform", "linux")
            options += ("--find-links", "wheels")
        else:
            options += ("--universal", "--python-version", locks.ANY.split()[0])
        for file, content in lines.items():
            (folder / file).write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
        command = [*_uv(), "pip", "compile", "asked.txt", "-c", "constraints.txt", "--excludes", "without.txt", "-q"]
        command += ["-o", "pins.txt", "--only-binary", ":all:", "--no-header", "--no-annotate", "--no-python-downloads"]
        done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise Unresolved(_cause(done.stderr))
        return list(_pins((folder / "pins.txt").read_text(encoding="utf-8"), image))


def _pins(answer: str, image: Image | None) -> Iterator[Pin]:
    """The pins in uv's answer, without what the image has; of the places that run Python, browsers are left out."""
    for line in answer.split("\n"):
        requirement, _, marker = line.partition(" ; ")
        name, _, version = requirement.strip().partition("==")
        there = image.packages.get(name) if image else None
        here = version.endswith(_MARK) or (there is not None and there.version.partition("+")[0] == version)
        if not version or here or "sys_platform == 'emscripten'" in marker:
            continue
        yield Pin(name, version, _NO_BROWSER.sub("", marker.strip()), False)


def _image_as_wheels(question: Question, folder: Path) -> list[str]:
    """Write the empty wheels; the constraints that hold to them.

    Where a package of the image moves, the declared ones that stay are asked for their real dependencies: they must
    agree with what moves. So must one with an extra, since what that brings may be missing.
    """
    image = question.image
    assert image
    folder.mkdir()
    moves = {w.name for w in question.wishes if install.outdated(w, image)} - {*install.PROTECTED}
    real = {w.name for w in question.wishes if w.requirement.extras or (moves and w.name not in install.PROTECTED)}
    held = []
    for name, there in image.packages.items():
        if not there.version or name in moves:
            continue
        if name in real:
            held.append(f"{name}=={there.version}")
            continue
        version = f"{there.version}{'.' if '+' in there.version else '+'}{_MARK}"
        held.append(f"{name}=={version}")
        _empty_wheel(folder, name, version)
    return held


def _empty_wheel(folder: Path, name: str, version: str) -> None:
    """A wheel that holds nothing and depends on nothing (binary distribution format, packaging.python.org)."""
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: anylab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}\n")
    rows.append(f"{stem}.dist-info/RECORD,,\n")
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{stem}.dist-info/RECORD", "".join(rows))


def _uv() -> list[str]:
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    if not found:
        raise refuse(Origin("uv"), "is not installed, and a lock is resolved by it; run: pip install uv")
    return [found]


def _cause(stderr: str) -> str:
    """uv's reason on one line, in the words of the lists: without the marks, the hints and the warnings."""
    kept = [line.strip() for line in stderr.split("\n") if line.strip() and not line.lstrip().startswith("warning:")]
    kept = kept[: next((i for i, line in enumerate(kept) if line.startswith("hint:")), len(kept))]
    words = re.sub(rf"[+.]{_MARK}\b", "", " ".join(kept))
    words = re.sub(r"^error: |No solution found when resolving dependencies( for [^:]*)?:?\s*|cause: ", "", words)
    return words if len(words) <= _CAUSE else words[:_CAUSE].rpartition(" ")[0] + " ..."


def why_not(question: Question, reason: str, platform: str) -> list[Problem]:
    """An unresolvable question as problems at the lines that ask: those without an answer of their own, else all."""
    problems, image = [], question.image
    movers = [w for w in question.wishes if image and install.outdated(w, image)]
    for wish in question.wishes:
        try:
            resolve(Question((wish, *(w for w in movers if w is not wish)), image))
        except Unresolved as alone:
            advice = f" {_advice(str(alone), platform)}" if image else ""
            what = f"'{wish.text}' cannot be installed on {platform}: {alone}{advice}"
            problems.append(Problem(wish.origin, what))
    return problems or [Problem(question.wishes[0].origin, f"the packages do not go together on {platform}: {reason}")]


def _advice(reason: str, platform: str) -> str:
    """What to do when a version that is there is in the way."""
    stays = [name for name in install.PROTECTED if re.search(rf"(?<![\w-]){name}==", reason)]
    if stays:
        return f"{platform} is built around {', '.join(stays)}: ask for a version that fits, or put it under no_deps."
    return "To let a package of the image move, put it under packages; to leave dependencies out, use no_deps."


def locked(source_name: str, question: Question, platform: str, platform_name: str) -> str:
    """The text of a lock file. Raises Refused, at the lines that ask, when nothing fits."""
    try:
        pins = resolve(question)
    except Unresolved as unresolved:
        raise Refused(why_not(question, str(unresolved), platform_name)) from None
    command = f"python build.py lock {source_name}" + (f" --platform {platform}" if platform else "")
    return locks.text_of(install.made(question.wishes, question.image), pins, command)
