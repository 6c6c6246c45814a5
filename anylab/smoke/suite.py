"""`smoke`: every compiled variant on a stand-in of its platform, through the very cells that the user gets."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import click

from anylab.compile import Build, Pair, compile_all
from anylab.errors import Origin, refuse
from anylab.pairs import select
from anylab.project import Project
from anylab.smoke import aftermath, needed, overlay, runner, scenarios, standin, users


def run(project: Project, notebooks: Iterable[str], only: Iterable[str], keep: Path | None, quick_test: bool) -> int:
    """Run the chosen variants, a line each; the exit code (0: all good, 1: a run failed)."""
    compiled = compile_all(project)
    pairs = select(compiled.pairs, tuple(notebooks), tuple(only))
    needed.check(pairs, compiled)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="anylab-smoke-") as folder:
        for pair in pairs:
            root = Path(folder, pair.platform.id, pair.source.name)
            started = time.monotonic()
            verdict = one(compiled, pair, root, Path(folder, "cache"), keep, quick_test)
            seconds = time.monotonic() - started
            state = "FAILED" if verdict.fault else "ok    "
            click.echo(f"{state} {pair.path}  {verdict.cells} of {verdict.of} code cells, {seconds:.0f} s")
            if verdict.fault:
                failed += 1
                click.echo(f"       {pair.platform.name}: {verdict.fault}", err=True)
    click.echo(f"{len(pairs) - failed} good, {failed} failed")
    return 1 if failed else 0


def play(project: Project, notebooks: Iterable[str], only: Iterable[str], name: str) -> int:
    """Play a scenario, or all, through the setup cells of the chosen variants; the exit code as `run` has it."""
    compiled = compile_all(project)
    pairs = [pair for pair in select(compiled.pairs, tuple(notebooks), tuple(only)) if pair.source.ours]
    needed.check(pairs, compiled)
    if name != "all":
        scenarios.check_name(name, [pair.platform for pair in pairs])
    failed = played = 0
    with tempfile.TemporaryDirectory(prefix="anylab-smoke-") as folder:
        for pair in pairs:
            for scenario in scenarios.of(pair.platform).values():
                if name not in ("all", scenario.name) or not scenario.applies(pair):
                    continue
                root = Path(folder, pair.platform.id, pair.source.name, scenario.name)
                fault = scenarios.play(compiled, pair, scenario, root, Path(folder, "cache"))
                played, failed = played + 1, failed + bool(fault)
                click.echo(f"{'FAILED' if fault else 'ok    '} {pair.path}  {scenario.name}: {scenario.what}")
                if fault:
                    click.echo(f"       {scenario.origin}: {fault}", err=True)
    if not played:
        raise refuse(Origin("--scenario"), f"'{name}' applies to none of these notebooks; 'all' plays those that do")
    click.echo(f"{played - failed} good, {failed} failed")
    return 1 if failed else 0


def one(
    compiled: Build, pair: Pair, root: Path, cache: Path | None, keep: Path | None = None, quick_test: bool = True
) -> runner.Verdict:
    """Run one variant on its stand-in below `root`; `keep` is a folder for the executed notebook. With the quick test
    off, a notebook that loads models takes the path that users take, against a hub of tiny twins."""
    output = keep / pair.platform.id / f"{pair.source.name}.ipynb" if keep else None
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
    if not quick_test and users.loads_models(pair):
        return users.run(compiled, pair, root, cache or root, keep=output)
    data = dict(compiled.variant_files(pair))[pair.path]
    root.mkdir(parents=True, exist_ok=True)
    there = standin.prepare(pair.platform, root, cache, overlay.site(compiled, pair))
    settings = runner.settings_cell(runner.json.loads(data))
    parameters = {"QUICK_TEST": quick_test} if "QUICK_TEST" in settings else {}
    verdict = runner.execute(data, parameters, there.cwd, there.env, output)
    return aftermath.judged(verdict, compiled, pair, there)
