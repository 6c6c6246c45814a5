"""The library that travels: the static closure of what a notebook imports."""

from pathlib import Path

import pytest

from anylab import library, syntax
from anylab.errors import Origin, Refused
from tests.unit.helpers import HEAD, LABKIT, notebook, small_project, sources_of, write

ASKED = Origin("src/x.py", 7)


def lib(**files):
    """A library of modules: lib(kit="import x", kit__sums="...") names packages and modules with `__`."""
    packages = {name.rpartition("__")[0] for name in files} - {""} | {n for n in files if "__" not in n}
    paths = {name: name.replace("__", "/") + ("/__init__.py" if name in packages else ".py") for name in files}
    modules = [library.parse(files[name] or '""" """', Path(path), "lib") for name, path in paths.items()]
    return {m.name: m for m in modules}


def names(modules, *wanted):
    return [m.name for m in library.closure(modules, [(w, ASKED) for w in wanted])]


@pytest.mark.parametrize(
    ("statement", "imported"),
    [
        ("import kit.sums", ["kit", "kit.sums"]),
        ("from kit import sums, words", ["kit", "kit.sums", "kit.words"]),
        ("from kit.sums import total as t", ["kit", "kit.sums"]),
        ("from kit import *", ["kit"]),
        ("if x:\n    try:\n        import kit.words\n    except E:\n        pass", ["kit", "kit.words"]),
        ("def f():\n    from kit import sums", ["kit", "kit.sums"]),
        ("import numpy, kitchen", []),
        ("'import kit'", []),
    ],
)
def test_every_form_of_import_brings_its_modules(statement, imported):
    modules = lib(kit="", kit__sums="total = 1", kit__words="")
    asked = library.imported(syntax.parse(statement))
    assert names(modules, *(one.name for one in asked)) == imported


def test_relative_imports_are_followed_up_and_down():
    inner = {"kit__deep": "", "kit__deep__a": "from ..words import w", "kit__words": "w = 1", "kit__unused": ""}
    modules = lib(kit="from . import sums", kit__sums="from .deep import a", **inner)
    modules["kit.deep"] = library.parse('""" """', Path("kit/deep/__init__.py"), "lib")
    assert names(modules, "kit") == ["kit", "kit.deep", "kit.deep.a", "kit.sums", "kit.words"]


def test_modules_that_import_each_other_travel_once():
    assert names(lib(kit="", kit__a="import kit.b", kit__b="import kit.a"), "kit.a") == ["kit", "kit.a", "kit.b"]


def test_a_module_that_a_module_misses_is_refused_at_that_modules_line():
    with pytest.raises(Refused, match=r"^lib/kit/a.py:2: the library has no 'kit.bb'; did you mean 'kit.b'\?"):
        names(lib(kit="", kit__a="x = 1\nfrom kit import bb", kit__b=""), "kit.a")


@pytest.mark.parametrize(
    "text",
    ["try:\n    from x import thing\nexcept E:\n    raise", "if x:\n    def thing(): pass", "from kit.impl import *",
     "def __getattr__(name): return 1", "with x as thing: pass", "for thing in x: pass", "thing: int = 1",
     "import thing.deep", "class thing: pass", "(thing := 1)", "a, (thing, *b) = c"],
)  # fmt: skip
def test_a_name_that_a_package_binds_is_no_missing_module(text):
    assert "kit" in names(lib(kit=text, kit__impl=""), "kit.thing")


@pytest.mark.parametrize("text", ["def f():\n    thing = 1", "class A:\n    thing = 1", "del thing", "print(thing)"])
def test_a_name_that_a_package_does_not_bind_is_refused(text):
    with pytest.raises(Refused, match="no 'kit.thing'"):
        names(lib(kit=text), "kit.thing")


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is empty"), ("\n \n", "is empty"), ("x = 1\nif x\n", ":2: does not parse"), ("type X = int\n", ":1: "),
     ("x\0", "does not parse"), ("\nfrom .. import x\n", ":2: the relative import '...x' leads out"),
     ("from ...y import z\n", ":1: the relative import")],
)  # fmt: skip
def test_a_module_that_cannot_travel_is_refused(text, message):
    with pytest.raises(Refused, match=message):
        library.parse(text, Path("kit/a.py"), "lib")


def test_what_an_editor_leaves_in_the_library_is_no_module(tmp_path):
    write(
        tmp_path,
        {"kit/__init__.py": '""" """', "kit/.ipynb_checkpoints/a-checkpoint.py": "x", "kit/__pycache__/a.pyc": "x"},
    )
    assert list(library.load([(tmp_path, "lib")])) == ["kit"]


def test_an_earlier_folder_hides_a_later_ones_package(tmp_path):
    write(tmp_path, {"a/kit/__init__.py": "x = 1", "b/kit/__init__.py": "y = 1", "b/kit/more.py": "z = 1"})
    assert list(library.load([(tmp_path / "a", "a"), (tmp_path / "b", "b")])) == ["kit"]


def test_an_invalid_escape_in_the_library_is_no_matter_of_the_warning_filter(recwarn):
    library.parse("x = '\\d'", Path("kit/a.py"), "lib")
    assert not recwarn.list


def test_modules_travel_whole_and_only_those_that_are_used(project):
    cells = sources_of(notebook(project)["cells"])
    text = (project.sources / "lib/kit/sums.py").read_text().rstrip("\n")
    assert f"%%writefile $LAB/kit/sums.py\n{text}" in cells
    write(project.sources, {"lib/kit/unused.py": "x = 1\n"})
    assert sources_of(notebook(project)["cells"]) == cells


def test_a_timed_cell_brings_what_it_imports(tmp_path):
    project = small_project(tmp_path, ours=HEAD + "# %%\n# %%time\nfrom kit import sums\n")
    assert any(cell.startswith("%%writefile $LAB/kit/sums.py") for cell in sources_of(notebook(project)["cells"]))


def test_an_import_between_two_texts_with_headings_is_seen(tmp_path):
    texts = 'a = """\n# One"""\nfrom kit import sums\nb = """\n# Two"""\n'
    project = small_project(tmp_path, ours=HEAD + f"# %%\n{texts}")
    assert any(cell.startswith("%%writefile $LAB/kit/sums.py") for cell in sources_of(notebook(project)["cells"]))


def test_embeds_bring_a_whole_package(tmp_path):
    project = small_project(
        tmp_path, ours=HEAD.replace("# ---\n\n", "#     embeds: [kit]\n# ---\n\n") + "# %%\nx = 1\n"
    )
    assert any(cell.startswith("%%writefile $LAB/kit/sums.py") for cell in sources_of(notebook(project)["cells"]))


BOTH = HEAD + "# %%\nfrom labkit import here, transport\n"


@pytest.mark.parametrize(("file", "module"), [("adapter.py", "here"), ("transport.py", "transport")])
def test_a_platforms_own_module_travels_in_the_place_of_the_local_one(tmp_path, file, module):
    project = small_project(tmp_path, LABKIT | {f"platforms/plain/{file}": "THERE = 'plain'\n"}, BOTH)
    cell = f"%%writefile $LAB/labkit/{module}.py\n"
    own = next(c for c in notebook(project)["cells"] if "".join(c["source"]).startswith(cell))
    assert "".join(own["source"]) == cell + "THERE = 'plain'"
    assert own["metadata"]["anylab"]["source"] == f"platforms/plain/{file}"
    other = next(c for c in sources_of(notebook(project, platform="forms")["cells"]) if cell in c)
    assert "'local'" in other and "plain" not in other


def test_what_a_platforms_own_module_imports_travels_there_alone(tmp_path):
    extra = {"platforms/plain/transport.py": "from kit import sums\n"}
    project = small_project(tmp_path, LABKIT | extra, BOTH)
    brought = [
        any(c.startswith("%%writefile $LAB/kit/sums.py") for c in sources_of(notebook(project, platform=p)["cells"]))
        for p in ("plain", "forms")
    ]
    assert brought == [True, False]


def test_a_platforms_own_module_is_left_at_home_where_nothing_asks_for_it(tmp_path):
    files = {"platforms/plain/transport.py": "THERE = 'plain'\n"}
    project = small_project(tmp_path / "unused", LABKIT | files)
    assert not any("THERE" in c for c in sources_of(notebook(project)["cells"]))
    project = small_project(tmp_path / "no-labkit", files)
    assert not any("THERE" in c for c in sources_of(notebook(project)["cells"]))


@pytest.mark.parametrize("file", ["adapter.py", "transport.py"])
def test_a_platforms_own_module_that_does_not_parse_is_refused_at_its_line(tmp_path, file):
    project = small_project(tmp_path, LABKIT | {f"platforms/plain/{file}": "x = 1\nif x\n"}, BOTH)
    with pytest.raises(Refused, match=f"^platforms/plain/{file}:2: does not parse"):
        notebook(project)
