"""The reference notebooks still print what is stored in them, and nbval notices when they do not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NOTEBOOKS = sorted(HERE.glob("*.ipynb"))


def nbval(path):
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "--nbval", str(path)]
    env = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    return subprocess.run(command, cwd=HERE, env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_reference_notebook_prints_what_it_stores(path):
    done = nbval(path)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_reference_notebook_stores_outputs_and_comes_from_the_source_beside_it(path):
    """nbval passes a notebook that stores nothing, so that every print must have left its output here."""
    import jupytext

    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "print(" in "".join(cell["source"]):
            assert cell["outputs"], "".join(cell["source"])
    source = [cell.source for cell in jupytext.read(path.with_suffix(".py")).cells]
    assert source == ["".join(cell["source"]) for cell in notebook["cells"]]


def test_an_altered_output_fails():
    path = HERE / "altered_copy.ipynb"
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    output = next(o for c in notebook["cells"] for o in c.get("outputs", ()) if o.get("text"))
    output["text"] = ["not what it prints\n"]
    try:
        path.write_text(json.dumps(notebook), encoding="utf-8")
        done = nbval(path)
    finally:
        path.unlink()
    assert done.returncode == 1 and "1 failed" in done.stdout
