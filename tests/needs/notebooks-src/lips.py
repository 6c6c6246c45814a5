# ---
# jupyter:
#   anylab:
#     title: Lip sync needs
#     needs: {gpu: optional, internet: weights}
#     packages:
#       - torch>=2.4
#       - diffusers>=0.37
#       - transformers>=5.0
#       - opencv-python-headless>=4.10
#       - mediapipe>=1.0
#       - absl-py>=2.3
#       - onnxruntime-gpu<=1.26
#       - av>=14
# ---

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}

# %%
print(QUICK_TEST)
