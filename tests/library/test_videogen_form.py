"""videogen.form: without gradio a sentence; with Gradio 5 and 6, installed for this test, the form makes a clip."""

import os
import shutil
import subprocess
import sys

import pytest
from labkit import Stop
from videogen import form

from tests.conftest import ROOT

PLAYED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np
from gradio_client import Client
from videogen import film, form

place, asked = Path(sys.argv[2]), []

def make(prompt, style, seed, image, cancel, tell):
    asked.append((prompt, style, seed, image))
    tell("denoise", 1, 3)
    if prompt == "bad":
        raise RuntimeError("the prompt is bad")
    frames = np.random.default_rng(0).integers(0, 255, (9, 64, 64, 3)).astype("uint8")
    return film.write(frames, place / "c.mp4", 16), "good"

page = form.build(make, True)
form.launch(page, place)
client = Client(page.local_url, verbose=False)
made, words = client.predict("a cat", "clay", 3, None, api_name="/make")
made = made["video"] if isinstance(made, dict) else made
assert made.endswith("c.mp4") and words == "good"
assert client.predict("bad", "none", 0, None, api_name="/make")[1] == "the prompt is bad"
assert asked == [("a cat", "clay", 3, None), ("bad", "none", 0, None)] and page.share_url is None
print("played")
"""


def test_without_gradio_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)  # as where it is not installed
    with pytest.raises(Stop, match="the form needs gradio"):
        form.build(lambda *_: None)


@pytest.mark.forms
@pytest.mark.parametrize("version", ["5.50.0", "6.24.0"])  # Kaggle's and Colab's
def test_the_form_makes_a_clip_and_shows_what_went_wrong(version, tmp_path):
    uv = shutil.which("uv") or "uv"
    site = tmp_path / "site"
    subprocess.run([uv, "pip", "install", "-q", "--target", site, f"gradio=={version}"], check=True)
    (tmp_path / "played.py").write_text(PLAYED)
    command = [sys.executable, tmp_path / "played.py", ROOT / "notebooks-src" / "lib", tmp_path]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True)
    assert done.stdout.strip().endswith("played"), done.stderr[-2000:]
