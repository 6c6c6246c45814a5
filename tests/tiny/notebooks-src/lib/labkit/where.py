"""Stands for labkit.where."""


def start(*args, **kwargs):
    print("where", args[:1])
