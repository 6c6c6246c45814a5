"""Stands for labkit.install."""


def ensure(*args, **kwargs):
    print("install", args[:1])
