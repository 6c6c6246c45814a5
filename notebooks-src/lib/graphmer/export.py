"""The trained encoder for others: safetensors, tokenizer, relations, a stock `transformers` model of the text part.

Contract: `write` leaves a folder that `transformers.AutoModelForMaskedLM.from_pretrained(folder / "plain")` loads
without remote code, and that gives the same masked-word scores as our model on text without leaves and
with decay switched off (tested to 1e-4). `transformers` itself is not needed to write it.

What the plain export leaves out: leaves, H-GAT, the span head, the link head, and the graph decay. The model was
trained with decay, so the plain encoder is not what was measured: fine-tune it, or use `encoder.safetensors` with this
package.

Which stock architecture computes the same: with LayerNorm on the embeddings, post-LN and rotary positions that is
RoFormer; with learned or no positions BERT; with pre-LN and rotary positions ESM.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, processors

from graphmer import state
from graphmer.knowledge import RELATIONS
from graphmer.links import Linker
from graphmer.model import Config, GraphMER
from graphmer.tokens import CLS, MASK, PAD, SEP, SPECIAL, UNK

ARCHITECTURES = {
    ("post", "rope"): "roformer",
    ("post", "learned"): "bert",
    ("post", "none"): "bert",
    ("pre", "rope"): "esm",
}
LEFT_OUT = "leaves, H-GAT, span head, link head and graph decay"


def write(folder: Path, model: GraphMER, tokenizer: Tokenizer, card: str, linker: Linker | None = None) -> list[Path]:
    """Write everything below `folder`; the files, in order. Raises OSError.

    A link head needs the counts of its training graph beside it, so it is no part of `plain`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    save_file(weights, folder / "encoder.safetensors", {"format": "pt"})
    _json(folder / "config.json", model.config.__dict__)
    _json(folder / "relations.json", {relation: i + 1 for i, relation in enumerate(RELATIONS)})
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")
    if linker is not None:
        state.write_links(folder, linker.run, linker.states.around.names, linker.encoder_step, moments=False)
    if architecture(model.config):
        write_plain(folder / "plain", model, tokenizer)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def architecture(config: Config) -> str:
    """The stock architecture that computes the plain encoder, "" where there is none."""
    return ARCHITECTURES.get((config.norm, config.root_pos), "")


def write_plain(folder: Path, model: GraphMER, tokenizer: Tokenizer) -> None:
    """A `transformers` folder: config.json, model.safetensors, tokenizer.json and its settings. Raises OSError."""
    kind = architecture(model.config)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_file(TENSORS[kind](model), folder / "model.safetensors", {"format": "pt"})
    _json(folder / "config.json", _config(model.config, kind))
    framed = Tokenizer.from_str(tokenizer.to_str())
    framed.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    framed.save(str(folder / "tokenizer.json"))
    names = dict(zip(("pad", "cls", "sep", "mask", "unk"), SPECIAL, strict=True))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.config.roots}
    _json(folder / "tokenizer_config.json", about | {f"{role}_token": token for role, token in names.items()})


def _json(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _config(c: Config, kind: str) -> dict:
    common = {
        "model_type": kind, "vocab_size": c.vocabulary, "hidden_size": c.width, "num_hidden_layers": c.layers,
        "num_attention_heads": c.heads, "intermediate_size": c.hidden, "hidden_act": "gelu", "layer_norm_eps": 1e-5,
        "hidden_dropout_prob": c.dropout, "attention_probs_dropout_prob": 0.0, "pad_token_id": PAD, "dtype": "float32",
        "max_position_embeddings": c.roots, "mask_token_id": MASK, "unk_token_id": UNK,
    }  # fmt: skip
    own = {
        "roformer": {
            "architectures": ["RoFormerForMaskedLM"], "embedding_size": c.width, "type_vocab_size": 1,
            "rotary_value": False,
        },
        "bert": {"architectures": ["BertForMaskedLM"], "type_vocab_size": 1},
        "esm": {
            "architectures": ["EsmForMaskedLM"], "position_embedding_type": "rotary", "emb_layer_norm_before": True,
            "token_dropout": False, "tie_word_embeddings": True,
        },
    }  # fmt: skip
    return common | own[kind]


def _linear(name: str, layer: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {f"{name}.weight": layer.weight, f"{name}.bias": layer.bias}


def _layers(model: GraphMER, place: str, pairs: bool = False) -> dict[str, torch.Tensor]:
    """Encoder layers under `transformers`' common names. `pairs`: rotary turns neighbours instead of halves."""
    tensors = {}
    size = model.config.width // model.config.heads
    order = torch.arange(size).view(2, size // 2).T.flatten()  # 0, size / 2, 1, size / 2 + 1, ...
    for i, layer in enumerate(model.layers):
        at = f"{place}.{i}"
        for part, name in enumerate(("query", "key", "value")):
            weight, bias = (t.detach().chunk(3)[part] for t in (layer.qkv.weight, layer.qkv.bias))
            if pairs and name != "value":
                weight = weight.view(-1, size, weight.shape[1])[:, order].reshape_as(weight)
                bias = bias.view(-1, size)[:, order].flatten()
            tensors |= {f"{at}.attention.self.{name}.weight": weight, f"{at}.attention.self.{name}.bias": bias}
        tensors |= _linear(f"{at}.attention.output.dense", layer.out)
        tensors |= _linear(f"{at}.intermediate.dense", layer.up) | _linear(f"{at}.output.dense", layer.down)
    return tensors


def _own(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies: safetensors refuses tensors that share memory."""
    return {name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()}


def _bert_like(model: GraphMER, kind: str) -> dict[str, torch.Tensor]:
    embed, width = f"{kind}.embeddings", model.config.width
    tensors = _layers(model, f"{kind}.encoder.layer", pairs=kind == "roformer")
    for i, layer in enumerate(model.layers):
        at = f"{kind}.encoder.layer.{i}"
        tensors |= _linear(f"{at}.attention.output.LayerNorm", layer.norm1)
        tensors |= _linear(f"{at}.output.LayerNorm", layer.norm2)
    tensors |= {f"{embed}.word_embeddings.weight": model.tokens.weight}
    tensors |= {f"{embed}.token_type_embeddings.weight": torch.zeros(1, width)}
    tensors |= _linear(f"{embed}.LayerNorm", model.embed_norm)
    if kind == "bert":
        positions = torch.zeros(model.config.roots, width) if model.positions is None else model.positions.weight
        tensors |= {f"{embed}.position_embeddings.weight": positions}
    head = "cls.predictions"
    tensors |= _linear(f"{head}.transform.dense", model.transform)
    tensors |= _linear(f"{head}.transform.LayerNorm", model.transform_norm)
    tensors |= {f"{head}.bias": model.bias, f"{head}.decoder.bias": model.bias}
    tensors |= {f"{head}.decoder.weight": model.tokens.weight}
    if kind == "roformer":
        tensors |= {"roformer.encoder.embed_positions.weight": _sinusoids(model.config)}
    return _own(tensors)


def _sinusoids(c: Config) -> torch.Tensor:
    """(roots, head size): sines of the rotary angles, then their cosines, as RoFormer keeps them."""
    size = c.width // c.heads
    rate = 10_000.0 ** (-torch.arange(0, size, 2) / size)
    angle = torch.arange(c.roots)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], 1)


def _esm(model: GraphMER) -> dict[str, torch.Tensor]:
    tensors = _layers(model, "esm.encoder.layer")
    for i, layer in enumerate(model.layers):
        tensors |= _linear(f"esm.encoder.layer.{i}.attention.LayerNorm", layer.norm1)
        tensors |= _linear(f"esm.encoder.layer.{i}.LayerNorm", layer.norm2)
    tensors |= {"esm.embeddings.word_embeddings.weight": model.tokens.weight, "lm_head.bias": model.bias}
    tensors |= _linear("esm.embeddings.layer_norm", model.embed_norm)
    tensors |= _linear("esm.encoder.emb_layer_norm_after", model.final_norm)
    tensors |= _linear("lm_head.dense", model.transform) | _linear("lm_head.layer_norm", model.transform_norm)
    tensors |= {"lm_head.decoder.weight": model.tokens.weight}
    # ESM's own extras, unused here; without them it would report missing weights.
    size = model.config.width // model.config.heads
    tensors |= {
        "esm.contact_head.regression.weight": torch.zeros(1, model.config.layers * model.config.heads),
        "esm.contact_head.regression.bias": torch.zeros(1),
        "esm.rotary_embeddings.inv_freq": 10_000.0 ** (-torch.arange(0, size, 2) / size),
    }
    return _own(tensors)


TENSORS = {
    "roformer": lambda model: _bert_like(model, "roformer"), "bert": lambda model: _bert_like(model, "bert"),
    "esm": _esm,
}  # fmt: skip
