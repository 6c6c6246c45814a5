# ---
# jupyter:
#   anylab:
#     title: A tiny notebook – with a dash
#     summary: Adds two numbers.
#     result: a sum
#     jinja: true
#     needs: {gpu: optional, gpu_memory_gb: 2, disk_gb: 1, internet: weights, minutes: {T4: 1, CPU: 2}}
#     packages: ["numpy>=1.26", "tokenizers>=0.20,<1; python_version >= '3.11'"]
#     models: [{id: tiny/model, gb: 0.1, licence: MIT, sell: "yes", gated: false, revision: unverified}]
#     leaves: nothing
# ---

# %% [markdown] slot="title"
# # Tiny

# %% tags=["parameters"]
#@markdown **What to add**
QUICK_TEST = False  #@param {type:"boolean"}
A = 2  #@param {type:"slider", min:0, max:9, step:1}
KIND = "short"  #@param ["short", "long"]

# %% slot="bootstrap"
import sys

sys.path.insert(0, "lib")

# %% slot="setup"
print("the local behaviour of setup")

# %% [markdown]
# ## Story on {{ platform.name }}
# Braces in code fences of a template are written as usual: `{{ "{{" }}`.

# %% [markdown] only_if="drive"
# Only where there is a Drive.

# %% [markdown] only_if="not drive"
# Only where there is none.

# %% Add collapse=true
from tinylib.sums import add

print(add(A, 1))

# %%
# %pip list
# !echo hello
# a comment stays a comment
text = """
# %%
not a marker
"""

# %% language="bash"
# echo "from bash"

# %% [raw] mimetype="text/html"
# <b>raw</b>

# %% slot="save"
print("the local behaviour of save")
