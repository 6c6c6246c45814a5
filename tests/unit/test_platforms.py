"""Platform folders: the profile, and templates whose faults are told at their own line."""

import pytest

from anylab import platforms, templating
from anylab.errors import Refused
from tests.unit.helpers import PROFILE, small_project, write

GOOD = PROFILE.format(forms="true")


def load(tmp_path, profile=GOOD, name="plain", **files):
    write(tmp_path, {f"{name}/platform.toml": profile} | {f"{name}/{k}": v for k, v in files.items()})
    return platforms.load(tmp_path / name, f"platforms/{name}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("order = 1", 'order = "1"', "platform.toml:3: 'order' of the profile must be a whole number"),
        ("order = 1", "ordre = 1", "platform.toml:3: unknown key 'ordre' of the profile; did you mean 'order'"),
        ("forms = true", "forms = 1", "platform.toml:6: 'capabilities.forms'"),
        ("forms = true", "drvie = true", "platform.toml:6: unknown key 'drvie' in 'capabilities'"),
        ('date = "2026-11-20"', "date = 2026-11-20", "platform.toml:20: 'facts.accelerators.date'"),
        ('grade = "A"', 'grade = "D"', "platform.toml:21: 'facts.accelerators.grade' of the profile must be one of"),
        ("order = 1", "order = ", "platform.toml:3: not TOML"),
        ("order = 1", "order = 1\norder = 2", "platform.toml:4: not TOML"),
        ('name = "Plain"', "", "misses the key 'name'"),
        ("metadata = {", "metadata = { a = 2026-11-20,", "platform.toml:8: the notebook's metadata holds a date"),
        ("metadata = {", "metadata = { a = nan,", "platform.toml:8: the notebook's metadata holds a date or a nan"),
        ("nbformat_minor = 4", "nbformat_minor = 5", "platform.toml:9: 'notebook.nbformat_minor'"),
    ],
)
def test_a_broken_profile_is_refused_at_its_key(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(Refused) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["Colab", "my platform", "a_b"])
def test_a_platform_is_named_in_plain_letters(tmp_path, name):
    with pytest.raises(Refused, match="must be lower-case"):
        load(tmp_path, name=name)


def cells(text):
    return templating.split_template(text, "setup.py.j2")


def test_a_template_is_cut_at_its_markers_only():
    found = cells('a comment\n# %% Title collapse=true\n# %%time\nx = """\n"""\n# %% [markdown]\n# # Hi\n')
    assert [(c.kind, c.title, c.collapse, c.origin.line) for c in found] == [
        ("code", "Title", True, 3), ("markdown", "", False, 7)]  # fmt: skip
    assert [c.render({}).source for c in found] == ['%%time\nx = """\n"""', "# Hi"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# %%\na\n{{ nam }}\n", 3, "did you mean 'name'"),
        ("# %%\n\n\n{{ name.first.second }}\n", 4, "no attribute 'first'"),
        ("# %%\na\n# %%\n{% for x in name %}\n{{ x }}\n{{ y }}\n{% endfor %}\n", 6, "'y' is undefined"),
        ("# %%\n{{ 1 / 0 }}\n", 2, "division"),
        ("# %%\n{{ name | nofilter }}\n", 2, "nofilter"),
        ("# %%\nx\n{% if name %}\n", 3, "template"),
        ("# %%\nx\n# %%\n{% endif %}\n", 4, "endif"),
        ("# %%\nx\ny {{ \n", 3, "template"),
    ],
)
def test_a_fault_in_a_template_stands_at_the_templates_own_line(text, line, words):
    with pytest.raises(Refused) as caught:
        for cell in cells(text):
            cell.render({"name": "x"})
    assert str(caught.value).startswith(f"setup.py.j2:{line}: ") and words in str(caught.value)


def test_no_block_spans_two_cells():
    with pytest.raises(Refused):
        cells("# %%\n{% if x %}\n# %%\n{% endif %}\n")


@pytest.mark.parametrize(
    "value",
    ["x", 'a "b" \\ c', "ü – 你", "a\nb\x00\u2028", "\ud800", {"a": [1, 2.5, None, True], "b": {}}, [], ["x" * 50] * 3,
     (1,), (), ("a", ("b", {"c": "d" * 100})), [(1, 2), (True, 2.0)], {1: "x" * 90, "y": ["z" * 90]}],
)  # fmt: skip
def test_a_literal_is_python_for_the_same_value(value):
    assert repr(eval(templating.literal(value))) == repr(value)


def test_an_unknown_slot_of_a_platform_is_refused(tmp_path):
    with pytest.raises(Refused, match="setpu.py.j2: unknown slot 'setpu'; did you mean 'setup'"):
        load(tmp_path, **{"cells/setpu.py.j2": "# %%\nx = 1\n"})


def test_all_platforms_faults_are_told_at_once(tmp_path):
    project = small_project(
        tmp_path, {"platforms/plain/platform.toml": "x = 1", "platforms/forms/platform.toml": "y ="}
    )
    with pytest.raises(Refused) as caught:
        platforms.load_all(project.platforms, "platforms")
    assert {p.origin.file for p in caught.value.problems} == {
        "platforms/plain/platform.toml",
        "platforms/forms/platform.toml",
    }


def test_a_key_of_an_inner_table_knows_its_line():
    _, lines = platforms.read_toml('a = 1\n[b.c]\nd = 2\n"e-f".g = 3\n[[h]]\ni = 4\n', "f")
    assert (lines["b", "c", "d"], lines["b", "c", "e-f", "g"], lines["h", "i"]) == (3, 4, 6)
