"""`where`: a pasted traceback, or a cell's number, is answered with the line of the source.

`tracebacks/` were recorded from one notebook with IPython 7.34 (ipykernel 6.17), 8.37, 9.18 and papermill 2.7.
"""

from pathlib import Path

import pytest

from anylab import where
from anylab.errors import Refused
from tests.unit.helpers import HEAD, LABKIT, PROFILE, small_project

TRACEBACKS = Path(__file__).parent / "tracebacks"
SUMS = '"""Sums."""\n\n\ndef total(values):\n    largest = max(values)\n    return sum(values) / largest\n'
OURS = (
    HEAD
    + '# %% tags=["parameters"]\nQUICK_TEST = False\n\n# %% [markdown]\n# ## The sums\n\n'
    + '# %%\nfrom kit import sums\n\nnumbers = [0, 0]\nprint(sums.total(numbers))\nprint("done")\n\n'
    + '# %% A missing key\nempty = {}\n\nempty["missing"]\n'
)
CELL, KEY, MODULE = "notebooks-src/ours.py:17", "notebooks-src/ours.py:23", "notebooks-src/lib/kit/sums.py:6"


@pytest.fixture
def project(tmp_path):
    forms = {
        "platforms/forms/platform.toml": PROFILE.format(forms="true").replace(
            '"Plain"\norder = 1', '"Forms"\norder = 2'
        )
    }
    return small_project(tmp_path, forms | {"notebooks-src/lib/kit/sums.py": SUMS}, ours=OURS)


def recorded(name):
    return (TRACEBACKS / f"{name}.txt").read_text(encoding="utf-8")


def origins(project, text):
    return [str(place.origin) for place in where.of_traceback(project, text)]


@pytest.mark.parametrize("client", ["ipython7", "ipython8", "ipython9", "papermill"])
def test_a_traceback_through_the_library_is_answered_with_both_places(project, client):
    assert origins(project, recorded(f"{client}-library")) == [CELL, MODULE]


@pytest.mark.parametrize("client", ["ipython7", "ipython8", "ipython9"])
def test_a_traceback_of_a_cell_is_answered_with_its_title_and_platforms(project, client):
    (place,) = where.of_traceback(project, recorded(f"{client}-cell"))
    assert str(place) == f"{KEY}  'A missing key'  (Plain, Forms)"


HEADERS = [
    "<ipython-input-3-9e1622b385b6> in <module>",
    "/tmp/ipython-input-278441.py in <cell line: 0>()",
    "Input In [3], in <cell line: 1>()",
    "Cell In [3], line 3",
]


@pytest.mark.parametrize("header", HEADERS)
def test_the_headers_of_other_versions_and_platforms_are_known(project, header):
    text = f'KeyError   Traceback\n{header}\n      1 empty = {{}}\n      2 \n----> 3 empty["missing"]\n'
    assert origins(project, text) == [KEY]


def test_a_plain_python_traceback_names_the_library_line(project):
    text = (
        'Traceback (most recent call last):\n  File "/usr/lib/python3.12/runpy.py", line 6, in run\n    go()\n'
        '  File "/tmp/lab-k3_x9z/kit/sums.py", line 6, in total\n    return sum(values) / largest\n'
        "           ~~~~~~~~~~~~^~~~~~~~~\nZeroDivisionError: division by zero\n"
    )
    assert origins(project, text) == [MODULE]
    assert origins(project, text.replace("/tmp/lab-k3_x9z/kit/", "C:\\Temp\\lab-k3_x9z\\kit\\")) == [MODULE]


def test_where_forms_shift_the_file_by_a_line_the_text_decides(project):
    head = "/tmp/lab-abc/kit/sums.py in total(values)\n"
    shifted = head + "      6     largest = max(values)\n----> 7     return sum(values) / largest\n"
    (place,) = where.of_traceback(project, shifted)
    assert str(place) == f"{MODULE}  (Forms)"
    (place,) = where.of_traceback(
        project, head + "      5     largest = max(values)\n----> 6     return sum(values) / largest\n"
    )
    assert str(place) == f"{MODULE}  (Plain)"


def test_a_bare_library_line_is_answered_for_each_way_of_counting(project):
    places = where.of_traceback(project, "ZeroDivisionError: see /tmp/lab-abc/kit/sums.py:6\n")
    assert [str(p) for p in places] == [f"{MODULE}  (Plain)", "notebooks-src/lib/kit/sums.py:5  (Forms)"]


def test_a_platforms_own_module_is_answered_with_its_folder(tmp_path):
    adapter = {"platforms/plain/adapter.py": 'NAME = "plain"\nboom = 1 / 0\n'}
    ours = HEAD + '# %% tags=["parameters"]\nQUICK_TEST = False\n\n# %%\nfrom labkit import here\n'
    there = small_project(tmp_path, LABKIT | adapter, ours=ours)
    text = 'Traceback\n  File "/tmp/lab-a1/labkit/here.py", line 2, in <module>\n    boom = 1 / 0\n'
    assert origins(there, text) == ["platforms/plain/adapter.py:2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no traceback of a notebook"),
        ("hello\nworld\n", "no traceback of a notebook"),
        ("Cell In[3], line 1\n----> 1 somebody.elses()\n", "stand in no variant as built here"),
        ("/tmp/lab-abc/kit/none.py:3\n", "stand in no variant as built here"),
        ("Cell In[3], line 99999999999\n", "stand in no variant"),
    ],
)
def test_what_is_not_ours_is_one_line(project, text, words):
    with pytest.raises(Refused) as caught:
        where.of_traceback(project, text)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_cell_is_found_by_the_number_beside_it(project):
    found = {n: [str(p.origin) for p in where.of_cell(project, "ours/plain", n)] for n in range(1, 7)}
    assert found == {
        1: ["notebooks-src/ours.py:8"], 2: ["notebooks-src/ours.py:1"], 3: ["notebooks-src/lib/kit/__init__.py:1"],
        4: ["notebooks-src/lib/kit/sums.py:1"], 5: ["notebooks-src/ours.py:14"], 6: ["notebooks-src/ours.py:21"],
    }  # fmt: skip
    (last,) = where.of_cell(project, "dist/plain/ours.ipynb", 6, 3)
    assert str(last) == f"{KEY}  'A missing key'  (Plain)"
    (both,) = where.of_cell(project, "ours", 5, 4)
    assert str(both) == f"{CELL}  'The sums'  (Plain, Forms)"


@pytest.mark.parametrize(
    ("notebook", "number", "line", "words"),
    [("nope", 1, 1, "no such notebook"), ("ours", 99, 1, "none is numbered [99]"), ("ours", 1, 99, "so none is 99")],
)
def test_a_wrong_cell_is_one_line(project, notebook, number, line, words):
    with pytest.raises(Refused) as caught:
        where.of_cell(project, notebook, number, line)
    assert words in str(caught.value)


def test_an_executed_notebook_is_read_for_its_traceback(project, tmp_path):
    import json

    error = {
        "output_type": "error",
        "ename": "KeyError",
        "evalue": "x",
        "traceback": recorded("ipython9-cell").split("\n"),
    }
    cell = {"cell_type": "code", "metadata": {}, "source": "", "outputs": [error], "execution_count": 1}
    (tmp_path / "out.ipynb").write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    )
    assert origins(project, where.read(str(tmp_path / "out.ipynb"))) == [KEY]
    (tmp_path / "bad.ipynb").write_text("[]")
    with pytest.raises(Refused, match="is no notebook"):
        where.read(str(tmp_path / "bad.ipynb"))
    with pytest.raises(Refused, match="cannot be read"):
        where.read(str(tmp_path / "none.txt"))
