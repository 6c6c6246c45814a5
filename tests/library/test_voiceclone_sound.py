"""Sound on disk: joined without clicks, at one loudness, tagged, marked and read back, signed last."""

import json

import numpy
import pytest
from labkit import Stop
from media import player, provenance, watermark
from media import voice as carried
from media.sound import Sound, resample
from voiceclone import batch, consent, output, plots, sound, takes

from tests.library.voices import packages, speak


@pytest.fixture(autouse=True)
def perth():
    packages()


@pytest.fixture(scope="module")
def voice():
    """Five seconds of a voice at 48 kHz."""
    samples, rate = speak()
    return resample(Sound(samples[: 5 * rate], rate), sound.RATE)


@pytest.fixture(scope="module")
def marked(voice):
    packages()
    return watermark.marked(voice)


def test_the_mark_is_read_back_and_a_clean_sound_has_none(voice, marked):
    assert watermark.found(marked) > 0.9 and watermark.found(voice) < 0.1
    assert len(marked.samples) == len(voice.samples) and marked.rate == voice.rate


def test_the_mark_stays_through_mp3_a_lower_rate_half_the_level_and_a_cut(marked, tmp_path):
    sound.write(tmp_path / "a.mp3", marked)
    assert watermark.found(sound.from_file(tmp_path / "a.mp3")) > 0.9
    assert watermark.found(resample(marked, 16000)) > 0.9
    assert watermark.found(Sound(marked.samples * 0.5, marked.rate)) > 0.9
    assert watermark.found(Sound(marked.samples[48000:144000], marked.rate)) > 0.9


def test_the_mark_leaves_what_is_high_alone(voice, marked):
    """Perth works at 32 kHz: a plain use would cut everything above 16 kHz off."""
    rng = numpy.random.default_rng(0)
    bright = Sound((voice.samples + 0.05 * rng.standard_normal(len(voice.samples))).astype(numpy.float32), voice.rate)

    def high(one):
        spectrum = numpy.abs(numpy.fft.rfft(one.samples)) ** 2
        return spectrum[int(17000 / 24000 * len(spectrum)) :].sum()

    assert high(watermark.marked(bright)) == pytest.approx(high(bright), rel=0.01)


def test_silence_and_a_tenth_of_a_second_pass_through():
    assert watermark.found(Sound(numpy.zeros(48000, numpy.float32), 48000)) == 0.0
    short = Sound(numpy.ones(1000, numpy.float32), 48000)
    assert watermark.marked(short) is short and watermark.found(short) == 0.0


def test_joins_are_150_ms_without_a_click():
    tone = numpy.sin(2 * numpy.pi * 200 * numpy.arange(48000) / 48000 + 1.0).astype(numpy.float32)  # ends in the middle
    pieces = [sound.trimmed(Sound(tone, 48000)) for _ in range(2)]
    track = sound.Track()
    made = sound.laid(pieces, [track.put(len(piece.samples), 0.15) for piece in pieces])
    quiet = numpy.flatnonzero(made.samples == 0)
    gap = quiet[(quiet > 1000) & (quiet < len(made.samples) - 1000)]
    assert abs(len(gap) / 48000 - 0.15) < 0.001
    step = 2 * numpy.pi * 200 / 48000  # the tone's own steepest step
    assert numpy.abs(numpy.diff(made.samples)).max() < 1.3 * step
    assert abs(made.samples[0]) < 1e-6 and abs(made.samples[-1]) < 1e-6


def test_silence_at_both_ends_goes():
    loud = numpy.sin(2 * numpy.pi * 500 * numpy.arange(9600) / 48000 + 1.5)
    tone = numpy.concatenate([numpy.zeros(9600), loud, numpy.zeros(24000)]).astype(numpy.float32)
    assert sound.trimmed(Sound(tone, 48000)).seconds == pytest.approx(0.24, abs=0.001)


def test_subtitles_start_at_their_times_and_never_overlap():
    one = Sound(numpy.ones(24000, numpy.float32), 48000)
    track = sound.Track()
    made = sound.laid([one] * 3, [track.put(len(one.samples), begin=begin) for begin in (1.0, 1.2, 4.0)])
    spoken = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], made.samples, [0]]))) / 48000
    assert spoken.tolist() == [1.0, 2.0, 4.0, 4.5]


def test_loudness_is_set_and_never_clips(voice):
    assert sound.loudness(sound.at_loudness(voice)) == pytest.approx(-19, abs=0.3)
    peaky = voice.samples.copy() * 0.05
    peaky[1000] = 1.0
    loud = sound.at_loudness(Sound(peaky, voice.rate))
    assert numpy.abs(loud.samples).max() <= sound.PEAK + 1e-6
    silence = Sound(numpy.zeros(48000, numpy.float32), 48000)
    assert sound.loudness(silence) == float("-inf") and sound.at_loudness(silence) is silence


def test_a_constant_part_goes():
    tone = numpy.sin(2 * numpy.pi * 200 * numpy.arange(24000) / 48000).astype(numpy.float32)
    assert abs(sound.trimmed(Sound(0.3 * tone + 0.2, 48000)).samples.mean()) < 0.01


def test_speed_changes_length_and_keeps_pitch(voice):
    quick = sound.faster(voice, 1.25)
    assert quick.seconds == pytest.approx(voice.seconds / 1.25, rel=0.03)

    def pitch(one):  # the period that the whole repeats itself by best: no single harmonic decides
        power = numpy.abs(numpy.fft.rfft(one.samples, 2 * len(one.samples))) ** 2
        periods = numpy.fft.irfft(power)[one.rate // 400 : one.rate // 60]
        return one.rate / (one.rate // 400 + numpy.argmax(periods))

    assert pitch(quick) == pytest.approx(pitch(voice), rel=0.1)


@pytest.mark.parametrize("ending", ["wav", "mp3"])
def test_files_say_what_they_are(ending, voice, tmp_path):
    import av

    told = output.tags("hello", "VoxCPM2", "0123456789abcdef")
    path = sound.write(tmp_path / f"hello.{ending}", voice, told)
    with av.open(str(path)) as file:
        found = {**file.metadata, **file.streams.audio[0].metadata}
        assert file.streams.audio[0].rate == 48000
    assert "AI-generated" in found["comment"] and "VoxCPM2" in found["comment"] and found["title"] == "hello"


def test_a_full_disk_is_one_sentence_and_leaves_nothing(small_disk, voice):
    small_disk.leave(20_000)
    with pytest.raises(Stop, match="cannot be written"):
        sound.write(small_disk.path / "a.wav", voice)
    assert not list(small_disk.path.glob("*a.wav"))


def about():
    return {"engine": "VoxCPM2", "commit": "0" * 40, "sentences": []}


def given():
    return consent.ask(True, "Ada", "my own voice")


def test_a_result_is_two_files_and_a_record(marked, tmp_path):
    made = output.write(tmp_path, "speech", marked, about(), given())
    record = json.loads(made.record.read_text())
    assert made.mark > 0.9 and record["watermark"]["found"] > 0.9
    assert record["rate"] == 48000 and record["ai_generated"] and record["consent"]["whose"] == "Ada"
    assert set(record["sha256"]) == {"speech.wav", "speech.mp3"} and record["versions"]["python"]
    assert record["loudness_lufs"] == pytest.approx(-19, abs=0.5)
    with pytest.raises(Stop, match="nothing is generated"):
        output.write(tmp_path, "speech", marked, about(), None)


def test_a_result_whose_sentences_lost_their_mark_is_marked_again(voice, tmp_path):
    assert output.write(tmp_path, "speech", voice, about(), given()).mark > 0.9


def test_a_mark_that_is_missing_behind_the_first_ten_seconds_is_seen(voice, marked, tmp_path):
    half = sound.laid([marked, marked, marked, voice, voice], [i * len(voice.samples) for i in range(5)])
    sound.write(tmp_path / "half.wav", half)
    assert output.read_mark(tmp_path / "half.wav") > 0.9  # its beginning alone
    assert output.read_mark(tmp_path / "half.wav", output._loud(half)) < 0.5
    assert output.write(tmp_path, "speech", half, about(), given()).mark > 0.8


def test_the_mark_is_looked_for_where_somebody_speaks(marked):
    spread = sound.laid([marked, marked], [0, 60 * marked.rate])
    spots = output._loud(spread)
    assert len(spots) == 4 and all(spot < 5 or 60 <= spot < 65 for spot in spots)
    assert output._loud(Sound(numpy.zeros(0, numpy.float32), 48000)) == [0.0]


@pytest.mark.parametrize("what", ["marked", "found"])
def test_where_marking_does_nothing_or_everything_looks_marked_nothing_is_given_out(what, voice, folders, monkeypatch):
    """A tiny engine's noise is read as 0.5 to 0.8 without any mark: its results alone would prove nothing."""
    monkeypatch.setattr(watermark, "_proved", [])
    monkeypatch.setattr(watermark, what, {"marked": lambda sound: sound, "found": lambda sound: 1.0}[what])
    with pytest.raises(Stop, match="the watermark does not work here"):
        output.write(folders.outputs, "speech", voice, about(), given())
    with pytest.raises(Stop, match="the watermark does not work here"):
        watermark.proved(sound.carried())
    assert not list(folders.outputs.iterdir())


def test_a_record_says_what_is_read_without_a_mark_and_whether_it_counts(marked, tmp_path):
    made = output.write(tmp_path, "speech", marked, about(), given())
    told = json.loads(made.record.read_text())["watermark"]
    assert told["read_back"] and told["proof"]["without"] < 0.1 and told["proof"]["with"] > 0.9 and made.notes == []


def test_what_is_too_short_for_the_mark_to_be_read_is_given_out_and_says_so(tmp_path):
    noise = numpy.random.default_rng(1).standard_normal(1800).astype(numpy.float32) * 0.1
    made = output.write(tmp_path, "short", Sound(noise, 48000), about(), given())
    assert not json.loads(made.record.read_text())["watermark"]["read_back"]
    assert made.notes == ["it is shorter than 1 s: it is marked, but the mark cannot be read in it"]


def test_the_mark_goes_off_with_the_whole_sentence_alone(voice, tmp_path):
    assert watermark.wanted(watermark.ON) and not watermark.wanted(watermark.OFF)
    for choice in ("off", "", False, True, None, watermark.OFF.upper()):
        with pytest.raises(Stop, match="the watermark is 'on', or it is turned off with the whole sentence"):
            output.write(tmp_path, "speech", voice, about(), given(), mark=choice)
        with pytest.raises(Stop, match="the watermark is 'on'"):
            takes.Settings(mark=choice)
    assert not list(tmp_path.iterdir())


def test_a_record_names_the_consent_of_each_speaker(marked, tmp_path):
    both = {"Anna": given(), "": consent.ask(False, "", "")}
    record = json.loads(output.write(tmp_path, "speech", marked, about(), both).record.read_text())
    assert record["consent"]["Anna"]["whose"] == "Ada" and record["consent"][""]["whose"] == carried.WHOSE
    for wrong in ({}, {"Anna": given(), "Ben": None}):
        with pytest.raises(Stop, match="nothing is generated"):
            output.write(tmp_path, "speech", marked, about(), wrong)


def drafts(folders, paths, mark=watermark.ON):
    begun = output.drafts(folders, about(), mark)
    for path in paths:
        begun.add("speech", path, 0.2, None)
    return begun


def test_an_mp3_that_was_begun_early_is_the_one_that_would_be_written(marked, folders, tmp_path):
    paths = [sound.write(tmp_path / f"{i}.wav", Sound(marked.samples[i * 96000 :][:96000], 48000)) for i in range(2)]
    pieces, track = [sound.from_file(path) for path in paths], sound.Track()
    whole = sound.laid(pieces, [track.put(len(piece.samples), 0.2) for piece in pieces])
    told = output._told("speech", about(), True)
    expected = sound.write(tmp_path / "whole.mp3", whole, told).read_bytes()
    assert drafts(folders, paths).taken("speech", whole, told).read_bytes() == expected
    for other in (
        drafts(folders, paths[:1]),  # a sentence is missing
        drafts(folders, [paths[0], tmp_path / "gone.wav"]),
        drafts(folders, paths, watermark.OFF),  # other tags
        drafts(folders, []),
    ):
        assert other.taken("speech", whole, told) is None
    begun = drafts(folders, paths)
    begun.add("other", paths[0], 0.2, None)
    begun.add("speech", paths[0], 0.2, None)  # out of order: given up
    assert begun.taken("speech", whole, told) is None and begun.taken("other", pieces[0], begun.told("other"))


def test_a_result_takes_the_mp3_that_was_begun(marked, folders, tmp_path, monkeypatch):
    path = sound.write(tmp_path / "piece.wav", sound.at_loudness(marked))
    begun, written, write = drafts(folders, [path]), [], sound.write
    monkeypatch.setattr(sound, "write", lambda path, *more: written.append(path.name) or write(path, *more))
    made = output.write(folders.outputs, "speech", sound.from_file(path), about(), given(), begun=begun)
    assert written == ["speech.wav"] and made.mark > 0.9 and sound.from_file(made.mp3).seconds > 4.9


def test_drafts_of_two_sessions_do_not_meet_and_an_altered_one_is_not_taken(marked, voice, folders, tmp_path):
    one, other = sound.write(tmp_path / "a.wav", marked), sound.write(tmp_path / "b.wav", voice)
    mine = drafts(folders, [one])
    mine.thread.submit(lambda: None).result()
    theirs = drafts(folders, [other])  # begins while mine is not yet taken
    theirs.thread.submit(lambda: None).result()
    whole = sound.from_file(one)
    taken = mine.taken("speech", whole, mine.told("speech"))
    assert sound.from_file(taken).seconds == pytest.approx(whole.seconds, abs=0.1)
    assert theirs.taken("speech", sound.from_file(other), theirs.told("speech")) not in (None, taken)
    taken.write_bytes(taken.read_bytes()[:5000])
    assert mine.taken("speech", whole, mine.told("speech")) is None


def test_the_loudness_of_something_long_is_measured_in_stretches(voice, monkeypatch):
    at_once = sound.loudness(voice)
    monkeypatch.setattr(sound, "_AT_ONCE", 1.5)
    assert sound.loudness(voice) == pytest.approx(at_once, abs=0.5)
    gap = sound.laid([voice, voice], [0, len(voice.samples) + 10 * voice.rate])
    assert sound.loudness(gap) == pytest.approx(at_once, abs=0.5)  # silence between does not count


def test_without_a_mark_the_record_and_the_tags_do_not_claim_one(voice, tmp_path):
    made = output.write(tmp_path, "speech", voice, about(), given(), mark=watermark.OFF)
    record = json.loads(made.record.read_text())
    assert made.mark < 0.5 and record["watermark"] == {"kind": "none", "stated": watermark.OFF}
    assert b"Perth" not in made.wav.read_bytes()
    numbers = batch.summary(batch.Run([], 0.0), [made])
    assert "watermark           off" in batch.told(numbers, False) and not numbers["marked"]


def test_a_signature_is_valid_and_breaks_when_the_file_is_changed(marked, tmp_path):
    made = output.write(tmp_path, "speech", marked, about(), given(), sign=True)
    assert made.signed == "C2PA, Valid" and provenance.read(made.wav) == "Valid"
    assert watermark.found(sound.from_file(made.wav)) > 0.9
    data = bytearray(made.wav.read_bytes())
    data[20000] ^= 0xFF
    made.wav.write_bytes(data)
    assert provenance.read(made.wav) == "Invalid"


def test_without_the_package_the_file_is_unsigned_and_says_so(marked, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    made = output.write(tmp_path, "speech", marked, about(), given(), sign=True)
    assert made.signed.startswith("unsigned: c2pa-python is not installed") and made.wav.is_file()
    assert json.loads(made.record.read_text())["signature"] == made.signed


def test_players_and_pictures_are_made(marked, tmp_path):
    path = sound.write(tmp_path / "a.mp3", marked)
    text = player.markup([("take <1>", path)])
    assert text.count("<audio controls") == 1 and "take &lt;1&gt;" in text
    figure = plots.result(marked, "a title")
    assert len(figure.axes) == 3
