# ---
# jupyter:
#   anylab:
#     title: A notebook with a package that goes in alone
#     summary: It stands for the notebooks whose packages ask for more than they need.
#     leaves: nothing
#     needs: {gpu: none, internet: required, minutes: {CPU: 1}}
#     no_deps: [num2words>=0.5.14]
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown] slot="title"
# # A notebook with a package that goes in alone

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}

# %% slot="bootstrap"
import sys

sys.path[:0] = ["lib", "../../../notebooks-src/lib"]

# %% slot="setup"
from labkit import storage

folders = storage.prepare("without")

# %%
from num2words import num2words

print("in words:", num2words(42))
