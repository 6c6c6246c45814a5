"""Stands for labkit.report."""


def show(*args, **kwargs):
    print("report", args[:1])
