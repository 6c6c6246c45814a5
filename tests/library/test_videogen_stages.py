"""videogen's stages on tiny models of the same classes: loading, sampling, decoding and ladders as with the real."""

import functools
import json
import os
import signal
import subprocess
import threading
import time
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from labkit import Stop, clock
from media import crew, memory
from safetensors.torch import load_file, save_file
from videogen import (
    batch,
    cost,
    denoise,
    encode,
    film,
    ladders,
    load,
    picture,
    plan,
    preview,
    quality,
    request,
    schedule,
    studio,
    tiny,
)

from tests.library.videogen_worlds import CPU, T4, make, models_of, wishes


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """An accidental download is an error, in this process and in those that it starts; not in other tests."""
    from huggingface_hub import constants

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def fastwan(tmp_path_factory):
    return models_of("fastwan-1.3b", tmp_path_factory.mktemp("fastwan"))


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    return {name: models_of(name, tmp_path_factory.mktemp(name)) for name in plan.MODELS}


def paths(models):
    return {role: local.path for role, local in models.items()}


def words_of(models, family="wan", text="a cat on a wall"):
    tokenizer, model = encode.load(models["text"].path, "cpu", family)
    return encode.one(tokenizer, model, text, family)


def frames_of(folders, records):
    return [film.read(path)[0] for path in batch.paths(folders, records)]


# --- words


def test_an_embedding_is_the_pipelines_own_without_its_padding(fastwan):
    from diffusers import WanPipeline
    from transformers import AutoTokenizer, UMT5EncoderModel

    text = "A  red kite &amp; a dog,\n in the wind"
    folder = fastwan["text"].path
    encoder = UMT5EncoderModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    ours = encode.one(tokenizer, encoder, text, "wan")
    pipe = WanPipeline(tokenizer=tokenizer, text_encoder=encoder, vae=None, scheduler=None)
    theirs, _ = pipe.encode_prompt(text, do_classifier_free_guidance=False, max_sequence_length=512)
    assert ours.shape[0] > 4 and theirs[0, ours.shape[0] :].abs().max() == 0
    assert torch.allclose(theirs[0, : ours.shape[0]], ours, atol=1e-5)


def test_every_text_is_encoded_once_and_a_rerun_never_loads_the_encoder(fastwan, folders, monkeypatch):
    clips = wishes("a cat|a dog|a cat")
    made = plan.quick("wan-1.3b")  # guided: what is to be avoided is a text too
    models, count = batch.encode_all(clips, made, folders, fastwan, CPU)
    assert count == 3
    monkeypatch.setattr(encode, "load", lambda *_: pytest.fail("the encoder is loaded again"))
    assert batch.encode_all(clips, made, folders, models, CPU)[1] == 0


def test_a_broken_embedding_is_made_anew(fastwan, folders):
    made, clips = plan.quick("fastwan-1.3b"), wishes("a cat")
    batch.encode_all(clips, made, folders, fastwan, CPU)
    kept = next((folders.outputs / "embeddings").glob("*.safetensors"))
    kept.write_bytes(kept.read_bytes()[:-9])
    assert batch.encode_all(clips, made, folders, fastwan, CPU)[1] == 1


def test_the_encoder_is_bf16_throughout_and_anything_else_is_refused(fastwan, monkeypatch):
    _, model = encode.load(fastwan["text"].path, "cpu")
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    from transformers import UMT5EncoderModel

    real = UMT5EncoderModel.from_pretrained.__func__

    def ignoring(cls, *arguments, dtype=None, **more):
        return real(cls, *arguments, dtype=torch.float32, **more)

    monkeypatch.setattr(UMT5EncoderModel, "from_pretrained", classmethod(ignoring))
    with pytest.raises(Stop, match="asked for in bfloat16 and came in {torch.float32}"):
        encode.load(fastwan["text"].path, "cpu")


def test_a_prompt_that_is_longer_than_the_model_reads_is_told(fastwan, capsys):
    tokenizer, model = encode.load(fastwan["text"].path, "cpu")
    assert encode.one(tokenizer, model, "wave " * 200, "wan").shape[0] == 512
    assert "tokens, the model reads the first 512 of them" in capsys.readouterr().out
    encode.one(tokenizer, model, "a wave", "wan")
    assert capsys.readouterr().out == ""


def test_an_encoder_of_zeros_is_noticed(fastwan):
    tokenizer, model = encode.load(fastwan["text"].path, "cpu")
    model.shared.weight.data.zero_()
    model.encoder.final_layer_norm.weight.data.zero_()
    with pytest.raises(Stop, match="no usable numbers"):
        encode.one(tokenizer, model, "a cat", "wan")


# --- noise levels


def test_a_distilled_model_is_sampled_at_its_own_three_levels():
    scheduler = schedule.of(plan.MODELS["fastwan-1.3b"], 0)
    scheduler.set_timesteps(50)  # whatever a pipeline asks for
    assert [round(float(t)) for t in scheduler.timesteps] == [1000, 757, 522]
    assert [round(float(s), 3) for s in scheduler.sigmas] == [1.0, 0.757, 0.522, 0.0]


def test_the_sampler_predicts_the_clean_clip_and_adds_fresh_noise_of_its_own():
    sample, flow = torch.randn(1, 4, 2, 3, 3), torch.randn(1, 4, 2, 3, 3)
    outs = []
    for seed in (5, 5, 6):
        torch.manual_seed(len(outs))  # the global generator has no say
        scheduler = schedule.ladder((1.0, 0.5), seed, stochastic=True)
        scheduler.set_timesteps(2)
        outs.append(scheduler.step(flow, scheduler.timesteps[0], sample, return_dict=False)[0])
    assert torch.equal(outs[0], outs[1]) and not torch.equal(outs[0], outs[2])
    noise = torch.randn(sample.shape, generator=torch.Generator().manual_seed(5 + 2**31))
    assert torch.allclose(outs[0], 0.5 * (sample - flow) + 0.5 * noise, atol=1e-6)
    firsts = [torch.randn(sample.shape, generator=torch.Generator().manual_seed(seed)) for seed in range(9)]
    assert not any(torch.equal(noise, first) for first in firsts), "no neighbour's first noise: variations are apart"
    last = scheduler.step(flow, scheduler.timesteps[1], sample, return_dict=False)[0]
    assert torch.allclose(last, sample - 0.5 * flow, atol=1e-6), "at the end no noise is left"


@pytest.mark.parametrize("name", list(plan.MODELS))
def test_each_model_goes_from_words_to_frames_and_a_seed_gives_the_same_clip(name, every):
    models, made = every[name], plan.quick(name)
    pipe = load.pipeline(made, paths(models))
    words = words_of(models, made.spec.family)
    avoid = words_of(models, made.spec.family, "blurry") if made.guidance > 1 else None
    told = []
    one = denoise.latents(pipe, made, words, avoid, 7, tell=lambda step, _: told.append(step))
    torch.manual_seed(99)
    again, other = (denoise.latents(pipe, made, words, avoid, seed) for seed in (7, 8))
    assert told == list(range(1, made.steps + 1))
    assert torch.equal(one, again) and not torch.allclose(one, other)
    frames = denoise.frames(pipe.vae, made, one)
    assert frames.shape == (made.frames, made.height, made.width, 3) and frames.dtype == np.uint8
    assert frames.std() > 1 and np.abs(np.diff(frames.astype(int), axis=0)).mean() > 0.1
    if made.spec.images:
        image = picture.fitted(picture.example(), made.height, made.width)
        begun = denoise.latents(load.with_image(pipe, made), made, words, avoid, 7, image=image)
        assert begun.shape == one.shape and not torch.allclose(begun, one)


@pytest.mark.parametrize("name", ["wan-1.3b", "ltx-2b"])
def test_words_go_to_the_card_that_the_model_is_on_whatever_the_plan_says(name, every, monkeypatch):
    """Pipelines do not move embeddings; the meta device stands in for a card."""
    made = plan.quick(name)
    pipe, words = load.pipeline(made, paths(every[name])), words_of(every[name], made.spec.family)
    pipe.transformer.to("meta")
    pipe.vae.to("meta")

    def stopped(self, *_, **given):
        raise Exception({key: value.device.type for key, value in given.items() if isinstance(value, torch.Tensor)})

    monkeypatch.setattr(type(pipe.transformer), "forward", stopped)
    with pytest.raises(Exception, match="encoder_hidden_states") as seen:
        denoise.latents(pipe, made, words, words, 7)
    assert set(seen.value.args[0].values()) == {"meta"}


def test_a_quick_test_is_made_on_the_card_in_its_types():
    for machine, dtype in ((T4, "float16"), (CPU, "float32")):
        made = plan.quick("auto", machine=machine)
        assert (made.device, made.encoder, made.dtype, made.vae_dtype) == (machine.device, machine.device, dtype, dtype)
    assert plan.quick("ltx-2b", machine=T4).dtype == "float32"


def test_what_is_loaded_has_the_type_that_was_asked_for(fastwan, monkeypatch):
    made = replace(plan.quick("fastwan-1.3b"), dtype="float16", vae_dtype="float16")
    pipe = load.pipeline(made, paths(fastwan))
    assert pipe.transformer.dtype == pipe.vae.dtype == torch.float16
    kept = {n for n, p in pipe.transformer.named_parameters() if p.dtype == torch.float32}
    assert "scale_shift_table" in kept, "diffusers keeps norms and time embedding in 32 bits by itself"
    real = load._classes("wan")["transformer"].from_pretrained.__func__

    def ignoring(cls, folder, torch_dtype=None, **more):  # what `dtype=` does before diffusers 0.40
        return real(cls, folder, **more)

    monkeypatch.setattr(load._classes("wan")["transformer"], "from_pretrained", classmethod(ignoring))
    with pytest.raises(Stop, match="the transformer was asked for in float16 and came in"):
        load.pipeline(made, paths(fastwan))


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_eight_bits_at_rest_still_make_a_finite_clip(every, dtype):
    made = replace(plan.quick("wan-5b"), storage="fp8", dtype=dtype)
    pipe = load.pipeline(made, paths(every["wan-5b"]))
    assert torch.float8_e4m3fn in {p.dtype for p in pipe.transformer.parameters()}
    words = words_of(every["wan-5b"])
    assert torch.isfinite(denoise.latents(pipe, made, words, words, 1)).all()


def test_extra_tensors_of_a_sparse_attention_are_no_alarm(fastwan, tmp_path, capfd):
    import shutil

    folder = shutil.copytree(fastwan["weights"].path, tmp_path / "with-gates")
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights |= {f"blocks.{i}.to_gate_compress.weight": torch.zeros(2, 2) for i in range(3)}
    save_file(weights, file, metadata={"format": "pt"})
    load.pipeline(plan.quick("fastwan-1.3b"), {"weights": folder})
    said = capfd.readouterr()
    assert "not used" not in said.err + said.out


def test_tiles_give_nearly_the_clip_of_one_piece(fastwan):
    made = replace(plan.quick("fastwan-1.3b"), height=128, width=192)
    pipe = load.pipeline(made, paths(fastwan))
    latents = torch.randn(1, 16, 3, 16, 24, generator=torch.Generator().manual_seed(1))
    frames = {}
    for side in (0, 96):
        load.tile(pipe.vae, replace(made, tile=side))
        frames[side] = denoise.frames(pipe.vae, made, latents).astype(int)
    assert frames[96].shape == frames[0].shape
    assert np.abs(frames[96] - frames[0]).mean() < 0.35 * frames[0].std()


@pytest.fixture
def blocks(monkeypatch):
    """How often a transformer's blocks have run."""
    from diffusers.models.transformers.transformer_wan import WanTransformerBlock

    plain, seen = WanTransformerBlock.forward, []

    @functools.wraps(plain)  # diffusers reads its parameters once, and would remember those of a bare lambda
    def counted(*given, **named):
        seen.append(1)
        return plain(*given, **named)

    monkeypatch.setattr(WanTransformerBlock, "forward", counted)
    return seen


def test_the_undistilled_models_cache_skips_blocks_and_leaves_a_clip_much_as_it_was(every, blocks):
    models = every["wan-1.3b"]
    words, avoid = words_of(models), words_of(models, text="blurry")
    made = replace(plan.quick("wan-1.3b"), steps=8)
    found, counts = {}, {}
    for threshold in (0.0, made.spec.cache):
        blocks.clear()
        one = replace(made, cache=threshold)
        found[threshold] = denoise.latents(load.pipeline(one, paths(models)), one, words, avoid, 3)
        counts[threshold] = len(blocks)
    assert counts[0.0] == 8 * 2 * 3, "eight steps, with and without the prompt, three blocks"
    assert 8 * 2 <= counts[made.spec.cache] < 0.8 * counts[0.0], "the first block always runs, the others not"
    error = (found[made.spec.cache] - found[0.0]).abs().mean() / found[0.0].abs().mean()
    assert 0 < error < 0.2


def test_a_clip_that_fails_midway_leaves_nothing_in_the_cache_for_the_next(every):
    models, made = every["wan-1.3b"], plan.quick("wan-1.3b")
    words, pipe = words_of(models), load.pipeline(made, paths(models))
    clean = denoise.latents(pipe, made, words, words, 3)

    def broken(step, _):
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        denoise.latents(pipe, made, words, words, 4, tell=broken)
    assert torch.equal(denoise.latents(pipe, made, words, words, 3), clean)


# --- small cards: 4 and 8 bits


def test_the_encoder_in_4_bits_says_nearly_what_it_says_in_16(fastwan, folders):
    tokenizer, small = encode.load(fastwan["text"].path, "nf4")
    types = {name.rpartition(".")[0].rpartition(".")[2]: p.dtype for name, p in small.named_parameters()}
    assert types["q"] == types["wi_0"] == torch.uint8 and types["wo"] == types["shared"] == torch.bfloat16
    ours = encode.one(tokenizer, small, "a cat on a wall", "wan").float()
    whole = words_of(fastwan).float()
    assert torch.cosine_similarity(ours, whole, dim=-1).min() > 0.95 and not torch.equal(ours, whole)
    made = replace(plan.quick("fastwan-1.3b"), encoder="nf4")
    assert make(folders, fastwan, wishes("a cat"), made)[0]["state"] == "done"


@pytest.mark.parametrize("image", [False, True])
def test_a_transformer_in_4_bits_makes_a_clip(image, every, monkeypatch):
    made = replace(plan.quick("wan-5b"), storage="nf4", encoder="nf4")
    from diffusers.quantizers.bitsandbytes import BnB4BitDiffusersQuantizer

    # diffusers asks for a GPU; bitsandbytes' own code for processors does the rest here as it would there
    monkeypatch.setattr(BnB4BitDiffusersQuantizer, "validate_environment", lambda *_, **__: None)
    pipe = load.pipeline(made, paths(every["wan-5b"]))
    assert torch.uint8 in {p.dtype for p in pipe.transformer.parameters()}
    words = words_of(every["wan-5b"])
    first = picture.fitted(picture.example(), made.height, made.width) if image else None
    pipe = load.with_image(pipe, made) if image else pipe
    assert torch.isfinite(denoise.latents(pipe, made, words, words, 1, first)).all()


def test_words_that_do_not_fit_the_card_are_encoded_in_4_bits_then_on_the_processor(
    fastwan, tmp_path, monkeypatch, capsys
):
    plain, tried = encode.load, []

    def full(path, way, family="wan"):
        tried.append(way)
        if way != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(path, way, family)

    monkeypatch.setattr(encode, "load", full)
    assert encode.encode(["a cat"], fastwan["text"].path, tmp_path, "e", "cuda") == 1
    assert tried == ["cuda", "nf4", "cpu"]
    said = capsys.readouterr().out
    assert said.index("out of memory (words): they are encoded in 4 bits") < said.index("on the processor")
    monkeypatch.setattr(encode, "find_spec", lambda _: None)
    tried.clear()
    encode.encode(["a dog"], fastwan["text"].path, tmp_path, "e", "cuda")
    assert tried == ["cuda", "cpu"], "without bitsandbytes there are no 4 bits"


# --- a list, and what ends it


def test_a_list_becomes_films_with_their_records(fastwan, folders):
    records = make(folders, fastwan, wishes("a cat|a dog", seed=-1))
    one, other = frames_of(folders, records)
    assert one.shape == (9, 64, 96, 3) and not np.array_equal(one, other)
    for record, path in zip(records, batch.paths(folders, records), strict=True):
        made = record["made"]
        assert record["state"] == "done" and made["seed"] >= 0 and made["forwards"] == 3
        assert made["asked"] == made["made"] and made["changes"] == []
        assert set(made["stage_seconds"]) == {"denoise", "decode", "film", "report"}
        assert made["commits"]["weights"].endswith("@" + "0" * 40)
        assert {"flicker", "warp", "flow", "sharpness", "frozen", "black"} <= set(made["quality"])
        about = film.metadata(path)
        assert "AI-generated" in about["comment"] and f"seed {made['seed']}" in about["comment"]
        assert about["title"] == made["prompt"] and about["date"].startswith("20")
        assert film.facts(path).codec == "h264"
    assert len(batch.paths(folders, records, "sheet.png")) == 2
    assert not list((folders.outputs / "latents").iterdir()), "what is done leaves no unfinished work"
    assert make(folders, fastwan, wishes("a cat|a dog", seed=-1)) == records, "a rerun has nothing to do"


def test_the_same_seed_is_the_same_film_and_another_is_another(fastwan, folders, tmp_path):
    first = frames_of(folders, make(folders, fastwan, wishes("a cat", seed=3, variations=2)))
    for name in ("outputs", "work"):
        (tmp_path / "again" / name).mkdir(parents=True)
    fresh = folders._replace(outputs=tmp_path / "again" / "outputs", work=tmp_path / "again" / "work")
    again = frames_of(fresh, make(fresh, fastwan, wishes("a cat", seed=3, variations=2)))
    assert np.array_equal(first[0], again[0]) and not np.array_equal(first[0], first[1])


def test_an_image_begins_the_clip_and_how_near_it_comes_is_told(every, folders):
    made = plan.quick("wan-5b")
    clips = request.judged(wishes("the sea", image="example"), made, folders.outputs)
    record = make(folders, every["wan-5b"], clips, made)[0]
    assert record["state"] == "done" and record["made"]["quality"]["first_psnr"] > 0
    assert clips[0]["image"] == record["item"]["image"]


STAGES = {  # a function of the library, and whether the process dies before or after it
    "before its seed is drawn": (studio.Work, "seed", "before"),
    "after its seed is drawn": (studio.Work, "seed", "after"),
    "after the words are read": (studio.Studio, "_ready", "before"),
    "in the middle of the steps": (denoise, "latents", "before"),
    "before latents are saved": (studio.Work, "save", "before"),
    "after latents are saved": (studio.Work, "save", "after"),
    "after decoding": (denoise, "frames", "after"),
    "before the film is there": (film, "write", "before"),
    "after the film is there": (film, "write", "after"),
    "after the report": (quality, "verdict", "after"),
}


@pytest.mark.parametrize("when", STAGES)
def test_a_kill_between_any_two_stages_costs_no_finished_stage(when, fastwan, folders, tmp_path, capsys):
    clips, made = wishes("a cat", seed=-1), plan.quick("fastwan-1.3b")
    models, _ = batch.encode_all(clips, made, folders, fastwan, CPU)
    child = os.fork()
    if child == 0:  # everything is imported already: a process of its own costs a second instead of ten
        place, name, moment = STAGES[when]
        plain = getattr(place, name)

        def deadly(*arguments, **more):
            out = plain(*arguments, **more) if moment == "after" else None
            os.kill(os.getpid(), signal.SIGKILL)
            return out

        setattr(place, name, deadly)
        batch.run(clips, made, folders, models, ["cpu"])
        os._exit(9)  # not reached when the kill came
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the process was killed"
    work = folders.outputs / "latents"
    states = [json.loads(p.read_text()) for p in work.glob("*/state.json")]
    kept = [load_file(p)["latents"] for p in work.glob("*/latents.safetensors")]
    capsys.readouterr()
    record = batch.run(clips, made, folders, models, ["cpu"])[0]
    assert record["state"] == "done" and not list(work.iterdir())
    if states:
        assert record["made"]["seed"] == states[0]["seed"], "the seed that was drawn stays"
    said = capsys.readouterr().out
    assert ("going on from saved latents" in said) == bool(kept)
    if kept:
        assert "denoise" not in record["made"]["stage_seconds"], "no step is done twice"
        vae = load.pipeline(made, paths(fastwan)).vae
        shown = frames_of(folders, [record])[0].astype(int)
        assert np.abs(shown - denoise.frames(vae, made, kept[0])).mean() < 12, "h264 of those very latents"


def test_latents_that_are_cut_off_are_made_again(fastwan, folders):
    work = studio.Work(folders.outputs / "latents" / "x")
    made = plan.quick("fastwan-1.3b")
    work.save(torch.randn(1, 16, 3, 8, 12), made)
    assert work.latents(made)[0] is not None
    file = work.place / "latents.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert work.latents(made) == (None, made)


def test_latents_of_another_card_are_decoded_in_this_ones_way(folders):
    """Weights in 4 bits, or in the machine's memory, are that card's affair; here they may not be had at all."""
    work, here = studio.Work(folders.outputs / "latents" / "x"), plan.quick("wan-5b")
    there = replace(here, device="cuda", dtype="float16", vae_dtype="float16", storage="nf4", offload=True, frames=5)
    work.save(torch.randn(1, 48, 2, 4, 6), there)
    assert work.latents(here)[1] == replace(here, frames=5), "what had to change of the clip itself stays"


def test_two_workers_share_a_list_and_make_each_clip_once(fastwan, folders, capsys, monkeypatch):
    plain, log = studio.Studio.make, folders.work / "worker-2.log"

    def patient(self, clip, folder):  # until the other, which has to start a Python first, has made one too
        while " done in " not in log.read_text() and clock.time_used() < began + 120:
            time.sleep(0.1)
        return plain(self, clip, folder)

    began = clock.time_used()
    monkeypatch.setattr(studio.Studio, "make", patient)
    records = make(folders, fastwan, wishes("one|two|three"), devices=("cpu", "cpu"))
    assert [r["state"] for r in records] == ["done"] * 3
    own = capsys.readouterr().out
    other = (folders.work / "worker-2.log").read_text()
    assert "card 2 works on the same list" in own and "Traceback" not in other
    done = [text.count(" done in ") for text in (own, other)]
    assert sum(done) == 3 and min(done) >= 1, f"each clip once: {done}"


def worker(folders, fastwan, minutes, before=None):
    """A further card's process, without the seconds that a new Python takes: (its exit status, what it made)."""
    made, clips = plan.quick("fastwan-1.3b"), wishes("one|two|three")
    models, _ = batch.encode_all(clips, made, folders, fastwan, CPU)
    started = []

    class Process:
        def __init__(self, command, **_):
            self.child = os.fork()
            if self.child == 0:
                if before:
                    before()
                os._exit(batch.work(Path(command[-1])))
            started.append(self)

        def wait(self):
            return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    clock.budget(minutes)
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(crew, "subprocess", types.SimpleNamespace(Popen=Process, STDOUT=subprocess.STDOUT))
        batch._start(clips, made, folders, models, ["cpu"], "clips")
    clock.budget(0)
    status = started[0].wait()
    records = [json.loads(p.read_text()) for p in (folders.outputs / "clips").glob("*.json")]
    return status, [r["state"] for r in records]


def test_a_worker_ends_with_the_budget_of_the_session_that_started_it(fastwan, folders):
    status, states = worker(folders, fastwan, minutes=0.01 / 60)
    assert status == 0 and len(states) <= 1, "its clock does not begin anew"


def test_a_worker_that_is_stopped_leaves_its_clip_queued_and_not_as_one_that_died(fastwan, folders):
    def stop_soon():
        plain = studio.Studio._ready
        studio.Studio._ready = lambda self, made: os.kill(os.getpid(), signal.SIGTERM) or plain(self, made)

    status, states = worker(folders, fastwan, minutes=0, before=stop_soon)
    assert (status, states) == (0, [])


def test_a_stop_of_the_first_card_ends_the_others_at_once(fastwan, folders, monkeypatch):
    ended = []
    helper = types.SimpleNamespace(
        wait=lambda: ended.append("waited"), poll=lambda: None, terminate=lambda: ended.append("told to end")
    )
    monkeypatch.setattr(batch, "_start", lambda *_: [helper])
    monkeypatch.setattr(studio.Studio, "make", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    records = make(folders, fastwan, wishes("one|two"), devices=("cpu", "cpu"))
    assert ended == ["told to end", "waited"] and [r["state"] for r in records] == ["queued"] * 2


def test_a_helper_that_dies_leaves_its_clips_to_the_first(fastwan, folders, monkeypatch):
    monkeypatch.setattr(batch.sys, "executable", "/bin/false")
    records = make(folders, fastwan, wishes("a|b|c"), devices=("cpu", "cpu"))
    assert [r["state"] for r in records] == ["done"] * 3


def test_cancel_stops_between_steps_and_the_clip_is_made_on_the_next_run(fastwan, folders):
    cancel = threading.Event()
    seen = []

    def tell(stage, at, of):
        seen.append(at)
        cancel.set()

    clips = wishes("a cat")
    assert make(folders, fastwan, clips, cancel=cancel, tell=tell)[0]["state"] == "failed"
    assert seen == [1], "no step after the one in which it was asked for"
    assert make(folders, fastwan, clips)[0]["state"] == "done"


def test_a_preview_is_drawn_at_every_step_but_the_last_also_of_a_model_that_keeps_its_latents_in_a_row(every, folders):
    made, drawn = plan.quick("ltx-2b"), []
    live = types.SimpleNamespace(due=lambda: True, draw=lambda figure, alt: drawn.append(figure.axes[0].images[0]))
    clips = request.judged(wishes("the sea", image="example"), made, folders.outputs)
    record = make(folders, every["ltx-2b"], clips, made, live=live)[0]
    assert record["state"] == "done" and len(drawn) == made.steps, "seven on the way, and the finished latents"
    shapes = {image.get_array().shape for image in drawn}
    assert shapes == {(*cost.latent_shape(made)[2:], 3)}


def test_a_preview_shows_the_clip_before_it_is_decoded(fastwan, folders):
    made = plan.quick("fastwan-1.3b")
    pipe = load.pipeline(made, paths(fastwan))
    latents = denoise.latents(pipe, made, words_of(fastwan), None, 1)
    frames = denoise.frames(pipe.vae, made, latents)
    false, colours = preview.thumbnail(latents), preview.fit(latents, frames)
    fitted = preview.thumbnail(latents, colours)
    assert false.shape == fitted.shape == (8, 12, 3) and false.std() > 5
    middle = frames[4].reshape(8, 8, 12, 8, 3).mean((1, 3))
    assert np.abs(fitted - middle).mean() < np.abs(false - middle).mean(), "colours are nearer once they are fitted"
    preview.save(colours, folders.outputs / "colours.npy")
    assert np.allclose(preview.load(folders.outputs / "colours.npy"), colours)
    assert preview.load(folders.outputs / "none.npy") is None


# --- ladders, by injection


def failing(monkeypatch, place, name, *errors, index=1):
    """Let a function fail with these errors, one a call, then work."""
    plain, left, seen = getattr(place, name), list(errors), []

    def wrapped(*arguments, **more):
        seen.append(arguments[index])  # the plan
        if left:
            raise left.pop(0)
        return plain(*arguments, **more)

    monkeypatch.setattr(place, name, wrapped)
    return seen


def test_out_of_memory_while_decoding_makes_tiles_smaller_and_says_so(fastwan, folders, monkeypatch, capsys):
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    seen = failing(monkeypatch, denoise, "frames", full, full)
    record = make(folders, fastwan, wishes("a cat"))[0]
    assert record["state"] == "done" and [p.tile for p in seen] == [384, 192, 96]
    assert record["made"]["changes"] == [
        "out of memory (decode): decoding in tiles of 192 pixels",
        "out of memory (decode): decoding in tiles of 96 pixels",
    ]
    assert record["made"]["asked"] == record["made"]["made"], "the clip itself is as it was asked for"
    assert "out of memory (decode): decoding in tiles of 192 pixels" in capsys.readouterr().out


def test_out_of_memory_while_denoising_makes_fewer_frames_and_the_record_tells_both(fastwan, folders, monkeypatch):
    made = replace(plan.quick("fastwan-1.3b"), frames=29)
    failing(monkeypatch, denoise, "latents", RuntimeError("CUDA error: out of memory"))
    record = make(folders, fastwan, wishes("a cat"), made)[0]
    assert record["made"]["asked"]["frames"] == 29 and record["made"]["made"]["frames"] == 21
    assert record["made"]["changes"] == ["out of memory (denoise): 21 frames instead of 29"]
    assert len(frames_of(folders, [record])[0]) == 21


def test_the_ladder_of_memory_goes_from_tiles_to_frames_to_size_to_offload_and_ends():
    made, seen = plan.choose(T4), []
    for stage in ("decode", "denoise"):
        now = made
        while (found := ladders.lighter(now, stage)) is not None:
            now, words = found
            seen.append(words)
            assert len(seen) < 30
        assert now.offload and ladders.lighter(now, stage) is None
    text = " / ".join(seen)
    order = ["tiles of 192", "tiles of 96", "slower", "45 frames instead of 61", "17 frames", "624 x 336", "slower"]
    at = -1
    for word in order:
        at = text.index(word, at + 1)
    assert min(now.height, now.width) >= 256


def test_weights_that_do_not_fit_while_they_are_loaded_wait_in_the_machines_memory(fastwan, folders, monkeypatch):
    made = replace(plan.quick("fastwan-1.3b"), device="cpu")
    seen = failing(monkeypatch, load, "pipeline", torch.OutOfMemoryError("CUDA out of memory"), index=0)
    monkeypatch.setattr(ladders, "_offloaded", lambda p: (replace(p, offload=True), "weights wait"))
    monkeypatch.setattr(load, "place", lambda pipe, made, device: None)
    record = make(folders, fastwan, wishes("a cat"), made)[0]
    assert record["made"]["changes"] == ["out of memory (load): weights wait"] and record["state"] == "done"
    assert [p.offload for p in seen] == [False, True] and record["made"]["asked"] == record["made"]["made"]


def test_no_rung_asks_for_more_than_the_card_and_the_machine_have():
    """A machine whose own memory is full ends the whole session, which is worse than a clip that failed."""
    small, roomy = plan.choose(T4, "wan-5b"), plan.choose(replace(T4, ram_gb=50.0), "wan-5b")
    assert small.storage == "fp8" and cost.host(replace(small, storage="", offload=True)) > 11
    for made in (plan.choose(replace(T4, ram_gb=3.2)), small):
        now, stage = made, "denoise"
        while (found := ladders.lighter(now, stage)) is not None:
            now = found[0]
            assert cost.host(now) <= now.ram_gb
    assert ladders.lighter(plan.choose(replace(T4, ram_gb=3.2)), "load") is None
    assert ladders.lighter(roomy, "load")[0].offload
    for made in (small, plan.choose(T4)):
        now = made
        while (found := ladders.wider(now, "decode")) is not None:
            now = found[0]
            assert max(cost.stages(now)[s] for s in ("denoise", "decode")) <= now.card_gb
        assert now.vae_dtype == "float32"


def test_an_end_of_the_ladder_is_a_sentence_and_the_list_goes_on(fastwan, folders, monkeypatch):
    full = torch.OutOfMemoryError("CUDA out of memory")
    failing(monkeypatch, denoise, "frames", *[full] * 3)
    records = make(folders, fastwan, wishes("a cat|a dog"))
    assert records[0]["state"] == "failed" and records[1]["state"] == "done"
    assert "nothing lighter left to try: choose a smaller size" in records[0]["error"]
    assert make(folders, fastwan, wishes("a cat|a dog"))[0]["state"] == "done", "its latents were kept"


def test_frames_that_overflow_are_decoded_in_32_bits_then_denoised_so(fastwan, folders, monkeypatch):
    made = replace(plan.quick("fastwan-1.3b"), dtype="bfloat16", vae_dtype="bfloat16")
    nan = denoise.NotFinite("the decoded frames overflowed")
    seen = failing(monkeypatch, denoise, "frames", nan, nan)
    record = make(folders, fastwan, wishes("a cat"), made)[0]
    assert [(p.vae_dtype, p.dtype) for p in seen] == [
        ("bfloat16", "bfloat16"),
        ("float32", "bfloat16"),
        ("float32", "float32"),
    ]
    assert record["made"]["changes"] == [
        "the decoded frames overflowed: the VAE in 32 bits",
        "the decoded frames overflowed: the transformer in 32 bits",
    ]
    assert record["state"] == "done" and record["made"]["plan"]["dtype"] == "float32"


def test_latents_that_overflow_are_noticed_at_their_step_and_made_in_32_bits(fastwan, folders, monkeypatch):
    made = replace(plan.quick("fastwan-1.3b"), dtype="float16", vae_dtype="float32")
    from diffusers import WanTransformer3DModel

    plain, calls = WanTransformer3DModel.forward, []

    def overflowing(self, *arguments, **more):
        out = plain(self, *arguments, **more)
        calls.append(self.dtype)
        return (out[0] * float("inf"),) if self.dtype == torch.float16 and len(calls) == 2 else out

    monkeypatch.setattr(WanTransformer3DModel, "forward", overflowing)
    record = make(folders, fastwan, wishes("a cat"), made)[0]
    assert record["made"]["changes"] == ["the latents overflowed at step 2: the transformer in 32 bits"]
    assert calls == [torch.float16] * 2 + [torch.float32] * 3 and record["state"] == "done"


def test_an_overflow_of_a_clip_that_begins_with_an_image_widens_the_vae_first(every, folders, monkeypatch):
    """The VAE encodes the image: latents that overflow may be its doing."""
    made = replace(plan.quick("wan-5b"), dtype="bfloat16", vae_dtype="bfloat16")
    clips = request.judged(wishes("the sea", image="example"), made, folders.outputs)
    nan = denoise.NotFinite("the latents overflowed at step 1")
    seen = failing(monkeypatch, denoise, "latents", nan, nan)
    record = make(folders, every["wan-5b"], clips, made)[0]
    assert [(p.vae_dtype, p.dtype) for p in seen] == [
        ("bfloat16", "bfloat16"),
        ("float32", "bfloat16"),
        ("float32", "float32"),
    ]
    assert record["made"]["changes"][0] == "the latents overflowed at step 1: the VAE in 32 bits"


def test_what_an_earlier_try_had_to_change_is_not_told_of_one_that_began_anew(fastwan, folders, monkeypatch):
    made = replace(plan.quick("fastwan-1.3b"), frames=29)
    failing(monkeypatch, denoise, "latents", torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("lost"))
    assert make(folders, fastwan, wishes("a cat"), made)[0]["state"] == "failed"
    made = make(folders, fastwan, wishes("a cat"), made)[0]["made"]
    assert made["changes"] == [] and made["made"]["frames"] == 29


def test_a_library_that_finds_no_memory_for_itself_is_out_of_memory_too():
    assert memory.out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"))
    assert not memory.out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))


def test_a_clip_says_which_repository_its_transformer_is_of(every, folders):
    for name, repository in (("ltx-2b", "Lightricks/LTX-Video"), ("wan-5b", "Wan-AI/Wan2.2-TI2V-5B-Diffusers")):
        assert studio.Studio(plan.quick(name), every[name], folders.outputs).made_by.id == repository


def test_a_black_clip_climbs_the_same_ladder_and_at_its_end_is_said(fastwan, folders, monkeypatch):
    made = replace(plan.quick("fastwan-1.3b"), vae_dtype="bfloat16")
    monkeypatch.setattr(denoise, "frames", lambda vae, p, z: np.zeros((p.frames, p.height, p.width, 3), "uint8"))
    record = make(folders, fastwan, wishes("a cat"), made)[0]
    assert record["state"] == "failed" and "the clip is black, also in 32 bits" in record["error"]


def test_other_errors_are_no_rung_of_any_ladder(fastwan, folders, monkeypatch):
    failing(monkeypatch, denoise, "frames", RuntimeError("shape mismatch"))
    record = make(folders, fastwan, wishes("a cat"))[0]
    assert record["state"] == "failed" and record["error"] == "RuntimeError: shape mismatch"


# --- long clips, and the quick test


def test_a_long_clip_is_chained_and_its_seams_are_told(every, folders):
    made = plan.quick("wan-5b")
    models, _ = batch.encode_all(wishes("the sea"), made, folders, every["wan-5b"], CPU)
    records, long, seams = batch.chained(wishes("the sea"), made, folders, models, ["cpu"], 3)
    assert len(long) == 1 and len(film.read(long[0])[0]) == 9 + 8 + 8 and len(seams[0]) == 2
    assert "AI-generated" in film.metadata(long[0])["comment"] and records[0]["state"] == "done"


def test_of_long_clips_one_that_fails_ends_alone_and_a_stop_is_one_of_all_parts(every, folders, monkeypatch, capsys):
    made, clips = plan.quick("wan-5b"), wishes("the sea|a hill")
    models, _ = batch.encode_all(clips, made, folders, every["wan-5b"], CPU)
    plain = studio.Studio.make
    monkeypatch.setattr(studio.Studio, "make", lambda self, clip, folder: (
        plain(self, clip, folder) if clip["prompt"] == "a hill" else 1 / 0))  # fmt: skip
    records, long, seams = batch.chained(clips, made, folders, models, ["cpu"], 2)
    assert [r["state"] for r in records] == ["failed", "done"]
    assert len(long) == len(seams) == 1 and len(film.read(long[0])[0]) == 9 + 8

    def pressed(*_):
        raise KeyboardInterrupt

    capsys.readouterr()
    monkeypatch.setattr(studio.Studio, "make", pressed)  # the stop button, while the other's first part is made again
    records, long, seams = batch.chained(clips, made, folders, models, ["cpu"], 3)
    assert [r["state"] for r in records] == ["queued", "done"] and long == seams == []
    assert "Stopped before part 2 of 3" in capsys.readouterr().out and not (folders.outputs / "clips-part-3").exists()


def test_a_second_run_in_the_same_folder_is_told_so(folders):
    with batch.alone(folders), pytest.raises(Stop, match="another run is making clips in"), batch.alone(folders):
        pass
    with batch.alone(folders):
        pass


def test_a_model_for_words_alone_makes_no_long_clips(fastwan, folders):
    with pytest.raises(Stop, match="makes no long clips; choose wan-5b"):
        batch.chained(wishes("a"), plan.quick("fastwan-1.3b"), folders, fastwan, ["cpu"], 2)


def test_a_twin_has_the_real_repositorys_layout(tmp_path):
    tiny.twin(tmp_path, "Wan-AI/Wan2.2-TI2V-5B-Diffusers")
    names = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert {"model_index.json", "vae/config.json", "scheduler/scheduler_config.json"} <= names
    assert {"tokenizer/tokenizer.json", "text_encoder/config.json"} <= names
    for part in ("text_encoder/model", "transformer/diffusion_pytorch_model"):
        assert f"{part}.safetensors.index.json" in names, "sharded, as the real ones are"
        assert sum(name.startswith(part) and name.endswith(".safetensors") for name in names) >= 2
    assert not [name for name in names if name.endswith((".bin", ".pt"))]
