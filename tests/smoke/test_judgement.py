"""What counts as a good run, and which line of the source a bad one names; on real kernels, through papermill."""

import json
import shutil

import pytest

from anylab.compile import compile_all
from anylab.errors import Refused
from anylab.project import open_project
from anylab.smoke import asked, local, runner, suite
from tests.conftest import ROOT

FRONT = "# ---\n# jupyter:\n#   anylab:\n#     title: A judged notebook\n# ---\n\n"
SETTINGS = '# %% tags=["parameters"]\nQUICK_TEST = False\nN = 3\n\n'


@pytest.fixture
def compile_source(tmp_path):
    """Compile one source's text with the tiny library; -> (build, {platform: pair})."""

    def run(text):
        folder = tmp_path / "sources"
        folder.mkdir(exist_ok=True)
        (folder / "judged.py").write_text(text)
        lib = folder / "lib"
        if not lib.exists():
            shutil.copytree(ROOT / "tests/tiny/notebooks-src/lib", lib)
        build = compile_all(open_project(ROOT, folder, None, tmp_path / "out"))
        return build, {pair.platform.id: pair for pair in build.pairs}

    return run


def smoke(compile_source, tmp_path, text, platform="colab"):
    build, pairs = compile_source(text)
    return suite.one(build, pairs[platform], tmp_path / "root", None)


def test_a_failing_cell_is_named_by_the_line_of_its_source(compile_source, tmp_path):
    text = FRONT + SETTINGS + "# %%\nx = 1\n\n# %% Divide collapse=true\ny = 1\nz = y / 0\n"
    line = text[: text.index("z = y")].count("\n") + 1
    for platform in ("colab", "kaggle"):  # with and without a form title on top of the cell
        verdict = smoke(compile_source, tmp_path, text, platform)
        assert f"sources/judged.py:{line}" in verdict.fault and "ZeroDivisionError" in verdict.fault


@pytest.mark.parametrize("platform", ["colab", "kaggle"])  # with and without a form title in the written file
def test_a_failure_inside_the_library_names_the_line_of_the_module(compile_source, tmp_path, platform):
    text = FRONT + SETTINGS + "# %%\nfrom tinylib.sums import add\n\nadd(1, 'x')\n"
    module = (ROOT / "tests/tiny/notebooks-src/lib/tinylib/sums.py").read_text()
    line = module[: module.index("return words")].count("\n") + 1
    verdict = smoke(compile_source, tmp_path, text, platform)
    assert f"('add(1, 'x')') in sources/lib/tinylib/sums.py:{line}" in verdict.fault
    assert 'sources/judged.py:14 "' in verdict.fault


def test_a_failure_in_a_platforms_cell_names_the_templates_own_line(compile_source, tmp_path):
    build, pairs = compile_source(FRONT + SETTINGS)
    cells = build.rendered[pairs["kaggle"].path][0]
    setup = next(c for c in cells if "start.begin" in c.source)
    template = (ROOT / "platforms/kaggle/cells/setup.py.j2").read_text().split("\n")
    for number, line in enumerate(setup.source.split("\n")):
        written = template[setup.origin.line - 1 + number]
        assert line.partition("(")[0].partition("{")[0] == written.partition("(")[0].partition("{")[0]


def test_a_cell_that_ends_the_run_is_no_success(compile_source, tmp_path):
    text = (
        FRONT
        + SETTINGS
        + "# %%\nimport os\n\nraise getattr(__builtins__, 'System' + 'Exit')(0)\n\n# %%\nprint('never')\n"
    )
    verdict = smoke(compile_source, tmp_path, text, "local")
    assert verdict.fault and verdict.cells < verdict.of


def test_a_magic_that_fails_without_a_traceback_is_found(compile_source, tmp_path):
    verdict = smoke(compile_source, tmp_path, FRONT + SETTINGS + "# %%\n# %load_ext\n", "local")
    assert "sources/judged.py:12" in verdict.fault


def test_a_kernel_that_dies_is_a_failure(compile_source, tmp_path):
    text = FRONT + SETTINGS + "# %%\nimport os\n\nos.kill(os.getpid(), 9)\n"
    verdict = smoke(compile_source, tmp_path, text, "local")
    assert "sources/judged.py:12 " in verdict.fault and "Dead" in verdict.fault


def test_the_quick_test_and_the_settings_reach_the_cells(compile_source, tmp_path):
    text = FRONT + SETTINGS + "# %%\nassert QUICK_TEST and N == 3\n"
    assert smoke(compile_source, tmp_path, text).fault == ""


def test_the_network_is_refused_and_pip_is_recorded(compile_source, tmp_path):
    text = FRONT + SETTINGS + (
        "# %%\nimport socket\nimport subprocess\nimport sys\n\n"
        "try:\n    socket.create_connection(('example.org', 443), timeout=5)\n    raise AssertionError('connected')\n"
        "except OSError as error:\n    assert 'no network' in str(error)\n"
        "subprocess.run([sys.executable, '-m', 'pip', 'install', 'something==1'], check=True)\n"
    )  # fmt: skip
    fault = smoke(compile_source, tmp_path, text).fault
    assert json.loads((tmp_path / "root/pip.log").read_text()) == ["install", "something==1"]
    assert "the run asked for `pip install something==1`: something==1 is not in the plan" in fault


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("install -q -c held.txt av==19.0.2", ""),
        ("install -q --no-deps -c held.txt voxcpm==2.0.3", ""),
        ("install -q -c held.txt av>=14", ""),
        ("install -U -c held.txt av==19.0.2", "-U moves what the image has"),
        ("install av==19.0.2", "no constraints file holds what is installed"),
        ("install -c held.txt av==18", "av==18 is not in the plan"),
        ("uninstall -y av", "only installs are planned"),
        ("list", ""),
    ],
)
def test_what_is_asked_of_pip_is_held_against_the_plan(words, why):
    assert asked._wrong(words.split(), {"av>=14", "av==19.0.2", "voxcpm==2.0.3"}) == why


def test_an_unknown_parameter_is_an_error(compile_source):
    build, pairs = compile_source(FRONT + SETTINGS)
    notebook = json.loads(dict(build.variant_files(pairs["local"]))[pairs["local"].path])
    with pytest.raises(Refused, match="did you mean 'N'"):
        runner.check_parameters(notebook, {"NN": 1}, "judged")


def test_both_traceback_formats_name_the_line():
    cell = {"metadata": {"anylab": {"source": "notebooks-src/x.py", "line": 40}}, "source": ["# first\n"]}
    for traceback in (
        "Cell In[9], line 3\n----> 3 boom",
        "\x1b[0;32m<ipython-input-9>\x1b[0m in \n      2 x\n----> 3 boom",
    ):
        cell["outputs"] = [{"output_type": "error", "ename": "E", "evalue": "v", "traceback": [traceback]}]
        assert runner.where(cell).startswith("notebooks-src/x.py:42")


def test_the_smoke_command_exits_with_1_and_names_the_line(project_copy, anylab):
    for path in (project_copy / "notebooks-src").glob("*.*"):
        path.unlink()
    (project_copy / "notebooks-src/judged.py").write_text(FRONT + SETTINGS + "# %%\nassert N == 4, 'not four'\n")
    done = anylab("smoke", "--platform", "kaggle", cwd=project_copy)
    assert done.returncode == 1
    assert "FAILED" in done.stdout and "notebooks-src/judged.py:12" in done.stderr and "not four" in done.stderr


def test_run_runs_here_with_settings_and_tells_what_cells_print(project_copy, anylab):
    for path in (project_copy / "notebooks-src").glob("*.*"):
        path.unlink()
    (project_copy / "notebooks-src/judged.py").write_text(FRONT + SETTINGS + "# %%\nprint('n is', N, QUICK_TEST)\n")
    done = anylab("run", "judged", "-p", "N", "7", "--quick-test", cwd=project_copy)
    assert done.returncode == 0, done.stderr
    assert "n is 7 True" in done.stdout and (project_copy / "anylab-runs/judged.ipynb").is_file()
    assert len(list((project_copy / "anylab-runs").iterdir())) == 1


def test_two_runs_at_once_do_not_write_into_one_file(monkeypatch, tmp_path):
    """Each writes a file of its own, which takes its place when it ends."""
    monkeypatch.chdir(tmp_path)
    written = []

    def execute(data, parameters, cwd, env, output, teller, timeout):
        written.append(output)
        output.write_bytes(data)
        assert not (tmp_path / "anylab-runs/graphmer_training.ipynb").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(local.runner, "execute", execute)
    with pytest.raises(KeyboardInterrupt):
        local.run(open_project(ROOT), "graphmer_training", {}, True, None)
    assert (tmp_path / "anylab-runs/graphmer_training.ipynb").is_file() and not written[0].exists()


def test_run_all_twice_sees_the_library_as_it_is_now(compile_source, tmp_path):
    """A rerun in the same kernel writes the modules again and does not keep the old ones in memory."""
    build, pairs = compile_source(FRONT + SETTINGS + "# %%\nfrom tinylib.words import say\n\nprint('says', say(1))\n")
    notebook = json.loads(dict(build.variant_files(pairs["local"]))[pairs["local"].path])
    again = json.loads(json.dumps(notebook["cells"]).replace("\u2013 {number} \u2013", "now {number}"))
    again = json.loads(json.dumps(again, ensure_ascii=False).replace("– {number} –", "now {number}"))
    notebook["cells"] += [c for c in again if "parameters" not in c["metadata"].get("tags", [])]
    there = suite.standin.prepare(pairs["local"].platform, tmp_path / "root")
    verdict = runner.execute(json.dumps(notebook).encode(), {}, there.cwd, there.env)
    assert verdict.fault == ""
    texts = ["".join("".join(o.get("text", "")) for o in c.get("outputs", ())) for c in verdict.notebook["cells"]]
    assert [t for t in texts if t.startswith("says")] == ["says – 1 –\n", "says now 1\n"]


def test_a_stop_of_labkit_is_one_sentence_without_a_traceback(tmp_path):
    cells = ["import sys\nsys.path.insert(0, " + repr(str(ROOT / "notebooks-src/lib")) + ")", "import labkit",
             "raise labkit.Stop('free 3 GB of disk')"]  # fmt: skip
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = {"cells": [{**empty, "source": c} for c in cells], "nbformat": 4, "nbformat_minor": 4,
                "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}}}  # fmt: skip
    verdict = runner.execute(json.dumps(notebook).encode(), {}, tmp_path)
    error = next(o for o in verdict.notebook["cells"][-1]["outputs"] if o["output_type"] == "error")
    assert error["traceback"] == ["Stopped: free 3 GB of disk"]
