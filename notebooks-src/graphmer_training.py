# ---
# jupyter:
#   anylab:
#     title: GraphMER training on Python code
#     summary: test
#     needs: {gpu: optional, disk_gb: 1}
#     packages: ["numpy"]
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
# ---

# %% [markdown] slot="title"
# # GraphMER

# %% tags=["parameters"]
#@markdown Hello
QUICK_TEST = False  #@param {type:"boolean"}
STEPS = 3  #@param {type:"integer"}

# %% slot="bootstrap"
import sys
from pathlib import Path

sys.path.insert(0, str(Path("notebooks-src/lib")))

# %% slot="setup"
from labkit import storage

folders = storage.prepare("graphmer_training")

# %%
from labkit import report

with report.stage("x"):
    print(STEPS)
