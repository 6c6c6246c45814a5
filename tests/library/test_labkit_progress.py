"""labkit.progress: how far, how fast, how long still; in a terminal, a pipe, a notebook and a batch run."""

import base64
import os
import re
import subprocess
import sys
import threading

import matplotlib
import pytest

matplotlib.use("Agg")
from labkit import Stop, clock, here, progress, storage

from tests.library.disks import count_bytes, everything
from tests.library.kernels import LIBRARY, kernel, printed

WORK = """
import sys, time
from labkit import clock, here, progress
here.is_batch = lambda: len(sys.argv) > 1 and sys.argv[1] == "batch"
clock.budget(90)
for _ in progress.bar(range(30), what="training", unit="step"):
    time.sleep(0.05)
"""
LINE = (
    r"training +(\d+)% \|.{10}\| (\d+)/30 "
    r"\[00:0\d<(00:\d\d|\?), +(\S+step/s|\S+s/step), session 1:[23]\d h left\]"
)


def script(code, *arguments, **options):
    environment = {**os.environ, "PYTHONPATH": LIBRARY, "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environment, stderr=subprocess.STDOUT, **options
    )


def test_a_pipe_gets_the_rate_the_time_to_go_and_what_is_left_of_the_session():
    text = script(WORK, stdout=subprocess.PIPE).communicate()[0].decode()
    lines = [line for line in re.split(r"[\r\n]+", text) if line]
    assert all(re.fullmatch(LINE, line.rstrip()) for line in lines), lines
    assert lines[0].startswith("training   0%") and lines[-1].startswith("training 100%")
    assert 3 <= len(lines) <= 8 and "step/s" in lines[-1]


def test_a_batch_run_gets_few_lines():
    text = script(WORK, "batch", stdout=subprocess.PIPE).communicate()[0].decode()
    lines = [line for line in re.split(r"[\r\n]+", text) if line]
    assert len(lines) == 2 and lines[-1].startswith("training 100%") and re.fullmatch(LINE, lines[-1].rstrip())


@pytest.mark.skipif(os.name == "nt", reason="a terminal is made with pty here")
def test_a_terminal_gets_one_line_that_is_redrawn_in_place():
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))  # a window of no size would get no bar
    process = script(WORK, stdout=theirs, stdin=theirs)
    os.close(theirs)
    text = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        text += chunk
    os.close(ours)
    assert process.wait() == 0
    text = text.decode().replace("\r\n", "\n")
    assert text.count("\n") == 1 and text.count("\r") >= 3
    assert re.fullmatch(LINE, text.rsplit("\r", 1)[1].strip())


def test_a_notebook_gets_a_plain_bar_with_rate_and_session_and_no_widget(tmp_path):
    with kernel(tmp_path) as run:
        messages = run(WORK)
        assert {kind for kind, _ in messages} == {"stream", "reply"}, messages
        assert {content["name"] for kind, content in messages if kind == "stream"} == {"stdout"}
        lines = [line for line in re.split(r"[\r\n]+", printed(messages)) if line]
        assert all(re.fullmatch(LINE, line.rstrip()) for line in lines) and lines[-1].startswith("training 100%")


def test_a_notebook_run_in_batch_keeps_few_lines(tmp_path):
    import nbformat
    import papermill

    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    setup = f"import sys; sys.path.insert(0, {LIBRARY!r}); sys.argv = ['x', 'batch']"
    notebook.cells = [nbformat.v4.new_code_cell(setup), nbformat.v4.new_code_cell(WORK)]
    nbformat.write(notebook, tmp_path / "in.ipynb")
    done = papermill.execute_notebook(
        str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), cwd=str(tmp_path), progress_bar=False
    )
    text = "".join(output["text"] for output in done.cells[-1]["outputs"])
    lines = [line for line in re.split(r"[\r\n]+", text) if line]
    assert len(lines) <= 2 and re.fullmatch(LINE, lines[-1].rstrip()), text


def test_nothing_is_said_of_a_session_that_nobody_ends(monkeypatch, capsys):
    monkeypatch.setattr(here, "SESSION_HOURS", None)
    clock.budget(0)
    assert list(progress.bar([1, 2], what="x")) == [1, 2]
    assert "session" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("items", "total"), [(None, 3), (None, None), ([], None), (iter("abc"), None), (iter("abc"), 3)]
)
def test_a_bar_goes_with_any_count(items, total, capsys):
    bar = progress.bar(items, total=total)
    if items is None:
        bar.update(2)
        bar.close()
    else:
        list(bar)
    out = capsys.readouterr().out
    assert "it" in out and ("2/3" in out if total and items is None else True)
    assert ("%" in out) is (total is not None or items == [])


# pictures


class Figure:
    """What a matplotlib figure is to a Live picture; its PNG is any size."""

    def __init__(self, data=b"\x89PNG"):
        self.data = data

    def savefig(self, target, **_):
        target.write(self.data)


def test_outside_a_notebook_a_picture_is_a_file_and_a_line_of_text(tmp_path, capsys):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([3, 2, 1])
    progress.show(figure, tmp_path / "loss.png", "the loss falls")
    assert capsys.readouterr().out == f"the loss falls ({tmp_path / 'loss.png'})\n"
    assert plt.imread(tmp_path / "loss.png").ndim == 3
    plt.close(figure)


def test_a_live_picture_says_what_is_new_and_when_it_is_due(tmp_path, capsys, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    live = progress.Live(tmp_path / "a.png", "losses", seconds=60)
    assert live.due()
    live.draw(Figure(), "step 10, loss 2.5")
    assert not live.due() and capsys.readouterr().out == f"losses: step 10, loss 2.5 ({tmp_path / 'a.png'})\n"
    now[0] += 59
    assert not live.due()
    now[0] += 1
    assert live.due()


def test_a_notebook_gets_one_picture_that_is_updated_with_its_words(tmp_path):
    cell = """
from pathlib import Path
from labkit import progress
class Figure:
    def __init__(self, data): self.data = data
    def savefig(self, target, **_): target.write(self.data)
live = progress.Live(Path("a.png"), "losses")
for step in range(3):
    live.draw(Figure(b"PNG %d" % step), f"step {step}")
progress.show(Figure(b"other"), Path("b.png"), "another")
"""
    with kernel(tmp_path) as run:
        messages = run(cell)
    shown = [(kind, content) for kind, content in messages if "display" in kind]
    assert [kind for kind, _ in shown] == ["display_data", "update_display_data", "update_display_data", "display_data"]
    assert len({content["transient"]["display_id"] for _, content in shown[:3]}) == 1
    assert shown[3][1]["transient"]["display_id"] != shown[0][1]["transient"]["display_id"]
    for step, (_, content) in enumerate(shown[:3]):
        assert base64.b64decode(content["data"]["image/png"]) == b"PNG %d" % step
        assert content["data"]["text/plain"] == f"losses: step {step}", "the words for who cannot see it"
    assert shown[3][1]["data"]["text/plain"] == "another" and printed(messages) == ""
    assert (tmp_path / "a.png").read_bytes() == b"PNG 2"


def test_the_file_is_always_whole_for_who_looks_at_it(tmp_path):
    live, wrong, done = progress.Live(tmp_path / "a.png", "x"), [], threading.Event()

    def look():
        while not done.is_set():
            data = (tmp_path / "a.png").read_bytes() if (tmp_path / "a.png").exists() else b""
            if data and (len(data) != 100_000 or len({*data}) != 1):
                wrong.append(len(data))

    reader = threading.Thread(target=look)
    reader.start()
    for n in range(60):
        live.draw(Figure(bytes([n + 1]) * 100_000))
    done.set()
    reader.join()
    assert wrong == [] and list(everything(tmp_path)) == ["a.png"]


def test_a_picture_that_cannot_be_written_is_said_once_and_does_not_end_the_job(tmp_path, monkeypatch, capsys):
    live = progress.Live(tmp_path / "a.png", "losses")
    live.draw(Figure(b"good"))
    with count_bytes(monkeypatch, tmp_path) as quota:
        quota.left = 2
        live.draw(Figure(b"never whole"), "step 1")
        live.draw(Figure(b"never whole"), "step 2")
    said = capsys.readouterr().out
    assert said.count("No space left") == 1 and "losses: step 1" in said and "losses: step 2" in said
    assert everything(tmp_path) == {"a.png": b"good"}
    with pytest.raises(Stop):
        storage.write_whole(tmp_path / "gone" / "a.png", b"")
