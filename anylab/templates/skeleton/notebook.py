# ---
# jupyter:
#   anylab:
#     title: __TITLE__
#     summary: One sentence about what the reader will have at the end.
#     result: a plot and a file with its numbers
#     jinja: true
#     leaves: nothing
#     models: []
#     needs:
#       gpu: optional
#       disk_gb: 1
#       internet: none
#     packages:
#       - matplotlib>=3.8
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown] slot="title"
# # __TITLE__

# %% tags=["parameters"]
# @markdown **What to make**
QUICK_TEST = False  # @param {type:"boolean"}
POINTS = 500  # @param {type:"slider", min:100, max:5000, step:100}

# %% slot="bootstrap"
import sys
from pathlib import Path

here = Path(globals().get("__file__", "notebook")).resolve().parent
sys.path[:0] = [str(here / "lib"), str(here / "notebooks-src" / "lib")]

# %% slot="setup"
from labkit import storage

folders = storage.prepare("__NAME__")

# %% [markdown]
# ## A first result
# What the cell below shows, and why, on {{ platform.name }}.

# %%
import math

import matplotlib.pyplot as plt
from labkit import progress
from session import report

count = 50 if QUICK_TEST else POINTS
with report.stage("compute"):
    xs = [i / count for i in range(count + 1)]
    ys = [math.sin(2 * math.pi * x) for x in xs]
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(xs, ys)
axes.set(xlabel="turns", ylabel="sine")
progress.show(figure, folders.outputs / "__NAME__.png", "one turn of a sine")
plt.close(figure)

# %%
rows = "".join(f"{x:.6f},{y:.6f}\n" for x, y in zip(xs, ys, strict=True))
storage.write_whole(folders.outputs / "__NAME__.csv", ("x,sine\n" + rows).encode())
VERDICT = f"{len(xs)} points, largest {max(ys):.3f}"
print(VERDICT)

# %% slot="finish"
report.files(folders)
