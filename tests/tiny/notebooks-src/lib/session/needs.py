"""Stands for session.needs."""


def check(*args, **kwargs):
    print("needs", args[:1])
