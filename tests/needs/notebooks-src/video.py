# ---
# jupyter:
#   anylab:
#     title: Video needs
#     needs: {gpu: optional, internet: weights}
#     packages:
#       - torch>=2.4
#       - diffusers>=0.37
#       - transformers>=5.0
#       - accelerate>=1.10
#       - imageio-ffmpeg>=0.6
#       - av>=14
# ---

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}

# %%
print(QUICK_TEST)
