# ---
# jupyter:
#   anylab:
#     title: A notebook with every need
#     summary: It stands for the notebooks to come, so that each scenario has something to be about.
#     leaves: nothing
#     needs: {gpu: required, gpu_memory_gb: 8, disk_gb: 2, ram_gb: 1, internet: weights, minutes: {T4: 1}}
#     models: []
#     packages: [numpy>=1.26]
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown] slot="title"
# # A notebook with every need

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}

# %% slot="bootstrap"
import sys

sys.path.insert(0, "../../../notebooks-src/lib")

# %% slot="setup"
from labkit import storage

folders = storage.prepare("needy")

# %%
print("the story")
