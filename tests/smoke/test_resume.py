"""A training run that was stopped goes on from its checkpoint when the notebook is run again."""

import json

from anylab.compile import compile_all
from anylab.project import open_project
from anylab.smoke import runner, standin
from tests.conftest import ROOT
from tests.smoke.test_variants import printed


def run_until_trained(tmp_path, shared_cache, before_training=""):
    """Run the local variant up to its training cell, twenty tiny steps; -> what its cells print."""
    compiled = compile_all(open_project(ROOT))
    pair = next(p for p in compiled.pairs if p.source.name == "graphmer_training" and p.platform.profile.get("here"))
    notebook = json.loads(dict(compiled.variant_files(pair))[pair.path])
    cells = notebook["cells"]
    training = next(i for i, c in enumerate(cells) if 'report.stage("training")' in "".join(c["source"]))
    cells[training]["source"] = [before_training, *cells[training]["source"]]
    notebook["cells"] = cells[: training + 1]
    there = standin.prepare(pair.platform, tmp_path, shared_cache)
    parameters = {"SIZE": "tiny", "STEPS": 20}
    verdict = runner.execute(json.dumps(notebook).encode(), parameters, there.cwd, there.env)
    assert verdict.fault == ""
    return printed(verdict.notebook)


PRESS_STOP_AT_STEP_10 = """
import os, signal
told_before = tell

def tell(line):
    told_before(line)
    if line["step"] == 10:
        os.kill(os.getpid(), signal.SIGINT)  # what Jupyter's stop button sends

"""


def test_the_stop_button_saves_and_the_next_run_goes_on(tmp_path, shared_cache):
    first = run_until_trained(tmp_path, shared_cache, PRESS_STOP_AT_STEP_10)
    assert "Stopped at step 10 and saved; Run all goes on from there" in first
    second = run_until_trained(tmp_path, shared_cache)
    assert "Going on from step 10 of 20" in second and "step    20  words" in second
    assert "Stopped" not in second
