"""What the notebook loader.py does with its model: a safetensors file in two shards."""

import json


def twin(folder, repo):
    """Write a tiny twin of `repo`: an index and two shards, as large models have them."""
    import numpy as np
    from safetensors.numpy import save_file

    weight_map, draw = {}, np.random.default_rng(len(repo))
    for i in (1, 2):
        name = f"model-0000{i}-of-00002.safetensors"
        save_file({f"layer{i}.weight": draw.normal(size=(64, 64)).astype(np.float32)}, folder / name)
        weight_map[f"layer{i}.weight"] = name
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def load(folder):
    """{name: array} of all shards. Raises KeyError for a tensor that its shard does not hold."""
    from safetensors.numpy import load_file

    weight_map = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    return {name: load_file(folder / file)[name] for name, file in weight_map.items()}
