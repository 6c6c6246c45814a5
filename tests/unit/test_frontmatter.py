"""Front matter: YAML read strictly, every finding at its line."""

import pytest

from anylab import frontmatter
from anylab.errors import Refused
from tests.unit.helpers import HEAD


def parse(text, first=1):
    return frontmatter.parse(text.split("\n"), first, "f")


def front(*lines):
    return "\n".join(["# ---", "# jupyter:", "#   anylab:", *(f"#     {line}" for line in lines), "# ---", "", ""])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12:30", "12:30"), ("1e9", 1e9), ("no", "no"), ("on", "on"), ("yes", "yes"), ("0o17", "0o17"), ("017", 17),
        ("1_000", "1_000"), ("2026-11-20", "2026-11-20"), ("0x10", "0x10"), ("true", True), ("null", None), ("~", None),
        ("", None), ("3.5", 3.5), ("-2", -2), (".5", 0.5), ("1e999", "1e999"), ("'5'", "5"), ('"true"', "true"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_yaml_1_2_says(written, value):
    data, _ = parse(f"k: {written}")
    assert data == {"k": value} and type(data["k"]) is type(value)


def test_every_key_and_item_knows_its_line():
    _, lines = parse("a: 1\nb:\n  c: 2\n  d:\n    - x\n    - y", first=10)
    assert lines["a",] == 10
    assert lines["b", "c"] == 12
    assert lines["b", "d", 1] == 15


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", "a: {b: 1,\n\n b: 2}"])
def test_a_key_given_twice_is_refused_at_the_second(text):
    with pytest.raises(Refused, match="^f:3: key '.' is given twice"):
        parse(text)


def test_aliases_that_multiply_are_refused_at_once():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))
    with pytest.raises(Refused, match="too large"):
        parse(bomb)


def test_an_alias_to_its_own_parent_is_refused():
    with pytest.raises(Refused, match="contains itself"):
        parse("a: &a\n  b: *a")


@pytest.mark.parametrize(
    "text", ["- a\n- b", "just words", "? [a]\n: b", "a: b: c", "a: [1,\nb: 2", "a: " + "[" * 9000]
)
def test_what_is_no_table_is_refused_with_a_line(text):
    with pytest.raises(Refused, match=r"^f:\d+: "):
        parse(text)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["title: x", "sumary: y"], "src/x.py:5: unknown key 'sumary' of the front matter; did you mean 'summary'?"),
        (["title: 2024"], "src/x.py:4: 'title' of the front matter must be text, not 2024"),
        (["title: x", "needs:", "  gpu: maybe"], "src/x.py:6: 'needs.gpu' of the front matter must be one of"),
        (["needs: {gpu_memory: 4}"], "src/x.py:4: unknown key 'gpu_memory' in 'needs'"),
        (["title: x", "packages: [numpy, 3]"], "src/x.py:5: 'packages.1' of the front matter must be text, not 3"),
        (["models:", "  - id: a", "  - {id: b, licence: MIT}"], "src/x.py:5: 'models.0' misses the key 'licence'"),
        (["needs: {disk_gb: 1e999}"], 'must be a number, not "1e999"'),
        (["- a"], "must be a table of keys"),
    ],
)
def test_a_wrong_key_or_type_is_named_with_its_line(refusal, lines, expected):
    assert expected in refusal(front(*lines))


def test_all_faults_are_told_at_once(refusal):
    assert refusal(front("titel: x", "needz: 1", "jinja: 3")).count("src/x.py:") == 3


def test_an_anylab_table_outside_jupyter_is_refused(refusal):
    assert refusal("# ---\n# x: 1\n# anylab:\n#   title: x\n# ---\n").startswith("src/x.py:3: 'anylab:' belongs under")


def test_a_key_beside_jupyter_is_refused_in_our_own(refusal):
    text = HEAD.replace("# ---\n\n", "# summary: lost\n# ---\n\n")
    assert refusal(text).startswith("src/x.py:5: 'summary' stands beside 'jupyter:'")


def test_front_matter_on_one_line_is_no_cell(read):
    source = read("# ---\n# jupyter: {anylab: {title: x}}\n# ---\n\n# %%\nx = 1\n")
    assert source.ours and [c.source for c in source.cells] == ["x = 1"]


@pytest.mark.parametrize("suffix", [".py", ".md"])
def test_front_matter_of_ours_that_is_left_open_is_refused(refusal, suffix):
    text = "# ---\n# jupyter:\n#   anylab:\n\n# %%\n"
    assert ":1: the front matter has no closing" in refusal(text if suffix == ".py" else text.replace("# ", ""), suffix)


@pytest.mark.parametrize("head", ["# title: Foo: bar", "# a: 1\n# a: 2", "# * a list\n# * of stars", "#\n# words"])
def test_somebody_elses_header_stays_text(read, head):
    source = read(f"# ---\n{head}\n# ---\n\n# %%\nx = 1\n")
    assert not source.ours
    assert [(c.kind, c.origin.line) for c in source.cells] == [("raw", 1), ("code", head.count("\n") + 6)]


def test_a_rule_above_a_comment_opens_no_front_matter(read):
    assert read("# ---\n# My notebook\n\n# %%\nx = 1\n").cells[0].source == "# ---\n# My notebook"
    assert read("---\n\n# Title\n", ".md").cells[0].source.endswith("# Title")
