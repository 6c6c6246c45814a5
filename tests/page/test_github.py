"""GitHub shows a compiled notebook through nbconvert and a sanitizer: what it would show of each variant.

An approximation: GitHub's own filter is not public for notebooks; its list for Markdown (github/markup, and the tags
that its GFM specification disallows) stands for it here.
"""

import base64
import json
import re
from html.parser import HTMLParser

import nbformat
import pytest

from tests.conftest import ROOT

VARIANTS = sorted((ROOT / "dist").rglob("*.ipynb"))
# what GitHub takes out, with what stands in it (github/markup README; section 6.11 of the GFM specification)
_DROPPED = """script style iframe form input button textarea select object embed video audio svg title xmp noembed
noframes plaintext link meta base"""
_KEPT = "href src alt title width height align colspan rowspan id name class open lang dir"
DROPPED, KEPT_ATTRIBUTES = frozenset(_DROPPED.split()), frozenset(_KEPT.split())


class Tags(HTMLParser):
    """Every tag of a text with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.fixture(scope="module")
def exporter():
    from nbconvert import HTMLExporter

    return HTMLExporter(template_name="basic")


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.relative_to(ROOT / "dist").as_posix())
def test_a_variant_renders_with_whole_pictures_and_nothing_that_github_drops_matters(path, exporter):
    notebook = nbformat.read(path, as_version=4)
    words = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert words
    # the library's cells are code that is shown as it is; the story and the first cell are what may break
    notebook.cells = words
    html, _ = exporter.from_notebook_node(notebook)
    assert html.count("<h1") == 1, "one title"
    for tag, attributes in Tags(html).found:
        if tag == "img":
            assert attributes.get("alt"), f"a picture without words: {attributes.get('src', '')[:80]}"
            assert _is_a_picture(attributes["src"]), f"a broken picture: {attributes['src'][:80]}"
    for cell in words:
        for tag, attributes in Tags(_without_code(cell.source)).found:
            assert tag not in DROPPED, f"GitHub drops <{tag}>: {cell.source[:80]}"
            lost = set(attributes) - KEPT_ATTRIBUTES
            assert not lost, f"GitHub drops {lost} of <{tag}>"


def test_a_variant_is_a_notebook_that_github_reads(tmp_path):
    for path in VARIANTS:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        nbformat.validate(notebook)
        assert path.stat().st_size < 1_000_000, "GitHub shows no notebook of many megabytes"


def _without_code(markdown: str) -> str:
    return re.sub(r"`[^`]*`", "", re.sub(r"```.*?```", "", markdown, flags=re.DOTALL))


def _is_a_picture(source: str) -> bool:
    """A badge on the web (asked for by `lint --online`), or data that begins as its kind says."""
    if source.startswith("https://"):
        return True
    found = re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64,([A-Za-z0-9+/=\s]+)", source)
    starts = {"png": b"\x89PNG", "jpeg": b"\xff\xd8", "gif": b"GIF8", "webp": b"RIFF"}
    return bool(found) and base64.b64decode(found[2]).startswith(starts[found[1]])
