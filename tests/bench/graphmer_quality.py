"""How good a training on a CPU gets: `python -m tests.bench.graphmer_quality OUT [name=value ...]`.

Trains on the standard library of the running Python and measures both tests as it goes; a killed run goes on from OUT.
The recipe: 3 layers of 192, vocabulary 8,192, nine in ten samples as signature and docstring, half of the known tails
masked, MNM weighted three times. `GRAPHMER_PRECISION=bfloat16` is 1.3 times as fast where the CPU has bf16.

`links=3` trains no encoder: on the best one in OUT it trains the link head with three seeds, and with the first seed
heads without each part, and asks them all questions of both tests (`links.json` in OUT has the figures).
`valid=1` with it leaves the tests alone: settings are chosen on a tenth of the training triples and on the packages
kept for validation. `evaluate=1` judges what OUT holds with all figures of the notebook.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks-src" / "lib"))

import numpy as np
import torch
from graphmer import (
    baselines,
    cache,
    evaluate,
    knowledge,
    links,
    packages,
    ranking,
    splits,
    state,
    surroundings,
    textstates,
    tokens,
    train,
    verdict,
)  # fmt: skip
from graphmer.ablation import mrr
from graphmer.corpus import ChainSettings
from graphmer.model import Config, GraphMER

RECIPE = {"steps": 5000, "width": 192, "layers": 3, "vocabulary": 8192, "rows": 16, "lr": 1e-3, "mu": 3.0, "mb": 0.0}
CHAINS = ChainSettings(
    roots=64, row_tokens=192, windows=4, sig_doc_share=0.9, chunk_share=0.0, focus=0.95, alone=0.4, leaf_mask=0.5,
    root_mask=0.1,
)  # fmt: skip
CPU = torch.device("cpu")


def main(out: Path, **changes: float) -> None:
    """Train, or go on, and print a line every tenth of the way."""
    torch.set_num_threads(1)
    recipe = {**RECIPE, **changes}
    out.mkdir(parents=True, exist_ok=True)
    sources = [packages.standard_library(), *packages.installed(recipe["mb"])]
    graph = knowledge.build(sources, cache=out)
    split = splits.hold_out(graph)
    saved = state.read(out) if (out / "state.json").exists() else None
    tokenizer = (
        saved.tokenizer if saved else tokens.train((d.source for d in graph.functions), int(recipe["vocabulary"]))
    )
    chains = saved.chains if saved else CHAINS
    if changes.get("links"):
        link_heads(out, validation_split(split) if changes.get("valid") else split, split, tokenizer, chains, changes)
        return
    data, valid = cache.both(out, graph, split, tokenizer, chains)
    if changes.get("evaluate"):
        model, step = state.best_model(out)
        for name, judged in (("best", model), ("last", state.load_model(out / "model.safetensors", model.config))):
            results = evaluate.evaluate(
                judged, split, graph.kinds, data, tokenizer, limit=int(changes.get("limit", 3500))
            )
            (out / f"results-{name}.json").write_text(json.dumps(results, indent=1))
            print(
                f"{name} weights (best is of step {step})", verdict.table(results), verdict.sentences(results), sep="\n"
            )
            print(verdict.asides(results))
        return
    asked = [ranking.make_questions(split, test, tokenizer, chains, 1000) for test in split.tests]
    for questions in asked:
        counts = baselines.Counts(split.train, questions.names)
        for method, contexts in baselines.METHODS.items():
            ranks = [
                ranking.rank(counts.scores(head, relation, contexts), gold, known)
                for (head, relation, _), gold, known in zip(
                    questions.triples, questions.gold, questions.known, strict=True
                )
            ]
            print(f"{questions.test:16} {method:22} MRR {sum(1 / r for r in ranks) / len(ranks):.3f}", flush=True)
    settings = saved.run.settings if saved else _settings(recipe)
    run = saved.run if saved else _new(recipe, chains, settings)
    kept, began = [time.monotonic()], time.process_time()

    def tell(line: dict) -> None:
        if line["step"] % max(1, settings.steps // 10) == 0:
            scores = "  ".join(f"{q.test} {mrr(run.model, q, data):.3f}" for q in asked)
            run.model.train()
            losses = (
                f"words {line['mlm']:.2f} leaves {line['mnm']:.2f} (unseen packages {line.get('valid_mnm', 0):.2f})"
            )
            spent = f"{run.samples:,} samples, {time.process_time() - began:.0f} CPU s since the start"
            print(f"step {line['step']} epoch {line['epoch']}  {losses}  {scores}  {spent}", flush=True)
        if time.monotonic() - kept[0] > 600 or line["step"] == settings.steps:
            keep()

    def keep() -> None:
        part = out / "part"
        part.mkdir(exist_ok=True)
        state.write(part, run, tokenizer, chains)
        for file in part.iterdir():
            os.replace(file, out / file.name)
        kept[0] = time.monotonic()

    held = train.validation_batches(valid, settings.rows, CPU, 96)
    run = train.train(run.model, data, settings, tell, run=run, valid=held)
    keep()


def validation_split(split: splits.Split) -> splits.Split:
    """A split inside the training packages, the validation packages as unseen ones; the tests have no part in it."""
    keys = {d.name: splits.body_key(d) for d in split.train_definitions}
    train_, held, hidden = splits.random_test(split.train_definitions, keys, split.train, 0.1, 7)
    tests = {splits.RANDOM: tuple(held), splits.UNSEEN: split.valid}
    return replace(
        split, train=tuple(train_), valid=(), tests=tests, test_definitions=split.valid_definitions,
        hidden=hidden,
    )  # fmt: skip


def link_heads(out: Path, asked_of: splits.Split, split: splits.Split, tokenizer, chains, changes: dict) -> None:
    """Rank all questions by link heads of several seeds and by counting; intervals over questions."""
    model, step = state.best_model(out)
    limit = int(changes.get("limit", 10_000))
    tests = [ranking.make_questions(asked_of, test, tokenizer, chains, limit) for test in asked_of.tests]
    around = surroundings.Surroundings(asked_of, tests[0].names)
    counts = baselines.Counts(asked_of.train, tests[0].names, around.definitions)
    report: dict = {"encoder_step": step, "tests": {}}
    counted, alike = {}, {}
    for questions in tests:
        rows = {
            name: [counts.scores(head, relation, kinds) for head, relation, _ in questions.triples]
            for name, kinds in baselines.METHODS.items()
        }
        ranks = {name: _ranks(questions, scores) for name, scores in rows.items()}
        best = max(ranks, key=lambda name: (1 / ranks[name]).mean())
        ranks["like definitions"], ranks[evaluate.ALIKE] = _alike(questions, around, rows[evaluate.COUNTED])
        counted[questions.test] = ranks[best]
        alike[questions.test] = ranks[evaluate.ALIKE]
        mrrs = {name: round(float((1 / r).mean()), 4) for name, r in ranks.items()}
        report["tests"][questions.test] = {"questions": len(questions), "counting": mrrs, "best": best, "heads": []}
        print(f"{questions.test}: {len(questions)} questions, counting {mrrs}", flush=True)
    seeds, began = int(changes["links"]), time.process_time()
    torch.manual_seed(0)
    others = {"encoder": model, "untrained encoder": GraphMER(model.config)}
    states = {name: textstates.TextStates(m, around, tokenizer, chains) for name, m in others.items()}
    jobs = [("model", "encoder", (), seed) for seed in range(seeds)]
    jobs += [(f"without {part}", "encoder", (part,), 0) for part in sorted(links.PARTS)]
    jobs += [("untrained encoder", "untrained encoder", (), 0), ("untrained", "untrained encoder", (), -1)]
    for name, encoder, left_out, seed in jobs:
        settings = links.Settings(seed=max(0, seed), left_out=left_out, epochs=int(changes.get("epochs", 8)))
        run = links.new_run(around, states[encoder], settings)
        if seed >= 0:
            links.train(states[encoder], run)
        linker = links.Linker(run, states[encoder], step)
        for questions in tests:
            ranks = _ranks(questions, linker.scores(questions.triples))
            lead = ranking.bootstrap_lead(ranks, counted[questions.test])
            row = {"name": name, "seed": seed, "mrr": float((1 / ranks).mean()), "lead": lead}
            row["hits10"] = float((ranks <= 10).mean())
            row["alike"] = beside = ranking.bootstrap_lead(ranks, alike[questions.test])
            report["tests"][questions.test]["heads"].append(row)
            print(
                f"{name:18} seed {seed:2}  {questions.test:15} MRR {row['mrr']:.4f}  lead {lead['mrr']:+.4f}"
                f" ({lead['low']:+.4f} to {lead['high']:+.4f})"
                f"  over {evaluate.ALIKE} {beside['mrr']:+.4f} ({beside['low']:+.4f} to {beside['high']:+.4f})"
                f"  {time.process_time() - began:.0f} CPU s",
                flush=True,
            )
        (out / f"links{'-valid' if changes.get('valid') else ''}.json").write_text(json.dumps(report, indent=1))


def _alike(questions, around, counted: list) -> tuple[np.ndarray, np.ndarray]:
    """Ranks by what follows similar definitions, alone and with counting: no training either."""
    heads = np.array([around.heads[head] for head, _, _ in questions.triples])
    relations = np.array([knowledge.QUERIED.index(relation) for _, relation, _ in questions.triples])
    alone, both = [], []
    for at in range(0, len(heads), 256):
        shares = around.near.shares(heads[at : at + 256], relations[at : at + 256])
        alone += list(shares)
        both += list(shares + counted[at : at + 256])
    return _ranks(questions, alone), _ranks(questions, both)


def _ranks(questions, scores) -> np.ndarray:
    return np.array([ranking.rank(*x) for x in zip(scores, questions.gold, questions.known, strict=True)])


def _settings(recipe: dict) -> train.Settings:
    steps = int(recipe["steps"])
    return train.Settings(
        steps=steps, rows=int(recipe["rows"]), lr=recipe["lr"], warmup=200, mu=recipe["mu"],
        log_every=max(1, steps // 100), valid_every=max(1, steps // 20),
    )  # fmt: skip


def _new(recipe: dict, chains: ChainSettings, settings: train.Settings) -> train.Run:
    torch.manual_seed(settings.seed)
    width = int(recipe["width"])
    shape = Config(
        width=width, heads=4, hidden=4 * width, layers=int(recipe["layers"]), roots=chains.roots, dropout=0.1,
        vocabulary=int(recipe["vocabulary"]), leaf_slots=chains.leaf_slots, relation_dropout=0.1,
    )  # fmt: skip
    return train.new_run(GraphMER(replace(shape)), settings)


if __name__ == "__main__":
    pairs = (pair.split("=") for pair in sys.argv[2:])
    main(Path(sys.argv[1]), **{name: float(value) for name, value in pairs})
