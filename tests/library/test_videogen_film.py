"""videogen.film, edit, quality, plots and form: what was made is opened, judged, joined and shown."""

import struct
import wave
from dataclasses import replace

import numpy as np
import pytest
from labkit import Stop, clock
from media import player
from videogen import edit, film, plan, plots, quality, reel, request

from tests.library.videogen_worlds import pan, wishes

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def smooth(tmp_path_factory):
    return film.write(
        pan(), tmp_path_factory.mktemp("films") / "smooth.mp4", 16, {"title": "a; pan = 2", "comment": "x"}
    )


def sound(path, seconds, rate=8000, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        for i in range(int(seconds * rate)):
            file.writeframes(struct.pack("<h", int(9000 * np.sin(i / 9))) * channels)
    return path


def test_a_film_is_read_back_as_it_was_written(smooth):
    frames, head = film.read(smooth)
    assert frames.shape == (24, 96, 160, 3) and (head.codec, head.fps, head.sound) == ("h264", 16.0, False)
    assert quality.psnr(frames, pan()) > 30 and quality.psnr(film.still(smooth), pan()[12]) > 30
    assert film.metadata(smooth)["title"] == "a; pan = 2"
    assert film.faults(smooth, 24, 96, 160) == []


def test_the_same_frames_give_the_same_bytes(smooth, tmp_path):
    again = film.write(pan(), tmp_path / "again.mp4", 16, {"title": "a; pan = 2", "comment": "x"})
    assert again.read_bytes() == smooth.read_bytes()


def test_what_is_wrong_with_a_film_is_found(smooth, tmp_path):
    assert film.faults(smooth, 25, 96, 176) == [
        "it has 24 frames and should have 25",
        "it is 160 x 96 and should be 176 x 96",
    ]
    black = film.write(np.zeros((9, 64, 64, 3), "uint8"), tmp_path / "black.mp4", 16)
    assert film.faults(black, 9, 64, 64) == ["it is black"]
    still = film.write(np.repeat(pan(1), 9, 0), tmp_path / "still.mp4", 16)
    assert film.faults(still, 9, 96, 160) == ["it stands still"]
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(smooth.read_bytes()[:900])
    assert film.faults(cut, 24, 96, 160) == ["cut.mp4 is no film that can be opened"]


def test_a_film_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(Stop, match="writing odd.mp4 failed"):
        film.write(np.zeros((3, 63, 65, 3), "uint8"), tmp_path / "odd.mp4", 16)  # yuv420p wants even sides
    assert list(tmp_path.iterdir()) == []


def test_provenance_says_that_a_machine_made_it_which_one_and_when():
    about = film.provenance(plan.quick("fastwan-1.3b"), "owner/model at abc", 7, "a cat", "1", "2026-11-20")
    assert "AI-generated with owner/model at abc, seed 7" in about["comment"] and about["date"] == "2026-11-20"
    assert "no camera" in about["description"]


def test_numbers_tell_a_smooth_pan_from_noise_shuffling_and_standstill():
    clean = pan()
    noisy = np.clip(clean + RNG.normal(0, 15, clean.shape), 0, 255).astype("uint8")
    clips = {"pan": clean, "noise": noisy, "shuffled": clean[RNG.permutation(24)], "still": np.repeat(clean[:1], 24, 0)}
    found = {name: quality.measure(frames) for name, frames in clips.items()}
    assert found["pan"]["warp"] < 0.6 * found["pan"]["flicker"], "motion explains most of a pan's change"
    assert found["noise"]["warp"] > 3 * found["pan"]["warp"] and found["shuffled"]["jerk"] > 5 * found["pan"]["jerk"]
    assert found["still"]["frozen"] == 1 and found["still"]["flow"] < 0.05 < 1 < found["pan"]["flow"]
    assert found["noise"]["sharpness"] > found["pan"]["sharpness"]
    assert found["pan"]["temporal"] == pytest.approx((255 - found["pan"]["flicker"]) / 255, abs=1e-3)
    assert "stands still" in quality.verdict(found["still"]) and "noisy" in quality.verdict(found["noise"])
    assert quality.verdict(found["pan"]).startswith("soft: flow 2."), "drawn from a few waves, it has no fine detail"


def test_a_flow_of_two_pixels_is_measured_as_two():
    assert np.median(quality.curves(pan(step=2)).flow) == pytest.approx(2, abs=0.4)


def test_black_frames_and_a_foreign_first_frame_are_told():
    black = np.zeros((8, 64, 64, 3), "uint8")
    assert quality.measure(black)["black"] == 1 and "black" in quality.verdict(quality.measure(black))
    clean = pan()
    assert quality.measure(clean, clean[0])["first_psnr"] == 99
    other = quality.measure(clean, 255 - clean[0])
    assert other["first_psnr"] < 20 and "does not begin with the image" in quality.verdict(other)


def test_one_frame_alone_can_be_measured():
    assert quality.measure(pan(1))["flow"] == 0


def test_a_seam_that_shows_has_a_higher_score():
    clean = pan(24)
    assert quality.seam(clean[:12], clean[12:]) < 2 < 5 < quality.seam(clean[:12], 255 - clean[12:])


def test_scenes_melt_into_each_other(smooth, tmp_path):
    other = film.write(255 - pan(), tmp_path / "other.mp4", 16, {"comment": "y"})
    joined = edit.crossfade([smooth, other, smooth], tmp_path / "film.mp4", 0.5)
    frames, head = film.read(joined)
    assert len(frames) == 3 * 24 - 2 * 8 and film.metadata(joined)["comment"] == "x | y"
    alone = quality.psnr(frames[:12], pan()[:12])
    between = frames[16 + 4].astype(int)
    assert alone > 25 and np.abs(between - 128).mean() < np.abs(frames[4].astype(int) - 128).mean()
    for seconds in (0, 0.05):  # less than a frame
        assert film.count(edit.crossfade([smooth, other], tmp_path / "hard.mp4", seconds)) == 48


def test_scenes_that_do_not_fit_are_refused_in_a_sentence(smooth, tmp_path):
    other = film.write(pan(), tmp_path / "faster.mp4", 24)
    with pytest.raises(Stop, match="differ in frame rate"):
        edit.crossfade([smooth, other], tmp_path / "x.mp4")
    with pytest.raises(Stop, match="more than half of a clip of 1.5 s"):
        edit.crossfade([smooth, smooth], tmp_path / "x.mp4", 1.0)
    assert not (tmp_path / "x.mp4").exists()


def test_a_clip_for_which_memory_did_not_suffice_is_joined_all_the_same_and_that_is_said(smooth, tmp_path, capsys):
    small = film.write(pan(9, height=64, width=96), tmp_path / "small.mp4", 16)
    film_of, fades = reel.made([smooth, small, smooth], tmp_path, 0.5, asked=3), capsys.readouterr().out
    assert "small.mp4 is 96 x 64: enlarged to 160 x 96" in fades and "0.28 s instead of 0.5 s" in fades
    head = film.facts(film_of[0])
    assert (head.width, head.height) == (160, 96) and film.count(film_of[0]) in (47, 48, 49)
    long, seams = edit.chain([smooth, small], tmp_path / "long.mp4")
    assert film.count(long) == 24 + 8 and film.facts(long).width == 160 and len(seams) == 1


def test_frames_in_another_size_keep_their_shape():
    wide = quality.sized(pan(2, height=64, width=96), 96, 160)
    assert wide.shape == (2, 96, 160, 3)
    right = np.zeros((1, 40, 80, 3), "uint8")
    right[:, :, 40:] = 200
    tall = quality.sized(right, 40, 40)  # the middle of it
    assert tall[0, :, :18].max() < 20 and tall[0, :, 22:].min() > 180


def test_smoother_larger_and_with_sound(smooth, tmp_path, monkeypatch, capsys):
    faster = edit.interpolate(smooth, tmp_path / "faster.mp4", 32)
    assert film.facts(faster).fps == 32 and len(film.read(faster)[0]) == 48, "as long as before"
    with monkeypatch.context() as patches:
        patches.delattr(film, "read")  # a large film as an array is more than a session's memory
        larger = edit.upscale(smooth, tmp_path / "larger.mp4", 2)
    assert (film.facts(larger).width, film.facts(larger).height) == (320, 192)
    for seconds, said in ((0.5, "silence follows"), (4.0, "the rest is cut off")):
        heard = edit.mux(smooth, sound(tmp_path / "voice.wav", seconds), tmp_path / "heard.mp4")
        request.extras(1, -1, 0, 1, str(tmp_path / "voice.wav"), wishes("a"), replace(plan.quick(), frames=24))
        assert f"voice.wav has {seconds} s, and the film 1.6 s: {said}.\n" == capsys.readouterr().out
        head = film.facts(heard)
        assert head.sound and head.seconds == pytest.approx(1.5, abs=0.1) and len(film.read(heard)[0]) == 24
    assert film.metadata(heard)["title"] == "a; pan = 2"
    heard = edit.mux(smooth, sound(tmp_path / "array.wav", 0.5, rate=11025, channels=16), tmp_path / "heard.mp4")
    assert "48000 Hz, stereo" in film.streams(heard), "what every player knows"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda p, t: edit.interpolate(p, t / "x.mp4", 12), "has 16 frames a second; choose more"),
        (lambda p, t: edit.upscale(p, t / "x.mp4", 9), "choose 2 to 4"),
        (lambda p, t: edit.mux(p, t / "none.wav", t / "x.mp4"), "there is no sound file"),
        (lambda p, t: edit.mux(p, p, t / "x.mp4"), "has no sound that can be read"),
        (lambda p, t: edit.mux(p, sound(t / "none.wav", 0), t / "x.mp4"), "none.wav has no sound in it"),
        (lambda p, t: film.read(t / "none.mp4"), "is no film that can be opened"),
    ],
)
def test_a_bad_wish_after_the_clip_is_one_sentence(call, said, smooth, tmp_path):
    with pytest.raises(Stop, match=said):
        call(smooth, tmp_path)


def test_films_are_made_once_until_what_they_are_made_of_changes(smooth, tmp_path, monkeypatch, capsys):
    done = []
    for name in ("crossfade", "upscale", "mux"):
        plain = getattr(edit, name)
        monkeypatch.setattr(edit, name, lambda *given, name=name, plain=plain: done.append(name) or plain(*given))
    voice = str(sound(tmp_path / "voice.wav", 2.6))

    def made(*wish, clips=(smooth, smooth)):
        done.clear()
        return reel.made(clips, tmp_path, *wish, asked=2), list(done)

    films, first = made(0.25, 0, 2, voice)
    assert [f.name for f in films] == ["film-large-sound.mp4"] and first == ["crossfade", "upscale", "mux"]
    assert made(0.25, 0, 2, voice) == (films, [])
    sound(tmp_path / "voice.wav", 2.7)
    assert made(0.25, 0, 2, voice)[1] == ["mux"]
    films[0].write_bytes(b"cut off")
    assert made(0.25, 0, 2, voice)[1] == ["mux"] and made(0.5, 0, 2)[1] == ["crossfade", "upscale"]
    assert made(-1)[0] == [smooth, smooth] and "scenes are done" not in capsys.readouterr().out
    assert made(0.25, clips=[smooth]) == ([smooth], []) and "1 of 2 scenes are done" in capsys.readouterr().out
    monkeypatch.setattr(clock, "should_stop", lambda *_: True)
    assert made(-1, 0, 3) == ([], []) and "2 of 2 films are left; run it again" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(edit, "upscale", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))  # the stop button
    assert made(-1, 0, 3) == ([], []) and "2 of 2 films are left; run it again" in capsys.readouterr().out


def test_parts_are_chained_without_showing_the_joining_frame_twice(tmp_path):
    whole = pan(17)
    parts = [film.write(p, tmp_path / f"{i}.mp4", 16, {"title": "t"}) for i, p in enumerate((whole[:9], whole[8:]))]
    long, seams = edit.chain(parts, tmp_path / "long.mp4")
    assert len(film.read(long)[0]) == 17 and len(seams) == 1 and seams[0] < 2
    last = np.asarray(edit.last_frame(parts[0]))
    assert quality.psnr(last, whole[8]) > 25


def test_pictures_show_frames_and_curves(tmp_path):
    frames = pan()
    sheet = plots.sheet(frames, 16, "a pan " * 40)
    assert [a.get_title(loc="left") for a in sheet.axes] == ["0.0 s", "0.3 s", "0.6 s", "0.9 s", "1.1 s", "1.4 s"]
    assert len(plots.sheet(frames[:1], 16).axes) == 1
    wall = plots.wall([frames[0], frames[0, :, :64]], ["a $ pan", "b " * 40])
    assert [a.get_title(loc="left") for a in wall.axes] == ["1 a $ pan", "2 " + "b " * 16 + "…"]
    wall.savefig(tmp_path / "wall.png")
    report = plots.report(quality.curves(frames), 16, quality.measure(frames))
    assert [len(a.lines) for a in report.axes] == [2, 1] and len(report.axes[0].lines[0].get_xdata()) == 23


def test_a_prompt_is_no_formula_and_signs_that_the_font_lacks_are_left_out(tmp_path, recwarn):
    frames = pan(2)
    for title, shown in (
        (r"a $\frac{1$ sign for $5 and $6", r"a $\frac{1$ sign for $5 and $6"),
        ("a cat, 猫", "a cat, "),
        ("猫が塀の上を歩く", ""),
        ("line\none", "line one"),
    ):
        figure = plots.sheet(frames, 16, title)
        figure.savefig(tmp_path / "sheet.png")
        assert [text.get_text() for text in figure.texts] == ([shown] if shown else [])
    assert not recwarn.list


def test_many_scenes_lose_no_frames(smooth, tmp_path):
    """ffmpeg tells a length in hundredths: 1.5625 s a scene would be half a frame short after five of them."""
    one = film.write(pan(25), tmp_path / "one.mp4", 16)
    joined = edit.crossfade([one] * 12, tmp_path / "film.mp4", 0.25)
    assert len(film.read(joined)[0]) == 12 * 25 - 11 * 4


def test_a_film_that_comes_out_short_is_not_kept(smooth, tmp_path, monkeypatch):
    plain = film.run
    cut = lambda *given, **more: plain(*given[:-1], "-frames:v", "9", given[-1], **more)  # noqa: E731
    monkeypatch.setattr(film, "run", lambda *given, **more: (cut if "-y" in given else plain)(*given, **more))
    with pytest.raises(Stop, match="large.mp4 came out with 9 frames"):
        edit.upscale(smooth, tmp_path / "large.mp4", 2)
    assert list(tmp_path.iterdir()) == []


def test_a_sound_in_the_readers_home_is_found(smooth, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    sound(tmp_path / "voice.wav", 1.0, rate=44100)
    assert film.facts(edit.mux(smooth, "~/voice.wav", tmp_path / "heard.mp4")).sound
    assert film.audible(f' "{tmp_path / "voice.wav"}" ') == tmp_path / "voice.wav", "as a file manager copies a path"


def test_a_film_plays_in_the_notebook_when_it_is_small(smooth, tmp_path, monkeypatch):
    page = player.film_markup(smooth, 'a "cat" <b>')
    assert page.startswith("<video controls") and "&quot;cat&quot; &lt;b&gt;" in page and "base64" in page
    large = tmp_path / "smooth.mp4"
    with large.open("wb") as file:
        file.truncate(5_000_000)
    monkeypatch.setattr(type(large), "read_bytes", lambda self: pytest.fail("read whole, only to say that it is large"))
    assert "5.0 MB, in the file smooth.mp4" in player.film_markup(large, "x")


def test_the_plan_of_a_clip_is_plain_data():
    made = plan.quick("wan-5b")
    assert plan.Plan(**made.settings()) == made
    assert replace(made, dtype="float16", tile=96, offload=True).identity() == made.identity()
