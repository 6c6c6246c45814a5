# ---
# jupyter:
#   anylab:
#     title: Voice needs, measures
#     needs: {gpu: optional, internet: weights}
#     packages:
#       - torch>=2.4
#       - librosa>=0.11
#       - webrtcvad-wheels>=2.0.14
#     no_deps:
#       - resemblyzer>=0.1.4
# ---

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}

# %%
print(QUICK_TEST)
