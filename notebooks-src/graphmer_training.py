# ---
# jupyter:
#   anylab:
#     title: GraphMER training on Python code
#     summary: >-
#       Reads the Python code that is already on this machine into a knowledge graph (who calls, raises, inherits
#       what), trains a GraphMERT-style encoder on it, and says honestly whether it learned more than counting would.
#     result: >-
#       a trained encoder with its model card (safetensors, and a plain transformers model), a checkpoint to go on from,
#       a table and a plot of scores beside those of counting
#     picture: assets/graphmer_training.png
#     picture_alt: >-
#       Left, a leafy chain graph: the words of a function in a row, below one of them the name of what it calls.
#       Right, the training losses of a real run beside what counting alone reaches.
#     jinja: true
#     leaves: nothing, and nothing is downloaded
#     needs:
#       gpu: optional
#       gpu_memory_gb: 6
#       disk_gb: 3
#       ram_gb: 4
#       internet: none
#       minutes: {T4 (size small): 30, CPU (size tiny): 12}
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
# @markdown Size in parameters: tiny 1.5M, smoke 7M, small 52M, base 111M; auto is small on a GPU, else tiny
SIZE = "auto"  # @param ["auto", "tiny", "smoke", "small", "base"]
# @markdown 2 epochs are short (auto without a GPU), 10 standard (auto on one), 25 long; or so many steps
LENGTH = "auto"  # @param ["auto", "2 epochs", "10 epochs", "25 epochs", "100", "1k", "10k", "50k"]
# @markdown Optimiser steps of your own; 0 means as LENGTH says
STEPS = 0  # @param {type:"integer"}
# @markdown Installed packages to read beside the standard library, in MB of source; -1 is 40 on a GPU and 0 without one
PACKAGES_MB = -1  # @param {type:"integer"}
# @markdown Another seed gives another run
SEED = 0  # @param {type:"integer"}
# @markdown Go on from the checkpoint of an earlier run with the same settings
RESUME = True  # @param {type:"boolean"}
# @markdown Stop and save after so many minutes of training; 0 means shortly before the session ends
STOP_AFTER = 0.0  # @param {type:"number"}
# @markdown Train it again without each of its parts and compare; takes up to five times as long
COMPARE = False  # @param {type:"boolean"}

# %% slot="bootstrap"
import sys
from pathlib import Path

here = Path(globals().get("__file__", "notebook")).resolve().parent
sys.path[:0] = [str(here / "lib"), str(here / "notebooks-src" / "lib")]

# %% slot="setup"
from labkit import storage

folders = storage.prepare("graphmer_training")

# %% Where does this run stand? collapse=true
import json

import torch
from graphmer import launch, model, wishes
from labkit import checkpoint

wishes.check(SIZE, LENGTH, STEPS=STEPS, PACKAGES_MB=PACKAGES_MB, SEED=SEED, STOP_AFTER=STOP_AFTER)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
gpu = device.type == "cuda"
size = "tiny" if QUICK_TEST else SIZE if SIZE != "auto" else "small" if gpu else "tiny"
config = model.PRESETS[size]
length = LENGTH if LENGTH != "auto" else "10 epochs" if gpu else "2 epochs"
length = "100" if QUICK_TEST else str(STEPS) if STEPS > 0 else length
packages_mb = 0 if QUICK_TEST else PACKAGES_MB if PACKAGES_MB >= 0 else 40 if gpu else 0
# a quick test keeps its results apart, so that it never replaces those of a real run
results_folder = folders.outputs / "quick-test" if QUICK_TEST else folders.outputs
results_folder.mkdir(exist_ok=True)
what = {"size": size, "quick": QUICK_TEST, "length": length, "packages_mb": packages_mb, "seed": SEED}
store = checkpoint.Store(folders, what)
found = store.latest() if RESUME else None
stands = json.loads((found.path / "state.json").read_text()) if found else {}
if found and QUICK_TEST and found.step >= 100:
    found = None  # a quick test that would do nothing tests nothing
    print("The quick test had come to its end; it starts again.")
elif found:
    of = stands["settings"]["steps"]
    print(f"An earlier run stands at step {found.step} of {of}, saved on {found.manifest['platform']}.")
else:
    print("A new run: no checkpoint with these settings." if RESUME else "A new run, as RESUME is off.")
    # a run that was moved here from a GPU has other settings than auto gives without one
    for line in wishes.elsewhere(folders.outputs, folders.job, what) if RESUME else ():
        print(line)

# %% [markdown]
# ## 1 · The graph that is already on this machine
# Python source files are parsed, never imported or run. What one definition does to another becomes a *triple*:
# `json.load` **calls** `loads`, `KeyError` **inherits** `LookupError`. A run that goes on brings its graph along, since
# another platform may have another Python.

# %%
from graphmer import knowledge, packages
from labkit import Stop
from session import report

graph_file = folders.work / "knowledge.json.gz"
cache_folder = folders.cache or folders.work
with report.stage("knowledge graph"):
    graph = knowledge.load(found.path / graph_file.name) if found else None
    if found and graph is None:  # with a graph of this machine it would be another run
        raise Stop("the checkpoint's graph is of a later version of this notebook; open that, or set RESUME = False")
    beside = packages.installed(packages_mb) if packages_mb else []
    sources = [packages.standard_library(), *beside]
    graph = graph or knowledge.build(sources, cache=cache_folder)
    knowledge.save(graph_file, graph)
counts = graph.manifest["relations"]
print(f"{graph.manifest['files']:,} files, {len(graph.kinds):,} names, {len(graph.triples):,} triples")
if packages_mb and not found:
    names = ", ".join(package.name for package in beside) or f"none that fits {packages_mb} MB is installed"
    print(f"beside the standard library: {names}")
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
#
# Kept back for the tests: every tenth package, and every tenth triple of the others. Another tenth of the packages
# tells during training how it fares with code that it does not learn from.

# %%
from graphmer import baselines, cache, corpus, plots, rows, splits, state, tokens, train
from labkit import progress

saved = state.read(found.path, device) if found else None
saved_links = state.read_links(found.path) if found else None
with report.stage("tokens and chains"):
    tokenizer = saved.tokenizer if saved else tokens.train((d.source for d in graph.functions), config.vocabulary)
    split = splits.hold_out(graph)
    chain_settings = corpus.ChainSettings(
        roots=config.roots,
        leaf_slots=config.leaf_slots,
        row_tokens=256 if config.roots == 64 else 768,
        windows=2 if size == "tiny" else 8,
        seed=SEED,
    )
    data, valid = cache.both(cache_folder, graph, split, tokenizer, chain_settings)
print(f"{len(data):,} definitions to learn from, {len(split.test_definitions):,} of other packages kept for the test")
if "json.load" in data.names:
    figure = plots.plot_chain(*plots.chain_words(data, data.names.index("json.load"), tokenizer, "calls"))
    progress.show(figure, results_folder / "chain.png", "the words of json.load in a row, what it calls hanging below")

# %% [markdown]
# ## 3 · Train
# Three losses, in nats per token (0 is sure of the right one, 8.3 an even guess among 4,096; less is better): hidden
# *words* (MLM), the same words from the ends of their *span* (SBO), and hidden *leaves* (MNM).
# Rates are given in samples and tokens per second, since a "step" can be any size.
#
# The stop button ends the training after the current step and saves; so does the clock, shortly before the session
# ends. **Run all** goes on from there, in the next session or, with the bundle at the end, on another platform. Where
# there are two GPUs, both train (*tiny*: one).

# %% Start, or go on collapse=true
import shutil
import time

from graphmer.device import precision
from labkit import clock, here

per_step = 2 if QUICK_TEST else 8 if size == "tiny" else 32
epoch = rows.rows_per_epoch(data)
number, _, epochs = length.replace("k", "000").partition(" ")
steps = max(1, round(int(number) * epoch / per_step)) if epochs else int(number)
settings = train.Settings(
    steps=steps,
    rows=min(per_step, 16),
    accumulate=1 if size == "tiny" else 2,
    lr=2e-3 if size == "tiny" else 4e-4,
    warmup=10 if QUICK_TEST else None,
    seed=SEED,
    log_every=max(10, steps // 100),
    valid_every=50 if QUICK_TEST else max(100, steps // 20 // 10 * 10),
    patience=0 if QUICK_TEST else 6,
)
if saved:
    run = saved.run
    settings = run.settings
    print(f"Going on from step {run.step} of {settings.steps}")
else:
    torch.manual_seed(SEED)
    run = train.new_run(model.GraphMER(config).to(device), settings)
processes = launch.team(settings) if gpu else 1
levels = baselines.counting_levels(data, config.vocabulary)
picture = progress.Live(results_folder / "losses.png", "the losses over the steps, and what counting reaches", 60)
told, last_save = [run.step], [time.monotonic()]
linking = best_step = None  # the link head of the next section
clock.budget(STOP_AFTER)


def save(folder=None, step=None):
    """A checkpoint of the run as it stands, or of the files that several processes have left."""
    with store.save(run.step if step is None else step) as fresh:
        if folder is None:
            state.write(fresh, run, tokenizer, chain_settings, graph_file)
            if linking is not None:
                state.write_links(fresh, linking, candidates, best_step)
        else:
            shutil.copytree(folder, fresh, dirs_exist_ok=True)
            shutil.copyfile(graph_file, fresh / graph_file.name)
    last_save[0] = time.monotonic()


def try_to_save(*where):
    """The same, and the training goes on when there is no room."""
    try:
        save(*where)
    except Stop as problem:
        last_save[0] = time.monotonic()
        print(f"{problem}. The training goes on; the next try is in ten minutes.")


def due():
    """A checkpoint every ten minutes."""
    return time.monotonic() - last_save[0] > 600


lines = list(run.history)


def tell(line):
    """A line now and then, the picture every minute."""
    lines.append(line)
    if line["step"] >= told[0] + steps / 10 or line["step"] == steps:
        told[0] = line["step"]
        text = f"step {line['step']:5}  words {line['mlm']:.2f}  leaves {line['mnm']:.2f}"
        if line["samples_per_s"]:
            left = (steps - line["step"]) * (time.monotonic() - began) / max(line["step"] - first_step, 1)
            speed = f"{line['samples_per_s']:,.0f} samples/s, {line['tokens_per_s']:,.0f} tokens/s"
            text += f"  {speed}, " + (f"{left / 60:.0f} min left" if left > 90 else f"{left:.0f} s left")
        session = clock.time_left()
        print(text + (f", session {clock.span(session)} left" if session is not None else ""), flush=True)
    if picture.due() and len(lines) > 1:
        picture.draw(plots.plot_losses(lines, levels.mlm, levels.mnm), f"step {line['step']} of {steps}")
    if processes == 1 and due():
        try_to_save()


steps, first_step, began = settings.steps, run.step, time.monotonic()
count = model.count_parameters(run.model)
print(f"{size}: {count:,} parameters, {steps} steps on {device.type} in {str(precision(device))[6:]}")
if gpu:
    kind, why = model.choose("cuda", False)
    print(f"Attention: {kind} ({why}); {processes} of {launch.devices()} GPUs")

# %%
with report.stage("training"):
    if processes > 1:
        run = launch.train(
            run, data, settings, tokenizer, folders.work / "processes", processes, tell, clock.should_stop, try_to_save,
            due, valid,
        )  # fmt: skip
    else:
        held = train.validation_batches(valid, settings.rows, device, 16 if size == "tiny" else 128)
        run = train.train(run.model, data, settings, tell, clock.should_stop, run, held)
save()
if run.stopped:
    why = ", the session or its budget is about to end" if clock.should_stop() else ""
    print(f"Stopped at step {run.step} and saved{why}; Run all goes on from there.")
elif run.step < steps:
    print(f"Ended at step {run.step}: leaves of unseen packages had not got better since step {run.best['step']}.")

# %%
FELL = False
if run.history:
    picture.draw(plots.plot_losses(run.history, levels.mlm, levels.mnm), f"step {run.step} of {steps}")
    first, last = run.history[0], run.history[-1]
    FELL = last["mlm"] + last["mnm"] < first["mlm"] + first["mnm"]
    print(
        f"words {first['mlm']:.2f} -> {last['mlm']:.2f}, leaves {first['mnm']:.2f} -> {last['mnm']:.2f} nats per token"
    )
    if run.best:
        print(f"best on packages that it does not learn from: leaves {run.best['mnm']:.2f} at step {run.best['step']}")
else:
    print("Stopped before the first losses were noted.")

# %% [markdown]
# ### A head that points at names
# Leaves spell a name piece by piece. The *link head* points at whole names instead: it takes what the encoder makes of
# a signature and docstring, the names in the scope, and how often each name follows in the training triples (there, and
# where definitions of other packages read alike), and learns what each is worth. The encoder stays as it is. Two more
# heads, one without the encoder and one without the counts, show what each of them adds.

# %%
from graphmer import evaluate, links, surroundings, textstates

trained, best_step = state.best_model(store.latest().path, device)
candidates = baselines.candidates(split)
few = {"epochs": 1, "links": 1000, "batch": 64} if QUICK_TEST else {}
linkers, said = {}, [time.monotonic()]


def tell_links(step, of, nats):
    """A line every half minute."""
    if time.monotonic() - said[0] > 30:
        said[0] = time.monotonic()
        print(f"step {step} of {of}: {nats:.2f} nats per link", flush=True)


with report.stage("link head"):
    around = surroundings.Surroundings(split, candidates)
    heard = textstates.TextStates(trained, around, tokenizer, chain_settings, 64 if QUICK_TEST else 512)
    for part in ((), ("encoder",), ("counts",)):
        name = evaluate.WITHOUT + part[0] if part else evaluate.MODEL
        wish = links.Settings(seed=SEED, left_out=part, **few)
        head = state.resume_links(None if part else saved_links, heard, wish, best_step)
        links.train(heard, head, tell_links, clock.should_stop)
        if not part:
            linking = head
            save()
        if head.step < links.steps_of(around, wish):
            print(f"{name}: stopped at step {head.step}; Run all goes on from there.")
            break
        linkers[name] = links.Linker(head, heard, best_step)
        first, last = head.losses[0][1], head.losses[-1][1]
        print(f"{name}: {head.step} steps, {first:.2f} -> {last:.2f} nats per link")
store.close()

# %% [markdown]
# ## 4 · Did it learn anything?
# The checkpoint was loaded back (a file that does not fit is an error, never skipped), and its best weights are asked
# about triples that were kept back: which name does this function call, raise, inherit? Never shown: the body.
# Counting what is frequent is a strong answer to that question, and it costs nothing. The untrained model shows what no
# learning looks like; the two rows that read the body show how easy copying is.
#
# **MRR**, the mean reciprocal rank: 1 where the right name is always ranked first, 0.5 where it is second; guessing
# among 5,000 names reaches 0.002. *first 10*: how often it is among the first ten. *whole name*: how often the first
# answer is right. The interval is that of one row; the verdict compares two rows question by question. Rows with a +
# add to the count above them: what the module and package use, what functions of the same name use, the names in scope.
# *+ like definitions* adds to *+ same short name* what definitions of other packages use that read alike.

# %%
from graphmer import verdict

session_left = here.SESSION_HOURS * 3600 - clock.time_used() if here.SESSION_HOURS else None
much, remark = wishes.how_much(QUICK_TEST, gpu, run.step, session_left)
with report.stage("evaluation"):
    results = evaluate.evaluate(trained, split, graph.kinds, data, tokenizer, seed=SEED, linkers=linkers, **much)
print(verdict.table(results))
figure = plots.plot_results(results)
progress.show(figure, results_folder / "results.png", "scores of counting, the untrained and the trained model")
print(verdict.sentences(results))
print(verdict.asides(results))
if remark:
    print(remark)

# %% [markdown]
# ### Does each part pay?
# Off by default (`COMPARE`): the same network trained again without H-GAT, without leaves, without decay and without
# positions, each for as many steps, at most 1,000.

# %%
from dataclasses import replace

if COMPARE:
    from graphmer import ablation, ranking

    fewer = replace(settings, steps=min(steps, 1000), valid_every=0, patience=0)
    with report.stage("comparison"):
        many = 30 if QUICK_TEST else 300
        asked = [ranking.make_questions(split, name, tokenizer, chain_settings, many, SEED) for name in split.tests]
        held = train.validation_batches(valid, settings.rows, device, 32)

        def tell_variant(name, line):
            if time.monotonic() - said[0] > 30:
                said[0] = time.monotonic()
                print(f"{name}: step {line['step']} of {fewer.steps}, words {line['mlm']:.2f}", flush=True)

        compared = ablation.compare(
            config, data, fewer, asked, held, device, lambda name, row: print(f"{name} is trained", flush=True),
            clock.should_stop, tell_variant,
        )  # fmt: skip
    print(ablation.text(compared, fewer.steps))
    results["comparison"] = compared

# %% [markdown]
# ## 5 · Take it along
# `encoder` holds the weights (safetensors), link head, tokenizer, relations and a model card with the figures above.
# `encoder/plain` is a stock `transformers` model of the text part: it loads without remote code, and leaves out leaves,
# H-GAT, the span head, the link head and the graph decay.

# %%
from graphmer import card, export

storage.write_whole(results_folder / "results.json", json.dumps(results, indent=1).encode())
device_name = torch.cuda.get_device_name() if gpu else "CPU"
exported = folders.work / "encoder"
shutil.rmtree(exported, ignore_errors=True)
words = card.text(run, results, graph.manifest, best_step, device_name, linkers.get(evaluate.MODEL), remark)
files = export.write(exported, trained, tokenizer, words, linkers.get(evaluate.MODEL))
for file in files:
    target = results_folder / "encoder" / file.relative_to(exported)
    target.parent.mkdir(parents=True, exist_ok=True)
    storage.write_whole(target, file.read_bytes())
print(f"{len(files)} files in {results_folder / 'encoder'}")
VERDICT = (
    f"{run.step} of {steps} steps of {size}, losses {'fell' if FELL else 'did not fall'}; {verdict.in_short(results)}"
)

# %% [markdown]
# ### What this is, and what it is not
# The method is GraphMERT ([arXiv 2510.09580](https://arxiv.org/abs/2510.09580)), often called GraphMER, built here from
# the paper's formulas; departures (additive decay, rotary positions) are listed on top of `graphmer/model.py` and
# `graphmer/attention.py`. Guides that promise 10 to 25 steps a second at batch 64 and width 768 on a T4 cannot be
# right: one such step is about 30 TFLOP, so 10 a second need 300 TFLOP/s, and the card's nominal peak is 65. Samples
# and tokens per second, as printed above, do not change when a "step" is made smaller.

# %% slot="finish"
report.files(folders)
report.show(VERDICT, folders)
