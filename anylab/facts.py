"""Facts: a value with its source, date and grade; where they stand, what they are called, and what is wrong with them.

A fact is a small TOML table, `{ value = 29, source = "kaggle.com/docs/notebooks", date = "2026-09-24", grade =
"published" }`, with a `note` where a few words help. What nobody knows has the value and the grade "unknown", never a
guess. Facts stand in three places: a platform's profile (`[facts]`, `[plans.*]`, `[plans.*.machines.*]`, `[guide]`),
`platforms/cards.toml`, and the work of notebooks (`work/<notebook>.toml` beside the sources).

Pure: no file is read here, and no clock: whether a fact has aged is asked with a day given.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from anylab.errors import Origin, Problem, did_you_mean

GRADES = ("measured", "published", "reported", "estimated", "unknown")
STATES = ("open", "closed", "unconfirmed", "dead")
UNKNOWN, UNLIMITED = "unknown", "unlimited"
_KEYS = ("value", "source", "date", "grade", "note")
DATE = re.compile(r"20\d\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")

# kind of a value: number (of the unit), limit (a number or "unlimited"), yes (true or false), text, list, or its words
KNOWN: dict[str, tuple[str, str, Any]] = {
    # what a session is
    "accelerators": ("accelerators", "", list),
    "gpu_memory_gb": ("GPU memory that a program sees", "GB", "number"),
    "compute_capability": ("compute capability", "", "number"),
    "ram_gb": ("memory of the machine", "GB", "number"),
    "vcpus": ("processor cores", "", "number"),
    "disk_gb": ("free disk", "GB", "number"),
    "saved_gb": ("of it kept", "GB", "number"),
    "session_hours": ("longest session", "h", "limit"),
    "idle_minutes": ("ends when idle for", "min", "limit"),
    "weekly_gpu_hours": ("hours a week", "h", "limit"),
    "daily_gpu_hours": ("hours a day", "h", "limit"),
    "call_seconds": ("longest call on the accelerator", "s", "number"),
    "call_minutes_per_day": ("minutes of calls a day", "min", "number"),
    # money
    "usd_per_hour": ("price an hour", "USD", "number"),
    "usd_per_month": ("price a month", "USD", "number"),
    "usd_block": ("smallest purchase", "USD", "number"),
    "on_top": ("comes on top of the price", "", "text"),
    "usd_credit": ("free credit a month", "USD", "number"),
    "units_per_hour": ("compute units an hour", "", "number"),
    "usd_per_kwh": ("price of a kilowatt hour", "USD", "number"),
    # yes or no; the note says how
    "persists": ("keeps files between sessions", "", "yes"),
    "background": ("runs on with the browser closed", "", "yes"),
    "private": ("notebooks can be private", "", "yes"),
    "takes_notebooks": ("runs a notebook file as it is", "", "yes"),
    "owned": ("a machine of your own", "", "yes"),
    # words
    "state": ("state", "", STATES),
    "internet": ("internet", "", ("on", "switch", "restricted")),
    "persistent": ("what is kept", "", "text"),
    "lost": ("what the end of a session takes", "", "text"),
    "secrets": ("secrets", "", "text"),
    "entry": ("what it takes to begin", "", "text"),
    "browser": ("browser needed", "", "text"),
    "reconnect": ("coming back to a running session", "", "text"),
    "forbidden": ("not allowed", "", "text"),
    "cloned_voices": ("on cloned voices and faces", "", "text"),
    "upload": ("bringing data in", "", "text"),
    "reuse": ("using data again", "", "text"),
    "download": ("taking results out", "", "text"),
    "dataset_gb": ("largest dataset", "GB", "number"),
    "versions": ("versions", "", "text"),
    "sharing": ("sharing", "", "text"),
    "debugging": ("debugging", "", "text"),
    "privacy": ("who else has the data", "", "text"),
    "upgrade": ("more of everything", "", "text"),
    "maintenance": ("who looks after it", "", "text"),
    "mobile": ("on a phone", "", "text"),
    "wants": ("what it wants instead of a notebook", "", "text"),
    # of a place that only bundles pass through
    "private_storage_gb": ("private storage", "GB", "number"),
    "file_gb": ("largest file", "GB", "number"),
    "requests": ("requests", "", "text"),
    "private_kept_for": ("kept for", "", "text"),
}
CARD: dict[str, tuple[str, str, Any]] = {
    "memory_gb": ("memory", "GB", "number"),
    "chips": ("chips that share this memory", "", "number"),
    "capability": ("compute capability", "", "number"),
    "half_peak_tflops": ("published peak, 16 bit", "TFLOP/s", "number"),
    "half_tflops": ("sustained, 16 bit matrix products", "TFLOP/s", "number"),
    "single_tflops": ("sustained, 32 bit", "TFLOP/s", "number"),
    "bandwidth_gbs": ("sustained memory bandwidth", "GB/s", "number"),
    "watts": ("power", "W", "number"),
    "usd": ("price when it came out", "USD", "number"),
    "year": ("came out in", "", "number"),
    "state": ("state", "", "text"),
}


@dataclass(frozen=True)
class Found:
    """One fact as it stands in a file: its path of keys, the raw table, and where it is."""

    path: tuple[str, ...]
    raw: Any
    origin: Origin
    known: Mapping[str, tuple[str, str, Any]]  # the names that are known where it stands
    named: bool = True  # False: a step or a claim, which has words of its own


def plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A fact as plain JSON: value (None: unknown), source, link, date, grade, note."""
    value = raw.get("value")
    source = str(raw.get("source", ""))
    return {
        "value": None if value == UNKNOWN else value,
        "source": source,
        "link": link(source),
        "date": str(raw.get("date", "")),
        "grade": str(raw.get("grade", "")),
        "note": str(raw.get("note", "")),
    }


_HOST = r"(?:[a-z0-9-]+\.)+(?:ai|cn|co|com|cz|dev|gov|in|io|name|net|org|rip)(?![\w-])"
_PAGE = re.compile(rf"(?<![\w@/.-])({_HOST}(?:/[^\s;,()*]*)?)")


def link(source: str) -> str:
    """The address that a source names, '' where it names none: an issue, a repository at a commit, a page of the web.

    `owner/name#12` and `owner/name@0a1b2c3` are GitHub's; `host.tld/path` is a page. The first one found counts.
    """
    issue = re.search(r"(?<![\w./-])([A-Za-z][\w.-]*/[\w.-]+)#(\d+)", source)
    if issue and "." not in issue[1].partition("/")[0]:
        return f"https://github.com/{issue[1]}/issues/{issue[2]}"
    commit = re.search(r"(?<![\w./-])([A-Za-z][\w-]*/[\w.-]+)@([0-9a-f]{7,40})\b", source)
    if commit:
        return f"https://github.com/{commit[1]}/tree/{commit[2]}"
    page = _PAGE.search(source)
    return f"https://{page[1].rstrip('.')}" if page else ""


def of_profile(profile: Mapping[str, Any], at: Any) -> Iterator[Found]:
    """Every fact of a platform's profile. `at(*path)` gives the place of a key."""
    yield from _table(profile.get("facts", {}), ("facts",), at, KNOWN)
    for plan, content in profile.get("plans", {}).items():
        if not isinstance(content, Mapping):
            continue
        rest = {k: v for k, v in content.items() if k not in ("name", "machines")}
        yield from _table(rest, ("plans", plan), at, KNOWN)
        for machine, about in content.get("machines", {}).items():
            if isinstance(about, Mapping):
                rest = {k: v for k, v in about.items() if k not in ("card", "count")}
                yield from _table(rest, ("plans", plan, "machines", machine), at, KNOWN)
    for list_of in ("setup", "claims"):
        for i, entry in enumerate(profile.get("guide", {}).get(list_of, ())):
            yield Found((list_of, str(i + 1)), entry, at("guide", list_of, i), {}, named=False)


def of_cards(cards: Mapping[str, Any], at: Any) -> Iterator[Found]:
    """Every fact of the cards."""
    for card, content in cards.items():
        if isinstance(content, Mapping):
            rest = {k: v for k, v in content.items() if k not in ("name", "kind")}
            yield from _table(rest, (card,), at, CARD)


def _table(content: Mapping[str, Any], path: tuple[str, ...], at: Any, known: Mapping) -> Iterator[Found]:
    for key, raw in content.items():
        yield Found((*path, key), raw, at(*path, key), known)


def faults(found: Found) -> Iterator[tuple[str, Problem]]:
    """(what kind: source, date, grade, value or name; the finding) for each fault of one fact."""
    name, raw = ".".join(found.path), found.raw
    if not isinstance(raw, Mapping):
        what = f"'{name}' is a bare value; write a fact: {{ value = ..., source = ..., date = ..., grade = ... }}"
        yield "source", Problem(found.origin, what)
        return
    if found.named and found.path[-1] not in found.known:
        yield "name", Problem(found.origin, f"unknown fact '{name}'{did_you_mean(found.path[-1], found.known)}")
    if not str(raw.get("source", "")).strip():
        yield "source", Problem(found.origin, f"'{name}' has a value and no source; say where it was read, or measured")
    date = raw.get("date", "")
    if not isinstance(date, str) or not DATE.fullmatch(date) or not _exists(date):
        what = f'\'{name}\' wants the date on which its source said so, like "2026-09-24" or "2026"'
        yield "date", Problem(found.origin, what)
    if raw.get("grade") not in GRADES:
        what = f"the grade of '{name}' must be one of {', '.join(GRADES)}, not {raw.get('grade')!r}"
        yield "grade", Problem(found.origin, what)
    if found.named:
        yield from (("value", Problem(found.origin, what)) for what in _value_faults(name, raw, found))


def _value_faults(name: str, raw: Mapping[str, Any], found: Found) -> Iterator[str]:
    for key in raw:
        if key not in _KEYS:
            yield f"unknown key '{key}' in the fact '{name}'{did_you_mean(key, _KEYS)}"
    if "value" not in raw:
        yield f"the fact '{name}' has no value; write one, or \"{UNKNOWN}\""
        return
    value, grade = raw["value"], raw.get("grade")
    if (value == UNKNOWN) != (grade == UNKNOWN):
        yield f"'{name}': an unknown value and the grade \"{UNKNOWN}\" go together"
    if value == UNKNOWN or found.path[-1] not in found.known:
        return
    words, unit, kind = found.known[found.path[-1]]
    wanted = _wanted(value, kind)
    if wanted:
        yield f"'{name}' ({words}) must be {wanted}{f' of {unit}' if unit else ''}, not {value!r}"


def _wanted(value: Any, kind: Any) -> str:
    """What a value should have been, '' when it is that."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("number", "limit"):
        if number and 0 <= value < 1e12:
            return ""
        if kind == "limit":
            return "" if value == UNLIMITED else f'a number, zero or more, or "{UNLIMITED}"'
        return "a number, zero or more"
    if kind == "yes":
        return "" if isinstance(value, bool) else "true or false"
    if kind is list:
        fits = isinstance(value, list) and all(isinstance(v, str) for v in value)
        return "" if fits else "a list of words"
    if kind == "text":
        return "" if isinstance(value, str) and value.strip() else "words"
    return "" if value in kind else f"one of {', '.join(kind)}"


def _exists(date: str) -> bool:
    """False for a day that no calendar has, like 2026-02-30. Whether one lies ahead only a clock can say."""
    try:
        return len(date) < len("2026-09-24") or bool(datetime.date.fromisoformat(date))
    except ValueError:
        return False


def age_in_days(date: str, today: datetime.date) -> int:
    """Days from the last day that a date ("2026", "2026-09", "2026-09-24") may mean until `today`; 0 where it lies
    ahead."""
    year, month, day = (*map(int, date.split("-")), 0, 0)[:3]
    if not month:
        month, day = 12, 31
    elif not day:
        after = datetime.date(year + month // 12, month % 12 + 1, 1)
        day = (after - datetime.timedelta(days=1)).day
    return max(0, (today - datetime.date(year, month, day)).days)


def lies_ahead(date: str, today: datetime.date) -> bool:
    """Whether even the first day that a date may mean comes after `today`: a source cannot have said it yet."""
    year, month, day = (*map(int, date.split("-")), 1, 1)[:3]
    return datetime.date(year, month, day) > today
