"""labkit.secret: where a token comes from, and that nobody ever reads it."""

import json
import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from labkit import here, secret, storage

from tests.library.kernels import LIBRARY, kernel, printed
from tests.library.test_labkit_clock import on_standin

TOKEN = 'hf_Ab12/+=&Cd34"\\é'  # what is spelt differently in an address, in JSON and by repr
ASK = "from labkit import secret; print(json.dumps([secret.get('HF_TOKEN') == {0!r}, secret.get('OTHER')]))"


@pytest.fixture
def known(monkeypatch):
    """Secrets that are known in this test only; the streams are not touched."""
    forms = []
    monkeypatch.setattr(secret, "_forms", forms)
    monkeypatch.setattr(secret, "_guard", lambda: None)
    return forms


# where it comes from


def test_the_environment_comes_first(known, monkeypatch):
    monkeypatch.setattr(here, "secret", lambda name: "of the platform")
    monkeypatch.setenv("HF_TOKEN", "  of the environment\n")
    assert secret.get("HF_TOKEN") == "of the environment"
    monkeypatch.setenv("HF_TOKEN", "")
    assert secret.get("HF_TOKEN") == "of the platform"


@pytest.mark.parametrize("nothing", [None, "", "  \n"])
def test_none_is_none_and_masks_nothing(nothing, known, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(here, "secret", lambda name: nothing)
    assert secret.get("HF_TOKEN") is None and known == []


@pytest.mark.parametrize("platform", ["colab", "kaggle"])
def test_a_platforms_own_secret_is_found_and_one_that_is_missing_or_closed_is_none(platform, tmp_path):
    secrets = json.dumps({"HF_TOKEN": "hf_1234567890", "OTHER": None})
    assert on_standin(platform, tmp_path, ASK.format("hf_1234567890"), ANYLAB_SECRETS=secrets) == [True, None]
    assert on_standin(platform, tmp_path, ASK.format("")) == [False, None]


@pytest.mark.parametrize("platform", ["studio-lab", "local"])
def test_where_a_platform_keeps_no_secrets_the_environment_is_all(platform, tmp_path):
    assert on_standin(platform, tmp_path, ASK.format("hf_1234567890"), HF_TOKEN="hf_1234567890") == [True, None]


# how it is masked


def test_every_spelling_is_masked(known, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    secret.get("HF_TOKEN")
    spelt = [TOKEN, quote(TOKEN), quote(TOKEN, safe=""), json.dumps(TOKEN)[1:-1], repr(TOKEN)[1:-1],
             json.dumps(TOKEN, ensure_ascii=False)[1:-1]]  # fmt: skip
    assert len({*spelt}) == 6
    for form in spelt:
        assert secret.mask(f"a {form} b") == "a *** b"
    assert secret.mask({TOKEN: [TOKEN, (1, TOKEN)], "x": {"y": TOKEN}}) == {
        "***": ["***", [1, "***"]],
        "x": {"y": "***"},
    }
    assert secret.mask(json.loads(json.dumps({"a": TOKEN}))) == {"a": "***"}


@pytest.mark.parametrize("other", [None, 1, 2.5, b"bytes", object])
def test_what_is_no_text_goes_through_as_it_is(other, known, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    secret.get("HF_TOKEN")
    assert secret.mask(other) is other


def test_a_short_value_is_given_out_and_not_masked(known, monkeypatch):
    monkeypatch.setenv("A", "abcde")
    assert secret.get("A") == "abcde" and secret.mask("abcde") == "abcde"
    monkeypatch.setenv("A", "abcdef")
    assert secret.get("A") == "abcdef" and secret.mask("abcdef") == "***"


def test_a_secret_within_another_does_not_show_the_rest(known, monkeypatch):
    monkeypatch.setenv("A", "secret")
    monkeypatch.setenv("B", "secretandmore")
    assert secret.get("A") and secret.get("B")
    assert secret.mask("secretandmore secret") == "*** ***"


def test_files_do_not_show_it(known, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    secret.get("HF_TOKEN")
    written = storage.write_json(tmp_path / "a.json", {"token": TOKEN, "url": f"https://x/?t={quote(TOKEN, safe='')}"})
    assert json.loads(written.read_text()) == {"token": "***", "url": "https://x/?t=***"}


# a script

SCRIPT = """
import logging, os, sys
logging.basicConfig(level="INFO")
early = sys.stdout
from labkit import secret
token = secret.get("HF_TOKEN")
assert token == os.environ["HF_TOKEN"]
print("print", token, [token], sep=" ")
print("early", token, file=early)
sys.stdout.write("write " + token + "\\n")
sys.stdout.writelines(["lines ", token, "\\n"])
logging.info("log %s", token)
print("error", repr(token), file=sys.stderr)
for name in [name for name in sys.modules if name.partition(".")[0] in ("labkit", "disk")]:
    del sys.modules[name]
from labkit import secret as again
assert again is not secret
print("known to a reloaded labkit", token, again.mask(token))
assert again.get("HF_TOKEN") == token
print("once", sys.stdout.write.__closure__ is None or not hasattr(sys.stdout.write.__kwdefaults__["plain"], "masks"))
print(sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno())
raise ValueError("trouble with " + token)
"""


def test_a_scripts_output_errors_logs_and_traceback_do_not_show_it():
    environment = {**os.environ, "PYTHONPATH": LIBRARY, "HF_TOKEN": TOKEN, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, encoding="utf-8")
    assert done.stdout.splitlines() == [
        "print *** ['***']", "early ***", "write ***", "lines ***", "known to a reloaded labkit *** ***", "once True",
        "False utf-8 1",
    ]  # fmt: skip
    assert "INFO:root:log ***\n" in done.stderr and "error '***'\n" in done.stderr
    assert done.stderr.endswith("ValueError: trouble with ***\n")
    assert "Ab12" not in done.stdout + done.stderr


# a notebook


def test_a_notebook_shows_it_in_no_output_whatever_the_cell_does(tmp_path):
    shows = {
        "print(token)": "stream",
        "import sys; print(token, file=sys.stderr)": "stream",
        "token": "execute_result",
        "{'a': [token], token: 1}": "execute_result",
        "from IPython.display import display, HTML; display(HTML(f'<b>{token}</b>'))": "display_data",
        "display({'text/plain': token, 'application/json': {'k': [token]}}, raw=True)": "display_data",
        "raise ValueError(f'trouble with {token}')": "error",
        "{}[token]": "error",
        "import logging; logging.basicConfig(force=True); logging.warning('%s', token)": "stream",
        "!echo $HF_TOKEN; echo $HF_TOKEN 1>&2": "stream",
        "%env HF_TOKEN": "execute_result",
        "import subprocess as s; print(s.run('echo $HF_TOKEN', shell=True, capture_output=True, text=True))": "stream",
        # what it writes reaches the kernel by a pipe and a thread, on a busy machine after the cell has ended
        "import os, time; os.system('echo $HF_TOKEN'); time.sleep(1)": "stream",
        "%%bash\necho $HF_TOKEN": "stream",
        "import json; print(json.dumps({'t': token}))": "stream",
        "from urllib.parse import quote; print(quote(token, safe=''))": "stream",
        "import threading; t = threading.Thread(target=lambda: print(token)); t.start(); t.join()": "stream",
    }
    token = "hf_Ab12/+=&Cd34"
    with kernel(tmp_path, HF_TOKEN=token) as run:
        first = run("from labkit import secret\ntoken = secret.get('HF_TOKEN')\nlen(token)")
        assert ("execute_result", "15") in [(kind, c.get("data", {}).get("text/plain")) for kind, c in first]
        reload = (
            "import sys\nfor name in [n for n in sys.modules if n.startswith('labkit')]: del sys.modules[name]\n"
            "from labkit import secret as again\n"
        )
        for round in ("first", "reloaded", "asked again"):
            for cell, kind in shows.items():
                messages = run(cell)
                text = json.dumps(messages, default=str)
                assert kind in [found for found, _ in messages], (round, cell, messages)
                assert "***" in text and "Ab12" not in text, (round, cell, text)
            if round == "first":
                assert "error" not in dict(run(reload))
            if round == "reloaded":
                assert "error" not in dict(run("again.get('HF_TOKEN'); None"))
                depth = run("hasattr(get_ipython().kernel.session.send.__kwdefaults__['plain'], 'masks')")
                assert "False" in json.dumps(depth, default=str), "a reloaded labkit masks once, not twice"
        assert (
            printed(run("print('and the rest is as it was: hf_Ab1 Größe')"))
            == "and the rest is as it was: hf_Ab1 Größe\n"
        )
