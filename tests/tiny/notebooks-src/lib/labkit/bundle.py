"""Stands for labkit.bundle."""


def fetch(*args, **kwargs):
    print("fetch", args[1:2])


def send(*args, **kwargs):
    print("send", args[1:2])
