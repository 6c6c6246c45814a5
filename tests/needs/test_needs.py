"""What the video, voice and lip sync notebooks need, and the collection's own notebooks, against the stored lists.

`notebooks-src/` holds their packages and the locks that uv resolved for them; the plans are computed from these without
a network. `pytest -m resolves` asks uv anew.
"""

import re
import shutil

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from anylab import install, locks
from anylab.compile import compile_all
from anylab.project import open_project
from tests.conftest import ROOT

NEEDS = ROOT / "tests/needs/notebooks-src"
PROJECTS = {
    name: open_project(ROOT, sources, None, ROOT / "tests/needs/dist")
    for name, sources in (
        ("needs", NEEDS),
        ("tiny", ROOT / "tests/tiny/notebooks-src"),
        ("scenarios", ROOT / "tests/scenarios/notebooks-src"),
        ("own", ROOT / "notebooks-src"),
    )
}
COMPILED = {name: compile_all(project) for name, project in PROJECTS.items()}
CASES = [
    pytest.param(pair.source, pair.platform, built.shared.plans[pair.source.name, pair.platform.id],
                 id=f"{name}-{pair.source.name}-{pair.platform.id}")
    for name, built in COMPILED.items()
    for pair in built.pairs
    if (pair.source.name, pair.platform.id) in built.shared.plans
]  # fmt: skip
LISTED = [case for case in CASES if case.values[1].image]


def pins(notebook, platform):
    return {p.name: p.version for p in COMPILED["needs"].shared.plans[notebook, platform].pins}


def listed():
    return sorted({case.values[1].id for case in LISTED})


@pytest.mark.parametrize(("source", "platform", "plan"), LISTED)
def test_every_stored_resolution_leaves_what_is_there_alone(source, platform, plan):
    image = platform.image
    for pin in plan.pins:
        assert pin.name not in install.PROTECTED or pin.name not in image.packages
        assert pin.name not in image.packages or any(
            w.name == pin.name and install.outdated(w, image) for w in install.wishes(source)
        ), f"{pin} moves a package of the image, and {source.name} does not declare it"
    for wish in install.wishes(source):
        held = [p.version for p in plan.pins if p.name == wish.name]
        held = held or [image.packages[wish.name].version] * (wish.name in image.packages)
        assert not install.applies(wish, image) or wish.requirement.specifier.contains(held[0], prereleases=True)


@pytest.mark.parametrize(("source", "platform", "plan"), CASES)
def test_every_pin_is_a_requirement_that_pip_understands(source, platform, plan):
    for line in plan.lines:
        Requirement(line)
    names = [p.name for p in plan.pins if not p.marker]
    assert len(names) == len(set(names)) and not {p.name for p in plan.pins} & install.BUILDS


@pytest.mark.parametrize("platform", listed())
def test_a_video_needs_nothing_but_a_reader_of_films(platform):
    assert set(pins("video", platform)) == {"av"}


@pytest.mark.parametrize("platform", listed())
def test_voices_come_without_their_dependencies(platform):
    assert pins("voice_vox", platform) == {"voxcpm": "2.0.3"}
    chatterbox = COMPILED["needs"].shared.plans["voice_chatterbox", platform]
    assert {p.name for p in chatterbox.pins if p.bare} == {
        "chatterbox-tts", "conformer", "resemble-perth", "s3tokenizer"
    }  # fmt: skip
    assert {"pykakasi", "pyloudnorm"} <= {p.name for p in chatterbox.pins if not p.bare}
    assert set(pins("voice_measure", platform)) == {"resemblyzer", "webrtcvad-wheels"}


@pytest.mark.parametrize("platform", listed())
def test_lip_sync_moves_what_mediapipe_wants_moved_and_keeps_onnxruntime_on_cuda_12(platform):
    found = pins("lips", platform)
    assert {"av", "mediapipe", "absl-py", "onnxruntime-gpu"} <= set(found)
    assert Version(found["onnxruntime-gpu"]) <= Version("1.26") and Version(found["absl-py"]) >= Version("2.3")


@pytest.mark.parametrize("platform", listed())
def test_peft_gets_a_torchao_that_it_can_be_imported_beside(platform):
    assert set(pins("adapters", platform)) == {"torchao"}
    assert Version(pins("adapters", platform)["torchao"]) >= Version("0.16")


@pytest.mark.resolves
@pytest.mark.parametrize(("source", "platform", "plan"), LISTED)
def test_uv_comes_to_the_stored_resolution_for_this_image(source, platform, plan):
    """Also where nothing is installed: what the image has must do for what is declared."""
    from anylab import resolve

    wishes = tuple(install.wishes(source))
    found = resolve.resolve(resolve.Question(wishes, platform.image, stored(source, platform.id)))
    assert sorted(map(str, found)) == sorted(map(str, plan.pins))


@pytest.mark.resolves
@pytest.mark.parametrize("name", sorted(PROJECTS))
def test_uv_comes_to_the_stored_locks_for_any_machine(name, tmp_path):
    from anylab import locking

    sources = tmp_path / PROJECTS[name].sources.name
    shutil.copytree(PROJECTS[name].sources, sources)
    before = {p.name: p.read_text() for p in (sources / locks.FOLDER).glob("*.txt")}
    lines = list(locking.run(open_project(ROOT, sources, None, tmp_path / "dist"), (), ()))
    assert before == {p.name: p.read_text() for p in (sources / locks.FOLDER).glob("*.txt")}
    assert lines and all(re.match("unchanged ", line) for line in lines)


def stored(source, platform):
    folder = source.path.parent / locks.FOLDER
    return locks.read(folder / locks.name_of(source.name, platform), "")
