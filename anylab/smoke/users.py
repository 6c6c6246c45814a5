"""The path that users take: the whole notebook, quick test off, at its smallest real settings, against a hub that
serves tiny weights under the real names.

A notebook says in its front matter how: `models: [{id, tiny: "package.module:function"}]`, where `function(folder, id)`
of its library writes that repository with random weights of the same classes, and `smallest: {SETTING: value}`.
What this machine lacks is told as there while the setup cell looks (a T4, disk, internet); then torch is what it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from anylab.built import Build
from anylab.errors import Origin, did_you_mean, refuse
from anylab.pairs import Pair
from anylab.smoke import aftermath, overlay, runner, standin
from anylab.smoke.hub import Hub
from anylab.source import Source

CARD = "Tesla T4, 15360, 7.5"
ONLINE = """
import io, socket
_create = socket.create_connection
socket.create_connection = lambda address, *a, **k: io.BytesIO() if address[1] == 443 else _create(address, *a, **k)
"""
_THERE = """
import shutil as _shutil
from collections import namedtuple as _namedtuple
_usage, _plenty = _shutil.disk_usage, _namedtuple("usage", "total used free")
_shutil.disk_usage = lambda path: _plenty(10**12, 0, max(10**11, _usage(path).free))
try:
    import torch as _torch
except ImportError:
    _torch = None
if _torch is not None:
    _plain = {name: getattr(_torch.cuda, name) for name in ("is_available", "get_arch_list")}
    _torch.cuda.is_available, _torch.cuda.get_arch_list = lambda: True, lambda: ["sm_75", "sm_80", "sm_90"]
"""
_GONE = """
for _name, _function in (_plain if _torch is not None else {}).items():
    setattr(_torch.cuda, _name, _function)
"""


def run(
    compiled: Build, pair: Pair, root: Path, cache: Path, fault: str = "", prelude: str = "", keep: Path | None = None
) -> runner.Verdict:
    """Run one variant on its stand-in below `root` as a user would; `fault` is one of the hub's. Raises Refused where
    the front matter does not say how."""
    data = dict(compiled.variant_files(pair))[pair.path]
    notebook = json.loads(data)
    parameters = settings(pair.source, notebook)
    notebook["cells"] = _with_preludes(notebook["cells"], ONLINE + _THERE + prelude)
    root.mkdir(parents=True, exist_ok=True)
    there = standin.prepare(pair.platform, root, None, overlay.site(compiled, pair))
    repos = repositories(compiled, pair, there, cache)
    commits = {m["id"]: m["revision"] for m in pair.source.front["models"] if len(m.get("revision", "")) == 40}
    with Hub(repos, fault, commits) as hub:
        env = {**there.env, **hub.env, "PATH": f"{driver(root, CARD)}{os.pathsep}{there.env['PATH']}"}
        verdict = runner.execute(json.dumps(notebook).encode(), parameters, there.cwd, env, keep)
    return aftermath.judged(verdict, compiled, pair, there)


def settings(source: Source, notebook: dict[str, Any]) -> dict[str, Any]:
    """QUICK_TEST off and the smallest real settings. Raises Refused for one that the notebook does not have."""
    known = runner.settings_cell(notebook)
    smallest = source.front.get("smallest", {})
    for name in smallest:
        if name not in known:
            raise refuse(
                source.at("smallest", name), f"the notebook has no setting '{name}'{did_you_mean(name, known)}"
            )
    return {**({"QUICK_TEST": False} if "QUICK_TEST" in known else {}), **smallest}


def repositories(compiled: Build, pair: Pair, there: standin.Standin, cache: Path) -> dict[str, Path]:
    """{hub id: folder with a tiny twin}, written by the notebook's own library in the platform's own versions; once for
    each platform and state of the library. Raises Refused for a model without a `tiny`, or one that fails."""
    models, found, missing = pair.source.front.get("models", []), {}, []
    for i, model in enumerate(models):
        at = pair.source.at("models", i)
        if "tiny" not in model:
            what = f"{model['id']} has no 'tiny', so what loads it cannot be tried: name a function that writes a twin"
            raise refuse(at, what)
        key = hashlib.sha256(f"{model} {sorted((n, m.text) for n, m in compiled.shared.modules.items())}".encode())
        folder = cache / "tiny" / pair.platform.id / f"{model['id'].replace('/', '--')}-{key.hexdigest()[:12]}"
        if not folder.is_dir():
            missing.append((model, at, folder))
        found[model["id"]] = folder
    if missing:
        _write(missing, there, [str(path) for path, _ in compiled.project.lib_folders])
    return found


_TWINS = """
import importlib, json, pathlib, sys
for number, (function, folder, repo) in enumerate(json.loads(sys.argv[1])):
    print(f"\\ntwin {number}", flush=True)
    module, _, name = function.partition(":")
    getattr(importlib.import_module(module), name)(pathlib.Path(folder), repo)
"""


def _write(missing: list[tuple[dict[str, Any], Origin, Path]], there: standin.Standin, library: list[str]) -> None:
    """Write these twins, all in one process: most of its time goes into importing what the models are made of."""
    staged = [folder.with_name(f".{folder.name}.part") for _, _, folder in missing]
    for folder in staged:
        folder.mkdir(parents=True, exist_ok=True)
    paths = [*library, there.env["PYTHONPATH"], there.env.get("ANYLAB_OVERLAY", "")]
    env = {**there.env, "PYTHONPATH": os.pathsep.join(p for p in paths if p), "HF_HUB_OFFLINE": "1"}
    asked = [(model["tiny"], str(folder), model["id"]) for (model, _, _), folder in zip(missing, staged, strict=True)]
    command = [sys.executable, "-c", _TWINS, json.dumps(asked)]
    done = subprocess.run(command, env=env, cwd=there.cwd, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        begun = [line for line in done.stdout.splitlines() if line.startswith("twin ")]
        model, at, _ = missing[len(begun) - 1 if begun else 0]
        raise refuse(at, f"{model['tiny']} wrote no twin of {model['id']}: {why}")
    for (model, at, folder), part in zip(missing, staged, strict=True):
        if not any(part.rglob("*")):
            raise refuse(at, f"{model['tiny']} wrote nothing for {model['id']}")
        part.rename(folder)


def _with_preludes(cells: list[dict[str, Any]], prelude: str) -> list[dict[str, Any]]:
    """The cells with what this machine lacks told as there, until the setup cell has looked."""
    setup = next((i for i, c in enumerate(cells) if "start.begin(" in "".join(c["source"])), -1)
    return [cell(prelude), *cells[: setup + 1], cell(_GONE), *cells[setup + 1 :]]


def cell(code: str) -> dict[str, Any]:
    """A code cell that a run adds; it has no origin."""
    return {"cell_type": "code", "source": code.strip(), "metadata": {}, "outputs": [], "execution_count": None}


def driver(root: Path, listing: str) -> Path:
    """A folder with an nvidia-smi that lists these cards."""
    folder = root / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\ncat <<'END'\n{listing}\nEND\n")
    (folder / "nvidia-smi").chmod(0o755)
    return folder


def loads_models(pair: Pair) -> bool:
    """Whether the notebook declares a model that it loads."""
    return bool(pair.source.front.get("models"))
