"""The planner: what is left alone, what is pinned, what is refused. Lists and locks are small and in our own words."""

import re

import pytest

from anylab import install, locks
from anylab.compile import compile_all
from anylab.errors import Refused
from tests.conftest import ROOT
from tests.unit.helpers import PROFILE, outputs, small_project, sources_of

LIST = """# source: a test
# date: 2026-11-20
# python: 3.12.7
torch==2.10.0+cu128
numpy==2.0.2  # may have moved
pillow==11.3.0
transformers==5.0.0
peft==0.19.1
torchao==0.10.0
cuda-toolkit==12.8.1
onnx
"""
SETUP = "# %% Set up collapse=true\ninstall({{ plan.arguments }})\n"
BESIDE = "{% for line in plan.lines %}{{ line }}\n{% endfor %}{% for line in plan.bare %}bare {{ line }}\n{% endfor %}"
IMAGE, ANY = "platforms/listed/packages.txt of 2026-11-20", "unknown: everything is pinned"


def source(packages=(), no_deps=(), internet="required"):
    """A notebook: requirement n of `packages` stands in line 6 + n."""
    rows = [f"#     needs: {{internet: {internet}}}", "#     packages:", *(f'#       - "{p}"' for p in packages)]
    rows += ["#     no_deps:", *(f'#       - "{p}"' for p in no_deps)] if no_deps else []
    head = "# ---\n# jupyter:\n#   anylab:\n#     title: A small title\n"
    rows = [row if row != "#     packages:" or packages else "#     packages: []" for row in rows]
    return head + "\n".join(rows) + '\n# ---\n\n# %% slot="setup"\nprint("set up")\n\n# %%\nx = 1\n'


def lock(pins, packages=(), no_deps=(), image=IMAGE, python="3.12"):
    head = [f"# python: {python}", f"# image: {image}", *(f"# for: {p}" for p in packages)]
    return "\n".join([*head, *(f"# for, no-deps: {p}" for p in no_deps), *pins]) + "\n"


@pytest.fixture
def make(tmp_path):
    """make(packages, no_deps, pins, any_pins) -> a project with two platforms: `listed`, and `plain` without a list."""

    def run(packages=(), no_deps=(), pins=None, any_pins=(), listed=LIST, internet="required", **files):
        project = small_project(tmp_path / "project", ours=source(packages, no_deps, internet))
        written = {
            "platforms/listed/platform.toml": 'python = "3.12"' + PROFILE.format(forms="false"),
            "platforms/listed/packages.txt": listed,
            "platforms/listed/cells/setup.py.j2": SETUP,
            "platforms/plain/files/requirements.txt.j2": BESIDE,
            "platforms/plain/cells/setup.py.j2": SETUP,
            "notebooks-src/locks/ours.txt": lock(any_pins, packages, no_deps, ANY, "3.11 and newer"),
        }
        if pins is not None:
            written["notebooks-src/locks/ours.listed.txt"] = lock(pins, packages, no_deps)
        for name, content in (written | files).items():
            path = project.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(content)
        return project

    return run


def plan_of(project, platform="listed"):
    return compile_all(project).shared.plans["ours", platform]


def refusal(project):
    with pytest.raises(Refused) as caught:
        compile_all(project)
    return [str(problem) for problem in caught.value.problems]


def call(project, platform="listed"):
    """The setup cell's line."""
    import json

    path = "listed/ours.ipynb" if platform == "listed" else "plain/ours/ours.ipynb"
    texts = sources_of(json.loads(outputs(project)[path])["cells"])
    return next(m[0] for text in texts if (m := re.search(r"^install\(.*\)$", text, re.MULTILINE)))


# what is left alone


def test_what_the_image_has_is_not_installed(make):
    project = make(["torch>=2.4", "numpy>=1.26", "onnx"], any_pins=["numpy==2.4.6", "onnx==1.20.0"])
    plan = plan_of(project)
    assert plan.pins == () and call(project) == 'install("torch>=2.4", "numpy>=1.26", "onnx")'
    assert plan.satisfied == (
        ("torch>=2.4", "2.10.0+cu128"),
        ("numpy>=1.26", "2.0.2 (may have moved)"),
        ("onnx", "a version that is not known"),
    )


def test_a_local_version_is_the_version_that_it_is_a_build_of(make):
    assert plan_of(make(["torch==2.10.0", "torch<=2.10.0"])).pins == ()


def test_a_marker_is_judged_by_the_images_python_and_not_by_this_one(make):
    packages = [
        "absent; python_version < '3.12'",
        "absent2; sys_platform == 'win32'",
        "absent3; python_version>='3.13'",
    ]
    pins = ["absent==1", "absent2==1", "absent3==1"]
    assert plan_of(make(packages, any_pins=pins)).pins == ()
    assert "'absent; python_version" in refusal(make(["absent; python_version >= '3.12'"], any_pins=["absent==1"]))[0]


# what is pinned


def test_what_the_image_lacks_is_pinned_with_all_that_it_brings(make):
    packages = ["numpy>=1.26", "av>=14"]
    project = make(packages, pins=["av==19.0.2", "along==1.0"], any_pins=["av==19.0.2", "numpy==2.4.6"])
    assert call(project) == 'install("numpy>=1.26", "av>=14", pins=("av==19.0.2", "along==1.0"))'


def test_no_deps_go_in_apart_and_their_companions_stand_under_packages(make):
    pins = ["einops==0.8.2", "voxcpm==2.0.3  # no-deps"]
    project = make(["einops"], ["voxcpm>=2"], pins=pins, any_pins=pins)
    assert call(project) == 'install("einops", no_deps=("voxcpm>=2",), pins=("einops==0.8.2", "voxcpm==2.0.3"))'
    beside = outputs(project)["plain/ours/requirements.txt"].decode().split()
    assert beside == ["einops==0.8.2", "bare", "voxcpm==2.0.3"]


def test_where_the_image_is_not_known_everything_is_pinned_but_the_builds_of_torch(make):
    pins = ["numpy==2.4.6 ; python_full_version < '3.12'", "numpy==2.5.5 ; python_full_version >= '3.12'"]
    project = make(["torch>=2.4", "numpy>=1.26"], any_pins=pins)
    assert outputs(project)["plain/ours/requirements.txt"].decode().splitlines() == ["torch>=2.4", *pins]
    assert plan_of(project, "plain").without_pins == '"torch>=2.4", "numpy>=1.26"'


def test_a_version_that_nobody_published_fits_only_who_asks_for_none(make):
    project = make(["onnx>=1.16"], pins=["onnx==1.20.0"], any_pins=["onnx==1.20.0"])
    assert [str(pin) for pin in plan_of(project).pins] == ["onnx==1.20.0"]
    assert "no exact version yet" in refusal(make(["onnx>=1.16"], any_pins=["onnx==1.20.0"], **NO_LOCK))[0]


NO_LOCK = {"notebooks-src/locks/ours.listed.txt": None}


def test_what_an_extra_brings_is_for_the_lock_to_know(make):
    packages = ["transformers[torch]>=5"]
    assert "no exact version yet" in refusal(make(packages, any_pins=["transformers==5.1"]))[0]
    project = make(packages, pins=["accelerate==1.14.0"], any_pins=["transformers==5.1", "accelerate==1.14.0"])
    assert call(project) == 'install("transformers[torch]>=5", pins=("accelerate==1.14.0",))'


def test_a_notebook_without_packages_has_an_empty_plan(make):
    assert call(make(**{"notebooks-src/locks/ours.txt": None})) == "install()"


def test_a_list_is_read_only_where_a_notebook_has_packages(make):
    assert call(make(listed="<html>", **{"notebooks-src/locks/ours.txt": None})) == "install()"


# what is refused


@pytest.mark.parametrize("asked", ["torch>=2.11", "torch<2", "torch==2.10.0+cu126"])
def test_a_requirement_that_would_move_a_protected_package_names_both_versions_and_the_line(make, asked):
    assert refusal(make(["pillow", asked], any_pins=["pillow==11"]))[0].startswith(
        f"notebooks-src/ours.py:8: '{asked}' would move torch, which Plain is built around and has at 2.10.0+cu128 "
        "(platforms/listed/packages.txt:4)"
    )


def test_a_lock_that_would_move_a_protected_package_is_refused_with_both_versions(make):
    lines = refusal(make(["av"], pins=["av==19.0.2", "pillow==12.0.0"], any_pins=["av==19.0.2"]))
    assert lines == [
        "notebooks-src/locks/ours.listed.txt:5: would move pillow from 11.3.0 (platforms/listed/packages.txt:6) to "
        "12.0.0 for notebooks-src/ours.py, which Plain is built around"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "ours.py:7: 'av>=14' has no exact version yet"),
        (lock(["av==19.0.2"], ["av>=13"]), "ours.listed.txt:1: was made for other packages (av>=13 is gone)"),
        (lock(["av==19.0.2"], ["av>=14", "b"]), "ours.listed.txt:1: was made for other packages (b is gone)"),
        (lock(["av==19.0.2"], ["av>=14"], ["b"]), "ours.listed.txt:1: was made for other packages (b is gone)"),
        (
            lock(["av==19.0.2"], ["av>=14"], python="3.13"),
            "ours.listed.txt:1: was made for Python 3.13, and it is 3.12",
        ),
        (
            lock(["av==19.0.2"], ["av>=14"], image="x of 2026-01-01"),
            "ours.listed.txt:1: was made for image x of 2026-01",
        ),
        (lock(["along==1"], ["av>=14"]), "ours.py:7: 'av>=14' is not pinned in notebooks-src/locks/ours.listed.txt"),
        (lock(["av==13.0"], ["av>=14"]), "ours.listed.txt:4: av 13.0 is not what 'av>=14' (notebooks-src/ours.py:7)"),
        (lock(["av==19.0.2  # no-deps"], ["av>=14"]), "ours.py:7: 'av>=14' is not pinned"),
    ],
)
def test_a_lock_that_is_missing_or_does_not_fit_is_an_error_with_the_command(make, text, why):
    project = make(["av>=14"], any_pins=["av==19.0.2"], **{"notebooks-src/locks/ours.listed.txt": text})
    lines = refusal(project)
    assert len(lines) == 1 and why in lines[0]
    assert lines[0].endswith("run: python build.py lock ours --platform listed")


def test_a_lock_that_no_variant_wants_is_told(make):
    project = make(["numpy"], pins=["numpy==2.0.2"], any_pins=["numpy==2.4.6"])
    assert [str(w) for w in compile_all(project).warnings if "lock" in w.what] == [
        "notebooks-src/locks/ours.listed.txt: no variant wants this lock; `python build.py lock` removes it"
    ]


def test_a_notebook_that_needs_no_internet_installs_nothing(make):
    project = make(["av"], pins=["av==19.0.2"], any_pins=["av==19.0.2"], internet="none")
    assert refusal(project)[0].startswith("notebooks-src/ours.py:7: 'av' must be installed on Plain, and the needs say")


def test_a_package_stands_once(make):
    lines = refusal(make(["av"], ["AV>=1", "torch"], any_pins=["av==1"]))
    assert lines == [
        "notebooks-src/ours.py:9: 'av' stands under packages too; remove it from no_deps",
        "notebooks-src/ours.py:10: 'torch' never moves; remove it from no_deps",
    ]


def test_peft_beside_the_images_torchao_is_refused_until_a_newer_one_is_declared(make):
    (line,) = refusal(make(["peft>=0.18"], any_pins=["peft==0.20.0"]))
    assert line == (
        "notebooks-src/ours.py:7: peft 0.19.1 refuses to be imported beside torchao 0.10.0 of Plain; "
        "add 'torchao>=0.16' to the packages"
    )
    packages, pins = ["peft>=0.18", "torchao>=0.16"], ["torchao==0.18.0"]
    assert [str(p) for p in plan_of(make(packages, pins=pins, any_pins=["peft==0.20.0", *pins])).pins] == pins


def test_onnxruntime_for_another_cuda_is_refused(make):
    pins = ["onnxruntime-gpu==1.31.1"]
    (line,) = refusal(make(["onnxruntime-gpu"], pins=pins, any_pins=pins))
    assert "is built for CUDA 13" in line and line.endswith("ask for 'onnxruntime-gpu<1.27'")


def test_what_must_never_move_is_the_same_at_build_and_at_run_time():
    from session import install as at_run_time

    assert install.PROTECTED == at_run_time.PROTECTED
    assert set(install.PROTECTED) > install.BUILDS


def test_a_new_list_or_lock_is_a_new_build(make):
    from anylab import cache

    project = make(["av"], pins=["av==19.0.2"], any_pins=["av==19.0.2"])
    keys = [cache.key_of(project)]
    for name in ("platforms/listed/packages.txt", "notebooks-src/locks/ours.listed.txt"):
        path = project.root / name
        path.write_text(path.read_text() + "more==1\n")
        keys.append(cache.key_of(project))
    assert len(set(keys)) == 3


def test_the_stored_lists_are_read_and_agree_with_their_profiles():
    from anylab.platforms import load_all

    images = {p.id: p.image for p in load_all(ROOT / "platforms", "platforms")}
    listed = {name: image for name, image in images.items() if image}
    assert listed and len(listed) < len(images)
    for image in listed.values():
        assert len(image.packages) > 600 and all(image.packages[n].version for n in install.PROTECTED)
        assert locks.Made(image.python, "", (), ()).python.startswith("3.")
