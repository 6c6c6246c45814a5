# ---
# jupyter:
#   anylab:
#     title: A notebook that loads a model
#     summary: It stands for the notebooks that fetch weights from the hub.
#     leaves: nothing
#     needs: {gpu: required, gpu_memory_gb: 8, disk_gb: 5, ram_gb: 1, internet: weights, minutes: {T4: 1}}
#     models:
#       - {id: anylab-tests/sharded, gb: 5, licence: Apache-2.0, gated: false, revision: unverified, tiny: loader:twin}
#     packages: [huggingface_hub>=0.33, numpy>=1.26, safetensors>=0.4]
#     smallest: {POWER: 2}
#     produces:
#       - {file: norms.json, is: table}
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown] slot="title"
# # A notebook that loads a model

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}
POWER = 10  # @param {type:"integer"}

# %% slot="bootstrap"
import sys

sys.path[:0] = ["lib", "../../../notebooks-src/lib"]

# %% slot="setup"
from labkit import storage

folders = storage.prepare("loader")

# %%
import loader
from session import weights

assert POWER == 2, "the smallest settings are not set"
found = weights.fetch("anylab-tests/sharded", "unverified", folders)
tensors = loader.load(found.folder)

# %%
norms = {name: float((abs(array) ** POWER).sum() ** (1 / POWER)) for name, array in tensors.items()}
storage.write_json(folders.outputs / "norms.json", {"commit": found.commit, **norms})
