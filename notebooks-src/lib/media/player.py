"""Players in the notebook: plain audio and video elements, which stay in a saved notebook and work on a phone."""

import base64
import html
import sys
from pathlib import Path

MOST = 8_000_000  # bytes of sound that may go into a notebook's output in one cell


def markup(clips: list[tuple[str, Path]]) -> str:
    """HTML with one labelled player a clip, one below the other, to be compared."""
    rows, used = [], 0
    for label, path in clips:
        size = path.stat().st_size
        text = html.escape(label)
        if used + size > MOST:
            rows.append(f"<p>{text}: {size / 1e6:.0f} MB, too long to play here; it is in {html.escape(path.name)}</p>")
            continue
        used += size
        kind = {".mp3": "mpeg", ".wav": "wav", ".ogg": "ogg"}[path.suffix]
        data = base64.b64encode(path.read_bytes()).decode()
        rows.append(
            f'<figure style="margin:0 0 .6em"><figcaption>{text}</figcaption>'
            f'<audio controls preload="metadata" style="width:100%;max-width:36em" aria-label="{text}" '
            f'src="data:audio/{kind};base64,{data}"></audio></figure>'
        )
    return "\n".join(rows)


def show(clips: list[tuple[str, Path]]) -> None:
    """Show players in a notebook; elsewhere say where the files are."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import HTML, display

        display(HTML(markup(clips)))
    else:
        for label, path in clips:
            print(f"{label}: {path}")


def film_markup(path: Path, alt: str, width: int = 480) -> str:
    """A film as one piece of HTML that plays in a notebook, also in a saved one; at most 4 MB, else a sentence."""
    if (size := path.stat().st_size) > 4_000_000:
        return f"<p>{html.escape(alt)}: {size / 1e6:.1f} MB, in the file {html.escape(path.name)}</p>"
    source = f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}"
    style = f"max-width:100%;width:{width}px"
    words = f'style="{style}" aria-label="{html.escape(alt)}" src="{source}"'
    return f"<video controls loop muted playsinline {words}></video>"


def show_film(path: Path, alt: str) -> None:
    """Play a film below the cell; `alt` is what it shows, in words. Outside a notebook, one line."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import display

        display({"text/html": film_markup(path, alt), "text/plain": f"{alt} ({path.name})"}, raw=True)
    else:
        print(f"{alt} ({path})", flush=True)
