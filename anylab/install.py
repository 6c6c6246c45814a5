"""The install planner: what a notebook declares and what a platform has -> the shortest safe install line. Pure.

What the image has is not installed; what it lacks comes at an exact version, resolved beforehand for its Python against
its list (`locks`); nothing moves a package that the image is built around. Where the image is not known, everything is
pinned but what fixes a CUDA build. Faults name both versions and the line that asks. At run time `session.install` gets
the line, and decides anew by what is really there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anylab import locks
from anylab.errors import Origin, Problem
from anylab.images import Image, normal
from anylab.locks import Lock, Made, Pin
from anylab.platforms import Platform
from anylab.source import Source
from anylab.templating import arguments, literal

if TYPE_CHECKING:  # imported where a notebook has packages
    from packaging.requirements import Requirement

# what a kernel has loaded before the first cell, or what the image's CUDA, driver and front end are built around: moved
# by an install, they break the session (colabtools#5238, ColabFold#693; unsloth's install fixes, 2026-08). As in
# session.install; a test holds the two equal.
PROTECTED = ("torch", "torchvision", "torchaudio", "torchcodec", "triton", "numpy", "pandas", "pillow", "protobuf")
PROTECTED += ("huggingface-hub",)
# a version of these is a choice of CUDA build: the registry's torch for Linux brings CUDA 13 libraries of its own (5
# GB, measured 2026-11-20), where the machine may have a build that fits its driver. So they stay ranges.
BUILDS = frozenset(["torch", "torchvision", "torchaudio", "torchcodec", "triton"])
# what would be there, beside what, why that fails although each version is allowed, and what to declare
TRAPS = (
    # unsloth's test suite, 2026-08: ImportError, "Found an incompatible version of torchao"
    ("peft>=0.19", "torchao<0.16", "refuses to be imported beside", "torchao>=0.16"),
    # wheel metadata, 2026-11-20: 1.26.0 is the last for CUDA 12; the provider is listed and the session runs on the CPU
    ("onnxruntime-gpu>=1.27", "cuda-toolkit<13", "is built for CUDA 13 and would run on the CPU, with", None),
)
Find = Callable[[str], tuple[str, Lock | None]]  # "" or a platform -> the lock's file as shown, and the lock


@dataclass(frozen=True)
class Wish:
    """A declared requirement: `text` as written at `origin`; `bare` when it is to go in without its dependencies."""

    text: str
    requirement: Requirement
    origin: Origin
    bare: bool

    @property
    def name(self) -> str:
        return normal(self.requirement.name)


@dataclass(frozen=True)
class Plan:
    """What is installed where. Empty for a notebook without packages."""

    requirements: tuple[str, ...] = ()  # as declared
    no_deps: tuple[str, ...] = ()  # as declared
    satisfied: tuple[tuple[str, str], ...] = ()  # (requirement, what the image has)
    pins: tuple[Pin, ...] = ()  # what it lacks, with all that this needs
    ranges: tuple[str, ...] = ()  # left to whoever makes the environment: BUILDS

    @property
    def arguments(self) -> str:
        """The arguments of `session.install.ensure`, on one line."""
        return self._call(tuple(map(str, self.pins)))

    @property
    def without_pins(self) -> str:
        """The same where nothing is installed, only named."""
        return self._call(())

    @property
    def lines(self) -> tuple[str, ...]:
        """What a requirements file holds: everything pinned but what fixes a CUDA build."""
        return (*self.ranges, *(str(pin) for pin in self.pins if not pin.bare))

    @property
    def bare(self) -> tuple[str, ...]:
        """What is installed after that, with --no-deps: no requirements file can say so."""
        return tuple(f"{pin.name}=={pin.version}" for pin in self.pins if pin.bare)

    def _call(self, pins: tuple[str, ...]) -> str:
        named = [f"{key}={literal(value)}" for key, value in (("no_deps", self.no_deps), ("pins", pins)) if value]
        return ", ".join([*([arguments(self.requirements)] if self.requirements else []), *named])


@functools.cache  # a source has many platforms
def wishes(source: Source) -> tuple[Wish, ...]:
    """What a source declares, without what does not parse (a lint tells that)."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for key in ("packages", "no_deps"):
        for i, text in enumerate(source.front.get(key) or ()):
            try:
                found.append(Wish(text, Requirement(text), source.at(key, i), key == "no_deps"))
            except InvalidRequirement:
                continue
    return tuple(found)


def environment(image: Image) -> dict[str, str]:
    """The marker variables (PEP 508) of an image: Linux on x86-64, CPython of the list's version."""
    return {
        "implementation_name": "cpython", "implementation_version": image.python, "os_name": "posix",
        "platform_machine": "x86_64", "platform_python_implementation": "CPython", "platform_release": "",
        "platform_system": "Linux", "platform_version": "", "python_full_version": image.python,
        "python_version": image.python.rpartition(".")[0], "sys_platform": "linux",
    }  # fmt: skip


def applies(wish: Wish, image: Image | None) -> bool:
    """Whether a requirement's marker holds on the image; where the image is not known, everything may."""
    marker = wish.requirement.marker
    return image is None or marker is None or marker.evaluate(environment(image))


def satisfies(requirement: Requirement, image: Image) -> bool:
    """Whether the image has it. A version that nobody published fits only who asks for none; what an extra brings is
    for the resolver to know."""
    there = image.packages.get(normal(requirement.name))
    if there is None or requirement.extras:
        return False
    asked = requirement.specifier
    return asked.contains(there.version, prereleases=True) if there.version else not asked


def outdated(wish: Wish, image: Image) -> bool:
    """Whether the image has it in a version that does not do."""
    there = image.packages.get(wish.name)
    if there is None or not there.version or not applies(wish, image):
        return False
    return not wish.requirement.specifier.contains(there.version, prereleases=True)


def wanted(all_wishes: Sequence[Wish], image: Image | None) -> list[Wish]:
    """What must be installed: what the image lacks; where it is not known, all but the CUDA builds."""
    here = [w for w in all_wishes if applies(w, image)]
    if image is None:
        return [w for w in here if w.bare or w.name not in BUILDS]
    return [w for w in here if not satisfies(w.requirement, image)]


def made(all_wishes: Sequence[Wish], image: Image | None) -> Made:
    """What a lock of these wishes is made for."""
    texts = [tuple(sorted(w.text for w in all_wishes if w.bare is bare)) for bare in (False, True)]
    if image is None:
        return Made(locks.ANY, locks.ANY_IMAGE, *texts)
    return Made(image.python.rpartition(".")[0], f"{image.file} of {image.date}", *texts)


def plan(source: Source, platform: Platform, find: Find, refused: bool = False) -> tuple[Plan, list[Problem]]:
    """The plan of a notebook for a platform, and what stands against it. `find` gives the lock, where one is needed;
    where some platform has `refused` the notebook's packages, nothing is said of locks, since none would be made."""
    image, all_wishes = platform.image, wishes(source)
    problems = refusals(all_wishes, platform)
    lacking = wanted(all_wishes, image)
    pins: tuple[Pin, ...] = ()
    if lacking and not problems:
        at = lacking[0]
        if image and source.needs.get("internet", "none") == "none":
            what = f"'{at.text}' must be installed on {platform.name}, and the needs say internet: none; say required"
            problems.append(Problem(at.origin, what))
        pins, more = _locked(source, platform, lacking, made(all_wishes, image), find)
        problems += [] if refused else more
    problems = problems or list(_traps(all_wishes, image, pins, platform.name))
    here = [w for w in all_wishes if applies(w, image)]
    chosen = Plan(
        tuple(w.text for w in all_wishes if not w.bare),
        tuple(w.text for w in all_wishes if w.bare),
        tuple((w.text, str(image.packages[w.name])) for w in here if w not in lacking) if image else (),
        pins,
        tuple(w.text for w in here if w not in lacking) if image is None else (),
    )
    return chosen, problems


def refusals(all_wishes: Sequence[Wish], platform: Platform) -> list[Problem]:
    """What no lock can mend: addresses, a name declared twice, and what would move a package that must stay."""
    image = platform.image
    return [*_declared_faults(all_wishes), *(_moves(all_wishes, image, platform.name) if image else ())]


def _declared_faults(all_wishes: Sequence[Wish]) -> Iterator[Problem]:
    ordinary = {w.name for w in all_wishes if not w.bare}
    for wish in all_wishes:
        if wish.requirement.url:
            what = f"'{wish.text}' is an address, which no list can be compared with; name it with its versions"
            yield Problem(wish.origin, what)
        if wish.bare and (wish.name in ordinary or wish.name in PROTECTED):
            what = f"'{wish.name}' stands under packages too" if wish.name in ordinary else f"'{wish.name}' never moves"
            yield Problem(wish.origin, f"{what}; remove it from no_deps")


def _moves(all_wishes: Sequence[Wish], image: Image, platform: str) -> Iterator[Problem]:
    """Requirements that would move what the image is built around."""
    for wish in all_wishes:
        if wish.name in PROTECTED and outdated(wish, image):
            there = image.packages[wish.name]
            what = f"'{wish.text}' would move {wish.name}, which {platform} is built around and has at {there} "
            what += f"({image.at(wish.name)}); ask for what is there, or leave {platform} out of the platforms"
            yield Problem(wish.origin, what)


def _locked(
    source: Source, platform: Platform, lacking: list[Wish], now: Made, find: Find
) -> tuple[tuple[Pin, ...], list[Problem]]:
    """The pins of what is lacking, from the lock; or why it does not do."""
    image = platform.image
    file, lock = find(platform.id if image else "")
    command = f"run: python build.py lock {source.name}" + (f" --platform {platform.id}" if image else "")
    if lock is None:
        where = f"{platform.name} lacks it" if image else "it is pinned where the image is not known"
        what = f"'{lacking[0].text}' has no exact version yet ({where}, and there is no {file}); {command}"
        return (), [Problem(lacking[0].origin, what)]
    why = locks.stale(lock, now)
    if why:
        return (), [Problem(Origin(lock.file, 1), f"{why}; {command}")]
    problems = []
    for wish in lacking:
        held = [pin for pin in lock.pins if pin.name == wish.name and pin.bare is wish.bare]
        if not held and not wish.requirement.extras:
            problems.append(Problem(wish.origin, f"'{wish.text}' is not pinned in {lock.file}; {command}"))
        for pin in held:
            if not wish.requirement.specifier.contains(pin.version, prereleases=True):
                what = f"{pin.name} {pin.version} is not what '{wish.text}' ({wish.origin}) asks for; {command}"
                problems.append(Problem(Origin(lock.file, pin.line), what))
    for pin in lock.pins:
        there = image.packages.get(pin.name) if image else None
        if there and there.version and pin.name in PROTECTED:
            what = f"would move {pin.name} from {there} ({image.at(pin.name)}) to {pin.version} for {source.file}"
            problems.append(Problem(Origin(lock.file, pin.line), f"{what}, which {platform.name} is built around"))
    return lock.pins, problems


def _traps(all_wishes: Sequence[Wish], image: Image | None, pins: tuple[Pin, ...], platform: str) -> Iterator[Problem]:
    """Versions that are allowed side by side and do not work so."""
    from packaging.requirements import Requirement

    if image is None:
        return
    there = {name: p.version for name, p in image.packages.items()} | {p.name: p.version for p in pins}
    asked = {w.name: w for w in all_wishes if applies(w, image)}
    for what_text, beside_text, why, cure in TRAPS:
        what, beside = Requirement(what_text), Requirement(beside_text)
        if what.name not in asked or not all(
            there.get(r.name) and r.specifier.contains(there[r.name], prereleases=True) for r in (what, beside)
        ):
            continue
        found = f"{what.name} {there[what.name]} {why} {beside.name} {there[beside.name]} of {platform}"
        advice = f"add '{cure}' to the packages" if cure else f"ask for {_below(what)}"
        yield Problem(asked[what.name].origin, f"{found}; {advice}")


def _below(trap: Requirement) -> str:
    return f"'{trap.name}<{next(iter(trap.specifier)).version}'"
