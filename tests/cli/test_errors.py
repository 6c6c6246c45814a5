"""Bad input: one line with file:line, what is wrong and what to do; exit code 2; dist stays as it was; no traceback."""

import hashlib
import json
import os
from pathlib import Path

import pytest

HEAD = "# ---\n# jupyter:\n#   anylab:\n#     title: A title\n{more}# ---\n\n"
OURS = HEAD.format(more="")


def front(line):
    return HEAD.format(more=f"#     {line}\n") + "# %%\nx = 1\n"


# (name, files to write, expected beginning of the line, words in it)
CASES = [
    ("unknown key", {"a.py": front("needz: 1")}, "notebooks-src/a.py:5", ["needz", "did you mean 'needs'"]),
    ("wrong type", {"a.py": front("jinja: 3")}, "notebooks-src/a.py:5", ["jinja", "true or false", "3"]),
    ("yaml 1.1 yes", {"a.py": front("jinja: yes")}, "notebooks-src/a.py:5", ["true or false", '"yes"']),
    ("minutes as clock", {"a.py": front("needs: {disk_gb: 12:30}")}, "notebooks-src/a.py:5", ["disk_gb", "number"]),
    ("unknown need", {"a.py": front("needs: {gpus: 1}")}, "notebooks-src/a.py:5", ["gpus", "did you mean 'gpu'"]),
    ("duplicate key", {"a.py": front("title: again")}, "notebooks-src/a.py:5", ["'title' is given twice"]),
    ("yaml syntax", {"a.py": front("packages: [a, b")}, "notebooks-src/a.py:5", ["not YAML"]),
    ("front matter left open", {"a.py": "# ---\n# jupyter:\n\nx = 1\n"}, "notebooks-src/a.py:1", ["no closing"]),
    ("misplaced table", {"a.py": "# ---\n# anylab:\n#   title: x\n# ---\n"}, "notebooks-src/a.py:2",
     ["under 'jupyter:'"]),
    ("unknown slot", {"a.py": OURS + '# %% slot="setpu"\nx = 1\n'}, "notebooks-src/a.py:7", ["setpu", "'setup'"]),
    ("unknown capability", {"a.py": OURS + '# %% [markdown] only_if="drvie"\n# x\n'}, "notebooks-src/a.py:7",
     ["drvie", "'drive'"]),
    ("only_if on code", {"a.py": OURS + '# %% only_if="drive"\nx = 1\n'}, "notebooks-src/a.py:7", ["markdown cells"]),
    ("unquoted option", {"a.py": OURS + "# %% slot=save\nx = 1\n"}, "notebooks-src/a.py:7", ["quotes"]),
    ("unknown option", {"a.py": OURS + "# %% colapse=true\nx = 1\n"}, "notebooks-src/a.py:7", ["'collapse'"]),
    ("undefined variable",
     {"a.py": HEAD.format(more="#     jinja: true\n") + "# %% [markdown]\n# one\n# {{ titel }}\n"},
     "notebooks-src/a.py:10", ["titel"]),
    ("template syntax", {"a.py": HEAD.format(more="#     jinja: true\n") + "# %% [markdown]\n# one\n# {% if %}\n"},
     "notebooks-src/a.py:10", ["template"]),
    ("two parameters cells", {"a.py": OURS + '# %% tags=["parameters"]\nA = 1\n\n# %% tags=["parameters"]\nB = 1\n'},
     "notebooks-src/a.py:11", ["second parameters cell", "line 8"]),
    ("settings not literal", {"a.py": OURS + '# %% tags=["parameters"]\nA = 1\nB = A * 2\n'}, "notebooks-src/a.py:9",
     ["one literal"]),
    ("default not an option", {"a.py": OURS + '# %% tags=["parameters"]\nA = "x"  #@param ["y", "z"]\n'},
     "notebooks-src/a.py:8", ["not among its options"]),
    ("code does not parse", {"a.py": OURS + "# %%\nx = 1\nif x\n    y = 2\n"}, "notebooks-src/a.py:9",
     ["does not parse"]),
    ("newer f-string", {"a.py": OURS + '# %%\nd = {}\nprint(f"{d["x"]}")\n'}, "notebooks-src/a.py:9", ["3.12"]),
    ("newer statement", {"a.py": OURS + "# %%\n\ntype X = int\n"}, "notebooks-src/a.py:", ["does not parse"]),
    ("comment that is a command", {"a.py": OURS + "# %%\nx = 1\n# cat the files first\n"}, "notebooks-src/a.py:9",
     ["'cat'"]),
    ("missing library package", {"a.py": front("embeds: [tinylip]")}, "notebooks-src/a.py:5", ["tinylip", "'tinylib'"]),
    ("missing library module", {"a.py": OURS + "# %%\nx = 1\nfrom tinylib import smus\n"}, "notebooks-src/a.py:9",
     ["tinylib.smus", "'tinylib.sums'"]),
    ("library as requirement", {"a.py": front("packages: [tinylib]")}, "notebooks-src/a.py:5", ["own library"]),
    ("bad requirement", {"a.py": front('packages: ["numpy >>> 1"]')}, "notebooks-src/a.py:5", ["PEP 508"]),
    ("unknown platform", {"a.py": front("platforms: [colab, kagle]")}, "notebooks-src/a.py:5", ["'kaggle'"]),
    ("title too long", {"a.py": OURS.replace("A title", "x" * 60) + "# %%\nx = 1\n"}, "notebooks-src/a.py:4",
     ["60", "50"]),
    ("missing picture", {"a.py": front("picture: no.png")}, "notebooks-src/a.py:5", ["no.png"]),
    ("two of one name", {"a.py": OURS, "a.md": "# x\n"}, "notebooks-src/a.", ["same name"]),
    ("bad name", {"My Notebook.py": OURS}, "notebooks-src/My Notebook.py", ["lower-case"]),
    ("not UTF-8", {"a.py": OURS.encode() + b"# %%\nx = '\xe9'\n"}, "notebooks-src/a.py:8", ["not UTF-8", "0xe9"]),
    ("title slot on code", {"a.py": OURS + '# %% slot="title"\nx = 1\n'}, "notebooks-src/a.py:7", ["markdown cell"]),
    ("collapse in quotes", {"a.py": OURS + '# %% collapse="yes"\nx = 1\n'}, "notebooks-src/a.py:7", ["true or false"]),
    ("misspelt table", {"a.py": "# ---\n# jupyter:\n#   anylabb:\n#     title: x\n# ---\n"}, "notebooks-src/a.py:3",
     ["did you mean 'anylab'"]),
    ("form type", {"a.py": OURS + '# %% tags=["parameters"]\nA = "z"  #@param {type:"integer"}\n'},
     "notebooks-src/a.py:8", ["does not fit"]),
    ("form bounds", {"a.py": OURS + '# %% tags=["parameters"]\nA = 50  #@param {type:"slider", min:0, max:10}\n'},
     "notebooks-src/a.py:8", ["not between 0 and 10"]),
    ("same title", {"a.py": OURS.replace("A title", "A tiny notebook – with a dash") + "# %%\nx = 1\n"},
     "notebooks-src/ours.py:4", ["same title as notebooks-src/a.py"]),
    ("hidden picture", {"a.py": front("picture: .h.png"), ".h.png": "x"}, "notebooks-src/a.py:5", [".h.png"]),
    ("slot twice", {"a.py": OURS + '# %% slot="setup"\nx = 1\n\n# %% slot="setup"\ny = 1\n'}, "notebooks-src/a.py:10",
     ["second slot 'setup'"]),
    ("bare magic", {"a.py": OURS + "# %%\n%timeit x\n"}, "notebooks-src/a.py:8", ["as a comment: # %timeit x"]),
    ("another language", {"a.ipynb": json.dumps({"cells": [], "nbformat": 4, "nbformat_minor": 4, "metadata":
     {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}})}, "notebooks-src/a.ipynb", ["speaks R"]),
    ("empty ipynb", {"a.ipynb": ""}, "notebooks-src/a.ipynb", ["empty"]),
    ("cut off ipynb", {"a.ipynb": '{"cells": [\n{"cell_type": "co'}, "notebooks-src/a.ipynb", ["not a notebook"]),
    ("not a notebook", {"a.ipynb": "[1, 2]"}, "notebooks-src/a.ipynb", ["not a notebook"]),
    ("empty library module", {"lib/tinylib/empty.py": ""}, "notebooks-src/lib/tinylib/empty.py", ["%%writefile"]),
    ("broken library module", {"lib/tinylib/bad.py": "x = 1\ndef f(:\n"}, "notebooks-src/lib/tinylib/bad.py:2",
     ["does not parse"]),
    ("hiding module", {"lib/tinylib/platform.py": "x = 1\n"}, "notebooks-src/lib/tinylib/platform.py:1", ["hides"]),
    ("profile syntax", {"../platforms/colab/platform.toml": 'name = "x"\norder = \n'},
     "platforms/colab/platform.toml:2", ["TOML"]),
    ("profile unknown key", {"../platforms/local/platform.toml": 'name = "x"\norder = 1\n\n[notebok]\na = 1\n'},
     "platforms/local/platform.toml:4", ["notebok", "'notebook'"]),
    ("profile not UTF-8", {"../platforms/local/platform.toml": b'name = "\xff"\n'}, "platforms/local/platform.toml:1",
     ["UTF-8"]),
    ("no profile", {"../platforms/new/adapter.py": "x = 1\n"}, "platforms/new/platform.toml", ["cannot be read"]),
    ("template variable", {"../platforms/local/cells/setup.py.j2": "# %%\nx = 1\ny = {{ nope }}\n"},
     "platforms/local/cells/setup.py.j2:3", ["nope"]),
    ("template error", {"../platforms/local/cells/setup.py.j2": "# %%\nx = 1\n{% endif %}\n"},
     "platforms/local/cells/setup.py.j2:3", ["template"]),
    ("template slot", {"../platforms/local/cells/setpu.py.j2": "# %%\nx = 1\n"}, "platforms/local/cells/setpu.py.j2",
     ["'setup'"]),
    ("bad requirement without dependencies", {"a.py": front('no_deps: ["numpy >>> 1"]')}, "notebooks-src/a.py:5",
     ["PEP 508"]),
    ("requirement by address", {"a.py": front('packages: ["x @ https://example.org/x.whl"]')}, "notebooks-src/a.py:5",
     ["an address"]),
    ("protected package moved", {"a.py": front('packages: ["numpy>=2.2"]')}, "notebooks-src/a.py:5",
     ["numpy>=2.2", "2.1.3", "Google Colab", "platforms/colab/packages.txt:"]),
    ("protected package moved elsewhere", {"a.py": front('packages: ["numpy>=2.1"]')}, "notebooks-src/a.py:5",
     ["numpy>=2.1", "2.0.2 (may have moved)", "Kaggle"]),
    ("no lock", {"a.py": front("packages: [av]")}, "notebooks-src/a.py:5",
     ["Google Colab lacks it", "run: python build.py lock a --platform colab"]),
    ("no lock where nobody lists", {"a.py": front("packages: [numpy]")}, "notebooks-src/a.py:5",
     ["notebooks-src/locks/a.txt", "run: python build.py lock a"]),
    ("stale lock", {"locks/ours.txt": "# python: 3.10\nnumpy==2.4.6\n"}, "notebooks-src/locks/ours.txt:1",
     ["was made for Python 3.10", "run: python build.py lock ours"]),
    ("broken lock", {"locks/ours.txt": "# python: 3.11 and newer\nnumpy>=2\n"}, "notebooks-src/locks/ours.txt:2",
     ["'numpy>=2' is no name==version"]),
    ("list is a page", {"../platforms/colab/packages.txt": "<!DOCTYPE html>\n<html>\n"},
     "platforms/colab/packages.txt:1", ["a web page", "plain text"]),
    ("list is binary", {"../platforms/colab/packages.txt": b"PK\x03\x04\x00\x00"}, "platforms/colab/packages.txt",
     ["binary"]),
    ("list is not UTF-8", {"../platforms/colab/packages.txt": b"numpy==1\n\xff\xfe"},
     "platforms/colab/packages.txt:2", ["UTF-8"]),
    ("list is empty", {"../platforms/colab/packages.txt": "# date: 2026-01-01\n"}, "platforms/colab/packages.txt",
     ["lists no package"]),
    ("list names one twice", {"../platforms/colab/packages.txt": "numpy==1\nNumPy==2\n"},
     "platforms/colab/packages.txt:2", ["'numpy' is listed twice (first in line 1)"]),
    ("list with garbage", {"../platforms/colab/packages.txt": "numpy==1\nwhat is this\n"},
     "platforms/colab/packages.txt:2", ["'what is this' is no package", "name==version"]),
    ("list without head", {"../platforms/colab/packages.txt": "numpy==1\n"}, "platforms/colab/packages.txt:1",
     ["no '# source: ...'"]),
    ("list of another Python", {"../platforms/colab/packages.txt":
     "# source: x\n# date: 2026-01-01\n# python: 3.9.1\nnumpy==1\n"}, "platforms/colab/platform.toml:4",
     ["3.13", "3.9.1"]),
    ("template gives bad Python", {"../platforms/local/cells/setup.py.j2": "# %%\nx = 1\nif x\n"},
     "platforms/local/cells/setup.py.j2:3", ["does not parse"]),
]  # fmt: skip


def snapshot(folder):
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """One project that builds; each case breaks it and mends it again."""
    import shutil
    import subprocess
    import sys

    from tests.conftest import ROOT

    root = tmp_path_factory.mktemp("errors") / "project"
    root.mkdir()
    for name in ("build.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    for name in ("anylab", "platforms"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("lib", "locks"):
        shutil.copytree(ROOT / "tests/tiny/notebooks-src" / name, root / "notebooks-src" / name)
    shutil.copy(ROOT / "tests/tiny/notebooks-src/ours.py", root / "notebooks-src/ours.py")
    subprocess.run([sys.executable, root / "build.py"], check=True, capture_output=True)
    return root


@pytest.mark.parametrize(("name", "files", "begins", "words"), CASES, ids=[case[0].replace(" ", "_") for case in CASES])
def test_it_is_one_line_that_names_the_place(built, anylab, name, files, begins, words):
    before, kept = snapshot(built / "dist"), {}
    for file, content in files.items():
        path = built / "notebooks-src" / file
        kept[path] = path.read_bytes() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        done = anylab("build", cwd=built)
    finally:
        for path, old in kept.items():
            path.unlink() if old is None else path.write_bytes(old)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert any(e.startswith(f"error: {begins}") and all(w in e for w in words) for e in errors), done.stderr
    assert snapshot(built / "dist") == before


def test_all_faults_are_told_at_once(built, anylab):
    (built / "notebooks-src/a.py").write_text(front("needz: 1"))
    (built / "notebooks-src/b.py").write_text(front("jinja: 3"))
    try:
        done = anylab("build", cwd=built)
    finally:
        (built / "notebooks-src/a.py").unlink()
        (built / "notebooks-src/b.py").unlink()
    assert "a.py:5" in done.stderr and "b.py:5" in done.stderr


def test_a_link_that_leaves_the_tree_is_refused(built, anylab, tmp_path):
    (tmp_path / "outside.py").write_text(OURS)
    link = built / "notebooks-src" / "linked.py"
    link.symlink_to(tmp_path / "outside.py")
    try:
        done = anylab("build", cwd=built)
    finally:
        link.unlink()
    assert done.returncode == 2 and "linked.py: is a symbolic link" in done.stderr


def test_an_output_that_is_a_file_is_refused(built, anylab, tmp_path):
    (tmp_path / "taken").write_text("mine")
    done = anylab("build", "--out", tmp_path / "taken", cwd=built)
    assert done.returncode == 2 and "is a file" in done.stderr and (tmp_path / "taken").read_text() == "mine"


def test_an_unwritable_output_folder_is_one_line(built, anylab, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):  # root writes everywhere but in /proc
        closed = Path("/proc/self")
    done = anylab("build", "--out", closed / "dist", cwd=built)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{closed}/dist: cannot be written" in done.stderr


def test_a_strangers_long_or_short_title_is_fitted_not_refused(built, anylab):
    long, short = built / "notebooks-src/long.py", built / "notebooks-src/x.py"
    long.write_text("# %% [markdown]\n# # Fine-tuning a large language model with LoRA and PEFT on a single GPU\n")
    short.write_text("# %%\n1\n")
    try:
        done = anylab("build", cwd=built)
        push = [json.loads((built / f"dist/kaggle/{n}/kernel-metadata.json").read_text()) for n in ("long", "x")]
    finally:
        long.unlink()
        short.unlink()
        anylab("build", cwd=built)
    assert done.returncode == 0, done.stderr
    assert [p["title"] for p in push] == ["Fine-tuning a large language model with LoRA and", "X notebook"]


def test_a_foreign_source_that_does_not_parse_is_a_warning(built, anylab):
    path = built / "notebooks-src/foreign.py"
    path.write_text("# %%\nif x\n")
    try:
        done = anylab("build", cwd=built)
    finally:
        path.unlink()
    assert done.returncode == 0 and "warning: notebooks-src/foreign.py:2" in done.stderr


def test_a_broken_pyproject_is_one_line(built, anylab):
    path = built / "pyproject.toml"
    old = path.read_text()
    path.write_text(old.replace('repository = "anylab-notebooks/anylab"', 'repository = "nowhere"'))
    try:
        done = anylab("build", cwd=built)
    finally:
        path.write_text(old)
    assert done.returncode == 2 and "OWNER/NAME" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "nope"], "no such notebook"),
        (["build", "--platform", "nope"], "no such platform"),
        (["bild"], "No such command 'bild'"),
        (["home", "nowhere"], "OWNER/NAME"),
        (["new", "Bad-Name"], "lower-case"),
        (["new", "ours"], "already"),
        (["new", "import"], "would hide"),
        (["new", "json"], "would hide"),
        (["new", "tinylib"], "would hide"),
        (["build", "--out", "."], "holds the project itself"),
        (["new-platform", "colab"], "already"),
        (["build", "--sources", "no/such"], "no such folder"),
        (["run", "nope"], "no such notebook"),
        (["run", "ours", "-p", "AA", "1"], "did you mean 'A'"),
        (["run", "ours", "-p", "A", "x"], "like its default"),
        (["smoke", "nope"], "no such notebook"),
        (["lock", "nope"], "no such notebook"),
        (["lock", "--platform", "colap"], "no such platform; did you mean 'colab'?"),
        (["drift", "build.py", "--platform", "colap"], "no such platform; did you mean 'colab'?"),
        (["drift", "build.py", "--platform", "local"], "has no packages.txt to compare with"),
        (["drift", "nope.txt", "--platform", "colab"], "nope.txt: cannot be read"),
        (["drift", "build.py", "--platform", "colab"], "is no package"),
        (["drift", "build.py"], "--platform"),
    ],
)
def test_a_wrong_word_on_the_command_line_exits_with_2(built, anylab, arguments, words):
    done = anylab(*arguments, cwd=built)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["run"], ["smoke", "-p", "colab"]])
def test_a_package_that_is_missing_is_named_with_the_command(built, anylab, command):
    lock = (
        "# python: {}\n# image: {}\n# for: no-such-package-at-all>=2\n# for: numpy>=1\n# for, no-deps: no-such-one>=1\n"
    )
    pins = "no-such-package-at-all==2.0\nno-such-one==1.0  # no-deps\n"
    lists = "platforms/{}/packages.txt of {}"
    files = {
        "a.py": front(
            'needs: {internet: required}\n#     packages: ["no-such-package-at-all>=2", "numpy>=1"]\n'
            "#     no_deps: [no-such-one>=1]"
        ),
        "locks/a.txt": lock.format("3.11 and newer", "unknown: everything is pinned") + pins + "numpy==2.4.6\n",
        "locks/a.colab.txt": lock.format("3.13", lists.format("colab", "2026-08-19")) + pins,
        "locks/a.kaggle.txt": lock.format("3.12", lists.format("kaggle", "2026-08-12")) + pins,
    }
    for name, content in files.items():
        (built / "notebooks-src" / name).write_text(content)
    try:
        done = anylab(command[0], "a", *command[1:], cwd=built)
    finally:
        for name in files:
            (built / "notebooks-src" / name).unlink()
    assert done.returncode == 2
    assert 'notebooks-src/a.py:6: to run it here, install what is missing: pip install "no-such-package-at-all>=2"' in (
        done.stderr
    )
    if command[0] == "run":  # on a stand-in these come from a folder of their own
        assert 'a.py:7: to run it here, install what is missing: pip install --no-deps "no-such-one>=1"' in done.stderr


def test_the_manifest_lists_the_variants(built):
    assert {v["platform"] for v in json.loads((built / "dist/manifest.json").read_text())["variants"]} >= {"colab"}
