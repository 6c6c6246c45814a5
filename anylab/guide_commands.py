"""The commands of the guide (platforms, advise, move), registered by `anylab.cli`, whose exit codes they keep.

Each is a few lines over `anylab.catalog`: what they say comes from the table of facts.
"""

from __future__ import annotations

import json
import re
from typing import Any

import click

from anylab.commands import folders, project_of
from anylab.errors import Origin, did_you_mean, refuse


def _table(context: click.Context, sources: Any, platforms: Any, out: Any) -> dict[str, Any]:
    from anylab.catalog import table

    return table.read(project_of(context, sources, platforms, out))


@click.command()
@click.argument("names", nargs=-1, metavar="[PLATFORM]...")
@click.option("--stale", type=click.IntRange(0), metavar="DAYS", help="List what is older than so many days instead.")
@click.option("--on", "day", metavar="DATE", help="Age is counted on this day, like 2026-11-28  [default: today]")
@click.option("--json", "as_json", is_flag=True, help="The whole table of facts.")
@folders
@click.pass_context
def platforms(context, names, stale, day, as_json, sources_dir, platforms_dir, out) -> None:
    """What is known of every platform, with source, date and grade; and what of it has aged (docs/guide.md)."""
    from anylab.catalog import listing

    found = _table(context, sources_dir, platforms_dir, out)
    known = {p["id"]: p for p in found["platforms"]}
    if day is not None and stale is None:
        raise refuse(Origin("--on"), "says on which day age is counted; it wants --stale DAYS beside it")
    if as_json and (names or stale is not None):
        raise refuse(Origin("--json"), "prints the whole table of facts; it goes with no platform and no --stale")
    for name in names:
        if name not in known:
            raise refuse(Origin(name), f"no such platform{did_you_mean(name, known)}")
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    elif stale is not None:
        today = listing.day(day)
        aged = [a for a in listing.stale(found, stale, today) if not names or a[1].partition("/")[0] in names]
        ahead = [a for a in listing.ahead(found, today) if not names or a[0].partition("/")[0] in names]
        for age, where, name, fact in aged:
            click.echo(f"{age:5} days  {where}: {name} = {listing.shown(fact)} [{fact['date']}: {fact['source']}]")
        for where, name, fact in ahead:
            click.echo(f"    ahead  {where}: {name} = {listing.shown(fact)} [{fact['date']}: {fact['source']}]")
        click.echo(f"{len(aged)} facts are older than {stale} days")
        if ahead:
            click.echo(f"{len(ahead)} facts have a date after {today}: no source can have said them yet")
    else:
        for name in names or known:
            for line in listing.lines(found, known[name]):
                click.echo(line)


class Amount(click.ParamType):
    """A number, also as the guide prints it: 10,000. Another comma is refused: it may mean 1.5."""

    name = "number"

    def convert(self, value, param, ctx):
        text = str(value).strip()
        plain = text.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text) else text
        try:
            return float(plain)
        except ValueError:
            self.fail(f"'{value}' is no number: write it like 10000, 10,000 or 0.5", param, ctx)


AMOUNT = Amount()


@click.command()
@click.argument("notebook")
@click.option("--steps", type=AMOUNT, help="Training steps.")
@click.option("--clips", type=AMOUNT, help="Clips.")
@click.option("--minutes-of-audio", "minutes", type=AMOUNT, help="Minutes of speech, or of video that speaks.")
@click.option("--have", multiple=True, metavar="P,P:CARD", help="What you have: platforms, or platform:card.")
@click.option("--budget", type=AMOUNT, metavar="USD", help="The most that it may cost.")
@click.option("--need", multiple=True, metavar="N,N", help="persistent, background, private.")
@click.option("--hour", type=AMOUNT, default=0.0, metavar="USD", help="What an hour of waiting is worth to you.")
@click.option("--kwh", type=AMOUNT, metavar="USD", help="What a kilowatt hour costs you.")
@click.option("--as", "choice", metavar="WAY", help="Do it this way (a size, a model), not the usual one.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@folders
@click.pass_context
def advise(context, notebook, steps, clips, minutes, have, budget, need, hour, kwh, choice, as_json, sources_dir,
           platforms_dir, out) -> None:  # fmt: skip
    """Where to run a notebook: what fits, how long it takes, in how many sessions, at what cost (docs/guide.md)."""
    from anylab.catalog import advise as advice
    from anylab.catalog import asking

    found = _table(context, sources_dir, platforms_dir, out)
    amounts = {"steps": steps, "clips": clips, "minutes-of-audio": minutes}
    ask = asking.question(found, notebook, amounts, have, budget, need, hour, kwh, choice)
    answer = advice.advise(found, ask)
    if as_json:
        click.echo(json.dumps(answer, indent=1, ensure_ascii=False))
        return
    _answer(found, answer)


def _answer(found: dict[str, Any], answer: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    from anylab.catalog import amounts, asking

    if answer["note"]:
        click.echo(f"{answer['notebook']}: {answer['note']}")
        return
    offers = {offer["id"]: offer for offer in found["offers"]}
    work = found["notebooks"][answer["notebook"]]["work"]
    units = work["unit"] if answer["units"] == 1 else work["units"]
    click.echo(f"{answer['notebook']}: {amounts.number(answer['units'])} {units}")
    if not answer["rows"]:
        click.echo("nothing of what you have does this under these conditions:")
    # a machine's name stays whole, to be read and copied; a terminal of less than 80 columns breaks the line itself
    drawn = Table(*(Column(n, overflow="fold", no_wrap=n == "machine") for n in asking.HEADINGS), box=None)
    for number, row in enumerate(answer["rows"], 1):
        drawn.add_row(str(number), *asking.columns(row))
    if answer["rows"]:
        Console(width=max(80, Console().width)).print(drawn)
    for line in asking.beside(answer, offers, work):
        click.echo(line)


@click.command()
@click.argument("notebook")
@click.option("--from", "origin", required=True, metavar="PLATFORM", help="Where the job is.")
@click.option("--to", "target", required=True, metavar="PLATFORM", help="Where it shall go on.")
@folders
@click.pass_context
def move(context, notebook, origin, target, sources_dir, platforms_dir, out) -> None:
    """The exact steps that take a job from one platform to another (docs/labkit.md)."""
    from anylab.catalog import moving
    from anylab.compile import compile_all

    build = compile_all(project_of(context, sources_dir, platforms_dir, out))
    for line in moving.move(build, notebook, origin, target).lines():
        click.echo(line)
