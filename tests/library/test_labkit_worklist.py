"""labkit.worklist: every item is made once, whatever ends the session; a rerun does what is left."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import disk
import pytest
from labkit import Stop, clock, secret, storage, worklist

from tests.conftest import ROOT
from tests.library.disks import count_bytes, everything

ITEMS = ["a cat", "a dog", {"prompt": "Größe", "seed": [1, 2.5, None]}, 4]


def make(item, folder):
    """A clip that depends on its item, and its seed."""
    (folder / "clip.bin").write_bytes(json.dumps(item).encode() * 100)
    return {"seed": 7}


class Maker:
    """`make` that counts what it was asked for."""

    def __init__(self, bad=()):
        self.asked, self.bad = [], bad

    def __call__(self, item, folder):
        self.asked.append(item)
        if item in self.bad:
            raise ValueError(f"{item} cannot be made")
        return make(item, folder)


def states(folders, items=ITEMS, settings=None):
    return {s: n for s, n in worklist.Worklist(folders, "clips", items, settings).states().items() if n}


def sidecar(folders, number):
    return next((folders.outputs / "clips").glob(f"{number:04}-????????.json"))


def test_a_list_is_worked_through_and_a_rerun_has_nothing_to_do(folders, capsys):
    assert states(folders) == {"queued": 4}
    maker = Maker()
    records = worklist.Worklist(folders, "clips", ITEMS).run(maker)
    said = capsys.readouterr().out.splitlines()
    assert maker.asked == ITEMS and [r["state"] for r in records] == ["done"] * 4
    assert len(said) == 5 and said[0].startswith("1 of 4 done in ") and said[-1] == "4 done"
    before = everything(folders.outputs)
    assert worklist.Worklist(folders, "clips", ITEMS).run(maker) == records
    assert maker.asked == ITEMS and everything(folders.outputs) == before and capsys.readouterr().out == "4 done\n"


def test_beside_each_result_lies_what_made_it(folders):
    worklist.Worklist(folders, "clips", ITEMS, {"size": 64}).run(make)
    record = json.loads(sidecar(folders, 3).read_text(encoding="utf-8"))
    stem = sidecar(folders, 3).stem
    assert record["item"] == ITEMS[2] and record["settings"] == {"size": 64} and record["made"] == {"seed": 7}
    assert record["state"] == "done" and record["seconds"] >= 0 and record["peak_ram_gb"] > 0
    assert record["platform"] and record["versions"]["python"] and list(record["files"]) == [f"{stem}-clip.bin"]
    assert (folders.outputs / "clips" / f"{stem}-clip.bin").read_bytes() == json.dumps(ITEMS[2]).encode() * 100
    assert not list(folders.work.rglob("*-files")), "nothing is left where it was made"


def test_a_bad_item_is_recorded_does_not_end_the_batch_and_is_tried_again(folders, capsys):
    maker = Maker(bad=["a dog"])
    records = worklist.Worklist(folders, "clips", ITEMS).run(maker)
    assert [r["state"] for r in records] == ["done", "failed", "done", "done"]
    assert records[1]["error"] == "ValueError: a dog cannot be made" and records[1]["files"] == {}
    assert capsys.readouterr().out.splitlines()[-1] == "3 done, 1 failed; run it again to do what is left"
    assert states(folders) == {"done": 3, "failed": 1}
    maker.bad, maker.asked = (), []
    assert worklist.Worklist(folders, "clips", ITEMS).run(maker)[1]["state"] == "done" and maker.asked == ["a dog"]
    assert "error" not in json.loads(sidecar(folders, 2).read_text())


def test_other_settings_and_a_changed_item_are_new_work_and_the_old_results_stay(folders):
    maker = Maker()
    worklist.Worklist(folders, "clips", ITEMS, {"size": 64}).run(maker)
    before = everything(folders.outputs)
    worklist.Worklist(folders, "clips", ITEMS, {"size": 65}).run(maker)
    assert len(maker.asked) == 8 and before.items() <= everything(folders.outputs).items()
    worklist.Worklist(folders, "clips", ["a cat.", *ITEMS[1:]], {"size": 64}).run(maker)
    assert maker.asked[8:] == ["a cat."]


def test_a_reordered_and_an_extended_list_keep_their_results(folders):
    maker = Maker()
    worklist.Worklist(folders, "clips", ITEMS).run(maker)
    before = everything(folders.outputs)
    records = worklist.Worklist(folders, "clips", [*reversed(ITEMS), "new"]).run(maker)
    assert maker.asked == [*ITEMS, "new"] and [r["item"] for r in records] == [*reversed(ITEMS), "new"]
    assert before.items() <= everything(folders.outputs).items()
    worklist.Worklist(folders, "clips", ITEMS[:1]).run(maker)
    assert before.items() <= everything(folders.outputs).items() and len(maker.asked) == 5


def test_the_same_item_twice_is_two_pieces_of_work(folders):
    maker = Maker()
    for _ in range(2):
        records = worklist.Worklist(folders, "clips", ["x", "x", "y", "x"]).run(maker)
    assert maker.asked == ["x", "x", "y", "x"] and len(list((folders.outputs / "clips").glob("*.bin"))) == 4
    assert [r["state"] for r in records] == ["done"] * 4


@pytest.mark.parametrize(
    "how", ["deleted", "cut off", "edited", "a link", "record deleted", "record damaged", "no files"]
)
def test_a_result_that_is_gone_or_altered_is_made_again(how, folders):
    worklist.Worklist(folders, "clips", ITEMS).run(make)
    before = everything(folders.outputs)
    record, result = sidecar(folders, 2), next((folders.outputs / "clips").glob("0002-*.bin"))
    data = result.read_bytes()
    if how == "deleted":
        result.unlink()
    if how == "cut off":
        result.write_bytes(data[:-1])
    if how == "edited":
        result.write_bytes(b"X" + data[1:])
    if how == "a link":
        result.rename(folders.work / "moved")
        result.symlink_to(folders.work / "moved")
    if how == "record deleted":
        record.unlink()
    if how == "record damaged":
        record.write_bytes(record.read_bytes()[:40])
    if how == "no files":
        record.write_text(json.dumps({"state": "done", "files": {"x": []}}))
    maker = Maker()
    worklist.Worklist(folders, "clips", ITEMS).run(maker)
    assert maker.asked == ["a dog"] and everything(folders.outputs).keys() == before.keys()
    assert result.read_bytes() == data and not result.is_symlink()


@pytest.mark.parametrize("made", [object(), b"bytes", {1, 2}, Path("x")])
def test_a_return_value_that_is_no_plain_data_fails_its_item_clearly(made, folders):
    record = worklist.Worklist(folders, "clips", ["x"]).run(lambda item, folder: made)[0]
    assert record["state"] == "failed"
    assert record["error"].startswith("TypeError: what make returned: only text, numbers, lists and dicts")


@pytest.mark.parametrize("made", [None, 1, "x", [1, (2, None)], {"a": {"b": 1e-3}}])
def test_any_plain_return_value_is_recorded(made, folders):
    record = worklist.Worklist(folders, "clips", ["x"]).run(lambda item, folder: made)[0]
    assert record["made"] == json.loads(json.dumps(made)) and record["state"] == "done" and record["files"] == {}


def test_items_and_settings_that_are_no_plain_data_are_one_clear_typeerror(folders):
    with pytest.raises(TypeError, match="^item 2: only text, numbers, lists and dicts"):
        worklist.Worklist(folders, "clips", ["x", Path("y")])
    with pytest.raises(TypeError, match="^settings: only text"):
        worklist.Worklist(folders, "clips", ["x"], {"where": Path("y")})


def test_items_may_be_huge_odd_and_come_from_a_generator(folders):
    items = ["x" * 1_000_000, "", "\n", "caf\udce9", "../../etc/passwd", None, [], {"": ""}, "𝔘" * 300]
    for _ in range(2):
        records = worklist.Worklist(folders, "clips", (item for item in items)).run(make)
        assert [r["item"] for r in records] == items and {r["state"] for r in records} == {"done"}


def test_an_error_whose_words_cannot_be_encoded_is_recorded(folders):
    def bad(item, folder):
        raise FileNotFoundError("no caf\udce9")

    record = worklist.Worklist(folders, "clips", ["x"]).run(bad)[0]
    assert record["error"] == "FileNotFoundError: no caf\\udce9"


def test_results_may_have_any_name_and_lie_in_folders(folders):
    def nested(item, folder):
        (folder / "a" / "b").mkdir(parents=True)
        for name in ("Größe 雪.png", "a/b/c.bin", "a/.hidden", "-rf"):
            (folder / name).write_bytes(name.encode())

    for _ in range(2):
        record = worklist.Worklist(folders, "clips", ["x"]).run(nested)[0]
    names = sorted(name.partition("-")[2].partition("-")[2] for name in record["files"])
    assert names == ["-rf", "Größe 雪.png", "a-.hidden", "a-b-c.bin"]
    assert all((folders.outputs / "clips" / name).is_file() for name in record["files"])


@pytest.mark.parametrize("kind", ["one name for two", "link", "long name"])
def test_results_that_cannot_be_kept_fail_their_item_and_not_the_batch(kind, folders):
    def odd(item, folder):
        if item == "odd":
            (folder / "a").mkdir()
            if kind == "one name for two":
                (folder / "a" / "b").write_bytes(b"1")
                (folder / "a-b").write_bytes(b"2")
            if kind == "link":
                (folder / "link").symlink_to(folder / "a")
            if kind == "long name":
                (folder / ("n" * 250)).write_bytes(b"1")

    records = worklist.Worklist(folders, "clips", ["odd", "good"]).run(odd)
    assert [r["state"] for r in records] == ["failed", "done"] and records[0]["files"] == {}
    words = {"long name": "File name too long"}.get(kind, "is a link, a device, or the name of two files")
    assert words in records[0]["error"]


# how a batch ends


def test_the_clock_ends_a_batch_between_items_and_allows_for_the_slowest(folders, monkeypatch, capsys):
    asked = []

    def should_stop(margin):
        asked.append(margin)
        return len(asked) > 2

    monkeypatch.setattr(clock, "should_stop", should_stop)
    maker = Maker()

    def slow(item, folder):
        time.sleep(0.06)
        return maker(item, folder)

    worklist.Worklist(folders, "clips", ITEMS).run(slow, margin_minutes=2)
    assert maker.asked == ITEMS[:2] and asked[0] == 2 and asked[2] >= 2 + 0.06 / 60
    assert capsys.readouterr().out.splitlines()[-1] == (
        "2 queued, 2 done; stopped, the session or its budget is about to end; run it again to do what is left"
    )
    monkeypatch.undo()
    worklist.Worklist(folders, "clips", ITEMS).run(maker)
    assert maker.asked == ITEMS


def test_the_stop_button_ends_a_batch_and_its_item_is_queued_again(folders, capsys):
    def interrupted(item, folder):
        if item == "a dog":
            (folder / "half").write_bytes(b"x")
            raise KeyboardInterrupt
        return make(item, folder)

    records = worklist.Worklist(folders, "clips", ITEMS).run(interrupted)
    assert [r["state"] for r in records] == ["done", "queued", "queued", "queued"]
    assert "3 queued, 1 done; stopped; run it again" in capsys.readouterr().out
    maker = Maker()
    worklist.Worklist(folders, "clips", ITEMS).run(maker)
    assert maker.asked == ITEMS[1:] and not list((folders.outputs / "clips").glob("*half*"))


def test_an_item_that_a_kill_has_left_running_is_queued_again(folders):
    worklist.Worklist(folders, "clips", ITEMS).run(make)
    record = json.loads(sidecar(folders, 2).read_text())
    sidecar(folders, 2).write_text(json.dumps({**record, "state": "running", "files": {}}))
    assert states(folders) == {"queued": 1, "done": 3}


def test_an_item_that_ends_while_another_process_starts_on_the_list_is_not_undone(folders, monkeypatch):
    """Between its look at the record and its lock, the other has written "done" and let go."""
    worklist.Worklist(folders, "clips", ITEMS).run(make)
    done = sidecar(folders, 2).read_text()
    sidecar(folders, 2).write_text(json.dumps({**json.loads(done), "state": "running"}))
    real = disk.lock

    def late(path):
        sidecar(folders, 2).write_text(done)
        return real(path)

    monkeypatch.setattr(disk, "lock", late)
    assert states(folders) == {"done": 4}


SHARE = """
import json, pathlib, sys, time
from labkit import storage, worklist
root = pathlib.Path(sys.argv[1])

def make(item, folder):
    with open(root / "made.log", "a") as log:
        log.write(f"{item}\\n")
    time.sleep(0.004)
    (folder / "clip.bin").write_text(str(item))

folders = storage.Folders(root / "work", root / "outputs", None, True)
sys.stdin.readline()
order = list(range(60)) if sys.argv[2] == "forwards" else list(reversed(range(60)))
for _ in range(2):
    records = worklist.Worklist(folders, "clips", order).run(make)
"""


def test_processes_share_a_list_and_every_item_is_made_exactly_once(folders):
    root = folders.work.parent
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "notebooks-src/lib")}
    workers = [
        subprocess.Popen([sys.executable, "-c", SHARE, str(root), way], env=environment, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
        for way in ("forwards", "backwards", "forwards")
    ]  # fmt: skip
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    assert [(worker.communicate()[0] != "", worker.returncode) for worker in workers] == [(True, 0)] * 3
    made = sorted(int(line) for line in (root / "made.log").read_text().split())
    assert made == list(range(60)) and states(folders, list(range(60))) == {"done": 60}


@pytest.mark.parametrize("left", [0, 1, 200, 600, 1500, 2500, 3500])
def test_a_full_disk_ends_the_batch_with_a_sentence_and_loses_nothing(left, folders, monkeypatch):
    """At the first record, while the clip is delivered from another disk, at the last record."""
    worklist.Worklist(folders, "clips", ITEMS[:1]).run(make)
    before = everything(folders.outputs)
    real = os.replace

    def replace(old, new):
        if Path(new).suffix == ".bin" and Path(old).parent != Path(new).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    big = lambda item, folder: (folder / "clip.bin").write_bytes(bytes(2000))  # noqa: E731
    with (
        count_bytes(monkeypatch, folders.outputs) as quota,
        pytest.raises(Stop, match="No space left.*free some space"),
    ):
        quota.left = left
        worklist.Worklist(folders, "clips", ITEMS).run(big)
    assert before.items() <= everything(folders.outputs).items()
    now = states(folders)
    assert now["done"] == (2 if left == 3500 else 1) and now == {"done": now["done"], "queued": 4 - now["done"]}
    maker = Maker()
    worklist.Worklist(folders, "clips", ITEMS).run(maker)
    assert maker.asked == ITEMS[now["done"] :] and states(folders) == {"done": 4}


def test_a_disk_that_an_item_has_filled_ends_the_batch_and_is_not_the_items_fault(small_disk):
    for name in ("work", "outputs"):
        (small_disk.path / name).mkdir()
    folders = storage.Folders(small_disk.path / "work", small_disk.path / "outputs", None, True)
    items = ["small", "large", "never"]

    def fill(item, folder):
        if item == "large":
            small_disk.leave(4096)
            (folder / "clip.bin").write_bytes(bytes(9000))
        (folder / "clip.bin").write_bytes(b"x")

    with pytest.raises(Stop, match="No space left.*free some space"):
        worklist.Worklist(folders, "clips", items).run(fill)
    small_disk.free()
    assert states(folders, items) == {"queued": 2, "done": 1}


def test_a_drive_that_goes_away_ends_the_batch_and_is_not_made_anew(folders, tmp_path):
    def gone(item, folder):
        if item == "a dog":
            folders.outputs.rename(tmp_path / "gone")
        return make(item, folder)

    with pytest.raises(Stop, match="it may have been unmounted"):
        worklist.Worklist(folders, "clips", ITEMS).run(gone)
    assert not folders.outputs.exists()
    with pytest.raises(Stop, match="it may have been unmounted"):
        worklist.Worklist(folders, "clips", ITEMS)
    assert not folders.outputs.exists()
    (tmp_path / "gone").rename(folders.outputs)
    assert states(folders) == {"queued": 3, "done": 1}


def test_a_secret_in_an_item_an_error_or_a_return_value_is_not_written(folders, monkeypatch):
    monkeypatch.setattr(secret, "_forms", ["hunter2hunter2"])

    def leak(item, folder):
        if item["bad"]:
            raise ValueError("with hunter2hunter2")
        return {"used": "hunter2hunter2"}

    items = [{"bad": bad, "key": "hunter2hunter2"} for bad in (True, False)]
    for _ in range(2):
        records = worklist.Worklist(folders, "clips", items).run(leak)
    assert [r["state"] for r in records] == ["failed", "done"]
    assert not [p for p in folders.outputs.rglob("*.json") if "hunter2" in p.read_text()]


# what a stranger found


def place(root):
    for name in ("work", "outputs"):
        (root / name).mkdir()
    return storage.Folders(root / "work", root / "outputs", None, True)


def test_an_item_that_kills_its_process_is_done_last_and_fails_at_the_second_time(tmp_path):
    import json
    import signal

    program = """
import json, os, signal, sys
from pathlib import Path
sys.path.insert(0, {lib!r})
from labkit import storage, worklist
root = Path({root!r})
for name in ("work", "outputs"):
    (root / name).mkdir(parents=True, exist_ok=True)
def make(item, folder):
    if item == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "a.txt").write_text(item)
clips = worklist.Worklist(storage.Folders(root / "work", root / "outputs", None, True), "clips", ["deadly", "a", "b"])
print(json.dumps(clips.states()), flush=True)
clips.run(make)
"""
    program = program.format(lib=str(ROOT / "notebooks-src/lib"), root=str(tmp_path))
    states = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL
        states.append(json.loads(done.stdout.splitlines()[0]))
    assert states[1] == {"queued": 3, "running": 0, "done": 0, "failed": 0}
    assert states[2] == {"queued": 0, "running": 0, "done": 2, "failed": 1}


def test_an_item_that_exits_has_failed_and_the_batch_goes_on(tmp_path):
    folders = place(tmp_path)

    def make(item, folder):
        if item == 1:
            sys.exit("done early")

    records = worklist.Worklist(folders, "list", [1, 2]).run(make)
    assert [record["state"] for record in records] == ["failed", "done"] and "SystemExit" in records[0]["error"]


def test_a_number_of_numpy_is_recorded(tmp_path):
    import numpy

    records = worklist.Worklist(place(tmp_path), "list", [1]).run(lambda item, folder: {"seed": numpy.int64(7)})
    assert records[0]["made"] == {"seed": 7}


def test_make_gets_a_copy_and_the_record_keeps_the_item(tmp_path):
    def make(item, folder):
        item["text"] = "changed"

    records = worklist.Worklist(place(tmp_path), "list", [{"text": "mine"}]).run(make)
    assert records[0]["item"] == {"text": "mine"}


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x"])
def test_a_name_that_leads_elsewhere_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="name is that of a folder"):
        worklist.Worklist(place(tmp_path), name, [])
