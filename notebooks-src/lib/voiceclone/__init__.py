"""voiceclone: a few seconds of a voice that may be used, and a text of any length, become marked speech in that voice.

Sound is float32 mono in -1..1, as `sound.Sound(samples, rate)`; what a reader can mend is a `labkit.Stop`.
"""
