"""labkit: a job that survives its session, and moves to another platform; the same calls everywhere (docs/labkit.md).

Standard library first, torch is never imported. `labkit.here` and `labkit.transport` are the platform's: in a compiled
notebook those of its platform, in the repository those for your own machine."""


class Stop(RuntimeError):
    """A problem that the reader can mend: shown as one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython 7 to 9 print these lines instead of a traceback
        return [f"Stopped: {self}"]
