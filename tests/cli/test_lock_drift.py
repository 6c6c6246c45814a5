"""`drift` and `lock` as a user meets them, without a network."""

import re

import pytest


@pytest.fixture
def newer(project_copy, tmp_path):
    """newer(**{package: version or None}) -> the stored list of a platform with these changes, as a freeze."""

    def run(**changes):
        stored = (project_copy / "platforms/colab/packages.txt").read_text().split("\n")
        changes = {name.replace("_", "-"): version for name, version in changes.items()}
        lines = [line for line in stored if line.partition("==")[0] not in changes and not line.startswith("#")]
        path = tmp_path / "newer.txt"
        path.write_text("\n".join([*lines, *(f"{n}=={v}" for n, v in changes.items() if v)]) + "\n")
        return path

    return run


def drift(anylab, project, path):
    return anylab("drift", path, "--platform", "colab", cwd=project)


def test_the_same_list_puts_nothing_at_risk(project_copy, anylab, newer):
    done = drift(anylab, project_copy, newer())
    assert done.returncode == 0, done.stderr
    assert "0 moved, 0 gone, 0 new" in done.stdout and done.stdout.endswith("no notebook is at risk\n")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"tokenizers": "1.0.0"},
            r"at risk   ours: 'tokenizers>=0.20,<1; .*' is no longer satisfied \(0.22.2 -> 1.0.0\)",
        ),
        ({"tokenizers": None}, r"at risk   ours: 'tokenizers.*' is no longer satisfied \(0.22.2 -> missing\)"),
        ({"numpy": "3.0.1"}, r"at risk   ours: numpy moved by a major version \(2.1.3 -> 3.0.1\)"),
    ],
)
def test_a_notebook_at_risk_is_named_with_the_versions(project_copy, anylab, newer, changes, line):
    done = drift(anylab, project_copy, newer(**changes))
    assert done.returncode == 1 and re.search(line, done.stdout), done.stdout + done.stderr
    assert done.stdout.endswith("at risk: ours\n")


def test_what_no_notebook_asks_for_may_move(project_copy, anylab, newer):
    done = drift(anylab, project_copy, newer(torch="3.0.0+cu140", gradio="7.0", jax=None, extra="1"))
    assert done.returncode == 0 and "2 moved, 1 gone, 1 new" in done.stdout


def test_what_gets_better_is_told_and_is_no_risk(project_copy, anylab, newer):
    path = project_copy / "notebooks-src/ours.py"
    path.write_text(path.read_text().replace('"numpy>=1.26"', '"numpy>=1.26", "av>=14"'))
    done = drift(anylab, project_copy, newer(av="19.0.2"))
    assert done.returncode == 0 and "better    ours: 'av>=14' is satisfied now (missing -> 19.0.2)" in done.stdout
    done = drift(anylab, project_copy, newer(av="19.0.2", torch="3.0.0"))
    assert "at risk   ours: torch moved by a major version (2.11.0+cu128 -> 3.0.0)" in done.stdout, (
        "its pins fitted the old"
    )


def test_locks_that_nothing_wants_are_removed_and_what_cannot_move_is_refused_before_asking(project_copy, anylab):
    path = project_copy / "notebooks-src/ours.py"
    path.write_text(path.read_text().replace('"numpy>=1.26"', '"numpy>=2.2"'))
    done = anylab("lock", cwd=project_copy)
    assert done.returncode == 2 and "would move numpy" in done.stderr and "Traceback" not in done.stderr
    path.unlink()
    done = anylab("lock", cwd=project_copy)
    assert done.returncode == 0 and done.stdout == "removed   notebooks-src/locks/ours.txt (nothing wants it)\n"
    assert not (project_copy / "notebooks-src/locks/ours.txt").exists()


def test_another_python_and_what_is_not_known_are_a_risk(project_copy, anylab, newer):
    lock = project_copy / "notebooks-src/locks/ours.colab.txt"
    stored = (project_copy / "platforms/colab/packages.txt").read_text()
    python = next(line for line in stored.split("\n") if line.startswith("# python:")).split()[-1]
    minor = python.rpartition(".")[0]
    lock.write_text(f"# python: {minor}\n# image: x\nav==14.0\n")
    same = newer()
    assert drift(anylab, project_copy, same).returncode == 0  # a freeze tells no Python
    same.write_text("# python: 3.99.1\n" + same.read_text())
    done = drift(anylab, project_copy, same)
    assert done.returncode == 1 and f"ours.colab.txt is for Python {minor}, and the list has 3.99" in done.stdout
    assert "made anew by python build.py lock ours --platform colab" in done.stdout
    path = newer(av="14.0")
    done = drift(anylab, project_copy, path)
    assert "better    ours: notebooks-src/locks/ours.colab.txt:3: av 14.0 is there already" in done.stdout
    done = drift(anylab, project_copy, newer(av="15.0"))
    assert done.returncode == 1 and "av 14.0 was chosen beside another version (missing -> 15.0)" in done.stdout
    path = newer(tokenizers=None)
    path.write_text(path.read_text() + "tokenizers\n")
    done = drift(anylab, project_copy, path)
    assert done.returncode == 1 and "cannot be judged: the newer list names no version" in done.stdout


def test_a_notebook_without_its_lock_is_not_called_safe(project_copy, anylab, newer):
    path = project_copy / "notebooks-src/ours.py"
    path.write_text(path.read_text().replace('"numpy>=1.26"', '"numpy>=1.26", "av>=14"'))
    done = drift(anylab, project_copy, newer())
    assert done.returncode == 1 and "ours: is not pinned for colab at all" in done.stdout


def test_a_requirement_that_does_not_parse_is_refused(project_copy, anylab, newer):
    path = project_copy / "notebooks-src/ours.py"
    path.write_text(path.read_text().replace('"numpy>=1.26"', '"numpy=>2"'))
    done = drift(anylab, project_copy, newer())
    assert done.returncode == 2 and "notebooks-src/ours.py:9: 'numpy=>2' is not a requirement" in done.stderr
