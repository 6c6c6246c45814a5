"""Weights from a hub on loopback, through the real client: whole, resumed, offline, and each lack in one sentence.

The client reads HF_ENDPOINT when it is imported, so each case is a process of its own, as a notebook's kernel is.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from anylab.smoke.hub import Hub
from tests.conftest import ROOT

REPO = "tiny/model"
SCRIPT = """
import json, sys
from pathlib import Path
from labkit import Stop, storage
from session import weights
weights._PAUSE = 0.01
{prelude}
folders = storage.Folders(*map(Path, ("work", "outputs", "cache")), kept=True)
try:
    found = weights.fetch({repo!r}, {revision!r}, folders, {patterns!r})
except Stop as stop:
    print("STOP", stop)
else:
    files = sorted(str(p.relative_to(found.folder)) for p in found.folder.rglob("*") if p.is_file())
    print(json.dumps([found.commit, found.size, files]))
"""


# the client writes 10 MB at a time, and these files are small
SMALL_CHUNKS = "import huggingface_hub.constants\nhuggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = 65536\n"


@pytest.fixture
def repo(tmp_path):
    folder = tmp_path / "repo"
    (folder / "vae").mkdir(parents=True)
    (folder / "config.json").write_text('{"a": 1}')
    (folder / "vae" / "model-00001-of-00002.safetensors").write_bytes(os.urandom(50_000))
    (folder / "vae" / "model-00002-of-00002.safetensors").write_bytes(os.urandom(300_000))
    return folder


def fetch(hub, tmp_path, revision="unverified", patterns=("*",), repo=REPO, prelude="", token=""):
    lib = str(ROOT / "notebooks-src/lib")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": lib, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    env |= {**hub.env, **({"HF_TOKEN": token} if token else {})}
    (tmp_path / "run").mkdir(exist_ok=True)
    script = SCRIPT.format(repo=repo, revision=revision, patterns=patterns, prelude=prelude)
    done = subprocess.run([sys.executable, "-c", script], env=env, cwd=tmp_path / "run", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def result(said):
    return json.loads(said.strip().splitlines()[-1])


def same(folder: Path, cache: Path, commit: str):
    kept = cache / "huggingface/hub/models--tiny--model/snapshots" / commit
    return all((kept / p.relative_to(folder)).read_bytes() == p.read_bytes() for p in folder.rglob("*") if p.is_file())


def test_what_is_asked_for_arrives_and_the_commit_is_told(repo, tmp_path):
    with Hub({REPO: repo}) as hub:
        said = fetch(hub, tmp_path)
        commit, size, files = result(said)
        assert commit == hub.commit(REPO) and f"commit {commit[:8]}" in said
        assert size == sum(p.stat().st_size for p in repo.rglob("*") if p.is_file()) and len(files) == 3
        assert same(repo, tmp_path / "run/cache", commit)
        hub.seen.clear()
        assert "all here" in fetch(hub, tmp_path)  # a second time nothing is transferred
        assert not hub.seen


def test_patterns_and_a_commit_choose(repo, tmp_path):
    with Hub({REPO: repo}) as hub:
        _, _, files = result(fetch(hub, tmp_path, hub.commit(REPO), ("vae/*00001*",)))
        assert files == ["vae/model-00001-of-00002.safetensors"]
        assert "no file that matches text/*" in fetch(hub, tmp_path, patterns=("text/*",))


def test_a_transfer_that_breaks_off_goes_on(repo, tmp_path):
    with Hub({REPO: repo}, "cut") as hub:
        commit, _, _ = result(fetch(hub, tmp_path, prelude=SMALL_CHUNKS))
        assert same(repo, tmp_path / "run/cache", commit)
        assert any("bytes=" in line for line in hub.seen)  # from where it broke off, not from the beginning


def test_a_hub_in_trouble_is_waited_for(repo, tmp_path):
    with Hub({REPO: repo}, "trouble") as hub:
        said = fetch(hub, tmp_path)
        assert hub.left == 0 and same(repo, tmp_path / "run/cache", result(said)[0])
        hub.left = 99
        assert "STOP the hub is in trouble (error 503): try again later" in fetch(hub, tmp_path, patterns=("vae/*",))


def test_without_a_hub_what_is_here_serves(repo, tmp_path):
    with Hub({REPO: repo}) as hub:
        before = result(fetch(hub, tmp_path))
    said = fetch(hub, tmp_path)  # nobody listens any more
    assert "the files of commit" in said and result(said)[0] == before[0]
    again = fetch(hub, tmp_path, revision=before[0])  # as the second session of a job asks
    assert "the files of commit" in again and result(again) == before
    (tmp_path / f"run/cache/huggingface/hub/models--tiny--model/snapshots/{before[0]}/config.json").unlink()
    assert "could not be fetched" in fetch(hub, tmp_path)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("gate", "tiny/model asks for consent first: log in at https://huggingface.co/tiny/model"),
        ("missing", "tiny/model is not at the hub, or not for everyone to see"),
        ("size", "broken at the hub, or on the way: vae/model-0000"),
    ],
)
def test_each_lack_is_one_sentence(repo, tmp_path, fault, words):
    with Hub({REPO: repo}, fault) as hub:
        said = fetch(hub, tmp_path, token="hf_secret_123456")
    assert said.strip().splitlines()[-1].startswith("STOP") and words in said, said
    assert "hf_secret" not in said and "Traceback" not in said
    kept = list((tmp_path / "run/cache").rglob("*.incomplete"))
    assert not kept, "a broken part was kept"


def test_a_revision_that_is_gone(repo, tmp_path):
    with Hub({REPO: repo}) as hub:
        said = fetch(hub, tmp_path, revision="0" * 40)
    assert f"STOP tiny/model has no revision {'0' * 40}" in said
    with Hub({REPO: repo}, "revision") as hub:  # between the listing and the first file
        assert "STOP tiny/model changed at the hub while it was fetched: run again" in fetch(hub, tmp_path)


def test_a_known_commit_is_served(repo, tmp_path):
    with Hub({REPO: repo}, commits={REPO: "a1" * 20}) as hub:
        assert result(fetch(hub, tmp_path, "a1" * 20))[0] == "a1" * 20


def test_no_room_is_said_before_anything_is_fetched(repo, tmp_path):
    small = "import shutil\nshutil.disk_usage = lambda path: type('Usage', (), {'free': 8})"
    with Hub({REPO: repo}) as hub:
        said = fetch(hub, tmp_path, prelude=small)
        assert "STOP no room for tiny/model" in said and "free some space" in said
        assert not [line for line in hub.seen if line.startswith("GET")]


def test_a_disk_that_fills_up_in_the_middle(repo, tmp_path):
    full = """
import builtins, errno
plain = open
class Full:
    def __init__(self, file): self.file = file
    def __getattr__(self, name): return getattr(self.file, name)
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def write(self, data):
        if self.file.tell() > 100_000: raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(data)
import io, pathlib
def opened(path, mode="r", *a, **k):
    file = plain(path, mode, *a, **k)
    return Full(file) if str(path).endswith(".incomplete") and "b" in mode else file
builtins.open = io.open = opened
pathlib.Path.open = lambda self, mode="r", *a, **k: opened(self, mode, *a, **k)
"""
    full += SMALL_CHUNKS
    with Hub({REPO: repo}) as hub:
        said = fetch(hub, tmp_path, prelude=full)
        assert "STOP no room for tiny/model" in said and "the files that arrived stay" in said
        commit, _, _ = result(fetch(hub, tmp_path))
        assert same(repo, tmp_path / "run/cache", commit)
