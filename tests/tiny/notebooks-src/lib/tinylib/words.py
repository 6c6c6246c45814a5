"""Says."""


def say(number):
    """A number in words with a non-ASCII dash."""
    return f"– {number} –"
