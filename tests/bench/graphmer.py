"""How fast GraphMER training is: `python -m tests.bench.graphmer [--json] [--counts]`.

First what is deterministic, on tensors without data: FLOPs, operations, bytes saved for the backward pass, fill of the
rows, and that the fast ways give the numbers of the slow ones. These are gates: a wrong one ends the command with 1.
Then CPU seconds of one thread, lean against naive and against `BertForMaskedLM` with its Trainer, in turns: for
people, never a gate. On a GPU the same command measures the GEMM rate, trains `base` on packed rows and prints the
share of that rate that was needed work, and the peak memory at 32 rows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks-src" / "lib"))

import numpy as np
import torch
from graphmer import attention, cache, chains, corpus, drawing, knowledge, packages, rows, splits, tokens, train
from graphmer.device import autocast, to_torch
from graphmer.model import PRESETS, Config, GraphMER
from graphmer.tokens import MASK
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from tests.bench.graphmer_naive import Naive, hf_model, hf_trainer

CPU = torch.device("cpu")
# Exact figures of `synthetic(2, 768)` at the base shape, torch 2.13: change them together with the model, and say why.
WANTED = {"gflop_per_row": 477.7, "operations": 3727, "saved_mb_per_row": 281.3}


# --- counts -----------------------------------------------------------------------------------------------------------


def synthetic(count: int, size: int, vocabulary: int = 16_384) -> rows.Batch:
    """`count` full rows of eight equal graphs: 82 roots, two tails of seven leaves, one of them and 12 roots masked."""
    graphs, per = [], size // 8
    roots = per - 14
    for number in range(8 * count):
        ids = (np.arange(per) * 31 + number * 7) % (vocabulary - 5) + 5
        labels = np.full(per, -100)
        labels[[1 + 6 * i for i in range(12)]] = ids[[1 + 6 * i for i in range(12)]]
        labels[roots : roots + 7] = ids[roots : roots + 7]
        ids = np.where(labels >= 0, MASK, ids)
        anchor = np.concatenate([np.arange(roots), [3] * 7, [9] * 7])
        nodes = np.stack(
            [ids, labels, anchor, np.arange(per) >= roots, np.r_[np.zeros(roots), np.arange(7), np.arange(7)]]
        )
        triples = ((1 + number % 17, 3, 2, roots, 7), (1 + (number + 5) % 17, 9, 1, roots + 7, 7))
        spans = tuple((1 + 6 * i, 1) for i in range(12))
        graphs.append(chains.Chain(nodes.astype(np.int32), triples, spans))
    settings = corpus.ChainSettings(row_tokens=size)
    return rows.collate([graphs[8 * r : 8 * r + 8] for r in range(count)], settings)


class _Fused(torch.autograd.Function):
    """Stands for a fused attention kernel on tensors without data: saves q, k, v and its result, nothing of T x T."""

    @staticmethod
    def forward(ctx, q, k, v):
        out = torch.empty_like(q)
        ctx.save_for_backward(q, k, v, out)
        return out

    @staticmethod
    def backward(ctx, gradient):
        return tuple(torch.empty_like(t) for t in ctx.saved_tensors[:3])


class _Operations(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        self.count += 1
        return function(*arguments, **(named or {}))


def counts(c: Config, count: int = 2, size: int = 768) -> dict:
    """FLOPs executed and needed per row, operations, MB saved per row in 16 bit: forward and backward of one batch."""
    batch = synthetic(count, size, c.vocabulary)
    with torch.device("meta"):
        model = GraphMER(replace(c, dropout=0.0, relation_dropout=0.0))
    moved = to_torch(batch, torch.device("meta"))
    own = {p.untyped_storage()._cdata for p in model.parameters()}
    saved: dict[int, int] = {}

    def pack(tensor):
        if tensor.is_floating_point() and tensor.untyped_storage()._cdata not in own:
            storage = tensor.untyped_storage()  # two views of one tensor are kept once
            saved[storage._cdata] = storage.nbytes() // 2  # they are fp32 here
            kept.append(storage)
        return tensor

    kept: list = []
    before = attention.attend
    import graphmer.model as network

    network.attend = lambda q, k, v, g: _Fused.apply(q, k, v)
    try:
        with FlopCounterMode(display=False) as flops, _Operations() as operations:
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
                loss = model(moved).sum()
            loss.backward()
    finally:
        network.attend = before
    dense = 12 * c.layers * size * size * c.width  # 4 T^2 d forward, twice that backward
    inside = 12 * c.layers * int((np.bincount(batch.document[0]) ** 2).sum()) * c.width
    executed = flops.get_total_flops() / count
    return {
        "gflop_per_row": round((executed + dense) / 1e9, 1),
        "gflop_needed_per_row": round((executed * batch.fill + inside) / 1e9, 1),
        "operations": operations.count,
        "saved_mb_per_row": round(sum(saved.values()) / count / 1e6, 1),
        "masked_per_row": (len(batch.root_target) + len(batch.leaf_target)) // count,
    }


def equalities() -> dict[str, float]:
    """Largest differences between fast and slow ways on a small model."""
    torch.manual_seed(0)
    shape = Config(width=64, heads=2, hidden=128, layers=2, vocabulary=600, dropout=0.0, relation_dropout=0.0)
    model = GraphMER(shape).eval()
    batch = to_torch(synthetic(1, 768, 600), CPU)
    with torch.no_grad():
        packed = model.encode(batch)[0]
        one = synthetic(1, 768, 600)
        alone = model.encode(to_torch(_first_graph(one), CPU))[0, :96]
        model.attention = "eager"
        eager = model.encode(batch)[0]
        model.attention = "sdpa"
        by_rows = model.encode(batch)[0]
        model.attention = ""
        states = model.encode(batch)
        full = model.predict(states, torch.arange(768))[batch.root_where]
        masked = model.predict(states, batch.root_where)
    return {
        "packed_alone": (packed[:96] - alone).abs().max().item(),
        "sdpa_eager": (by_rows - eager).abs().max().item(),
        "graphs_eager": (packed - eager).abs().max().item(),
        "masked_full": (masked - full).abs().max().item(),
    }


def _first_graph(batch: rows.Batch) -> rows.Batch:
    """The same row with the other graphs taken out."""
    keep = batch.document == 1
    nodes = {n: np.where(keep, getattr(batch, n), 0) for n in ("tokens", "document", "anchor", "leaf", "slot")}
    inside = (batch.leaf_nodes < 96).all(1)
    relation = np.repeat(np.arange(len(batch.relation_count)), batch.relation_count)[inside]
    count = tuple(np.bincount(relation, minlength=len(batch.relation_count)).tolist())
    return replace(batch, **nodes, head=batch.head[inside], leaf_nodes=batch.leaf_nodes[inside], relation_count=count)


# --- data -------------------------------------------------------------------------------------------------------------


def prepared() -> tuple[corpus.Corpus, corpus.Corpus, dict]:
    """(corpus of the notebook's shape, corpus of whole functions, what making the first cost in CPU seconds)."""
    began = time.process_time()
    graph = knowledge.build([packages.standard_library()])
    parsed = time.process_time()
    tokenizer = tokens.train((d.source for d in graph.functions), 16_384)
    trained = time.process_time()
    split = splits.hold_out(graph)
    settings = corpus.ChainSettings()
    before = time.process_time()
    data = corpus.build_corpus(split.train_definitions, split.train, tokenizer, settings, split.hidden)
    with tempfile.TemporaryDirectory() as folder:
        cache.save(data, Path(folder) / "corpus")
    encoded = time.process_time()
    # One epoch as training sees it: graphs drawn and masked, packed into rows, laid out as batches of 16 rows.
    source, batches = rows.stream(drawing.Resident(data)), []
    epoch = itertools.takewhile(lambda taken: not taken[1].epoch, source)
    while taken := [row for row, _ in itertools.islice(epoch, 16)]:
        batches.append((rows.assemble(taken, settings.row_tokens).samples, sum(row.nodes for row in taken), len(taken)))
    chained = time.process_time()
    drawn, nodes, packed = (sum(column) for column in zip(*batches, strict=True))
    whole = corpus.ChainSettings(roots=642, windows=1, sig_doc_share=0.0, chunk_share=0.0)
    functions = [d for d in split.train_definitions if d.source]
    long = corpus.build_corpus(functions, split.train, tokenizer, whole)
    return data, long, {
        "files": graph.manifest["files"],
        "graph_s": parsed - began,
        "bpe_s": trained - parsed,
        "samples": len(data),
        "parse_per_s": graph.manifest["definitions"] / (parsed - began),
        "encode_per_s": len(data) / (encoded - before),
        "chains_per_s": drawn / (chained - encoded),
        "data_per_s": 1 / ((encoded - before) / len(data) + (chained - encoded) / drawn),
        "fill": nodes / (settings.row_tokens * packed),
        "samples_per_row": drawn / packed,
    }  # fmt: skip


# --- CPU seconds ------------------------------------------------------------------------------------------------------


def padded(graphs: list[chains.Chain], width: int) -> rows.Batch:
    """One graph a row."""
    return to_torch(rows.collate([[g] for g in graphs], SimpleNamespace(row_tokens=width)), CPU)


def sizes_of(data: corpus.Corpus) -> np.ndarray:
    """Nodes of every function's graph, (N,) ints: what is timed stands for all of them, the 32 quantiles of this."""
    pieces = np.array_split(np.arange(len(data)), -(-len(data) // 2048))
    return np.concatenate([drawing.draw(data, 0, piece).lengths for piece in pieces])


def timed(c: Config, data: corpus.Corpus, rounds: int = 3) -> dict:
    """CPU seconds a sample of one thread: 32 whole functions, packed or padded, each round in turn."""
    settings = replace(data.settings, row_tokens=768)
    sizes = sizes_of(data)
    typical = np.argsort(sizes, kind="stable")[((np.arange(32) + 0.5) / 32 * len(sizes)).astype(int)]
    drawn = drawing.draw(data, 0, typical)
    graphs = [drawn.graph(g) for g in range(32)]
    for graph in graphs:
        graph.nodes[0] = 5 + graph.nodes[0] % (c.vocabulary - 5)
        graph.nodes[1] = np.where(graph.nodes[1] >= 0, 5 + graph.nodes[1] % (c.vocabulary - 5), -100)
    longest = -(-max(map(len, graphs)) // 8) * 8
    packed = to_torch(
        rows.collate([[graphs[i] for i in row] for row in rows.pack(list(map(len, graphs)), 768)], settings), CPU
    )
    to_longest, to_768 = padded(graphs, longest), padded(graphs[::4], 768)
    lean, naive, hf = GraphMER(c).train(), Naive(c).train(), hf_model(c).train()
    lean_step, naive_step = (_stepper(model) for model in (lean, naive))
    labels = torch.full((32, longest), -100)
    labels.view(-1)[to_longest.root_where] = to_longest.root_target
    words = {"input_ids": to_longest.tokens, "attention_mask": (to_longest.document > 0).long(), "labels": labels}
    jobs: dict[str, tuple[Callable, int]] = {
        "lean": (lambda: lean_step(packed), 32),
        "naive": (lambda: naive_step(to_longest), 32),
        "naive_768": (lambda: naive_step(to_768), 8),
    }
    seconds: dict[str, list[float]] = {name: [] for name in (*jobs, "hf")}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for name, (job, samples) in jobs.items():
                began = time.process_time()
                job()
                seconds[name].append((time.process_time() - began) / samples)
            trainer = hf_trainer(hf, [words], folder, 1)
            began = time.process_time()
            trainer.train()
            seconds["hf"].append((time.process_time() - began) / 32)
            if not number:  # the first round warms up
                seconds = {name: [] for name in seconds}
    median = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {n: [b / a for a, b in zip(seconds["lean"], seconds[n], strict=True)] for n in seconds if n != "lean"}
    return {
        "seconds_per_sample": median,
        "ratio": {n: statistics.median(r) for n, r in ratios.items()},
        "range": {n: (min(r), max(r)) for n, r in ratios.items()},
        "longest": longest,
        "mean": float(np.mean([len(g) for g in graphs])),
        "mean_of_all": float(sizes.mean()),
        "fill_packed": packed.fill,
        "fill_padded": to_longest.fill,
    }


def _stepper(model: torch.nn.Module) -> Callable:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def step(batch):
        model(batch).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


# --- GPU --------------------------------------------------------------------------------------------------------------


def gemm_rate(device: torch.device, dtype: torch.dtype, seconds: float = 3.0) -> float:
    """TFLOP/s of matrix products at the model's own shapes, after a warm-up."""
    a, b = (torch.randn(shape, device=device, dtype=dtype) for shape in ((32 * 768, 768), (768, 3072)))
    for _ in range(20):
        a @ b
    torch.cuda.synchronize()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(50):
            a @ b
        done += 50
        torch.cuda.synchronize()
    return done * 2 * 32 * 768 * 768 * 3072 / (time.perf_counter() - began) / 1e12


def on_gpu(data: corpus.Corpus, needed_gflop: float, seconds: float) -> dict:
    """`base` on packed rows for `seconds`, 32 rows a step; the GEMM rate before and after."""
    device = torch.device("cuda")
    from graphmer.device import precision

    dtype = precision(device)
    before = gemm_rate(device, dtype)
    torch.manual_seed(0)
    run = train.new_run(GraphMER(PRESETS["base"]).to(device), train.Settings(steps=10**9, rows=32, log_every=10))
    torch.cuda.reset_peak_memory_stats()
    began = time.monotonic()
    run = train.train(run.model, data, run.settings, should_stop=lambda: time.monotonic() - began > seconds, run=run)
    line = next(line for line in reversed(run.history) if line["tokens_per_s"])
    peak = torch.cuda.max_memory_allocated() / 1e9
    after = gemm_rate(device, dtype)
    rate = line["tokens_per_s"] / 768 * needed_gflop / 1e3
    naive = _naive_on_gpu(device, data, min(seconds, 20.0))
    return {
        "device": torch.cuda.get_device_name(), "dtype": str(dtype)[6:],
        "attention": attention.choose("cuda", False)[0],
        "gemm_tflops": (before, after), "samples_per_s": line["samples_per_s"], "tokens_per_s": line["tokens_per_s"],
        "needed_tflops": rate, "share_of_gemm": rate / ((before + after) / 2), "peak_gb_at_32_rows": peak,
        "naive_samples_per_s": naive, "lean_over_naive": line["samples_per_s"] / naive,
    }  # fmt: skip


def _naive_on_gpu(device: torch.device, data: corpus.Corpus, seconds: float) -> float:
    """Samples/s of the naive network, padded to the longest of 32."""
    model = Naive(PRESETS["base"]).to(device).train()
    step, done, number = _stepper(model), 0, 0
    began = None
    while began is None or time.perf_counter() - began < seconds:
        drawn = drawing.draw(data, 0, (number * 32 + np.arange(32)) % len(data))
        graphs = [drawn.graph(g) for g in range(32)]
        width = -(-max(map(len, graphs)) // 8) * 8
        with autocast(device):
            step(to_torch(rows.collate([[g] for g in graphs], SimpleNamespace(row_tokens=width)), device))
        torch.cuda.synchronize()
        number += 1
        if number == 5:
            began, done = time.perf_counter(), 0
        done += 32
    return done / (time.perf_counter() - began)


# --- the command ------------------------------------------------------------------------------------------------------


def wrong(report: dict) -> list[str]:
    """Gates that do not hold; only what is deterministic."""
    found = [
        f"{name} is {report['counts'][name]}, not {value}"
        for name, value in WANTED.items()
        if value is not None and report["counts"][name] != value
    ]
    limits = {"packed_alone": 1e-5, "sdpa_eager": 1e-5, "graphs_eager": 1e-5, "masked_full": 1e-5}
    found += [f"{n} differ by {report['equal'][n]:.1e}" for n, most in limits.items() if report["equal"][n] > most]
    if "data" in report and report["data"]["fill"] < 0.99:
        found.append(f"rows are {report['data']['fill']:.1%} full, not 99 %")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument("--counts", action="store_true", help="only what is deterministic: under ten seconds")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long a GPU trains")
    options = parser.parse_args()
    torch.set_num_threads(1)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    report = {
        "commit": commit.strip(), "python": platform.python_version(), "torch": torch.__version__,
        "load": os.getloadavg(), "counts": counts(PRESETS["base"]), "equal": equalities(),
    }  # fmt: skip
    if not options.counts:
        data, functions, report["data"] = prepared()
        small = Config(width=256, heads=4, hidden=1024, layers=2, vocabulary=1024, roots=642, dropout=0.1)
        report["cpu"] = timed(small, functions)
        if torch.cuda.is_available():
            report["gpu"] = on_gpu(data, report["counts"]["gflop_needed_per_row"], options.seconds)
    report["wrong"] = wrong(report)
    print(json.dumps(report) if options.json else text(report))
    return bool(report["wrong"])


def text(r: dict) -> str:
    """The report for people."""
    c, e = r["counts"], r["equal"]
    lines = [
        f"commit {r['commit']}  torch {r['torch']}  Python {r['python']}  load {r['load'][0]:.1f}",
        "shape        12x768x12x3072  T=768  V=16384  rows=2",
        f"flops/row    {c['gflop_per_row']} G executed   {c['gflop_needed_per_row']} G needed     exact",
        f"ops/step     {c['operations']} forward and backward     exact",
        f"saved/row    {c['saved_mb_per_row']} MB (16 bit)     exact",
        f"equal        packed=alone {e['packed_alone']:.0e}  sdpa=eager {e['sdpa_eager']:.0e}"
        f"  graphs=eager {e['graphs_eager']:.0e}"
        f"  masked=full {e['masked_full']:.0e}",
    ]
    if "data" in r:
        d, t = r["data"], r["cpu"]
        lines += [
            f"fill         {d['fill']:.4f}   samples/row {d['samples_per_row']:.2f}",
            f"graph        {d['files']} files in {d['graph_s']:.1f} s;  BPE {d['bpe_s']:.1f} s",
            f"data         {d['data_per_s']:,.0f} samples/s a core; once: tokens and mentions, on disk,"
            f" {d['encode_per_s']:,.0f}; each epoch: graphs, masks, rows, batches {d['chains_per_s']:,.0f}",
            f"             before that, once: parsed and resolved {d['parse_per_s']:,.0f} definitions/s",
            f"functions    mean {t['mean']:.0f} nodes (of all {t['mean_of_all']:.0f}), longest of 32 {t['longest']};"
            f" filled {t['fill_packed']:.1%} packed, {t['fill_padded']:.1%} padded",
        ]
        names = {"naive": "lean/naive, longest of 32", "naive_768": "lean/naive, all 768", "hf": "lean/BERT + Trainer"}
        for name, label in names.items():
            low, high = t["range"][name]
            lines.append(f"{label:26} {t['ratio'][name]:.1f}x a sample ({low:.1f} to {high:.1f})")
    if "gpu" in r:
        g = r["gpu"]
        lines += [
            f"device       {g['device']}  {g['dtype']}  attention {g['attention']}",
            f"gemm         {g['gemm_tflops'][0]:.1f} TFLOP/s before, {g['gemm_tflops'][1]:.1f} after",
            f"lean         {g['samples_per_s']:,.0f} samples/s  {g['tokens_per_s']:,.0f} tokens/s",
            f"speed        {g['needed_tflops']:.1f} TFLOP/s needed, {g['share_of_gemm']:.0%} of gemm",
            f"memory       {g['peak_gb_at_32_rows']:.1f} GB peak at 32 rows",
            f"naive        {g['naive_samples_per_s']:,.0f} samples/s; lean/naive {g['lean_over_naive']:.1f}x",
        ]
    return "\n".join([*lines, *(f"WRONG: {problem}" for problem in r["wrong"])])


if __name__ == "__main__":
    sys.exit(main())
