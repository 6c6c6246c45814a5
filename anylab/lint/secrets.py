"""No key, token or password stands anywhere: in a source, an output, metadata, a template, a page.

Only shapes that nothing else has (GitHub's and the model hub's prefixes, long random tails): a false alarm would teach
people to look away. In somebody else's notebook it is an error too: a build would publish it. The key itself is never
shown. A platform's own shapes stand in its folder: `[words] tokens`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from anylab import text
from anylab.errors import Origin, Problem, Refused
from anylab.lint import Collection, Document, Page, rule

if TYPE_CHECKING:
    from anylab.library import Module
    from anylab.platforms import Platform
    from anylab.source import Source

# between the head of a key file and its first line: line ends, also as written in a text, quotes, further heads
_BETWEEN = r"(?:\\+[nr]|[\s\"'+,#]|[A-Z][A-Za-z-]+: [^\n\\]+)*"
# a long value given to such a name: `X_KEY = "..."`, `environ["X_KEY"] = ...`, `"X_KEY": "..."`, `%env X_KEY=...`
_GIVEN = (
    r"[\\\"'\]]{0,4}(?:: ?str)?\s*[=:,]\s*[\\\"']{0,2}(?P<value>[0-9a-f]{32,}|[A-Za-z0-9+/_-]{32,}={0,2})(?![\w+/.(-])"
)

# (what begins it, its shape, what it is); sources: the makers' documentation and secret-scanning pages, 2026
_SHAPES = (
    ("hf_", r"\bhf_[A-Za-z0-9]{30,40}\b", "a Hugging Face token"),
    *((f"gh{c}_", rf"\bgh{c}_[A-Za-z0-9]{{36,255}}\b", "a GitHub token") for c in "pousr"),
    ("github_pat_", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{40,}\b", "a GitHub token"),
    ("glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}", "a GitLab token"),
    ("sk-", r"\bsk-(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{32,}", "a key of a language model's maker"),
    ("AKIA", r"\bAKIA[0-9A-Z]{16}\b", "an AWS key"),
    ("ASIA", r"\bASIA[0-9A-Z]{16}\b", "an AWS key"),
    ("AIza", r"\bAIza[0-9A-Za-z_-]{35}\b", "a Google key"),
    ("GOCSPX-", r"\bGOCSPX-[0-9A-Za-z_-]{28}\b", "a Google client secret"),
    ("ya29.", r"\bya29\.[0-9A-Za-z_-]{40,}", "a Google access token"),
    ("xox", r"\bxox[baprs]-[0-9A-Za-z-]{20,}", "a Slack token"),
    ("r8_", r"\br8_[A-Za-z0-9]{37}\b", "a Replicate token"),
    ("PRIVATE KEY", rf"-----BEGIN [A-Z ]*PRIVATE KEY-----{_BETWEEN}[A-Za-z0-9+/=]{{12,}}", "a private key"),
    *((word, word + _GIVEN, "what looks like a key") for name in ("KEY", "TOKEN", "SECRET")
      for word in (f"_{name}", f"_{name.lower()}")),
)  # fmt: skip


@rule("secret/token", on="source", foreign="error")
def no_secret_stands_in_a_source(source: Source, around: Collection) -> Iterable[Problem]:
    if source.path.suffix == ".ipynb":
        return  # its cells, outputs and metadata are looked at as a document
    try:
        content = text.read(source.path, source.file)
    except Refused:  # gone since it was read
        return
    yield from _problems(content, Origin(source.file, 1), around)


@rule("secret/module", on="module")
def no_secret_stands_in_a_module(module: Module, around: Collection) -> Iterable[Problem]:
    yield from _problems(module.text, Origin(module.file, 1), around)


@rule("secret/platform", on="platform")
def no_secret_stands_in_what_platforms_add(platform: Platform, around: Collection) -> Iterable[Problem]:
    for cell in (c for cells in platform.cells.values() for c in cells):
        yield from _problems(cell.text, cell.origin, around)
    for template in platform.files.values():
        yield from _problems(template.text, Origin(template.file, 1), around)
    for content, file in platform.overlays.values():
        yield from _problems(content, Origin(file, 1), around)


@rule("secret/page", on="page")
def no_secret_stands_on_a_page(page: Page, around: Collection) -> Iterable[Problem]:
    yield from _problems(page.text, Origin(page.file, 1), around)


@rule("secret/document", on="document", foreign="error")
def no_secret_stands_in_a_notebook_file(document: Document, around: Collection) -> Iterable[Problem]:
    """Source, outputs and metadata: a key has leaked in the metadata of a cell's outputs before (rapidfireai#171)."""
    for where, cell in document.cells():
        for part in ("source", "outputs", "metadata"):
            value = cell.get(part)
            content = _plain(value) if part == "source" else json.dumps(value, ensure_ascii=False)
            for problem in _problems(content, where, around):
                at = problem.origin if part == "source" else where
                yield Problem(at, problem.what if part == "source" else f"in the {part}: {problem.what}")
    content = json.dumps(document.data.get("metadata"), ensure_ascii=False)
    for problem in _problems(content, Origin(document.file, 1), around):
        yield Problem(Origin(document.file, 1), f"in the notebook's metadata: {problem.what}")


def _plain(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _problems(content: str, start: Origin, around: Collection) -> Iterator[Problem]:
    for line, kind, begins in _secrets(content, around):
        what = f"{kind} stands here ({begins}...): revoke it where it was made, and read it with labkit.secret instead"
        yield Problem(Origin(start.file, start.line + line), what)


def _secrets(content: str, around: Collection) -> Iterator[tuple[int, str, str]]:
    """(line from 0, what it is, its first four characters) of each."""
    lines: set[int] = set()
    for begins, shape, kind, is_loose in sorted(_shapes(around), key=lambda s: "value" in s[1].groupindex):
        if begins not in content:
            continue
        for found in shape.finditer(content):
            given = found.groupdict().get("value")
            value = given or found.group()
            told = value.rpartition("-")[2] if begins == "xox" else value  # its numbers may be any
            sure = not is_loose or (_is_random(value) and (given is None or _is_no_name(given)))
            line = content.count("\n", 0, found.start())
            if sure and not _EXAMPLE.search(told) and not (given and line in lines):  # its own shape says more
                lines.add(line)
                yield line, kind, value[:4]


@functools.lru_cache(maxsize=4)
def _shapes(around: Collection) -> list[tuple[str, re.Pattern, str, bool]]:
    """The common shapes, loose ones that want a second look, and those of platforms, which are exact."""
    own = [
        (token["begins"], token["shape"], f"a key of {platform.name}", False)
        for platform in around.platforms
        for token in platform.profile.get("words", {}).get("tokens", ())
    ]
    shapes = [*((begins, shape, kind, True) for begins, shape, kind in _SHAPES), *own]
    return [(begins, re.compile(shape), kind, is_loose) for begins, shape, kind, is_loose in shapes]


# what people write for an example
_EXAMPLE = re.compile(r"EXAMPLE|your|here|xxxx|XXXX|0000|1234567|abcdef|\.\.\.")


def _is_random(found: str) -> bool:
    """False for one character over and over, and for words: a key has many characters, of two kinds or three."""
    tail = found.rpartition("_")[2][-30:]
    kinds = sum(any(test(c) for c in tail) for test in (str.isdigit, str.isupper, str.islower))
    return len(set(tail)) >= 9 and kinds >= 2


def _is_no_name(value: str) -> bool:
    """True for hexadecimal digits, and for capitals, small letters and digits with few marks: no path, no words."""
    if re.fullmatch(r"[0-9a-f]+", value):
        return True
    kinds = all(any(test(c) for c in value) for test in (str.isdigit, str.isupper, str.islower))
    return kinds and len(set(value)) >= 14 and sum(c in "-_/" for c in value) <= 4
