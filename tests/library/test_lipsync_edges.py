"""Lip sync where people bring odd things: names that meet, films that turn out bad, silence, files cut off."""

import json
import wave
from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest
from labkit import Stop
from lipsync import film, output, request, speech, takes
from media import consent, voice
from media.consent import Consent

from tests.library.lipsync_worlds import numbered, places, tone
from tests.library.voices import packages

OURS = {what: Consent("nobody", "free", consent.now(), {}) for what in ("face", "voice")}
MODELS = {"unet": "x@y"}
BOX = "20, 16, 100, 88"


def write(take, made, folders, **more):
    """The result of a take that is one chunk, made already."""
    return output.write(take, [made.part], [{"made": made.note, "seconds": 1.0}], folders, MODELS, OURS, **more)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small take of the sample's voice over 30 frames, its picture without a painted mouth, its folders."""
    folders = places(tmp_path_factory.mktemp("edges"))
    face = numbered(folders.work / "face.mp4", 10, 25, size=(128, 96))
    take, found, _ = takes.prepare("film", face, voice.write(folders.work), folders, box=BOX, most=1.4)
    rng = numpy.random.default_rng(0)
    frames = [rng.integers(0, 255, (96, 128, 3), numpy.uint8) for _ in range(take.frames)]
    part = film.write(folders.work / "part.mp4", frames, 128, 96)
    note = {"openness": [0.5] * take.frames, "painted": take.frames, "encoded": 1, "seconds": {}, "changes": []}
    return SimpleNamespace(folders=folders, take=take, track=found, part=part, note=note, face=face)


# --- names, and what is kept


def test_names_that_some_system_takes_for_one_and_that_of_the_table_are_given_once(tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("face,speech,name\na.mp4,a.wav,A\na.mp4,b.wav,a\na.mp4,c.wav,Films\n")
    assert [w.name for w in request.wishes("", "", str(table))] == ["A", "a-2", "Films-2"]


def test_a_comparison_meets_no_films_name_and_carries_the_marked_voice_and_all_tags(made, monkeypatch):
    marked = made.folders.work / "marked.s16"
    marked.write_bytes((numpy.fromfile(made.take.speech.high, numpy.int16) // 4).tobytes())
    monkeypatch.setattr(output, "marked", lambda take, folder: marked)
    monkeypatch.setattr(output, "read_mark", lambda path, begins: 1.0)
    other = write(replace(made.take, name="film-compare"), made, made.folders)
    before = other.path.read_bytes()
    result = write(made.take, made, made.folders)
    compared = output.compare(made.take, result, 0.4)
    assert other.path.read_bytes() == before and compared != other.path
    tags = film.facts(compared).tags
    assert "Perth" in tags["comment"] and tags["artist"] == "AI-generated" and "before" in tags["title"]
    assert film.facts(compared).width == 256
    assert loudest(compared) == pytest.approx(loudest(result.path), rel=0.2), "the sound of the film, not the bare one"


def loudest(path):
    import av

    with av.open(str(path)) as container:
        heard = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return float(numpy.sqrt((numpy.concatenate(heard, -1)[0, :12000] ** 2).mean()))


def test_an_earlier_good_film_stays_when_the_new_one_is_not_good(made, monkeypatch, tmp_path):
    folders = places(tmp_path)
    good = write(made.take, made, folders, mark=False)
    before = good.path.read_bytes()
    seen = []
    monkeypatch.setattr(film, "faults", lambda path, *_: seen.append(good.path.read_bytes() == before) or ["bad"])
    with pytest.raises(Stop, match="not good") as stop:
        write(made.take, made, folders, mark=False)
    assert seen == [True], "also while it is judged: a kill then costs nothing"
    assert good.path.read_bytes() == before and good.record.is_file()
    assert "again" not in str(stop.value) and not list(folders.outputs.glob(".part*"))


# --- the mark


def test_the_mark_is_looked_for_where_somebody_speaks(made, tmp_path):
    packages()
    clean = numpy.fromfile(made.take.speech.high, numpy.int16)
    late = numpy.concatenate([numpy.zeros(11 * 48000, numpy.int16), clean])
    with wave.open(str(tmp_path / "late.wav"), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(late.tobytes())
    said = speech.prepare(tmp_path / "late.wav", tmp_path)
    begins = output.spots(speech.levels(said))
    assert begins and min(begins) > 8.4, "what is silent is not asked"
    marked = output.marked(replace(made.take, speech=said), tmp_path)
    still = film.write(tmp_path / "s.mp4", [numpy.full((48, 64, 3), 90, numpy.uint8)] * said.frames, 64, 48)
    path = film.join([still], marked, said.seconds, tmp_path / "f.mp4", {})
    assert output.read_mark(path, begins) > 0.5 > output.read_mark(path, [0.0, 2.5, 5.0])


def test_a_long_speech_is_read_in_four_stretches_and_a_short_one_whole():
    loud = numpy.full(100 * 25, -20.0, numpy.float32)
    found = output.spots(loud)
    assert len(found) == 4 and numpy.diff(found).min() > 2.5 and output.spots(loud[:100]) == [0.0, 2.48]
    loud[: 75 * 25] = -80
    assert len(output.spots(loud)) == 1 or min(output.spots(loud)) > 70


def test_what_sounds_marked_is_marked_all_the_same_and_only_a_record_spares_it(made, monkeypatch, tmp_path):
    import hashlib

    from media import watermark

    wav = tone(tmp_path / "a.wav", 1.2)
    take = replace(made.take, speech=speech.prepare(wav, tmp_path))
    monkeypatch.setattr(watermark, "found", lambda sound: 1.0)
    monkeypatch.setattr(watermark, "marked", lambda sound: replace(sound, samples=sound.samples * 0.5))
    assert output.marked(take, tmp_path) != take.speech.high
    told = {"consent": {}, "watermark": {"kind": "Perth"}, "sha256": {"a.wav": "0"}}
    wav.with_suffix(".json").write_text(json.dumps(told))
    assert output.marked(take, tmp_path) != take.speech.high, "the record is of another file"
    told["sha256"]["a.wav"] = hashlib.sha256(wav.read_bytes()).hexdigest()
    wav.with_suffix(".json").write_text(json.dumps(told))
    assert output.marked(take, tmp_path) == take.speech.high
