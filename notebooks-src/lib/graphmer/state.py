"""A run as plain files in a folder, and back; `labkit.checkpoint` makes a checkpoint of that folder.

Contract: `read` is strict: a missing, damaged or ill-fitting file raises one `StateError` that names the file. Nothing
is pickled.

| file | content |
|---|---|
| model.safetensors | fp32 weights, the tied table once |
| best.safetensors | the weights with the lowest validation MNM, where validation was measured |
| optimizer.safetensors | AdamW's two moments and step of every parameter, by name |
| config.json, chains.json | shape of the model; sizes and seed of the chain graphs |
| tokenizer.json, relations.json | vocabulary, relation ids |
| knowledge.json.gz | the graph: another platform's Python has another standard library |
| state.json | step, cursor, counts, history, settings, scaler |
| links.safetensors, links-optimizer.safetensors | the link head's weights and moments |
| links.json | its version, step, settings and names, and the step of the encoder below it |

A run continues on another device or platform: order, masks and dropout are derived from seeds and counters (`train`),
so there is no generator state to keep.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from graphmer import links, tokens
from graphmer.corpus import ChainSettings
from graphmer.knowledge import RELATIONS
from graphmer.model import Config, GraphMER
from graphmer.rows import Cursor
from graphmer.run import Run, Settings, new_run
from graphmer.textstates import TextStates

FORMAT = 2


class StateError(ValueError):
    """Files that are no run of this version; the message begins with the file at fault."""


@dataclass(frozen=True)
class Saved:
    """What `read` gives back: enough to continue training or to predict."""

    run: Run
    tokenizer: Tokenizer
    chains: ChainSettings


def write(folder: Path, run: Run, tokenizer: Tokenizer, chains: ChainSettings, graph: Path | None = None) -> None:
    """Write the run into the existing folder; `graph` is a file that `knowledge.save` has written. Raises OSError."""
    save_file(_contiguous(run.model.state_dict()), folder / "model.safetensors")
    if run.best_weights is not None:
        save_file(_contiguous(run.best_weights), folder / "best.safetensors")
    save_file(_moments(run.model, run.optimizer), folder / "optimizer.safetensors")
    _write(folder / "config.json", asdict(run.model.config))
    _write(folder / "chains.json", asdict(chains))
    tokens.save(tokenizer, folder / "tokenizer.json")
    _write(folder / "relations.json", {relation: i + 1 for i, relation in enumerate(RELATIONS)})
    if graph is not None:
        shutil.copyfile(graph, folder / "knowledge.json.gz")
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
        "unlogged": run.unlogged,
        "best": run.best,
        "worse": run.worse,
    }
    _write(folder / "state.json", state)


def read(folder: Path, device: torch.device | str = "cpu") -> Saved:
    """Read a run onto `device`. Raises StateError."""
    state = _read(folder / "state.json")
    if state.get("format") != FORMAT:
        raise StateError(f"{folder / 'state.json'}: format {state.get('format')}, this version reads {FORMAT}")
    if list(_read(folder / "relations.json")) != list(RELATIONS):
        raise StateError(f"{folder / 'relations.json'}: other relations than this version of graphmer")
    run = _run(folder, state, torch.device(device))
    try:
        tokenizer = tokens.load(folder / "tokenizer.json")
    except ValueError as error:
        raise StateError(str(error)) from error
    if tokenizer.get_vocab_size() > run.model.config.vocabulary:
        raise StateError(f"{folder / 'tokenizer.json'}: more entries than the model's vocabulary")
    return Saved(run, tokenizer, ChainSettings(**_read(folder / "chains.json")))


def best_model(folder: Path, device: torch.device | str = "cpu") -> tuple[GraphMER, int]:
    """(the model to use, the step it is from): the best by validation, else the last one. Raises StateError."""
    state = _read(folder / "state.json")
    try:
        config = Config(**_read(folder / "config.json"))
    except (TypeError, ValueError) as error:
        raise StateError(f"{folder / 'config.json'}: {error}") from error
    best = state.get("best")
    name, step = ("best.safetensors", best["step"]) if best else ("model.safetensors", state["step"])
    return load_model(folder / name, config).to(device), step


def load_model(path: Path, config: Config) -> GraphMER:
    """Weights of a model.safetensors in a model of shape `config`, on CPU; StateError when they do not fit."""
    weights = _tensors(Path(path))
    with torch.device("meta"):
        expected = {name: tuple(t.shape) for name, t in GraphMER(config).state_dict().items()}
    found = {name: tuple(t.shape) for name, t in weights.items()}
    wrong = [n for n in sorted(expected.keys() | found.keys()) if expected.get(n) != found.get(n)]
    if wrong:
        n = wrong[0]
        raise StateError(
            f"{path}: {len(wrong)} tensors do not fit the model, first {n}: "
            f"file has {found.get(n, 'nothing')}, model wants {expected.get(n, 'nothing')}"
        )
    model = GraphMER(config)
    model.load_state_dict(weights, strict=True)
    return model.eval()


def write_links(folder: Path, run: links.Run, names: Sequence[str], encoder_step: int, moments: bool = True) -> None:
    """Write a link head into the folder; `encoder_step`: of the weights that it was trained on. Raises OSError."""
    save_file(_contiguous(run.head.state_dict()), folder / "links.safetensors")
    if moments:
        save_file(_moments(run.head, run.optimizer), folder / "links-optimizer.safetensors")
    about = {"version": links.VERSION, "step": run.step, "encoder_step": encoder_step, "settings": asdict(run.settings)}
    _write(folder / "links.json", about | {"losses": run.losses, "names": list(names)})


def read_links(folder: Path) -> dict | None:
    """A stored link head as tensors, for `resume_links`; None where the folder has none. Raises StateError."""
    if not (folder / "links.json").exists():
        return None
    moments = folder / "links-optimizer.safetensors"
    found = {
        "weights": _tensors(folder / "links.safetensors"),
        "moments": _tensors(moments) if moments.exists() else {},
    }
    return found | _read(folder / "links.json")


def resume_links(found: dict | None, states: TextStates, settings: links.Settings, step: int) -> links.Run:
    """The stored stage, or a new one where that has another version, settings, names or encoder. Raises StateError."""
    around = states.around
    run = links.new_run(around, states, settings)
    wanted = {"version": links.VERSION, "encoder_step": step, "settings": asdict(settings), "names": list(around.names)}
    if found is None or any(json.loads(json.dumps(value)) != found.get(key) for key, value in wanted.items()):
        return run
    try:
        run.head.load_state_dict(found["weights"], strict=True)
    except RuntimeError as error:
        raise StateError(f"links.safetensors: {error}") from error
    run.step, run.losses = found["step"], [tuple(line) for line in found["losses"]]
    _set_moments(run.head, run.optimizer, found["moments"], "links-optimizer.safetensors")
    return run


def _run(path: Path, state: dict, device: torch.device) -> Run:
    try:
        config, settings = Config(**_read(path / "config.json")), Settings(**state["settings"])
    except (TypeError, ValueError) as error:
        raise StateError(f"{path / 'config.json'}: {error}") from error
    run = new_run(load_model(path / "model.safetensors", config).to(device), settings)
    file = path / "optimizer.safetensors"
    _set_moments(run.model, run.optimizer, _tensors(file), str(file))
    if run.scaler.is_enabled() and state["scaler"]:
        run.scaler.load_state_dict(state["scaler"])
    run.step, run.cursor = state["step"], Cursor(**state["cursor"])
    run.samples, run.tokens, run.seconds = state["samples"], state["tokens"], state["seconds"]
    run.history, run.unlogged = state["history"], tuple(state["unlogged"])
    run.best, run.worse = state["best"], state["worse"]
    if run.best is not None:
        best = load_model(path / "best.safetensors", config)
        run.best_weights = {name: t.clone() for name, t in best.state_dict().items()}
    return run


def _set_moments(model, optimizer, moments: dict[str, torch.Tensor], file: str) -> None:
    for name, parameter in model.named_parameters():
        entry = {
            key: moments[f"{name}/{key}"] for key in ("exp_avg", "exp_avg_sq", "step") if f"{name}/{key}" in moments
        }
        if not entry:
            continue  # a parameter that has had no gradient yet
        if len(entry) != 3 or entry["exp_avg"].shape != parameter.shape:
            raise StateError(f"{file}: moments of {name} are missing or misshapen")
        device = parameter.device
        step_device = device if optimizer.defaults.get("fused") else "cpu"
        optimizer.state[parameter] = {k: v.to(step_device if k == "step" else device) for k, v in entry.items()}


def _moments(model, optimizer) -> dict[str, torch.Tensor]:
    names = {id(p): name for name, p in model.named_parameters()}
    return _contiguous(
        {f"{names[id(p)]}/{k}": torch.as_tensor(v) for p, entry in optimizer.state.items() for k, v in entry.items()}
    )


def _contiguous(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: t.detach().cpu().contiguous() for name, t in tensors.items()}


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise StateError(f"{path}: {error}") from error


def _write(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _read(path: Path) -> dict:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise StateError(f"{path}: damaged ({error})") from error
    if not isinstance(data, dict):
        raise StateError(f"{path}: not an object")
    return data
