"""Lip sync where people bring odd things: names that meet, films that turn out bad, silence, files cut off."""

import json
import shutil
import wave
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy
import pytest
from labkit import Stop
from lipsync import film, find, output, ranges, request, speech, sync, takes, track, video
from lipsync.crop import Look
from media import consent, own, provenance, voice
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
    monkeypatch.setattr(watermark, "_proved", [(0.0, 1.0)])
    monkeypatch.setattr(watermark, "marked", lambda sound: replace(sound, samples=sound.samples * 0.5))
    assert output.marked(take, tmp_path) != take.speech.high
    told = {"consent": {}, "watermark": {"kind": "Perth"}, "sha256": {"a.wav": "0"}}
    wav.with_suffix(".json").write_text(json.dumps(told))
    assert output.marked(take, tmp_path) != take.speech.high, "the record is of another file"
    told["sha256"]["a.wav"] = hashlib.sha256(wav.read_bytes()).hexdigest()
    wav.with_suffix(".json").write_text(json.dumps(told))
    assert output.marked(take, tmp_path) == take.speech.high


def test_nothing_is_marked_where_marking_is_seen_not_to_work(made, monkeypatch, tmp_path):
    from media import watermark

    monkeypatch.setattr(watermark, "_proved", [])
    monkeypatch.setattr(watermark, "found", lambda sound: 0.77)
    monkeypatch.setattr(watermark, "marked", lambda sound: sound)
    with pytest.raises(Stop, match="the watermark does not work here"):
        output.marked(made.take, tmp_path)


# --- names of films that are made one after the other


def test_a_film_that_is_there_is_not_written_again_and_any_other_wish_is(made, tmp_path):
    folders = places(tmp_path)
    records = [{"made": made.note, "seconds": 1.0, "files": {"part.mp4": 1}}]
    of = records, folders, MODELS, OURS, False
    assert output.earlier(made.take, *of) is None
    first = output.write(made.take, [made.part], *of)
    compared = output.compare(made.take, first, 0.4)
    again = output.earlier(made.take, *of)
    assert (again.path, again.facts, again.score) == (first.path, json.loads(first.record.read_text()), first.score)
    stamp = compared.stat().st_mtime_ns
    assert output.compare(made.take, again).stat().st_mtime_ns == stamp, "nor is its comparison"
    other = {what: replace(one, whose="Ada") for what, one in OURS.items()}
    for wish in ((records, folders, MODELS, other, False), (records, folders, MODELS, OURS, True),
                 ([{**records[0], "files": {}}], folders, MODELS, OURS, False)):  # fmt: skip
        assert output.earlier(made.take, *wish) is None
    first.path.write_bytes(b"altered")
    assert output.earlier(made.take, *of) is None


def test_another_face_under_the_same_name_leaves_the_earlier_film_and_a_rerun_replaces_its_own(made, tmp_path, capsys):
    folders = places(tmp_path)
    first = write(made.take, made, folders, mark=False)
    before = first.path.read_bytes()
    other = replace(made.take, clip=replace(made.take.clip, digest="another"))
    for _ in range(2):
        second = write(other, made, folders, mark=False)
        assert (second.path.name, second.record.name, second.name) == ("film-2.mp4", "film-2.json", "film")
    assert "film.mp4 is of another face or speech, and stays" in capsys.readouterr().out
    assert first.path.read_bytes() == before and len(list(folders.outputs.glob("*.mp4"))) == 2
    assert write(replace(made.take, gate=False), made, folders, mark=False).path == first.path


def test_a_film_of_the_settings_is_named_after_its_face_and_speech():
    assert request.wishes("/a/Me at home.mp4", "b/hello.wav", "")[0].name == "Me-at-home-hello"
    assert [request.wishes(face, "sample", "")[0].name for face in ("sample", "me.jpg")] == ["film", "me-sample"]


# --- settings, and a quick test


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECONDS", -1), ("SECONDS", float("nan")), ("SECONDS", float("inf")), ("SECONDS", "5"), ("MARGIN", -500),
        ("CHEEKS", 0), ("CHEEKS", -1), ("FEATHER", 9), ("FEATHER", float("nan")), ("FEATHER", -1), ("SHIFT", 999),
        ("SHIFT", "x"), ("SHIFT", 1.5), ("FACE_NUMBER", -1), ("FACE_NUMBER", True), ("STOP_AFTER", -3),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_range_is_a_sentence_before_any_work(name, value):
    with pytest.raises(Stop, match=f"^{name} is a (whole )?number from .* to .*, not "):
        ranges.check(**{"SECONDS": 2.0, name: value})


def test_settings_of_another_kind_are_a_sentence(monkeypatch):
    for wish in ((5, "sample", ""), ("sample", None, ""), ("sample", "sample", ["a.csv"])):
        with pytest.raises(Stop, match="is given as words in quotes, not as"):
            request.wishes(*wish)
    with pytest.raises(Stop, match="'https://example.com/list.csv' is an address, and nothing is fetched"):
        request.wishes("", "", "https://example.com/list.csv")
    with pytest.raises(Stop, match="a name is given under WHOSE_FACE as words"):
        consent.stated("face", 5, "my own", "WHOSE_FACE", ("my own",))
    assert takes.judged("auto", (20, 16, 100, 88), "loop") == BOX
    for wrong, said in (((5, "", "loop"), "find faces called '5'"), (("auto", 5, "loop"), "BOX is given as words"),
                        (("box", "", "loop"), "four numbers"), (("auto", "", "x"), "LONGER is one of")):  # fmt: skip
        with pytest.raises(Stop, match=said):
            takes.judged(*wrong)
    provenance.wanted(False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Stop, match="SIGN needs c2pa-python"):
        provenance.wanted(True)


def test_the_settings_as_they_come_and_as_the_sliders_move_are_in_range():
    look = Look()
    ranges.check(SECONDS=0, FACE_NUMBER=0, SHIFT=look.shift, MARGIN=look.margin, CHEEKS=look.cheeks, STOP_AFTER=0.0)
    ranges.check(SHIFT=-40, MARGIN=60, CHEEKS=0.4, FEATHER=0.2)


def test_a_quick_test_with_ones_own_face_downloads_no_finder(made, monkeypatch, tmp_path, capsys):
    for name in ("fetched", "landmarker"):
        monkeypatch.setattr(find.weights if name == "fetched" else find, name, lambda *_: pytest.fail("a download"))
    take, found, _ = takes.prepare(
        "film", made.face, voice.write(tmp_path), places(tmp_path), wish="yunet", most=0.4, quick=True
    )
    assert found.seen == 1 and "the middle of the picture is taken for the face" in capsys.readouterr().out
    assert found.width == pytest.approx(0.4 * take.clip.width, abs=1)


def test_of_a_long_video_no_more_is_looked_at_than_the_speech_needs(made, monkeypatch, tmp_path):
    monkeypatch.setattr(takes, "_STEP", 5)
    folders = places(tmp_path)
    more = {"box": BOX, "longer": "loop"}
    _, some, _ = takes.prepare("film", made.face, voice.write(tmp_path), folders, most=0.2, **more)
    take, whole, _ = takes.prepare("film", made.face, voice.write(tmp_path), folders, most=0.4, **more)
    assert (len(some.rows), len(whole.rows)) == (5, 10) == (take.frames // 2, made.take.clip.frames)
    monkeypatch.setattr(track, "make", lambda *_: pytest.fail("it was found before"))
    next((folders.outputs / "tracks").glob("*-5.npz")).unlink()
    _, cut, _ = takes.prepare("film", made.face, voice.write(tmp_path), folders, most=0.2, **more)
    assert numpy.array_equal(cut.rows, whole.rows[:5])


def test_two_sessions_in_one_home_prepare_in_a_place_of_their_own(made, tmp_path):
    work = own.folder(made.folders.work)
    assert (
        made.take.speech.low.parent.parent == work
        and request.find(request.Wish("film", "sample", "sample"), made.folders, tmp_path).face.parent == work
    )


# --- files as people bring them


def test_a_photo_of_an_iphone_is_told_what_it_is(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    with pytest.raises(Stop, match="a.heic is a HEIC photo, as iPhones make them: save it as JPEG"):
        video.look(tmp_path / "a.heic")


def test_single_frames_of_a_film_are_picked_without_the_rest(tmp_path):
    shades = [numpy.full((48, 64, 3), 16 + n // 2, numpy.uint8) for n in range(300)]
    path = film.write(tmp_path / "f.mp4", shades, 64, 48)
    found = film.picked(path, [299, 0, 120])
    assert [round(float(frame.mean())) for frame in found] == pytest.approx([16, 76, 165], abs=2)


def test_a_photo_of_16_bits_keeps_its_greys(tmp_path):
    from PIL import Image

    grey = numpy.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(numpy.uint16)
    Image.fromarray(grey).save(tmp_path / "g.png")
    shown = next(video.read(video.look(tmp_path / "g.png")))
    assert numpy.abs(shown[..., 0].astype(int) - grey // 257).max() <= 1


def test_pixels_that_are_not_square_become_square(tmp_path):
    import av

    for ratio, size in (("2/1", (192, 96)), ("1/2", (96, 192))):
        path = tmp_path / "sar.mp4"
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 96, "yuv420p"
            stream.codec_context.sample_aspect_ratio = Fraction(ratio)
            for _ in range(3):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(numpy.zeros((96, 96, 3), numpy.uint8), "rgb24")))
            out.mux(stream.encode(None))
        clip = video.look(path)
        assert (clip.width, clip.height) == size and next(video.read(clip)).shape == (size[1], size[0], 3)


def encoded(path, seconds, codec, form="s16"):
    """A buzzing voice as some file, by PyAV."""
    import av

    at = numpy.arange(int(seconds * 48000)) / 48000
    heard = (0.3 * numpy.sin(2 * numpy.pi * 140 * at)).astype(numpy.float32)
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".m4a" else {}) as out:
        stream = out.add_stream(codec, rate=48000, layout="mono")
        for i in range(0, len(heard), 960):
            piece = heard[None, i : i + 960]
            piece = piece if form == "flt" else (piece * 32767).astype(numpy.int16)
            frame = av.AudioFrame.from_ndarray(piece, form, "mono")
            frame.sample_rate, frame.pts = 48000, i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [("a.wav", "pcm_s16le", "s16"), ("a.mp3", "libmp3lame", "s16"), ("a.ogg", "libopus", "s16"),
     ("a.flac", "flac", "s16"), ("a.m4a", "aac", "s16"), ("a.mka", "flac", "s16")],
)  # fmt: skip
def test_a_speech_that_is_cut_off_is_said_where_its_file_tells(tmp_path, name, codec, form):
    path = encoded(tmp_path / name, 3.0, codec, form)
    whole = speech.prepare(path, tmp_path)
    assert whole.remarks == () and whole.seconds == pytest.approx(3, abs=0.1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    try:
        said = speech.prepare(path, tmp_path).remarks
    except Stop as stop:
        said = (str(stop),)
    assert len(said) == 1 and ("breaks off" in said[0] or "damaged" in said[0])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_film_whose_end_is_missing_is_said(tmp_path, name):
    import av

    whole = numbered(tmp_path / f"whole-{name}", 50, 25, size=(128, 96))
    assert video.look(whole).remarks == ()
    path = tmp_path / name
    with av.open(str(whole)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    remarks = video.look(path).remarks
    assert len(remarks) == 1 and "the file breaks off: of 2.0 s that it should have" in remarks[0]


def test_a_speech_that_is_cut_to_seconds_is_said(made, tmp_path):
    wav = tone(tmp_path / "a.wav", 1.2)
    told = "the first 0.5 s of the speech are used: SECONDS says how many"
    assert speech.prepare(wav, tmp_path, 0.5).remarks == (told,) and speech.prepare(wav, tmp_path, 1.2).remarks == ()
    _, _, remarks = takes.prepare("film", made.face, wav, made.folders, box=BOX, most=0.5)
    assert told in remarks


def test_channels_that_cancel_each_other_out_are_no_silence(tmp_path):
    one = numpy.fromfile(tone(tmp_path / "a.wav", 1.0), numpy.int16, offset=44)
    with wave.open(str(tmp_path / "anti.wav"), "wb") as file:
        file.setparams((2, 2, 16000, 0, "NONE", ""))
        file.writeframes(numpy.stack([one, -one], 1).tobytes())
    made = speech.prepare(tmp_path / "anti.wav", tmp_path)
    assert speech.levels(made).max() > -30 and "the first is taken" in made.remarks[0]


def test_the_sound_of_a_video_that_starts_later_keeps_its_place(tmp_path):
    import av

    wav = tone(tmp_path / "a.wav", 1.0, rate=48000)
    with av.open(str(tmp_path / "late.mkv"), "w") as out, av.open(str(wav)) as source:
        picture, heard = out.add_stream("libx264", rate=25), out.add_stream("pcm_s16le", rate=48000, layout="mono")
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for _ in range(50):
            out.mux(picture.encode(av.VideoFrame.from_ndarray(numpy.zeros((48, 64, 3), numpy.uint8), "rgb24")))
        out.mux(picture.encode(None))
        for frame in source.decode(audio=0):
            frame.pts = (frame.pts or 0) + 24000
            out.mux(heard.encode(frame))
        out.mux(heard.encode(None))
    made = speech.prepare(tmp_path / "late.mkv", tmp_path)
    loud = speech.levels(made)
    assert made.seconds == pytest.approx(1.5, abs=0.02) and loud[:12].max() < -60 < -30 < loud[13:].max()


def test_a_face_file_that_is_gone_is_a_sentence(made, tmp_path):
    clip = video.look(shutil.copy(made.face, tmp_path / "face.mp4"))
    clip.path.unlink()
    with pytest.raises(Stop, match="is not there any more"):
        list(video.read(clip))


def test_a_list_is_read_as_spreadsheets_write_it_and_what_is_not_used_is_told(tmp_path, capsys):
    table = tmp_path / "list.csv"
    table.write_text("face;speech;name\na,b.mp4;c.wav;x\n;;\n")
    assert [(w.name, w.face) for w in request.wishes("", "", str(table))] == [("x", "a,b.mp4")]
    table.write_bytes("sep=;\nWhose face;face;speech;mood\nÄda;face.mp4;c.wav;glad\n".encode("utf-16"))
    (tmp_path / "face.mp4").write_bytes(b"")  # beside the list
    attached = places(tmp_path / "job")._replace(inputs=(tmp_path,))
    assert request.table("list.csv", attached) == request.table(f"{table}", attached) == str(table)
    assert request.table(" ", attached) == "" and request.table("nix.csv", attached) == "nix.csv"
    one = request.wishes("", "", str(table))[0]
    assert (one.whose_face, one.face, one.speech) == ("Äda", str(tmp_path / "face.mp4"), "c.wav")
    assert "not used is what stands under mood" in capsys.readouterr().out
    for content, said in (("face,speech\nmy, face.mp4,b.wav\n", "line 2: more cells"), ("face,face,speech\na,b,c\n",
                          "two columns 'face'"), ("face,speech,face_number\na,b,999\n", "from 0 to 99")):  # fmt: skip
        table.write_text(content)
        with pytest.raises(Stop, match=said):
            request.wishes("", "", str(table))
    table.write_bytes("face,speech\nMüller.mp4,b.wav\n".encode("cp1252"))
    with pytest.raises(Stop, match="no text in UTF-8: save it as CSV"):
        request.wishes("", "", str(table))
    table.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(Stop, match="is a spreadsheet: save it as CSV"):
        request.wishes("", "", str(table))


def test_a_row_says_itself_whose_face_and_voice_it_is(made, tmp_path):
    wav, table = tone(tmp_path / "a.wav", 1.0), tmp_path / "list.csv"
    rows = [f"{made.face},{wav},Ben,Ada", f"{made.face},{wav},,"]
    table.write_text("\n".join(["face,speech,whose_face,whose_voice", *rows]))
    found, _ = request.find_all(request.wishes("", "", str(table)), made.folders, tmp_path)
    said = [request.agreed(one, "Cleo", "Cleo", "my own") for one in found]
    assert [(one["face"].whose, one["voice"].whose) for one in said] == [("Ben", "Ada"), ("Cleo", "Cleo")]


def test_a_film_of_random_weights_says_so_in_whole_words(made):
    said = output.tags(made.take, {"unet": "x@random weights"}, False)["comment"]
    assert "(random weights)" in said
    assert (
        "(weights 0123456789ab)"
        in output.tags(made.take, {"unet": f"x@{'0123456789abcdef' * 3}"[:42]}, False)["comment"]
    )


def test_a_quick_test_that_made_no_film_claims_nothing():
    assert "the whole way works" in output.tested(2, 2)
    assert output.tested(0, 2) == "0 of 2 films were made; why the others were not stands above"


def test_one_face_was_found(made):
    with pytest.raises(Stop, match="FACE_NUMBER is 3, and 1 face was found"):
        takes.prepare("film", made.face, made.take.speech.source, made.folders, box=BOX, number=3)


def test_a_kept_track_that_is_damaged_is_found_anew(made, tmp_path):
    for data in (b"PK\x03\x04garbage", made.take.kept.read_bytes()[:-30], b""):
        (tmp_path / "t.npz").write_bytes(data)
        assert track.load(tmp_path / "t.npz") is None


# --- what a score may say


def test_noise_in_a_short_film_is_not_praised_and_a_mouth_that_follows_is():
    rng = numpy.random.default_rng(0)
    praised = 0
    for _ in range(200):
        loud, mouth = (numpy.convolve(rng.normal(size=64), numpy.ones(5) / 5, "valid") for _ in range(2))
        praised += "cannot be told" not in sync.verdict(sync.score(mouth, -20 + 10 * loud))
    assert praised <= 20, "by chance one of twenty; smoothed noise a little more often"
    found = sync.score(10 ** ((-20 + 10 * loud) / 20), -20 + 10 * loud)
    assert "clearly follows" in sync.verdict(found) and 0.3 < found.chance < 0.9
