"""`where` as a user meets it: a file, standard input, a cell's number; anything else is one line."""

import subprocess
import sys

import pytest

TRACEBACK = """
KeyError                                  Traceback (most recent call last)
Cell In[7], line 3
      1 from tinylib.sums import add
      2 
----> 3 print(add(A, 1))
"""


@pytest.mark.parametrize("prefix", ["> ", "    ", "> > ", "  >", "\t"])
def test_a_traceback_may_be_quoted_or_indented(project_copy, anylab, tmp_path, prefix):
    (tmp_path / "pasted.txt").write_text("".join(f"{prefix}{line}\n" for line in TRACEBACK.strip().split("\n")))
    done = anylab("where", tmp_path / "pasted.txt", cwd=project_copy)
    assert done.returncode == 0 and done.stdout.startswith("notebooks-src/ours.py:44"), done.stderr


def test_a_pasted_traceback_and_a_cells_number_lead_to_the_same_line(project_copy, anylab, tmp_path):
    (tmp_path / "pasted.txt").write_text(TRACEBACK)
    done = anylab("where", tmp_path / "pasted.txt", cwd=project_copy)
    assert done.returncode == 0 and done.stdout.startswith("notebooks-src/ours.py:44  'Add'  (Kaggle, ")
    command = [sys.executable, "build.py", "where"]
    piped = subprocess.run(command, cwd=project_copy, input=TRACEBACK, capture_output=True, text=True)
    assert piped.stdout == done.stdout
    told = (anylab("where", "ours/kaggle", n, 3, cwd=project_copy).stdout for n in range(17, 40))
    assert "notebooks-src/ours.py:44  'Add'  (Kaggle)\n" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-file.txt"], "no-such-file.txt: cannot be read"),
        (["build.py"], "no traceback of a notebook is in there"),
        (["nope", "3"], "nope: no such notebook"),
        (["ours", "x"], "'x' is not a valid integer"),
        (["ours", "99"], "none is numbered [99]"),
        (["notebooks-src"], "cannot be read"),
    ],
)
def test_bad_input_is_one_line(project_copy, anylab, arguments, words):
    done = anylab("where", *arguments, cwd=project_copy)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_any_line_of_a_cell_that_the_generator_makes_leads_to_its_place_in_the_source(project_copy, anylab):
    source = (project_copy / "notebooks-src/ours.py").read_text().split("\n")
    for platform in ("colab", "local"):  # with and without a form's title on top
        told = {anylab("where", f"ours/{platform}", 2, line, cwd=project_copy).stdout for line in (1, 6)}
        (place,) = told
        number = int(place.split(":")[1].split()[0])
        assert "bootstrap" in source[number - 2] and "Scratch folder" in place
