"""labkit: what every Anylab notebook carries. Where am I, what have I got, where do I save; the same calls everywhere.

Standard library first; torch is only looked at when a GPU is there. `labkit.here` is the platform's adapter: in a
compiled notebook it is the one of that notebook's platform, in the repository the one for your own machine.
"""


class Stop(RuntimeError):
    """A problem that the reader can mend: shown as one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython 7 to 9 print these lines instead of a traceback
        return [f"Stopped: {self}"]
