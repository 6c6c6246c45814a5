"""A labkit of a few lines, so that the golden notebooks stay small enough to review."""


class Stop(RuntimeError):
    pass
