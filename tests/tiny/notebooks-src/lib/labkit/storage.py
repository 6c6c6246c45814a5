"""Stands for labkit.storage."""


def prepare(*args, **kwargs):
    print("storage", args[:1])
