"""What is asked of uv and what is made of its answer, with a stand-in of uv; the real one is asked in tests/needs."""

import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from anylab import images, install, locks, resolve
from anylab.errors import Origin, Refused

LIST = "# date: 2026-11-20\n# python: 3.12.7\ntorch==2.10.0+cu128\nnumpy==2.0.2\npeft==0.19.1\ntorchao==0.10.0\nonnx\n"


@pytest.fixture
def image(tmp_path):
    (tmp_path / "list.txt").write_text(LIST)
    return images.read(tmp_path / "list.txt", "list.txt")


@pytest.fixture
def uv(monkeypatch):
    """A uv that answers `uv.answer` (or fails with `uv.error`) and notes what it was asked."""

    class Uv:
        answer, error, asked = "", "", []

        def run(self, command, cwd, **_):
            folder = Path(cwd)
            names = [p.name for p in (folder / "wheels").glob("*.whl")] if (folder / "wheels").is_dir() else []
            files = {p.name: p.read_text().split("\n")[:-1] for p in folder.glob("*.txt")}
            self.asked.append({"command": command, "wheels": sorted(names), **files})
            (folder / "pins.txt").write_text(self.answer)
            return subprocess.CompletedProcess(command, 1 if self.error else 0, "", self.error)

    fake = Uv()
    fake.asked = []
    monkeypatch.setattr(subprocess, "run", fake.run)
    monkeypatch.setattr(resolve, "_uv", lambda: ["uv"])
    return fake


def question(image, *texts, no_deps=(), old=None):
    wishes = [install.Wish(t, Requirement(t), Origin("x.py", i), False) for i, t in enumerate(texts, 1)]
    wishes += [install.Wish(t, Requirement(t), Origin("x.py", 9), True) for t in no_deps]
    return resolve.Question(tuple(wishes), image, old)


def test_an_image_is_a_folder_of_empty_wheels_under_its_own_versions(uv, image, tmp_path):
    uv.answer = "av==19.0.2\nnumpy==2.0.2+image\ntorch==2.10.0+cu128.image\n"
    assert [str(p) for p in resolve.resolve(question(image, "torch>=2.4", "av"))] == ["av==19.0.2"]
    (asked,) = uv.asked
    assert "torch==2.10.0+cu128.image" in asked["constraints.txt"] and "numpy==2.0.2+image" in asked["constraints.txt"]
    assert "torch-2.10.0+cu128.image-py3-none-any.whl" in asked["wheels"]
    assert not [line for line in asked["constraints.txt"] if "onnx" in line], "a version that nobody published"
    words = " ".join(asked["command"])
    assert "--python-version 3.12 " in words and "--only-binary :all:" in words and "--upgrade" not in words
    resolve._empty_wheel(tmp_path, "a-b", "1.0+image")
    with zipfile.ZipFile(tmp_path / "a_b-1.0+image-py3-none-any.whl") as wheel:
        assert "Requires-Dist" not in wheel.read("a_b-1.0+image.dist-info/METADATA").decode()


def test_what_moves_is_let_go_and_what_stays_is_asked_for_its_real_dependencies(uv, image):
    uv.answer = "torchao==0.18.0\npeft==0.19.1\ntorch==2.10.0+cu128.image\n"
    found = resolve.resolve(question(image, "torch", "peft>=0.18", "torchao>=0.16"))
    assert [str(p) for p in found] == ["torchao==0.18.0"]
    (asked,) = uv.asked
    assert "peft==0.19.1" in asked["constraints.txt"] and not any("torchao" in c for c in asked["constraints.txt"])
    assert "torch==2.10.0+cu128.image" in asked["constraints.txt"], "what must stay is never asked for anything"


def test_an_extra_is_asked_for_what_it_brings(uv, image):
    uv.answer = "peft==0.19.1\nmore==1\n"
    assert [str(p) for p in resolve.resolve(question(image, "peft[extra]"))] == ["more==1"]
    assert "peft==0.19.1" in uv.asked[0]["constraints.txt"]


def test_no_deps_are_asked_for_alone(uv, image):
    uv.answer = "voxcpm==2.0.3\n"
    (pin,) = resolve.resolve(question(image, no_deps=["voxcpm"]))
    assert pin.bare and "--no-deps" in uv.asked[0]["command"] and uv.asked[0]["asked.txt"] == ["voxcpm"]


def test_on_any_machine_the_builds_of_torch_are_left_out_of_what_the_newest_agrees_with(uv):
    uv.answer = "numpy==2.5.5 ; python_full_version >= '3.12' and sys_platform != 'emscripten'\nh11==1 ; sys_platform "
    uv.answer += "!= 'emscripten'\njs==1 ; python_full_version >= '3.12' and sys_platform == 'emscripten'\n"
    pins = resolve.resolve(question(None, "torch", "numpy"))
    assert [str(p) for p in pins] == ["numpy==2.5.5 ; python_full_version >= '3.12'", "h11==1"]
    first, second = uv.asked
    assert first["without.txt"] == [] and second["without.txt"] == sorted(install.BUILDS)
    assert "--universal" in first["command"] and "h11==1" in second["pins.txt"]


def test_the_versions_of_the_old_lock_are_kept_where_they_fit(uv, image):
    old = locks.Lock("", locks.Made("", "", (), ()), (locks.Pin("av", "18", "", False), locks.Pin("v", "1", "", True)))
    resolve.resolve(question(image, "av", no_deps=["v"], old=old))
    assert [asked["pins.txt"] for asked in uv.asked] == [["av==18"], ["v==1"]]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Because vllm depends on torch>=2.14 and torch==2.10.0+cu128.image, we ...", "Plain is built around torch: "),
        ("Because m depends on absl-py>=2.3 and absl-py==1.4.0+image, we ...", "put it under packages"),
        ("Because m depends on pytorch-lightning==2, we ...", "put it under packages"),
    ],
)
def test_what_cannot_be_is_told_at_the_line_that_asks_with_the_way_out(uv, image, reason, words):
    uv.error = f"warning: x\nerror: No solution found when resolving dependencies\n  cause: {reason}\n\nhint: y\n"
    with pytest.raises(Refused) as caught:
        resolve.locked("x", question(image, "vllm"), "plain", "Plain")
    line = str(caught.value)
    assert line.startswith("x.py:1: 'vllm' cannot be installed on Plain: Because ") and words in line
    assert "image," not in line and "hint" not in line and "warning" not in line and "\n" not in line


def test_packages_that_do_not_go_together_are_told_once(uv, image, monkeypatch):
    def alone(q):
        if len(q.wishes) > 1:
            raise resolve.Unresolved("Because a and b")
        return ()

    monkeypatch.setattr(resolve, "resolve", alone)
    (problem,) = resolve.why_not(question(image, "a", "b"), "Because a and b", "Plain")
    assert str(problem) == "x.py:1: the packages do not go together on Plain: Because a and b"


def test_without_uv_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(resolve.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(resolve.shutil, "which", lambda name: None)
    with pytest.raises(
        Refused, match=re.escape("uv: is not installed, and a lock is resolved by it; run: pip install")
    ):
        resolve._uv()
