# ---
# jupyter:
#   anylab:
#     title: Voice needs, Chatterbox
#     needs: {gpu: optional, internet: weights}
#     packages:
#       - torch>=2.4
#       - torchaudio>=2.4
#       - transformers>=5.0
#       - diffusers>=0.37
#       - librosa>=0.11
#       - omegaconf>=2.3
#       - pyloudnorm>=0.1.1
#       - pykakasi>=2.3
#     no_deps:
#       - chatterbox-tts>=0.1.7
#       - s3tokenizer>=0.2
#       - conformer>=0.3.2
#       - resemble-perth>=1.0.1
# ---

# %% tags=["parameters"]
QUICK_TEST = False  # @param {type:"boolean"}

# %%
print(QUICK_TEST)
