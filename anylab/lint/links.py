"""Links and pictures lead somewhere: in the pages of the project, in sources, and in every variant.

Peers' badges open other branches, forks and 404s (course-content#81, #131, colabtools#557). What points into this
repository is looked for here, without a network; what points elsewhere is asked for by `lint --online` alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from anylab.errors import Origin, Problem
from anylab.lint import Collection, Page, Variant, rule

if TYPE_CHECKING:
    from anylab.source import Source

_MARKDOWN = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HTML = re.compile(r"<(?:img|a|source|video|audio)\b[^>]*?\b(?:src|href)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)")
_BARE = re.compile(r"https?://[^\s<>()\"'`\]\\]+[^\s<>()\"'`\]\\.,;:!?]")
_CODE = re.compile(r"(`+)[^`]+?\1")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


@rule("link/page", on="page")
def every_link_of_a_page_leads_somewhere(page: Page, around: Collection) -> Iterable[Problem]:
    folder = PurePosixPath(page.file).parent
    for line, target in targets(page.text):
        inside = in_repository(target, around)
        if inside is None and not _SCHEME.match(target) and not target.startswith(("#", "//")):
            inside = _joined(folder, unquote(re.split(r"[?#]", target)[0]))
        if inside is not None and not _is_there(inside, around):
            yield Problem(Origin(page.file, line), f"the link leads to {inside}, which is not there; mend or remove it")


@rule("link/source", on="source")
def every_link_of_the_first_cell_leads_somewhere(source: Source, around: Collection) -> Iterable[Problem]:
    """What the front matter says; the badges of the first cell are made from the files that a build writes."""
    for key in ("summary", "result", "leaves"):
        for _, target in _targets_of(source.front.get(key, "")):
            what = _fault(target, {}, around)
            if what:
                yield Problem(source.at(key), what)


@rule("link/variant", on="variant", foreign="warning")
def every_link_of_a_variant_leads_somewhere(variant: Variant, around: Collection) -> Iterable[Problem]:
    for cell in variant.cells:
        if cell.kind != "markdown" or cell.made:
            continue
        for n, target in _targets_of(cell.source):
            what = _fault(target, cell.attachments or {}, around)
            if what:
                yield Problem(Origin(cell.origin.file, cell.origin.line + n - 1), what)


def _fault(target: str, attachments: Mapping[str, object], around: Collection) -> str:
    if target.startswith("attachment:"):
        name = unquote(target.removeprefix("attachment:"))
        return "" if name in attachments else f"the picture '{name}' is not attached to the cell; add it"
    if target.startswith(("#", "//")):
        return ""
    if not _SCHEME.match(target):
        advice = "link to its page on the web, or show it with picture: in the front matter"
        return f"'{target}' is a file beside the source, and a compiled notebook stands alone; {advice}"
    inside = in_repository(target, around)
    there = inside is None or _is_there(inside, around)
    return "" if there else f"the link leads to {inside}, which is not there; mend or remove it"


def targets(text: str) -> Iterator[tuple[int, str]]:
    """(line, target) of every link and picture of a page, code aside."""
    fence = ""
    for number, line in enumerate(text.split("\n"), 1):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
            continue
        if fence or ("(" not in line and "<" not in line and ":" not in line):
            continue
        plain = _CODE.sub("", line)
        for pattern in (_MARKDOWN, _HTML, _REFERENCE):
            yield from ((number, found[1]) for found in pattern.finditer(plain))


def addresses(text: str) -> Iterator[tuple[int, str]]:
    """(line, address) of everything on the web that a text names, also outside links."""
    for number, line in enumerate(text.split("\n"), 1):
        seen = {target for _, target in targets(line) if target.startswith(("http://", "https://"))}
        rest = _HTML.sub("", _MARKDOWN.sub("", _CODE.sub("", line)))
        yield from ((number, address) for address in sorted(seen | set(_BARE.findall(rest))))


@functools.lru_cache(maxsize=8192)
def _targets_of(text: str) -> tuple[tuple[int, str], ...]:
    if "](" not in text and "<" not in text and "]:" not in text:
        return ()
    return tuple((n, target) for n, target in targets(text) if not target.startswith("data:"))


def in_repository(target: str, around: Collection) -> str | None:
    """The path below the root of an address that shows a file of this repository; None for any other."""
    if around.project is None or not target.startswith("http"):
        return None
    found = _own(around.project.repository, around.project.branch).search(target)
    return unquote(found[1]) if found else None


@functools.cache
def _own(repository: str, branch: str) -> re.Pattern:
    """The declared home's files, by whichever service shows them (`.../OWNER/NAME/blob/BRANCH/path`)."""
    branches = "|".join(re.escape(b) for b in {branch, quote(branch, safe="")})
    return re.compile(rf"/{re.escape(repository)}/(?:(?:blob|raw|tree)/)?(?:{branches})/([^?#&\s]+)")


def _joined(folder: PurePosixPath, target: str) -> str:
    parts: list[str] = [] if target.startswith("/") else list(folder.parts)
    for part in PurePosixPath(target.lstrip("/")).parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "."


def _is_there(path: str, around: Collection) -> bool:
    """True for what a build writes into dist/, and for what lies in the project."""
    if around.project is None:
        return True
    if path.startswith("dist/") and path.endswith(".ipynb"):
        return path.removeprefix("dist/") in around.planned
    return path.removeprefix("dist/") in around.planned or (around.project.root / path).exists()
