"""What a run leaves is opened again outside the notebook; a run without it fails."""

import json
import struct
import wave

import numpy
import pytest
from PIL import Image
from safetensors.numpy import save_file

from anylab.compile import compile_all
from anylab.project import open_project
from anylab.smoke import produced, runner, standin
from tests.conftest import ROOT

COMPILED = compile_all(open_project(ROOT))
PAIR = next(p for p in COMPILED.pairs if p.source.name == "graphmer_training" and p.platform.profile.get("here"))


def outputs(tmp_path, **files):
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "run-report.toml").write_text("")
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder


def judge(path, kind, **wanted):
    return produced.KINDS[kind](path, wanted)


def test_graphmer_declares_what_it_produces():
    assert {p["file"] for p in PAIR.source.front["produces"]} == {"encoder.safetensors", "*.png", "results.json"}


def test_a_run_whose_exporting_cell_is_gone_fails(tmp_path, shared_cache):
    """The mutation: the last cells run, the report is there, and what was promised is not."""
    notebook = json.loads(dict(COMPILED.variant_files(PAIR))[PAIR.path])
    cells = notebook["cells"]
    report = next(c for c in cells if "report.show(" in "".join(c["source"]))
    upto = next(i for i, c in enumerate(cells) if "needs.check(" in "".join(c["source"]))
    notebook["cells"] = [*cells[: upto + 1], report]
    there = standin.prepare(PAIR.platform, tmp_path, shared_cache)
    verdict = runner.execute(json.dumps(notebook).encode(), {"QUICK_TEST": True}, there.cwd, there.env)
    assert verdict.fault == "" and list(tmp_path.rglob("run-report.toml"))
    fault = produced.fault(PAIR.source, tmp_path)
    line = PAIR.source.at("produces", 0)
    assert fault == f"{line}: the run left no encoder.safetensors"


def test_a_run_that_kept_no_report_fails(tmp_path):
    assert "kept no run-report.toml" in produced.fault(PAIR.source, tmp_path)


def test_tensors_are_loaded_and_finite(tmp_path):
    save_file({"a": numpy.ones(3, "float32")}, tmp_path / "good.safetensors")
    save_file({"a": numpy.array([1, numpy.nan], "float32")}, tmp_path / "nan.safetensors")
    assert judge(tmp_path / "good.safetensors", "safetensors") == ""
    assert judge(tmp_path / "nan.safetensors", "safetensors") == "a is not finite"
    cut = tmp_path / "outputs" / "encoder.safetensors"
    outputs(tmp_path, encoder_safetensors=(tmp_path / "good.safetensors").read_bytes()[:-3])
    assert cut.name in produced.fault(PAIR.source, tmp_path) and "cannot be read" in produced.fault(
        PAIR.source, tmp_path
    )


def test_a_picture_shows_something(tmp_path):
    Image.new("RGB", (64, 64), "white").save(tmp_path / "white.png")
    Image.linear_gradient("L").save(tmp_path / "grey.png")
    assert judge(tmp_path / "white.png", "picture") == "is of one colour"
    assert judge(tmp_path / "grey.png", "picture") == ""


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.json", '{"mrr": 0.2}', ""),
        ("a.json", '{"mrr": NaN}', "holds a number that is none (nan or infinite)"),
        ("a.json", "{}", "holds no number"),
        ("a.csv", "x,y\n1,2\n", ""),
        ("a.csv", "x,y\n", "holds no number"),
    ],
)
def test_a_table_holds_numbers(name, content, why, tmp_path):
    (tmp_path / name).write_text(content)
    assert judge(tmp_path / name, "table") == why


def test_sound_is_long_enough_and_heard(tmp_path):
    for name, value in (("loud", 9000), ("silent", 0)):
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(struct.pack("<h", value) * 8000)
    assert judge(tmp_path / "loud.wav", "audio", seconds=0.9) == ""
    assert "should be 2 s" in judge(tmp_path / "loud.wav", "audio", seconds=2)
    assert judge(tmp_path / "silent.wav", "audio") == "is silent"


def test_a_film_has_frames_light_and_motion(tmp_path):
    import av

    def film(name, frames):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("mpeg4", rate=8)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            for frame in frames:
                for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)
        return tmp_path / name

    black = numpy.zeros((64, 64, 3), "uint8")
    grey = black + 120
    moving = [
        numpy.roll(numpy.repeat(grey[:, :, :1] * (numpy.arange(64) % 2 == 0)[None, :, None], 3, 2), n, 1)
        for n in range(9)
    ]
    assert judge(film("good.mp4", moving), "video", frames=8) == ""
    assert "should be 20" in judge(tmp_path / "good.mp4", "video", frames=20)
    assert judge(tmp_path / "good.mp4", "video", sound=True) == "has no sound"
    assert judge(film("black.mp4", [black] * 9), "video") == "is black"
    assert judge(film("still.mp4", [grey] * 9), "video") == "is frozen"
