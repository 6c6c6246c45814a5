"""Publishing: the client's own code with its network replaced, a push to a stand-in; nothing leaves this machine."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from anylab.errors import Refused
from tests.conftest import ROOT

TOKEN = "tok_Zq7w91secretsecret"
NAME = "graphmer_training"
SLUG = "graphmer-training-on-python-code"


def loaded(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


kaggle = loaded(ROOT / "platforms/kaggle/publish.py", "kaggle_publisher")


@pytest.fixture
def folder(compiled, tmp_path):
    """A compiled variant with the file that says how to push it."""
    pair = next(p for p in compiled.pairs if (p.source.name, p.platform.id) == (NAME, "kaggle"))
    for path, data in compiled.variant_files(pair):
        (tmp_path / path.rpartition("/")[2]).write_bytes(data)
    return tmp_path


def change(folder, **values):
    path = folder / kaggle.FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change_block(folder, **values):
    path = folder / f"{NAME}.ipynb"
    notebook = json.loads(path.read_text())
    notebook["metadata"]["kaggle"] |= values
    path.write_text(json.dumps(notebook))


def test_a_dry_run_prints_what_the_clients_own_request_holds(folder):
    lines = kaggle.publish(folder, "dist/x", "ada", True)
    told = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[:-1]}
    assert lines[0] == f"would push   ada/{SLUG}" and told["title"] == "GraphMER training on Python code"
    assert told["accelerator"] == "GPU T4 x2 (NvidiaTeslaT4)" and told["internet"] == "off"
    assert told["privacy"] == "private" and told["sources"] == "none"
    assert "Kaggle was not asked" in lines[-1]


def test_what_the_file_says_is_what_the_request_holds(folder):
    sources = {
        "dataset_sources": ["ada/words"],
        "kernel_sources": ["ada/other-notebook"],
        "model_sources": ["a/b/c/d/1"],
    }
    change(folder, enable_gpu=False, machine_shape="", enable_internet=True, is_private=False, **sources)
    change_block(folder, isGpuEnabled=False, accelerator="none", isInternetEnabled=True)
    text = "\n".join(kaggle.publish(folder, "dist/x", "", True))
    assert "accelerator  none (CPU)" in text and "internet     on" in text and "privacy      public" in text
    assert "sources      ada/words, ada/other-notebook, a/b/c/d/1" in text and "with --user" in text


REFUSED = [
    ({"title": "Tiny"}, "the title has 4 characters"),
    ({"title": "x" * 51}, "the title has 51 characters"),
    ({"title": "Another title"}, "makes the address 'another-title'"),
    ({"id": "no-owner"}, "'id' must be USER/SLUG"),
    ({"id": f"ada/{SLUG}/3"}, "'id' must be USER/SLUG"),
    ({"machine_shape": "NvidiaTeslaP100"}, "is retired; write 'NvidiaTeslaT4'"),
    ({"machine_shape": "Tpu1VmV38"}, "is retired; write 'TpuV5E8'"),
    ({"machine_shape": "T4"}, "unknown accelerator 'T4'"),
    ({"machine_shape": ""}, "make them agree"),
    ({"enable_gpu": False}, "'enable_gpu' is False and machine_shape is 'NvidiaTeslaT4'"),
    ({"enable_tpu": True}, "'enable_tpu' is True"),
    ({"enable_internet": True}, "the notebook's own block has isInternetEnabled False"),
    ({"is_private": "yes"}, "'is_private' must be true or false, not 'yes'"),
    ({"enable_internet": 1}, "'enable_internet' must be true or false"),
    ({"dataset_sources": "ada/words"}, "'dataset_sources' must be a list"),
    ({"dataset_sources": ["words"]}, "Kaggle's client refuses it"),
    ({"model_sources": ["a/b"]}, "Kaggle's client refuses it"),
    ({"kernel_type": "book"}, "Kaggle's client refuses it: A valid kernel type"),
    ({"language": "julia"}, "Kaggle's client refuses it: A valid language"),
    ({"code_file": "gone.ipynb"}, "'gone.ipynb', which is not beside it"),
]


@pytest.mark.parametrize(("values", "words"), REFUSED)
def test_what_would_go_wrong_is_refused_in_one_line(folder, values, words):
    change(folder, **values)
    with pytest.raises(Refused) as caught:
        kaggle.publish(folder, "dist/x", "ada", True)
    assert words in str(caught.value)
    assert all(line.startswith("dist/x/kernel-metadata.json: ") for line in str(caught.value).split("\n"))


def test_the_accelerator_of_the_notebooks_own_block_must_be_the_same(folder):
    change_block(folder, accelerator="nvidiaTeslaP100")
    with pytest.raises(Refused, match="accelerator 'nvidiaTeslaP100', this file means 'nvidiaTeslaT4'"):
        kaggle.publish(folder, "dist/x", "", True)


@pytest.mark.parametrize("user", ["ada/../x", "a b", "-x", "ada\n"])
def test_a_user_name_is_checked(folder, user):
    with pytest.raises(Refused, match="is no Kaggle user name"):
        kaggle.publish(folder, "dist/x", user, True)


def test_every_compiled_variant_passes_the_clients_own_checks(compiled, tmp_path):
    pairs = [p for p in compiled.pairs if p.path and (p.platform.folder / "publish.py").is_file()]
    assert pairs
    for pair in pairs:
        place = tmp_path / pair.source.name
        place.mkdir()
        for path, data in compiled.variant_files(pair):
            (place / path.rpartition("/")[2]).write_bytes(data)
        assert kaggle.publish(place, "dist/x", "ada", True)


def environment(tmp_path, **values):
    """An environment without anybody's credentials."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("KAGGLE") and "proxy" not in k.lower()}
    return clean | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)} | values


def publish(tmp_path, *arguments, **values):
    command = [sys.executable, str(ROOT / "build.py"), "publish", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(tmp_path, **values), capture_output=True, text=True, timeout=120
    )


def test_a_dry_run_opens_no_connection_even_with_credentials(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import socket\n\ndef told(*_, **__):\n    print('CONNECTED', flush=True)\n    raise OSError('no')\n\n"
        "import _socket\nsocket.socket.connect = told\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = publish(tmp_path, "kaggle", NAME, "--user", "ada", KAGGLE_API_TOKEN=TOKEN, PYTHONPATH=path)
    assert done.returncode == 0 and "would push   ada/" in done.stdout, done.stderr
    assert "CONNECTED" not in done.stdout + done.stderr and TOKEN not in done.stdout + done.stderr


def test_without_credentials_one_sentence_says_where_to_get_them(tmp_path):
    done = publish(tmp_path, "kaggle", NAME, "--push")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert "kaggle.com/settings > API > Generate New Token" in done.stderr


def test_a_push_sends_it_once_under_the_owner_of_the_token(tmp_path):
    service = loaded(ROOT / "platforms/kaggle/standin/service.py", "kaggle_service")
    before = {p: p.stat().st_mtime_ns for p in (ROOT / "dist").rglob("*")}
    with service.Service(tmp_path / "service", TOKEN) as there:
        done = publish(tmp_path, "kaggle", NAME, "--push", KAGGLE_API_TOKEN=TOKEN, **there.env)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("Pushed version 1, which Kaggle runs now") and f"ada/{SLUG}" in done.stdout
        wrong = publish(tmp_path, "kaggle", NAME, "--push", KAGGLE_API_TOKEN="tok_other", **there.env)
        assert wrong.returncode == 2 and "Generate New Token" in wrong.stderr
        there.fail("SaveKernel", 500)
        broken = publish(tmp_path, "kaggle", NAME, "--push", KAGGLE_API_TOKEN=TOKEN, **there.env)
        assert broken.returncode == 2 and "the push failed" in broken.stderr and "Traceback" not in broken.stderr
    (kernel,) = there.kernels
    assert kernel["slug"] == f"ada/{SLUG}" and kernel["machineShape"] == "NvidiaTeslaT4" and kernel["isPrivate"]
    assert not kernel.get("enableInternet") and json.loads(kernel["text"])["nbformat"] == 4
    assert TOKEN not in done.stdout + wrong.stderr + broken.stderr
    assert before == {p: p.stat().st_mtime_ns for p in (ROOT / "dist").rglob("*")}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["colab", NAME], "platforms/colab/publish.py: Google Colab has no publisher; by hand: download the file"),
        (["kagle", NAME], "no such platform; did you mean 'kaggle'?"),
        (["kaggle", "nope"], "no such notebook"),
        (["kaggle", NAME, "--user", "a b"], "is no Kaggle user name"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, words):
    done = publish(tmp_path, *arguments)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_a_missing_client_is_one_line_with_the_command(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['kaggle'] = None\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = publish(tmp_path, "kaggle", NAME, PYTHONPATH=path)
    assert done.returncode == 2 and 'pip install -e ".[publish]"' in done.stderr and done.stderr.count("\n") == 1


def test_a_publisher_that_is_none_is_one_line(project_copy, anylab):
    for content, words in (("def publish(:\n", "publish.py:1: does not parse"), ("x = 1\n", "has no function publish")):
        (project_copy / "platforms/local/publish.py").write_text(content)
        done = anylab("publish", "local", "ours", cwd=project_copy)
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
