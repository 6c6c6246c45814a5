"""No tensor stays behind when the work goes to a card; see pretend.py for what that shows without one."""

import os
import re
import subprocess
import sys

import pytest
import torch

from tests.card.notebook import MARKED
from tests.card.pretend import CARD, Pretend
from tests.conftest import ROOT
from tests.library.voices import packages


def test_the_pretended_card_computes_learns_and_refuses_what_was_left_behind():
    layer, given = torch.nn.Linear(3, 2), torch.randn(4, 3)
    wanted = layer(given)
    with Pretend():
        layer.to(CARD)
        made = layer(given.to(CARD))
        made.sum().backward()
        torch.optim.AdamW(layer.parameters()).step()
        assert made.device == layer.weight.grad.device == CARD and torch.equal(made.cpu(), wanted)
        with pytest.raises(RuntimeError, match="on the card .* and not"):
            layer(given)
        with pytest.raises(RuntimeError, match="on the card .* and not"):
            torch.cat([made, torch.zeros(1, 2)])
        with pytest.raises(TypeError, match="no numpy"):
            made.detach().numpy()
        assert torch.tensor([1, 2], device=CARD).device == CARD
    assert torch.zeros(2).device.index is None


RUNS = [
    ("video_generation", ()), ("lip_sync", ()), ("voice_cloning", ()),
    pytest.param("video_generation", ('MODEL="wan-5b"',), marks=pytest.mark.everywhere),
    pytest.param("video_generation", ('MODEL="wan-1.3b"',), marks=pytest.mark.everywhere),
    pytest.param("video_generation", ('MODEL="ltx-2b"',), marks=pytest.mark.everywhere),
    pytest.param("graphmer_training", (), marks=pytest.mark.everywhere),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings"), RUNS)
def test_a_notebooks_quick_test_runs_on_the_card_alone(name, settings, tmp_path, shared_cache):
    if name in MARKED:
        packages()  # where they are not fetched, this says so
    places = [str(ROOT / "notebooks-src/lib"), str(ROOT)]
    env = {
        **os.environ, "ANYLAB_HOME": str(tmp_path), "ANYLAB_CACHE": str(shared_cache), "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join(places), "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.card.notebook", name, *settings]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "on the card" not in done.stdout.rpartition("\n[seconds]")[0], "no part of it failed and was told"
    assert int(re.search(r"(\d+) operations on the card", done.stdout)[1]) > 1000
    assert not re.search(r'verdict = "0 of', done.stdout)
