"""Recordings as people bring them: what cannot work is one sentence, what costs quality a remark; consent first."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy
import pytest
import soundfile
from labkit import Stop
from media import consent as media_consent
from media import own, voice
from media.sound import Sound, resample
from voiceclone import batch, consent, intake, plots, reference, script, sound, speaker, spoken, voices

from tests.conftest import ROOT
from tests.library.voices import packages, speak


@pytest.fixture(autouse=True)
def resemblyzer():
    packages()


@pytest.fixture
def put(tmp_path):
    """Write samples as a wav; its path."""

    def write(samples, rate=16000, name="voice.wav", **more):
        soundfile.write(tmp_path / name, samples, rate, **more)
        return tmp_path / name

    return write


def music(rate=16000, seconds=10):
    """Chords that change twice a second, in stereo."""
    rng, out = numpy.random.default_rng(0), []
    for step in rng.integers(0, 12, seconds * 2):
        t = numpy.arange(rate // 2) / rate
        out.append(
            sum(numpy.sin(2 * numpy.pi * f * 2 ** (step / 12) * t) for f in (220, 277, 330)) * numpy.exp(-2 * t) / 4
        )
    return numpy.stack([numpy.concatenate(out)] * 2, axis=1)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("silence", "is silent"),
        ("half a second", "has 0.5 s and at least 3 s"),
        ("nothing", "has 0.0 s"),
        ("almost three seconds", "has 2.9 s and at least 3 s"),
        ("absurd", "is damaged"),
        ("music", "sounds like music or a steady noise"),
        ("noise", "sounds like music or a steady noise"),
        ("almost silent", "is almost silent"),
        ("no numbers", "is damaged"),
        ("infinite", "is damaged"),
        ("too low a rate", "has 4000 samples a second, and a voice needs at least 8000"),
    ],
)
def test_what_cannot_be_cloned_is_one_sentence(what, said, put):
    voice, rate = speak()
    made = {
        "silence": numpy.zeros(rate * 6),
        "half a second": voice[: rate // 2],
        "nothing": voice[:0],
        "almost three seconds": voice[: int(rate * 2.99)],
        "absurd": voice * 1e30,
        "music": music(),
        "noise": numpy.random.default_rng(0).standard_normal(rate * 6) * 0.1,
        "almost silent": numpy.concatenate([voice[:rate], numpy.zeros(rate * 9)]),
        "no numbers": numpy.where(numpy.arange(len(voice)) == 1000, numpy.nan, voice),
        "infinite": numpy.where(numpy.arange(len(voice)) == 1000, numpy.inf, voice),
        "too low a rate": voice[::4],
    }[what]
    with pytest.raises(Stop, match=said) as stop:
        reference.prepare(put(made, 4000 if what == "too low a rate" else rate, subtype="FLOAT"))
    assert "\n" not in str(stop.value)


def test_a_picture_and_a_missing_file_are_told():
    with pytest.raises(Stop, match="no recording that can be opened"):
        reference.prepare(ROOT / "notebooks-src/assets/voice_cloning.png")
    with pytest.raises(Stop, match="there is no file"):
        reference.prepare(ROOT / "nope.wav")


@pytest.mark.parametrize(
    ("what", "remark"),
    [
        ("telephone", "telephone"),
        ("clipped", "clipped"),
        ("two voices", "two voices"),
        ("noisy", "noisy"),
        ("stereo", "2 channels"),
    ],
)
def test_what_costs_quality_is_a_remark_and_the_work_goes_on(what, remark, put):
    voice, rate = speak()
    other, _ = speak("en-us+f3", pitch=70)
    rng = numpy.random.default_rng(0)
    made, its_rate = {
        "telephone": (resample(Sound(voice, rate), 8000).samples, 8000),
        "clipped": (numpy.clip(voice * 8, -1, 1) * 0.9, rate),
        "two voices": (numpy.concatenate([voice[: 7 * rate], other[: 5 * rate]]), rate),
        "noisy": (voice + 0.02 * rng.standard_normal(len(voice)), rate),
        "stereo": (numpy.stack([voice, voice], axis=1), rate),
    }[what]
    found = reference.prepare(put(made, its_rate))
    assert any(remark in said for said in found.remarks)
    assert 3 <= found.part.seconds <= 15
    if what == "two voices":  # the part is the first voice's alone
        alike = speaker.similarity(speaker.embedding(found.part), speaker.embedding(Sound(voice, rate)))
        assert found.end <= 7.2 and alike > speaker.SAME


def test_channels_that_cancel_each_other_out_and_a_constant_part_do_no_harm(put):
    """A microphone wired the wrong way round, and one that adds a voltage."""
    voice, rate = speak()
    for made in (numpy.stack([voice, -voice], axis=1), 0.3 * voice + 0.5):
        found = reference.prepare(put(made[: 8 * rate]))
        alike = speaker.similarity(speaker.embedding(found.part), speaker.embedding(Sound(voice, rate)))
        assert alike > speaker.SAME and abs(float(found.part.samples.mean())) < 1e-3


@pytest.mark.parametrize(
    ("name", "rate", "subtype"),
    [("a.wav", 96000, "FLOAT"), ("a.wav", 16000, "PCM_U8"), ("Grüße 声 🎤.wav", 16000, "PCM_24")],
)
def test_other_kinds_of_wav_and_names_open(name, rate, subtype, put):
    voice = resample(Sound(speak()[0][: 6 * 16000], 16000), rate)
    assert reference.prepare(put(voice.samples, rate, name, subtype=subtype)).remarks == ()


def test_an_mp3_that_is_called_wav_opens_and_half_a_wav_does_too(put, tmp_path):
    path = put(speak()[0], name="a.mp3")
    path.rename(tmp_path / "b.wav")
    assert reference.prepare(tmp_path / "b.wav").quality.seconds > 10
    whole = put(speak()[0]).read_bytes()
    (tmp_path / "half.wav").write_bytes(whole[: len(whole) // 2])
    half = reference.prepare(tmp_path / "half.wav")
    assert 5 < half.quality.seconds < 10 and half.remarks[0] == "its file breaks off, the end is missing"
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(Stop, match="no recording that can be opened"):
        reference.prepare(tmp_path / "empty.wav")


def test_of_a_long_recording_it_is_told_how_much_was_looked_at():
    quality = reference.Quality(600.0, 16000, 1, 8000.0, 40.0, 0.0, 0.1, 0.3, 1)
    assert "only its first 10 minutes" in reference._remarks(quality)[0]


def test_a_clean_recording_has_no_remarks_and_its_part_is_loud_and_begins_in_a_pause(put):
    voice, rate = speak()
    found = reference.prepare(put(numpy.concatenate([numpy.zeros(rate * 3), voice, numpy.zeros(rate * 4)])), most=10)
    assert found.remarks == () and found.quality.voices == 1 and found.quality.snr > 30
    assert 5 <= found.part.seconds <= 10 and found.begin > 2.8
    assert abs(sound.loudness(found.part) - reference.LOUDNESS) < 0.5
    assert len(plots.reference(found).axes) == 1


def test_the_sample_is_ours_and_opens(folders):
    path = intake.find("sample", folders)
    assert path.stat().st_size < 100_000
    found = reference.prepare(path)
    assert found.remarks == () and intake.is_ours("sample") and not intake.is_ours("x.wav")


def test_other_formats_are_opened(put, tmp_path):
    import imageio_ffmpeg

    path = put(speak()[0])
    for ending in ("mp3", "m4a", "webm", "flac"):
        sound._ffmpeg(path, tmp_path / f"voice.{ending}", what="the test")
        frames, rate = sound.read(tmp_path / f"voice.{ending}")
        assert abs(len(frames) / rate - len(speak()[0]) / 16000) < 0.2
    assert imageio_ffmpeg.get_ffmpeg_exe()


def test_a_recording_is_found_by_name_and_what_is_not_there_is_told(folders, put):
    path = put(speak()[0], name="mine.wav")
    path.rename(folders.outputs / "mine.wav")
    assert intake.find("mine.wav", folders) == folders.outputs / "mine.wav"
    assert intake.find(f'"{folders.outputs / "mine.wav"}"', folders).is_file()  # as a path is pasted
    (folders.work / "album").mkdir()
    for name in ("a.aiff", "._a.aiff"):  # the second is a Mac's own
        (folders.work / "album" / name).write_bytes(b"")
    assert intake.find(str(folders.work / "album"), folders).name == "a.aiff"
    for wish, said in (
        ("nope.wav", "there is no recording 'nope.wav'"),
        ("record", "has no way to"),
        ("upload", "has no way to"),
    ):
        with pytest.raises(Stop, match=said):
            intake.find(wish, folders)


def test_what_a_run_made_is_never_taken_by_a_bare_name(folders, two, capsys):
    kept = voices.held(folders.work, "voice", two[0], "", consent.ask(True, "Ada", "my own voice"))
    other = voices.save(folders.work, "voice", two[0], "", kept.consent)  # as an earlier version left it
    with pytest.raises(Stop, match="there is no recording 'voice.wav'"):
        intake.find("voice.wav", folders)
    assert intake.find(str(other.wav), folders) == other.wav
    (folders.outputs / "speech.wav").write_bytes(b"")
    (folders.outputs / "speech.json").write_text('{"ai_generated": true, "consent": {}}')
    with pytest.raises(Stop, match="'speech.wav' is what a run made"):
        intake.find("speech.wav", folders)
    attached = folders.outputs.parent / "attached"
    shutil.copytree(folders.work / "voices", attached / "voices")
    here = folders._replace(inputs=(attached,))
    with pytest.raises(Stop, match="there is no recording 'voice.wav'"):
        intake.find("voice.wav", here)
    shutil.copy(folders.outputs / "speech.json", attached / "old.json")  # lip sync speaks with such a result
    (attached / "old.wav").write_bytes(b"")
    (attached / "mine.wav").write_bytes(b"")
    for name in ("old.wav", "mine.wav"):
        assert intake.find(name, here) == attached / name
        assert f"{name}: {attached / name}" in capsys.readouterr().out


@pytest.mark.parametrize("wish", ["A text that was pasted. " * 30, "~nobodyx/a.wav"])
def test_what_is_no_path_is_one_sentence(wish, folders):
    for call in (intake.find, intake.text):
        with pytest.raises(Stop, match="is no path of a (recording|text file)"):
            call(wish, folders)


def test_speakers_are_read_and_a_missing_one_is_told():
    assert intake.speakers("Anna = a.wav; Ben=kept:ben") == {"Anna": "a.wav", "Ben": "kept:ben"}
    with pytest.raises(Stop, match="SPEAKERS should be like"):
        intake.speakers("Anna a.wav")


def test_windows_of_a_recording_are_embedded_at_once_as_one_by_one():
    voice, rate = speak()
    begins, made = speaker.windows(Sound(voice[: 6 * rate], rate), numpy.ones(300, bool), 0.02)
    parts = [voice[int(b * rate) :][: int(1.6 * rate)] for b in begins]  # each at -30 dBFS
    parts = [part * (10 ** (-30 / 20) / numpy.sqrt((part**2).mean())) for part in parts]
    alone = [speaker._encoder().embed_utterance(part) for part in parts]
    assert len(begins) == 6 and numpy.allclose(made, alone, atol=1e-5)
    assert speaker.windows(Sound(voice[: 6 * rate], rate), numpy.zeros(300, bool), 0.02)[1].shape == (0, 256)


# --- consent


def test_nothing_is_granted_before_it_is_said_whose_voice_it_is():
    assert consent.ask(False, "", "not stated").ground == "free"
    with pytest.raises(Stop, match="WHOSE_VOICE"):
        consent.ask(True, " ", "my own voice")
    with pytest.raises(Stop, match="MAY_BE_USED"):
        consent.ask(True, "Ada", "not stated")
    assert consent.ask(True, "Ada", "my own voice").facts()["whose"] == "Ada"
    with pytest.raises(Stop, match="nothing is generated"):
        media_consent.granted(None)
    for wrong in (media_consent.Consent("Ada", "because", "", {}), media_consent.Consent("  ", "own", "", {})):
        with pytest.raises(Stop, match="nothing is generated"):
            media_consent.granted(wrong)


def test_of_several_recordings_it_is_said_whose_each_is():
    assert consent.each([], "", "not stated") == {}
    assert consent.each(["Anna"], "Ada Smith", "my own voice")["Anna"].whose == "Ada Smith"
    with pytest.raises(Stop, match=r"whose voice it is \(VOICE, Ben\): 'VOICE = \.\.\.; Ben = \.\.\.'"):
        consent.each(["", "Ben"], "Ada Smith", "my own voice")
    with pytest.raises(Stop, match=r"\(Ben\)"):
        consent.each(["", "Ben"], "VOICE = Ada Smith; Ben = ", "my own voice")
    found = consent.each(["", "Ben"], "VOICE = Ada Smith; Ben = Ben Jones", "allowed in writing")
    assert [one.whose for one in found.values()] == ["Ada Smith", "Ben Jones"]
    with pytest.raises(Stop, match="MAY_BE_USED"):
        consent.each(["", "Ben"], "VOICE = Ada Smith; Ben = Ben Jones", "not stated")


def test_a_name_that_names_its_recording_is_the_name_alone():
    assert consent.each(["Ben"], "Ben = Ben Jones", "allowed in writing")["Ben"].whose == "Ben Jones"
    with pytest.raises(Stop, match=r"whose voice it is \(VOICE\)"):
        consent.each([""], "Ben = Ben Jones", "allowed in writing")


def test_two_people_are_not_both_the_reader_and_each_may_have_a_ground(folders):
    with pytest.raises(Stop, match=r"Ada and Ben cannot both be 'my own voice'.*'... = Ben \(allowed in writing\)'"):
        consent.each(["", "Ben"], "VOICE = Ada; Ben = Ben", "my own voice")
    found = consent.each(["", "Ben"], "VOICE = Ada; Ben = Ben (allowed in writing)", "my own voice")
    assert [(one.whose, one.ground) for one in found.values()] == [("Ada", "own"), ("Ben", "permission")]
    assert len(consent.each(["", "Ben"], "VOICE = Ada; Ben = ada", "my own voice")) == 2


@pytest.mark.parametrize("whose", ["\u200b", " \u2060\u200d ", "...", "\x00"])
def test_signs_that_name_nobody_are_no_name(whose):
    with pytest.raises(Stop, match="WHOSE_VOICE"):
        consent.ask(True, whose, "my own voice")
    with pytest.raises(Stop, match="nothing is generated"):
        media_consent.granted(media_consent.Consent(whose, "own", "", {}))


def test_a_setting_that_does_nothing_with_a_kept_voice_is_told(capsys):
    voices.unused("Hello.", "ada", ["", "Ben"])
    assert capsys.readouterr().out == ""
    voices.unused("Hello.", "ada", [])
    assert capsys.readouterr().out.startswith("TRANSCRIPT is not used") and not voices.unused("", "", [])


def test_a_quick_test_says_at_once_what_it_cannot_do(capsys):
    with pytest.raises(Stop, match="a quick test cannot check a spoken consent"):
        spoken.possible("ask", True)
    spoken.possible("", True)
    spoken.possible("ask", False)
    assert voices.kept_as("ada", False) == "ada" and not capsys.readouterr().out
    assert voices.kept_as("ada", True) == "" and "A quick test keeps no voice" in capsys.readouterr().out


def test_the_samples_consent_serves_for_the_sample_alone(folders, put):
    ours = consent.ask(False, "", "")
    assert sound.sha256(intake.find("sample", folders)) == voice.SHA256
    voices.save(folders.outputs, "x", reference.prepare(intake.find("sample", folders)), "", ours)
    with pytest.raises(Stop, match="not the voice that comes with the notebook"):
        voices.save(folders.outputs, "x", reference.prepare(put(speak()[0])), "", ours)


class Ears:
    """A recogniser that hears what it is told: the weights of a real one are not here."""

    def __init__(self, hears):
        self.hears = hears

    def heard(self, sound, language="en"):
        return self.hears


def test_a_spoken_consent_wants_the_words_that_were_drawn_and_the_same_voice(folders, put):
    found = reference.prepare(put(speak()[0]))
    given = consent.ask(True, "Ada", "my own voice")
    with pytest.raises(Stop, match="record this sentence"):
        spoken.aloud("ask", given, found, None, folders, "en")
    drawn = __import__("json").loads((folders.outputs / "consent-sentence.json").read_text())["sentence"]
    assert "Ada" in drawn
    mine = put(speak(text=drawn)[0], name="said.wav")
    with pytest.raises(Stop, match="checked by a recogniser"):
        spoken.aloud(str(mine), given, found, None, folders, "en")
    with pytest.raises(Stop, match="and not:"):
        spoken.aloud(str(mine), given, found, Ears("something else entirely"), folders, "en")
    told = spoken.aloud(str(mine), given, found, Ears(drawn), folders, "en").spoken
    assert told["word_errors"] == 0 and told["similarity"] >= speaker.SAME
    other = put(speak("en-us+f3", text=drawn, pitch=80)[0], name="other.wav")
    with pytest.raises(Stop, match="are two voices"):
        spoken.aloud(str(other), given, found, Ears(drawn), folders, "en")


def test_a_spoken_consent_is_for_a_recording_and_in_its_language(folders, put):
    given = consent.ask(True, "Ada", "my own voice")
    with pytest.raises(Stop, match="a voice that was kept"):
        spoken.aloud("ask", given, None, None, folders, "en")
    with pytest.raises(Stop, match="is nobody's"):
        spoken.aloud("ask", given, reference.prepare(intake.find("sample", folders)), None, folders, "en")
    found = reference.prepare(put(speak()[0]))
    with pytest.raises(Stop, match="Ich erlaube, dass eine Maschine mit meiner Stimme spricht, Ada"):
        spoken.aloud("ask", given, found, None, folders, "de")
    (folders.outputs / "consent-sentence.json").write_text("{broken")
    with pytest.raises(Stop, match="record this sentence.*I agree"):
        spoken.aloud("said.wav", given, found, None, folders, "sw")


def test_two_sentences_are_hardly_ever_the_same():
    assert len({spoken.sentence("Ada") for _ in range(50)}) > 40


# --- voices that are kept


def test_a_voice_is_kept_and_opened_again_and_an_altered_one_is_refused(folders, put):
    found = reference.prepare(put(speak()[0]))
    given = consent.ask(True, "Ada", "my own voice")
    kept = voices.save(folders.outputs, "Ada one", found, "Some words.", given)
    again = voices.load(folders.outputs, "Ada one")
    assert (again.digest, again.transcript, again.consent) == (kept.digest, "Some words.", given)
    assert numpy.allclose(again.sound().samples, found.part.samples, atol=1e-4)
    assert voices.kept(folders.outputs) == ["Ada one"]
    with pytest.raises(Stop, match=r"no voice 'Ben' among those that were kept \(Ada one\)"):
        voices.load(folders.outputs, "Ben")
    data = bytearray(kept.wav.read_bytes())
    data[5000] ^= 1
    kept.wav.write_bytes(data)
    with pytest.raises(Stop, match="was altered"):
        voices.load(folders.outputs, "Ada one")
    side = kept.wav.with_name("voice.json")
    side.write_text(
        side.read_text().replace('"whose": "Ada"', '"whose": 5').replace(kept.sha256, sound.sha256(kept.wav))
    )
    with pytest.raises(Stop, match="nothing is generated"):
        voices.load(folders.outputs, "Ada one")
    (kept.wav.parent / "voice.json").write_text("{")
    with pytest.raises(Stop, match="cannot be read"):
        voices.load(folders.outputs, "Ada one")
    voices.delete(folders.outputs, "Ada one")
    assert voices.kept(folders.outputs) == []
    with pytest.raises(Stop, match="no name for a voice"):
        voices.checked_name("../x")


@pytest.fixture(scope="module")
def two():
    """Two people's recordings, prepared."""
    packages()
    found = []
    for name, voice_ in (("ada", "en-us+m3"), ("ben", "en-us+f3")):
        samples, rate = speak(voice_)
        part = Sound(samples[: 4 * rate] * numpy.float32(0.5), rate)
        found.append(
            reference.Reference(part, part, 0.0, 4.0, reference.Quality(4, rate, 1, 8000, 40, 0, 0, 0.3, 1), (), name)
        )
    return found


def test_two_sessions_in_one_home_hear_each_their_own_voice(folders, two):
    kept = []
    for found, who in zip(two, ("Ada", "Ben"), strict=True):
        own._mine.clear()  # another session
        kept.append(voices.held(folders.work, "voice", found, "", consent.ask(True, who, "my own voice")))
    for prompt, found in zip(kept, two, strict=True):
        assert numpy.allclose(prompt.sound().samples, found.part.samples, atol=1e-4)
    assert own.others(folders.work) == 1


@pytest.mark.parametrize("killed", [True, False])
def test_what_a_killed_session_left_is_removed_and_a_living_ones_stays(killed, folders):
    mine = own.folder(folders.work)
    code = (
        f"import os; from media import own; from pathlib import Path; found = own.folder(Path({str(folders.work)!r}))"
    )
    code += "; print(found, flush=True)"
    code += "; os._exit(0)" if killed else ""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "notebooks-src/lib")}
    left = subprocess.run([sys.executable, "-c", code], env=env,
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    assert Path(left).is_dir() == killed and Path(left) != mine  # an ordinary end removes it
    assert own.others(folders.work) == 0 and not Path(left).exists() and own.folder(folders.work) == mine
    assert mine.is_dir()


def test_one_session_at_a_time_writes_results(folders):
    code = "import sys; from media import own; from pathlib import Path\n"
    code += f"with own.alone(Path({str(folders.outputs)!r})):\n    print('in', flush=True); sys.stdin.read()"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "notebooks-src/lib")}
    with subprocess.Popen([sys.executable, "-c", code], env=env, stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout.readline() == "in\n"
        held, waiting = [], own.alone(folders.outputs)
        thread = threading.Thread(target=lambda: held.append(waiting.__enter__()))
        thread.start()
        thread.join(0.3)
        assert held == []  # it waits
        other.stdin.close()
        thread.join(10)
        assert held == [None]
        waiting.__exit__(None, None, None)


def test_a_recording_that_was_put_in_the_place_of_another_is_not_spoken_with(folders, two):
    given = consent.ask(True, "Ada", "my own voice")
    prompt = voices.held(folders.work, "voice", two[0], "", given)
    digest = prompt.digest
    sound.write(prompt.wav, two[1].part)
    assert prompt.digest == digest  # it was fixed when the consent was given
    for call in (prompt.sound, lambda: batch.ready(Hears(), {"": prompt})):
        with pytest.raises(Stop, match="is not the recording of Ada any more"):
            call()
    prompt.wav.unlink()
    with pytest.raises(Stop, match="is not the recording of Ada any more"):
        batch.ready(Hears(), {"": prompt})


class Hears:
    """What batch.ready asks of an engine."""

    def voice(self, wav, transcript):
        return None


def test_a_kept_voice_is_not_replaced_by_another_persons_or_recording(folders, two):
    ada, ben = (consent.ask(True, who, "my own voice") for who in ("Ada", "Ben"))
    voices.save(folders.outputs, "mine", two[0], "", ada)
    voices.save(folders.outputs, "mine", two[0], "with words", ada)  # the same once more
    for name, found, given, said in (
        ("mine", two[1], ben, "holds a voice of Ada: choose another KEEP_AS"),
        ("Mine", two[1], ben, "holds a voice of Ada"),
        ("mine", two[1], ada, "holds another recording of Ada"),
    ):
        with pytest.raises(Stop, match=said):
            voices.save(folders.outputs, name, found, "", given)
    assert voices.load(folders.outputs, "mine").transcript == "with words"


def test_a_kept_voice_with_the_samples_consent_is_the_sample(folders, two):
    ours = consent.ask(False, "", "")
    kept = voices.save(folders.outputs, "x", reference.prepare(intake.find("sample", folders), most=6), "", ours)
    assert voices.load(folders.outputs, "x").consent == ours
    sound.write(kept.wav, two[0].part)
    side = kept.wav.with_name("voice.json")
    side.write_text(side.read_text().replace(kept.sha256, sound.sha256(kept.wav)))
    with pytest.raises(Stop, match="is not the one that comes with the notebook"):
        voices.load(folders.outputs, "x")


def test_without_consent_no_voice_is_kept(folders, put):
    with pytest.raises(Stop, match="nothing is generated"):
        voices.save(folders.outputs, "x", reference.prepare(put(speak()[0])), "", None)


def test_each_speaker_has_a_folder_of_their_own():
    assert voices.labels(["", "Anna"], "mine") == {"": "mine", "Anna": "Anna"}
    made = voices.labels(["", "Dr. X", "Dr/ X", "../..", "李"])
    assert made[""] == "voice" and len(set(made.values())) == 5
    assert all(voices.checked_name(label) == label for label in made.values())
    with pytest.raises(Stop, match="under one name"):
        voices.labels(["", "Anna"], "anna")
    with pytest.raises(Stop, match="no name for a voice"):
        voices.labels([""], "../x")


def test_only_those_who_speak_need_a_voice():
    lines = script.lines("Anna: Hello.\nBen: Hi.")
    given = intake.wishes("sample", {"Anna": "a.wav", "Ben": "kept:ben", "Carl": "c.wav"}, lines)
    assert given == {"Anna": "a.wav", "Ben": "kept:ben"}
    with pytest.raises(Stop, match="without a voice"):
        intake.wishes("sample", {"Anna": "a.wav"}, lines)
    with pytest.raises(Stop, match="names Anna twice"):
        intake.speakers("Anna = a.wav; Anna = b.wav")


def test_a_text_is_found_where_a_recording_is(folders):
    (folders.outputs / "story.txt").write_text("Once.")
    assert intake.text("story.txt", folders) == str(folders.outputs / "story.txt")
    assert intake.text("", folders) == "" and intake.text("nope.txt", folders) == "nope.txt"


def test_the_part_is_the_one_with_less_noise_and_long_silence_or_a_step_back_is_no_harm(tmp_path):
    voice, rate = speak(text="The quick brown fox jumps over the lazy dog. Please listen to this calm sentence. " * 2)
    voice = 0.5 * voice[: 7 * rate] / numpy.abs(voice).max()
    noisy = voice + numpy.random.default_rng(0).normal(0, 0.02, len(voice))
    soft, silence = 0.1 * voice, numpy.zeros(20 * rate)

    def judged(*parts):
        soundfile.write(tmp_path / "a.wav", numpy.concatenate(parts), rate)
        return reference.prepare(tmp_path / "a.wav", most=6)

    assert judged(noisy, voice).begin > 6.5 and judged(voice, noisy).end < 7.5
    assert judged(soft, voice).quality.voices == 1
    found = judged(silence, voice, silence)
    assert 20 <= found.begin < found.end < 27.1 and any("silence" in remark for remark in found.remarks)


def test_two_who_take_turns_every_three_seconds_are_two():
    one, rate = speak("en-us+m3", "The quick brown fox jumps over the lazy dog. Please listen carefully. " * 3, 30)
    other, _ = speak("en-us+f2", "The quick brown fox jumps over the lazy dog. Please listen carefully. " * 3, 70)
    turns = [whose[i * 3 * rate : (i + 1) * 3 * rate] for i in range(4) for whose in (one, other)]
    for parts, count in ((turns, 2), ([one], 1), ([other], 1)):
        given = Sound(numpy.concatenate(parts).astype(numpy.float32), rate)
        talk = reference._talking(reference._levels(given))
        _, made = speaker.windows(given, talk, 0.02)
        assert 1 + int(speaker.groups(made).any()) == count
