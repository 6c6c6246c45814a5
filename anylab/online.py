"""Ask for every link that leads out of the project: `lint --online`, and nothing else, touches a network.

One request an address, a few at a time, each with a time limit; one finding for each place that names a dead one. What
answers "gone" is an error; what does not answer, or does not like to be asked by a machine, is a warning.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from anylab.errors import Origin, Problem
from anylab.lint import Collection, Page
from anylab.lint.links import addresses, in_repository

if TYPE_CHECKING:
    from anylab.built import Build
    from anylab.pairs import Pair

RULE = "link/online"
SECONDS = 10
_AT_ONCE = 8
_GONE = (404, 410)
_HEADERS = {"User-Agent": "Mozilla/5.0 (link check)", "Accept": "*/*"}


def check(build: Build, pairs: Iterable[Pair], pages: Iterable[Page]) -> tuple[list[Problem], list[Problem]]:
    """(errors, warnings) about the addresses in these variants' markdown cells and these pages."""
    named = dict.fromkeys(_named(build, pairs, pages))
    around = Collection(project=build.project)
    asked = sorted({address for address, _ in named if in_repository(address, around) is None})
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(zip(asked, pool.map(ask, asked), strict=True))
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for address, origin in named:
        status, words = answers.get(address, (200, ""))
        if words:
            target = errors if status in _GONE else warnings
            target.append(Problem(origin, f"{address} {words}", RULE))
    return errors, warnings


def _named(build: Build, pairs: Iterable[Pair], pages: Iterable[Page]) -> Iterable[tuple[str, Origin]]:
    for page in pages:
        yield from ((address, Origin(page.file, line)) for line, address in addresses(page.text))
    for pair in pairs:
        for cell in build.rendered[pair.path][0]:
            for n, address in addresses(cell.source) if cell.kind == "markdown" else ():
                yield address, Origin(cell.origin.file, cell.origin.line if cell.made else cell.origin.line + n - 1)


def ask(address: str) -> tuple[int, str]:
    """(status or 0, what is wrong in words or '') of one address."""
    for method in ("HEAD", "GET"):
        try:
            request = urllib.request.Request(address, headers=_HEADERS, method=method)
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.status, ""
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
            if status in _GONE and method == "GET":
                return status, f"answers {status}: it is not there (any more); mend or remove the link"
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            return 0, f"cannot be reached ({str(why) or type(error).__name__}); try again, or mend the link"
    return status, f"answers {status} to a machine; look at it in a browser"
