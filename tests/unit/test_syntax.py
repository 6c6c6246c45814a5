"""The verdict on a cell, the same on every Python that may build: run this file on each of them."""

import warnings

import pytest

from anylab import syntax

# each was put to Python 3.11, 3.12 and 3.13 themselves: refused by one of them, or accepted by all
REFUSED = [
    'f"{d["a"]}"',
    'f"{"a" if b else "c"}"',
    "f\"{'\\n'}\"",
    "f\"{x[1:'\\\\n']}\"",
    'f"{x:{y:{z}}}"',
    'f"{x!r }"',
    'f"{x!r :>4}"',
    "f\"{f'{x!r }'}\"",
    'f"{x:{a["b"]}}"',
    'f"""{\nx # c\n}"""',
    'f"{\nx}"',
    "type X = int",
    "def f[T](x): pass",
    "class A[T]: pass",
    't"{x}"',
    "return 1",
    "def f(a, a): pass",
    "if x",
    "print 1",
    "x = 1\0",
    "(" * 250 + ")" * 250,
]
ACCEPTED = [
    "f\"{d['a']}\"",
    'f"{x:{w}.{p}}"',
    'f"{x!r:>{w}}"',
    'f"{x:=#10}"',
    'f"{x:#x}"',
    'f"{x:%H:%M}"',
    "f\"{'#'}\"",
    "f\"{'{'}\"",
    'f"{x != y}"',
    'f"{{"',
    'f"\\N{EN DASH}{x}\\n"',
    'rf"\\{x}"',
    'f"""{\nx\n}"""',
    'f"{x[1:2]}"',
    '# f"{"a"}"',
    "await x",
    "async for x in y: pass",
    "match x:\n    case 1: pass",
    "try:\n    x\nexcept* E:\n    y",
    "'\\d'",
]


@pytest.mark.parametrize("code", REFUSED)
def test_what_one_python_refuses_is_refused(code):
    assert syntax.fault(code)


@pytest.mark.parametrize("code", ACCEPTED)
def test_what_every_python_accepts_is_accepted(code):
    assert syntax.fault(code) is None


@pytest.mark.parametrize(
    ("code", "line"),
    [("x = 1\n\nif x\n", 3), ('a\n\nf"{d["a"]}"', 3), ("x\ny = 1\0", 2), ('z = """\n\n"""; f"{x!r }"', 3)],
)
def test_a_fault_stands_at_its_line(code, line):
    found = syntax.fault(code)
    assert found and found[0] == line


def test_a_warning_turned_into_an_error_changes_no_verdict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert syntax.fault("'\\d'; x is 1") is None
        assert syntax.parse("'\\d'")
