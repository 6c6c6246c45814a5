"""Fixtures of the unit tests: read a source from its text, and a small project to build."""

import pytest

from anylab import source
from anylab.errors import Refused
from tests.unit.helpers import small_project


@pytest.fixture
def read(tmp_path):
    """read("# %% ...", ".py") -> Source; a Refused is raised through."""

    def run(content, suffix=".py", name="x"):
        path = tmp_path / (name + suffix)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return source.read(path, f"src/{path.name}")

    return run


@pytest.fixture
def refusal(read):
    """refusal(text) -> the printed problems of a source that must be refused."""

    def run(content, suffix=".py"):
        with pytest.raises(Refused) as caught:
            read(content, suffix)
        return "\n".join(map(str, caught.value.problems))

    return run


@pytest.fixture
def project(tmp_path):
    """A project with one platform, one library package and one source of our own."""
    return small_project(tmp_path / "project")
