"""A run on disk: one folder of plain files, written beside its place and switched in by renaming.

Contract: `save` leaves either the old folder or the complete new one, whenever it is interrupted. `load` is strict: a
missing, damaged or ill-fitting file raises one `CheckpointError` that names the file. Nothing is pickled.

| file | content |
|---|---|
| model.safetensors | fp32 weights, the tied table once |
| optimizer.safetensors | AdamW's two moments and step of every parameter, by name |
| config.json, chains.json | shape of the model; sizes and seed of the chain graphs |
| tokenizer.json, relations.json, kg_manifest.json | vocabulary, relation ids, where the graph came from |
| state.json | step, cursor, counts, history, settings, scaler, SHA-256 of every other file; written last |

A run continues on another device or platform: order, masks and dropout are derived from seeds and counters (`train`),
so there is no generator state to keep.
"""

import hashlib
import json
import os
import platform
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from graphmer import tokens
from graphmer.corpus import ChainSettings
from graphmer.knowledge import RELATIONS
from graphmer.model import Config, GraphMER
from graphmer.rows import Cursor
from graphmer.train import Run, Settings, new_run

FORMAT = 1
FILES = (
    "model.safetensors", "optimizer.safetensors", "config.json", "chains.json", "tokenizer.json", "relations.json",
    "kg_manifest.json",
)  # fmt: skip


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message begins with the file at fault."""


@dataclass(frozen=True)
class Checkpoint:
    """What `load` gives back: enough to continue training or to predict."""

    run: Run
    tokenizer: Tokenizer
    chains: ChainSettings
    manifest: dict


def save(path: Path, run: Run, tokenizer: Tokenizer, chains: ChainSettings, manifest: dict) -> Path:
    """Write the folder `path`; `manifest` is `Knowledge.manifest`. Returns `path`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = _beside(path, "new"), _beside(path, "old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    save_file(_contiguous(run.model.state_dict()), fresh / "model.safetensors")
    save_file(_moments(run), fresh / "optimizer.safetensors")
    _write(fresh / "config.json", asdict(run.model.config))
    _write(fresh / "chains.json", asdict(chains))
    tokens.save(tokenizer, fresh / "tokenizer.json")
    _write(fresh / "relations.json", {relation: i + 1 for i, relation in enumerate(RELATIONS)})
    _write(fresh / "kg_manifest.json", manifest)
    state = {
        "format": FORMAT,
        "step": run.step,
        "cursor": asdict(run.cursor),
        "samples": run.samples,
        "tokens": run.tokens,
        "seconds": run.seconds,
        "settings": asdict(run.settings),
        "scaler": run.scaler.state_dict(),
        "history": run.history,
        "platform": {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.machine()},
        "sha256": {name: _hash(fresh / name) for name in FILES},
    }
    _write(fresh / "state.json", state)
    # Two renames, because a folder that is not empty cannot be replaced in one. `load` knows the gap between them.
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.rename(path, old)
    os.rename(fresh, path)
    shutil.rmtree(old, ignore_errors=True)
    return path


def load(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Read the folder `path` onto `device`. Raises CheckpointError."""
    path = Path(path)
    if not path.exists() and _beside(path, "old").exists():
        path = _beside(path, "old")  # a save was cut off between its two renames
    state = _read(path / "state.json")
    if state.get("format") != FORMAT:
        raise CheckpointError(f"{path / 'state.json'}: format {state.get('format')}, this version reads {FORMAT}")
    for name in FILES:
        if not (path / name).is_file():
            raise CheckpointError(f"{path / name}: missing")
        if _hash(path / name) != state["sha256"].get(name):
            raise CheckpointError(f"{path / name}: not the file that was saved (SHA-256 differs)")
    if list(_read(path / "relations.json")) != list(RELATIONS):
        raise CheckpointError(f"{path / 'relations.json'}: other relations than this version of graphmer")
    run = _run(path, state, torch.device(device))
    try:
        tokenizer = tokens.load(path / "tokenizer.json")
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    if tokenizer.get_vocab_size() > run.model.config.vocabulary:
        raise CheckpointError(f"{path / 'tokenizer.json'}: more entries than the model's vocabulary")
    return Checkpoint(run, tokenizer, ChainSettings(**_read(path / "chains.json")), _read(path / "kg_manifest.json"))


def load_model(path: Path, config: Config) -> GraphMER:
    """Weights of a model.safetensors in a model of shape `config`, on CPU; CheckpointError when they do not fit."""
    weights = _tensors(Path(path))
    with torch.device("meta"):
        expected = {name: tuple(t.shape) for name, t in GraphMER(config).state_dict().items()}
    found = {name: tuple(t.shape) for name, t in weights.items()}
    wrong = [n for n in sorted(expected.keys() | found.keys()) if expected.get(n) != found.get(n)]
    if wrong:
        n = wrong[0]
        raise CheckpointError(
            f"{path}: {len(wrong)} tensors do not fit the model, first {n}: "
            f"file has {found.get(n, 'nothing')}, model wants {expected.get(n, 'nothing')}"
        )
    model = GraphMER(config)
    model.load_state_dict(weights, strict=True)
    return model.eval()


def _run(path: Path, state: dict, device: torch.device) -> Run:
    try:
        config, settings = Config(**_read(path / "config.json")), Settings(**state["settings"])
    except TypeError as error:
        raise CheckpointError(f"{path / 'config.json'}: {error}") from error
    run = new_run(load_model(path / "model.safetensors", config).to(device), settings)
    moments = _tensors(path / "optimizer.safetensors")
    for name, parameter in run.model.named_parameters():
        entry = {
            key: moments[f"{name}/{key}"] for key in ("exp_avg", "exp_avg_sq", "step") if f"{name}/{key}" in moments
        }
        if not entry:
            continue  # a parameter that has had no gradient yet
        if len(entry) != 3 or entry["exp_avg"].shape != parameter.shape:
            raise CheckpointError(f"{path / 'optimizer.safetensors'}: moments of {name} are missing or misshapen")
        step_device = device if run.optimizer.defaults.get("fused") else "cpu"
        run.optimizer.state[parameter] = {k: v.to(step_device if k == "step" else device) for k, v in entry.items()}
    if run.scaler.is_enabled() and state["scaler"]:
        run.scaler.load_state_dict(state["scaler"])
    run.step, run.cursor = state["step"], Cursor(**state["cursor"])
    run.samples, run.tokens, run.seconds = state["samples"], state["tokens"], state["seconds"]
    run.history = state["history"]
    return run


def _moments(run: Run) -> dict[str, torch.Tensor]:
    names = {id(p): name for name, p in run.model.named_parameters()}
    return _contiguous(
        {
            f"{names[id(p)]}/{k}": torch.as_tensor(v)
            for p, entry in run.optimizer.state.items()
            for k, v in entry.items()
        }
    )


def _contiguous(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: t.detach().cpu().contiguous() for name, t in tensors.items()}


def _beside(path: Path, role: str) -> Path:
    return path.with_name(f".{path.name}.{role}")


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _read(path: Path) -> dict:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: damaged ({error})") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: not an object")
    return data
