"""Stands for session.install."""


def ensure(*args, **kwargs):
    print("install", args[:1])
