"""The front door of the command line: bad input is one line each, and exit code 2."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click

from anylab.errors import Origin, Refused, refuse


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """A wrong use of a command is bad input like any other: one line, where click writes four."""
    try:
        yield
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "build.py"
        what = " ".join(error.format_message().split()).rstrip(".")
        raise refuse(Origin(command), f"{what}; see {command} --help") from None


class Front(click.Group):
    """The group: without a command it builds, and bad input is one line each and exit code 2."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _one_line():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _one_line():
            return super().invoke(ctx)

    def main(self, *args: Any, **extra: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character shows its number
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **extra)
        except OSError as error:  # what no module foresaw: an unreadable file, a full disk, a folder that is gone
            where = error.filename if isinstance(error.filename, str) else "the working folder or the disk"
            click.echo(f"error: {where}: {error.strerror or error}", err=True)
            sys.exit(2)
        except Refused as refused:
            for problem in refused.problems:
                click.echo(f"error: {problem}", err=True)
            sys.exit(2)
        except ModuleNotFoundError as missing:
            if (missing.name or "anylab").partition(".")[0] == "anylab":
                raise
            extra = '".[run]"' if missing.name in ("papermill", "nbclient", "ipykernel") else "."
            click.echo(f"error: the package '{missing.name}' is not installed; run: pip install -e {extra}", err=True)
            sys.exit(2)
