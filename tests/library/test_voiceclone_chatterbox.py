"""Chatterbox Turbo with random weights of its real size, through its own loader: on demand, `pytest -m heavy`.

The widths of its models are fixed in its package, so there is no tiny twin. torchaudio wants CUDA libraries; its
transforms and its kaldi features are plain torch, and work once its extension module is there in name.
"""

import importlib
import json
import subprocess
import sys
import types

import pytest
from media import shims
from voiceclone import batch, consent, intake, output, reference, registry, script, studio, takes, voices

from tests.library.voices import packages

pytestmark = pytest.mark.heavy


@pytest.fixture
def torchaudio(tmp_path, monkeypatch):
    """torchaudio of the registry in a folder of its own, without its extension."""
    folder = tmp_path / "torchaudio-site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), "torchaudio==2.11.0"]
    subprocess.run(command, check=True)
    for name in [name for name in sys.modules if name.startswith("torchaudio")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))
    extension = types.ModuleType("torchaudio._extension")
    extension.fail_if_no_align = lambda function: function
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._IS_RIR_AVAILABLE = False
    extension.lazy_import_sox_ext = lambda: None
    monkeypatch.setitem(sys.modules, "torchaudio._extension", extension)
    importlib.invalidate_caches()


def weights(folder):
    """ve, t3 (its transformer cut to one layer) and s3gen with random weights, and a tokenizer of the asked size."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers

    shims.onnx()
    with shims.pkg_resources():
        import chatterbox.models.t3.llama_configs as configs
        from chatterbox.models.s3gen import S3Gen
        from chatterbox.models.t3 import T3
        from chatterbox.models.t3.modules.t3_config import T3Config
        from chatterbox.models.voice_encoder import VoiceEncoder

    configs.LLAMA_CONFIGS["GPT2_medium"]["n_layer"] = 1
    configs.LLAMA_CONFIGS["GPT2_medium"]["num_hidden_layers"] = 1
    torch.manual_seed(0)
    hp = T3Config(text_tokens_dict_size=50276)
    hp.llama_config_name, hp.speech_tokens_dict_size, hp.input_pos_emb = "GPT2_medium", 6563, None
    hp.speech_cond_prompt_len, hp.use_perceiver_resampler, hp.emotion_adv = 375, False, False
    for name, model in (("ve", VoiceEncoder()), ("t3_turbo_v1", T3(hp)), ("s3gen_meanflow", S3Gen(meanflow=True))):
        state = {key: value.contiguous().clone() for key, value in model.state_dict().items()}
        save_file(state, folder / f"{name}.safetensors")
    vocabulary = {f"t{i}": i for i in range(50276)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="t0"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(folder / "tokenizer.json"))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "t0", "eos_token": "t1", "pad_token": "t1"}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))


def test_chatterbox_speaks_through_the_same_calls(torchaudio, folders):
    packages()
    place = folders.work / "chatterbox"
    place.mkdir()
    weights(place)
    about = registry.engines()["chatterbox"]
    engine = registry.module("chatterbox").load([place], "en", "cpu", folders.work)
    agreed = consent.ask(False, "", "")
    prompt = voices.save(
        folders.outputs, "voice", reference.prepare(intake.find("sample", folders), *about.reference), "", agreed
    )
    loaded = studio.Loaded(engine, about, {"ResembleAI/chatterbox-turbo": "random weights"}, "cpu")
    todo = script.items([script.Line("speech", "", "A short one.")], "en")[0]
    booth = takes.Booth(engine, batch.ready(engine, {"": prompt}), takes.Settings())
    made = batch.run(todo, booth, folders, loaded.facts())
    assert made.records[0]["state"] == "done", made.records[0]
    _, (whole, _) = next(batch.recordings(todo, made, folders))
    assert output.write(folders.outputs, "speech", whole, loaded.facts(), agreed).mark > 0.5
