"""Which comments are commands; jupytext, which writes them, is the oracle where it is right."""

import jupytext
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from anylab import magics, syntax

AS_JUPYTEXT_WRITES_THEM = [
    "%%time\nx = 1\n# a note\ny = 2",
    "%%time\n# only a note",
    "%%writefile a.py\nx = 1\n# a note\n\ndef f():\n    pass",
    "%%bash\nls\n# a note\n\necho $X",
    "\n\n%%bash\nls",
    "%%html\n<b>{{ x }}</b>\n# y",
    "%%capture out\n!ls\nx = 1",
    "%%R\nx <- 1",
    "%%custom_magic a\nabc\n# d",
    "!ls\nx = 1",
    "!!ls",
    "! ls",
    "!{cmd} $x",
    "files = !ls\nprint(files)",
    "a, b = !ls",
    "x = %time foo()",
    "%pip install a \\\n    b",
    "!pip install a \\\n  b \\\n  c\nx = 1",
    "# %time x",
    "# !ls",
    "#!pip install x",
    "def f():\n    !ls\n    # !no",
    'x = """\n%time\n!ls\n"""',
    'x = """\n# %time\n# !ls\n"""',
    "s = '# !ls'  # %time",
    "#@title x\n!ls",
    "%autoreload 2",
    "#!/bin/x",
    "%%sh\n#!/bin/sh\n# !no",
]


@pytest.mark.parametrize("cell", AS_JUPYTEXT_WRITES_THEM)
def test_what_jupytext_comments_out_comes_back_as_it_was(read, cell):
    text = jupytext.writes(new_notebook(cells=[new_code_cell("first = 1"), new_code_cell(cell)]), fmt="py:percent")
    assert [c.source for c in read(text).cells] == ["first = 1", cell]


@pytest.mark.parametrize(
    "comment",
    ["# cat the files first", "# rm is dangerous", "# %s is the name", "# %d items", "# 5 % 3", "# ls", "# x?", "#! "],
)
def test_a_comment_in_plain_words_is_never_a_command(comment):
    assert magics.uncomment(f"x = 1\n{comment}") == f"x = 1\n{comment}"


@pytest.mark.parametrize("body", ["%%bash\n#!/bin/bash\n# !ls", "%%writefile a.sh\n# %cd\n"])
def test_a_cell_magic_that_is_no_comment_keeps_its_body(body):
    assert magics.uncomment(body) == body


def test_a_cell_of_comments_below_a_cell_magic_comes_back_whole():
    assert magics.uncomment("# %%bash\n# ls\n#\n# # note") == "%%bash\nls\n\n# note"


@pytest.mark.parametrize(
    ("cell", "parses"),
    [
        ("%pip install x \\\n  y\nz = 1", True),
        ("files = !ls\nx.y?\n?z\nif a:\n    %time b", True),
        ("%%bash\nif then fi", True),
        ("%%time\nif x\n", False),
        ("!ls\nif x\n", False),
    ],
)
def test_ipythons_lines_are_no_syntax_errors_and_hide_none(cell, parses):
    python = magics.python_only(cell)
    assert python.count("\n") == cell.count("\n")
    assert (syntax.fault(python) is None) is parses
