"""The run report: what ran where, how long and how large, as TOML that a person can paste. No secrets, no paths."""

import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime

from labkit import here, secret, storage

from session import machine

_run = {"variant": "unknown/unknown", "version": "unknown", "stages": {}, "peaks": {}, "models": {}}


def begin(variant: str, version: str) -> None:
    """Start a report; called by the setup cell. A second run of it starts afresh."""
    _run.update(variant=variant, version=version, stages={}, peaks={}, models={})


@contextmanager
def stage(name: str):
    """Time a stage and note its peak GPU memory: `with report.stage("train"): ...`."""
    cuda = _cuda()
    if cuda:
        cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    try:
        yield
    finally:
        if cuda:
            cuda.synchronize()
            _run["peaks"][name] = cuda.max_memory_allocated() / machine.GB
        _run["stages"][name] = _run["stages"].get(name, 0.0) + time.perf_counter() - started


def loaded(repo: str, commit: str) -> None:
    """Note which commit of a model's repository this run uses."""
    _run["models"][repo] = commit


def text(verdict: str) -> str:
    """The report as TOML, in the form that `verified/` in the repository takes."""
    notebook, _, platform = _run["variant"].partition("/")
    cards = machine.gpus()
    lines = [
        ("notebook", notebook),
        ("platform", platform),
        ("version", _run["version"]),
        ("date", datetime.now(UTC).strftime("%Y-%m-%d")),
        ("image", _image()),
        ("gpu", ", ".join(c.name for c in cards) or "none"),
        ("verdict", verdict),
    ]
    out = [f"{key} = {_quoted(value)}" for key, value in lines]
    for table, values in (("seconds", _run["stages"]), ("peak_gb", _run["peaks"])):
        if values:
            out += [f"[{table}]", *(f"{_quoted(name)} = {value:.2f}" for name, value in values.items())]
    if _run["models"]:
        out += [
            "[models]",
            *(f"{_quoted(repo)} = {_quoted(commit)}" for repo, commit in sorted(_run["models"].items())),
        ]
    return "\n".join(out) + "\n"


def show(verdict: str, folders=None) -> None:
    """Print the report, and keep it as run-report.toml in the outputs."""
    body = secret.mask(text(verdict))
    if folders is not None:
        storage.write_whole(folders.outputs / "run-report.toml", body.encode())
    print("Run report (paste it into an issue to have this variant marked as seen on your hardware):\n")
    print(body)


def files(folders: storage.Folders, most: int = 8) -> None:
    """List the kept files with their sizes, the largest first, and say how to fetch them."""
    found = (path for path in folders.outputs.rglob("*") if path.is_file() and folders.work not in path.parents)
    shown = [(path.stat().st_size, path.relative_to(folders.outputs)) for path in found]
    shown = sorted((pair for pair in shown if not pair[1].name.startswith(".")), key=lambda pair: (-pair[0], pair[1]))
    print(f"{len(shown)} files in {folders.outputs}")
    for size, path in shown[:most]:
        print(f"  {size / 1e6:8.2f} MB  {path}")
    if len(shown) > most:
        print(f"  and {len(shown) - most} smaller ones")
    print(here.FETCH)
    if not folders.kept:
        print("They are lost when this session ends: fetch them before you go.")


def _cuda():
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def _image() -> str:
    """What identifies the machine's software: the platform's image where it has one, and the versions that matter."""
    torch = sys.modules.get("torch")
    parts = [here.image(), f"Python {machine.python_version()}", f"torch {torch.__version__}" if torch else ""]
    return ", ".join(part for part in parts if part)


def _quoted(value: str) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " else " " for c in escaped) + '"'
