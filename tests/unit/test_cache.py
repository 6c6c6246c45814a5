"""An unchanged build costs nothing, and never believes what it has not looked at."""

import json
import sys

import pytest

from anylab import building, cache, write
from anylab.errors import Refused
from tests.unit.helpers import HEAD, PROFILE, WAY, small_project
from tests.unit.helpers import write as write_files


@pytest.fixture
def built(project):
    building.build(project)
    assert building.build(project).from_cache
    return project


CHANGES = {
    "notebooks-src/ours.py": HEAD + "# %%\nx = 2\n",
    "notebooks-src/new.py": "x = 1\n",
    "notebooks-src/lib/kit/sums.py": '"""Sums."""\ntotal = sum\n',
    "platforms/plain/platform.toml": PROFILE.format(forms="false").replace("Plain", "Plainer"),
    "platforms/plain/adapter.py": '"""Here."""\n',
    "platforms/plain/transport.py": '"""There."""\n',
    "platforms/way/platform.toml": WAY,
    "platforms/way/transport.py": '"""There."""\n',
    "platforms/plain/cells/setup.py.j2": "# %%\nx = 1\n",
    "platforms/plain/files/requirements.txt.j2": "numpy\n",
    "verified/a.toml": "",
    "pyproject.toml": '[tool.anylab]\nrepository = "someone/else"\n',
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_any_input_is_seen(built, name):
    from anylab.project import open_project

    key = cache.key_of(built)
    write_files(built.root, {name: CHANGES[name]})
    assert cache.key_of(open_project(built.root)) != key


@pytest.mark.parametrize(
    "name", ["notebooks-src/lib/kit/__pycache__/a.pyc", "platforms/plain/.hidden", "unrelated.txt"]
)
def test_what_no_build_reads_changes_no_key(built, name):
    write_files(built.root, {name: "x"})
    assert building.build(built).from_cache


@pytest.mark.parametrize("damage", ["", "changed", None])
def test_a_file_that_was_changed_on_disk_is_written_again(built, damage):
    target = built.out / "plain/ours.ipynb"
    good = target.read_bytes()
    target.unlink() if damage is None else target.write_text(damage)
    assert building.build(built).outcome.written == ["dist/plain/ours.ipynb"]
    assert target.read_bytes() == good


def test_a_stray_file_is_named_each_time(built):
    write_files(built.out, {"stray": "x"})
    assert [building.build(built).outcome.orphans, building.check(built).outcome.orphans] == [["dist/stray"]] * 2


@pytest.mark.parametrize(
    "stored",
    ["", "null", "[]", "{}", '{"key": "KEY"}', '{"key": "KEY", "outputs": [], "left_out": []}',
     '{"key": "KEY", "outputs": {"a": 1}, "left_out": []}', '{"key": "KEY", "outputs": {}, "left_out": [1]}', "\udc80"],
)  # fmt: skip
def test_a_broken_cache_is_a_miss(built, stored):
    key = cache.key_of(built)
    cache.file_of(built).write_text(stored.replace("KEY", key), encoding="utf-8", errors="surrogateescape")
    assert cache.load(built, key) is None
    assert not building.build(built).from_cache


def test_a_forged_cache_cannot_bless_a_file(built):
    target = built.out / "plain/ours.ipynb"
    target.write_text("forged")
    file = cache.file_of(built)
    assert json.loads(file.read_text())["outputs"][str(target)] != cache.sha256_of(target)
    assert building.check(built).drift


def test_a_cache_that_cannot_be_written_stops_no_build(project):
    write_files(project.root, {".anylab": "a file"})
    assert len(building.build(project).outcome.written) == 3


def test_an_unchanged_build_says_again_what_is_left_out(tmp_path):
    ours = (
        HEAD.replace("# ---\n\n", "#     platforms: [plain]\n# ---\n\n")
        + '# %% tags=["parameters"]\nQUICK_TEST = False\n'
    )
    project = small_project(tmp_path, ours=ours)
    first, second = building.build(project), building.build(project)
    assert second.from_cache and first.left_out == second.left_out == [
        "ours for forms: not among the platforms that it lists"
    ]
    assert building.check(project).left_out == first.left_out


def test_warnings_are_told_each_time(tmp_path):
    project = small_project(tmp_path, ours=HEAD + "# %%\nx = 1\n")
    assert [str(w).split(": ")[0] for _ in range(2) for w in building.build(project).warnings] == [
        "notebooks-src/ours.py:3"
    ] * 2


def test_a_link_that_leaves_the_tree_is_refused_whatever_the_cache_says(built, tmp_path):
    write_files(tmp_path, {"else.py": "x = 1\n"})
    (built.sources / "linked.py").symlink_to(tmp_path / "else.py")
    assert cache.key_of(built) == ""
    with pytest.raises(Refused, match="notebooks-src/linked.py: is a symbolic link that leaves the folder"):
        building.build(built)


def test_check_writes_nothing_below_dist(project):
    report = building.check(project)
    assert report.drift and all(diff == ["(missing)"] for diff in report.drift.values())
    assert not project.out.exists()


def test_check_names_each_file_that_differs_with_a_short_diff(built):
    target = built.out / "plain/ours.ipynb"
    target.write_text(target.read_text().replace("total", "totals"))
    drift = building.check(built).drift
    assert list(drift) == ["dist/plain/ours.ipynb"] and any("totals" in line for line in drift["dist/plain/ours.ipynb"])


def test_an_unchanged_build_imports_nothing_heavy(built):
    import subprocess

    code = (
        "import sys; from pathlib import Path; from anylab import building; from anylab.project import open_project; "
    )
    code += "assert building.build(open_project(Path(sys.argv[1]))).from_cache; "
    code += (
        "print([m for m in ('jupytext', 'jinja2', 'nbformat', 'jsonschema', 'yaml', 'filelock') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(built.root)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_shown_path_is_relative_inside_the_project_only(tmp_path):
    assert write.shown(tmp_path / "a/b", tmp_path) == "a/b"
    assert write.shown(tmp_path.parent / "c", tmp_path) == str(tmp_path.parent / "c")
