"""The tiny collection compiles to the notebooks that are stored; a change of output shows as a diff in review.

To store new ones: python build.py build --sources tests/tiny/notebooks-src --out tests/tiny/golden
"""

import json

import pytest

from anylab.building import _targets
from anylab.compile import compile_all
from anylab.project import open_project
from tests.conftest import ROOT

TINY = ROOT / "tests" / "tiny"
GOLDEN = TINY / "golden"


@pytest.fixture(scope="module")
def tiny():
    return compile_all(open_project(ROOT, TINY / "notebooks-src", None, GOLDEN))


def test_the_tiny_collection_compiles_to_its_golden_files(tiny):
    built = {path.relative_to(GOLDEN).as_posix(): data for path, data in _targets(tiny)}
    stored = {p.relative_to(GOLDEN).as_posix(): p.read_bytes() for p in GOLDEN.rglob("*") if p.is_file()}
    assert sorted(built) == sorted(stored)
    assert [name for name in built if built[name] != stored[name]] == []


@pytest.mark.parametrize("name", ["foreign_old", "foreign_script", "foreign_myst"])
def test_a_foreign_notebook_goes_through_unharmed(tiny, name):
    import jupytext

    path = next((TINY / "notebooks-src").glob(f"{name}.*"))
    wanted = [(c.cell_type, c.source, c.get("attachments")) for c in jupytext.read(path).cells]
    if name == "foreign_script":  # jupytext alone turns these two comments into commands
        wanted = [(k, s.replace("\ncat the", "\n# cat the").replace("\n%s is", "\n# %s is"), a) for k, s, a in wanted]
    for pair in tiny.pairs:
        if pair.source.name == name:
            notebook = json.loads(dict(tiny.variant_files(pair))[pair.path])
            cells = [(c["cell_type"], "".join(c["source"]), c.get("attachments")) for c in notebook["cells"]]
            assert cells[1:] == wanted
            assert "Open in" in cells[0][1] and pair.platform.profile["open"]["upload"] in cells[0][1]


def test_a_foreign_notebook_keeps_its_gpu_and_loses_its_outputs(tiny):
    for pair in tiny.pairs:
        if pair.source.name == "foreign_old":
            text = dict(tiny.variant_files(pair))[pair.path].decode()
            assert "secret" not in text and "executionInfo" not in text and "L4" not in text
            assert "keep-me" in text
    assert tiny.shared.gpu >= {"foreign_old", "foreign_script"} and "foreign_myst" not in tiny.shared.gpu


def test_braces_of_foreign_notebooks_survive_and_ours_are_filled(tiny):
    texts = {p.path: dict(tiny.variant_files(p))[p.path].decode() for p in tiny.pairs}
    assert "{{ not_a_variable }} {% if x %}" in texts["colab/foreign_script.ipynb"]
    assert "## Story on Kaggle" in texts["kaggle/ours/ours.ipynb"]
