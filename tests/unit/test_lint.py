"""Rules: each finds its fault at its line in our own sources, and lets foreign notebooks through."""

import pytest

from anylab import lint, source
from anylab.compile import compile_all
from anylab.errors import Refused
from tests.unit.helpers import HEAD, OURS, code, ipynb, small_project, write

SETTINGS = '# %% tags=["parameters"]\nQUICK_TEST = False\n\n'
KIT = lint.Collection(frozenset({"kit"}))
BASE = HEAD + SETTINGS  # nine lines


def findings(tmp_path, text):
    """['rule:line', ...] of the errors in one of our sources."""
    write(tmp_path, {"x.py": text})
    errors, _ = lint.findings("source", source.read(tmp_path / "x.py", "x.py"), KIT)
    return [f"{p.rule}:{p.origin.line}" for p in errors]


def front(line):
    return BASE.replace("# ---\n\n", f"#     {line}\n# ---\n\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE + "# %%\nx = 1\nif x\n", ["source/syntax:12"]),
        (BASE + '# %%\nf"{d["a"]}"\n', ["source/syntax:11"]),
        (BASE + "# %%\n%pip list\n", ["source/syntax:11"]),
        (BASE + "# %%\n# %pip list\n# !ls\nawait x\n", []),
        (BASE + "# %%\n# %%bash\n# if then fi\n", []),
        (BASE + "# %%\n# %%time\nif x\n", ["source/syntax:12"]),
        (BASE + "# %%\nx = 1\n# cat the files first\n", ["source/comment-command:12"]),
        (BASE + "# %%\n# # %time x\nx = '''\n# cat the files\n'''\n", []),
        (BASE + "# %%\n# files come first\n# 5 % 3\n", []),
        (BASE + "# %%\nif x:\n    raise SystemExit\n", ["source/exit:12"]),
        (BASE + "# %%\n# %%bash\n# exit(1)\n", []),
        (front('packages: [numpy, "a >>> 1"]') + "# %%\nx\n", ["source/requirement:5"]),
        (front("packages: [numpy, KIT]"), ["source/library-as-requirement:5"]),
        (front('packages: ["kit>=1"]'), ["source/library-as-requirement:5"]),
        (front("packages: [kitchen, torch-kit]"), []),
        (BASE.replace('ers"]', 'ers"] collapse=true'), ["source/hidden-settings:8"]),
    ],
)
def test_a_rule_finds_its_fault_at_its_line(tmp_path, text, expected):
    assert findings(tmp_path, text) == expected


def test_an_ipynb_of_ours_is_held_to_the_same_rules(tmp_path):
    write(tmp_path, {"x.ipynb": ipynb([code("x = 1\nexit()")], anylab={"title": "x"})})
    errors, _ = lint.findings("source", source.read(tmp_path / "x.ipynb", "x.ipynb"))
    assert [str(p.origin) for p in errors] == ["x.ipynb cell 1:2"]


def test_a_source_without_a_quick_test_is_warned_about(tmp_path):
    assert [w.rule for w in compile_all(small_project(tmp_path, ours=HEAD + "# %%\nx = 1\n")).warnings] == [
        "source/quick-test"
    ]


FOREIGN = "# %%\nexit()\n# cat the files\n%pip install x\n!ls\n\n# %%\nprint 1\n"


def test_somebody_elses_notebook_is_warned_about_and_built(tmp_path):
    build = compile_all(small_project(tmp_path, {"notebooks-src/theirs.py": FOREIGN}))
    assert {tuple(str(w).split(":")[:2]) for w in build.warnings} == {
        ("notebooks-src/theirs.py", "3"),  # a comment that jupytext alone reads as a command
        ("notebooks-src/theirs.py", "4"),  # a package without a version
        ("notebooks-src/theirs.py", "8"),
    }
    assert "plain/theirs.ipynb" in build.rendered


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("platform.py", "x = 1\n", "kit/platform.py:1: a module named 'platform' hides"),
        ("io.py", "x = 1\n", "kit/io.py:1: a module named 'io' hides"),
        ("a.py", 'x = 1\ny = f"{d["a"]}"\n', "kit/a.py:2: does not parse"),
        ("a.py", "type X = int\n", "kit/a.py:1: does not parse"),
        ("deep/words.py", "x = 1\n", "kit/deep/words.py: lies in a folder without an __init__.py"),
        ("../solo.py", "x = 1\n", "lib/solo.py: a module of its own does not travel"),
        ("empty/__init__.py", "\n", "kit/empty/__init__.py: is empty"),
    ],
)
def test_a_module_of_the_library_is_held_to_its_rules(tmp_path, name, text, message):
    with pytest.raises(Refused) as caught:
        compile_all(small_project(tmp_path, {f"notebooks-src/lib/kit/{name}": text}))
    assert message in str(caught.value)


def test_a_platforms_cell_that_does_not_parse_is_refused_in_its_template(tmp_path):
    template = {"platforms/plain/cells/setup.py.j2": "words\n# %%\nx = 1\nif {{ notebook.name }}\n"}
    with pytest.raises(Refused, match=r"^platforms/plain/cells/setup.py.j2:4: the rendered cell does not parse"):
        compile_all(small_project(tmp_path, template))


@pytest.mark.parametrize(("title", "words"), [("x" * 30, "takes 20"), ("x", "wants 5")])
def test_a_title_that_a_platform_refuses_is_refused_at_its_line(tmp_path, title, words):
    project = small_project(tmp_path, ours=OURS.replace("A small title", title))
    profile = project.platforms / "plain" / "platform.toml"
    profile.write_text(profile.read_text().replace("[notebook]", "[notebook]\ntitle_max = 20\ntitle_min = 5"))
    with pytest.raises(Refused) as caught:
        compile_all(project)
    assert str(caught.value).startswith("notebooks-src/ours.py:4: ") and words in str(caught.value)


def test_every_rule_is_named_once():
    names = [rule.id for rule in lint.rules()]
    assert len(names) == len(set(names)) and all("/" in name for name in names)
