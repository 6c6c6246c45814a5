"""session: what the setup and the last cells do. Right place? Enough? Installed? And the run report.

It asks labkit; labkit, which is what keeps a job alive, never asks it.
"""
