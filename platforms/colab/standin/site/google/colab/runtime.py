"""The session: `unassign` ends it on Colab, here it says so."""


def unassign():
    print("unassigned")
