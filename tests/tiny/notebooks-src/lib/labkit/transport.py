"""The place of a platform's own way to carry a bundle."""


def send(*args, **kwargs):
    return "sent"


def receive(*args, **kwargs):
    return None
