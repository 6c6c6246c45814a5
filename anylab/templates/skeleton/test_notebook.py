"""The notebook __NAME__ runs on a stand-in of each of its platforms and leaves what it promises."""

from pathlib import Path

import pytest

from anylab.compile import compile_all
from anylab.project import find_root, open_project
from anylab.smoke import suite

COMPILED = compile_all(open_project(find_root(Path(__file__).parent)))
PAIRS = [pair for pair in COMPILED.pairs if pair.path and pair.source.name == "__NAME__"]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.platform.id)
def test___NAME___runs_and_leaves_its_files(pair, tmp_path):
    verdict = suite.one(COMPILED, pair, tmp_path, cache=None)
    assert not verdict.fault
    left = {path.name for path in tmp_path.rglob("__NAME__.*")}
    assert {"__NAME__.png", "__NAME__.csv"} <= left
