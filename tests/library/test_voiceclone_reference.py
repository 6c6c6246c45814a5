"""Recordings as people bring them: what cannot work is one sentence, what costs quality a remark; consent first."""

import numpy
import pytest
import soundfile
from labkit import Stop
from media import consent as media_consent
from media.sound import Sound, resample
from voiceclone import consent, intake, plots, reference, sample, sound, speaker, voices

from tests.conftest import ROOT
from tests.library.voices import packages, speak


@pytest.fixture(autouse=True)
def resemblyzer():
    packages()


@pytest.fixture
def put(tmp_path):
    """Write samples as a wav; its path."""

    def write(samples, rate=16000, name="voice.wav"):
        soundfile.write(tmp_path / name, samples, rate)
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
        ("music", "sounds like music or a steady noise"),
        ("noise", "sounds like music or a steady noise"),
        ("almost silent", "is almost silent"),
    ],
)
def test_what_cannot_be_cloned_is_one_sentence(what, said, put):
    voice, rate = speak()
    made = {
        "silence": numpy.zeros(rate * 6),
        "half a second": voice[: rate // 2],
        "nothing": voice[:0],
        "music": music(),
        "noise": numpy.random.default_rng(0).standard_normal(rate * 6) * 0.1,
        "almost silent": numpy.concatenate([voice[:rate], numpy.zeros(rate * 9)]),
    }[what]
    with pytest.raises(Stop, match=said) as stop:
        reference.prepare(put(made))
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
    assert intake.find(str(folders.outputs / "mine.wav"), folders).is_file()
    for wish, said in (
        ("nope.wav", "there is no recording 'nope.wav'"),
        ("record", "has no way to"),
        ("upload", "has no way to"),
    ):
        with pytest.raises(Stop, match=said):
            intake.find(wish, folders)


def test_speakers_are_read_and_a_missing_one_is_told():
    assert intake.speakers("Anna = a.wav; Ben=kept:ben") == {"Anna": "a.wav", "Ben": "kept:ben"}
    with pytest.raises(Stop, match="SPEAKERS should be like"):
        intake.speakers("Anna a.wav")


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
    with pytest.raises(Stop, match="nothing is generated"):
        media_consent.granted(media_consent.Consent("Ada", "because", "", {}))


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
        consent.aloud("ask", given, found, None, folders, "en")
    drawn = __import__("json").loads((folders.outputs / "consent-sentence.json").read_text())["sentence"]
    assert "Ada" in drawn
    mine = put(speak(text=drawn)[0], name="said.wav")
    with pytest.raises(Stop, match="checked by a recogniser"):
        consent.aloud(str(mine), given, found, None, folders, "en")
    with pytest.raises(Stop, match="and not:"):
        consent.aloud(str(mine), given, found, Ears("something else entirely"), folders, "en")
    spoken = consent.aloud(str(mine), given, found, Ears(drawn), folders, "en").spoken
    assert spoken["word_errors"] == 0 and spoken["similarity"] >= speaker.SAME
    other = put(speak("en-us+f3", text=drawn, pitch=80)[0], name="other.wav")
    with pytest.raises(Stop, match="are two voices"):
        consent.aloud(str(other), given, found, Ears(drawn), folders, "en")


def test_two_sentences_are_hardly_ever_the_same():
    assert len({consent.sentence("Ada") for _ in range(50)}) > 40


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
    (kept.wav.parent / "voice.json").write_text("{")
    with pytest.raises(Stop, match="cannot be read"):
        voices.load(folders.outputs, "Ada one")
    voices.delete(folders.outputs, "Ada one")
    assert voices.kept(folders.outputs) == []
    with pytest.raises(Stop, match="no name for a voice"):
        voices.checked_name("../x")


def test_without_consent_no_voice_is_kept(folders, put):
    with pytest.raises(Stop, match="nothing is generated"):
        voices.save(folders.outputs, "x", reference.prepare(put(speak()[0])), "", None)
    assert sample.WHOSE
