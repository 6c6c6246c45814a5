"""`lint` as a user meets it, and the rules as part of build and check."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

BAD = "# ---\n# jupyter:\n#   anylab:\n#     title: A bad one\n# ---\n\n# %%\nname = input()\nprint('/content/x')\n"


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A small project with two notebooks, `ours` and `bad`."""
    import shutil

    from tests.conftest import ROOT

    root = tmp_path_factory.mktemp("lint") / "project"
    shutil.copytree(ROOT / "tests/tiny/notebooks-src", root / "notebooks-src")
    for name in ("anylab", "platforms"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("build.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    for path in (root / "notebooks-src").glob("foreign*"):
        path.unlink()
    (root / "notebooks-src/bad.py").write_text(BAD)
    return root


def test_a_finding_is_a_line_with_its_place_and_rule_and_the_exit_code_is_1(there, anylab):
    done = anylab("lint", cwd=there)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "error: notebooks-src/bad.py:8: input() waits for a person" in done.stdout
    assert "[run-all/input]" in done.stdout and "[leak/other-platform]" in done.stdout
    assert done.stdout.splitlines()[-1] == "2 errors, 3 warnings"


def test_only_what_is_asked_for_is_told(there, anylab):
    done = anylab("lint", "ours", cwd=there)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "0 errors, 2 warnings"
    own = anylab("lint", "bad", "--platform", "colab", cwd=there)
    assert "[run-all/input]" in own.stdout and "[leak/other-platform]" not in own.stdout  # at home there


def test_json_is_one_list(there, anylab):
    found = json.loads(anylab("lint", "bad", "--json", cwd=there).stdout)
    one = next(f for f in found if f["rule"] == "run-all/input")
    assert (one["severity"], one["file"], one["line"]) == ("error", "notebooks-src/bad.py", 8)
    assert {f["severity"] for f in found} == {"error", "warning"} and all(f["what"] for f in found)


def test_build_and_check_refuse_what_lint_finds(there, anylab):
    for command in ("build", "check"):
        done = anylab(command, cwd=there)
        assert done.returncode == 2 and "error: notebooks-src/bad.py:8: input()" in done.stderr


@pytest.mark.parametrize(("arguments", "words"), [(["nope"], "no such notebook"), (["-p", "nope"], "no such platform")])
def test_a_wrong_name_exits_with_2(there, anylab, arguments, words):
    done = anylab("lint", *arguments, cwd=there)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_what_cannot_be_compiled_is_bad_input(there, anylab):
    (there / "notebooks-src/worse.py").write_text("# ---\n# jupyter:\n#   anylab:\n#     titel: x\n# ---\n")
    try:
        done = anylab("lint", cwd=there)
    finally:
        (there / "notebooks-src/worse.py").unlink()
    assert done.returncode == 2 and "notebooks-src/worse.py:4: unknown key 'titel'" in done.stderr


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        ('["numpy>=99"]', "worse.py:5: 'numpy>=99' would move numpy"),
        ('["numpy=>2"]', "worse.py:5: 'numpy=>2' is not a"),
    ],
)
def test_what_is_refused_hides_no_finding(there, anylab, packages, words):
    head = f"# ---\n# jupyter:\n#   anylab:\n#     title: Worse\n#     packages: {packages}\n# ---\n\n# %%\nx = 1\n"
    (there / "notebooks-src/worse.py").write_text(head)
    try:
        done = anylab("lint", cwd=there)
    finally:
        (there / "notebooks-src/worse.py").unlink()
    assert done.returncode == 2 and words in done.stderr and "python build.py lock" not in done.stderr
    assert "error: notebooks-src/bad.py:8: input() waits for a person" in done.stdout


def test_check_looks_at_the_pages_whether_anything_changed_or_not(project_copy, anylab):
    (project_copy / "README.md").write_text("# Mine\n\nSee [the docs](docs/none.md).\n")
    anylab(cwd=project_copy)
    for _ in range(2):
        done = anylab("check", cwd=project_copy)
        assert done.returncode == 1 and "error: README.md:3: the link leads to docs/none.md" in done.stderr
    (project_copy / "README.md").write_text("# Mine\n\nSee [a variant](dist/local/ours/ours.ipynb).\n")
    anylab(cwd=project_copy)
    assert anylab("check", cwd=project_copy).returncode == 0


@pytest.fixture
def web():
    """A small web: /good, /gone (404), /shy (403), /slow-to-head (405 to HEAD); what was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            status = {"/good": 200, "/gone": 404, "/shy": 403}.get(self.path, 405 if self.command == "HEAD" else 200)
            self.send_response(status)
            self.end_headers()

        do_GET = do_HEAD

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_online_asks_for_each_address_once_and_nothing_else_does(project_copy, anylab, web):
    address, asked = web
    for path in (project_copy / "notebooks-src").glob("foreign*"):
        path.unlink()
    links = " ".join(f"[x]({address}/{name})" for name in ("good", "gone", "shy", "head"))
    (project_copy / "README.md").write_text(
        f"# Mine\n\n{links}\n\nAgain {address}/gone, and http://127.0.0.1:9/closed.\n"
    )
    for command in ("build", "check", "lint"):
        assert anylab(command, cwd=project_copy).returncode == 0
    assert not asked
    done = anylab("lint", "--online", cwd=project_copy)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    lines = [line for line in done.stdout.splitlines() if "README.md" in line]
    assert [line.split(": ")[:2] for line in lines if "/gone answers 404" in line] == [
        ["error", "README.md:3"], ["error", "README.md:5"]]  # fmt: skip
    assert sum("/shy answers 403" in line and line.startswith("warning") for line in lines) == 1
    assert sum("closed cannot be reached" in line and line.startswith("warning") for line in lines) == 1
    assert not any("/good" in line or "/head" in line for line in lines) and asked.count("/good") == 1
