"""Finding things: what a project is made of, and what it never reads or writes."""

import pytest

from anylab.errors import Refused
from anylab.project import open_project
from tests.unit.helpers import HEAD, outputs, small_project, write


@pytest.mark.parametrize("out", ["notebooks-src", "notebooks-src/built", "platforms", "platforms/plain"])
def test_a_build_never_writes_among_its_inputs(project, out):
    with pytest.raises(Refused, match="which a build never writes to"):
        open_project(project.root, out=project.root / out)


@pytest.mark.parametrize(
    "link", ["notebooks-src/a.py", "notebooks-src/lib/kit/a.py", "platforms/plain/a", "platforms/new"]
)
def test_a_link_that_leaves_the_tree_is_refused_wherever_it_is(project, tmp_path, link):
    write(tmp_path, {"else/a.py": "x = 1\n"})
    (project.root / link).symlink_to(tmp_path / "else" / ("" if link.endswith("new") else "a.py"))
    with pytest.raises(Refused, match=f"^{link}: is a symbolic link"):
        outputs(project)


def test_a_link_in_the_projects_own_library_is_refused_for_other_sources_too(project, tmp_path):
    write(tmp_path, {"else.py": "x = 1\n", "project/other/a.py": "x = 1\n"})
    (project.root / "notebooks-src/lib/kit/a.py").symlink_to(tmp_path / "else.py")
    with pytest.raises(Refused, match="^notebooks-src/lib/kit/a.py: is a symbolic link"):
        outputs(open_project(project.root, project.root / "other"))


def test_a_link_to_a_neighbour_is_a_source_of_its_own(project):
    write(project.sources, {"theirs.py": "# %%\nx = 1\n"})
    (project.sources / "again.py").symlink_to("theirs.py")
    assert "plain/again.ipynb" in outputs(project)


def test_two_sources_of_one_name_are_refused(project):
    write(project.sources, {"ours.md": "# x\n"})
    with pytest.raises(Refused, match="notebooks-src/ours.py: has the same name as notebooks-src/ours.md"):
        outputs(project)


def test_a_picture_that_cannot_be_a_file_is_refused(tmp_path):
    ours = HEAD.replace("# ---\n\n", '#     picture: "a\\0b.png"\n# ---\n\n')
    with pytest.raises(Refused, match="^notebooks-src/ours.py:5: picture"):
        outputs(small_project(tmp_path, ours=ours))
