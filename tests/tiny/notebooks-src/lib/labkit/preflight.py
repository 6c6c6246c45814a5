"""Stands for labkit.preflight."""


def check(*args, **kwargs):
    print("preflight", args[:1])
