"""Adds."""

from . import words


def add(a, b):
    """The sum, said aloud."""
    return words.say(a + b)
