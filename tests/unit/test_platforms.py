"""Platform folders: the profile, and templates whose faults are told at their own line."""

import pytest

from anylab import platforms, templating, tomls
from anylab.errors import Refused
from tests.unit.helpers import HEAD, LABKIT, OURS, PROFILE, WAY, notebook, outputs, small_project, sources_of, write

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
        (
            'value = ["none"]',
            'valeu = ["none"]',
            "platform.toml:17: 'facts.accelerators' of the profile must be a table",
        ),
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
    _, lines = tomls.read_toml('a = 1\n[b.c]\nd = 2\n"e-f".g = 3\n[[h]]\ni = 4\n', "f")
    assert (lines["b", "c", "d"], lines["b", "c", "e-f", "g"], lines["h", 0, "i"]) == (3, 4, 6)


# a folder without variants: facts, and a way that every variant may use

SENT = "def send(archive, name, dry_run=False):\n    return name\n"
FOLDER = {"platforms/way/platform.toml": WAY, "platforms/way/transport.py": SENT}
USED = HEAD + "# %%\nfrom labkit import way\n"


def test_a_folder_without_variants_gets_no_notebooks_and_is_named_nowhere(tmp_path):
    assert outputs(small_project(tmp_path / "with", FOLDER)) == outputs(small_project(tmp_path / "without"))
    project = small_project(tmp_path / "with", FOLDER)
    assert [p.id for p in platforms.load_all(project.platforms, "platforms")] == ["forms", "plain"]
    assert [p.id for p in platforms.load_folders(project.platforms, "platforms")] == ["forms", "plain", "way"]


def test_a_folder_without_variants_may_hold_facts_alone(tmp_path):
    facts = load(tmp_path, WAY.replace('[transport]\nmodule = "way"\n', ""), "way")
    assert facts.fact("entry") is None and not facts.overlays and not facts.has_variants


def test_a_notebook_cannot_list_a_folder_without_variants(tmp_path):
    ours = OURS.replace("# ---\n\n", "#     platforms: [plain, way]\n# ---\n\n", 1)
    with pytest.raises(Refused, match="^notebooks-src/ours.py:5: unknown platform 'way'; known: forms, plain"):
        outputs(small_project(tmp_path, FOLDER, ours))


@pytest.mark.parametrize("platform", ["plain", "forms"])
def test_a_shared_way_travels_in_the_variants_that_import_it(tmp_path, platform):
    cells = notebook(small_project(tmp_path, LABKIT | FOLDER, USED), platform=platform)["cells"]
    way = next(c for c in cells if "".join(c["source"]).startswith("%%writefile $LAB/labkit/way.py\n"))
    assert SENT.strip() in "".join(way["source"])
    assert way["metadata"]["anylab"]["source"] == "platforms/way/transport.py"
    unused = notebook(small_project(tmp_path, LABKIT | FOLDER), platform=platform)["cells"]
    assert not any("labkit/way.py" in cell for cell in sources_of(unused))


def test_a_platforms_cell_may_bring_the_way(tmp_path):
    files = {"platforms/plain/cells/finish.py.j2": "# %%\nfrom labkit import way\n"}
    project = small_project(tmp_path, LABKIT | FOLDER | files)
    brought = [any("$LAB/labkit/way.py" in c for c in sources_of(notebook(project, platform=p)["cells"]))
               for p in ("plain", "forms")]  # fmt: skip
    assert brought == [True, False]


NO_USE = "a folder with variants = false has no use for"
NAME = "'transport.module' must be a Python name in lower-case letters, digits and _, not"
NOTEBOOK = "[notebook]\nnbformat_minor = 4\nmetadata = { kernelspec = {} }\n"
DECLARED = '[transport]\nmodule = "way"\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("variants", 'note = "x"\nvariants', f":3: {NO_USE} 'note'; remove it"),
        ("[facts", NOTEBOOK + "[facts", f":8: {NO_USE} 'notebook'; remove it"),
        ('"way"', '"a way"', f":6: {NAME} 'a way'"),
        ('"way"', '"class"', f":6: {NAME} 'class'"),
        ('"way"', '"a.b"', f":6: {NAME} 'a.b'"),
        ('"way"', "3", ":6: 'transport.module' of the profile must be text, not 3"),
        (DECLARED, 'transport = { module = "B" }\n', f":5: {NAME} 'B'"),
        ('module = "way"', "", ":5: 'transport' misses the key 'module'"),
        (DECLARED, "", ":3: platforms/way/transport.py travels nowhere without [transport]"),
        ("variants = false", "variants = 0", ":3: 'variants' of the profile must be true or false, not 0"),
        ("variants = false", "", ":1: 'the profile' misses the key 'notebook'; add it"),
    ],
)
def test_a_broken_profile_without_variants_is_refused_at_its_key(tmp_path, old, new, message):
    assert old in WAY
    with pytest.raises(Refused) as caught:
        load(tmp_path, WAY.replace(old, new, 1), "way", **{"transport.py": SENT})
    assert f"platforms/way/platform.toml{message}" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "named"), [("cells/setup.py.j2", "cells"), ("files/a.j2", "files"), ("adapter.py",) * 2]
)
def test_a_folder_without_variants_holds_nothing_of_notebooks(tmp_path, file, named):
    with pytest.raises(Refused, match=f"^platforms/way/platform.toml:3: {NO_USE} platforms/way/{named}; remove one"):
        load(tmp_path, WAY, "way", **{"transport.py": SENT, file: "x = 1\n"})


def test_a_declared_way_must_be_there(tmp_path):
    message = (
        r"^platforms/way/platform.toml:5: \[transport\] is declared and platforms/way/transport.py is missing; write it"
    )
    with pytest.raises(Refused, match=message):
        load(tmp_path, WAY, "way")


def test_a_platform_with_variants_declares_no_shared_way(tmp_path):
    with pytest.raises(Refused, match=r"platform.toml:4: \[transport\] is for a folder with variants = false"):
        load(tmp_path, GOOD.replace("order = 1\n", 'order = 1\n[transport]\nmodule = "x"\n'), "plain")


@pytest.mark.parametrize(
    ("module", "taken"),
    [("here", "notebooks-src/lib/labkit/here.py"), ("nice", "notebooks-src/lib/labkit/__init__.py")],
)
def test_a_shared_way_takes_no_name_that_labkit_has(tmp_path, module, taken):
    files = FOLDER | {"platforms/way/platform.toml": WAY.replace('"way"', f'"{module}"')}
    message = rf"^platforms/way/platform.toml:6: a module '{module}' of labkit is there already \({taken}\)"
    with pytest.raises(Refused, match=message):
        outputs(small_project(tmp_path, LABKIT | files))


def test_a_shared_way_takes_no_name_that_platforms_exchange(tmp_path):
    files = LABKIT | FOLDER | {"platforms/way/platform.toml": WAY.replace('"way"', '"transport"')}
    del files["notebooks-src/lib/labkit/transport.py"]
    with pytest.raises(Refused, match=r"platform.toml:6: .*already \(a platform's own transport.py\)"):
        outputs(small_project(tmp_path, files))


def test_two_shared_ways_cannot_have_one_name(tmp_path):
    files = FOLDER | {name.replace("/way/", "/way-two/"): text for name, text in FOLDER.items()}
    with pytest.raises(Refused, match=r"^platforms/way-two/platform.toml:6: .*\(platforms/way/transport.py\)"):
        outputs(small_project(tmp_path, LABKIT | files))


@pytest.mark.parametrize("folder", ["way", "plain"])
def test_a_transport_that_only_a_newer_python_reads_is_refused_though_nothing_imports_it(tmp_path, folder):
    files = LABKIT | FOLDER | {f"platforms/{folder}/transport.py": "x = {'a': 1}\ny = f'{x['a']}'\n"}
    with pytest.raises(Refused, match=f"^platforms/{folder}/transport.py:2: does not parse"):
        outputs(small_project(tmp_path, files))
