"""The adapters on their stand-ins: where am I, where do things go, and every way in which Drive says no."""

import ast
import json
import os
import re
import subprocess
import sys

import pytest

from anylab.platforms import load_folders
from anylab.smoke import standin
from tests.conftest import ROOT

FOLDERS = load_folders(ROOT / "platforms", "platforms")
PLATFORMS = {p.id: p for p in FOLDERS if p.has_variants}
LIBRARY = (ROOT / "notebooks-src/lib/labkit/here.py").read_text(encoding="utf-8")


def ask(platform, root, code, **env):
    """Run `code` with the platform's adapter as `here` inside its stand-in; what it prints as JSON."""
    there = standin.prepare(PLATFORMS[platform], root)
    text, _ = PLATFORMS[platform].overlays.get("labkit.here", (LIBRARY, ""))
    (root / "tmp" / "here.py").write_text(text)
    program = f"import sys, json; sys.path.insert(0, {str(root / 'tmp')!r}); import here\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**there.env, **env}, cwd=there.cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("where", sorted(PLATFORMS))
@pytest.mark.parametrize("variant", ["colab", "kaggle", "studio-lab"])
def test_an_adapter_knows_its_own_platform_and_no_other(where, variant, tmp_path):
    """Kaggle's image sets Colab's variables as well, and is still not Colab."""
    there = standin.prepare(PLATFORMS[where], tmp_path)
    environment = {
        k: v for k, v in there.env.items() if k not in os.environ or k.startswith(("COLAB", "KAGGLE", "ANYLAB"))
    }
    (tmp_path / "tmp" / "here.py").write_text(PLATFORMS[variant].overlays["labkit.here"][0])
    program = f"import sys; sys.path.insert(0, {str(tmp_path / 'tmp')!r}); import here; print(here.am_i_here())"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(where == variant)


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_every_adapter_answers_the_same_calls(platform, tmp_path):
    names = [
        "NAME",
        "SESSION_HOURS",
        "INSTALLS",
        "GPU_CLICKS",
        "LARGER_CLICKS",
        "INTERNET_CLICKS",
        "RESTART_CLICKS",
        "FETCH",
        "ELSEWHERE",
        "CLONING",
    ]
    calls = ["am_i_here", "is_batch", "folders", "secret", "image", "release"]
    got = ask(platform, tmp_path, f"print(json.dumps([[hasattr(here, n) for n in {names}], "
                                  f"[callable(getattr(here, c, None)) for c in {calls}]]))")  # fmt: skip
    assert all(map(all, got))


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_terms_on_cloned_voices_that_nobody_read_are_called_so_and_quotes_have_their_date(platform, tmp_path):
    told = ask(platform, tmp_path, "print(json.dumps(here.CLONING))")
    known = PLATFORMS[platform].profile["facts"].get("cloned_voices")
    assert ("not read by us" in told) == (known is not None and known["value"] == "unknown")
    assert '"' not in told or re.search(r"20\d\d-\d\d", told)


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_the_session_limit_of_the_adapter_is_the_profiles(platform, tmp_path):
    assert ask(platform, tmp_path, "print(json.dumps(here.SESSION_HOURS))") == PLATFORMS[platform].fact("session_hours")


@pytest.mark.parametrize(
    ("platform", "outputs", "kept"),
    [
        ("colab", "content/outputs/job", False),
        ("kaggle", "kaggle/working/job", True),
        ("studio-lab", "home/studio-lab-user/anylab/job", True),
        ("local", "work/anylab-outputs/job", True),
    ],
)
def test_results_go_where_the_platform_keeps_them_and_models_do_not(platform, outputs, kept, tmp_path):
    got = ask(platform, tmp_path, "print(json.dumps({k: str(v) for k, v in here.folders('job').items()}))")
    assert got["outputs"] == str(tmp_path / outputs) and got["kept"] == str(kept)
    persistent = str((tmp_path / outputs).parent)
    assert got["cache"] == "None" or not got["cache"].startswith(persistent)


def test_drive_is_mounted_when_asked_and_results_go_there(tmp_path):
    got = ask(
        "colab",
        tmp_path,
        "f = here.folders('job', use_drive=True); print(json.dumps([str(f['outputs']), f['kept'], f['note']]))",
    )
    assert got[0] == str(tmp_path / "content/drive/MyDrive/anylab/job") and got[1] and "Drive is mounted" in got[2]


def test_drive_is_never_touched_unless_asked(tmp_path):
    got = ask("colab", tmp_path, "here.folders('job'); print(json.dumps('google.colab.drive' in sys.modules))")
    assert got is False and not (tmp_path / "content/drive").exists()


@pytest.mark.parametrize("fault", ["refused", "timeout", "files", "enterprise"])
def test_when_drive_says_no_results_stay_here_and_one_sentence_says_so(fault, tmp_path):
    code = "f = here.folders('job', use_drive=True); print(json.dumps([str(f['outputs']), f['kept'], f['note']]))"
    outputs, kept, note = ask("colab", tmp_path, code, ANYLAB_DRIVE=fault)
    assert outputs == str(tmp_path / "content/outputs/job") and kept is False
    assert note.startswith("Drive is not mounted (") and "\n" not in note


@pytest.mark.parametrize("platform", ["colab", "kaggle"])
def test_a_secret_comes_from_the_platform_or_is_none(platform, tmp_path):
    code = "print(json.dumps([here.secret('HF_TOKEN'), here.secret('OTHER'), here.secret('CLOSED')]))"
    got = ask(platform, tmp_path, code, ANYLAB_SECRETS=json.dumps({"HF_TOKEN": "t", "CLOSED": None}))
    assert got == ["t", None, None]


def test_kaggle_knows_a_batch_run(tmp_path):
    assert ask("kaggle", tmp_path, "print(json.dumps(here.is_batch()))", KAGGLE_KERNEL_RUN_TYPE="Batch") is True
    assert ask("kaggle", tmp_path, "print(json.dumps(here.is_batch()))", KAGGLE_KERNEL_RUN_TYPE="Interactive") is False


def test_releasing_the_gpu_is_a_sentence_everywhere(tmp_path):
    for platform in PLATFORMS:
        assert len(ask(platform, tmp_path / platform, "print(json.dumps(here.release()))")) > 10


TRANSPORTS = {"notebooks-src/lib/labkit/transport.py": (ROOT / "notebooks-src/lib/labkit/transport.py").read_text()}
for _folder in FOLDERS:
    TRANSPORTS |= {file: text for text, file in _folder.overlays.values() if file.endswith("/transport.py")}


@pytest.mark.parametrize("file", sorted(TRANSPORTS))
def test_every_transport_answers_the_same_calls(file):
    """Read, not imported: a transport may want modules that only its platform has."""
    tree = ast.parse(TRANSPORTS[file])
    given = {n.name: [a.arg for a in n.args.args] for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert given["send"] == ["archive", "name", "dry_run"] and given["receive"] == ["name", "folder", "dry_run"]
    assert [n for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "WAY"]


def test_a_folder_without_variants_is_no_platform_of_any_notebook(compiled):
    without = [p for p in FOLDERS if not p.has_variants]
    assert without and all(p.profile["facts"] for p in without)
    named = {p.platform.id for p in compiled.pairs}
    named |= {id for links in compiled.shared.links.values() for id in links}
    named |= {mark["id"] for marks in compiled.shared.siblings.values() for mark in marks}
    named |= {p.name for p in (ROOT / "dist").iterdir()}
    assert {p.id for p in without} & named == set()
    columns = next(line for line in (ROOT / "README.md").read_text().split("\n") if line.startswith("| Notebook |"))
    assert not [p.name for p in without if p.name in columns]


def test_no_platform_is_named_in_code_outside_its_folder():
    """Rule 1: the generator and the library know platforms as folders only; docstrings and comments may explain."""
    names = {p.id for p in FOLDERS} - {"local"}
    found = []
    for path in [*(ROOT / "anylab").rglob("*.py"), *(ROOT / "notebooks-src").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(n.body[0].value) for n in ast.walk(tree)
                if isinstance(n, ast.Module | ast.FunctionDef | ast.ClassDef) and n.body
                and isinstance(n.body[0], ast.Expr)}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                found += [
                    f"{path}:{node.lineno}"
                    for n in names
                    if node.value.lower() in (n, n.replace("-", ""), n.replace("-", "_"))
                ]
    assert found == []


def test_the_stand_in_of_a_namespace_package_hides_no_other():
    """A google/__init__.py would hide every other google.* package that is installed."""
    sites = [p for p in ROOT.glob("platforms/*/standin/site/*") if p.is_dir() and p.name in ("google",)]
    assert sites and not [p for p in sites if (p / "__init__.py").exists()]
