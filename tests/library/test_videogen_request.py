"""videogen.request, plan, cost and picture: what was asked for is judged before minutes are spent."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from labkit import Stop
from PIL import Image
from videogen import cost, picture, plan, presets, registry, request, weights

from tests.library.videogen_worlds import CPU, T4

GB8 = plan.Machine(7.6, (8, 6), 1, 16.0, 60.0)
L4 = plan.Machine(22.8, (8, 9), 1, 50.0, 100.0)
A100 = plan.Machine(79.0, (8, 0), 1, 80.0, 150.0)


def asked(*arguments, **more):
    return request.clips(*arguments, **more)


def test_lines_templates_and_styles_become_clips_with_seeds():
    made = asked("a red kite | Cat", style="night", seed=5, variations=2)
    assert [c["seed"] for c in made] == [5, 6, 5, 6] and [c["variation"] for c in made] == [0, 1, 0, 1]
    assert made[0]["prompt"] == f"a red kite, {presets.STYLES['night']}"
    assert made[2]["prompt"].startswith(presets.TEMPLATES["cat"]) and made[0]["image"] == ""


def test_a_drawn_seed_stays_open_until_its_clip_is_made():
    assert [c["seed"] for c in asked("a", seed=-1, variations=3)] == [-1, -1, -1]


def test_a_jsonl_file_overrides_the_form_row_by_row(tmp_path):
    rows = [{"prompt": "a\u2028", "seed": 9, "frames": 33}, {"prompt": "b", "style": "clay", "variations": 2}]
    (tmp_path / "list.jsonl").write_text(
        "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n", encoding="utf-8"
    )
    made = asked("ignored", file=str(tmp_path / "list.jsonl"), seed=3)
    assert [(c["prompt"].split(",")[0], c["seed"]) for c in made] == [("a", 9), ("b", 3), ("b", 4)]
    assert request.planned(made[0], plan.choose(T4)).frames == 33


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"text": "  "}, "the prompt is empty"),
        ({"text": "x " * 3000}, "the prompt has 5999 characters"),
        ({"text": "?!…"}, "has no words in it"),
        ({"text": "a", "style": ["clay"]}, "there is no style"),
        ({"text": "", "file": 5}, "5 cannot be read"),
        ({"text": "a", "style": "cubism"}, "there is no style 'cubism'"),
        ({"text": "a", "seed": -2}, "the seed must be"),
        ({"text": "a", "seed": 2**40}, "the seed must be"),
        ({"text": "a", "variations": 0}, "variations must be a whole number from 1 to 100"),
        ({"text": "a|" * 50, "variations": 100}, "more than the 2000"),
        ({"text": "", "file": "/nowhere/list.txt"}, "cannot be read"),
        ({"text": "", "file": "a\0b"}, "cannot be read"),
        ({"text": "a", "seed": "7"}, "the seed must be"),
        ({"text": "a", "seed": 1.5}, "the seed must be"),
        ({"text": "a", "variations": "2"}, "variations must be"),
        ({"text": None}, "PROMPTS must be text"),
        ({"text": "a\0cat"}, r"a sign that is no text \(U.0000\); delete it"),
        ({"text": "a cat", "negative": "blurry \ud800"}, r"the negative prompt has a sign that is no text \(U.D800"),
        ({"text": "a cat", "negative": "x" * 9000}, "the negative prompt has 9000 characters"),
    ],
)
def test_a_bad_form_is_one_sentence(more, said):
    with pytest.raises(Stop, match=said.replace("?", r"\?")) as caught:
        asked(**more)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "list.jsonl:2 is no JSON"),
        ('{"seed": 1}', "list.jsonl:2 has no prompt"),
        ('{"prompt": "a", "sead": 1}', "list.jsonl:2 has 'sead'"),
        ('{"prompt": "a", "seed": "x"}', "list.jsonl:2: seed must be a number"),
        ('{"prompt": "a", "seed": true}', "list.jsonl:2: seed must be a number"),
        ('{"prompt": "a", "frames": -4}', "list.jsonl:2: frames must be a whole number from 0 to 4001"),
        ('{"prompt": "a", "width": 10}', "list.jsonl:2: width must be at least 64 pixels, not 10"),
        ('{"prompt": " "}', "list.jsonl:2: the prompt is empty"),
        ('{"prompt": "a", "variations": 0}', "list.jsonl:2: variations"),
        ('{"prompt": "a", "style": "x"}', "list.jsonl:2: there is no style"),
        ('{"prompt": "b", "se', "list.jsonl:2 is no JSON"),
        ("[" * 100_000, "list.jsonl:2 is no JSON"),
        ('{"prompt": "a \\ud800"}', "list.jsonl:2: the prompt has a sign that is no text"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(line, said, tmp_path):
    (tmp_path / "list.jsonl").write_text('{"prompt": "good"}\n' + line)
    with pytest.raises(Stop, match=said):
        asked("", file=str(tmp_path / "list.jsonl"))


def test_a_file_of_another_kind_makes_no_clips_of_its_lines(tmp_path):
    for name, text, said in (
        ("list.csv", "prompt,seed\na,1", "neither .txt"),
        ("list.json", '[{"prompt": "a"}]', "neither .txt"),
        ("list.txt", '{"prompt": "a"}', "name it .jsonl"),
        ("none.txt", "# only a remark\n", "none.txt holds no prompt"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(Stop, match=said):
            asked("", file=str(tmp_path / name))
    (tmp_path / "good.txt").write_text("# a remark\na cat\r\n\n猫が塀の上を歩く\n", encoding="utf-8")
    assert [c["prompt"] for c in asked("", file=str(tmp_path / "good.txt"))] == ["a cat", "猫が塀の上を歩く"]
    assert asked("#1 fan of cats")[0]["prompt"] == "#1 fan of cats", "in the form a # is part of the prompt"


def test_a_rows_image_is_found_beside_its_file_and_asks_for_a_model_that_takes_one(tmp_path):
    picture.example().save(tmp_path / "sea.png")
    (tmp_path / "list.jsonl").write_text('{"prompt": "a", "image": "sea.png"}\n{"prompt": "b"}')
    made = asked("", file=str(tmp_path / "list.jsonl"))
    assert request.begin_with_images(made) and not request.begin_with_images(made[1:])
    assert request.begin_with_images(made[1:], parts=2), "parts go on from a last frame"
    chosen = plan.choose(T4, image=request.begin_with_images(made))
    assert [bool(c["image"]) for c in request.judged(made, chosen, tmp_path)] == [True, False]


def test_every_rows_size_is_judged_before_the_first_clip_is_made(tmp_path, capsys):
    chosen = plan.choose(T4)
    with pytest.raises(Stop, match=r"clip 2: 4001 frames of 832 x 448 need about [\d.]+ GB, 14.6 GB are free; \d+ fr"):
        request.judged([*asked("a"), {**asked("b")[0], "frames": 4001}], chosen, tmp_path)
    request.judged([{**clip, "frames": 20} for clip in asked("b|c")], chosen, tmp_path)
    said = capsys.readouterr().out
    assert said == "clip 1: 20 frames of 832 x 448 are not on this model's grid; making 21 of 832 x 448.\n"


def test_clips_that_will_be_the_same_are_told(tmp_path, capsys):
    request.judged([*asked("a|b|a"), *asked("a", seed=-1, variations=3)], plan.choose(T4), tmp_path)
    assert "Of 6 clips 1 will be the same as another" in capsys.readouterr().out
    request.judged(asked("a|b", variations=2), plan.choose(T4), tmp_path)
    assert capsys.readouterr().out == ""


def test_what_is_to_be_avoided_is_not_dropped_in_silence(tmp_path, capsys):
    made = asked("a", negative="rain")
    request.judged(made, plan.choose(T4), tmp_path)
    assert "works without guidance: what is to be avoided is not looked at" in capsys.readouterr().out
    request.judged(made, plan.choose(T4, "wan-1.3b"), tmp_path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"frames": -5}, "frames must be a whole number from 0 to 4001, not -5"),
        ({"frames": 10**9}, "frames must be"),  # took forever: the search for what fits went down in fours
        ({"width": "832"}, "width must be a whole number from 0 to 4096, not '832'"),
        ({"height": 1}, "height must be at least 64 pixels, not 1"),
        ({"width": 10**7}, "width must be"),
    ],
)
def test_a_size_that_is_none_is_one_sentence(more, said):
    with pytest.raises(Stop, match=said):
        plan.choose(T4, **more)


def test_a_file_that_is_no_text_is_said(tmp_path):
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(Stop, match="no text in UTF-8"):
        asked("", file=str(tmp_path / "picture.txt"))
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(Stop, match="no text in UTF-8"):
        asked("", file=str(tmp_path / "list.txt"))


@pytest.mark.parametrize(
    ("machine", "model", "frames", "size", "dtype", "encoder"),
    [
        (T4, "fastwan-1.3b", 61, (448, 832), "float16", "cuda"),
        (GB8, "fastwan-1.3b", 33, (320, 576), "bfloat16", "cpu"),
        (replace(GB8, four_bits=True), "fastwan-1.3b", 33, (320, 576), "bfloat16", "nf4"),
        (L4, "wan-5b", 121, (704, 1280), "bfloat16", "cuda"),
        (A100, "wan-5b", 121, (704, 1280), "bfloat16", "cuda"),
        (CPU, "fastwan-1.3b", 17, (192, 320), "float32", "cpu"),
    ],
)
def test_the_card_decides(machine, model, frames, size, dtype, encoder):
    made = plan.choose(machine)
    assert (made.model, made.frames, (made.height, made.width)) == (model, frames, size)
    assert (made.dtype, made.encoder) == (dtype, encoder)
    limit = machine.gpu_gb or machine.ram_gb
    gb = cost.stages(made)
    assert max(gb["denoise"], gb["decode"], gb["encode"] if encoder in (made.device, "nf4") else 0) <= limit
    assert cost.host(made) <= machine.ram_gb


def test_on_a_t4_every_stage_of_every_model_stays_below_14_gb():
    for name, spec in registry.MODELS.items():
        made = plan.choose(T4, name, image=spec.images)
        assert max(cost.stages(made).values()) < 14, name
        assert "bfloat16" not in (made.dtype, made.vae_dtype), "a T4 only emulates it"
        assert cost.host(made) < 4, "weights go straight to the card, not through 12.7 GB of memory"


def test_an_image_becomes_a_clip_on_a_card_of_8_gb_with_weights_in_4_bits():
    for capability in ((7, 5), (8, 6)):
        card = replace(GB8, capability=capability, four_bits=True)
        made = plan.choose(card, image=True)
        assert (made.model, made.storage, made.encoder, made.frames) == ("wan-5b", "nf4", "nf4", 25)
        assert max(cost.stages(made).values()) <= 7.6 and made.vae_dtype == made.dtype
        assert "weights rest in 4 bits" in plan.describe(made, card, 1)


def test_a_machine_with_too_little_memory_beside_its_card_is_told_so():
    with pytest.raises(Stop, match=r"need about [\d.]+ GB of the machine's memory, there are 2.0 GB"):
        plan.choose(replace(T4, ram_gb=2.0))
    with pytest.raises(Stop, match="install bitsandbytes"):
        plan.choose(replace(GB8, ram_gb=8.0))
    assert plan.choose(replace(GB8, ram_gb=8.0, four_bits=True)).encoder == "nf4"


def test_an_image_asks_for_a_model_that_takes_one():
    made = plan.choose(T4, image=True)
    assert made.model == "wan-5b" and made.storage == "fp8" and made.frames == 49
    with pytest.raises(Stop, match="makes clips from words only"):
        plan.choose(T4, "fastwan-1.3b", image=True)


def test_a_size_beside_the_grid_is_rounded_and_said(capsys):
    made = plan.choose(T4, frames=60, height=450, width=830)
    assert (made.frames, made.height, made.width) == (61, 448, 832)
    assert "60 frames of 830 x 450 are not on this model's grid; making 61 of 832 x 448" in capsys.readouterr().out


def test_a_size_on_the_grid_is_not_remarked(capsys):
    plan.choose(T4, frames=61, height=448, width=832)
    assert capsys.readouterr().out == ""


def test_too_many_frames_for_the_card_are_refused_with_how_many_would_fit():
    with pytest.raises(Stop, match=r"need about [\d.]+ GB, 14.6 GB are free; (\d+) frames would fit") as caught:
        plan.choose(T4, "wan-5b", frames=801)
    fits = int(str(caught.value).split("free; ")[1].split()[0])
    assert plan.choose(T4, "wan-5b", frames=fits).frames == fits


def test_a_distilled_model_keeps_its_steps(capsys):
    assert plan.choose(T4, steps=20).steps == 3
    assert "was distilled for 3 steps" in capsys.readouterr().out
    assert plan.choose(T4, "wan-1.3b", steps=20).forwards == 40


def test_disk_too_small_is_said_before_a_download():
    with pytest.raises(Stop, match=r"GB of disk are needed for the model and 8.0 GB are free"):
        plan.choose(replace(T4, disk_gb=8.0))


def test_what_other_models_hold_of_the_disk_is_no_room_for_this_one(folders, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(folders.cache))
    for name, part, gb in (
        ("FastVideo/FastWan2.1-T2V-1.3B-Diffusers", "transformer", 3.0),
        ("Wan-AI/Wan2.2-TI2V-5B-Diffusers", "text_encoder", 11.4),
        ("Wan-AI/Wan2.2-TI2V-5B-Diffusers", "transformer", 20.0),
    ):
        file = folders.cache / f"models--{name.replace('/', '--')}" / "snapshots" / ("0" * 40) / part / "x.safetensors"
        file.parent.mkdir(parents=True)
        with file.open("wb") as empty:
            empty.truncate(int(gb * 1e9))  # takes no room here
    held = weights.held_gb(folders)
    assert {name: round(gb, 1) for name, gb in held.items()} == {
        "fastwan-1.3b": 14.4, "wan-1.3b": 11.4, "wan-5b": 31.4, "ltx-2b": 0.0}  # fmt: skip
    full = replace(T4, disk_gb=5.0, held=held)
    assert plan.choose(full).model == "fastwan-1.3b"
    with pytest.raises(Stop, match="are needed for the model and 5.0 GB are free"):
        plan.choose(full, "ltx-2b")


def test_a_quick_test_is_quick_whatever_sizes_the_rows_ask_for(folders, capsys):
    made, row = plan.quick(), {**asked("a cat")[0], "frames": 121, "height": 704, "width": 1280}
    clips = request.judged([row], made, folders.outputs, quick=True)
    assert request.planned(clips[0], made) == made
    assert "A quick test makes every clip 9 frames of 96 x 64." in capsys.readouterr().out
    assert request.planned(request.judged([row], made, folders.outputs)[0], made).frames == 121


def test_a_field_for_one_prompt_is_one_prompt():
    assert len(request.clips(request.single("a cat\non a wall | at night"))) == 1


def test_on_a_disk_of_15_gb_the_encoder_goes_before_the_transformer_comes():
    """Studio Lab has 15 GB in all: 14.9 and its own files do not fit, 11.4 do."""
    made = plan.choose(replace(T4, disk_gb=14.0))
    need, deleted = plan.disk(made, 14.0)
    assert deleted and need < 12.5
    assert "the text encoder is deleted in between" in plan.describe(made, replace(T4, disk_gb=14.0), 1)


def test_a_session_without_a_card_and_little_memory_is_told_so():
    with pytest.raises(Stop, match="tick QUICK_TEST"):
        plan.choose(replace(CPU, ram_gb=12.7))


def test_a_card_too_small_for_a_model_is_told():
    with pytest.raises(Stop, match="needs a card with 13.5 GB of free memory, 7.6 GB are free"):
        plan.choose(GB8, "ltx-2b")
    with pytest.raises(Stop, match="fits 7.6 GB only with weights in 4 bits: install bitsandbytes first"):
        plan.choose(GB8, "wan-5b")
    with pytest.raises(Stop, match="this session has none; choose auto"):
        plan.choose(CPU, "wan-5b")
    with pytest.raises(Stop, match="this session has none; leave IMAGE empty and PARTS at 1"):
        plan.choose(CPU, image=True)


def test_a_licence_that_is_no_free_one_is_accepted_first():
    with pytest.raises(Stop, match="tick ACCEPT_LICENCE"):
        request.accepted("ltx-2b", False)
    request.accepted("ltx-2b", True)
    request.accepted("auto", False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0, -1, 0, 1, ""), "PARTS must be"),
        ((2, -1, 0, 1, ""), "makes no long clips"),
        ((1, 9.0, 0, 1, ""), "more than half of a clip"),
        ((1, -1, 12, 1, ""), "SMOOTH_FPS must be more than the clip's 16"),
        ((1, -1, 0, 9, ""), "ENLARGE must be a whole number from 1 to 4"),
        ((1, -1, 0, 1, "/none.wav"), "there is no sound file"),
        ((1, -1, 0, 1, __file__), "has no sound that can be read"),
        (("2", -1, 0, 1, ""), "PARTS must be"),
        ((1, float("nan"), 0, 1, ""), "CROSSFADE must be a number"),
        ((1, "x", 0, 1, ""), "CROSSFADE must be a number"),
        ((1, -1, -5, 1, ""), "SMOOTH_FPS must be"),
        ((1, -1, 0, 1.5, ""), "ENLARGE must be"),
    ],
)
def test_what_comes_after_the_clips_is_judged_before_them(given, said):
    with pytest.raises(Stop, match=said):
        request.extras(*given, asked("a|b"), plan.choose(T4))


def test_scenes_of_different_sizes_are_refused_before_they_are_made_and_the_shortest_one_bounds_the_fade():
    chosen, (one, other) = plan.choose(T4), asked("a|b")
    with pytest.raises(Stop, match="clips of different sizes cannot be joined"):
        request.extras(1, 0.5, 0, 1, "", [one, {**other, "width": 320}], chosen)
    with pytest.raises(Stop, match="more than half of a clip of 1.1 s"):
        request.extras(1, 1.0, 0, 1, "", [one, {**other, "frames": 17}], chosen)


def test_a_quick_tests_short_clips_shorten_the_cross_fade_and_say_so(capsys):
    assert request.extras(1, 1.0, 0, 1, "", asked("a|b"), plan.quick(), quick=True) == pytest.approx(9 / 32)
    assert "a cross-fade of 0.28 s instead of 1 s" in capsys.readouterr().out


def test_long_clips_are_reckoned_with_all_their_parts():
    made = plan.choose(T4, image=True)
    assert request.extras(3, 1.5, 0, 1, "", asked("a|b"), made) == 1.5, "a part has 2 s, a long clip 6"
    one, three = (plan.describe(made, T4, 2, parts).splitlines()[-1] for parts in (1, 3))
    hurried = plan.describe(made, T4, 2, 3, left=600.0).splitlines()[-1]
    assert hurried.startswith("one part takes longer than this session has left (about 10 min)")
    assert plan.describe(made, T4, 2, 3, left=1200.0).splitlines()[-1] == three
    assert one.startswith("2 clips, about 14 min each") and three.startswith("2 clips of 3 parts, about 42 min each")


def test_what_ends_the_run_is_judged_before_it(monkeypatch):
    for stop_after in ("a", -1, float("nan"), True):
        with pytest.raises(Stop, match="STOP_AFTER must be a number of minutes"):
            request.ending(stop_after, False)
    request.ending(0.5, False)
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(Stop, match="the form needs gradio"):
        request.ending(0, True)


def test_a_quick_test_is_of_the_model_that_was_chosen():
    assert plan.quick("ltx-2b").model == "ltx-2b" and plan.quick(image=True).model == "wan-5b"
    with pytest.raises(Stop, match="there is no model"):
        plan.quick("sora")
    with pytest.raises(Stop, match="there is no model"):
        plan.quick(["sora"])


@pytest.mark.parametrize("kind", ["16 bits", "floats", "CMYK", "see-through grey", "one bit", "animated", "palette"])
def test_an_image_of_any_kind_begins_a_clip_in_its_own_brightness(kind, tmp_path, capsys):
    ramp = np.tile(np.linspace(0, 1, 256), (200, 1))
    grey, file = Image.fromarray((ramp * 255).astype("uint8")), tmp_path / "image.png"
    if kind == "16 bits":
        Image.fromarray((ramp * 65535).astype("uint16")).save(file)
    elif kind == "floats":
        Image.fromarray(ramp.astype("float32")).save(file := tmp_path / "image.tiff")
    elif kind == "CMYK":
        grey.convert("RGB").convert("CMYK").save(file := tmp_path / "image.jpg", quality=95)
    elif kind == "see-through grey":
        Image.merge("LA", (Image.new("L", grey.size), Image.eval(grey, lambda v: 255 - v))).save(file)
    elif kind == "one bit":
        grey.convert("1").save(file)
    elif kind == "animated":
        grey.save(file := tmp_path / "image.gif", save_all=True, append_images=[Image.new("L", grey.size)])
    else:
        grey.convert("P").save(file)
    found = picture.judged(str(file))
    values = np.asarray(found, float)
    assert found.mode == "RGB" and values[:, 128:].mean() - values[:, :128].mean() == pytest.approx(128, abs=3)
    picture.shaped(plan.choose(T4, image=True), str(file))  # said once, however often it is opened
    assert capsys.readouterr().out.count("has 2 pictures; the clip begins with the first") == (kind == "animated")


def test_an_image_that_is_enormous_or_locked_is_one_sentence(tmp_path, monkeypatch):
    picture.example().save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    with pytest.raises(Stop, match=r"large.png has more than \d+ million pixels; make it smaller"):
        picture.opened(tmp_path / "large.png")
    monkeypatch.setattr(Image, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(Stop, match="may not be read; change its permissions"):
        picture.opened(tmp_path / "large.png")


def test_an_image_that_is_none_is_one_sentence(tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    with pytest.raises(Stop, match=r"notes.png is no image"):
        picture.opened(str(tmp_path / "notes.png"))
    with pytest.raises(Stop, match="there is no image https://example.com/a.png; upload it"):
        picture.opened("https://example.com/a.png")
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    with pytest.raises(Stop, match="IMG_1.HEIC is a photo in HEIC, which is not read here; give a PNG, JPEG"):
        picture.opened(str(tmp_path / "IMG_1.HEIC"))
    Image.new("RGB", (60, 400)).save(tmp_path / "thin.png")
    with pytest.raises(Stop, match="its shorter side needs 128"):
        picture.judged(str(tmp_path / "thin.png"))
    Image.new("RGB", (200, 900)).save(tmp_path / "long.png")
    with pytest.raises(Stop, match="more than 3 times as long as wide"):
        picture.judged(str(tmp_path / "long.png"))
    whole = tmp_path / "cut.png"
    picture.example().save(whole)
    whole.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(Stop, match="cannot be read as an image"):
        picture.opened(str(whole))


def test_an_image_is_turned_upright_and_what_is_see_through_becomes_white(tmp_path):
    side = Image.new("RGB", (300, 200), "red")
    exif = side.getexif()
    exif[274] = 6  # the camera was held upright
    side.save(tmp_path / "turned.jpg", exif=exif)
    assert picture.opened(str(tmp_path / "turned.jpg")).size == (200, 300)
    Image.new("RGBA", (200, 200), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert picture.opened(str(tmp_path / "clear.png")).getpixel((5, 5)) == (255, 255, 255)


def test_an_image_of_another_aspect_is_cut_and_that_is_said(tmp_path, capsys):
    Image.effect_noise((400, 400), 80).convert("RGB").save(tmp_path / "square.png")
    made = plan.choose(T4, image=True)
    clips = request.judged(asked("a", image=str(tmp_path / "square.png")), made, tmp_path)
    assert "square.png is 400 x 400; it is cut in its middle to the clip's 1280 x 704" in capsys.readouterr().out
    assert clips[0]["image"].startswith("images/") and (tmp_path / clips[0]["image"]).is_file()
    fitted = picture.fitted(picture.opened(tmp_path / clips[0]["image"]), 704, 1280)
    assert fitted.size == (1280, 704)
    shaped = picture.shaped(made, str(tmp_path / "square.png"))
    assert shaped.height == shaped.width and shaped.height * shaped.width <= 704 * 1280
    for size in ((1920, 1080), (1080, 1920)):  # what most cameras give: the size that the model was trained at
        Image.new("RGB", size).save(tmp_path / "usual.png")
        shaped = picture.shaped(made, str(tmp_path / "usual.png"))
        assert {shaped.width, shaped.height} == {1280, 704} and (shaped.width > shaped.height) == (size[0] > size[1])


def test_the_same_image_is_the_same_clip_under_any_name(tmp_path):
    for name in ("a.png", "b.png"):
        picture.example().save(tmp_path / name)
    made = plan.choose(T4, image=True)
    one, other = (request.judged(asked("x", image=str(tmp_path / n)), made, tmp_path) for n in ("a.png", "b.png"))
    assert one == other


def test_the_front_matter_tells_the_registrys_models(compiled):
    source = next(pair.source for pair in compiled.pairs if pair.source.name == "video_generation")
    declared = {m["id"]: m for m in source.front["models"]}
    used = {s for spec in registry.MODELS.values() for s in weights.repositories(spec).values()}
    assert set(declared) == {s.id for s in used}
    for one in used:
        assert declared[one.id]["licence"] == one.licence and declared[one.id]["gated"] == one.gated
        assert declared[one.id]["revision"] == one.revision


def test_tiles_cover_a_clip_and_are_decoded_little_more_than_once():
    for height, width in ((448, 832), (704, 1280), (320, 576), (480, 832), (192, 320)):
        made = replace(plan.choose(T4, "wan-1.3b"), height=height, width=width)
        for (side, step), length in zip(cost.tiles(made), (height, width), strict=True):
            assert side <= plan.TILE and step <= side and step * -(-length // step) >= length
            assert step % 16 == 0
        assert cost.decoded(made) / (made.frames * height * width / 1e6) < 1.45


def test_the_forms_styles_are_the_presets(compiled):
    source = next(pair.source for pair in compiled.pairs if pair.source.name == "video_generation")
    line = next(t for c in source.cells for t in c.source.split("\n") if t.startswith("STYLE = "))
    assert json.loads(line.partition("@param ")[2]) == list(presets.STYLES)
