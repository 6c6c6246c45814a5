"""The command line. Exit codes: 0 fine, 1 a finding (drift, a failed smoke run), 2 bad input.

click reads the arguments; rich is imported only where a table or a progress line is drawn, so that an unchanged build
stays fast. Each command is a few lines over the module that does the work.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from anylab import __version__, commands, guide_commands
from anylab.commands import folders as _folders
from anylab.commands import project_of as _project
from anylab.errors import Origin, refuse
from anylab.front import Front
from anylab.project import Project

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(cls=Front, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="anylab")
@click.pass_context
def main(context: click.Context) -> None:
    """One source, every free GPU: compile AI notebooks for Colab, Kaggle, Studio Lab, your own GPU and more.

    Without a command it builds everything into dist/.
    """
    if context.invoked_subcommand is None:
        context.invoke(build)


@main.command()
@click.argument("notebooks", nargs=-1)
@click.option("--platform", "-p", "only", multiple=True, help="Write only this platform's variants (repeatable).")
@_folders
@click.pass_context
def build(context, notebooks=(), only=(), sources_dir=None, platforms_dir=None, out=None) -> None:
    """Compile the sources into ready-to-upload notebooks."""
    from anylab import building

    report = building.build(_project(context, sources_dir, platforms_dir, out), notebooks, only)
    _tell(report)
    for path in report.outcome.written:
        click.echo(f"wrote     {path}")
    for path in report.outcome.removed:
        click.echo(f"removed   {path} (its source is gone)")
    for path in report.outcome.orphans:
        click.echo(f"orphan    {path} (no build writes it; move it or delete it)", err=True)
    done = report.outcome
    click.echo(f"{len(done.written)} written, {done.unchanged} unchanged, {len(report.left_out)} left out")
    if notebooks or only:
        click.echo("limited as asked: manifest and README are written by a full build (python build.py)")


@main.command()
@click.option("--release", is_flag=True, help="Also compare the declared home with the git remote.")
@_folders
@click.pass_context
def check(context, release, sources_dir, platforms_dir, out) -> None:
    """Would a build change anything? Exit code 1 if so."""
    from anylab import building

    project = _project(context, sources_dir, platforms_dir, out)
    report = building.check(project)
    _tell(report)
    for path, diff in report.drift.items():
        click.echo(f"differs   {path}")
        for line in diff:
            click.echo(f"    {line}")
    for path in report.outcome.orphans:
        click.echo(f"orphan    {path} (no build writes it)")
    for problem in report.pages:
        click.echo(f"error: {problem}", err=True)
    home = _home_faults(project) if release else []
    found = len(report.drift) + len(report.outcome.orphans) + len(report.pages) + len(home)
    click.echo(
        f"{report.outcome.unchanged} as built, {len(report.drift)} differ, {len(report.outcome.orphans)} orphans"
    )
    if found:
        if report.drift or report.outcome.orphans:
            click.echo("run `python build.py` and commit what it writes", err=True)
        sys.exit(1)


def _home_faults(project: Project) -> list[str]:
    from anylab import home as homes

    faults = homes.release_faults(project)
    for line in faults:
        click.echo(f"home      {line}")
    return faults


@main.command(name="list")
@_folders
@click.pass_context
def list_(context, sources_dir, platforms_dir, out) -> None:
    """Notebooks and platforms, and why a pair is left out."""
    from rich.console import Console
    from rich.table import Column, Table

    from anylab.compile import compile_all

    compiled = compile_all(_project(context, sources_dir, platforms_dir, out))
    table = Table("notebook", "platform", Column("variant or reason", overflow="fold"))
    for pair in compiled.pairs:
        table.add_row(pair.source.name, pair.platform.id, pair.path or f"left out: {pair.reason}")
    Console().print(table)
    left = sum(not p.path for p in compiled.pairs)
    click.echo(f"{len(compiled.pairs) - left} variants, {left} left out")
    for platform in {p.platform.id: p.platform for p in compiled.pairs}.values():
        if platform.image is None:
            folder = platform.file.rpartition("/")[0]
            click.echo(f"note: {folder}: unknown image (no packages.txt): everything is installed there, pinned")


@main.command()
@click.argument("notebooks", nargs=-1)
@click.option("--platform", "-p", "only", multiple=True, help="Only this platform's locks (repeatable).")
@_folders
@click.pass_context
def lock(context, notebooks, only, sources_dir, platforms_dir, out) -> None:
    """Resolve what platforms lack into locks/ beside the sources (uv, network)."""
    from anylab import locking

    for line in locking.run(_project(context, sources_dir, platforms_dir, out), notebooks, only):
        click.echo(line)


@main.command()
@click.argument("newer", metavar="LIST.txt", type=click.Path(path_type=Path))
@click.option("--platform", "-p", required=True, help="The platform whose stored list it is compared with.")
@_folders
@click.pass_context
def drift(context, newer, platform, sources_dir, platforms_dir, out) -> None:
    """What a newer list of a platform's packages (pip freeze) puts at risk. Exit code 1 if anything."""
    from anylab import drift as drifting

    found, stored, new = drifting.compare(_project(context, sources_dir, platforms_dir, out), newer, platform)
    click.echo(drifting.summary(stored, new))
    for finding in found:
        click.echo(f"{'at risk' if finding.risk else 'better':9} {finding.notebook}: {finding.what}")
    at_risk = sorted({finding.notebook for finding in found if finding.risk})
    click.echo(f"at risk: {', '.join(at_risk)}" if at_risk else "no notebook is at risk")
    sys.exit(1 if at_risk else 0)


@main.command()
@click.argument("home", metavar="OWNER/REPO")
@click.option("--branch", help="The branch that badge links open.")
@click.pass_context
def home(context, home: str, branch: str | None) -> None:
    """Declare the repository OWNER/NAME that badges link to, and rebuild."""
    from anylab import home as homes

    homes.declare(_project(context).root, home, branch)
    context.invoke(build)


@main.command()
@click.argument("notebook")
@click.option("-p", "--parameter", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A setting.")
@click.option("--quick-test", is_flag=True, help="The tiny run without a download: does this machine work?")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the executed notebook goes.")
@_folders
@click.pass_context
def run(context, notebook, parameters, quick_test, output, sources_dir, platforms_dir, out) -> None:
    """Run a notebook on this machine, with progress."""
    from anylab.smoke import local

    project = _project(context, sources_dir, platforms_dir, out)
    sys.exit(local.run(project, notebook, dict(parameters), quick_test, output))


@main.command()
@click.argument("notebooks", nargs=-1)
@click.option("--platform", "-p", "only", multiple=True, help="Only this platform's variants (repeatable).")
@click.option("--keep", type=_FOLDER, help="Keep the executed notebooks in this folder.")
@click.option("--full", is_flag=True, help="Quick test off; models come from a stand-in of the hub.")
@click.option("--scenario", help="Play what goes wrong through the setup cells instead; 'all' plays every one.")
@_folders
@click.pass_context
def smoke(context, notebooks, only, keep, full, scenario, sources_dir, platforms_dir, out) -> None:
    """Run compiled variants on stand-ins of their platforms (papermill)."""
    from anylab.smoke import suite

    project = _project(context, sources_dir, platforms_dir, out)
    if scenario is not None:
        if full or keep:
            raise refuse(Origin("--scenario"), "plays a scenario and nothing else: leave --full and --keep out")
        sys.exit(suite.play(project, notebooks, only, scenario))
    sys.exit(suite.run(project, notebooks, only, keep, quick_test=not full))


@main.command()
@_folders
@click.pass_context
def overlays(context, sources_dir, platforms_dir, out) -> None:
    """Install each platform's own versions of what notebooks import, and what goes in without its dependencies, for
    smoke runs (needs the internet, once)."""
    commands.overlays(_project(context, sources_dir, platforms_dir, out))


@main.command()
@click.argument("name")
@click.pass_context
def new(context, name: str) -> None:
    """A new notebook NAME: a skeleton that builds, and a test that passes."""
    from anylab import scaffold

    project = _project(context)
    _wrote(project, scaffold.notebook(project, name))


@main.command(name="new-platform")
@click.argument("name")
@click.pass_context
def new_platform(context, name: str) -> None:
    """A new platform NAME: a folder that builds, and a test that passes."""
    from anylab import scaffold

    project = _project(context)
    _wrote(project, scaffold.platform(project, name))


_GUIDE = (guide_commands.platforms, guide_commands.advise, guide_commands.move)
for command in (commands.lint, commands.where, commands.publish, *_GUIDE):
    main.add_command(command)


def _wrote(project: Project, paths: list[str]) -> None:
    if not Path.cwd().is_relative_to(project.root):
        click.echo(f"in        {project.root}")
    for path in paths:
        click.echo(f"wrote     {path}")


def _tell(report: Any) -> None:
    """Warnings and pairs left out, the same words for build and check."""
    for warning in report.warnings:
        click.echo(f"warning: {warning}", err=True)
    for line in report.left_out:
        click.echo(f"left out  {line}")


def at_root(root: Path) -> None:
    """Run the command line for the project at `root` (build.py's own folder)."""
    if not root.is_dir():
        raise refuse(Origin(str(root)), "no such folder")
    main(obj=root)
