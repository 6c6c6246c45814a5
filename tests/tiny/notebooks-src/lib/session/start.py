"""Stands for session.start."""


def begin(*args, **kwargs):
    print("start", args[:1])
