"""One variant of each platform in a real front end: every cell runs, pictures are there, no error is."""

import os

import pytest

from anylab.compile import compile_all
from anylab.project import open_project
from anylab.smoke import overlay, standin
from tests.conftest import ROOT
from tests.front import jupyterlab

COMPILED = compile_all(open_project(ROOT))
MADE = {(p.platform.id, p.source.name): p for p in COMPILED.pairs if p.path}
NAMES = sorted({name for _, name in MADE})
# a variant of each platform, the notebooks in turn
PAIRS = [MADE[platform, NAMES[i % len(NAMES)]] for i, platform in enumerate(sorted({id for id, _ in MADE}))]


@pytest.fixture(scope="module")
def browser():
    if jupyterlab.chromium() is None:
        assert not os.environ.get("CI"), "CI needs Chromium: apt-get install chromium"
        pytest.skip("no Chromium on this machine: apt-get install chromium, then these tests run")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.path)
def test_run_all_in_jupyterlab_ends_without_an_error_and_with_pictures(pair, browser, tmp_path, shared_cache):
    alone = overlay.bare(COMPILED, pair)  # what goes in without its dependencies, where the notebook has such
    there = standin.prepare(pair.platform, tmp_path, shared_cache)
    env = {**there.env, "PYTHONPATH": os.pathsep.join(map(str, filter(None, [there.env["PYTHONPATH"], alone])))}
    data = dict(COMPILED.variant_files(pair))[pair.path].replace(b"QUICK_TEST = False", b"QUICK_TEST = True")
    done = jupyterlab.run_all(data, there.cwd, env, tmp_path / "after.png")
    code = [c for c in done["notebook"]["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()]
    errors = [o["evalue"] for c in code for o in c["outputs"] if o["output_type"] == "error"]
    assert errors == [] and all(c["execution_count"] for c in code)
    pictures = [o for c in code for o in c["outputs"] if "image/png" in o.get("data", {})]
    assert len(pictures) >= 3 and done["pictures"] >= 1  # JupyterLab draws the cells that are near the screen
