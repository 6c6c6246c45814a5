"""Lists of installed packages and lock files, as they are read: what is understood, and what is no list."""

import pytest

from anylab import images, locks
from anylab.errors import Origin, Refused


@pytest.fixture
def read(tmp_path):
    def run(content):
        path = tmp_path / "list.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return images.read(path, "list.txt")

    return run


def test_a_freeze_is_read_as_pip_writes_it(read):
    content = (
        "﻿# a comment\r\nNumPy==2.1.3\r\n\r\nzope.interface===5.0\nPillow==11.3.0  # may have moved\nonnx  # unknown\n"
    )
    content += "torch @ https://example.org/whl/cu128/torch-2.11.0%2Bcu128-cp313-cp313-manylinux_2_28_x86_64.whl\n"
    content += "mine @ file:///work/mine\n-e git+https://example.org/x@abc#egg=Some_Thing\n-e /work/other\n"
    found = read(content).packages
    assert {name: p.version for name, p in found.items()} == {
        "numpy": "2.1.3", "zope-interface": "5.0", "pillow": "11.3.0", "onnx": "", "torch": "2.11.0+cu128", "mine": "",
        "some-thing": "",
    }  # fmt: skip
    assert [name for name, p in found.items() if not p.sure] == ["pillow"]
    assert found["numpy"].line == 2 and str(found["pillow"]) == "11.3.0 (may have moved)"


def test_the_head_is_read_from_the_comments_above_the_first_package(read):
    image = read("# source: x\n# date: 2026-08-19\n# python: 3.13.15\nnumpy==1\n# date: 1999-01-01\n")
    assert (image.date, image.python) == ("2026-08-19", "3.13.15")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "list.txt: lists no package"),
        ("# only words\n", "list.txt: lists no package"),
        ("<!DOCTYPE html>\n", "list.txt:1: is a web page"),
        ("a==1\0\n", "list.txt: is a binary file"),
        (b"a==1\n\xff", "list.txt:2: not UTF-8"),
        ("a==1\nb==2\na==1\n", "list.txt:3: 'a' is listed twice (first in line 1)"),
        ("a==1\nA.b==2\na_b==2\n", "list.txt:3: 'a-b' is listed twice"),
        ("Package Version\n------- -------\n", "list.txt:1: 'Package Version' is no package"),
        ("a>=1\n", "list.txt:1: 'a>=1' is no package"),
        ("b==1\na==2.x.y\n", "list.txt:2: 'a==2.x.y' has a version that is none"),
        ("a==one two\n", "list.txt:1: 'a==one two' is no package"),
        ('{"a": "1"}\n', "list.txt:1: "),
    ],
)
def test_what_is_no_list_is_refused_with_its_line(read, content, why):
    with pytest.raises(Refused) as caught:
        read(content)
    assert str(caught.value).startswith(why)


def test_a_folder_in_the_place_of_a_list_is_refused(tmp_path):
    (tmp_path / "packages.txt").mkdir()
    with pytest.raises(Refused, match=r"platforms/x/packages\.txt: is a folder"):
        images.read_stored(tmp_path, "platforms/x", "3.12", Origin("x"))


def test_a_long_text_that_is_no_list_is_told_in_a_few_lines(read):
    with pytest.raises(Refused) as caught:
        read("some words\n" * 5000)
    assert len(caught.value.problems) == 6 and "4995 more lines" in str(caught.value.problems[-1])


def test_a_lock_comes_back_as_it_was_written(tmp_path):
    made = locks.Made("3.12", "a list of 2026-11-20", ("a>=1", "b; python_version < '3.13'"), ("c",))
    pins = (locks.Pin("b", "2.0", "python_full_version < '3.13'", False), locks.Pin("a", "1.0+x", "", False))
    pins += (locks.Pin("c", "3", "", True),)
    locks.write(tmp_path / "locks/x.txt", locks.text_of(made, pins, "a command"))
    lock = locks.read(tmp_path / "locks/x.txt", "x.txt")
    assert lock.made == made and locks.stale(lock, made) == ""
    assert [(str(p), p.bare) for p in lock.pins] == [
        ("a==1.0+x", False), ("b==2.0 ; python_full_version < '3.13'", False), ("c==3", True)
    ]  # fmt: skip
    assert locks.read(tmp_path / "locks/y.txt", "y.txt") is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("a>=1\n", "x.txt:1: 'a>=1' is no name==version"),
        ("a==1\n\na==2\n", "x.txt:3: 'a' is pinned twice (first in line 1)"),
        ("a==1 ; python_version < '3'\na==2\n", "x.txt:2: 'a' is pinned twice"),
        (b"\xff", "x.txt:1: not UTF-8"),
    ],
)
def test_what_is_no_lock_is_refused_with_its_line(tmp_path, content, why):
    (tmp_path / "x.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Refused) as caught:
        locks.read(tmp_path / "x.txt", "x.txt")
    assert str(caught.value).startswith(why)
