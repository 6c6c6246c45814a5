"""What was said? Whisper, by transformers: 30 seconds at a time, greedy, in float16 on a card.

Used for a transcript of the reference, for the words of each sentence and for a spoken consent; all three go without.
"""

from pathlib import Path

import numpy
from labkit import Stop
from media import shims
from media.sound import Sound, resample

from voiceclone.registry import UNVERIFIED, Repo

REPO = Repo("openai/whisper-base", ("*.json", "*.txt", "model.safetensors"), 0.3, UNVERIFIED)
RATE = 16000


def load(folder: Path, device: str) -> "Recogniser":
    """From a downloaded snapshot. Raises Stop when it lacks weights, which transformers would only mention."""
    shims.torchaudio()
    import torch
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

    with shims.quiet():
        tokenizer = _tokenizer(folder)
        features = WhisperFeatureExtractor.from_pretrained(folder)
        model, told = WhisperForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float16 if device == "cuda" else torch.float32, output_loading_info=True
        )
    lacking = [name for name in told["missing_keys"] if "proj_out" not in name]  # shared with the embedding
    if lacking:
        raise Stop(f"Whisper's file lacks {len(lacking)} weights, such as {lacking[0]}: remove {folder}, run again")
    return Recogniser(model.to(device).eval(), features, tokenizer)


def _tokenizer(folder: Path):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


class Recogniser:
    """A loaded Whisper."""

    def __init__(self, model, features, tokenizer):
        self.model, self.features, self.tokenizer = model, features, tokenizer

    def heard(self, sound: Sound, language: str = "en") -> str:
        """The words of a sound, in pieces of 30 seconds."""
        import torch

        wave = resample(sound, RATE).samples
        parts = [wave[i : i + 30 * RATE] for i in range(0, len(wave), 30 * RATE)]
        return " ".join(filter(None, (self._heard(part, language, torch) for part in parts if len(part) > RATE // 10)))

    def _heard(self, wave: numpy.ndarray, language: str, torch) -> str:
        given = self.features(wave, sampling_rate=RATE, return_tensors="pt").input_features
        options = {"language": language, "task": "transcribe"} if self._knows_languages() else {}
        most = min(220, 10 + int(len(wave) / RATE * 12))  # tokens: nobody speaks more than twelve a second
        with torch.inference_mode(), shims.quiet():
            given = given.to(self.model.device, self.model.dtype)
            tokens = self.model.generate(given, max_new_tokens=most, do_sample=False, num_beams=1, **options)
        return self.tokenizer.decode(tokens[0], skip_special_tokens=True).strip()

    def _knows_languages(self) -> bool:
        return bool(getattr(self.model.generation_config, "lang_to_id", None))
