"""A compiled variant in a real front end: JupyterLab in headless Chromium, opened, run to its end, and saved."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
KERNELSPEC = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def chromium() -> str | None:
    """The path of an installed Chromium; None when there is none."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


@contextmanager
def server(folder: Path, env: dict):
    """A JupyterLab server over `folder` in a stand-in's environment; gives its address with the token."""
    token = secrets.token_hex(16)
    options = {
        "ServerApp.root_dir": folder, "ServerApp.port": 0, "ServerApp.allow_root": True,
        "IdentityProvider.token": token, "LabApp.expose_app_in_browser": False, "ServerApp.open_browser": False,
    }  # fmt: skip
    command = [sys.executable, "-m", "jupyter", "lab", *(f"--{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab", line):
                # a server that says more than a pipe holds would wait for a reader for ever
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield f"http://127.0.0.1:{found[1]}/lab/tree/%s?token={token}"
                return
        raise AssertionError("JupyterLab did not start:\n" + "".join(lines))
    finally:
        process.terminate()
        process.wait()


def saved(path: Path, seconds: float = 60) -> dict:
    """The notebook as JupyterLab saved it last; while it writes, the file is empty or half there, and is read again."""
    until = time.monotonic() + seconds
    while True:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, FileNotFoundError):  # an unfinished UTF-8 sequence is a ValueError too
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def run_all(data: bytes, folder: Path, env: dict, screenshot: Path, seconds: float = 600) -> dict:
    """Open the notebook, Run > Run All Cells, wait until the last one is through, save; the saved notebook."""
    from playwright.sync_api import sync_playwright

    notebook = json.loads(data)
    notebook["metadata"]["kernelspec"] = KERNELSPEC  # a kernel picker waits for nobody's click here
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    env = {**env, "PATH": os.environ["PATH"], "JUPYTER_CONFIG_DIR": str(folder / ".jupyter-config")}
    with server(folder, env) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(address % path.name)
        page.get_by_text("| Idle").first.wait_for(timeout=90_000)  # the status bar, once a kernel is there
        page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=60_000)
        page.screenshot(path=screenshot.with_stem(f"{screenshot.stem}-before"))
        page.click('.lm-MenuBar-itemLabel:text-is("Run")')
        page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            page.wait_for_timeout(2000)
            page.keyboard.press("Control+s")
            page.wait_for_timeout(500)
            code = [c for c in saved(path)["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()]
            failed = any(o["output_type"] == "error" for c in code for o in c["outputs"])
            if failed or all(c["execution_count"] for c in code):
                break
        page.screenshot(path=screenshot)
        shown = page.locator(".jp-RenderedImage img").count()
        browser.close()
    return {"notebook": saved(path), "pictures": shown}
