"""The table of facts: everything that the guide knows, as plain JSON. docs/guide.md describes its shape.

In: the platform folders, the sources, the cards and the work of notebooks, as they were read. Out: one dict of numbers,
texts, lists and None (unknown), the same for the commands, the pages and their script. Pure: no file, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from anylab import facts
from anylab.platforms import Platform
from anylab.project import Project
from anylab.source import Source
from anylab.work import Known

FORMAT = 1
# what an offer takes over from the facts of its machine, plan and platform, under the names that advice uses
_NUMBERS = {
    "ram_gb": "ram_gb",
    "disk_gb": "disk_gb",
    "session_hours": "session_hours",
    "idle_minutes": "idle_minutes",
    "weekly_gpu_hours": "hours_per_week",
    "daily_gpu_hours": "hours_per_day",
    "usd_per_hour": "usd_per_hour",
}
_YES = {"persists": "persistent", "background": "background", "private": "private", "takes_notebooks": "notebooks"}
_CARD = ("capability", "half_tflops", "single_tflops", "bandwidth_gbs", "watts")
TERMS = "cloned_voices"


def of(folders: Iterable[Platform], sources: Iterable[Source], known: Known) -> dict[str, Any]:
    """The table. `folders` are all platform folders; one without plans (a place for bundles alone) is not in it."""
    guided = [p for p in folders if p.profile.get("plans")]
    cards = {name: _card(about) for name, about in (known.cards.data if known.cards else {}).items()}
    return {
        "format": FORMAT,
        "words": {name: {"words": words, "unit": unit} for name, (words, unit, _) in facts.KNOWN.items()},
        "card_words": {name: {"words": words, "unit": unit} for name, (words, unit, _) in facts.CARD.items()},
        "cards": cards,
        "platforms": [_platform(p) for p in guided],
        "offers": [offer for p in guided for offer in _offers(p, cards)],
        "notebooks": {s.name: _notebook(s, guided, known) for s in sources},
    }


def read(project: Project) -> dict[str, Any]:
    """The table of a project, read anew: what commands and tests use. Raises Refused for what cannot be read, and for
    every fact that is wrong, as the lints find it."""
    from anylab import inputs, work
    from anylab.errors import Refused, refuse
    from anylab.lint.facts import cards_of

    problems: list = []
    sources, folders, _ = inputs.read_all(project, problems)
    known = work.read(project, problems)
    described = known.cards.data if known.cards else {}
    for thing in (*folders, *known.files):
        problems += [problem for _, problem in thing.fact_faults]
        unknown = [(card, at) for card, at in cards_of(thing) if card not in described]
        problems += [p for card, at in unknown for p in refuse(at, f"no card '{card}' in cards.toml").problems]
    if problems:
        raise Refused(problems)
    return of(folders, sources, known)


def _facts(content: Mapping[str, Any], leave: Iterable[str] = ()) -> dict[str, Any]:
    return {k: facts.plain(v) for k, v in content.items() if k not in leave and isinstance(v, Mapping)}


def _card(about: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": about["name"], "kind": about["kind"], "facts": _facts(about, ("name", "kind"))}


def _platform(platform: Platform) -> dict[str, Any]:
    profile = platform.profile
    found = _facts(profile["facts"])
    return {
        "id": platform.id,
        "name": platform.name,
        "variants": platform.has_variants,
        "state": _state(profile),
        "facts": found,
        "plans": [_plan(name, content) for name, content in profile["plans"].items()],
        "setup": [_entry(step) for step in profile.get("guide", {}).get("setup", ())],
        "claims": [_entry(claim) for claim in profile.get("guide", {}).get("claims", ())],
    }


def _state(profile: Mapping[str, Any]) -> str:
    return profile["facts"].get("state", {}).get("value", "open")


def _plan(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    machines = [
        {"id": id, "card": m["card"], "count": m.get("count", 1), "facts": _facts(m, ("card", "count"))}
        for id, m in content["machines"].items()
    ]
    return {"id": name, "name": content["name"], "facts": _facts(content, ("name", "machines")), "machines": machines}


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A step or a claim: its own words, and where they come from."""
    return {**entry, "link": facts.link(str(entry.get("source", "")))}


def _offers(platform: Platform, cards: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    profile = platform.profile
    for plan, content in profile["plans"].items():
        for machine, about in content["machines"].items():
            yield _offer(platform, plan, machine, (about, content, profile["facts"]), cards)


def _offer(platform: Platform, plan: str, machine: str, levels: tuple, cards: Mapping[str, Any]) -> dict[str, Any]:
    """One machine of one plan, flat: the fact of the machine counts before the plan's, the plan's before the
    platform's."""
    about, content, _ = levels

    def value(key: str, missing: Any = None) -> Any:
        for level in levels:
            if isinstance(level.get(key), Mapping):
                found = level[key].get("value")
                return None if found == facts.UNKNOWN else 0 if found == facts.UNLIMITED else found
        return missing

    card = cards[about["card"]]
    count = about.get("count", 1)
    offer = {
        "id": f"{platform.id}/{plan}/{machine}",
        "platform": platform.id,
        "plan": plan,
        "machine": machine,
        "words": f"{platform.name}, {content['name']}: {f'{count} x ' if count > 1 else ''}{card['name']}",
        "card": about["card"],
        "kind": card["kind"],
        "count": count,
        "variant": platform.has_variants,
        "state": value("state") or "open",
        "owned": value("owned", False) or False,
        "internet": value("internet"),
    }
    offer |= {name: value(key) for key, name in (_NUMBERS | _YES).items()}
    offer |= {key: value(key, 0) or 0 for key in ("usd_block", "usd_credit")}  # an unknown credit is none
    offer |= {key: card["facts"].get(key, {}).get("value") for key in _CARD}
    memory = card["facts"].get("memory_gb", {}).get("value")
    offer["memory_gb"] = offer["ram_gb"] if card["kind"] == "cpu" else value("gpu_memory_gb", memory)
    chips = card["facts"].get("chips", {}).get("value")
    if chips and offer["memory_gb"]:  # a model lies in one chip's memory, not in that of all
        offer["memory_gb"] /= chips
    offer |= {
        "on_top": value("on_top") or "",
        "lost": value("lost") or "",
        "entry": value("entry") or "",
        "terms": _terms(value(TERMS)),
    }
    return offer


def _terms(found: str | None) -> str:
    return found or "whether the terms allow cloned voices and faces was not read"


def _notebook(source: Source, guided: Iterable[Platform], known: Known) -> dict[str, Any]:
    from anylab.pairs import why_not
    from anylab.render import title_of

    front = source.front
    models = [{k: m.get(k) for k in ("id", "licence", "sell", "gated", "gb")} for m in front.get("models") or ()]
    found = known.works.get(source.name)
    return {
        "title": title_of(source),
        "needs": dict(source.needs),
        "platforms": [p.id for p in guided if p.has_variants and not why_not(source, p)],
        "models": models,
        "work": _work(found.data) if found else None,
        "claims": [_entry(claim) for claim in found.data.get("claims", ())] if found else [],
        "tips": [_entry(tip) for tip in found.data.get("tips", ())] if found else [],
    }


def _work(data: Mapping[str, Any]) -> dict[str, Any]:
    head = {key: data[key] for key in ("option", "unit", "units", "ask", "presets")}
    terms = data.get("terms", "")
    return head | {"terms": terms, "choices": [_choice(choice, terms) for choice in data["choices"]]}


def _choice(choice: Mapping[str, Any], terms: str) -> dict[str, Any]:
    def number(key: str, missing: float) -> float:
        return choice[key]["value"] if key in choice else missing

    return {
        "id": choice["id"],
        "words": choice["words"],
        "kinds": choice["kinds"],
        "asked_only": choice.get("asked_only", False),
        "lesser": choice.get("lesser", 0),
        "capability_from": choice.get("capability_from", 0),
        "capability_below": choice.get("capability_below", 0),
        "memory_gb": number("memory_gb", 0),
        "item": choice.get("item", ""),
        "item_gb": number("item_gb", 0),
        "items": choice.get("items", 1),
        "item_most": choice.get("item_most", 1),
        "spread": choice.get("spread", "unit"),
        "further_card": number("further_card", 0),
        "terms": terms,
        "facts": _facts({k: choice[k] for k in ("memory_gb", "item_gb", "further_card") if k in choice}),
        "memory": [_entry(part) for part in choice.get("memory", ())],
        "parts": [_part(part) for part in choice.get("parts", ())],
        "known": {card: {**about, "link": facts.link(str(about.get("source", "")))}
                  for card, about in choice.get("known", {}).items()},
    }  # fmt: skip


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    full = {"tflop": 0, "rate": "half", "share": 1, "gb": 0, "seconds": 0, "note": ""} | dict(part)
    return full | {"link": facts.link(str(part.get("source", "")))}
