"""labkit.storage: where do I save; a file appears whole, and what cannot be saved is a sentence."""

import errno
import json
import os
import zipfile
from pathlib import Path

import disk
import pytest
from labkit import Stop, here, secret, storage

from tests.library.disks import count_bytes, everything


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What this machine's adapter says of the folders, to be changed."""
    for name in ("HF_HOME", "TORCH_HOME", "ANYLAB_CACHE"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    base = tmp_path / "base"
    answer = {"work": base / "work", "outputs": base / "out", "cache": base / "cache", "kept": True, "note": ""}
    monkeypatch.setattr(here, "folders", lambda job: answer)
    return answer


def test_the_folders_are_made_and_nothing_is_left_in_them(asked):
    folders = storage.prepare("job")
    assert folders.job == "job" and not folders.slow and folders.inputs == () and folders.kept
    for folder in (folders.work, folders.outputs, folders.cache):
        assert folder.is_dir() and not list(folder.iterdir())


def test_a_note_of_the_platform_is_printed(asked, capsys):
    asked["note"] = "Drive is not mounted"
    storage.prepare("job")
    assert capsys.readouterr().out == "Drive is not mounted\n"


def test_inputs_are_those_that_are_there(asked, tmp_path):
    (tmp_path / "there").mkdir()
    asked["inputs"] = [tmp_path / "there", tmp_path / "not there"]
    assert storage.prepare("job").inputs == (tmp_path / "there",)


def test_the_cache_is_set_before_models_are_loaded_and_never_over_the_users_own(asked, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", "/mine")
    monkeypatch.setenv("ANYLAB_CACHE", str(tmp_path / "shared"))
    folders = storage.prepare("job")
    assert folders.cache == tmp_path / "shared"
    assert (os.environ["HF_HOME"], os.environ["TORCH_HOME"]) == (str(tmp_path / "shared" / "huggingface"), "/mine")


@pytest.mark.parametrize("which", ["work", "outputs", "cache"])
def test_a_place_that_is_read_only_is_one_sentence_with_what_to_do(which, asked, small_disk):
    asked[which] = small_disk.path / "place"
    asked[which].mkdir()
    small_disk.read_only()
    with pytest.raises(Stop) as caught:
        storage.prepare("job")
    said = str(caught.value)
    why = "Read-only file system); nothing may be written there: choose another place"
    assert said == f"{asked[which]} cannot be written ({why}"


@pytest.mark.parametrize("which", ["work", "outputs"])
def test_a_place_that_is_full_is_one_sentence_with_what_to_do(which, asked, small_disk):
    asked[which] = small_disk.path / "place"
    asked[which].mkdir()
    small_disk.leave(0)
    with pytest.raises(Stop, match=r"place cannot be written \(No space left on device\); free some space there"):
        storage.prepare("job")
    assert not list(asked[which].iterdir())


@pytest.mark.parametrize("which", ["work", "outputs", "cache"])
def test_a_place_that_cannot_be_made_is_one_sentence(which, asked, tmp_path):
    (tmp_path / "file").write_text("in the way")
    asked[which] = tmp_path / "file" / "place"
    with pytest.raises(Stop, match=r"place cannot be written \(Not a directory\); check the folder"):
        storage.prepare("job")


# a file


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = storage.write_whole(tmp_path / "a.bin", b"old")
    for left in (0, 1, 5, 999):
        with count_bytes(monkeypatch, tmp_path) as quota, pytest.raises(Stop, match="No space left.*free some space"):
            quota.left = left
            storage.write_whole(path, bytes(1000))
        assert everything(tmp_path) == {"a.bin": b"old"}


def test_a_missing_folder_is_a_sentence_and_is_not_made(tmp_path):
    with pytest.raises(Stop, match="No such file.*it may have been unmounted"):
        storage.write_whole(tmp_path / "gone" / "a.bin", b"x")
    assert everything(tmp_path) == {}


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "free some space"), (errno.EDQUOT, "free some space"), (errno.EROFS, "choose another place"),
     (errno.EACCES, "choose another place"), (errno.ENOTCONN, "unmounted"), (errno.EIO, "unmounted"),
     (errno.ENAMETOOLONG, "shorter name"), (errno.EBUSY, "check the folder"), (None, "check the folder")],
)  # fmt: skip
def test_what_went_wrong_is_followed_by_what_to_do(number, words, tmp_path):
    error = OSError(number, os.strerror(number)) if number else OSError("odd")
    said = disk.sentence(tmp_path / "a.bin", error)
    assert said.startswith(f"{tmp_path / 'a.bin'} cannot be written (") and said.endswith(words) or words in said
    assert "\n" not in said and (number is None or os.strerror(number) in said)


@pytest.mark.parametrize("name", ["Größe 雪.json", "n" * 255, "a'b\"c.json"])
def test_a_name_may_be_long_and_odd(name, tmp_path):
    assert json.loads(storage.write_json(tmp_path / name, {"a": "é"}).read_text(encoding="utf-8")) == {"a": "é"}
    with pytest.raises(Stop, match="choose a shorter name"):
        storage.write_whole(tmp_path / ("n" * 256), b"")
    assert list(everything(tmp_path)) == [name]


def test_text_that_is_no_text_is_written_as_json_spells_it(tmp_path):
    path = storage.write_json(tmp_path / "a.json", {"a": "caf\udce9"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "caf\udce9"}


def test_facts_name_the_platform_and_versions_and_import_nothing():
    facts = storage.facts()
    assert facts["platform"] == here.NAME and facts["versions"]["python"].count(".") >= 2
    assert "diffusers" not in facts["versions"]


# to the place that is kept


def test_a_file_is_kept_by_a_copy(folders):
    (folders.work / "a.bin").write_bytes(b"x")
    assert storage.keep(folders.work / "a.bin", folders) == folders.outputs / "a.bin"
    assert everything(folders.outputs) == {"a.bin": b"x"} and everything(folders.work) == {"a.bin": b"x"}
    assert storage.keep(folders.outputs / "a.bin", folders) == folders.outputs / "a.bin"


def test_a_folder_is_kept_as_one_archive_whatever_is_in_it(folders):
    for name in ("a.bin", "Größe/雪.bin", "empty"):
        path = folders.work / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name == "empty" else b"x")
    assert storage.keep(folders.work / "results", folders) == folders.outputs / "results.zip"
    assert list(everything(folders.outputs)) == ["results.zip"] and not list(folders.work.glob("*.zip"))
    with zipfile.ZipFile(folders.outputs / "results.zip") as archive:
        assert sorted(archive.namelist()) == ["Größe/雪.bin", "a.bin", "empty"] and archive.testzip() is None


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_when_the_drive_goes_away_the_local_copy_stays_and_nothing_is_made_below_the_mount_point(
    kind, how, tmp_path, capsys
):
    drive = tmp_path / "content" / "drive" / "MyDrive" / "job"
    drive.mkdir(parents=True)
    (tmp_path / "work").mkdir()
    folders = storage.Folders(tmp_path / "work", drive, None, True, slow=True)
    made = folders.work / "a"
    if kind == "folder":
        made.mkdir()
        (made / "b").write_bytes(b"x")
    else:
        made.write_bytes(b"x")
    if how == "renamed":
        (tmp_path / "content" / "drive" / "MyDrive").rename(tmp_path / "elsewhere")
    else:
        drive.rmdir()
        (tmp_path / "content" / "drive" / "MyDrive").rmdir()
    before = everything(tmp_path)
    assert storage.keep(made, folders) == made
    said = capsys.readouterr().out
    assert f"It stays at {made}" in said and "it may have been unmounted" in said and said.count("\n") == 1
    assert everything(tmp_path) == before


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("left", [0, 1, 4096, 30_000])
def test_when_the_place_is_full_nothing_half_is_left_there(kind, left, folders, capsys, monkeypatch):
    made = folders.work / "a"
    if kind == "folder":
        made.mkdir()
    (made / "b" if kind == "folder" else made).write_bytes(bytes(50_000))
    before = everything(folders.work)
    with count_bytes(monkeypatch, folders.outputs) as quota:
        quota.left = left
        assert storage.keep(made, folders) == made
    assert "No space left" in capsys.readouterr().out
    assert everything(folders.outputs) == {} and everything(folders.work) == before


def test_what_is_not_there_is_not_kept_and_not_said_to_stay(folders, capsys):
    storage.keep(folders.work / "never", folders)
    assert capsys.readouterr().out == f"{folders.work / 'never'} is not kept: there is no such file\n"
    assert everything(folders.outputs) == {}


def test_a_name_that_cannot_travel_is_said_and_stays(folders, capsys):
    (folders.work / "a").mkdir()
    (folders.work / "a" / "x\\y").write_bytes(b"x")
    assert storage.keep(folders.work / "a", folders) == folders.work / "a"
    assert "not a name that may be written" in capsys.readouterr().out and everything(folders.outputs) == {}


def test_secrets_are_masked_in_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(secret, "_forms", ["hunter2hunter2"])
    path = storage.write_json(tmp_path / "a.json", {"hunter2hunter2": ["a hunter2hunter2 b", {"x": "hunter2hunter2"}]})
    assert json.loads(path.read_text()) == {"***": ["a *** b", {"x": "***"}]}
    assert isinstance(path, Path)
