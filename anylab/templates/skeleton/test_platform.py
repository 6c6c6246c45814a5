"""Every notebook that has a variant for __NAME__ compiles for it and names it; a stand-in of it is recognised."""

import json
from pathlib import Path

from anylab.compile import compile_all
from anylab.project import find_root, open_project
from anylab.smoke import standin

COMPILED = compile_all(open_project(find_root(Path(__file__).parent)))
PAIRS = [pair for pair in COMPILED.pairs if pair.platform.id == "__NAME__"]


def test___VARIABLE___compiles_or_says_why_not():
    assert PAIRS
    for pair in PAIRS:
        if pair.path:
            notebook = json.loads(dict(COMPILED.variant_files(pair))[pair.path])
            assert pair.platform.name in "".join(notebook["cells"][0]["source"])
        else:
            assert pair.reason


def test_its_standin_is_recognised_by_its_own_adapter(tmp_path, monkeypatch):
    there = standin.prepare(PAIRS[0].platform, tmp_path)
    for key, value in there.env.items():
        monkeypatch.setenv(key, value)
    scope = {}
    exec(PAIRS[0].platform.overlays["labkit.here"][0], scope)
    assert scope["am_i_here"]()
    assert scope["folders"]("job")["outputs"].is_relative_to(tmp_path)
