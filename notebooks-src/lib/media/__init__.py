"""media: what every notebook that makes voices, faces or films owes and needs: consent, mark, signature, players, quiet
loading, memory, processes for further cards, and a voice that is nobody's.

Sound is float32 mono in -1..1, as `sound.Sound(samples, rate)`; what a reader can mend is a `labkit.Stop`.
"""
