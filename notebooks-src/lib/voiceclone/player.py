"""Players in the notebook: plain audio elements, which stay in a saved notebook and work on a phone."""

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
