"""Commands that find and answer (lint, where, publish), and the options that every command which compiles has.

Registered by `anylab.cli`, whose exit codes they keep.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from anylab.errors import Refused
from anylab.project import Project, find_root, open_project

_FOLDER = click.Path(file_okay=False, path_type=Path)


def folders(command: Any) -> Any:
    """The options that say where things are, for every command that compiles."""
    for option in (
        click.option("--out", type=_FOLDER, help="Where the variants go  [default: dist/]"),
        click.option("--platforms", "platforms_dir", type=_FOLDER, help="The platform folders  [default: platforms/]"),
        click.option("--sources", "sources_dir", type=_FOLDER, help="The notebook sources  [default: notebooks-src/]"),
    ):
        command = option(command)
    return command


def project_of(
    context: click.Context, sources: Path | None = None, platforms: Path | None = None, out: Path | None = None
) -> Project:
    root = context.obj if context.obj else find_root(Path.cwd())
    return open_project(root, *(p and p.resolve() for p in (sources, platforms)), out)


@click.command()
@click.argument("notebooks", nargs=-1)
@click.option("--platform", "-p", "only", multiple=True, help="Only this platform's variants (repeatable).")
@click.option("--online", is_flag=True, help="Also ask for every link that leads out of the project.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of lines.")
@folders
@click.pass_context
def lint(context, notebooks, only, online, as_json, sources_dir, platforms_dir, out) -> None:
    """What rules find in sources, library, variants and pages; exit code 1 for an error, 2 for what cannot
    be compiled (docs/lints.md)."""
    import json

    from anylab import findings

    found, refused = findings.run(project_of(context, sources_dir, platforms_dir, out), notebooks, only, online)
    errors = sum(f.severity == "error" for f in found)
    if as_json:
        click.echo(json.dumps([f.data() for f in found], indent=1, ensure_ascii=False))
    else:
        for f in found:
            click.echo(f"{f.severity}: {f.problem}")
        click.echo(f"{errors} errors, {len(found) - errors} warnings")
    if refused:
        raise Refused(refused)
    sys.exit(1 if errors else 0)


@click.command()
@click.argument("platform")
@click.argument("notebook")
@click.option("--user", default="", help="Your name there, as owner of what is pushed.")
@click.option(
    "--dry-run/--push", "dry_run", default=True, help="Say what would be sent, or send it.  [default: dry run]"
)
@folders
@click.pass_context
def publish(context, platform, notebook, user, dry_run, sources_dir, platforms_dir, out) -> None:
    """Push a variant to its platform, through the platform's official client; a dry run unless --push is given."""
    from anylab import publish as publisher

    project = project_of(context, sources_dir, platforms_dir, out)
    for line in publisher.publish(project, platform, notebook, user, dry_run):
        click.echo(line)


@click.command()
@click.argument("what", required=False, default="-")
@click.argument("cell", required=False, type=click.IntRange(1))
@click.argument("line", required=False, type=click.IntRange(1), default=1)
@folders
@click.pass_context
def where(context, what, cell, line, sources_dir, platforms_dir, out) -> None:
    """Which source line a failure comes from: a file with a pasted traceback (or - for standard input), or NOTEBOOK and
    the number [CELL] beside a cell, and a LINE of it."""
    from anylab import where as places

    project = project_of(context, sources_dir, platforms_dir, out)
    if cell is not None:
        found = places.of_cell(project, what, cell, line)
    else:
        found = places.of_traceback(project, sys.stdin.read() if what == "-" else places.read(what))
    for place in found:
        click.echo(str(place))


def overlays(project: Project) -> None:
    """Fetch what smoke runs put ahead of this environment, and say a line for each."""
    from anylab.compile import compile_all
    from anylab.platforms import load_all
    from anylab.smoke import overlay

    for platform in load_all(project.platforms, project.platforms.name):
        folder = overlay.fetch(platform, project.root)
        click.echo(f"{platform.id}: {len(overlay.listed(platform))} packages" if folder else f"{platform.id}: none")
    compiled, told = compile_all(project), set()
    for pair in compiled.pairs:
        folder = overlay.fetch_bare(compiled, pair) if pair.path else None
        if folder is not None and folder not in told:
            told.add(folder)
            click.echo(
                f"{pair.source.name}: {', '.join(compiled.shared.plans[pair.source.name, pair.platform.id].bare)}"
            )
