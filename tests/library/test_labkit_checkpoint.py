"""labkit.checkpoint: the newest whole one is found, whatever lies around it; a save is there or it is not."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from disk import sealed
from labkit import Stop, checkpoint, secret, storage

from tests.conftest import ROOT
from tests.library.disks import count_bytes, everything

SETTINGS = {"rate": 1e-3, "layers": [1, 2, {"deep": None}], "name": "é", "on": True}


@pytest.fixture(params=["quick", "slow"])
def folders(request, tmp_path):
    """The folders of a job where `outputs` takes many files well, and where it does not."""
    return place(tmp_path, slow=request.param == "slow")


def place(root, slow=False, inputs=(), job="job"):
    for name in ("work", "outputs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    return storage.Folders(root / "work", root / "outputs", None, True, job, slow, tuple(inputs))


def save(store, step, size=5000):
    with store.save(step) as folder:
        (folder / "weights.bin").write_bytes(bytes([int(step) % 256]) * size)
        (folder / "more").mkdir()
        (folder / "more" / "state.json").write_text(json.dumps({"step": step}))


def run(folders, *steps, settings=SETTINGS, job=""):
    """A process that saves at these steps, and has ended."""
    store = checkpoint.Store(folders, settings, job)
    for step in steps:
        save(store, step)
    store.close()
    return store


def found(folders, settings=SETTINGS, job=""):
    """The step at which a later process goes on; its files are as they were saved."""
    store = checkpoint.Store(folders, settings, job)
    try:
        latest = store.latest()
        if latest is None:
            return None
        assert (latest.path / "weights.bin").read_bytes() == bytes([latest.step % 256]) * 5000
        assert json.loads((latest.path / "more" / "state.json").read_text()) == {"step": latest.step}
        return latest.step
    finally:
        store.close()


def names(root):
    """What a person sees of the checkpoints below a folder."""
    return sorted(path.name for path in root.glob("checkpoints/*/*") if not path.name.startswith("."))


# the way it goes when nothing is wrong


def test_nothing_saved_is_nothing_found(folders):
    assert found(folders) is None


def test_what_was_saved_is_found_by_the_next_process_with_what_it_was_made_of(folders):
    run(folders, 5)
    store = checkpoint.Store(folders, SETTINGS)
    manifest = store.latest().manifest
    assert manifest["settings"] == SETTINGS and (manifest["job"], manifest["step"]) == ("job", 5)
    assert manifest["platform"] and manifest["versions"]["python"]
    assert set(manifest["files"]) == {"weights.bin", "more/state.json"}
    store.close()


def test_the_last_two_are_kept_and_the_newest_is_found(folders):
    run(folders, 1, 2, 30, 4)
    ending = ".zip" if folders.slow else ""
    assert names(folders.outputs) == [f"000003-step-30{ending}", f"000004-step-4{ending}"]
    assert names(folders.work) == (["000003-step-30", "000004-step-4"] if folders.slow else [])
    assert found(folders) == 4
    run(folders, 5)
    assert names(folders.outputs)[-1].startswith("000005-step-5") and found(folders) == 5


def test_a_slow_place_gets_one_file_a_checkpoint_and_is_enough_when_work_is_gone(tmp_path):
    folders = place(tmp_path, slow=True)
    run(folders, 1, 2)
    assert [path.suffix for path in folders.outputs.rglob("*") if path.is_file()] == [".zip", ".zip"]
    shutil.rmtree(folders.work)
    folders.work.mkdir()
    assert found(folders) == 2
    assert found(folders) == 2, "and again, over what was opened the first time"


@pytest.mark.parametrize(
    "layout", ["SLUG", "SLUG/job", "datasets/OWNER/SLUG/job", "notebooks/OWNER/SLUG", "SLUG/a/b/c"]
)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_in_an_attached_input_is_found_in_every_layout(layout, zipped, tmp_path):
    earlier = place(tmp_path / "earlier", slow=zipped)
    run(earlier, 7)
    shutil.copytree(earlier.outputs, tmp_path / "input" / layout)
    (tmp_path / "input" / "other").mkdir()
    folders = place(tmp_path / "now", inputs=[tmp_path / "input"])
    before = everything(tmp_path / "input")
    assert found(folders) == 7
    run(folders, 8)
    assert names(folders.outputs) == ["000002-step-8"], "the serial goes on from the input's"
    assert found(folders) == 8 and everything(tmp_path / "input") == before


def test_other_settings_have_a_place_of_their_own_and_the_order_of_settings_does_not_matter(folders):
    run(folders, 5)
    assert found(folders, {**SETTINGS, "rate": 2e-3}) is None
    assert found(folders, {}) is None
    assert found(folders, dict(reversed(SETTINGS.items()))) == 5
    assert found(folders, SETTINGS, job="another") is None


@pytest.mark.parametrize(
    "value",
    [1e-3, 1e300, float("inf"), float("nan"), None, True, "", "é\n雪", [], {}, (1, (2, None)), {"a": {"b": [1.5]}}],
)
def test_settings_of_every_plain_kind_are_found_again(value, folders):
    run(folders, 5, settings={"value": value})
    assert found(folders, {"value": value}) == 5


@pytest.mark.parametrize("value", [object(), Path("x"), {1, 2}, b"x", 1j])
def test_settings_that_are_no_plain_data_are_one_clear_typeerror(value, folders):
    with pytest.raises(TypeError, match="^settings: only text, numbers, lists and dicts can be recorded"):
        checkpoint.Store(folders, {"value": value})


def test_secrets_among_the_settings_are_not_written_and_the_checkpoint_is_found(folders, monkeypatch):
    monkeypatch.setattr(secret, "_forms", [])
    settings = {"token": "hunter2hunter2", "rate": 1}
    store = checkpoint.Store(folders, settings)
    secret._forms.append("hunter2hunter2")  # asked for after the store was made
    save(store, 5)
    assert store.latest().step == 5
    store.close()
    written = b"".join(path.read_bytes() for path in folders.outputs.rglob("*") if path.is_file())
    assert b"hunter2" not in written and b"***" in written


@pytest.mark.parametrize("step", [-1, "x", None])
def test_a_step_that_no_name_can_hold_is_refused_before_anything_is_written(step, folders):
    store = checkpoint.Store(folders, SETTINGS)
    with pytest.raises((TypeError, ValueError)), store.save(step):
        pass
    save(store, 3.0)
    assert store.latest().step == 3
    store.close()


# what is refused


def newest(folders):
    """The newest checkpoint's folder; where there are zips, work is gone and it is taken apart."""
    return max(folders.outputs.glob("checkpoints/*/[0-9]*"))


def edit(change):
    """Change a manifest's content, and seal it again as if it were true."""

    def apply(folder):
        content = json.loads((folder / "manifest.json").read_text())
        content.pop("digest")
        change(content)
        (folder / "manifest.json").write_text(json.dumps({**content, "digest": sealed.digest(content)}))

    return apply


def cut(name, keep):
    def apply(folder):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(len(data) * keep)])

    return apply


def flip(name):
    def apply(folder):
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return apply


def emptied(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def a_plain_file(folder):
    shutil.rmtree(folder)
    folder.write_bytes(b"something else")


def linked(folder):
    folder.rename(folder.parent.parent / "elsewhere")
    folder.symlink_to(folder.parent.parent / "elsewhere")


def linked_inside(folder):
    (folder / "weights.bin").rename(folder.parent.parent / "weights")
    (folder / "weights.bin").symlink_to(folder.parent.parent / "weights")


REFUSED = {
    "weights cut off": (cut("weights.bin", 0.5), "weights.bin: 2500 bytes, should be 5000"),
    "weights emptied": (cut("weights.bin", 0), "weights.bin: 0 bytes"),
    "weights edited": (flip("weights.bin"), "weights.bin: was altered"),
    "weights gone": (lambda folder: (folder / "weights.bin").unlink(), "weights.bin: missing"),
    "state edited": (flip("more/state.json"), "more/state.json: was altered"),
    "folder within gone": (lambda folder: shutil.rmtree(folder / "more"), "more/state.json: missing"),
    "manifest gone": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json: missing"),
    "manifest cut off": (cut("manifest.json", 0.5), "manifest.json: cut off"),
    "manifest emptied": (cut("manifest.json", 0), "manifest.json: cut off"),
    "manifest edited": (
        lambda f: (f / "manifest.json").write_text((f / "manifest.json").read_text().replace('"step": 2', '"step": 9')),
        "manifest.json: was edited",
    ),
    "another job": (edit(lambda m: m.update(job="other")), "belongs to the job other, not job"),
    "other settings": (edit(lambda m: m["settings"].update(rate=7)), "of other settings, rate was 7"),
    "settings of another kind": (edit(lambda m: m.update(settings=["x"])), "no checkpoint's manifest"),
    "no step": (edit(lambda m: m.pop("step")), "no checkpoint's manifest"),
    "a newer format": (edit(lambda m: m.update(format=2)), "format 2, this version reads 1"),
    "an empty folder": (emptied, "manifest.json: missing"),
    "a plain file": (a_plain_file, "cut off, damaged or something else"),
    "a link": (linked, "a link"),
    "a link inside": (linked_inside, "weights.bin: a link"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_checkpoint_is_refused_by_name_and_reason_and_the_one_before_is_used_and_stays(what, tmp_path, capsys):
    damage, reason = REFUSED[what]
    folders = place(tmp_path)
    run(folders, 1, 2)
    damage(newest(folders))
    assert found(folders) == 1
    said = capsys.readouterr().out
    assert said.startswith("The checkpoint 000002-step-2 is refused: ") and reason in said and said.count("\n") == 1
    store = checkpoint.Store(folders, SETTINGS)
    assert store.latest().step == 1
    save(store, 3)
    assert "000001-step-1" in names(folders.outputs), "a refused newer one does not push the good one out"
    newest(folders).joinpath("weights.bin").write_bytes(b"")
    assert store.latest().step == 1
    save(store, 4)
    save(store, 5)
    store.close()
    assert found(folders) == 5 and "000001-step-1" not in names(folders.outputs)


@pytest.mark.parametrize("keep", [0, 0.01, 0.3, 0.7, 0.95, 0.999])
def test_a_zip_that_is_cut_off_is_refused_and_the_one_before_is_used(keep, tmp_path, capsys):
    folders = place(tmp_path, slow=True)
    run(folders, 1, 2)
    shutil.rmtree(folders.work)
    folders.work.mkdir()
    cut(newest(folders).name, keep)(newest(folders).parent)
    assert found(folders) == 1 and "000002-step-2.zip is refused" in capsys.readouterr().out


def test_a_zip_that_a_service_has_unpacked_into_a_folder_of_its_name_is_used(tmp_path):
    folders = place(tmp_path, slow=True)
    run(folders, 1)
    packed = newest(folders)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "unpacked")
    packed.unlink()
    (tmp_path / "unpacked").rename(packed)
    shutil.rmtree(folders.work)
    folders.work.mkdir()
    assert found(folders) == 1


@pytest.mark.parametrize("name", ["notes.txt", "step-5", "x-step-5", "000009-step-", "000009-step-5.bak", "9-step-x"])
def test_other_names_beside_the_checkpoints_are_nobodys_business(name, folders, capsys):
    run(folders, 1, 2, 3)
    (newest(folders).parent / name).write_text("mine")
    run(folders, 4)
    assert found(folders) == 4 and (newest(folders).parent / name).read_text() == "mine"
    assert "refused" not in capsys.readouterr().out


def test_a_foreign_number_of_any_length_does_not_confuse_the_order(tmp_path, capsys):
    folders = place(tmp_path)
    run(folders, 1)
    (newest(folders).parent / "9999999-step-1").mkdir()
    run(folders, 2, 3, 4)
    assert found(folders) == 4 and names(folders.outputs)[:2] == ["10000001-step-3", "10000002-step-4"]


def test_what_a_kill_has_left_of_pruning_is_cleared_away(folders):
    run(folders, 1, 2)
    root = newest(folders).parent
    (root / ".old-000000-step-0").mkdir()
    (root / ".old-000000-step-0" / "half").write_text("x")
    (root / ".old-link").symlink_to(root)
    run(folders, 3)
    assert not list(root.glob(".old*")) and found(folders) == 3


# two at once

OTHER = """
import sys, pathlib
from labkit import Stop, checkpoint, storage
root = pathlib.Path(sys.argv[1])
try:
    store = checkpoint.Store(storage.Folders(root / "work", root / "outputs", None, True), {"a": 1})
    print("has it", flush=True)
except Stop as stop:
    print(stop, flush=True)
sys.stdin.read()
"""


def test_a_second_process_says_so_and_stops(tmp_path):
    folders = place(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "notebooks-src/lib")}
    command = [sys.executable, "-c", OTHER, str(tmp_path)]
    first = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "has it\n"
    with pytest.raises(
        Stop, match="^another process is at work on job; let it finish or stop it, then run this again$"
    ):
        checkpoint.Store(folders, {"a": 1})
    store = checkpoint.Store(folders, {"a": 2})
    first.communicate("")
    store.close()
    store = checkpoint.Store(folders, {"a": 1})
    second = subprocess.run(command, env=environment, input="", capture_output=True, text=True)
    assert second.stdout.startswith("another process is at work on job")
    store.close()
    store.close()


def test_a_cell_that_is_run_again_gets_its_own_job_back(folders):
    first = checkpoint.Store(folders, SETTINGS)
    save(first, 1)
    second = checkpoint.Store(folders, SETTINGS)
    assert second.latest().step == 1
    second.close()


def test_another_session_that_has_saved_meanwhile_is_noticed_and_nothing_overwritten(tmp_path):
    """Two machines on one Drive: their locks, in `work`, do not know each other."""
    ours, theirs = place(tmp_path, slow=True), place(tmp_path, slow=True)._replace(work=tmp_path / "their work")
    theirs.work.mkdir()
    store, other = checkpoint.Store(ours, SETTINGS), checkpoint.Store(theirs, SETTINGS)
    save(store, 1)
    before = everything(tmp_path)
    with pytest.raises(Stop, match="another session has saved step 1, which is not overwritten; run this again"):
        save(other, 2)
    assert everything(tmp_path) == before
    other.close()
    assert found(theirs) == 1
    store.close()


# errors


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("k"), FileNotFoundError("my own"), PermissionError(13, "no")]
)
def test_an_error_in_the_block_is_shown_as_it_is_and_the_last_good_one_stays(error, folders):
    store = checkpoint.Store(folders, SETTINGS)
    save(store, 1)
    before = everything(folders.outputs)
    with pytest.raises(type(error)) as caught, store.save(2) as folder:
        (folder / "weights.bin").write_bytes(b"half")
        raise error
    assert caught.value is error and everything(folders.outputs) == before and store.latest().step == 1
    save(store, 3)
    store.close()
    assert found(folders) == 3


@pytest.mark.parametrize("when", ["in the block", "while sealing", "at the rename", "after the rename"])
def test_the_stop_button_at_any_moment_leaves_a_good_one_and_the_next_save_works(when, folders, monkeypatch):
    store = checkpoint.Store(folders, SETTINGS)
    save(store, 1)

    def stop(*_):
        raise KeyboardInterrupt

    real = os.replace
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patches:
        if when == "while sealing":
            patches.setattr(sealed, "seal", stop)
        if when == "at the rename":
            patches.setattr(os, "replace", stop)
        if when == "after the rename":
            patches.setattr(os, "replace", lambda *names: (real(*names), stop()))
        with store.save(2) as folder:
            (folder / "weights.bin").write_bytes(bytes([2]) * 5000)
            (folder / "more").mkdir()
            (folder / "more" / "state.json").write_text('{"step": 2}')
            if when == "in the block":
                stop()
    assert not list(folders.outputs.rglob(".fresh")) and not list(folders.work.rglob(".fresh"))
    assert store.latest().step == (2 if when == "after the rename" else 1)
    save(store, 3)
    store.close()
    assert found(folders) == 3


@pytest.mark.parametrize("kind", ["link", "name"])
def test_what_could_not_be_opened_again_is_not_saved(kind, folders):
    """The last good one stays; before, such a checkpoint was saved, and refused in the next session."""
    store = checkpoint.Store(folders, SETTINGS)
    save(store, 1)
    with pytest.raises(Stop, match="a link or a device|taken by the manifest"), store.save(2) as folder:
        if kind == "link":
            (folder / "latest").symlink_to("/etc/passwd")
        else:
            (folder / "manifest.json").write_text("mine")
    assert store.latest().step == 1
    store.close()


def writes(folders, monkeypatch):
    """How many bytes one save writes."""
    with count_bytes(monkeypatch, folders.outputs.parent) as quota:
        before = quota.left
        run(folders, 1)
        return before - quota.left


def test_a_disk_that_is_full_at_any_byte_of_a_save_is_a_sentence_and_the_one_before_is_found(tmp_path, monkeypatch):
    total = writes(place(tmp_path / "measured"), monkeypatch)
    assert total > 5500
    for number, left in enumerate([*range(0, total, 331), 4999, 5000, 5001, total - 2, total - 1]):
        folders = place(tmp_path / str(number))
        store = checkpoint.Store(folders, SETTINGS)
        save(store, 1)
        before = everything(folders.outputs)
        with count_bytes(monkeypatch, folders.outputs) as quota, pytest.raises(Stop) as caught:
            quota.left = left
            save(store, 2)
        said = str(caught.value)
        assert "No space left on device); free some space there. The last good one: step 1" in said, (left, said)
        assert everything(folders.outputs) == before and store.latest().step == 1
        save(store, 3)
        store.close()
        assert found(folders) == 3


def test_a_slow_place_that_is_full_at_any_byte_keeps_what_it_had_and_the_job_goes_on(tmp_path, monkeypatch, capsys):
    for left in (0, 1, 1000, 5000, 5400):
        folders = place(tmp_path / str(left), slow=True)
        store = checkpoint.Store(folders, SETTINGS)
        save(store, 1)
        before = everything(folders.outputs)
        with count_bytes(monkeypatch, folders.outputs) as quota:
            quota.left = left
            save(store, 2)
        said = capsys.readouterr().out
        assert "No space left" in said and f"It stays at {folders.work}" in said and said.count("\n") == 1
        assert everything(folders.outputs) == before and store.latest().step == 2
        save(store, 3)
        assert names(folders.outputs) == ["000002-step-2.zip", "000003-step-3.zip"]
        store.close()


@pytest.mark.parametrize("left", [0, 4096, 65536, 1_000_000])
def test_a_real_disk_that_is_full_is_a_sentence_and_the_one_before_is_found(left, small_disk):
    folders = place(small_disk.path)
    store = checkpoint.Store(folders, SETTINGS)
    save(store, 1)
    small_disk.leave(left)
    with pytest.raises(Stop, match=r"No space left on device\); free some space there. The last good one: step 1"):
        save(store, 2, size=2_000_000)
    assert store.latest().step == 1 and not list(small_disk.path.rglob(".fresh"))
    small_disk.free()
    save(store, 3)
    store.close()
    assert found(folders) == 3


def test_a_library_that_hides_a_full_disk_in_its_own_error_is_seen_through(small_disk):
    folders = place(small_disk.path)
    store = checkpoint.Store(folders, SETTINGS)
    with pytest.raises(Stop, match="No space left.*The last good one: none"), store.save(1):
        raise RuntimeError("PytorchStreamWriter failed writing file: No space left on device")
    store.close()


def test_a_place_that_has_become_read_only_is_a_sentence(small_disk, tmp_path):
    folders = place(small_disk.path)._replace(work=tmp_path)  # whose lock stays open
    store = checkpoint.Store(folders, SETTINGS)
    save(store, 1)
    small_disk.read_only()
    with pytest.raises(Stop, match="Read-only file system.*choose another place. The last good one: step 1"):
        save(store, 2)
    assert store.latest().step == 1
    small_disk.free()
    store.close()


def test_a_full_work_folder_does_not_make_a_run_start_anew(tmp_path, monkeypatch):
    """A zip that cannot be opened for want of space is not a broken one: going on from an older one would lose work."""
    folders = place(tmp_path, slow=True)
    run(folders, 1, 2)
    shutil.rmtree(folders.work)
    folders.work.mkdir()
    with (
        count_bytes(monkeypatch, folders.work) as quota,
        pytest.raises(Stop, match="to open 000002-step-2.zip.*free some"),
    ):
        quota.left = 3000
        found(folders)


def test_a_drive_that_goes_away_is_said_and_the_job_goes_on_in_work(tmp_path, capsys):
    folders = place(tmp_path, slow=True)
    store = checkpoint.Store(folders, SETTINGS)
    save(store, 1)
    folders.outputs.rename(tmp_path / "gone")
    save(store, 2)
    said = capsys.readouterr().out
    assert "it may have been unmounted" in said and "It stays at" in said and not folders.outputs.exists()
    assert store.latest().step == 2
    (tmp_path / "gone").rename(folders.outputs)
    save(store, 3)
    assert names(folders.outputs) == ["000002-step-2.zip", "000003-step-3.zip"]
    store.close()


def test_a_place_that_goes_away_in_the_block_is_a_sentence(tmp_path):
    folders = place(tmp_path)
    store = checkpoint.Store(folders, SETTINGS)
    with pytest.raises(Stop, match="it may have been unmounted"), store.save(1) as folder:
        folders.outputs.rename(tmp_path / "gone")
        (folder / "weights.bin").write_bytes(b"x")
    assert not folders.outputs.exists()
    store.close()


def test_a_drive_that_has_gone_before_the_store_is_made_is_a_sentence_and_is_not_made_anew(folders):
    folders.outputs.rmdir()
    with pytest.raises(Stop, match="it may have been unmounted"):
        checkpoint.Store(folders, SETTINGS)
    assert not folders.outputs.exists()


def test_tidying_that_fails_does_not_fail_the_save(folders, monkeypatch):
    store = checkpoint.Store(folders, SETTINGS)
    save(store, 1)
    save(store, 2)

    def refuse(*_):
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "rename", refuse)
    save(store, 3)
    assert store.latest().step == 3
    store.close()


# what a stranger found


def test_a_session_whose_drive_was_away_does_not_push_out_what_another_saved(tmp_path):
    ours, theirs = place(tmp_path, slow=True), place(tmp_path, slow=True)._replace(work=tmp_path / "their work")
    theirs.work.mkdir()
    store, other = checkpoint.Store(ours, SETTINGS), checkpoint.Store(theirs, SETTINGS)
    save(store, 100)
    store.folders.outputs.rename(tmp_path / "away")
    save(other, 50)
    save(other, 60)
    (tmp_path / "away").rename(store.folders.outputs)
    with pytest.raises(Stop, match="another session has saved step 100, which is not overwritten"):
        save(other, 70)
    assert "000001-step-100.zip" in names(store.folders.outputs)
    save(store, 200)
    store.close()
    other.close()


def test_a_second_store_of_this_process_lets_go_of_nothing_that_the_first_holds(tmp_path):
    folders = place(tmp_path)
    first, second = checkpoint.Store(folders, SETTINGS), checkpoint.Store(folders, SETTINGS)
    second.close()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import disk, pathlib; print(disk.lock(pathlib.Path(sys.argv[2])))"
    )
    lock = next(folders.work.glob(".*.lock"))
    ask = [sys.executable, "-c", code, str(ROOT / "notebooks-src/lib"), str(lock)]
    assert subprocess.run(ask, capture_output=True, text=True).stdout == "None\n"
    first.close()
    assert subprocess.run(ask, capture_output=True, text=True).stdout != "None\n"


def test_a_save_after_closing_takes_the_lock_again(tmp_path):
    folders = place(tmp_path)
    store = checkpoint.Store(folders, SETTINGS)
    store.close()
    save(store, 1)
    assert store.lock is not None and found(folders) == 1
    store.close()


def test_a_mistake_in_the_block_is_shown_as_it_is(tmp_path):
    store = checkpoint.Store(place(tmp_path), SETTINGS)
    with pytest.raises(FileNotFoundError), store.save(1) as folder:
        (folder / "missing").read_bytes()
    store.close()
