"""disk.sealed: what is opened is exactly what was sealed, or is refused by a sentence and leaves nothing behind."""

import errno
import io
import json
import os
import shutil
import stat
import struct
import tracemalloc
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest
from disk import sealed
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.library.disks import count_bytes, everything

FILES = {"weights.bin": bytes(range(256)) * 40, "empty": b"", "notes/Größe 雪.txt": "é".encode(), "a/b/c.json": b"{}"}
NAME = "manifest.json"


def lay(folder, files=FILES):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture
def source(tmp_path):
    return lay(tmp_path / "source")


@pytest.fixture
def archive(source, tmp_path):
    """A sealed zip of FILES."""
    paths = [path for path in source.rglob("*") if path.is_file()]
    sealed.pack(tmp_path / "sealed.zip", source, paths, NAME, {"job": "job"})
    return tmp_path / "sealed.zip"


def manifest(files, **about):
    """A manifest that is true to itself, whatever it says."""
    content = {"format": 1, "files": files, **about}
    return json.dumps({**content, "digest": sealed.digest(content)}).encode()


def listed(files=FILES):
    import hashlib

    return {name: [len(data), hashlib.sha256(data).hexdigest()] for name, data in files.items()}


def crafted(path, entries, said=None):
    """A zip of (name or ZipInfo, data) entries with a manifest that says `said`."""
    with zipfile.ZipFile(path, "w") as zipped:
        for entry, data in entries:
            zipped.writestr(entry if isinstance(entry, zipfile.ZipInfo) else zipfile.ZipInfo(entry), data)
        zipped.writestr(zipfile.ZipInfo(NAME), manifest(listed(FILES) if said is None else said))
    return path


def refused(path, tmp_path, match=None):
    """Extracting is refused with these words, and there is nothing more than before, inside or outside."""
    before = everything(tmp_path)
    with pytest.raises(sealed.Broken, match=match):
        sealed.extract(path, tmp_path / "target", NAME)
    assert everything(tmp_path) == before


# sealing and opening


def test_what_was_packed_is_what_comes_out(archive, tmp_path):
    found = sealed.extract(archive, tmp_path / "target", NAME)
    assert everything_but_folders(tmp_path / "target") == FILES
    assert found["job"] == "job" and found["files"] == listed()


def everything_but_folders(folder):
    return {name: data for name, data in everything(folder).items() if data is not None}


def test_a_folder_can_be_sealed_checked_and_copied(source, tmp_path):
    sealed.seal(source, NAME, {"step": 3})
    found = sealed.read(source, NAME)
    sealed.check(source, found)
    assert found["step"] == 3 and sealed.extract(source, tmp_path / "target", NAME) == found
    assert everything_but_folders(tmp_path / "target") == FILES


def test_the_same_files_give_the_same_bytes_whenever_and_wherever_they_lie(source, archive, tmp_path):
    other = lay(tmp_path / "elsewhere", dict(reversed(FILES.items())))
    for path in other.rglob("*"):
        os.utime(path, (1e9, 1e9))
    paths = [path for path in reversed(list(other.rglob("*"))) if path.is_file()]
    sealed.pack(tmp_path / "again.zip", other, paths, NAME, {"job": "job"})
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_a_zip_that_another_program_has_made_of_the_same_files_is_opened(source, tmp_path):
    sealed.seal(source, NAME, {})
    shutil.make_archive(str(tmp_path / "other"), "zip", source)  # deflated, with entries for folders
    sealed.extract(tmp_path / "other.zip", tmp_path / "target", NAME)
    assert everything_but_folders(tmp_path / "target").keys() == FILES.keys()


@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "dangling link", "pipe"])
def test_what_could_not_be_opened_again_is_not_sealed(kind, source):
    odd = source / "odd"
    {
        "link to a file": lambda: odd.symlink_to(source / "empty"),
        "link to a folder": lambda: odd.symlink_to(source / "notes"),
        "dangling link": lambda: odd.symlink_to(source / "nowhere"),
        "pipe": lambda: os.mkfifo(odd),
    }[kind]()
    with pytest.raises(sealed.Broken, match="^odd: a link or a device"):
        sealed.seal(source, NAME, {})
    assert not (source / NAME).exists()


def test_a_file_with_the_manifests_name_is_not_sealed_over(source, tmp_path):
    (source / NAME).write_text("mine")
    with pytest.raises(sealed.Broken, match="taken by the manifest"):
        sealed.seal(source, NAME, {})
    with pytest.raises(sealed.Broken, match="taken by the manifest"):
        sealed.pack(tmp_path / "x.zip", source, [source / NAME], NAME)
    assert (source / NAME).read_text() == "mine"


@pytest.mark.parametrize("name", ["a\\b", b"caf\xe9".decode("utf-8", "surrogateescape")])
def test_a_name_that_cannot_travel_is_not_packed(name, tmp_path):
    lay(tmp_path / "source", {name: b"x"})
    with pytest.raises(sealed.Broken, match="not a name that may be written") as caught:
        sealed.pack(tmp_path / "x.zip", tmp_path / "source", [tmp_path / "source" / name], NAME)
    str(caught.value).encode()  # and can be printed
    with pytest.raises(sealed.Broken, match="not a name that may be written"):
        sealed.seal(tmp_path / "source", NAME, {})


@pytest.mark.parametrize("content", [{"a": object()}, {"a": {1, 2}}, {"a": Path("x")}, {"a": b"x"}, [float], 1j])
def test_what_is_no_plain_data_is_one_clear_typeerror(content):
    with pytest.raises(TypeError, match="^settings: only text, numbers, lists and dicts can be recorded"):
        sealed.plain(content, "settings")


def test_plain_data_comes_back_as_json_gives_it():
    circle = []
    circle.append(circle)
    assert sealed.plain({"a": (1, None), 2: 1e-3}, "x") == {"a": [1, None], "2": 1e-3}
    with pytest.raises(TypeError, match="^x: "):
        sealed.plain(circle, "x")


# crafted archives

ODD_NAMES = {
    "/etc/passwd": "not a name",
    "../outside": "not a name",
    "a/../../outside": "not a name",
    "a//b": "not a name",
    "./a": "not a name",
    "C:/windows": "not a name",
    "C:evil": "not a name",
    "a\\b": "not a name",
    "..\\outside": "not a name",
    "\\\\server\\share\\x": "not a name",
    "..": "not a name",
    "": "not a name",
    "/": "not a name",
}


@pytest.mark.parametrize(("name", "words"), ODD_NAMES.items())
def test_a_name_that_leads_out_of_the_target_is_refused(name, words, tmp_path):
    """With a manifest that lists it, and with one that does not."""
    said = listed() | listed({name: b"x"})
    refused(crafted(tmp_path / "x.zip", [*FILES.items(), (name, b"x")], said), tmp_path, words)
    refused(crafted(tmp_path / "x.zip", [*FILES.items(), (name, b"x")]), tmp_path, words)
    folder = lay(tmp_path / "folder")
    (folder / NAME).write_bytes(manifest(said))
    refused(folder, tmp_path, words)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "n" * 300, "weights.bin/inside", "notes"])
def test_a_listed_name_that_no_file_can_have_is_refused_in_words_that_can_be_printed(name, tmp_path):
    said = listed() | listed({name: b"x"})
    entries = [*FILES.items()] + ([(name, b"x")] if name.isprintable() else [])
    for path in (crafted(tmp_path / "x.zip", entries, said), lay(tmp_path / "folder")):
        if path.is_dir():
            (path / NAME).write_bytes(manifest(said))
        before = everything(tmp_path)
        with pytest.raises(sealed.Broken) as caught:
            sealed.extract(path, tmp_path / "target", NAME)
        str(caught.value).encode()
        assert everything(tmp_path) == before


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(mode, tmp_path):
    entry = zipfile.ZipInfo("weights.bin")
    entry.external_attr = (mode | 0o777) << 16
    files = {**FILES, "weights.bin": b"/etc/passwd"}
    entries = [(entry if name == "weights.bin" else name, data) for name, data in files.items()]
    refused(crafted(tmp_path / "x.zip", entries, listed(files)), tmp_path, "^weights.bin: a link or a device")


def test_an_encrypted_entry_is_refused(archive, tmp_path):
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\3\4") + 6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(data)
    refused(archive, tmp_path, "encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_packing_that_may_ask_for_much_memory_is_refused(method, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as zipped:
        for name, data in FILES.items():
            zipped.writestr(name, data)
        zipped.writestr(zipfile.ZipInfo(NAME), manifest(listed()))
    refused(tmp_path / "x.zip", tmp_path, "packed in a way")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([*FILES.items(), ("extra", b"x")], "^extra: not as its manifest lists it"),
        ([*FILES.items()][1:], "^weights.bin: not as its manifest lists it"),
        ([*FILES.items(), ("empty", b"")], "not as its manifest lists it"),
        ([*FILES.items(), (NAME, b"{}")], None),
    ],
)
def test_entries_that_are_unlisted_missing_or_twice_there_are_refused(entries, words, tmp_path):
    refused(crafted(tmp_path / "x.zip", entries), tmp_path, words)


@pytest.mark.parametrize("size", [0, 1, 10_239, 10_241, 10**18, 10**400])
def test_a_size_that_is_not_true_is_refused(size, tmp_path):
    said = listed() | {"weights.bin": [size, listed()["weights.bin"][1]]}
    refused(crafted(tmp_path / "x.zip", FILES.items(), said), tmp_path, "^weights.bin: ")
    folder = lay(tmp_path / "folder")
    (folder / NAME).write_bytes(manifest(said))
    refused(folder, tmp_path, "^weights.bin: ")


@pytest.mark.parametrize("size", [-1, 1.5, True, "1", None, [], {}])
def test_a_size_that_is_no_number_of_bytes_is_refused(size, tmp_path):
    said = listed() | {"weights.bin": [size, listed()["weights.bin"][1]]}
    refused(crafted(tmp_path / "x.zip", FILES.items(), said), tmp_path)


def bomb(tmp_path, size):
    """A zip whose one entry, of zeros, is small there and large here; it is true to itself."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("zeros", bytes(size))
        zipped.writestr(zipfile.ZipInfo(NAME), manifest(listed({"zeros": bytes(size)})))
    return tmp_path / "x.zip"


def test_more_than_fits_on_the_disk_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    path = bomb(tmp_path, 3_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 0, 2_000_000))
    before = everything(tmp_path)
    with pytest.raises(OSError, match=r"0.0 GB are wanted and 0.0 GB of disk are free") as caught:
        sealed.extract(path, tmp_path / "target", NAME)
    assert caught.value.errno == errno.ENOSPC and everything(tmp_path) == before


def test_a_bomb_whose_header_lies_writes_no_more_than_is_listed(tmp_path):
    data = bytearray(bomb(tmp_path, 3_000_000).read_bytes())
    for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = data.index(mark) + at
        data[place : place + 4] = struct.pack("<I", 10)
    (tmp_path / "x.zip").write_bytes(data)
    refused(tmp_path / "x.zip", tmp_path, "^zeros: 10 bytes, should be 3000000")
    with zipfile.ZipFile(tmp_path / "y.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("zeros", bytes(3_000_000))
        zipped.writestr(zipfile.ZipInfo(NAME), manifest({"zeros": [10, "0" * 64]}))
    data = bytearray((tmp_path / "y.zip").read_bytes())
    for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = data.index(mark) + at
        data[place : place + 4] = struct.pack("<I", 10)
    (tmp_path / "y.zip").write_bytes(data)
    refused(tmp_path / "y.zip", tmp_path)


def test_a_manifest_that_is_a_bomb_is_not_unpacked_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(sealed, "MANIFEST_LIMIT", 1 << 20)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(NAME, b" " * (100 << 20))
    data = bytearray((tmp_path / "x.zip").read_bytes())
    for lie in (False, True):
        if lie:
            place = data.index(b"PK\1\2") + 24
            data[place : place + 4] = struct.pack("<I", 10)
            (tmp_path / "x.zip").write_bytes(data)
        tracemalloc.start()
        with pytest.raises(sealed.Broken):
            sealed.read(tmp_path / "x.zip", NAME)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
        tracemalloc.stop()


def test_a_huge_manifest_is_refused_in_a_folder_and_in_a_zip(tmp_path, monkeypatch):
    monkeypatch.setattr(sealed, "MANIFEST_LIMIT", 1000)
    said = {f"{n}": [1, "0" * 64] for n in range(100)}
    refused(crafted(tmp_path / "x.zip", [], said), tmp_path, "^manifest.json: larger than")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / NAME).write_bytes(manifest(said))
    refused(tmp_path / "folder", tmp_path, "^manifest.json: larger than")


def test_two_entries_over_the_same_bytes_do_not_both_come_out(archive, tmp_path):
    """The second header points at the first one's data, as in bombs that lay their entries over one another."""
    files = {"one": b"x" * 1000, "two": b"x" * 1000}
    data = bytearray(crafted(tmp_path / "x.zip", files.items(), listed(files)).read_bytes())
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    (tmp_path / "x.zip").write_bytes(data)
    refused(tmp_path / "x.zip", tmp_path, "x.zip: damaged")


@pytest.mark.parametrize(
    "said",
    [b"", b"[]", b"null", b"1", b'"x"', b"{}", b"[" * 100_000, b'{"a":' * 5000, b"\xff\xfe", b"1" * 5000, b"{" * 990,
     b'{"format": 1}', b'{"format": 1, "digest": null, "files": {}}', b"[" * 900 + b"]" * 900],
)  # fmt: skip
def test_a_manifest_that_is_something_else_is_refused(said, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as zipped:
        zipped.writestr(zipfile.ZipInfo(NAME), said)
    refused(tmp_path / "x.zip", tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / NAME).write_bytes(said)
    refused(tmp_path / "folder", tmp_path)


@pytest.mark.parametrize(
    "files", [[], None, 1, "x", {"a": None}, {"a": []}, {"a": [1]}, {"a": [1, 2]}, {"a": "xy"}, {NAME: [1, "x"]}]
)
def test_a_list_of_files_of_another_kind_is_refused(files, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / NAME).write_bytes(manifest(files))
    refused(tmp_path / "folder", tmp_path)


def test_a_newer_format_is_named_whatever_else_is_in_it(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / NAME).write_text('{"format": 2, "seal": "of another kind"}')
    refused(tmp_path / "folder", tmp_path, "format 2, this version reads 1: open it with a newer one")


def test_links_within_a_folder_are_refused(source, tmp_path):
    sealed.seal(source, NAME, {})
    (source / "empty").unlink()
    (source / "empty").symlink_to(source / "a/b/c.json")
    refused(source, tmp_path, "^empty: a link")
    (source / NAME).rename(tmp_path / "moved")
    (source / NAME).symlink_to(tmp_path / "moved")
    refused(source, tmp_path, "^manifest.json: a link")


def test_what_is_not_there_is_called_missing_by_its_own_name(source, archive, tmp_path):
    refused(tmp_path / "no.zip", tmp_path, "^no.zip: missing")
    refused(source, tmp_path, "^manifest.json: missing")
    (tmp_path / "plain.zip").write_bytes(b"not a zip")
    refused(tmp_path / "plain.zip", tmp_path, "^plain.zip: cut off, damaged or something else")
    shutil.make_archive(str(tmp_path / "other"), "zip", source)
    refused(tmp_path / "other.zip", tmp_path, "^manifest.json: missing")


def test_a_target_that_is_there_already_is_not_touched(archive, tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "mine").write_text("mine")
    with pytest.raises(FileExistsError):
        sealed.extract(archive, tmp_path / "target", NAME)
    assert everything(tmp_path / "target") == {"mine": b"mine"}


@pytest.mark.parametrize("left", [0, 1, 100, 5000, 10_239, 10_241])
def test_a_disk_that_is_full_midway_is_the_machines_fault_and_leaves_nothing(left, archive, tmp_path, monkeypatch):
    before = everything(tmp_path)
    with count_bytes(monkeypatch, tmp_path / "target") as quota, pytest.raises(OSError, match="No space left"):
        quota.left = left
        sealed.extract(archive, tmp_path / "target", NAME)
    assert everything(tmp_path) == before


def test_the_stop_button_leaves_nothing(archive, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sealed, "_same", stop)
    with pytest.raises(KeyboardInterrupt):
        sealed.extract(archive, tmp_path / "target", NAME)
    assert not (tmp_path / "target").exists()


# any mutation at all: exactly the original, or Broken and nothing

QUIET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def opens_as_it_was_or_is_broken(path, folder):
    target = folder / "target"
    shutil.rmtree(target, ignore_errors=True)
    before = {p.name for p in folder.iterdir()}
    try:
        sealed.extract(path, target, NAME)
    except sealed.Broken as broken:
        str(broken).encode()
        assert not target.exists()
    else:
        assert everything_but_folders(target) == FILES
        shutil.rmtree(target)
    assert {p.name for p in folder.iterdir()} == before


@QUIET
@given(data=st.data())
def test_a_zip_with_any_bytes_changed_opens_as_it_was_or_is_refused(archive, tmp_path, data):
    content = bytearray(archive.read_bytes())
    where = st.integers(0, len(content) - 1) | st.integers(
        len(content) - 700, len(content) - 1
    )  # the directory more often
    for at, value in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), min_size=1, max_size=4)):
        content[at] = value
    (tmp_path / "mutated.zip").write_bytes(content)
    opens_as_it_was_or_is_broken(tmp_path / "mutated.zip", tmp_path)


@QUIET
@given(cut=st.floats(0, 1), gap=st.integers(0, 200))
def test_a_zip_cut_off_or_with_a_gap_is_refused_or_opens_as_it_was(archive, tmp_path, cut, gap):
    content = archive.read_bytes()
    at = int(cut * len(content))
    (tmp_path / "mutated.zip").write_bytes(content[:at] + (content[at + gap :] if gap else b""))
    opens_as_it_was_or_is_broken(tmp_path / "mutated.zip", tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*FILES, *ODD_NAMES, NAME, "new", "a", "weights.bin/x", "\ud800", "n" * 400]) | st.text(
    max_size=9
)
WANTED = st.one_of(JSON, st.tuples(st.integers(), st.just("0" * 64)), st.sampled_from(list(listed().values())))


@QUIET
@given(
    changes=st.dictionaries(NAMES, WANTED, max_size=3), gone=st.sets(st.sampled_from([*FILES])),
    about=st.dictionaries(st.sampled_from(["format", "files", "digest", "job"]), JSON, max_size=2),
    honest=st.booleans(), zipped=st.booleans(),
)  # fmt: skip
@example({}, set(), {}, True, True)
def test_any_manifest_opens_what_it_was_made_of_or_is_refused(archive, tmp_path, changes, gone, about, honest, zipped):
    """Also one with a digest of its own: then nothing but what it lists comes out, so it must list what is there."""
    files = {name: wanted for name, wanted in listed().items() if name not in gone} | changes
    content = {"format": 1, "files": files, **about}
    content = (
        {**content, "digest": sealed.digest({k: v for k, v in content.items() if k != "digest"})} if honest else content
    )
    said, folder = json.dumps(content).encode(), tmp_path / "folder"
    if zipped:
        with zipfile.ZipFile(tmp_path / "mutated.zip", "w") as written:
            for name, data in FILES.items():
                written.writestr(zipfile.ZipInfo(name), data)
            written.writestr(zipfile.ZipInfo(NAME), said)
        opens_as_it_was_or_is_broken(tmp_path / "mutated.zip", tmp_path)
        return
    lay(folder)
    (folder / NAME).write_bytes(said)
    target = tmp_path / "target"
    try:
        sealed.extract(folder, target, NAME)
    except sealed.Broken as broken:
        str(broken).encode()
        assert not target.exists()
    else:  # a folder may hold more than is listed; what comes out is what is listed, as it was
        assert everything_but_folders(target).items() <= FILES.items()
        shutil.rmtree(target)


def test_hashing_gives_up_at_its_limit():
    taken = []
    size, _ = sealed.hashed(io.BytesIO(bytes(5 << 20)), taken.append, limit=1000)
    assert size == 1 << 20 and taken == []
