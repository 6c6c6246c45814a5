"""What all tests share: the project, compiled once, and the library on the path as a notebook has it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks-src" / "lib"))
# small projects that tests make find what `python build.py overlays` has fetched for this one
os.environ.setdefault("ANYLAB_OVERLAYS", str(ROOT / ".anylab" / "overlays"))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads that wait for each other suffer on a busy machine


def pytest_xdist_auto_num_workers(config):
    """One process more than there are cores: each waits a fifth of its time for a kernel, a browser, or a kill."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def compiled():
    """The whole project, compiled in memory."""
    from anylab.compile import compile_all
    from anylab.project import open_project

    return compile_all(open_project(ROOT))


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache folder for all runs of these tests: the knowledge graph is built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def anylab():
    """Run the command line as a user does: `anylab("check", cwd=...)` -> CompletedProcess with text."""

    def run(*arguments, cwd=ROOT, env=None, script=None):
        command = [sys.executable, str(script or Path(cwd) / "build.py"), *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture
def project_copy(tmp_path):
    """A small project of its own, with the tiny collection as its sources, to be changed and broken."""
    import shutil

    root = tmp_path / "project"
    root.mkdir()
    for name in ("build.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "anylab", root / "anylab", ignore=ignore)
    shutil.copytree(ROOT / "platforms", root / "platforms", ignore=ignore)
    shutil.copytree(ROOT / "tests" / "tiny" / "notebooks-src", root / "notebooks-src", ignore=ignore)
    return root
