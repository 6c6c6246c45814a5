"""What voice cloning costs beside its engine, and what the engine has to do: `python -m tests.bench.voice`.

1. Overhead: the whole way (pieces, measures, joins, mark, files, the mark read back) around an engine that takes as
   long as the published rate says and gives speech of espeak's; what is left over it, in percent of the engine's time.
2. Counts of VoxCPM2 at its real shapes on the meta device: parameters, and operations per second of speech.
3. With a card (`--gpu`): the real shapes with random weights, real-time factor and peak memory by dtype.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "notebooks-src" / "lib")]

# 28 and 8 layers of width 2048, 12 and 12 of 1024, 64 channels, 6.25 steps a second, by its authors; widths inside the
# layers, heads and vocabulary are those of their MiniCPM-4, and give the parameter counts that were found before
REAL = {
    "lm_config": {
        "bos_token_id": 1, "eos_token_id": 2, "hidden_size": 2048, "intermediate_size": 6144,
        "max_position_embeddings": 32768, "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5, "vocab_size": 73448, "use_mup": False, "scale_emb": 12.0, "dim_model_base": 256,
        "scale_depth": 1.4, "rope_theta": 10000.0, "kv_channels": 128,
        "rope_scaling": {"type": "longrope", "long_factor": [1.0] * 64, "short_factor": [1.0] * 64,
                         "original_max_position_embeddings": 32768},
    },
    "patch_size": 4, "feat_dim": 64, "residual_lm_num_layers": 8, "residual_lm_no_rope": True,
    "scalar_quantization_latent_dim": 512, "scalar_quantization_scale": 9,
    "encoder_config": {"hidden_dim": 1024, "ffn_dim": 4096, "num_heads": 16, "num_layers": 12, "kv_channels": 128},
    "dit_config": {"hidden_dim": 1024, "ffn_dim": 4096, "num_heads": 16, "num_layers": 12, "kv_channels": 128,
                   "cfm_config": {}},
    "max_length": 8192,
}  # fmt: skip
PARAGRAPH = (
    "The overhead of a method is what it costs beside the work itself. A sentence is spoken, measured, marked and "
    "written, while the next one is being spoken. So on a card our own work hides behind the engine, as long as it is "
    "the shorter of the two. This paragraph is said several times, to be long enough for a measurement. "
)


class AsFast:
    """Speech of espeak-ng's, given out after the seconds that the real engine would take; it leaves the processor
    free meanwhile, as an engine on a card does."""

    rate, dtype = 48000, "none"

    def __init__(self, samples, rtf: float):
        self.samples, self.rtf, self.busy, self.cpu = samples, rtf, 0.0, 0.0

    def voice(self, reference, transcript):
        return None

    def say(self, text, voice, how):
        from voiceclone import text as texts

        seconds = texts.seconds(text)[1]
        work = seconds * self.rtf
        time.sleep(work)
        self.busy += work
        self.cpu = time.process_time()
        return self.samples[: int(seconds * self.rate)]


def overhead(rtf: float, minutes: float) -> dict:
    """Seconds of engine and of everything, at one real-time factor."""
    from labkit import storage
    from media.sound import Sound, resample
    from voiceclone import batch, consent, intake, output, reference, script, takes, voices

    from tests.library.voices import speak

    voice, rate = speak()
    engine = AsFast(resample(Sound(voice, rate), 48000).samples, rtf)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("work", "outputs"):
            Path(folder, name).mkdir()
        folders = storage.Folders(Path(folder, "work"), Path(folder, "outputs"), None, True)
        agreed = consent.ask(False, "", "")
        prompt = voices.save(folders.outputs, "voice", reference.prepare(intake.find("sample", folders)), "", agreed)
        ready = batch.ready(engine, {"": prompt})
        text = PARAGRAPH * max(1, round(minutes * 60 / 24))
        warm = script.items([script.Line("warm", "", "This warms everything up, before the clock is started.")], "en")[
            0
        ]
        about = {"engine": "none", "commit": "none"}
        batch.run(warm, takes.Booth(engine, ready, takes.Settings()), folders, about)
        engine.busy, started, cpu = 0.0, time.perf_counter(), time.process_time()
        items = script.items([script.Line("speech", "", text)], "en")[0]
        begun = output.drafts(folders, about)
        made = batch.run(items, takes.Booth(engine, ready, takes.Settings()), folders, about, begun)
        spoken = time.perf_counter()
        _, (whole, _) = next(batch.recordings(items, made, folders))
        joined = time.perf_counter()
        result = output.write(folders.outputs, "speech", whole, about, agreed, begun=begun)
        ended, all_cpu = time.perf_counter(), time.process_time()  # the engine sleeps: all of it is ours
    return {
        "rtf": rtf, "pieces": len(items), "speech_s": round(whole.seconds, 1), "engine_s": round(engine.busy, 2),
        "all_s": round(ended - started, 2), "pieces_over_s": round(spoken - started - engine.busy, 2),
        "joins_s": round(joined - spoken, 2), "files_s": round(ended - joined, 2), "own_cpu_s": round(all_cpu - cpu, 2),
        "cpu_after_the_engine_s": round(all_cpu - engine.cpu, 2),  # what cannot be done while it speaks
        "mark": round(result.mark, 2),
        "overhead_percent": round(100 * (ended - started - engine.busy) / engine.busy, 1),
    }  # fmt: skip


def alone() -> dict:
    """CPU seconds of our own parts per second of speech, one after the other."""
    from media import watermark
    from media.sound import Sound, resample
    from voiceclone import sound, speaker

    from tests.library.voices import speak

    voice, rate = speak()
    made = resample(Sound(voice, rate), 48000)
    marked = watermark.marked(made)
    parts = {
        "mark": lambda: watermark.marked(made),
        "read the mark": lambda: watermark.found(marked),
        "similarity": lambda: speaker.embedding(made),
        "trim, loudness": lambda: sound.at_loudness(sound.trimmed(made)),
    }
    found = {}
    for name, part in parts.items():
        part()
        started = time.process_time()
        part()
        found[name] = round((time.process_time() - started) / made.seconds, 4)
    return found


def counts(steps: int = 10) -> dict:
    """Parameters of VoxCPM2 and multiply-adds per second of speech, from its modules at real shapes on meta."""
    import torch
    from media import shims
    from voiceclone.engines.voxcpm2 import STEPS_PER_SECOND

    shims.torchaudio()
    with shims.quiet():
        from voxcpm.model.voxcpm2 import VoxCPM2Model, VoxCPMConfig
        from voxcpm.modules.audiovae import AudioVAEConfigV2, AudioVAEV2

        class Named:
            vocab = {"a": 0}

        with torch.device("meta"):
            vae = AudioVAEV2(config=AudioVAEConfigV2())
            config = VoxCPMConfig(**{**REAL, "max_length": 64}, dtype="bfloat16")
            model = _on_meta(VoxCPM2Model, config, Named(), vae)
        model = model.to("meta").to(torch.float32)
    names = ("base_lm", "residual_lm", "feat_encoder", "feat_decoder", "audio_vae")
    found = {name: sum(p.numel() for p in getattr(model, name).parameters()) / 1e6 for name in names}
    total = sum(p.numel() for p in model.parameters()) / 1e9
    step = {
        "flow": lambda: model.feat_decoder(mu=_meta(1, 2048), patch_size=4, cond=_meta(1, 64, 4), n_timesteps=steps,
                                           cfg_value=2.0),
        "encoder": lambda: model.feat_encoder(_meta(1, 1, 4, 64)),
        "language": lambda: model.base_lm(inputs_embeds=_meta(1, 1, 2048), is_causal=True),
        "residual": lambda: model.residual_lm(inputs_embeds=_meta(1, 1, 2048), is_causal=True),
    }  # fmt: skip
    work = {name: _gflop(call) * STEPS_PER_SECOND for name, call in step.items()}
    work["audio vae"] = _gflop(lambda: model.audio_vae.decode(_meta(1, 64, 100))) / 100 * 4 * STEPS_PER_SECOND
    return {
        "parameters_m": {k: round(v, 1) for k, v in found.items()}, "total_b": round(total, 3),
        "weights_gb_fp32": round(total * 4, 2), "weights_gb_bf16": round(total * 2, 2),
        "cache_gb_fp32_at_8192": round(2 * 36 * 2 * 128 * 8192 * 4 / 1e9, 2),  # keys and values of 36 layers, 2 heads
        "gflop_per_second_of_speech": {k: round(v, 1) for k, v in work.items()} | {"all": round(sum(work.values()), 1)},
    }  # fmt: skip


def _meta(*shape: int):
    import torch

    return torch.empty(*shape, device="meta")


def _gflop(call) -> float:
    """GFLOP of the matrix products and convolutions in a call (a multiply-add is two)."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call()
    return counter.get_total_flops() / 1e9


def _on_meta(kind, config, tokenizer, vae):
    return kind(config, tokenizer, vae, device="cpu")


def on_gpu(seconds: float = 10.0) -> list[dict]:
    """Real-time factor and peak memory of VoxCPM2's real shapes with random weights, by dtype."""
    import numpy
    import torch
    from media import shims
    from voiceclone.engines.voxcpm2 import STEPS_PER_SECOND

    shims.torchaudio()
    found = []
    for dtype in ("float32", "float16", "bfloat16"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        with shims.quiet():
            from voxcpm.model.voxcpm2 import VoxCPM2Model, VoxCPMConfig
            from voxcpm.modules.audiovae import AudioVAEConfigV2, AudioVAEV2

            class Named:
                vocab = {"a": 0}

                def tokenize(self, text):
                    return list(text)

                def convert_tokens_to_ids(self, tokens):
                    return [200 + ord(t) % 1000 for t in tokens]

            with torch.device("cuda"):
                vae = AudioVAEV2(config=AudioVAEConfigV2())
                model = VoxCPM2Model(VoxCPMConfig(**REAL, dtype=dtype), Named(), vae, device="cuda")
            model = model.to(getattr(torch, dtype)).eval()
            model.audio_vae.float()
        path = Path(tempfile.gettempdir(), "bench-voice.wav")
        import soundfile

        soundfile.write(path, 0.1 * numpy.random.default_rng(0).standard_normal(16000 * 10), 16000)
        cache = model.build_prompt_cache(reference_wav_path=str(path))
        steps = int(seconds * STEPS_PER_SECOND)
        for _ in range(2):  # the first warms up
            torch.cuda.synchronize()
            started = time.perf_counter()
            sound, _, _ = model.generate_with_prompt_cache(
                target_text="a" * 100,
                prompt_cache=cache,
                min_len=steps,
                max_len=steps,
                retry_badcase_ratio_threshold=1e6,
            )
            torch.cuda.synchronize()
            took = time.perf_counter() - started
        found.append({
            "dtype": dtype, "card": torch.cuda.get_device_name(), "rtf": round(took / (sound.shape[-1] / 48000), 3),
            "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2), "finite": bool(torch.isfinite(sound).all()),
        })  # fmt: skip
        del model, cache
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="of speech for the overhead")
    parser.add_argument("--gpu", action="store_true", help="real shapes on a card")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from tests.library.voices import packages

    packages()
    from voiceclone import registry

    print(json.dumps({"our_parts_cpu_s_per_s": alone()}))
    for name, about in registry.engines().items():
        print(json.dumps({"engine": name, "published": about.rtf[1:], **overhead(about.rtf[0], given.minutes)}))
    print(json.dumps(counts()))
    if given.gpu:
        print(json.dumps(on_gpu()))


if __name__ == "__main__":
    main()
