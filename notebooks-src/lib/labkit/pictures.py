"""Show a figure where the reader is, and keep it as a file; the same in a browser, a batch run and a script."""

import base64
import io
import sys
from pathlib import Path

from labkit import storage


def show(figure, path: Path, alt: str) -> None:
    """Save a matplotlib figure as PNG and show it; `alt` is what it shows, in words, for those who cannot see it."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110, bbox_inches="tight")
    storage.write_whole(path, picture.getvalue())
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import display

        display({"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": alt}, raw=True)
    else:
        print(f"{alt}: {path}")
