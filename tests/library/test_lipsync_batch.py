"""Takes become checked films: chunk by chunk, over kills, on two devices, with consent, label and mark."""

import contextlib
import copy
import json
import os
import re
import signal
import time
from dataclasses import replace

import numpy
import pytest
import torch
from labkit import Stop
from lipsync import (
    batch,
    film,
    output,
    paint,
    plan,
    request,
    sample,
    score,
    speech,
    studio,
    syncnet,
    takes,
    tiny,
    video,
    weights,
)
from lipsync.crop import Look
from lipsync.request import Wish
from media import consent, voice
from media.consent import Consent

from tests.conftest import ROOT
from tests.library.lipsync_worlds import networks, numbered, places, studio_of, take_of, tone
from tests.library.voices import packages

CPU = plan.Plan(("cpu",), "float32", 8, 0.04, 0.0, False)
OURS = {what: Consent("nobody", "free", consent.now(), {}) for what in ("face", "voice")}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("networks")


@pytest.fixture
def models(home):
    networks(home)
    return {
        role: weights.Local(tiny.SOURCES[role].id, "0" * 40, path)
        for role, path in tiny.build_all(home / "tiny").items()
    }


@pytest.fixture
def short(monkeypatch):
    """Chunks of one second."""
    monkeypatch.setattr(takes, "CHUNK", 25)


@pytest.fixture(scope="module")
def made(home, tmp_path_factory):
    """(folders, take, note, film's path) of two seconds of the sample as one chunk."""
    folders = places(tmp_path_factory.mktemp("made"))
    take, _, _ = take_of(folders, 2.0, label="AI-generated")
    note = studio_of(networks(home), folders).chunk(take, 0, take.frames, folders.outputs / "part.mp4")
    path = film.join(
        [folders.outputs / "part.mp4"], take.speech.high, 2.0, folders.outputs / "film.mp4", {"title": "t"}
    )
    return folders, take, note, path


# --- a film


def test_a_face_and_a_speech_become_a_film_as_long_as_the_speech(made):
    _, take, note, path = made
    assert film.faults(path, 50, 384, 448, 2.0) == []
    assert note["frames"] == note["painted"] == note["encoded"] == 50 and len(note["openness"]) == 50
    assert abs(film.facts(path).seconds - take.speech.seconds) <= 0.04


def test_only_the_mouth_and_the_label_change(made):
    _, take, _, path = made
    for i, (shown, source) in enumerate(zip(film.frames(path), video.read(take.clip), strict=True)):
        if i % 7:
            continue
        changed = numpy.abs(shown.astype(int) - source).max(-1)
        x, y = (round(v) for v in sample.pose(i))
        assert changed[y + 40 : y + 110, x - 40 : x + 40].mean() > 20, "the mouth"
        changed[y : y + 142, x - 96 : x + 96] = 0  # the crop's lower half, and where h264 smears its edge
        assert changed[420:444, 4:100].max() > 60, "the label"
        changed[416:, :104] = 0
        assert changed.mean() < 2 and numpy.percentile(changed, 99.9) < 24, "the rest is as it was, but for h264"


def test_a_face_that_is_not_there_passes_through_and_nothing_shifts(home, tmp_path):
    folders = places(tmp_path)
    take, found, _ = take_of(folders, 2.0)
    rows = found.rows.copy()
    rows[10:40, 8] = 0
    kept = takes.track.save(replace(found, rows=rows), folders.outputs / "gap.npz")
    note = studio_of(networks(home), folders).chunk(replace(take, kept=kept), 0, 50, tmp_path / "part.mp4")
    assert (
        note["painted"] == 20
        and note["encoded"] == 20
        and [v is None for v in note["openness"][8:42]] == [False] * 2 + [True] * 30 + [False] * 2
    )
    for i, (shown, source) in enumerate(zip(film.frames(tmp_path / "part.mp4"), video.read(take.clip), strict=True)):
        still = numpy.abs(shown.astype(int) - source).mean()
        if i < 8 or 10 <= i < 40:  # between and behind are ramps
            assert still < 2.5 if i >= 10 else still > 2.5, i


def test_in_a_pause_the_filmed_mouth_stays_with_ramps_of_80_ms(home, tmp_path):
    folders = places(tmp_path)
    wav = tone(tmp_path / "a.wav", 3.0, pauses=[(1.0, 2.0)])
    take, found, _ = takes.prepare("film", sample.write(folders.work), wav, folders, ours=True)
    weight = take.weights(found)
    assert weight[:25].tolist() == [1] * 25 and weight[28:47].tolist() == [0] * 19 and weight[50:].tolist() == [1] * 25
    assert weight[25:28] == pytest.approx([2 / 3, 1 / 3, 0]) and weight[47:50] == pytest.approx([0, 1 / 3, 2 / 3])
    note = studio_of(networks(home), folders).chunk(take, 0, 75, tmp_path / "part.mp4")
    assert note["painted"] == int((weight > 0).sum()) == 54, "what is not shown is not painted"
    always, _, _ = takes.prepare("film", sample.write(folders.work), wav, folders, ours=True, gate=False)
    assert always.weights(found).min() == 1


def test_short_pauses_between_words_do_not_close_the_mouth(tmp_path):
    wav = tone(tmp_path / "a.wav", 3.0, pauses=[(1.0, 1.16)])
    assert speech.gate(speech.levels(speech.prepare(wav, tmp_path))).min() == 1


def test_a_photo_is_encoded_once(home, tmp_path):
    from PIL import Image

    folders = places(tmp_path)
    frame = next(video.read(video.look(sample.write(folders.work))))
    Image.fromarray(frame).save(tmp_path / "face.png")
    take, found, remarks = takes.prepare(
        "film", tmp_path / "face.png", voice.write(folders.work), folders, box="100, 108, 284, 348", most=1.0
    )
    assert any("all but its mouth stands still" in r for r in remarks)
    note = studio_of(networks(home), folders).chunk(take, 0, 25, tmp_path / "part.mp4")
    assert (note["painted"], note["encoded"]) == (25, 1)


def test_to_and_fro_and_a_second_take_of_the_same_video_encode_nothing_twice(home, tmp_path, short):
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 4.0, gate=False)
    there = studio_of(networks(home), folders)
    notes = [there.chunk(take, c["begin"], c["end"], tmp_path / "p.mp4") for c in take.chunks()]
    assert [n["encoded"] for n in notes] == [25, 25, 0, 0]
    wav = tone(tmp_path / "other.wav", 1.0)
    other, _, _ = takes.prepare("second", sample.write(folders.work), wav, folders, ours=True)
    assert studio_of(networks(home), folders).chunk(other, 0, 25, tmp_path / "p.mp4")["encoded"] == 0, "from the disk"
    moved = replace(other, look=Look(shift=4))
    assert studio_of(networks(home), folders).chunk(moved, 0, 25, tmp_path / "p.mp4")["encoded"] == 25, "another crop"


def test_chunks_give_the_frames_that_the_whole_gives(home, made, tmp_path):
    folders, take, note, _ = made
    there = studio_of(networks(home), folders)
    parts = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    notes = [there.chunk(take, a, b, path) for (a, b), path in zip(((0, 17), (17, 50)), parts, strict=True)]
    assert notes[0]["openness"] + notes[1]["openness"] == pytest.approx(note["openness"], abs=0.01)


def test_the_draft_decoder_makes_a_film_too(home, tmp_path):
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 1.0)
    note = studio_of(networks(home, draft=True), folders).chunk(take, 0, 25, tmp_path / "part.mp4")
    assert note["painted"] == 25 and film.facts(tmp_path / "part.mp4").frames == 25


# --- what goes wrong on the way


def test_out_of_memory_halves_the_batch_says_so_and_ends_in_a_sentence(home, tmp_path, monkeypatch, capsys):
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 1.0)
    real, most = paint.mouths, 2

    def full(nets, z, heard):
        if len(z) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(nets, z, heard)

    monkeypatch.setattr(paint, "mouths", full)
    note = studio_of(networks(home), folders).chunk(take, 0, 25, tmp_path / "part.mp4")
    assert note["batch"] == 2 and note["painted"] == 25
    assert note["changes"] == ["out of memory: 4 frames at once", "out of memory: 2 frames at once"]
    assert "out of memory: 2 frames at once" in capsys.readouterr().out
    most = 0
    with pytest.raises(Stop, match="full even with one frame at once"):
        studio_of(networks(home), folders).chunk(take, 0, 25, tmp_path / "other.mp4")
    assert not (tmp_path / "other.mp4").exists() and not list(tmp_path.glob(".part*"))


def test_an_overflow_takes_the_decoder_then_the_unet_to_32_bits(home, tmp_path, monkeypatch):
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 1.0)
    loaded = replace(networks(home), dtype=torch.float16, vae_dtype=torch.float16)
    real, wanted = paint.mouths, torch.float32

    def overflowing(nets, z, heard):
        if nets.dtype != wanted or nets.vae_dtype != wanted:
            raise paint.NotFinite("the decoder's numbers overflow")
        return real(nets, z, heard)

    monkeypatch.setattr(paint, "mouths", overflowing)
    monkeypatch.setattr(paint, "latents", lambda nets, crops: torch.zeros(len(crops), 8, 8, 8))
    note = studio_of(loaded, folders).chunk(take, 0, 25, tmp_path / "part.mp4")
    assert [c.split(": ")[1] for c in note["changes"]] == ["the autoencoder in 32 bits", "the UNet in 32 bits"]
    wanted = None
    with pytest.raises(Stop, match="also in 32 bits"):
        studio_of(loaded, folders).chunk(take, 0, 25, tmp_path / "other.mp4")


def test_an_encoder_that_overflows_is_widened_and_its_numbers_are_never_kept(home, tmp_path, monkeypatch):
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 1.0)
    loaded = replace(networks(home), vae_dtype=torch.bfloat16)  # its weights are in 32 bits: the types say who is wide
    real = loaded.vae.encode

    def overflowing(crops):
        found = real(crops.float())
        if crops.dtype != torch.float32:
            found.latent_dist.mean[0, 0, 0, 0] = float("nan")
        return found

    monkeypatch.setattr(loaded.vae, "encode", overflowing)
    made = studio_of(loaded, folders)
    note = made.chunk(take, 0, 25, tmp_path / "part.mp4")
    assert note["changes"] == ["the encoder's numbers overflow: the autoencoder in 32 bits"] and note["encoded"]
    kept = studio_of(loaded, folders)._ready(take).latents
    assert torch.isfinite(torch.stack([kept.get(i) for i in range(5)])).all()


def test_32_bits_that_do_not_fit_are_a_sentence_and_leave_the_networks_as_they_were(home, tmp_path, monkeypatch):
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 1.0)
    shared = networks(home)
    loaded = replace(shared, vae=copy.deepcopy(shared.vae).to(torch.float16), vae_dtype=torch.float16)

    def full(*asked, **more):
        if asked == (torch.float32,):
            loaded.vae.encoder.to(*asked)  # half of it is done when the memory ends
            raise torch.OutOfMemoryError("CUDA out of memory")
        return type(loaded.vae).to(loaded.vae, *asked, **more)

    monkeypatch.setattr(loaded.vae, "to", full)
    monkeypatch.setattr(paint, "latents", lambda *_: (_ for _ in ()).throw(paint.NotFinite("numbers overflow")))
    with pytest.raises(Stop, match="numbers overflow, and 32 bits do not fit the memory: choose a larger GPU"):
        studio_of(loaded, folders).chunk(take, 0, 25, tmp_path / "part.mp4")
    assert {p.dtype for p in loaded.vae.parameters()} == {torch.float16} == {loaded.vae_dtype}
    assert not list(tmp_path.glob("*.mp4"))


def test_an_error_in_reading_or_writing_comes_out_and_leaves_no_thread(home, tmp_path, monkeypatch):
    import threading

    folders = places(tmp_path)
    take, _, _ = take_of(folders, 1.0)
    before = threading.active_count()

    def broken(*_):
        yield numpy.zeros((448, 384, 3), numpy.uint8)
        raise Stop("the file is damaged")

    monkeypatch.setattr(video, "order", broken)
    with pytest.raises(Stop, match="the file is damaged"):
        studio_of(networks(home), folders).chunk(take, 0, 25, tmp_path / "part.mp4")
    monkeypatch.undo()
    monkeypatch.setattr(film.Writer, "add", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Stop, match="No space"):
        studio_of(networks(home), folders).chunk(take, 0, 25, tmp_path / "part.mp4")
    until = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.05)
    assert threading.active_count() <= before and list(tmp_path.glob("*.mp4")) == []


# --- the queue


def test_a_list_is_made_joined_marked_and_recorded_and_a_rerun_makes_nothing(models, tmp_path, short, capsys):
    packages()
    folders = places(tmp_path)
    one, _, _ = take_of(folders, 2.0, label="AI-generated")
    other = replace(one, name="other", longer="loop")
    twice = replace(one, name="twice")  # a list may hold the same face and speech again
    records = batch.run([one, other, twice], CPU, folders, models)
    assert [[r["state"] for r in records[t.key]] for t in (one, other)] == [["done"] * 2] * 2
    for take in (twice, one, other):
        result = output.write(take, batch.parts(records[take.key], folders), records[take.key], folders,
                              weights.commits(models), OURS, sign=True)  # fmt: skip
        told = json.loads(result.record.read_text())
        assert film.faults(result.path, 50, 384, 448, 2.0) == []
        assert told["watermark"]["found"] > 0.5 and told["ai_generated"] and told["label"] == "AI-generated"
        assert told["signature"] == "C2PA, Valid" and told["consent"]["face"]["ground"] == "free"
        assert told["frames"] == 50 and len(told["openness"]) == 50 and told["stage_seconds"]["paint"] > 0
    tags = film.facts(result.path).tags
    assert "AI-generated" in tags["comment"] and "TMElyralab/MuseTalk" in tags["comment"] and "Perth" in tags["comment"]
    compared = output.compare(other, result, 1.0)
    assert (film.facts(compared).width, film.facts(compared).frames) == (768, 25)
    capsys.readouterr()
    again = batch.run([one, other], CPU, folders, models)
    assert again == records and "done in" not in capsys.readouterr().out


def finished(chunks):
    """The chunks whose records say that they are done."""
    return [p for p in chunks.glob("[0-9]*.json") if '"state": "done"' in p.read_text()]


def test_a_kill_between_chunks_costs_one_chunk(models, tmp_path, short, capsys):
    """A real SIGKILL, to a process of its own, while the third of four chunks is made."""
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 4.0, gate=False)
    chunks, slow = folders.outputs / batch.NAME, replace(CPU, batch=4)
    job = os.fork()
    if not job:
        with contextlib.suppress(BaseException):
            batch.run([take], slow, folders, models)
        os._exit(0)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(finished(chunks)) < 2:
        time.sleep(0.002)
    os.kill(job, signal.SIGKILL)
    os.waitpid(job, 0)
    whole = finished(chunks)
    assert 2 <= len(whole) < 4, "the kill came in the middle"
    capsys.readouterr()
    records = batch.run([take], slow, folders, models)[take.key]
    made = re.findall(r"\d of 4 done", capsys.readouterr().out)
    assert [r["state"] for r in records] == ["done"] * 4
    assert len(made) == 4 - len(whole), "what was done before the kill is not made again"
    assert len(list(chunks.glob("*.mp4"))) == 4
    assert (
        film.facts(film.join(batch.parts(records, folders), take.speech.high, 4.0, tmp_path / "f.mp4", {})).frames
        == 100
    )


def test_two_devices_share_the_chunks(models, tmp_path, short, monkeypatch):
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 4.0, gate=False)
    real, seen = studio.Studio.chunk, []

    def slower(self, *given):  # the other process has to load its networks first
        seen.append(given[1])
        deadline = time.monotonic() + 60
        while len(seen) == 1 and not list((folders.outputs / batch.NAME).glob("*.mp4")) and time.monotonic() < deadline:
            time.sleep(0.05)
        return real(self, *given)

    monkeypatch.setattr(studio.Studio, "chunk", slower)
    records = batch.run([take], replace(CPU, devices=("cpu", "cpu")), folders, models)[take.key]
    assert [r["state"] for r in records] == ["done"] * 4 and len(seen) < 4
    assert (
        film.facts(film.join(batch.parts(records, folders), take.speech.high, 4.0, tmp_path / "f.mp4", {})).frames
        == 100
    )


def test_a_stop_while_the_networks_are_loaded_ends_the_other_cards_processes(models, tmp_path, short, monkeypatch):
    import subprocess
    import sys

    folders = places(tmp_path)
    take, _, _ = take_of(folders, 2.0)
    there = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])]
    monkeypatch.setattr(batch.crew, "start", lambda *given: there)

    def pressed(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "opened", pressed)
    try:
        with pytest.raises(KeyboardInterrupt):
            batch.run([take], replace(CPU, devices=("cpu", "cpu")), folders, models)
        assert there[0].poll() is not None
    finally:
        there[0].kill()
        there[0].wait()


def test_a_take_is_plain_data_for_another_process(tmp_path):
    take, _, _ = take_of(places(tmp_path), 1.0, look=Look(shift=5), longer="loop", label="x")
    assert takes.of_plain(json.loads(json.dumps(take.plain()))) == take


# --- consent, marks, requests


def test_nothing_is_joined_without_both_consents(made, tmp_path):
    folders, take, _, _ = made
    for missing in ("face", "voice"):
        given = {k: v for k, v in OURS.items() if k != missing}
        with pytest.raises(Stop, match=f"before it is said whose {missing} this is"):
            output.write(take, [], [], folders, {}, given)


def test_another_face_or_voice_asks_whose_it_is_and_why_it_may_be_used(tmp_path):
    folders = places(tmp_path)
    ours = request.find(Wish("film", "sample", "sample"), folders, tmp_path)
    said = request.agreed(ours, "", "", "not stated")
    assert "drawn" in said["face"].whose and "synthetic" in said["voice"].whose
    clip, wav = numbered(tmp_path / "me.mp4", 3, 25), tone(tmp_path / "me.wav", 1.0)
    theirs = request.find(Wish("film", str(clip), str(wav)), folders, tmp_path)
    with pytest.raises(Stop, match="WHOSE_FACE"):
        request.agreed(theirs, "", "Ada", "my own")
    with pytest.raises(Stop, match="WHOSE_VOICE"):
        request.agreed(theirs, "Ada", " ", "my own")
    with pytest.raises(Stop, match="MAY_BE_USED"):
        request.agreed(theirs, "Ada", "Ada", "not stated")
    assert {one.ground for one in request.agreed(theirs, "Ada", "Ada", "allowed in writing").values()} == {"permission"}


def test_the_voice_notebooks_speech_brings_its_consent_and_an_altered_one_does_not(tmp_path):
    import hashlib

    folders, voices = places(tmp_path / "job"), tmp_path / "voice_cloning"
    voices.mkdir()
    with pytest.raises(Stop, match="the voice notebook has left no speech"):
        request.find(Wish("film", "sample", "voice"), folders, voices)
    wav = tone(voices / "speech.wav", 1.0)
    given = {"whose": "Ada", "ground": "own", "stated": "2026-11-28T00:00:00Z", "spoken": {}}
    told = {"sha256": {"speech.wav": hashlib.sha256(wav.read_bytes()).hexdigest()}, "consent": given,
            "engine": "VoxCPM2", "sentences": [{"text": "Hello there."}]}  # fmt: skip
    (voices / "speech.json").write_text(json.dumps(told))
    found = request.find(Wish("film", "sample", "voice"), folders, voices)
    assert found.speech == wav and request.agreed(found, "", "", "not stated")["voice"].whose == "Ada"
    assert request.chain(found) == ["text 'Hello there.'", "voice of Ada by VoxCPM2", "lips of sample-face.mp4"]
    told["consent"] = {"": given, "Ben": {**given, "whose": "Ben", "ground": "permission"}}
    (voices / "speech.json").write_text(json.dumps(told))
    both = request.known(wav)
    assert (both.whose, both.ground) == ("Ada, Ben", "permission")
    told["consent"]["Ben"]["whose"] = " "
    (voices / "speech.json").write_text(json.dumps(told))
    assert request.known(wav) is None, "one speaker without consent is one too many"
    told["consent"] = given
    (voices / "speech.json").write_text(json.dumps(told))
    wav.write_bytes(wav.read_bytes()[:-2] + b"ab")
    assert request.known(wav) is None
    with pytest.raises(Stop, match="left no speech"):
        request.find(Wish("film", "sample", "voice"), folders, voices)


def test_a_mark_that_cannot_be_read_back_is_not_given_out(made, monkeypatch, tmp_path):
    folders, take, note, _ = made
    monkeypatch.setattr(output, "marked", lambda take, folder: take.speech.high)
    monkeypatch.setattr(output, "read_mark", lambda path, begins: 0.2)
    records = [{"made": note, "seconds": 1.0}]
    parts, named = [folders.outputs / "part.mp4"], replace(take, name="secret")
    with pytest.raises(Stop, match="the mark cannot be read back from secret.mp4"):
        output.write(named, parts, records, folders, {"unet": "x@y"}, OURS)
    assert not list(folders.outputs.glob("secret*"))
    bare = output.write(replace(named, label=""), parts, records, folders, {"unet": "x@y"}, OURS, mark=False)
    told = json.loads(bare.record.read_text())
    assert "own decision" in told["watermark"]["kind"] and "own decision" in told["label"]
    assert "Perth" not in film.facts(bare.path).tags["comment"]


def test_a_list_names_each_film_once(tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("Face,Speech,Name,Face_number\na b.mp4,c.wav,,2\na b.mp4,c.wav,,\nx.jpg,y.wav,../evil name,0\n")
    names = [(w.name, w.number) for w in request.wishes("", "", str(table), 1)]
    assert names == [("a-b-c", 2), ("a-b-c-2", 1), ("evil-name", 0)]
    for text, said in (("face,speech\n,x.wav\n", "line 2: a row needs"), ("face,speech\n", "holds no row"),
                       ("face,speech,face_number\na,b,two\n", "line 2: face_number is a number")):  # fmt: skip
        table.write_text(text)
        with pytest.raises(Stop, match=said):
            request.wishes("", "", str(table))
    with pytest.raises(Stop, match="cannot be read"):
        request.wishes("", "", str(tmp_path / "none.csv"))


# --- speech as people bring it


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_speech_of_any_rate_becomes_16_and_48_khz(tmp_path, rate, channels):
    import wave

    path = tmp_path / "a.wav"
    at = numpy.arange(int(1.5 * rate)) / rate
    sound = (12000 * numpy.sin(2 * numpy.pi * 440 * at)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(numpy.repeat(sound, channels).tobytes())
    made = speech.prepare(path, tmp_path)
    assert made.samples == pytest.approx(24000, abs=2) and made.high.stat().st_size == pytest.approx(144000, abs=8)
    heard = made.read(8000, 16000)
    assert numpy.abs(numpy.fft.rfft(heard)).argmax() * 2 == pytest.approx(440, abs=3) and heard.max() == pytest.approx(
        0.366, abs=0.01
    )
    assert speech.prepare(path, tmp_path, most=0.5).samples == 8000


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("none.wav", lambda p: None, "there is no file"),
        ("text.wav", lambda p: p.write_text("no sound at all"), "is no sound that can be opened"),
        ("empty.mp3", lambda p: p.write_bytes(b""), "is no sound that can be opened"),
        ("silent.wav", lambda p: tone(p, 2.0, level=0.0), "is silent"),
        ("short.wav", lambda p: tone(p, 0.1), "there is nothing to speak"),
        ("picture.mp4", lambda p: numbered(p, 5, 25), "has no sound"),
    ],
)
def test_a_speech_that_is_none_is_a_sentence_and_leaves_nothing(tmp_path, name, make, said):
    make(tmp_path / name)
    place = tmp_path / "work"
    with pytest.raises(Stop, match=said) as stop:
        speech.prepare(tmp_path / name, place)
    assert "\n" not in str(stop.value)
    assert not list(place.glob(".part*")) and len(list(place.glob("*.s16"))) in (0, 2)


def test_an_hour_of_speech_over_two_seconds_of_video_is_said_and_planned(tmp_path):
    folders = places(tmp_path)
    take, found, _ = take_of(folders, 2.0)
    hour = replace(take, speech=replace(take.speech, samples=3600 * 16000))
    assert hour.frames == 90000 and len(hour.chunks()) == 360 and hour.chunks()[-1]["end"] == 90000
    wav = tone(tmp_path / "long.wav", 120.0)
    _, _, remarks = takes.prepare("film", sample.write(folders.work), wav, folders, ours=True)
    assert "the speech lasts 120.0 s, the face 2.0 s: the video is shown 60.0 times (ping-pong)" in remarks
    with pytest.raises(Stop, match="LONGER is one of"):
        takes.prepare("film", sample.write(folders.work), wav, folders, ours=True, longer="backwards")


def test_a_full_disk_is_a_sentence_and_leaves_no_film(models, tmp_path, monkeypatch, short):
    folders = places(tmp_path)
    take, _, _ = take_of(folders, 2.0)

    def full(self, frame):
        raise OSError(28, "No space left on device", str(self.path))

    monkeypatch.setattr(film.Writer, "add", full)
    with pytest.raises(Stop, match="No space left"):
        batch.run([take], CPU, folders, models)
    assert not list(folders.outputs.rglob("*.mp4"))


# --- the plan


@pytest.mark.parametrize(("capability", "free", "batch_"), [((7, 5), 14.6, 16), ((8, 6), 7.5, 8), ((9, 0), 75.0, 16)])
def test_a_card_decides_batch_and_minutes_and_too_small_a_one_is_a_sentence(monkeypatch, capability, free, batch_):
    told = {
        "is_available": True, "device_count": 2, "get_device_capability": capability,
        "mem_get_info": (int(free * 1e9), 16 * 10**9), "get_arch_list": ["sm_75", "sm_86", "sm_90"],
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value: value)
    made = plan.choose()
    assert (
        made.devices == ("cuda:0", "cuda:1") and made.dtype == "float16" and made.batch == batch_ and not made.seconds
    )
    assert plan.choose(draft=True).minutes(250, 250) < made.minutes(250, 0) < made.minutes(250, 250)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (2 * 10**9, 4 * 10**9))
    with pytest.raises(Stop, match="3.5 GB of the card's memory are needed and 2.0 GB are free"):
        plan.choose()


def test_without_a_card_two_seconds_are_made_unless_more_are_asked_for():
    assert plan.choose().seconds == 2 and plan.choose(seconds=5).seconds == 5 and plan.choose().dtype == "float32"
    assert "at most 2 s" in plan.describe(plan.choose())


# --- LSE


def test_syncnets_measures_find_the_delay_at_which_sound_and_face_agree():
    rng = torch.Generator().manual_seed(0)
    heard = torch.randn(60, 1024, generator=rng)
    together = score.compared(heard, heard)
    assert (together.distance, together.offset) == (pytest.approx(0, abs=0.01), 0) and together.confidence > 30
    late = score.compared(heard[5:55], heard[:50])
    assert late.offset == 5 and score.compared(torch.randn(60, 1024, generator=rng), heard).confidence < 3


def test_thirteen_cepstra_a_hundred_times_a_second_tell_sounds_apart():
    at = numpy.arange(16000) / 16000
    low, high = (score.mfcc(0.3 * numpy.sin(2 * numpy.pi * f * at)) for f in (200, 3000))
    assert low.shape == (13, 99) and low.dtype == numpy.float32
    assert numpy.abs(low[1:].mean(1) - high[1:].mean(1)).max() > 10 and low[:, 20:80].std(1).max() < 3
    # the first number is the logarithm of the energy: of one that is ten times as strong, ln 100 more
    quiet, loud = (score.mfcc(g * numpy.sin(2 * numpy.pi * 200 * at))[0, 50] for g in (0.05, 0.5))
    assert loud - quiet == pytest.approx(4.6, abs=0.05)


def test_syncnet_is_loaded_strictly_and_measures_a_film(made, tmp_path):
    folders, take, _, path = made
    tiny.twin(tmp_path, tiny.SOURCES["score"].id)
    file = tmp_path / syncnet.FILE
    model = score.load(file, "cpu")
    assert sum(p.numel() for p in model.parameters()) == 13_631_616
    short = replace(take, speech=replace(take.speech, samples=16000 * 14 // 25))
    found = score.measure(model, short, path, "cpu")
    assert found.distance > 0 and found.confidence >= 0 and abs(found.offset) <= score.SHIFT
    with pytest.raises(Stop, match="LSE needs 0.4 s"):
        score.measure(model, replace(take, speech=replace(take.speech, samples=16000 // 5)), path, "cpu")
    state = torch.load(file, weights_only=True)
    del state["netfclip.0.bias"]
    torch.save(state, file)
    with pytest.raises(Stop, match="is not the SyncNet that this notebook knows"):
        score.load(file, "cpu")
    assert score.of_films([take], [], file, "cpu") == {}, "the films are there: a measure less ends nothing"


def test_label_and_mark_go_off_only_word_by_word():
    from lipsync import label
    from media import watermark

    assert label.wanted("on") == label.WORDS and label.wanted(label.OFF) == ""
    for nearly in ("off", "", "no"):
        with pytest.raises(Stop, match="turned off with the whole sentence"):
            label.wanted(nearly)
        with pytest.raises(Stop, match="turned off with the whole sentence"):
            watermark.wanted(nearly)
    source = (ROOT / "notebooks-src/lip_sync.py").read_text(encoding="utf-8")
    assert label.OFF in source and watermark.OFF in source, "as the form offers them"
