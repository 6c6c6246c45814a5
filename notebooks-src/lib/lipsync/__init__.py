"""lipsync: a face (video or photo) and speech become a video whose mouth follows the speech; MuseTalk 1.5, re-made.

speech -> windows of Whisper's hidden states; face -> track -> crop -> latents; one UNet call a frame -> mouth -> blend
-> ten-second chunks on the disk -> film. torch, diffusers, transformers and PyAV are imported where they are used.
Frames are (height, width, 3) uint8 RGB, 25 a second.
"""

FPS = 25  # frames a second of everything that is made: what MuseTalk 1.5 was trained for
