"""Stands for session.report."""


def files(folders):
    print("files")


def show(*args, **kwargs):
    print("report", args[:1])
