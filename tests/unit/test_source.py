"""Sources: every cell, its text as it was written, and the file:line where it stands."""

import jupytext
import pytest

from anylab.errors import Refused
from tests.unit.helpers import HEAD, code, foreign, ipynb, markdown, sources_of


def lines_of(source):
    return [(c.origin.line, c.source.split("\n")[0]) for c in source.cells]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", [(1, "x = 1")]),
        ("#!/usr/bin/env python\n# coding: utf-8\n\n# %%\nx\n", [(3, ""), (5, "x")]),
        ("\n\n# %%\nx\n", [(1, ""), (4, "x")]),
        ("# %%\n# %%\n# %%\nx\n", [(2, ""), (3, ""), (4, "x")]),
        ('# %%\nx = """\n# %%\n"""\n# %%\ny\n', [(2, 'x = """'), (6, "y")]),
        ("# %%\n\n\n\n\n\nx\n\n\n\n# %%\ny\n", [(2, ""), (12, "y")]),
        ("# %%\nx\n\n# %%\nx\n\n# %% [markdown]\n# x\n", [(2, "x"), (5, "x"), (8, "x")]),
        ('# %% [markdown]\n"""\nhi\n# %% no\n"""\n# %%\ny\n', [(3, "hi"), (7, "y")]),
        ('# %% [markdown]\nr"""hi\nyou"""\n# %%\ny\n', [(2, "hi"), (5, "y")]),
        ("# %% [markdown]\n\n'''\n\nhi\n'''\n# %%\ny\n", [(4, ""), (8, "y")]),
        ("# %% [markdown]\n# ```\n# %% no\n# ```\n# %%\ny\n", [(2, "```"), (6, "y")]),
        ("if x:\n    # %%\n    y\n# In[3]:\nz\n# <codecell>\nw\n", [(1, "if x:"), (3, "    y"), (5, "z"), (7, "w")]),
        ('# %% language="bash"\n# ls\n# %%\ny\n', [(1, "%%bash"), (4, "y")]),
        ("# ---\n# title: x\n# ---\n\n\n# %%\ny\n", [(1, "---"), (5, ""), (7, "y")]),
        ("# ---\n# jupyter:\n#   a: 1\n# ---\n# %%\ny\n", [(6, "y")]),
        ('# %%\ns = "' + "a" * 300_000 + '"\n\n# %%\ny\n', [(2, 's = "' + "a" * 300_000 + '"'), (5, "y")]),
        ("# %%\nx = 'a\u2028b\x0cc\x85d'\n\x0c\n# %%\n\ty\n", [(2, "x = 'a\u2028b\x0cc\x85d'"), (5, "\ty")]),
        ("# %%\n# don't\nx = 'it''s'  # \"\"\"\n# %%\ny = 'ü – 你'\n", [(2, "# don't"), (5, "y = 'ü – 你'")]),
    ],
)
def test_every_cell_of_a_percent_source_knows_its_line(read, text, expected):
    assert lines_of(read(text)) == expected


def test_a_mark_and_windows_line_ends_move_no_line(read):
    source = read(b"\xef\xbb\xbf# %%\r\nx\r\n\r\n# %% [markdown]\r\n# hi\r\n")
    assert lines_of(source) == [(2, "x"), (5, "hi")]


MYST = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
---


# Title

```{code-cell} ipython3
:tags: [a]

x = 1
```

```{code-cell} ipython3
---
tags: [b]
---
y = 1
```

```{code-cell}

z = '''
```
+++ {"tags": ["c"]}


words

    ```{code-cell}
    no cell
    ```

```{raw-cell}
raw
```
"""


def test_every_cell_of_a_myst_source_knows_its_line(read):
    source = read(MYST, ".md")
    assert lines_of(source) == [
        (6, "# Title"),
        (11, "x = 1"),
        (18, "y = 1"),
        (23, "z = '''"),
        (28, "words"),
        (35, "raw"),
    ]
    assert [c.metadata.get("tags") for c in source.cells] == [None, ["a"], ["b"], None, ["c"], None]


def test_a_cell_of_an_ipynb_is_named_by_its_number(read):
    assert str(read(ipynb([code("a"), code("b")]), ".ipynb").cells[1].origin) == "src/x.ipynb cell 2:1"


@pytest.mark.parametrize(
    "cell",
    [1, "x", {}, {"cell_type": "code"}, {"cell_type": "heading", "metadata": {}, "source": ""}, code(5), code([1]),
     {"cell_type": "code", "metadata": [], "source": ""}, {"cell_type": "code", "metadata": {}}],
)  # fmt: skip
def test_what_is_no_cell_is_refused_in_one_line(refusal, cell):
    assert refusal(ipynb([cell]), ".ipynb").startswith("src/x.ipynb")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": {}, "metadata": {}, "nbformat": 4}', "nul", '{"a": 1'])
def test_what_is_no_notebook_is_refused_in_one_line(refusal, text):
    assert "not a notebook" in refusal(text, ".ipynb")


def test_an_older_notebook_is_read_as_the_newer_one(read):
    old = '{"worksheets": [{"cells": [{"cell_type": "code", "metadata": {}, "input": ["a\\n", "b"], "outputs": []}]}],'
    assert read(old + '"metadata": {}, "nbformat": 3, "nbformat_minor": 0}', ".ipynb").cells[0].source == "a\nb"


FOREIGN = r"""# %% [markdown]
# # Theirs {{ name }} {% if x %} {# c #}
# ```python
# {{ x }} {% for y in z %}
# ```

# %% My title
template = "{{ name }} {% for x in y %}{{ '{%' }}"
# cat the files first
tab = "	" # ü – 你好 \u2028

# %% [raw]
# raw {{ text }}

# %% collapse=true slot="setup" only_if="drive" tags=["parameters"]
A = B * 2

# %% tags=["parameters"]
C = 1
"""


def test_a_foreign_source_goes_through_unharmed(project):
    theirs = jupytext.reads(FOREIGN, {"extension": ".py", "format_name": "percent", "comment_magics": False})
    compiled = foreign(project, FOREIGN)
    assert sources_of(compiled) == [c.source for c in theirs.cells]
    assert [c["cell_type"] for c in compiled] == ["markdown", "code", "raw", "code", "code"]
    assert "jupyter" not in compiled[3]["metadata"]


def test_attachments_and_raw_formats_of_a_foreign_notebook_survive(project):
    picture = {"a.png": {"image/png": "aGk="}}
    raw = {"cell_type": "raw", "metadata": {"format": "text/latex"}, "source": "\\alpha"}
    cells = foreign(project, ipynb([markdown("![x](attachment:a.png)", attachments=picture), raw]), ".ipynb")
    assert cells[0]["attachments"] == picture
    assert cells[1]["metadata"]["format"] == "text/latex"


def test_a_foreign_notebooks_odd_tags_make_no_settings_cell(read):
    assert not read(ipynb([code("A = 1", tags="parameters")]), ".ipynb").cells[0].is_settings
    assert not read(ipynb([code("A = 1", tags=3)]), ".ipynb").cells[0].is_settings


def test_a_source_in_another_of_jupytexts_formats_is_refused_with_the_way_out(refusal):
    header = (
        "# ---\n# jupyter:\n#   jupytext:\n#     text_representation: {extension: .py, format_name: light}\n# ---\n"
    )
    assert "jupytext --to py:percent" in refusal(header + "\n# words\n\nx = 1\n")


@pytest.mark.parametrize(
    ("cell", "line", "words"),
    [
        ('# %% slot="setpu"\nx\n', 7, "did you mean 'setup'"),
        ("# %% slot=save\nx\n", 7, "quotes"),
        ('# %%\nx\n\n# %% colapse="yes"\ny\n', 10, "did you mean 'collapse'"),
        ('# %% only_if="gpu"\nx\n', 7, "markdown cells"),
    ],
)
def test_a_wrong_cell_option_of_ours_is_refused_at_its_marker(refusal, cell, line, words):
    message = refusal(HEAD + cell)
    assert message.startswith(f"src/x.py:{line}: ") and words in message


@pytest.mark.parametrize("name", ["My Notebook", "1st", "a-b", "Ä"])
def test_a_name_that_is_no_identifier_is_refused(read, name):
    with pytest.raises(Refused, match="must be lower-case letters"):
        read("x = 1\n", name=name)
