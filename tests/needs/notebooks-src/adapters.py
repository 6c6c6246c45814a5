# ---
# jupyter:
#   anylab:
#     title: Adapter needs
#     needs: {gpu: optional, internet: weights}
#     packages:
#       - torch>=2.4
#       - peft>=0.18
#       - torchao>=0.16
#       - transformers>=5.0
# ---

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}

# %%
print(QUICK_TEST)
