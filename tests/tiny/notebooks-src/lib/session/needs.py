"""Stands for session.needs."""


def check(*args, **kwargs):
    print("needs", args[:1])


def check_torch(*args, **kwargs):
    print("torch", args[:1])


def way(*args, **kwargs):
    print("way", args[:1])
