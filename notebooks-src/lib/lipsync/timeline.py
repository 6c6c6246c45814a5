"""Which frame of the face goes with which frame of the speech, when they are not equally long."""

LONGER = ("ping-pong", "loop", "freeze")


def index(i: int, frames: int, longer: str = "ping-pong") -> int:
    """The face's frame (of `frames`) that stands at frame i of the film. ping-pong: forwards, then backwards, without
    standing still at the ends; loop: from the begin again; freeze: the last frame stays."""
    if i < frames or frames == 1:
        return min(i, frames - 1)
    if longer == "freeze":
        return frames - 1
    if longer == "loop":
        return i % frames
    i %= 2 * frames - 2
    return i if i < frames else 2 * frames - 2 - i


def indices(begin: int, end: int, frames: int, longer: str = "ping-pong") -> list[int]:
    """The face's frames for frames begin..end - 1 of the film."""
    return [index(i, frames, longer) for i in range(begin, end)]
