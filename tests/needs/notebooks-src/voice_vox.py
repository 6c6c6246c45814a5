# ---
# jupyter:
#   anylab:
#     title: Voice needs, VoxCPM
#     needs: {gpu: optional, internet: weights}
#     packages:
#       - torch>=2.4
#       - torchaudio>=2.4
#       - transformers>=4.57
#       - einops>=0.8
#       - librosa>=0.11
#       - soundfile>=0.13
#       - pydantic>=2
#       - safetensors>=0.5
#       - huggingface-hub>=1.0
#       - tqdm
#     no_deps:
#       - voxcpm==2.0.3
# ---

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}

# %%
print(QUICK_TEST)
