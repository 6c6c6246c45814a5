"""Bytes to text and back, without losing or moving a character."""

import pytest

from anylab import text
from anylab.errors import Refused

EXOTIC = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.fixture
def file(tmp_path):
    def make(data):
        path = tmp_path / "f"
        path.write_bytes(data)
        return path

    return make


def test_a_byte_order_mark_is_dropped_and_crlf_is_read_as_lf(file):
    assert text.read(file(b"\xef\xbb\xbfa\r\nb\n"), "f") == "a\nb\n"


def test_a_lone_carriage_return_stays(file):
    assert text.read(file(b"a\rb\n"), "f") == "a\rb\n"


def test_bytes_that_are_not_utf8_are_refused_at_their_line(file):
    with pytest.raises(Refused, match=r"^f:3: not UTF-8 \(byte 0xe9\)"):
        text.read(file("ä\nb\n".encode() + b"\xe9\n"), "f")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(Refused, match="^notes: cannot be read"):
        text.read(tmp_path / "no", "notes")


def test_a_shielded_text_has_no_line_end_but_lf():
    shielded, back = text.shield(f"a{EXOTIC}b\nc")
    assert shielded.splitlines() == shielded.split("\n")
    assert back(shielded) == f"a{EXOTIC}b\nc"


@pytest.mark.parametrize("icon", ["\U000f0001", "\ufdd0", "\ufdd0\ufdd1\ufdd2\U000f0000"])
def test_a_character_that_could_stand_in_for_a_line_end_comes_back_as_itself(icon):
    shielded, back = text.shield(icon + EXOTIC)
    assert back(shielded) == icon + EXOTIC
