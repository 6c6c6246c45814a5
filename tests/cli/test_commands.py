"""The commands as a user meets them: what they write, say and return."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

HEAVY = ("torch", "papermill", "nbconvert", "nbclient", "jupyter_client", "ipykernel", "matplotlib", "numpy", "tornado")


def imported_by(cwd, *arguments):
    """The modules that a command has loaded when it ends."""
    code = f"""
import sys
sys.path.insert(0, {str(cwd)!r})
from pathlib import Path
from anylab.cli import main
try:
    main({list(arguments)!r}, obj=Path({str(cwd)!r}))
except SystemExit as end:
    assert not end.code, end.code
print("MODULES " + " ".join(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("MODULES ")[2].split())


def test_a_build_says_what_it_wrote_and_an_unchanged_one_touches_nothing(project_copy, anylab):
    first = anylab(cwd=project_copy)
    assert first.returncode == 0 and first.stdout.splitlines()[-1].endswith(" written, 0 unchanged, 0 left out")
    before = {p: p.stat().st_mtime_ns for p in (project_copy / "dist").rglob("*")}
    second = anylab("build", cwd=project_copy)
    assert second.stdout.splitlines()[-1] == f"0 written, {first.stdout.count('wrote')} unchanged, 0 left out"
    assert before == {p: p.stat().st_mtime_ns for p in (project_copy / "dist").rglob("*")}


def test_no_build_loads_a_kernel_or_a_framework(project_copy):
    cold = imported_by(project_copy, "build")
    assert "jupytext" in cold and not cold & set(HEAVY)
    unchanged = imported_by(project_copy, "build")
    assert not unchanged & {"jupytext", "jinja2", "yaml", "nbformat", "jsonschema", "rich", *HEAVY}


def test_check_names_what_differs_with_a_short_diff_and_exits_with_1(project_copy, anylab):
    anylab(cwd=project_copy)
    assert anylab("check", cwd=project_copy).returncode == 0
    path = project_copy / "dist/colab/ours.ipynb"
    path.write_text(path.read_text().replace("Adds two numbers", "Adds three numbers"))
    (project_copy / "dist/mine.txt").write_text("x")
    done = anylab("check", cwd=project_copy)
    assert done.returncode == 1
    assert "differs   dist/colab/ours.ipynb" in done.stdout and "Adds three numbers" in done.stdout
    assert "orphan    dist/mine.txt" in done.stdout and "1 differ, 1 orphans" in done.stdout
    again = anylab(cwd=project_copy)
    assert "wrote     dist/colab/ours.ipynb" in again.stdout and (project_copy / "dist/mine.txt").exists()


def test_check_believes_no_manifest_and_no_cache(project_copy, anylab):
    """The same bytes are hashed on disk, whatever the manifest and the cache say."""
    import hashlib

    anylab(cwd=project_copy)
    path = project_copy / "dist/local/ours/ours.ipynb"
    path.write_bytes(path.read_bytes().replace(b"Adds two", b"Adds 222"))
    manifest = project_copy / "dist/manifest.json"
    data = json.loads(manifest.read_text())
    for entry in data["variants"]:
        if entry["path"] == "local/ours/ours.ipynb":
            entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(data))
    done = anylab("check", cwd=project_copy)
    assert done.returncode == 1 and "local/ours/ours.ipynb" in done.stdout and "manifest.json" in done.stdout


def test_a_platform_limits_what_is_written_and_nothing_else(project_copy, anylab, tmp_path):
    done = anylab("build", "ours", "--platform", "kaggle", "--out", tmp_path / "out", cwd=project_copy)
    written = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert done.returncode == 0 and written == ["kaggle/ours/kernel-metadata.json", "kaggle/ours/ours.ipynb"]
    anylab("build", "--out", tmp_path / "all", cwd=project_copy)
    assert (tmp_path / "all/kaggle/ours/ours.ipynb").read_bytes() == (
        tmp_path / "out/kaggle/ours/ours.ipynb"
    ).read_bytes()


def test_a_source_that_goes_away_takes_its_variants_along(project_copy, anylab):
    anylab(cwd=project_copy)
    (project_copy / "notebooks-src/foreign_old.ipynb").unlink()
    edited = project_copy / "dist/colab/foreign_old.ipynb"
    edited.write_text(edited.read_text() + " ")
    done = anylab(cwd=project_copy)
    assert "removed   dist/kaggle/foreign_old/foreign_old.ipynb" in done.stdout
    assert edited.exists() and "orphan    dist/colab/foreign_old.ipynb" in done.stderr


def test_other_sources_tried_out_remove_nothing_of_the_projects_own(project_copy, anylab, tmp_path):
    anylab(cwd=project_copy)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/tried.py").write_text("# %%\nx = 1\n")
    done = anylab("build", "--sources", tmp_path / "mine", cwd=project_copy)
    assert done.returncode == 0 and "removed" not in done.stdout
    assert (project_copy / "dist/kaggle/ours/ours.ipynb").exists()


def test_list_says_why_a_pair_is_left_out(project_copy, anylab):
    path = project_copy / "notebooks-src/ours.py"
    path.write_text(path.read_text().replace("gpu: optional, gpu_memory_gb: 2", "gpu: required, gpu_memory_gb: 24"))
    done = anylab("list", cwd=project_copy)
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert "needs 24 GB of GPU memory" in text and "13 variants, 3 left out" in text
    built = anylab(cwd=project_copy)
    assert "left out  ours for kaggle: needs 24 GB of GPU memory, the platform has 15.6" in built.stdout
    assert not (project_copy / "dist/kaggle/ours").exists() and (project_copy / "dist/local/ours").exists()


def test_home_points_every_badge_at_the_new_repository(project_copy, anylab):
    assert anylab("home", "someone/else", "--branch", "a/b", cwd=project_copy).returncode == 0
    text = (project_copy / "dist/colab/ours.ipynb").read_text()
    assert "github/someone/else/blob/a%2Fb/dist/colab/ours.ipynb" in text and "anylab-notebooks" not in text


def test_home_writes_into_its_own_table_or_not_at_all(project_copy, anylab):
    path = project_copy / "pyproject.toml"
    path.write_text(path.read_text().replace("[tool.anylab]\nrepository", '[tool.anylab] # home\n"repository"'))
    assert anylab("home", "someone/else", cwd=project_copy).returncode == 0
    text = path.read_text()
    assert text.count("someone/else") == 1 and '[tool.anylab] # home\nrepository = "someone/else"' in text


def test_a_release_needs_a_home_that_is_the_git_remote(project_copy, anylab):
    anylab(cwd=project_copy)
    git = ["git", "-C", str(project_copy)]
    subprocess.run([*git, "init", "-q"], check=True)
    assert "no git remote" in anylab("check", "--release", cwd=project_copy).stdout
    subprocess.run([*git, "remote", "add", "origin", "/somewhere/else"], check=True)
    assert "is not on GitHub" in anylab("check", "--release", cwd=project_copy).stdout
    subprocess.run([*git, "remote", "set-url", "origin", "git@github.com:someone/fork.git"], check=True)
    done = anylab("check", "--release", cwd=project_copy)
    assert done.returncode == 1 and "python build.py home someone/fork" in done.stdout
    anylab("home", "someone/fork", cwd=project_copy)
    assert anylab("check", "--release", cwd=project_copy).returncode == 0
    anylab("home", "your-name/your-repo", cwd=project_copy)
    assert "placeholder" in anylab("check", "--release", cwd=project_copy).stdout


def test_the_readme_gets_its_table_and_keeps_its_words(project_copy, anylab):
    readme = project_copy / "README.md"
    readme.write_text("# Mine\n\n<!-- anylab: notebooks -->\nstale words\n<!-- anylab: end -->\n\nmy words {{ x }}\n")
    anylab(cwd=project_copy)
    text = readme.read_text()
    assert text.startswith("# Mine\n") and text.endswith("my words {{ x }}\n") and "stale words" not in text
    assert "dist/kaggle/ours/ours.ipynb" in text and "not yet run on real hardware" in text
    assert anylab("check", cwd=project_copy).returncode == 0


def test_a_run_report_shows_in_the_readme_and_in_the_first_cell(project_copy, anylab):
    (project_copy / "README.md").write_text("<!-- anylab: notebooks -->\n<!-- anylab: end -->\n")
    (project_copy / "verified").mkdir()
    report = (
        'notebook = "ours"\nplatform = "colab"\nversion = "0.1.0+1"\ndate = "2026-11-20"\nverdict = "ran"\ngpu = "T4"\n'
    )
    (project_copy / "verified/ours.toml").write_text(report)
    anylab(cwd=project_copy)
    assert "2026-11-20, T4, version 0.1.0+1: ran" in (project_copy / "README.md").read_text()
    assert "2026-11-20, T4, version 0.1.0+1: ran" in (project_copy / "dist/colab/ours.ipynb").read_text()
    for gpu, seen in (("", "unknown hardware"), ('gpu = "none"\n', "a CPU"), ('gpu = "T4 | <b>"\n', "T4    b ")):
        (project_copy / "verified/ours.toml").write_text(report.replace('gpu = "T4"\n', gpu))
        assert anylab(cwd=project_copy).returncode == 0
        assert f"2026-11-20, {seen}, version" in (project_copy / "README.md").read_text()
    for wrong, words in ((("2026-11-20", "2026-11-31"), "is no date"), (("ours", "hours"), "did you mean 'ours'")):
        (project_copy / "verified/ours.toml").write_text(report.replace(*wrong))
        assert words in anylab(cwd=project_copy).stderr
    (project_copy / "verified/ours.toml").write_text(report.replace("date", "dote"))
    done = anylab(cwd=project_copy)
    assert done.returncode == 2 and "verified/ours.toml" in done.stderr and "'date'" in done.stderr


def test_new_and_new_platform_leave_what_builds_and_passes(project_copy, anylab):
    import shutil

    for path in (project_copy / "notebooks-src").glob("*.*"):
        path.unlink()
    shutil.rmtree(project_copy / "notebooks-src/lib")
    shutil.copytree(ROOT / "notebooks-src/lib", project_copy / "notebooks-src/lib")
    assert anylab("new", "my_demo", cwd=project_copy).returncode == 0
    assert anylab("new-platform", "my-lab", cwd=project_copy).returncode == 0
    assert anylab(cwd=project_copy).returncode == 0
    assert (project_copy / "dist/my-lab/my_demo.ipynb").is_file()
    command = [sys.executable, "-m", "pytest", "-q", "tests"]
    env = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    done = subprocess.run(command, cwd=project_copy, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "7 passed" in done.stdout, done.stdout[-2000:]


def test_the_installed_command_is_the_same_front_door(anylab):
    done = subprocess.run([sys.executable, "-c", "from anylab.cli import main; main(['--help'])"],
                          cwd=ROOT / "docs", capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0
    for command in ("build", "check", "list", "run", "smoke", "new", "new-platform", "lock", "drift", "home"):
        assert f"  {command}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["drift", "x"], "Missing option '--platform'"),
        (["publish", "kaggle"], "Missing argument 'NOTEBOOK'"),
        (["where", "ours", "x"], "'x' is not a valid integer"),
        (["nope"], "No such command 'nope'"),
        (["--nope"], "No such option"),
    ],
)
def test_a_wrong_use_is_one_line(project_copy, anylab, arguments, words):
    done = anylab(*arguments, cwd=project_copy)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and words in done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("--help\n") and not done.stdout


def test_list_notes_the_platforms_whose_image_nobody_lists(project_copy, anylab):
    (project_copy / "platforms/kaggle/packages.txt").unlink()
    told = [line for line in anylab("list", cwd=project_copy).stdout.splitlines() if line.startswith("note: ")]
    assert [line.split(":")[1].strip() for line in told] == [
        f"platforms/{p}" for p in ("kaggle", "studio-lab", "local")
    ]
    assert all("unknown image (no packages.txt)" in line for line in told)
