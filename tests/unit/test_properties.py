"""Any text survives the round trip, every line is where we say, and the same inputs give the same bytes anywhere."""

import hashlib
import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anylab import building, frontmatter, magics, source, text
from anylab.errors import Refused
from tests.unit.helpers import HEAD, OURS, code, foreign, ipynb, markdown, outputs, small_project, sources_of, write

quick = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
ANY = st.text(st.characters(exclude_categories=[]))  # lone surrogates, controls and unusual line ends included
EXOTIC = st.text(
    st.sampled_from("ab# %{}'\"\\\n\n\r\t\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\ufeff\ufdd0\U000f0000é\ud800")
)
WRITABLE = st.text(st.characters(exclude_categories=["Cs"])) | EXOTIC.map(lambda s: s.replace("\ud800", "𝒳"))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return small_project(tmp_path_factory.mktemp("properties"))


@quick
@given(st.lists(ANY | EXOTIC, max_size=6))
def test_any_text_in_an_ipynb_comes_out_as_it_went_in(project, texts):
    cells = [kind(body) for body in texts for kind in (code, markdown)]
    cells += [{"cell_type": "raw", "metadata": {}, "source": body} for body in texts]
    document = ipynb(cells)
    compiled = sources_of(foreign(project, document, ".ipynb"))
    assert compiled == [c["source"] for c in json.loads(document)["cells"]]


def commented(body):
    return "\n".join("# " + line for line in body.split("\n"))


def lf(body):
    """`body` as a file's reader sees it, a line end behind it."""
    return (body + "\n").replace("\r\n", "\n")[:-1]


@quick
@given(st.lists(st.tuples(WRITABLE, WRITABLE), min_size=1, max_size=4))
def test_any_text_in_a_percent_source_comes_out_as_it_went_in(project, pairs):
    """Markdown behind comment signs, and code that holds the text in a string."""
    strings = [f"x = '''\n{body.translate({ord(c): None for c in chr(39) + chr(92)})}\n'''" for body, _ in pairs]
    words = [lf(body) for _, body in pairs]
    content = "".join(
        f"# %%\n{string}\n\n# %% [markdown]\n{commented(body)}\n\n" for string, body in zip(strings, words, strict=True)
    )
    compiled = sources_of(foreign(project, content))
    # what comment signs cannot say: an open fence, a text in quotes, a line that then is a cell's marker
    fenced = any(mark in word for word in words for mark in ("```", "~~~", "'''", '"""', "%%"))
    assert fenced or compiled == [lf(cell) for pair in zip(strings, words, strict=True) for cell in pair]


PIECES = ["# %%", "# %% [markdown]", "# %% [raw]", 'x = """', '"""', "r'''", "'''words", "words'''", "", "", "# words",
          "y = 1", "# ```", "```",
          "    # %%", "# In[1]:", "\x0c", "\u2028", "#", "# %%bash", "# !ls", "# ---", "# a: 1", "#!x",
          '# %% language="bash"', "# coding: utf-8", "x = '", " ", "\t", "# %% title \x85", "%%time"]  # fmt: skip


def bare(line):
    """A line without what a markdown cell sheds: comment signs, quotes, blanks."""
    return re.sub(r"[#'\"r\s]", "", line)


@settings(quick, max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_every_line_of_a_percent_source_is_where_we_say(tmp_path_factory, pieces):
    pieces = [piece.replace("words", f"words {i}") for i, piece in enumerate(pieces)]
    path = tmp_path_factory.getbasetemp() / "lines.py"
    path.write_text("\n".join(pieces), encoding="utf-8")
    try:
        cells = source.read(path, "lines.py").cells
    except Refused:
        return
    for cell in cells:
        for offset, line in enumerate((cell.python or cell.source).rstrip("\n").split("\n") if cell.source else ()):
            there = "".join(pieces[cell.origin.line - 1 + offset :][:1])
            made = offset == 0 and line == "%%bash" and "language" in there  # jupytext's, from the marker's option
            assert made or bare(line) == bare(there), (pieces, cell)


MYST = ["```{code-cell}", "```{raw-cell}", "```", ":tags: [a]", "---", "a: 1", "", "", "words", "x = 1", "+++",
        '+++ {"a": 1}', "# %%", "    x", ":x", "> quote", "- item"]  # fmt: skip


@settings(quick, max_examples=600)
@given(st.lists(st.sampled_from(MYST), max_size=12))
def test_every_line_of_a_myst_source_is_where_we_say(tmp_path_factory, pieces):
    pieces = [piece.replace("words", f"words {i}") for i, piece in enumerate(pieces)]
    path = tmp_path_factory.getbasetemp() / "lines.md"
    path.write_text("\n".join(pieces), encoding="utf-8")
    try:
        cells = source.read(path, "lines.md").cells
    except Refused:
        return
    for cell in cells:
        for offset, line in enumerate(cell.source.split("\n") if cell.source else ()):
            assert pieces[cell.origin.line - 1 + offset].strip() == line.strip(), (pieces, cell)


@quick
@given(WRITABLE)
def test_a_shield_is_undone_and_leaves_one_kind_of_line_end(body):
    shielded, back = text.shield(body)
    assert back(shielded) == body and len(shielded) == len(body)
    assert len((shielded + "x").splitlines()) == shielded.count("\n") + 1


@quick
@given(WRITABLE)
def test_no_text_breaks_a_reader_with_anything_but_a_refusal(project, body):
    path = project.root / "odd"
    for suffix in (".py", ".md", ".ipynb"):
        for content in (
            body,
            HEAD + body,
            f"# ---\n{commented(body)}\n# ---\n",
            f"---\njupyter:\n  anylab: {body}\n---\n",
        ):
            target = path.with_suffix(suffix)
            target.write_text(content, encoding="utf-8", newline="")
            try:
                source.read(target, target.name)
            except Refused as refused:
                assert all("\n" not in str(p) and str(p).startswith(target.name) for p in refused.problems)


@quick
@given(st.text(st.sampled_from("ab:- #'\"[]{}&*!|>%@\n,.1"), max_size=30))
def test_no_yaml_breaks_the_front_matter_with_anything_but_a_refusal(body):
    try:
        data, lines = frontmatter.parse(body.split("\n"), 5, "f")
    except Refused as refused:
        assert all(4 < p.origin.line <= 5 + body.count("\n") for p in refused.problems)
    else:
        assert set(data) <= {path[0] for path in lines if path}


@quick
@given(
    st.lists(
        st.sampled_from(
            ["x = 1", "# words", "", "'''", '"""', "# !ls", "%time", "# # !ls", "# %%time", "\\", "# !a \\"]
        )
    )
)
def test_reading_commands_back_moves_no_line(lines):
    cell = "\n".join(lines)
    shown = magics.uncomment(cell)
    assert shown.count("\n") == cell.count("\n") == magics.python_only(shown).count("\n")


SCRIPT = """
import hashlib, sys
from pathlib import Path
from anylab.building import outputs
from anylab.compile import compile_all
from anylab.project import open_project
for path, data in outputs(compile_all(open_project(Path(sys.argv[1])))):
    print(path, hashlib.sha256(data).hexdigest())
"""
SURROUNDINGS = [
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "99", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONWARNINGS": "error"},
    {"PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8", "TZ": "America/St_Johns", "PYTHONOPTIMIZE": "2", "ANYLAB": "1"},
]


def test_the_same_inputs_give_the_same_bytes_anywhere(tmp_path):
    theirs = {
        "notebooks-src/theirs.py": "# %%\nimport torch\nx = '\\d ü'\n# %% [markdown]\n# {{ x }}\n",
        "notebooks-src/myst.md": "# Title\n\n```{code-cell}\n:tags: [b, a]\nx = 1\n```\n",
        "notebooks-src/old.ipynb": ipynb([code("x\u2028"), markdown("ü")], z=1, a=2),
        "notebooks-src/lib/kit/words.py": "x = '\\d'\n",
        "platforms/plain/files/note.txt.j2": "{{ links }} {{ badges }}\n",
    }
    ours = OURS + "\n# %%\nfrom kit import words\ny = '\\w'\n"
    results = set()
    for number, extra in enumerate(SURROUNDINGS):
        root = tmp_path / str(number) / "päth with space"
        files = dict(sorted(theirs.items(), reverse=number % 2))  # written in another order
        small_project(root, files, ours)
        cwd = tmp_path if number else root
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | extra
        environment["PYTHONPATH"] = os.pathsep.join([os.getcwd(), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(root)], cwd=cwd, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        results.add(done.stdout)
    assert len(results) == 1 and next(iter(results)).count("\n") == 13


@settings(quick, max_examples=15)
@given(st.lists(st.sampled_from(["x = 1", "# %%", "# %% [markdown]", "# words {{ x }}", "'''", ""]), max_size=8))
def test_a_second_build_writes_nothing_and_gives_the_same_bytes(tmp_path_factory, lines):
    project = small_project(tmp_path_factory.mktemp("stable"), {"notebooks-src/theirs.py": "\n".join(lines)})
    building.build(project)
    first = {path: hashlib.sha256((project.out / path).read_bytes()).hexdigest() for path in outputs(project)}
    write(project.root, {".anylab/nothing": ""})
    for file in (project.root / ".anylab").glob("build-*"):
        file.unlink()
    again = building.build(project).outcome
    assert again.written == [] and again.unchanged == len(first)
    assert {path: hashlib.sha256(data).hexdigest() for path, data in outputs(project).items()} == first
