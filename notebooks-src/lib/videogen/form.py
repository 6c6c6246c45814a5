"""An optional form in the browser: prompt, style, seed and image in; clip, verdict and progress out. It calls the very
function that the cells call. Gradio 5 and 6; nothing is shared with the internet.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from labkit import Stop

from videogen.presets import STYLES, TEMPLATES

Make = Callable[[str, str, int, str | None, threading.Event, Callable[[str, int, int], None]], tuple[Path, str]]


def there():
    """The module that draws the form. Raises Stop where it is missing."""
    try:
        import gradio
    except ImportError:
        raise Stop("the form needs gradio, which this machine lacks: install gradio, or leave FORM off") from None
    return gradio


def build(make: Make, images: bool = False):
    """The form, not yet launched. `make(prompt, style, seed, image path, cancel, tell)` gives (film, verdict)."""
    gr = there()
    cancel = threading.Event()

    def run(prompt, style, seed, image, progress=gr.Progress()):  # noqa: B008  (gradio finds the bar by this default)
        cancel.clear()
        try:
            path, verdict = make(
                prompt,
                style,
                -1 if seed is None else int(seed),
                image,
                cancel,
                lambda stage, at, of: progress((at, of), desc=stage),
            )
        except Exception as problem:  # whatever went wrong belongs in the form, in a sentence
            return None, f"{problem}"
        return str(path), verdict

    with gr.Blocks(title="Video from words") as page:
        prompt = gr.Textbox(label="What is to be seen", value=TEMPLATES["cat"], lines=3)
        with gr.Row():
            style = gr.Dropdown(list(STYLES), value="none", label="Style")
            seed = gr.Number(value=0, precision=0, label="Seed (-1: drawn)")
        image = gr.Image(type="filepath", label="Begin with an image", visible=images)
        with gr.Row():
            go, stop = gr.Button("Make the clip", variant="primary"), gr.Button("Stop")
        film = gr.Video(label="Clip", interactive=False)
        words = gr.Textbox(label="What it is like", interactive=False)
        gr.Examples([[text] for text in TEMPLATES.values()], [prompt])
        go.click(run, [prompt, style, seed, image], [film, words], api_name="make")
        stop.click(cancel.set, None, None, queue=False)
    return page.queue(default_concurrency_limit=1, max_size=8)


def launch(page, folder: Path) -> None:
    """Show the form below the cell; it runs until the kernel stops, and nobody outside this session can open it."""
    page.launch(share=False, inline=True, prevent_thread_lock=True, allowed_paths=[str(folder)], quiet=True)
