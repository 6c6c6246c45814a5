"""Engines on tiny models of their own classes, from the same files and through the same calls as the real ones."""

import importlib.util
import json
import os
import subprocess
import sys
import time

import numpy
import pytest
import soundfile
import torch
from labkit import Stop
from media import shims, watermark
from voiceclone import (
    batch,
    consent,
    finished,
    intake,
    output,
    plots,
    recogniser,
    reference,
    registry,
    script,
    sound,
    speaker,
    studio,
    takes,
    tiny,
    voices,
)
from voiceclone.engines import How

from anylab.compile import compile_all
from anylab.project import open_project
from anylab.smoke.hub import Hub
from tests.conftest import ROOT
from tests.library.voices import packages

TEXT = "This is the first sentence of a small test. And here is the second one, which is as long as that."


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """{engine: loaded twin}, each loaded once."""
    packages()
    from labkit import storage

    root, found = tmp_path_factory.mktemp("engines"), {}
    for name in ("voxcpm2", "pocket"):
        folders = storage.Folders(root / name, root / name, None, True)
        found[name] = studio.load(registry.engines()[name], "en", folders, quick=True)
    return found


@pytest.fixture
def prompt(folders):
    packages()
    found = reference.prepare(intake.find("sample", folders), most=6)
    return voices.save(folders.outputs, "voice", found, "", consent.ask(False, "", ""))


def items(text=TEXT, **more):
    return script.items([script.Line("speech", "", text, **more)], "en")[0]


def speak(loaded, prompt, folders, todo, settings=None, engine=None, ears=None):
    engine = engine or loaded.engine
    booth = takes.Booth(engine, batch.ready(engine, {"": prompt}), settings or takes.Settings(steps=2), ears)
    return batch.run(todo, booth, folders, loaded.facts())


def put(todo, made, folders):
    """{recording: (sound, notes)}"""
    return dict(batch.recordings(todo, made, folders))


@pytest.mark.parametrize("name", ["voxcpm2", "pocket"])
def test_a_text_becomes_a_marked_file(name, loaded, prompt, folders):
    todo = items()
    made = speak(loaded[name], prompt, folders, todo)
    assert [r["state"] for r in made.records] == ["done", "done"]
    spoken, notes = put(todo, made, folders)["speech"]
    result = output.write(folders.outputs, "speech", spoken, loaded[name].facts(), prompt.consent)
    assert result.mark > watermark.FOUND and spoken.rate == 48000 and result.seconds > 2
    numbers = batch.summary(made, [result])
    assert numbers["done"] == 2 and numbers["real_time_factor"] > 0 and -1 <= numbers["similarity"] <= 1
    assert all(len(row) <= 46 for row in batch.told(numbers, False).splitlines())  # what a phone shows
    for record in made.records:
        take = sound.from_file(batch.file(record, folders)).samples
        assert take[0] == take[-1] == 0  # a join does not click, for all the mark added
    with soundfile.SoundFile(batch.file(made.records[0], folders)) as file:
        assert file.comment == "AI-generated speech"
    for record in made.records if name == "voxcpm2" else ():  # a hum, as Pocket's twin gives, takes no mark by itself
        assert watermark.found(sound.from_file(batch.file(record, folders))) > watermark.FOUND
        mark = record["made"]["takes"][0]["mark"]
        assert mark["after"] > mark["before"]  # this noise alone is read as more than a half


def test_the_same_seed_says_the_same_and_another_something_else(loaded, prompt):
    engine = loaded["voxcpm2"].engine
    voice = engine.voice(prompt.wav, "")
    one, same, other = (engine.say("Hello there.", voice, How(seed=s, steps=2)) for s in (1, 1, 2))
    assert numpy.array_equal(one, same) and not numpy.array_equal(one[: len(other)], other[: len(one)])


def test_nothing_is_built_while_an_engine_speaks_from_a_seed(loaded, prompt, folders):
    """A model that is built draws random numbers, and the sentence that is being spoken then would be another one."""
    voice = batch.ready(loaded["voxcpm2"].engine, {"": prompt})
    watermark._perth.cache_clear()
    speaker._encoder.cache_clear()
    there = []

    class Watched(Broken):
        def say(self, text, voice, how):
            there.append((watermark._perth.cache_info().currsize, speaker._encoder.cache_info().currsize))
            return self.engine.say(text, voice, how)

    booth = takes.Booth(Watched(loaded["voxcpm2"].engine, "", 0), voice, takes.Settings(steps=2))
    batch.run(items(), booth, folders, loaded["voxcpm2"].facts())
    assert there == [(1, 1), (1, 1)]


def test_a_transcript_makes_another_voice_of_the_same_reference(loaded, prompt):
    engine = loaded["voxcpm2"].engine
    assert engine.voice(prompt.wav, "")["mode"] == "reference"
    assert engine.voice(prompt.wav, "Some words.")["mode"] == "ref_continuation"


def test_pocket_leaves_torchs_threads_alone(loaded, prompt):
    before = torch.get_num_threads()
    code = "import torch; torch.set_num_threads(3)\nfrom media import shims\n"
    code += "with shims.threads_kept():\n    import pocket_tts"
    paths = os.pathsep.join([str(packages()), str(ROOT / "notebooks-src/lib")])
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n    assert torch.get_num_threads() == 1\nprint(torch.get_num_threads())"],
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "3", done.stderr
    assert torch.get_num_threads() == before


def test_pocket_without_its_weights_is_refused_and_not_replaced(loaded, folders, monkeypatch):
    from pocket_tts import TTSModel
    from voiceclone.engines import pocket

    real = TTSModel.load_model

    def fallen_back(**given):
        model = real(**given)
        model.has_voice_cloning = False  # what its own loader does when the gate is closed
        return model

    monkeypatch.setattr(TTSModel, "load_model", fallen_back)
    with pytest.raises(Stop, match="without the weights that clone"):
        studio.load(registry.engines()["pocket"], "en", folders, quick=True)
    config = json.loads(json.dumps(pocket._config("fr")))
    assert config["weights_path_without_voice_cloning"].startswith("hf://kyutai/pocket-tts-without")
    assert "weights_path_without_voice_cloning: null" in (folders.work / "pocket.yaml").read_text()


def test_the_gate_is_one_sentence_with_the_page_and_the_secret(tmp_path):
    packages()
    for repo in ("kyutai/pocket-tts", "kyutai/pocket-tts-without-voice-cloning"):
        tiny.twin(tmp_path / repo, repo)
    script_ = (
        "from pathlib import Path\nfrom labkit import Stop, storage\nfrom voiceclone import registry, studio\n"
        "f = storage.Folders(*map(Path, ('work', 'outputs', 'cache')), kept=True)\nf.work.mkdir()\n"
        "try:\n    studio.load(registry.engines()['pocket'], 'en', f)\nexcept Stop as stop:\n    print('STOP', stop)\n"
    )
    paths = os.pathsep.join([str(packages()), str(ROOT / "notebooks-src/lib")])
    commits = {r.id: r.revision for r in registry.module("pocket").repos("en")}
    with Hub({repo: tmp_path / repo for repo in commits}, "gate", commits) as hub:
        env = {
            **os.environ,
            **hub.env,
            "PYTHONPATH": paths,
            "HF_TOKEN": "",
            "HF_HUB_OFFLINE": "0",
            "HOME": str(tmp_path),
        }
        done = subprocess.run([sys.executable, "-c", script_], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert "STOP kyutai/pocket-tts asks for consent first" in done.stdout, done.stderr
    assert "https://huggingface.co/kyutai/pocket-tts" in done.stdout and "HF_TOKEN" in done.stdout


def test_what_the_front_matter_says_of_models_is_what_the_engines_ask_for():
    packages()
    source = next(p.source for p in compile_all(open_project(ROOT)).pairs if p.source.name == "voice_cloning")
    declared = {m["id"]: (m["gb"], m["revision"], m["gated"]) for m in source.front["models"]}
    asked = {r.id: (r.gb, r.revision) for name in registry.engines() for code in ("en", "fi", "fr")
             for r in registry.module(name).repos(code) if code == "en" or name == "chatterbox"}  # fmt: skip
    asked[recogniser.REPO.id] = (recogniser.REPO.gb, recogniser.REPO.revision)
    assert {k: v[:2] for k, v in declared.items()} == asked
    assert declared["kyutai/pocket-tts"][2] and not declared["openbmb/VoxCPM2"][2]


def test_each_entry_says_what_a_reader_must_know():
    packages()
    known = registry.engines()
    assert list(known) == ["voxcpm2", "chatterbox", "pocket"]
    for about in known.values():
        told = registry.describe(about, "en")
        for what in (about.code_licence, about.weight_licence, about.checked, about.terms, "GB"):
            assert str(what) in told
        assert len(about.languages) == len(set(about.languages)) and "en" in about.languages
    assert [len(a.languages) for a in known.values()] == [30, 23, 7]


@pytest.mark.parametrize(
    ("asked", "language", "gpu", "ram", "token", "torchaudio", "got"),
    [
        ("auto", "en", 15.0, 12.7, False, True, "voxcpm2"),
        ("auto", "en", 6.0, 12.7, False, True, "chatterbox"),
        ("auto", "en", 0.0, 12.7, True, True, "pocket"),
        ("auto", "en", 0.0, 12.7, False, True, "chatterbox"),
        ("auto", "en", 0.0, 29.0, False, False, "voxcpm2"),
        ("auto", "fi", 0.0, 29.0, True, True, "chatterbox"),
        ("auto", "vi", 15.0, 12.7, False, True, "voxcpm2"),
        ("auto", "en", 0.0, 3.0, False, True, "no engine fits here"),
        ("pocket", "ja", 0.0, 12.7, True, True, "Pocket TTS does not speak 'ja'; VoxCPM2 and Chatterbox can"),
        ("auto", "xx", 15.0, 12.7, False, True, "VoxCPM2 does not speak 'xx'; no engine here does"),
        ("chatterbox", "en", 15.0, 12.7, False, False, "Chatterbox needs torchaudio"),
        ("bark", "en", 15.0, 12.7, False, True, "there is no engine 'bark'"),
    ],
)
def test_the_engine_follows_from_card_memory_token_and_language(asked, language, gpu, ram, token, torchaudio, got):
    packages()
    if " " in got:
        with pytest.raises(Stop, match=got):
            registry.choose(asked, language, gpu, ram, token, torchaudio)
    else:
        assert registry.choose(asked, language, gpu, ram, token, torchaudio).name == got


def test_a_second_run_in_one_kernel_takes_the_same_engine_and_gives_the_first_one_s_memory_back(folders, monkeypatch):
    packages()
    first = studio.load(registry.engines()["pocket"], "de", folders, quick=True)  # each language has a twin
    assert first.engine.model is not None
    held = 10.6e9  # what VoxCPM2 holds of a T4
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (15.6e9 - held, 15.6e9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: held)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(studio, "device", lambda: "cuda")
    assert studio.choose("auto", "vi").name == "voxcpm2"
    again = studio.load(registry.engines()["pocket"], "de", folders, quick=True)
    assert not vars(first.engine) and again.engine.model is not None
    with pytest.raises(Stop, match="Chatterbox has no tiny twin"):
        studio.load(registry.engines()["chatterbox"], "en", folders, quick=True)


def test_above_a_factor_of_three_another_engine_is_advised():
    slow, other = registry.engines()["voxcpm2"], registry.engines()["chatterbox"]
    assert "3.4 s of work per second of speech): try ENGINE = 'chatterbox'" in registry.advice(slow, 3.4, "en")
    for about, factor, language in ((slow, 2.9, "en"), (slow, None, "en"), (slow, 9.0, "vi"), (other, 9.0, "en")):
        assert registry.advice(about, factor, language) == ""


def test_the_dtype_is_written_into_a_copy_of_the_config(folders, loaded):
    from voiceclone.engines import voxcpm2

    assert loaded["voxcpm2"].engine.dtype == "float32"  # no card here: the twin's file says bfloat16
    snapshot = folders.work / "snapshot"
    tiny.twin(snapshot, "openbmb/VoxCPM2")
    before = (snapshot / "config.json").read_text()
    place = voxcpm2.with_dtype(snapshot, folders.work / "mine", "bfloat16")
    assert json.loads((place / "config.json").read_text())["dtype"] == "bfloat16"
    assert (snapshot / "config.json").read_text() == before
    assert (place / "model.safetensors").is_symlink()


def test_a_file_that_lacks_weights_is_refused(folders):
    from safetensors.torch import load_file, save_file
    from voiceclone.engines import voxcpm2

    packages()
    tiny.twin(folders.work / "snapshot", "openbmb/VoxCPM2")
    path = folders.work / "snapshot" / "model.safetensors"
    weights = load_file(path)
    weights.pop("stop_head.weight")
    save_file(weights, path)
    with pytest.raises(Stop, match="lacks 1 weights, such as stop_head.weight"):
        voxcpm2.load([path.parent], "en", "cpu", folders.work)


class Broken:
    """An engine that fails at words it is told, as often as it is told."""

    def __init__(self, engine, word, times):
        self.engine, self.word, self.left, self.calls = engine, word, times, []
        self.rate, self.dtype, self.voice = engine.rate, engine.dtype, engine.voice
        self.error = RuntimeError("CUDA error: something\nmore lines")

    def say(self, text, voice, how):
        self.calls.append((text, how.seed))
        if self.word in text and self.left > 0:
            self.left -= 1
            raise self.error
        return self.engine.say(text, voice, how)


def test_the_next_sentence_is_spoken_while_one_is_judged_also_where_a_text_repeats_itself(
    loaded, prompt, folders, monkeypatch
):
    engine, ahead, one = Broken(loaded["voxcpm2"].engine, "", 0), [], items()[0]
    texts = ("Yes, it is so.", "Yes, it is so.", "No, it is not.", "Yes, it is so.")
    todo = [{**one, "text": text} for text in texts]
    real = takes.measures.fault

    def judged(*asked):
        until = time.monotonic() + 10
        while len(engine.calls) < min(len(ahead) + 2, len(todo)) and time.monotonic() < until:
            time.sleep(0.01)
        ahead.append(len(engine.calls))
        return real(*asked)

    monkeypatch.setattr(takes.measures, "fault", judged)
    speak(loaded["voxcpm2"], prompt, folders, todo, engine=engine)
    assert ahead == [2, 3, 4, 4] and [text for text, _ in engine.calls] == list(texts)


def test_a_sentence_that_fails_is_tried_once_more_with_another_seed(loaded, prompt, folders):
    engine = Broken(loaded["voxcpm2"].engine, "second", 1)
    made = speak(loaded["voxcpm2"], prompt, folders, items(), engine=engine)
    assert [r["state"] for r in made.records] == ["done", "done"] and made.records[1]["made"]["again"] == 1
    seeds = [seed for text, seed in engine.calls if "second" in text]
    assert len(seeds) == 2 and seeds[0] != seeds[1]


def test_whatever_a_package_raises_is_tried_once_more(loaded, prompt, folders):
    engine = Broken(loaded["voxcpm2"].engine, "second", 1)
    engine.error = AttributeError("'NoneType' object has no attribute 'shape'")
    made = speak(loaded["voxcpm2"], prompt, folders, items(), engine=engine)
    assert [r["state"] for r in made.records] == ["done", "done"] and made.records[1]["made"]["again"] == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"takes": 0}, "TAKES must be a whole number from 1 to 20, not 0"),
        ({"takes": "three"}, "TAKES must be a whole number from 1 to 20, not 'three'"),
        ({"steps": 2.5}, "STEPS must be a whole number from 0 to 200, not 2.5"),
        ({"guidance": float("nan")}, "GUIDANCE must be from 0 to 20, not nan"),
    ],
)
def test_a_setting_that_cannot_be_is_told_before_a_download(wrong, said):
    with pytest.raises(Stop, match=said):
        takes.Settings(**wrong)


def test_the_mp3_is_begun_while_the_sentences_are_spoken_also_when_a_run_goes_on(loaded, prompt, folders):
    about, todo = loaded["voxcpm2"].facts(), items()
    for _ in range(2):  # the second time everything is there already
        begun = output.drafts(folders, about)
        booth = takes.Booth(loaded["voxcpm2"].engine, batch.ready(loaded["voxcpm2"].engine, {"": prompt}),
                            takes.Settings(steps=2))  # fmt: skip
        made = batch.run(todo, booth, folders, about, begun)
        whole, _ = put(todo, made, folders)["speech"]
        assert begun.taken("speech", whole, begun.told("speech")) is not None


def test_one_that_fails_twice_is_reported_the_rest_goes_on_and_a_rerun_makes_it(loaded, prompt, folders, capsys):
    todo = items(TEXT + " The third sentence is here, and it is fine, as far as anybody can tell.")
    engine = Broken(loaded["voxcpm2"].engine, "second", 2)
    made = speak(loaded["voxcpm2"], prompt, folders, todo, engine=engine)
    assert [r["state"] for r in made.records] == ["done", "failed", "done"]
    assert "CUDA error: something, also when tried again" in made.records[1]["error"]
    whole, notes = put(todo, made, folders)["speech"]
    assert len(notes) == 1 and "sentence 2 is missing" in notes[0] and whole.seconds > 2
    calls = len(engine.calls)
    again = speak(loaded["voxcpm2"], prompt, folders, todo, engine=engine)
    assert [r["state"] for r in again.records] == ["done"] * 3 and len(engine.calls) == calls + 1
    assert "3 done" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sound_", "said"),
    [
        (numpy.zeros(48000, numpy.float32), "it is silent"),
        (numpy.full(48000, numpy.nan, numpy.float32), "not a number"),
        (numpy.zeros(0, numpy.float32), "no sound came out"),
    ],
)
def test_silence_and_nonsense_of_an_engine_are_failures(sound_, said, loaded, prompt, folders):
    class Mute(Broken):
        def say(self, text, voice, how):
            return sound_

    engine = Mute(loaded["voxcpm2"].engine, "", 0)
    made = speak(
        loaded["voxcpm2"], prompt, folders, items("One sentence only, of usual length, for the test."), engine=engine
    )
    assert made.records[0]["state"] == "failed" and said in made.records[0]["error"]
    assert put(items("One sentence only, of usual length, for the test."), made, folders) == {}


class Ears:
    """A recogniser that hears what it is told: the weights of a real one are not here."""

    def __init__(self, *heard):
        self.answers = list(heard)

    def heard(self, sound, language="en"):
        return self.answers.pop(0)


def test_unclear_words_are_said_again_and_the_clearer_take_wins(loaded, prompt, folders):
    text = "These are the words that are wanted here, by all means."
    made = speak(loaded["voxcpm2"], prompt, folders, items(text), ears=Ears("entirely other noise", text))
    record = made.records[0]["made"]
    assert record["again"] == 1 and record["takes"][0]["word_errors"] == 0 and record["check"] == ""
    unclear = speak(loaded["voxcpm2"], prompt, folders, items(text, seed=5), ears=Ears("nothing", "of it"))
    assert "words are unclear" in unclear.records[0]["made"]["check"]
    _, notes = put(items(text, seed=5), unclear, folders)["speech"]
    assert "listen to sentence 1" in notes[0]


def test_takes_are_kept_the_best_first(loaded, prompt, folders):
    made = speak(loaded["voxcpm2"], prompt, folders, items(), takes.Settings(takes=3, steps=2))
    record = made.records[0]
    alike = [take["similarity"] for take in record["made"]["takes"]]
    assert len(alike) == 3 and alike == sorted(alike, reverse=True)
    assert len({take["seed"] for take in record["made"]["takes"]}) == 3
    assert plots.pieces(made.records).axes[0].get_ylabel() == "similarity"
    shown = batch.takes_of(made, folders)
    assert len(shown) == 3 and all(path.is_file() for _, path in shown)


def test_nothing_is_made_twice_and_another_voice_or_setting_is_other_work(loaded, prompt, folders):
    engine = Broken(loaded["voxcpm2"].engine, "", 0)
    for settings, calls in ((None, 2), (None, 2), (takes.Settings(steps=3), 4)):
        speak(loaded["voxcpm2"], prompt, folders, items(), settings, engine)
        assert len(engine.calls) == calls


def test_a_lost_file_is_made_again(loaded, prompt, folders):
    engine = Broken(loaded["voxcpm2"].engine, "", 0)
    made = speak(loaded["voxcpm2"], prompt, folders, items(), engine=engine)
    batch.file(made.records[0], folders).unlink()
    speak(loaded["voxcpm2"], prompt, folders, items(), engine=engine)
    assert len(engine.calls) == 3


def test_a_table_is_a_file_a_row_and_subtitles_keep_their_times(loaded, prompt, folders, tmp_path, monkeypatch, capsys):
    def told():
        return capsys.readouterr().out

    (tmp_path / "a.csv").write_text("name,text\none,The first row is said here.\ntwo,And the second row follows it.\n")
    todo = script.items(script.lines("", str(tmp_path / "a.csv")), "en")[0]
    made = speak(loaded["voxcpm2"], prompt, folders, todo)
    assert list(put(todo, made, folders)) == ["one", "two"]

    def written(whose=prompt.consent, of=made):
        found = finished.written(todo, of, folders, loaded["voxcpm2"].facts(), {"": whose})
        return [(r.wav, r.wav.stat().st_mtime_ns) for r, _ in found]

    first = written()
    assert [path.name for path, _ in first] == ["one.wav", "two.wav"] and written() == first, "no file is written again"
    first[1][0].write_bytes(b"altered")
    monkeypatch.setattr(finished.clock, "should_stop", lambda margin: True)
    assert written() == first[:1] and "two is spoken, and not written" in told()
    monkeypatch.undo()
    monkeypatch.setattr(output, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert written() == first[:1] and "two is spoken, and not written: it was stopped" in told()
    monkeypatch.undo()
    assert [time > before for (_, time), (_, before) in zip(written(), first, strict=True)] == [False, True]
    other = consent.ask(True, "Ada", "my own voice")
    assert all(a > b for (_, a), (_, b) in zip(written(other), first, strict=True)), "the record names somebody else"
    lost = batch.Run([{"state": "failed", "error": "no breath"}, {"state": "queued"}], 0.0)
    assert written(of=lost) == []
    said = told()
    assert "one: nothing of it could be said (no breath)" in said and "two is not made yet" in said
    (tmp_path / "b.srt").write_text(
        "1\n00:00:02,000 --> 00:00:06,000\nThe first subtitle is here.\n\n"
        "2\n00:00:08,000 --> 00:00:08,400\nThe second one has far too little time for all of its words.\n"
    )
    todo = script.items(script.lines("", str(tmp_path / "b.srt")), "en")[0]
    made = speak(loaded["voxcpm2"], prompt, folders, todo)
    whole, notes = put(todo, made, folders)["b"]
    loud = numpy.flatnonzero(numpy.abs(whole.samples) > 1e-3) / whole.rate
    assert 1.95 < loud[0] < 2.2 and not ((loud > 6.1) & (loud < 7.95)).any()
    assert any("longer than their time" in note for note in notes)
    assert made.records[1]["made"]["takes"][0]["speed"] == pytest.approx(takes.FASTEST)


def test_speakers_speak_with_their_own_voices(loaded, prompt, folders):
    todo = script.items(script.lines("Anna: Hello, my name is Anna.\nBen: And I am Ben, as you hear."), "en")[0]
    engine = loaded["voxcpm2"].engine
    booth = takes.Booth(
        engine, batch.ready(engine, {"": prompt, "Anna": prompt, "Ben": prompt}), takes.Settings(steps=2)
    )
    made = batch.run(todo, booth, folders, loaded["voxcpm2"].facts())
    assert [r["item"]["speaker"] for r in made.records] == ["Anna", "Ben"]
    with pytest.raises(Stop, match=r"speakers without a voice \(Anna, Ben\): set SPEAKERS"):
        intake.missing(script.lines("Anna: Hello.\nBen: Hi."), {"": "sample"})


def test_a_tiny_whisper_hears_through_the_same_loader(tmp_path, prompt):
    packages()
    tiny.twin(tmp_path, "openai/whisper-base")
    ears = recogniser.load(tmp_path, "cpu")
    assert isinstance(ears.heard(prompt.sound()), str)
    assert not shims.has_torchaudio()  # what stands in for it is not taken for it


def test_what_stands_in_for_pkg_resources_is_gone_once_perth_is_here():
    packages()
    real = importlib.util.find_spec("pkg_resources")
    watermark.ready()
    assert importlib.util.find_spec("pkg_resources") == real  # raises ValueError for a module without a spec


def test_no_engine_hears_a_voice_without_consent(loaded, prompt):
    from dataclasses import replace

    engine = Broken(loaded["voxcpm2"].engine, "", 0)
    with pytest.raises(Stop, match="nothing is generated"):
        batch.ready(engine, {"": replace(prompt, consent=None)})
    voice = batch.ready(engine, {"": prompt})[""]
    with pytest.raises(Stop, match="nothing is generated"):
        takes.Booth(engine, {"": replace(voice, agreed=None)}, takes.Settings())
