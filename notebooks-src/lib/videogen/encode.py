"""Words into numbers: every prompt of the queue once, each kept by the hash of its words, then the encoder goes.

An embedding is (tokens, width) in the encoder's own bf16, without padding: a T5 attends by relative position and masks
its padding out, so the rows do not depend on how far they are padded (a test holds this to the pipeline's own way).
"""

import html
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import disk
from disk import sealed
from labkit import Stop, progress, storage
from media import memory
from media.hush import hush

WAYS = ("cuda", "nf4", "cpu")  # of computing it, each with less of the card than the one before
WORDS = {"nf4": "in 4 bits", "cpu": "on the processor"}
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


def encode(texts: Iterable[str], model_path: Path, folder: Path, encoder: str, where: str, family: str = "wan") -> int:
    """Encode what is not there yet and free the encoder again; how many were encoded. `where` is the plan's: "cuda",
    "nf4" or "cpu"; when the card's memory runs out it goes on in the next of these, and says so. Raises Stop."""
    count = len(missing(texts, folder, encoder))
    if not count:
        return 0
    ways = [way for way in WAYS[WAYS.index(where) :] if way in (where, "cpu") or find_spec("bitsandbytes")]
    for way, after in zip(ways, [*ways[1:], ""], strict=True):
        try:
            _encode(missing(texts, folder, encoder), model_path, folder, encoder, way, family)
            break
        except (RuntimeError, MemoryError) as error:
            if not memory.out_of_memory(error):
                raise
            if not after:
                raise Stop("out of memory (words), on the card and on the processor: choose a larger machine") from None
            print(f"out of memory (words): they are encoded {WORDS[after]}")
    return count


def _encode(left: list[str], model_path: Path, folder: Path, encoder: str, way: str, family: str) -> None:
    tokenizer = model = None
    try:
        tokenizer, model = load(model_path, way, family)
        for text in progress.bar(left, what="encoding", unit="prompt"):
            embedding = one(tokenizer, model, text, family)
            with storage.whole(place(folder, text, encoder)) as part:
                _save(part, embedding)
    finally:
        del model
        memory.give_back()


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


def load(path: Path, way: str, family: str = "wan"):
    """(tokenizer, text encoder) straight to where it computes: 12.7 GB of RAM do not hold it twice. All of it in bf16;
    with "nf4" its matrices in 4 bits, but for `wo`, which T5 needs wider. Raises Stop."""
    import torch
    from transformers import AutoTokenizer, T5EncoderModel, UMT5EncoderModel

    base = UMT5EncoderModel if family == "wan" else T5EncoderModel

    class Encoder(base):
        # transformers 5.0 keeps a sixth of these weights in 32 bits even when bf16 is asked for: 13.4 GB, not 11.4
        _keep_in_fp32_modules = None

    more = {"quantization_config": _four_bits()} if way == "nf4" else {}
    device = ("cuda" if torch.cuda.is_available() else "cpu") if way == "nf4" else way
    try:
        with hush():
            # a folder that was fetched at one commit: there is no revision to give
            tokenizer = AutoTokenizer.from_pretrained(path / "tokenizer")  # anylab: allow model/moving: a folder
            model = Encoder.from_pretrained(  # anylab: allow model/moving: a folder
                path / "text_encoder", dtype=torch.bfloat16, device_map={"": device}, **more
            ).eval()
    except (OSError, ValueError, RuntimeError) as error:
        if disk.full(error, path) or memory.out_of_memory(error):
            raise
        raise Stop(f"the text encoder cannot be loaded ({str(error).splitlines()[0][:160]})") from None
    wrong = {p.dtype for p in model.parameters()} - {torch.bfloat16, *([torch.uint8] if more else [])}
    if wrong:
        raise Stop(f"the text encoder was asked for in bfloat16 and came in {wrong}: more memory than planned")
    return tokenizer, model


def _four_bits():
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=["wo"],
    )


def _save(path: Path, embedding) -> None:
    from safetensors.torch import save

    path.write_bytes(save({"embedding": embedding}))
