"""labkit.bundle: everything a job has kept, as one file that another platform takes, or refuses whole."""

import importlib.util
import re
import shutil
import zipfile
from collections import namedtuple

import pytest
from disk import sealed
from labkit import Stop, bundle, checkpoint, storage, transport
from session import needs

from tests.conftest import ROOT
from tests.library.disks import count_bytes, everything

FILES = {"results.json": b"{}", "quick-test/loss.png": b"\x89PNG" * 200, "Größe/雪.txt": "é".encode(), "empty": b""}


def place(root, slow=False, job="job"):
    for name in ("work", "outputs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    return storage.Folders(root / "work", root / "outputs", None, True, job, slow)


def lay(folder, files=FILES):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.fixture
def here(tmp_path):
    """The job as it stands on one platform."""
    folders = place(tmp_path / "here")
    lay(folders.outputs)
    return folders


@pytest.fixture
def there(tmp_path):
    """The same job on another platform, where nothing has been done yet."""
    return place(tmp_path / "there")


def files(folder):
    """What lies there, without the marks of what was unpacked."""
    found = everything(folder).items()
    return {name: data for name, data in found if data is not None and not name.startswith(".unpacked-")}


def test_a_job_arrives_as_it_was(here, there, capsys):
    archive = bundle.pack(here)
    assert archive == here.outputs / "job.bundle.zip" and "Packed 4 files" in capsys.readouterr().out
    assert bundle.unpack(archive, there) == 4
    assert files(there.outputs) == FILES and everything(there.work) == {}
    assert f"Unpacked 4 of 4 files from {storage.here.NAME} into {there.outputs}" in capsys.readouterr().out
    assert bundle.unpack(str(archive), there) == 0, "a second time there is nothing new"


def test_the_same_files_make_the_same_bundle(here):
    first = bundle.pack(here).read_bytes()
    assert bundle.pack(here).read_bytes() == first, "nor is the first one packed into the second"


def test_where_outputs_is_slow_the_bundle_is_made_in_work(tmp_path):
    folders = place(tmp_path, slow=True)
    lay(folders.outputs)
    assert bundle.pack(folders) == folders.work / "job.bundle.zip" and files(folders.outputs) == FILES


def test_a_checkpoint_travels_with_everything_in_it(here, there):
    store = checkpoint.Store(here, {"a": 1})
    with store.save(5) as folder:
        lay(folder, {".hidden/config": b"x", "old.bundle.zip": b"y", "a.before": b"z", "weights": b"w"})
    store.close()
    bundle.unpack(bundle.pack(here), there)
    store = checkpoint.Store(there, {"a": 1})
    assert store.latest().step == 5
    store.close()


def test_what_is_not_the_jobs_own_stays(tmp_path, there):
    """The work folder (inside `outputs` on a machine of your own), hidden files, links, bundles, what was set aside."""
    (tmp_path / "here").mkdir()
    folders = storage.Folders(tmp_path / "here" / "work", tmp_path / "here", None, True)
    lay(folders.outputs)
    lay(folders.outputs, {"work/fast.bin": b"x", ".part-a": b"x", ".ipynb_checkpoints/a": b"x", "a/.b/c": b"x",
                          "old.bundle.zip": b"x", "a.json.before": b"x"})  # fmt: skip
    lay(tmp_path / "outside", {"secret": b"x"})
    (folders.outputs / "link").symlink_to(tmp_path / "outside" / "secret")
    (folders.outputs / "linked folder").symlink_to(tmp_path / "outside")
    lay(folders.outputs / "checkpoints/job-12345678", {".fresh/half": b"x", ".old-1/half": b"x"})
    with zipfile.ZipFile(bundle.pack(folders)) as archive:
        assert sorted(archive.namelist()) == sorted([*FILES, "bundle.json"])


def test_nothing_to_pack_is_a_sentence_and_leaves_nothing(there):
    lay(there.outputs, {".hidden": b"x"})
    with pytest.raises(Stop, match="there is nothing to pack in"):
        bundle.pack(there)
    assert files(there.outputs) == {".hidden": b"x"}


def test_too_little_disk_to_pack_is_a_sentence_before_anything_is_written(here, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 0, 100))
    with pytest.raises(Stop, match="0.0 GB are wanted and 0.0 GB of disk are free.*free some space there"):
        bundle.pack(here)
    assert files(here.outputs) == FILES


@pytest.mark.parametrize("left", [0, 1, 300, 900, 1500])
def test_a_disk_that_is_full_while_packing_leaves_the_earlier_bundle(left, here, monkeypatch):
    earlier = bundle.pack(here).read_bytes()
    lay(here.outputs, {"more": b"x" * 500})
    before = everything(here.outputs)
    with count_bytes(monkeypatch, here.outputs) as quota, pytest.raises(Stop, match="No space left.*free some space"):
        quota.left = left
        bundle.pack(here)
    assert everything(here.outputs) == before and (here.outputs / "job.bundle.zip").read_bytes() == earlier


@pytest.mark.parametrize("name", ["x\\y", "bundle.json"])
def test_a_name_that_cannot_travel_is_a_sentence(name, here):
    lay(here.outputs, {name: b"x"})
    with pytest.raises(Stop, match="cannot be written .*(not a name that may be|taken by the manifest)"):
        bundle.pack(here)
    assert not (here.outputs / "job.bundle.zip").exists()


# unpacking


def test_what_is_there_with_other_contents_stays_beside_it_every_time(here, there):
    lay(there.outputs, {"results.json": b"mine", "own": b"own", "empty": b""})
    assert bundle.unpack(bundle.pack(here), there) == 3
    kept = {"results.json.before": b"mine", "own": b"own"}
    assert files(there.outputs) == FILES | kept
    lay(here.outputs, {"results.json": b"later"})
    assert bundle.unpack(bundle.pack(here), there) == 1
    later = {"results.json": b"later", "results.json.before.before": b"{}"}
    assert files(there.outputs) == FILES | kept | later


@pytest.mark.parametrize("kind", ["folder", "link", "dangling link"])
def test_a_folder_or_a_link_in_a_files_place_is_set_aside_and_not_followed(kind, here, there, tmp_path):
    target, outside = there.outputs / "results.json", tmp_path / "outside"
    outside.write_bytes(b"outside")
    if kind == "folder":
        lay(target, {"inside": b"x"})
    else:
        target.symlink_to(outside if kind == "link" else tmp_path / "nowhere")
    bundle.unpack(bundle.pack(here), there)
    assert target.read_bytes() == b"{}" and not target.is_symlink() and outside.read_bytes() == b"outside"
    aside = there.outputs / "results.json.before"
    assert (aside / "inside").read_bytes() == b"x" if kind == "folder" else aside.is_symlink()


def test_a_bundle_of_another_job_is_refused(here, tmp_path):
    other = place(tmp_path / "other", job="other")
    with pytest.raises(Stop, match="holds the job job, and this notebook is other"):
        bundle.unpack(bundle.pack(here), other)
    assert everything(tmp_path / "other") == {"work": None, "outputs": None}


@pytest.mark.parametrize("keep", [0, 0.01, 0.2, 0.5, 0.8, 0.9, 0.97, 0.999])
def test_a_bundle_that_is_cut_off_anywhere_is_refused_and_changes_nothing(keep, here, there, tmp_path):
    data = bundle.pack(here).read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: int(len(data) * keep)])
    lay(there.outputs, {"results.json": b"mine"})
    before = everything(tmp_path / "there")
    with pytest.raises(Stop, match="cut.zip cannot be used: cut.zip: cut off, damaged or something else"):
        bundle.unpack(tmp_path / "cut.zip", there)
    assert everything(tmp_path / "there") == before


def test_a_bundle_of_which_one_byte_is_altered_is_refused_and_changes_nothing(here, there, tmp_path):
    data = bundle.pack(here).read_bytes()
    before = everything(tmp_path / "there")
    for at in range(0, len(data), 97):
        (tmp_path / "altered.zip").write_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])
        try:
            bundle.unpack(tmp_path / "altered.zip", there)
        except Stop:
            assert everything(tmp_path / "there") == before
        else:  # a byte that says nothing, as a date
            assert files(there.outputs) == FILES
            shutil.rmtree(there.outputs)
            there.outputs.mkdir()


def test_a_bundle_that_is_not_there_is_named(there):
    with pytest.raises(Stop, match="nowhere.zip cannot be used: nowhere.zip: missing"):
        bundle.unpack("nowhere.zip", there)


def test_a_folder_that_a_service_has_made_of_a_bundle_is_taken(here, there, tmp_path):
    shutil.unpack_archive(bundle.pack(here), tmp_path / "unpacked", "zip")
    lay(tmp_path / "unpacked", {"dataset-metadata.json": b"the service's own"})
    assert bundle.unpack(tmp_path / "unpacked", there) == 4 and files(there.outputs) == FILES
    (tmp_path / "unpacked" / "results.json").write_bytes(b"[]")
    with pytest.raises(Stop, match="results.json: was altered"):
        bundle.unpack(tmp_path / "unpacked", there)


@pytest.mark.parametrize("left", [0, 1, 300, 900, 2000])
def test_a_full_disk_while_unpacking_is_a_sentence_and_a_rerun_does_the_rest(left, here, there, monkeypatch):
    archive = bundle.pack(here)
    lay(there.outputs, {"results.json": b"mine"})
    before = everything(there.outputs)
    with count_bytes(monkeypatch, there.work) as quota:
        quota.left = left
        if left < 800:
            with pytest.raises(Stop, match="is not unpacked: .*No space left.*free some space"):
                bundle.unpack(archive, there)
            assert everything(there.outputs) == before and everything(there.work) == {}
    bundle.unpack(archive, there)
    assert files(there.outputs) == FILES | {"results.json.before": b"mine"}


@pytest.mark.parametrize("room", [20_000, 60_000])
def test_outputs_on_a_disk_that_fills_up_keep_each_file_old_or_new(room, here, there, small_disk):
    lay(here.outputs, {f"{n}.bin": bytes([n]) * 30_000 for n in range(5)})
    archive = bundle.pack(here)
    wanted = {name: data for name, data in files(here.outputs).items() if name != "job.bundle.zip"}
    folders = there._replace(outputs=small_disk.path / "outputs")
    folders.outputs.mkdir()
    lay(folders.outputs, {"0.bin": b"mine"})
    if small_disk.quota:  # one file system: what is moved within it needs no room
        return
    small_disk.leave(room)
    with pytest.raises(Stop, match="is not unpacked: .*No space left.*free some space"):
        bundle.unpack(archive, folders)
    now = files(folders.outputs)
    assert b"mine" in now.values() and all(data in (wanted.get(name), b"mine") for name, data in now.items())
    small_disk.free()
    bundle.unpack(archive, folders)
    assert files(folders.outputs) == wanted | {"0.bin.before": b"mine"}


def test_a_drive_that_has_gone_away_is_a_sentence_and_is_not_made_anew(here, there):
    archive = bundle.pack(here)
    there.outputs.rmdir()
    with pytest.raises(Stop, match="is not unpacked: .*it may have been unmounted"):
        bundle.unpack(archive, there)
    assert not there.outputs.exists()


# carrying


def test_a_choice_decides_how_a_bundle_goes(here, capsys):
    calls = []

    def way(archive, name, dry_run):
        calls.append((archive, name, dry_run))
        return "sent"

    assert bundle.send(here, "no", hub=way) is None and not calls and not (here.outputs / "job.bundle.zip").exists()
    bundle.send(here, "file", hub=way)
    assert not calls and (here.outputs / "job.bundle.zip").exists()
    bundle.send(here._replace(job="my_job"), "hub", dry_run=True, hub=way)
    assert calls == [(here.outputs / "my_job.bundle.zip", "my-job", True)] and "sent" in capsys.readouterr().out
    with pytest.raises(Stop, match="no way called 'drive' .* only hub and file"):
        bundle.send(here, "drive", hub=way)
    with pytest.raises(Stop, match="there is no bundle at 5; give the path of its file"):
        bundle.fetch(here, 5, hub=way)


def test_what_the_last_cell_can_do_is_judged_in_the_first():
    for setup in [*ROOT.glob("platforms/*/cells/setup.py.j2"), *ROOT.glob("anylab/templates/**/cells/setup.py.j2")]:
        finish = setup.with_name("finish.py.j2").read_text(encoding="utf-8")
        ways = re.findall(r"(\w+)=", re.search(r"bundle\.send\(folders, PACK(.*)\)", finish)[1])
        told = re.search(r"needs\.way\(PACK(.*)\)", setup.read_text(encoding="utf-8"))[1]
        assert re.findall(r'"(\w+)"', told) == ways, setup
    assert needs.way("hub", "hub") is None
    with pytest.raises(Stop, match="PACK is one of no, file, hub, not 'nix'"):
        needs.way("nix", "hub")


def test_a_bundle_that_was_fetched_before_changes_nothing_again(here, there, tmp_path, capsys):
    archive = bundle.pack(here)
    shutil.copy(archive, tmp_path / "copy.zip")

    def way(name, folder, dry_run):
        return None if dry_run else shutil.copy(archive, folder / "x.zip") and folder / "x.zip"

    assert bundle.fetch(there, "") == 0 and bundle.fetch(there, "hub", dry_run=True, hub=way) == 0
    assert files(there.outputs) == {}
    assert bundle.fetch(there, "hub", hub=way) == 4
    lay(there.outputs, {"results.json": b"further on"})
    assert bundle.fetch(there, str(tmp_path / "copy.zip"), hub=way) == 0
    assert "was unpacked here before" in capsys.readouterr().out
    assert (there.outputs / "results.json").read_bytes() == b"further on" and not (there.work / ".fetched").exists()
    with pytest.raises(Stop, match="there is no bundle at nowhere.zip; give the path .* one of: hub"):
        bundle.fetch(there, "nowhere.zip", hub=way)


def test_a_way_that_fails_leaves_nothing_behind(there):
    def way(name, folder, dry_run):
        (folder / "half.zip").write_bytes(b"x")
        raise Stop("the service said no")

    with pytest.raises(Stop, match="said no"):
        bundle.fetch(there, "hub", hub=way)
    assert everything(there.work) == {} and files(there.outputs) == {}


def test_a_work_folder_that_has_gone_is_a_sentence(there):
    there.work.rmdir()
    with pytest.raises(Stop, match="it may have been unmounted"):
        bundle.fetch(there, "hub", hub=lambda *a, **k: None)


def test_your_own_machine_has_no_way_but_the_file(tmp_path):
    assert "fetch it" in transport.send(tmp_path / "a.zip", "job")
    with pytest.raises(Stop, match="give the path of its file"):
        transport.receive("job", tmp_path)


def test_the_manifest_says_where_a_bundle_comes_from(here):
    about = sealed.read(bundle.pack(here), bundle.MANIFEST)
    assert about["platform"] == storage.here.NAME and about["job"] == "job" and about["versions"]["python"]


# what a stranger found


def test_every_choice_of_a_variants_form_is_a_way_that_works_as_send_and_fetch_call_it():
    """The cells hand the transports' functions over; each takes what `bundle` gives."""
    import inspect
    import re

    from tests.conftest import ROOT

    for cell in ROOT.glob("platforms/*/cells/*.py.j2"):
        for module, name in re.findall(r"\w+=(transport|hub)\.(\w+)", cell.read_text()):
            folder = cell.parent.parent if module == "transport" else ROOT / "platforms" / "hub"
            spec = importlib.util.spec_from_file_location("way", folder / "transport.py")
            way = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(way)
            inspect.signature(getattr(way, name)).bind("first", "second", dry_run=True)


def test_a_bundles_checkpoint_is_the_newest_whatever_was_saved_here_meanwhile(tmp_path):
    here_, there = place(tmp_path / "a"), place(tmp_path / "b")
    first = checkpoint.Store(here_, {})
    with first.save(100) as folder:
        (folder / "w").write_bytes(b"100")
    bundle.unpack(bundle.pack(here_), there)
    other = checkpoint.Store(there, {})
    with other.save(1000) as folder:
        (folder / "w").write_bytes(b"1000")
    for step in (101, 102):
        with first.save(step) as folder:
            (folder / "w").write_bytes(b"local")
    bundle.unpack(bundle.pack(there), here_)
    again = checkpoint.Store(here_, {})
    assert again.latest().step == 1000 and (again.latest().path / "w").read_bytes() == b"1000"
    with again.save(1001) as folder:
        (folder / "w").write_bytes(b"1001")
    assert {path.name.partition("-")[2] for path in again.roots[0].glob("[0-9]*")} == {"step-1000", "step-1001"}


def test_a_drive_that_is_gone_can_be_packed_from_work(tmp_path):
    folders = place(tmp_path)._replace(slow=True)
    store = checkpoint.Store(folders, {})
    folders.outputs.rename(tmp_path / "gone")
    with store.save(2) as folder:
        (folder / "w").write_bytes(b"2")
    archive = bundle.pack(folders)
    there = place(tmp_path / "there")
    bundle.unpack(archive, there)
    assert checkpoint.Store(there, {}).latest().step == 2


def test_a_file_that_cannot_be_placed_leaves_what_was_there(tmp_path, monkeypatch):
    import disk
    from disk import sealed

    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed, "move", full)
    with pytest.raises(OSError):
        sealed.place(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"old" and disk


def test_a_pasted_path_may_have_spaces_and_quotes_around_it(tmp_path):
    folders, there = place(tmp_path / "a"), place(tmp_path / "b")
    (folders.outputs / "a.txt").write_text("x")
    assert bundle.fetch(there, f' "{bundle.pack(folders)}" ') == 1
