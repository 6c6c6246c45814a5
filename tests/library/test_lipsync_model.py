"""lipsync's networks: what is heard, what is seen, what is painted, and what is refused when it is loaded."""

import contextlib
import json
import math
import os
import time

import numpy
import pytest
import torch
from labkit import Stop
from lipsync import crop, ears, faces, nets, paint, registry, sample, speech, tiny

from tests.bench.lipsync import CONFIG_TEXT
from tests.library.lipsync_worlds import networks, tone


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="module")
def loaded(home):
    return networks(home)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Thirty-one seconds of sound: more than one piece of Whisper's."""
    folder = tmp_path_factory.mktemp("speech")
    return speech.prepare(tone(folder / "long.wav", 31.0), folder)


# --- what is heard


def test_a_second_of_speech_is_fifty_steps_and_25_frames(spoken):
    assert (spoken.samples, spoken.frames) == (31 * 16000, 31 * 25)
    assert ears.steps(spoken.samples) == 31 * 50 and ears.steps(16000 + 319) == 50


def test_the_hidden_states_are_the_layers_inputs_and_the_last_output(loaded, spoken):
    states = ears.Ears(loaded, spoken)._piece(0)
    assert states.shape == (1500, 5, tiny.WIDTH)
    inputs = loaded.extractor(spoken.read(0, 480000), sampling_rate=16000, return_tensors="pt").input_features
    assert inputs.shape == (1, 80, 3000)
    seen = []
    hooks = [layer.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for layer in loaded.ears.layers]
    with torch.inference_mode():
        last = loaded.ears(inputs).last_hidden_state
    for hook in hooks:
        hook.remove()
    assert torch.equal(states, torch.stack([*seen, last], 2)[0])


def test_frame_i_hears_ten_steps_from_2i_minus_4_on_with_zeros_outside(loaded, spoken):
    listener = ears.Ears(loaded, spoken)
    whole = torch.cat([listener._piece(0), listener._piece(1)])[: ears.steps(spoken.samples)]
    padded = torch.cat([torch.zeros(4, 5, tiny.WIDTH), whole, torch.zeros(12, 5, tiny.WIDTH)])
    frames = spoken.frames
    expected = torch.stack([padded[math.floor(2.0 * i) :][:10].flatten(0, 1) for i in range(frames)])
    assert expected.shape == (frames, 50, tiny.WIDTH)
    assert torch.equal(listener.windows(0, 20), expected[:20]), "zeros in front"
    assert torch.equal(listener.windows(740, 760), expected[740:760]), "across two pieces of 30 s"
    assert torch.equal(listener.windows(frames - 5, frames), expected[-5:]), "zeros behind"
    assert set(listener.pieces) <= {0, 1}


def test_the_positional_table_is_sine_and_cosine_in_turns_with_base_10000():
    table = paint.position(50, 384)
    assert table.shape == (50, 384)
    for at, column in ((0, 0), (7, 0), (7, 1), (49, 200), (49, 383)):
        angle = at / 10000 ** (column // 2 * 2 / 384)
        wanted = math.cos(angle) if column % 2 else math.sin(angle)
        assert float(table[at, column]) == pytest.approx(wanted, abs=1e-5)


# --- what is seen, what is painted


def test_the_masked_copy_comes_first_its_lower_half_is_minus_one_and_the_mode_is_taken(loaded):
    crops = numpy.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=numpy.uint8)
    z = paint.latents(loaded, crops)
    assert z.shape == (2, 8, 8, 8)
    x = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1
    masked = x.clone()
    masked[:, :, 32:] = -1
    with torch.inference_mode():
        for part, picture in ((z[:, :4], masked), (z[:, 4:], x)):
            moments = loaded.vae.encode(picture).latent_dist
            assert torch.allclose(part, moments.mean * 0.18215, atol=1e-5)
    assert torch.equal(paint.latents(loaded, crops), z), "nothing is drawn by chance"


def test_one_call_at_timestep_zero_paints_a_frame(loaded, monkeypatch):
    calls = []
    real = loaded.unet.forward

    def watched(sample, timestep, **more):
        calls.append((tuple(sample.shape), timestep.tolist(), tuple(more["encoder_hidden_states"].shape)))
        return real(sample, timestep, **more)

    monkeypatch.setattr(loaded.unet, "forward", watched)
    made = paint.mouths(loaded, torch.zeros(3, 8, 8, 8), torch.zeros(3, 50, tiny.WIDTH))
    assert calls == [((3, 8, 8, 8), [0], (3, 50, tiny.WIDTH))]
    assert made.shape == (3, 64, 64, 3) and made.dtype == numpy.uint8


def test_a_painted_mouth_depends_on_what_is_heard(loaded):
    z = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(0))[:1].expand(2, -1, -1, -1)
    heard = torch.randn(2, 50, tiny.WIDTH, generator=torch.Generator().manual_seed(1)) * 4
    one, other = paint.mouths(loaded, z, heard)
    assert not numpy.array_equal(one, other)


def test_a_batch_is_filled_up_and_what_fills_it_changes_nothing(loaded):
    z, heard = torch.randn(3, 8, 8, 8), torch.randn(3, 50, tiny.WIDTH)
    full = paint.mouths(loaded, paint.filled(z, 8), paint.filled(heard, 8))
    assert len(full) == 8 and numpy.abs(full[:3].astype(int) - paint.mouths(loaded, z, heard)).max() <= 1


def test_the_draft_decoder_takes_latents_as_the_unet_gives_them(home, loaded):
    drafted = networks(home, draft=True)
    made = paint.mouths(drafted, torch.zeros(1, 8, 8, 8), torch.zeros(1, 50, tiny.WIDTH))
    assert made.shape == (1, 64, 64, 3) and drafted.draft is not None


# --- where it is cut out, how it is put back


def test_the_crop_is_as_far_above_the_bridge_as_the_chin_is_below_and_ten_pixels_longer():
    face = faces.Face(200.0, 300.0, 120.0, 260.0, (110, 90, 270, 310), 1.0)
    assert crop.box(face, 640, 480) == (120, 100, 260, 310)
    assert crop.box(face, 640, 480, crop.Look(shift=-20)) == (120, 60, 260, 310)
    assert crop.box(face, 640, 305) == (120, 100, 260, 305), "never outside the picture"
    high = faces.Face(40.0, 140.0, 120.0, 260.0, (110, 90, 270, 310), 1.0)
    assert crop.box(high, 640, 480) == (120, 0, 260, 150), "the mirrored top is clamped at 0"


def test_a_degenerate_face_falls_back_to_the_detectors_box_or_to_none():
    upside = faces.Face(300.0, 200.0, 120.0, 260.0, (110, 90, 270, 310), 1.0)
    assert crop.box(upside, 640, 480) == (110, 90, 270, 320)
    nothing = faces.Face(300.0, 200.0, 120.0, 260.0, (700, 90, 720, 310), 1.0)
    assert crop.box(nothing, 640, 480) is None


def test_a_mask_covers_the_mouth_leaves_eyes_and_nose_and_fades_inside_the_crop():
    face = sample.face(0)
    x0, y0, x1, y1 = place = crop.box(face, *sample.SIZE)
    soft = crop.mask(face, place)
    assert soft.shape == (y1 - y0, x1 - x0) and soft.dtype == numpy.float32 and soft.min() >= 0 and soft.max() <= 1
    x, y = sample.pose(0)
    at = lambda dx, dy: float(soft[round(y + dy) - y0, round(x + dx) - x0])  # noqa: E731
    assert at(0, 76) > 0.97, "the mouth"
    assert max(at(-38, -12), at(38, -12)) < 0.01, "the eyes"
    assert at(0, 28) < 0.5 < at(-50, 40), "the nose is left out, the cheek is not"
    for edge in (soft[0], soft[-1], soft[:, 0], soft[:, -1]):
        assert edge.max() < 0.02, "no seam at the crop's edges"
    bare = crop.mask(faces.from_box(face.box), crop.box(faces.from_box(face.box), *sample.SIZE))
    assert bare.max() > 0.9 and bare[: bare.shape[0] // 3].max() < 0.05, "a half-ellipse without a contour"


def test_a_blend_changes_what_the_mask_shows_and_nothing_else():
    frame = numpy.full((448, 384, 3), 120, numpy.uint8)
    face = sample.face(0)
    place, before = crop.box(face, 384, 448), frame.copy()
    soft = crop.mask(face, place)
    crop.blend(frame, numpy.full((64, 64, 3), 220, numpy.uint8), place, soft, match=False)
    x0, y0, x1, y1 = place
    changed = numpy.abs(frame.astype(int) - before).max(-1)
    assert changed[y0:y1, x0:x1][soft > 0.97].min() >= 96
    assert changed[y0:y1, x0:x1][soft == 0].max() == 0
    changed[y0:y1, x0:x1] = 0
    assert changed.max() == 0
    again = before.copy()
    crop.blend(again, numpy.full((64, 64, 3), 220, numpy.uint8), place, soft, weight=0.0, match=False)
    assert numpy.array_equal(again, before), "a closed gate leaves the frame as it was"


def test_colours_are_matched_where_both_show_skin_and_never_far():
    region = numpy.full((60, 50, 3), (180, 140, 120), numpy.uint8)
    soft = crop.mask(faces.from_box((0, 0, 50, 50)), (0, 0, 50, 60))
    near = crop.matched(numpy.full_like(region, 150), region, soft)
    assert numpy.abs(near.reshape(-1, 3).mean(0) - (174, 140, 126)).max() <= 1, "moved towards it, by 24 at most"


# --- what is loaded


def test_the_real_layout_is_read_strictly_and_kept_once_as_16_bit_safetensors(tmp_path):
    from safetensors import safe_open

    tiny.twin(tmp_path, registry.SOURCES["unet"].id)
    model, side = nets.unet(tmp_path, tmp_path / "kept")
    kept = list((tmp_path / "kept").iterdir())
    assert side == 64 and len(kept) == 1 and kept[0].name.endswith("-fp16.safetensors")
    with safe_open(kept[0], framework="pt") as file:
        names = set(file.keys())
        assert all(file.get_tensor(name).dtype == torch.float16 for name in names)
    saved = torch.load(tmp_path / registry.WEIGHTS, weights_only=True)
    assert names == set(saved) == set(model.state_dict())
    assert all(torch.equal(model.state_dict()[n], saved[n].half()) for n in names)
    before = kept[0].stat().st_mtime_ns
    nets.unet(tmp_path, tmp_path / "kept")
    assert kept[0].stat().st_mtime_ns == before, "converted once"
    kept[0].write_bytes(kept[0].read_bytes()[:-100])
    nets.unet(tmp_path, tmp_path / "kept")
    assert kept[0].stat().st_size > 1000 and nets._whole(kept[0], {k: tuple(v.shape) for k, v in saved.items()})


def test_of_two_cards_processes_one_converts_and_the_other_waits(tmp_path, monkeypatch):
    import safetensors.torch

    tiny.twin(tmp_path, registry.SOURCES["unet"].id)
    source, kept, real = tmp_path / registry.WEIGHTS, tmp_path / "kept", safetensors.torch.save_file
    shapes = {name: tuple(tensor.shape) for name, tensor in torch.load(source, weights_only=True).items()}

    def slow(state, path, **more):
        with open(tmp_path / "conversions", "a") as log:
            log.write("x")
        time.sleep(0.5)
        real(state, path, **more)

    monkeypatch.setattr(safetensors.torch, "save_file", slow)
    jobs = []
    for _ in range(2):
        if not (job := os.fork()):
            failed = True
            with contextlib.suppress(BaseException):
                nets.converted(source, kept, shapes)
                failed = False
            os._exit(failed)
        jobs.append(job)
    assert [os.waitpid(job, 0)[1] for job in jobs] == [0, 0]
    assert (tmp_path / "conversions").read_text() == "x" and len(list(kept.iterdir())) == 1


def test_the_published_config_describes_a_unet_of_850_million_parameters():
    """The specification's numbers, through the same call; on the meta device, so nothing is allocated."""
    from diffusers import UNet2DConditionModel

    told = json.loads(CONFIG_TEXT)
    with torch.device("meta"):
        model = UNet2DConditionModel(**{k: v for k, v in told.items() if not k.startswith("_")})
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(849.9, abs=0.1)


class Evil:
    def __reduce__(self):
        return (print, ("this must never run",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("conv_in.bias"), r"1 tensors are missing \(conv_in.bias\)"),
        (lambda s: s.update(extra=torch.zeros(1)), r"1 tensors are too many \(extra\)"),
        (lambda s: s.update({"conv_in.bias": torch.zeros(3)}), r"1 tensors have another shape \(conv_in.bias\)"),
        (lambda s: s.update({"conv_in.bias": torch.full_like(s["conv_in.bias"], 1e9)}), "16 bits cannot hold"),
        (lambda s: s.update(epoch=3), "holds more than tensors"),
        (lambda s: s.update(evil=Evil()), "without running it"),
    ],
)
def test_a_checkpoint_that_differs_is_refused_in_a_sentence_and_nothing_is_kept(tmp_path, capsys, change, said):
    tiny.twin(tmp_path, registry.SOURCES["unet"].id)
    state = torch.load(tmp_path / registry.WEIGHTS, weights_only=True)
    change(state)
    torch.save(state, tmp_path / registry.WEIGHTS)
    with pytest.raises(Stop, match=said):
        nets.unet(tmp_path, tmp_path / "kept")
    assert "must never run" not in capsys.readouterr().out
    assert not list((tmp_path / "kept").glob("*"))


def test_a_cut_or_foreign_file_is_refused_in_a_sentence(tmp_path):
    tiny.twin(tmp_path, registry.SOURCES["unet"].id)
    path = tmp_path / registry.WEIGHTS
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(Stop, match="no checkpoint that can be read"):
        nets.unet(tmp_path, tmp_path / "kept")
    (tmp_path / registry.CONFIG).write_text('{"in_channels": 8, "colour": "blue"}')
    with pytest.raises(Stop, match="describes no UNet that diffusers knows"):
        nets.unet(tmp_path, tmp_path / "kept")


def test_an_encoder_without_weights_is_refused_and_not_left_random(tmp_path):
    from safetensors.torch import load_file, save_file

    tiny.twin(tmp_path, registry.SOURCES["ears"].id)
    file = tmp_path / "model.safetensors"
    state = {k: v for k, v in load_file(file).items() if "encoder.layers.1" not in k}
    save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(Stop, match="weights of Whisper's encoder are missing"):
        nets.hearing(tmp_path)


def test_a_vae_with_the_names_of_2022_loads_every_weight_and_one_that_lacks_some_is_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    tiny.twin(tmp_path, registry.SOURCES["vae"].id)
    file = tmp_path / "diffusion_pytorch_model.safetensors"
    state = load_file(file)
    assert any(name.endswith("attentions.0.query.weight") for name in state)
    from diffusers import AutoencoderKL

    model = nets._strict(AutoencoderKL, tmp_path)
    loaded = model.state_dict()["decoder.mid_block.attentions.0.to_q.weight"]
    assert torch.equal(loaded, state["decoder.mid_block.attentions.0.query.weight"])
    del state["decoder.conv_in.weight"]
    save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(Stop, match=r"1 weights do not fit, the first is decoder.conv_in.weight"):
        nets._strict(AutoencoderKL, tmp_path)
