"""Progress: a bar with rate, time to go and session time left, and a picture that redraws in place; in a browser, a
terminal and a batch run alike. The bar is tqdm's plain one, since widgets are lost in saved and batch notebooks."""

import base64
import io
import sys
import time
from pathlib import Path

from labkit import Stop, clock, here, storage


def bar(items=None, total: int | None = None, what: str = "", unit: str = "it"):
    """A tqdm bar over `items`, or by hand with `update(n)`. A batch run gets a line every half minute."""
    from tqdm import tqdm

    class Bar(tqdm):
        @property
        def format_dict(self) -> dict:
            left = clock.time_left()
            return {**super().format_dict, "session": "" if left is None else f", session {clock.span(left)} left"}

    counted = total is not None or hasattr(items, "__len__")
    shape = "{desc}{percentage:3.0f}% |{bar:10}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{session}]"
    shape = shape if counted else "{desc}{n_fmt} [{elapsed}, {rate_fmt}{session}]"
    name, seconds = f"{what} " if what else "", 30 if here.is_batch() else 0.5
    return Bar(items, name, total, unit=unit, file=sys.stdout, mininterval=seconds, bar_format=shape)


def show(figure, path: Path, alt: str) -> None:
    """Save a matplotlib figure as PNG and show it; `alt` is what it shows, in words, for those who cannot see it."""
    Live(path, alt).draw(figure)


class Live:
    """A picture that is drawn again and again: one PNG file, and one place in the notebook, else a line of text."""

    def __init__(self, path: Path, alt: str, seconds: float = 0.0):
        self.path, self.alt, self.seconds, self.drawn, self.problem = Path(path), alt, seconds, float("-inf"), ""
        self.id = f"anylab-{time.monotonic_ns()}"

    def due(self) -> bool:
        """Whether `seconds` have gone by since it was drawn."""
        return time.monotonic() - self.drawn >= self.seconds

    def draw(self, figure, text: str = "") -> None:
        """Redraw in place and write the file; `text` is what is new, for a reader who sees no picture."""
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=110, bbox_inches="tight")
        try:
            storage.write_whole(self.path, picture.getvalue())
        except Stop as stop:  # said once, and the job goes on
            if str(stop) != self.problem:
                print(stop)
            self.problem = str(stop)
        again, self.drawn = self.drawn > float("-inf"), time.monotonic()
        alt = f"{self.alt}: {text}" if text else self.alt
        if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
            from IPython.display import display

            content = {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": alt}
            display(content, raw=True, display_id=self.id, update=again)
        else:
            print(f"{alt} ({self.path})", flush=True)
