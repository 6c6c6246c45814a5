"""Cells -> bytes: the same as json.dumps would write, valid, and nothing that the platform does not write itself."""

import json

import nbformat
import pytest

import anylab
from anylab import emit, platforms
from anylab.cell import Cell
from anylab.errors import Origin
from tests.unit.helpers import PROFILE, code, foreign, ipynb, markdown, notebook, outputs, small_project, write

TEXTS = [
    "",
    "\n",
    "a",
    "a\n",
    "a\n\nb",
    "\n\n",
    '"\\/\x00\x1f\x7f\x85\u2028\r\n\t',
    "ü – 你好 😀",
    "\ud800x",
    "%%bash\nls",
]


@pytest.fixture
def platform(tmp_path):
    write(tmp_path, {"plain/platform.toml": PROFILE.format(forms="true")})
    return platforms.load(tmp_path / "plain", "platforms/plain")


def dumped(document):
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_cell_is_written_as_json_dumps_writes_it(platform, kind, text):
    metadata = {"tags": ["ü", "b"], "dropped": 1, "format": "x"}
    cell = Cell(kind, text, Origin("f", 3), metadata=metadata, attachments={"a": {"b": "c"}}, collapse=text == "a")
    written = '{\n "cells": [\n' + emit.cell_json(cell, platform) + "\n ]\n}\n"
    parsed = json.loads(written)
    assert dumped(parsed) == written.encode("utf-8", "backslashreplace")
    assert "dropped" not in parsed["cells"][0]["metadata"]


def test_every_variant_is_written_as_json_dumps_writes_it_and_is_valid(tmp_path):
    picture = {"a.png": {"image/png": "aGk="}}
    raw = {"cell_type": "raw", "metadata": {"raw_mimetype": "text/x"}, "source": "r"}
    cells = [*(code(t, tags=["a"]) for t in TEXTS), *(markdown(t, attachments=picture) for t in TEXTS), raw]
    project = small_project(tmp_path, {"notebooks-src/theirs.ipynb": ipynb(cells), "notebooks-src/bare.py": ""})
    found = {path: data for path, data in outputs(project).items() if path.endswith(".ipynb")}
    assert len(found) == 6
    for data in found.values():
        document = json.loads(data)
        assert dumped(document) == data
        nbformat.validate(nbformat.reads(data.decode(), as_version=nbformat.NO_CONVERT))
        assert not any("id" in c or c.get("outputs") or c.get("execution_count") for c in document["cells"])


def test_an_output_or_widget_state_of_a_source_never_gets_out(project):
    output = {"output_type": "stream", "name": "stdout", "text": "secret"}
    cell = code("x = 1") | {"outputs": [output], "execution_count": 3}
    write(project.sources, {"theirs.ipynb": ipynb([cell], widgets={"secret": 1})})
    assert b"secret" not in outputs(project)["plain/theirs.ipynb"]


def test_a_lone_surrogate_comes_out_as_the_escape_that_it_came_in_as(project):
    cell = foreign(project, ipynb([code("x = '\ud800'")]), ".ipynb")[0]
    assert cell["source"] == ["x = '\ud800'"]


def test_tables_are_merged_and_the_last_word_wins():
    assert emit.merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 4}, "d": {"e": 5}}) == {
        "a": {"b": 4, "c": 2},
        "d": {"e": 5},
    }


def test_a_title_of_ours_is_not_doubled(platform):
    cell = Cell("code", "#@title Mine\nx = 1", Origin("f", 3), collapse=True)
    assert json.loads(emit.cell_json(cell, platform))["source"] == ["#@title Mine\n", "x = 1"]


def test_the_manifest_holds_the_hash_of_what_is_written(tmp_path):
    import hashlib

    files = outputs(
        small_project(tmp_path, {"platforms/plain/files/x.json.j2": '{"title": {{ notebook.title | tojson }}}\n'})
    )
    for entry in json.loads(files["manifest.json"])["variants"]:
        assert hashlib.sha256(files[entry["path"]]).hexdigest() == entry["sha256"]
    assert list(files)[-1] == "manifest.json" and "plain/ours/x.json" in files


def test_a_variant_says_which_source_to_edit(project):
    note = notebook(project)["metadata"]["anylab"]
    assert note["generated_from"] == "notebooks-src/ours.py" and note["version"].startswith(anylab.__version__)
