"""A stand-in of google.colab: names, signatures and exceptions of colabtools@3c07d77 (2026-04-07), behaviour ours.

There is no google/__init__.py beside this folder: it would hide the other google.* packages. ANYLAB_DRIVE chooses what
`drive.mount` does, ANYLAB_SECRETS (a JSON object) what `userdata.get` knows.
"""
