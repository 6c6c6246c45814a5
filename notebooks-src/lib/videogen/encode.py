"""Words into numbers: every prompt of the queue once, each kept by the hash of its words, then the encoder goes.

An embedding is (tokens, width) in the encoder's own bf16, without padding: a T5 attends by relative position and masks
its padding out, so the rows do not depend on how far they are padded (a test holds this to the pipeline's own way).
"""

import gc
import html
import re
from collections.abc import Iterable
from pathlib import Path

import disk
from disk import sealed
from labkit import Stop, progress, storage

from videogen.hush import hush

LONGEST = {"wan": 512, "ltx": 256}  # tokens that the transformers were trained with (pipelines' defaults)


def clean(text: str) -> str:
    """A prompt as the model was trained to read it: entities resolved, white space single."""
    return re.sub(r"\s+", " ", html.unescape(html.unescape(text))).strip()


def place(folder: Path, text: str, encoder: str) -> Path:
    """Where a prompt's embedding lies; `encoder` names the repository and commit it was made with."""
    return folder / f"{sealed.digest([clean(text), encoder])[:16]}.safetensors"


def missing(texts: Iterable[str], folder: Path, encoder: str) -> list[str]:
    """Those prompts that have no readable embedding yet, each once."""
    return [text for text in dict.fromkeys(map(clean, texts)) if read(folder, text, encoder) is None]


def read(folder: Path, text: str, encoder: str):
    """A prompt's embedding (tokens, width), None when there is none that can be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(place(folder, text, encoder))["embedding"]
    except (OSError, SafetensorError, KeyError):
        return None


def encode(texts: Iterable[str], model_path: Path, folder: Path, encoder: str, device: str, family: str = "wan") -> int:
    """Encode what is not there yet and free the encoder again; how many were encoded. Raises Stop."""
    left = missing(texts, folder, encoder)
    if not left:
        return 0
    tokenizer, model = load(model_path, device, family)
    try:
        for text in progress.bar(left, what="encoding", unit="prompt"):
            embedding = one(tokenizer, model, text, family)
            with storage.whole(place(folder, text, encoder)) as part:
                _save(part, embedding)
    finally:
        del model
        free()
    return len(left)


def one(tokenizer, model, text: str, family: str):
    """One prompt's embedding, (tokens, width) on the processor."""
    import torch

    count = len(tokenizer([clean(text)], verbose=False).input_ids[0])
    if count > LONGEST[family]:
        print(f"'{text[:40]}…' has {count} tokens, the model reads the first {LONGEST[family]} of them")
    words = tokenizer([clean(text)], truncation=True, max_length=LONGEST[family], return_tensors="pt")
    where = next(model.parameters()).device
    with torch.no_grad():
        out = model(words.input_ids.to(where), words.attention_mask.to(where)).last_hidden_state[0]
    if not torch.isfinite(out).all() or out.abs().max() == 0:  # one report of all-zero embeddings in fp16 on a T4
        raise Stop(f"the text encoder gave no usable numbers for '{text[:40]}'; its download may be broken")
    return out.to("cpu").contiguous()


def load(path: Path, device: str, family: str = "wan"):
    """(tokenizer, text encoder) in bf16, straight to the device: 12.7 GB of RAM do not hold it twice."""
    import torch
    from transformers import AutoTokenizer, T5EncoderModel, UMT5EncoderModel

    base = UMT5EncoderModel if family == "wan" else T5EncoderModel

    class Encoder(base):
        # transformers 5.0 keeps a sixth of these weights in 32 bits even when bf16 is asked for: 13.4 GB, not 11.4
        _keep_in_fp32_modules = None

    try:
        with hush():
            # a folder that was fetched at one commit: there is no revision to give
            tokenizer = AutoTokenizer.from_pretrained(path / "tokenizer")  # anylab: allow model/moving: a folder
            model = Encoder.from_pretrained(  # anylab: allow model/moving: a folder
                path / "text_encoder", dtype=torch.bfloat16, device_map={"": device}
            ).eval()
    except (OSError, ValueError, RuntimeError) as error:
        if disk.full(error, path):
            raise
        raise Stop(f"the text encoder cannot be loaded ({str(error).splitlines()[0][:160]})") from None
    wrong = {p.dtype for p in model.parameters()} - {torch.bfloat16}
    if wrong:
        raise Stop(f"the text encoder was asked for in bfloat16 and came in {wrong}: more memory than planned")
    return tokenizer, model


def free() -> None:
    """Give back what is not used any more, on the card too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _save(path: Path, embedding) -> None:
    from safetensors.torch import save

    path.write_bytes(save({"embedding": embedding}))
