"""(source, platform) -> cells: the order, the one settings cell, slots and conditions."""

import pytest

from anylab.errors import Refused
from tests.unit.helpers import HEAD, OURS, code, foreign, ipynb, markdown, notebook, outputs, small_project, sources_of

PARAMETERS = '# %% tags=["parameters"]\n'


def refused(tmp_path, ours, files=None):
    with pytest.raises(Refused) as caught:
        outputs(small_project(tmp_path, files, ours))
    return str(caught.value)


def test_the_order_is_title_settings_folder_library_setup_story_finish(tmp_path):
    templates = {
        f"platforms/plain/cells/{slot}.py.j2": f"# %%\n{slot} = 1\n" for slot in ("setup", "finish", "settings")
    }
    cells = sources_of(notebook(small_project(tmp_path, templates))["cells"])
    marks = ["# A small title", "QUICK_TEST", "## The library", "# One scratch", "%%writefile $LAB/kit/__init__.py",
             "%%writefile $LAB/kit/sums.py", "setup = 1", "from kit import", "finish = 1"]  # fmt: skip
    assert [mark for mark, cell in zip(marks, cells, strict=True) if not cell.startswith(mark)] == []
    assert "settings = 1" in cells[1]


def test_a_second_parameters_cell_is_refused_at_its_line(tmp_path):
    message = refused(tmp_path, OURS + "\n" + PARAMETERS + "A = 1\n")
    assert message.startswith("notebooks-src/ours.py:16: a second parameters cell (the first is at line 8)")


def test_a_settings_line_that_is_no_literal_is_refused_at_its_line(tmp_path):
    assert refused(tmp_path, HEAD + PARAMETERS + "A = 1\n\nB = A * 2\n").startswith("notebooks-src/ours.py:10: ")


def test_a_platforms_settings_line_is_refused_in_the_platforms_template(tmp_path):
    file = {"platforms/plain/cells/settings.py.j2": "# %%\nA = 1\nB = f()\n"}
    assert refused(tmp_path, OURS, file).startswith("platforms/plain/cells/settings.py.j2:3: ")


def test_one_tagged_cell_holds_all_settings_as_a_form_only_where_there_are_forms(tmp_path):
    project = small_project(
        tmp_path, {f"platforms/{p}/cells/settings.py.j2": "# %%\nA = 1\n" for p in ("plain", "forms")}
    )
    for platform, expected in (
        ("plain", "QUICK_TEST = False  # True or False\nA = 1"),
        ("forms", '#@title Settings\nQUICK_TEST = False  #@param {type:"boolean"}\nA = 1'),
    ):
        tagged = [
            c for c in notebook(project, platform=platform)["cells"] if "parameters" in c["metadata"].get("tags", [])
        ]
        assert sources_of(tagged) == [expected]
        assert "source_hidden" not in str(tagged[0]["metadata"])


MARKDOWN = "\n# %% [markdown]{options}\n# words {{{{ platform.name }}}}\n# more {{{{ nope }}}}\n"


def test_braces_in_markdown_are_text_unless_the_front_matter_asks(tmp_path):
    text = OURS + MARKDOWN.format(options="")
    cells = sources_of(notebook(small_project(tmp_path, ours=text))["cells"])
    assert "words {{ platform.name }}\nmore {{ nope }}" in cells


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# words\n# more {{ platfrom }}\n", 10, "did you mean 'platform'"),
        ("# {% if x %}\n", 9, "template"),
        ('"""\nwords\n\n{{ nope }}\n"""\n', 12, "nope"),
    ],
)
def test_a_fault_in_a_markdown_cell_stands_at_its_own_line(tmp_path, text, line, words):
    message = refused(tmp_path, HEAD.replace("# ---\n\n", "#     jinja: true\n# ---\n\n") + "# %% [markdown]\n" + text)
    assert message.startswith(f"notebooks-src/ours.py:{line}: ") and words in message


@pytest.mark.parametrize(("option", "there"), [("forms", "forms"), ("not forms", "plain")])
def test_a_condition_asks_for_a_capability(tmp_path, option, there):
    project = small_project(tmp_path, ours=OURS + MARKDOWN.format(options=f' only_if="{option}"'))
    kept = {p for p in ("plain", "forms") if "words {{" in str(notebook(project, platform=p)["cells"])}
    assert kept == {there}


def test_an_unknown_capability_is_refused_at_its_marker(tmp_path):
    message = refused(tmp_path, OURS + MARKDOWN.format(options=' only_if="froms"'))
    assert message.startswith("notebooks-src/ours.py:15: unknown capability 'froms'; did you mean 'forms'?")


def test_a_slots_local_cell_is_replaced_by_the_platforms(tmp_path):
    ours = OURS + '\n# %% slot="save"\nlocal = 1\n'
    cells = sources_of(
        notebook(small_project(tmp_path, {"platforms/plain/cells/save.py.j2": "# %%\nsaved = 1\n"}, ours))["cells"]
    )
    assert "saved = 1" in cells and "local = 1" not in cells


def test_a_collapsed_cell_is_hidden_in_the_way_of_the_platform(tmp_path):
    ours = OURS + "\n# %% Details collapse=true\nx = 1\n"
    plain, forms = (
        notebook(small_project(tmp_path / p, ours=ours), platform=p)["cells"][-1] for p in ("plain", "forms")
    )
    assert plain["metadata"]["jupyter"] == {"source_hidden": True} and sources_of([plain]) == ["x = 1"]
    assert sources_of([forms]) == ['#@title Details { display-mode: "form" }\nx = 1']


def test_every_cell_leads_back_to_the_line_where_it_was_written(tmp_path):
    files = {"platforms/forms/cells/setup.py.j2": "words\n# %%\nsetup = 1\n"}
    project = small_project(tmp_path, files, OURS + "\n# %% collapse=true\n# note\nlast = 1\n")
    cells = [c for c in notebook(project, platform="forms")["cells"] if c["cell_type"] == "code"]
    compared = 0
    for cell in (c for c in cells if "mkdtemp" not in str(c)):  # the scratch folder's is generated
        origin = cell["metadata"]["anylab"]
        written = (project.root / origin["source"]).read_text().split("\n")
        for offset, line in enumerate(sources_of([cell])[0].split("\n")):
            if not line.startswith(("#@title", "%%writefile")):
                assert written[origin["line"] + offset - 1] == line
                compared += 1
    assert compared > 10


def test_a_foreign_notebook_gets_one_cell_in_front_and_no_more(project):
    cells = [markdown("# {{ x }}"), code("%pip install y"), code("raise SystemExit")]
    assert sources_of(foreign(project, ipynb(cells), ".ipynb")) == [c["source"] for c in cells]
