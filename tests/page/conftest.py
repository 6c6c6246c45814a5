"""A real browser, one for all tests of the page; the page from a file, and over http."""

import functools
import http.server
import os
import threading

import pytest

from tests.conftest import ROOT
from tests.front import jupyterlab

DIST = ROOT / "dist"
INDEX = (DIST / "index.html").as_uri()


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium. Without one these tests say why they do not run; on the server that is a failure."""
    if jupyterlab.chromium() is None:
        assert not os.environ.get("CI"), "CI needs Chromium: apt-get install chromium"
        pytest.skip("no Chromium on this machine: apt-get install chromium, then these tests run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=jupyterlab.chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site():
    """The address of dist/ over http, as GitHub Pages serves it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *told):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=DIST))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Visit:
    """A page that was opened, with everything that it asked for and complained of."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type != "log" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))


@pytest.fixture
def visit(chromium):
    """`visit(address, width=..., dark=..., script=...)` opens an address and gives the Visit."""
    opened = []

    def go(address=INDEX, width=1280, height=900, dark=False, script=True, **options):
        scheme = "dark" if dark else "light"
        size = {"width": width, "height": height}
        opened.append(Visit(chromium, viewport=size, color_scheme=scheme, java_script_enabled=script, **options))
        opened[-1].page.goto(address)
        return opened[-1]

    yield go
    for one in opened:
        one.context.close()


@pytest.fixture(scope="module")
def page(chromium):
    """One page for the tests that only look, or leave it as it was."""
    one = Visit(chromium, viewport={"width": 1280, "height": 900})
    one.page.goto(INDEX)
    yield one.page
    one.context.close()
