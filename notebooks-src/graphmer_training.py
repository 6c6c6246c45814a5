# ---
# jupyter:
#   anylab:
#     title: GraphMER training on Python code
#     summary: >-
#       Reads the Python standard library that is already on this machine into a knowledge graph (who calls, raises,
#       inherits what), trains a small GraphMERT-style encoder on it, and says honestly whether it learned more than
#       counting would.
#     result: a trained encoder (safetensors), its checkpoint to go on from, a plot of the losses, a table of scores
#     picture: assets/graphmer_training.png
#     picture_alt: >-
#       Left, a leafy chain graph: the words of a function in a row, below one of them the name of what it calls.
#       Right, the two training losses of a real run falling below what counting alone reaches.
#     jinja: true
#     leaves: nothing, and nothing is downloaded
#     needs:
#       gpu: optional
#       gpu_memory_gb: 6
#       disk_gb: 3
#       ram_gb: 4
#       internet: none
#       minutes: {T4 (size small): 20, CPU (size tiny): 6}
#     models: []
#     produces:
#       - {file: encoder.safetensors, is: safetensors}
#       - {file: "*.png", is: picture}
#       - {file: results.json, is: table}
#     packages:
#       - torch>=2.4
#       - numpy>=1.26
#       - tokenizers>=0.20
#       - safetensors>=0.4
#       - matplotlib>=3.8
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown] slot="title"
# # GraphMER training on Python code

# %% tags=["parameters"]
# @markdown **The run.** A quick test takes about a minute on any machine: does everything work here?
QUICK_TEST = False  # @param {type:"boolean"}
# @markdown Size of the model; auto is small on a GPU and tiny without one
SIZE = "auto"  # @param ["auto", "tiny", "smoke", "small", "base"]
# @markdown Optimiser steps; 0 means 2000
STEPS = 0  # @param {type:"integer"}
# @markdown Another seed gives another run
SEED = 0  # @param {type:"integer"}
# @markdown Go on from the checkpoint of an earlier run with the same settings
RESUME = True  # @param {type:"boolean"}
# @markdown Stop and save after so many minutes of training; 0 means shortly before the session ends
STOP_AFTER = 0.0  # @param {type:"number"}

# %% slot="bootstrap"
import sys
from pathlib import Path

here = Path(globals().get("__file__", "notebook")).resolve().parent
sys.path[:0] = [str(here / "lib"), str(here / "notebooks-src" / "lib")]

# %% slot="setup"
from labkit import storage

folders = storage.prepare("graphmer_training")

# %% Where does this run stand? collapse=true
from dataclasses import asdict

import torch
from graphmer import model, train
from labkit import checkpoint

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
size = "tiny" if QUICK_TEST else SIZE if SIZE != "auto" else "small" if device.type == "cuda" else "tiny"
config = model.PRESETS[size]
steps = 100 if QUICK_TEST else STEPS if STEPS > 0 else 2000
settings = train.Settings(
    steps=steps,
    rows=8 if size == "tiny" else 16,
    accumulate=1 if size == "tiny" else 2,
    lr=2e-3 if size == "tiny" else 4e-4,
    warmup=10 if QUICK_TEST else None,
    seed=SEED,
    log_every=max(10, steps // 100),
)
# a quick test keeps its results apart, so that it never replaces those of a real run
results_folder = folders.outputs / "quick-test" if QUICK_TEST else folders.outputs
results_folder.mkdir(exist_ok=True)
store = checkpoint.Store(folders, {"size": size, "quick": QUICK_TEST, **asdict(settings)})
found = store.latest() if RESUME else None
if found and QUICK_TEST and found.step >= steps:
    found = None  # a quick test that would do nothing tests nothing
    print("The quick test had come to its end; it starts again.")
elif found:
    print(f"An earlier run stands at step {found.step} of {steps}, saved on {found.manifest['platform']}.")
else:
    print("A new run: no checkpoint with these settings." if RESUME else "A new run, as RESUME is off.")

# %% [markdown]
# ## 1 · The graph that is already on this machine
# The source files of Python's standard library are parsed, never imported or run. What one definition does to another
# becomes a *triple*: `json.load` **calls** `loads`, `KeyError` **inherits** `LookupError`. A run that goes on brings
# its graph along, since another platform may have another Python.

# %%
from graphmer import knowledge
from session import report

graph_file = folders.work / "knowledge.json.gz"
with report.stage("knowledge graph"):
    graph = knowledge.load(found.path / graph_file.name) if found else None
    graph = graph or knowledge.build(cache=folders.cache or folders.work)
    knowledge.save(graph_file, graph)
counts = graph.manifest["relations"]
print(f"{graph.manifest['files']} files, {len(graph.kinds):,} names, {len(graph.triples):,} triples")
familiar = sorted(graph.triples, key=lambda triple: not triple[0].startswith("json."))
for relation in sorted(counts, key=counts.get, reverse=True)[:6]:
    head, _, tail = next(triple for triple in familiar if triple[1] == relation)
    print(f"{counts[relation]:7,} x {relation:16} {head} -> {tail}")
skipped = {reason: n for reason, n in graph.manifest["skipped"].items() if n}
if skipped:
    print("left out: " + ", ".join(f"{n} files ({reason})" for reason, n in skipped.items()))

# %% [markdown]
# ## 2 · Functions become leafy chain graphs
# The words of a function form a chain. Below the word where a triple starts hang the pieces of its other end: the
# *leaves*. The model sees words and leaves with some of them hidden, and has to guess what was there.

# %%
from graphmer import baselines, chains, corpus, plots, state, tokens
from labkit import progress

saved = state.read(found.path, device) if found else None
with report.stage("tokens and chains"):
    tokenizer = saved.tokenizer if saved else tokens.train((d.source for d in graph.functions), config.vocabulary)
    split = baselines.split_packages(graph)
    chain_settings = corpus.ChainSettings(
        roots=config.roots,
        leaf_slots=config.leaf_slots,
        row_tokens=192 if size == "tiny" else 768,
        windows=2 if size == "tiny" else 8,
        seed=SEED,
    )
    data = corpus.build_corpus(split.train_definitions, split.train, tokenizer, chain_settings)
print(f"{len(data):,} definitions to learn from; {len(split.test_definitions):,} of other packages are kept for a test")
sample = next(i for i, d in enumerate(data.definitions) if d.name == "json.load")
figure = plots.plot_chain(*chains.example(data, sample, tokenizer, "calls"))
progress.show(figure, results_folder / "chain.png", "the words of json.load in a row, what it calls hanging below")

# %% [markdown]
# ## 3 · Train
# Two losses, both in nats per token: hidden *words* (MLM) and hidden *leaves* (MNM). Rates are given in samples and
# tokens per second, since a "step" can be any size.
#
# The stop button ends the training after the current step and saves; so does the clock, shortly before the session
# ends. **Run all** goes on from there, in the next session or, with the bundle at the end, on another platform.

# %% Start, or go on collapse=true
import time

from labkit import Stop, clock

if saved:
    run = saved.run
    print(f"Going on from step {run.step} of {steps}")
else:
    torch.manual_seed(SEED)
    run = train.new_run(model.GraphMER(config).to(device), settings)
levels = baselines.counting_levels(data, config.vocabulary)
picture = progress.Live(results_folder / "losses.png", "both losses over the steps, and what counting reaches", 60)
told, last_save = [run.step], [time.monotonic()]
clock.budget(STOP_AFTER)


def save():
    """A checkpoint of the run as it stands."""
    with store.save(run.step) as folder:
        state.write(folder, run, tokenizer, chain_settings, graph_file)
    last_save[0] = time.monotonic()


def tell(line):
    """A line now and then, the picture every minute, a checkpoint every ten."""
    if line["step"] >= told[0] + steps / 10 or line["step"] == steps:
        told[0] = line["step"]
        text = f"step {line['step']:5}  words {line['mlm']:.2f}  leaves {line['mnm']:.2f}"
        if line["samples_per_s"]:
            left = (steps - line["step"]) * run.seconds / max(run.step, 1)
            speed = f"{line['samples_per_s']:,.0f} samples/s, {line['tokens_per_s']:,.0f} tokens/s"
            text += f"  {speed}, " + (f"{left / 60:.0f} min left" if left > 90 else f"{left:.0f} s left")
        session = clock.time_left()
        print(text + (f", session {clock.span(session)} left" if session is not None else ""), flush=True)
    if picture.due() and len(run.history) > 1:
        picture.draw(plots.plot_losses(run.history, levels.mlm, levels.mnm), f"step {run.step} of {steps}")
    if time.monotonic() - last_save[0] > 600:
        try:
            save()
        except Stop as problem:
            last_save[0] = time.monotonic()
            print(f"{problem}. The training goes on; the next try is in ten minutes.")


count = model.count_parameters(run.model)
print(f"{size}: {count:,} parameters, {steps} steps on {device.type} in {str(model.precision(device))[6:]}")

# %%
with report.stage("training"):
    run = train.train(run.model, data, settings, on_log=tell, should_stop=clock.should_stop, run=run)
save()
store.close()
if run.stopped:
    why = ", the session or its budget is about to end" if clock.should_stop() else ""
    print(f"Stopped at step {run.step} and saved{why}; Run all goes on from there.")

# %%
FELL = False
if run.history:
    picture.draw(plots.plot_losses(run.history, levels.mlm, levels.mnm), f"step {run.step} of {steps}")
    first, last = run.history[0], run.history[-1]
    FELL = last["mlm"] + last["mnm"] < first["mlm"] + first["mnm"]
    print(
        f"words {first['mlm']:.2f} -> {last['mlm']:.2f}, leaves {first['mnm']:.2f} -> {last['mnm']:.2f} nats per token"
    )
else:
    print("Stopped before the first losses were noted.")

# %% [markdown]
# ## 4 · Did it learn anything?
# The checkpoint is loaded back (a file that does not fit is an error, never skipped) and asked about packages that it
# has not seen: which name does this function call, raise, inherit? Counting what is frequent is a strong answer to that
# question, and it costs nothing. The untrained model shows what no learning looks like.

# %%
from graphmer import evaluate

with report.stage("evaluation"):
    loaded = state.read(store.latest().path, device)
    results = evaluate.evaluate(loaded.run.model, split, data, tokenizer, limit=100 if QUICK_TEST else 1000, seed=SEED)
print(f"{'':22}  MRR    first 10  whole name")
for name, row in results["link"].items():
    print(f"{name:22}  {row['mrr']:.3f}  {row['hits10']:7.1%}  {row['exact']:9.1%}")
figure = plots.plot_results(results)
progress.show(figure, results_folder / "results.png", "scores of counting, the untrained and the trained model")
print(evaluate.verdict(results))
if QUICK_TEST:
    print(f"This was the quick test: a model this small, after {run.step} steps, is not expected to beat counting.")

# %%
import json

storage.write_whole(results_folder / "results.json", json.dumps(results, indent=1).encode())
encoder = store.latest().path / "model.safetensors"
storage.write_whole(results_folder / "encoder.safetensors", encoder.read_bytes())
VERDICT = (
    f"{run.step} of {steps} steps of {size}, losses {'fell' if FELL else 'did not fall'}; {evaluate.verdict(results)}"
)

# %% [markdown]
# ### What this is, and what it is not
# The method is GraphMERT ([arXiv 2510.09580](https://arxiv.org/abs/2510.09580)), often called GraphMER, built here from
# the paper's formulas. Departures (additive decay, rotary positions, no span head yet) are listed on top of
# `graphmer/model.py`. Guides that promise 10 to 25 steps a second at batch 64 and width 768 on a T4 cannot be right:
# one such step is about 30 TFLOP, and the card's nominal peak is 65 TFLOP/s.

# %% slot="finish"
report.files(folders)
report.show(VERDICT, folders)
