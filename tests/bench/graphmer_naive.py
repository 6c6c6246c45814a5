"""What GraphMER training is measured against: the same network written straight from the formulas.

`Naive`: one sample a row, padded; attention written out with dropout, its decay computed anew in every layer; separate
query, key and value; two untied heads over all positions. Its H-GAT is the batched one, so the ratio says nothing of
loops over triples. `hf_model`: `BertForMaskedLM` with SDPA, without any graph.
"""

import math

import torch
import torch.nn.functional as F
from graphmer.attention import decay_table, distances
from graphmer.model import HGAT, Config
from torch import nn


class NaiveLayer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.heads, self.dropout = c.heads, 0.1
        self.q, self.k, self.v, self.out = (nn.Linear(c.width, c.width) for _ in range(4))
        self.up, self.down = nn.Linear(c.width, c.hidden), nn.Linear(c.hidden, c.width)
        self.norm1, self.norm2 = nn.LayerNorm(c.width), nn.LayerNorm(c.width)

    def forward(self, x, batch, table):
        rows, size, width = x.shape
        q, k, v = (f(x).view(rows, size, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        steps, same = distances(batch, len(table) - 1)
        bias = table[steps].masked_fill(~same, float("-inf")).unsqueeze(1)
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias).softmax(-1)
        y = F.dropout(weights, self.dropout, self.training) @ v
        y = self.out(y.transpose(1, 2).reshape(rows, size, width))
        x = self.norm1(x + F.dropout(y, self.dropout, self.training))
        y = self.down(F.dropout(F.gelu(self.up(x)), self.dropout, self.training))
        return self.norm2(x + F.dropout(y, self.dropout, self.training))


class Naive(nn.Module):
    """Loss of both tasks over all positions, -100 where there is nothing to predict."""

    def __init__(self, c: Config):
        super().__init__()
        self.tokens = nn.Embedding(c.vocabulary, c.width)
        self.hgat = HGAT(c.relations, c.width, 0, 0.1)
        self.layers = nn.ModuleList(NaiveLayer(c) for _ in range(c.layers))
        self.words, self.leaves = nn.Linear(c.width, c.vocabulary), nn.Linear(c.width, c.vocabulary)
        self.register_buffer("table", decay_table(c.decay, c.roots + 1))

    def forward(self, batch):
        x = self.tokens(batch.tokens)
        x = F.dropout(self.hgat(x.flatten(0, 1), batch).view_as(x), 0.1, self.training)
        for layer in self.layers:
            x = layer(x, batch, self.table)
        loss = 0.0
        for head, where, target in (
            (self.words, batch.root_where, batch.root_target), (self.leaves, batch.leaf_where, batch.leaf_target)
        ):  # fmt: skip
            labels = torch.full((batch.tokens.numel(),), -100, device=x.device)
            labels[where] = target
            loss = loss + F.cross_entropy(head(x).flatten(0, 1).float(), labels)
        return loss


def hf_model(c: Config):
    """`BertForMaskedLM` of the same shape, SDPA, dropout 0.1."""
    from transformers import BertConfig, BertForMaskedLM

    shape = BertConfig(
        vocab_size=c.vocabulary, hidden_size=c.width, num_hidden_layers=c.layers, num_attention_heads=c.heads,
        intermediate_size=c.hidden, max_position_embeddings=1024, attn_implementation="sdpa",
    )  # fmt: skip
    return BertForMaskedLM(shape)


def hf_trainer(model, batches: list[dict], folder, steps: int):
    """A `Trainer` over ready batches with dynamic padding: nothing saved, nothing reported."""
    from transformers import Trainer, TrainingArguments

    options = TrainingArguments(
        output_dir=str(folder), max_steps=steps, per_device_train_batch_size=1, save_strategy="no", report_to=[],
        disable_tqdm=True, logging_strategy="no", dataloader_pin_memory=False, use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0),
        fp16=torch.cuda.is_available() and torch.cuda.get_device_capability() < (8, 0),
    )  # fmt: skip
    return Trainer(model=model, args=options, train_dataset=batches, data_collator=lambda items: items[0])
