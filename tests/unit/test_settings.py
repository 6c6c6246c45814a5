"""The settings cell: one literal a line, with its form comment."""

import pytest

from anylab import settings, syntax
from anylab.cell import Cell
from anylab.errors import Origin


def read(*lines):
    return settings.read(Cell("code", "\n".join(lines), Origin("f", 10)))


@pytest.mark.parametrize(
    ("line", "name", "default"),
    [
        ('STEPS = 400  #@param {type:"integer"}', "STEPS", 400),
        ("RATE: float = -1e-3  # @param", "RATE", -0.001),
        ('WHO = "ünïcödé – 你好你好你好"  #@param {type:"string"}', "WHO", "ünïcödé – 你好你好你好"),
        ("SIZES = [1, (2, None), {'a': True}]", "SIZES", [1, (2, None), {"a": True}]),
    ],
)
def test_a_setting_is_a_name_and_one_literal(line, name, default):
    found, problems = read(line)
    assert [(s.name, s.default) for s in found] == [(name, default)] and not problems


@pytest.mark.parametrize(
    "line",
    ["B = A * 2", "B = f()", "B = A", 'B = f"{A}"', "B = C = 1", "B, C = 1, 2", "B = 1; C = 2", "B += 1", "B: int",
     "import os", "%time 1", "B = [", '"""words"""', "  B = 1", "x.y = 1", "B = {[]: 1}", "B = 1\0"],
)  # fmt: skip
def test_a_line_that_is_not_one_literal_is_refused_at_its_line(line):
    found, problems = read("A = 1", "# words", line)
    assert [s.name for s in found] == ["A"]
    assert [str(p.origin) for p in problems] == ["f:12"]


def test_a_setting_given_twice_is_refused():
    assert "set twice" in str(read("A = 1", "A = 2")[1][0])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('A = "x"  #@param ["x", "y"]', ""),
        ('A = "z"  #@param ["x", "y"]', "not among its options"),
        ('A = "z"  #@param ["x", "y"] {allow-input: true}', ""),
        ('A = "[b]"  #@param ["[a]", "[b]"]', ""),
        ("A = 2  #@param [1, 2]", ""),
        ("A = 2  #@param [1, two]", "not a list of literals"),
        ("A = 2  #@param [{[]: 1}]", "not a list of literals"),
        ('A = "ääääääääääääääää"  #@param ["x"]', "not among its options"),
    ],
)
def test_the_default_of_a_drop_down_is_one_of_its_options(line, fault):
    problems = read(line)[1]
    assert fault in str(problems[0]) if fault else not problems


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ('A = 1  #@param {type:"integer"}', "A = 1  # a whole number"),
        ('A = 1  # @param {type:"slider", min:0, max:9, step:1}', "A = 1  # 0 to 9"),
        ('A = "x"  #@param ["x", "[y]"]', 'A = "x"  # one of: x, [y]'),
        ('A = ""  #@param {type:"string"}', 'A = ""'),
        ('A = "write #@param here"', 'A = "write #@param here"'),
        ('A = "#@param x"  #@param {type:"boolean"}', 'A = "#@param x"  # True or False'),
        ('#@markdown **Words** {run: "auto"}', "# Words"),
        ("#@title Settings", "# Settings"),
        ("# plain words", "# plain words"),
    ],
)
def test_without_forms_a_form_comment_becomes_words(line, plain):
    assert settings.plain(line) == plain
    assert syntax.fault(plain) is None
