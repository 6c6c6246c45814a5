"""videogen: a prompt, a list or an image becomes a checked mp4, in stages that each fit a 16 GB card.

request -> plan -> encode (words to numbers, once) -> denoise -> latents on disk -> decode -> film -> check -> report.
torch, diffusers and transformers are imported in the functions that use them; nothing here names a platform.
"""
