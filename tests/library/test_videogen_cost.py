"""videogen.cost against what the real configurations do on the meta device; the benchmark's own gates in small."""

from dataclasses import replace

import pytest
from videogen import cost, plan

from tests.bench import video, video_gpu
from tests.library.videogen_worlds import T4


@pytest.mark.parametrize("name", ["fastwan-1.3b", "wan-5b"])
def test_work_and_memory_of_a_forward_are_what_the_real_shapes_take(name):
    made = plan.choose(T4, name)
    tflop, weights, live = video.denoise(made)
    assert cost.tflop(made) == pytest.approx(tflop, rel=0.02)
    said, spec = cost.stages(made)["denoise"], made.spec
    counted = weights + spec.vae_params_b * cost.BYTES[made.vae_dtype] + live
    assert counted <= said <= counted + 1.5, "told a little more than it takes, never less"
    wide = 1 if made.storage == "fp8" else 2
    assert weights == pytest.approx(spec.shape.params_b * wide, rel=0.01)


def test_the_default_needs_a_tenth_of_the_plain_models_work_and_fits_14_gb():
    made = plan.choose(T4)
    tflop = video.denoise(made)[0]
    plain = replace(made, model="wan-1.3b", steps=50, guidance=5.0)
    assert video.denoise(plain)[0] * plain.forwards >= 10 * tflop * made.forwards
    assert max(cost.stages(made).values()) < video.CAP_GB


def test_in_4_bits_encoder_and_transformer_rest_in_what_the_plan_says():
    small = replace(T4, gpu_gb=7.6, four_bits=True)
    made = plan.choose(small, "wan-5b")
    weights = video.at_rest_gb(video.transformer(made), "nf4")
    assert weights <= made.spec.shape.params_b * cost.AT_REST["nf4"] * 1.05 < 3
    encoder = video.at_rest_gb(video.encoder(), "nf4", (".wo",))
    assert 5.9 < encoder <= cost.stages(made)["encode"] < encoder + 0.5, "6.0 GB were measured by others"


def test_the_encoders_and_the_vaes_sizes_are_the_registrys():
    for model, params in (
        (video.encoder(), 5.681),
        (video.vae(plan.choose(T4)), 0.127),
        (video.vae(plan.choose(T4, "wan-5b")), 0.705),
    ):
        assert sum(p.numel() for p in model.parameters()) / 1e9 == pytest.approx(params, abs=0.002)


def test_the_benchmark_for_a_gpu_runs_on_the_processor_in_small(monkeypatch, capsys):
    """No GPU here: its way is walked at toy size, so that it is not new where there is one."""
    small = {"num_attention_heads": 1, "ffn_dim": 64, "num_layers": 2}
    monkeypatch.setattr(video, "TRANSFORMERS", dict.fromkeys(video.TRANSFORMERS, small))
    monkeypatch.setattr(video, "VAES", {8: {"base_dim": 8, "num_res_blocks": 1}})
    monkeypatch.setattr(video, "UMT5", {**video.UMT5, "vocab_size": 2000, "d_ff": 64, "num_layers": 1, "num_heads": 4})
    toy = replace(plan.quick("fastwan-1.3b"), device="cpu")
    monkeypatch.setattr(plan, "choose", lambda *_, **__: toy)
    monkeypatch.setattr(video_gpu, "matmul_rate", lambda *_: 0.1)
    video_gpu.main("cpu")
    said = capsys.readouterr().out
    assert said.count("encode:") == said.count("decode:") == said.count("MFU") == 2 and "plain pipeline" in said
