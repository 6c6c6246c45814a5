"""What is here, and is it enough? One table of the session, the declared needs beside it; for each lack the clicks."""

from labkit import Stop, clock, here

from session import machine

_WORDS = {(True, True): "missing", (True, False): "goes on without"}


def check(needs: dict, folders, quick_test: bool = False) -> None:
    """Print what is here, what is needed and a verdict; raise Stop when something required is missing.

    `needs` is the notebook's own declaration: gpu ("none", "optional", "required"), gpu_memory_gb, compute_capability,
    disk_gb, ram_gb (GB of 1e9 bytes), internet ("none", "weights", "required"), minutes (of the default run, by
    accelerator: {"T4 (estimate)": 40}), models ({hub id: GB}). A quick test needs none of them. Nothing is imported
    that an install could still move: what torch says to the card is `check_torch`'s, after the install.
    """
    rows, stops = [("", "need", "found", "verdict")], []
    for what, found, need, problem, required in _rows(needs, folders, machine.gpus()):
        must_stop = bool(problem) and required and not quick_test
        rows.append((what, need, found, _WORDS.get((bool(problem), must_stop), "ok" if need else "")))
        if must_stop:
            stops.append(problem)
        elif problem and not quick_test:
            print(f"{what}: {problem}")
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip())
    if stops:
        raise Stop("; ".join(stops))


def way(choice: str, *ways: str) -> None:
    """Raise Stop, before any work, for a way to take the job along (PACK) that the last cell does not have."""
    if choice not in ("no", "file", *ways):
        raise Stop(f"PACK is one of no, file, {', '.join(ways)}, not {choice!r}")


def check_torch(needs: dict, quick_test: bool = False) -> None:
    """Say when the installed torch cannot use the card that is here; raise Stop when nothing would run on it."""
    cards, wants = machine.gpus(), needs.get("gpu", "optional")
    if not cards or wants == "none":
        return
    card = max(cards, key=lambda c: c.memory_gb)
    if not machine.torch_sees_gpu():
        problem = f"the installed torch cannot use the {card.name}: {here.GPU_CLICKS}"
        if wants == "required" and not quick_test:
            raise Stop(problem)
        print(f"{problem}. It goes on without the card, slowly.")
    elif not machine.kernels_fit(card.capability):  # it would be "available", and fail at the first kernel
        name = f"{card.name} (capability {_dotted(card)})"
        raise Stop(f"the installed torch has no kernels for the {name}; choose another GPU: {here.GPU_CLICKS}")


def _rows(needs: dict, folders, cards: list):
    """(what, found, needed or '', problem or '', required) of everything in the table."""
    yield "where", f"{here.NAME}, {'batch' if here.is_batch() else 'interactive'}", "", "", False
    yield from _gpu_rows(needs, cards)
    best = max((card.capability for card in cards), default=None)
    yield "compute type", machine.dtype_name(best), "", "", False
    ram, need = machine.ram_gb(), needs.get("ram_gb", 0)
    lacks = need and ram is not None and ram < need
    problem = f"{ram:.1f} GB of memory are here, {need:g} GB are needed: {here.LARGER_CLICKS}" if lacks else ""
    yield "memory", "unknown" if ram is None else f"{ram:.1f} GB", _gb(need), problem, True
    wants, need = needs.get("internet", "none"), needs.get("disk_gb", 0)
    place = machine.model_cache(folders) if wants == "weights" else folders.work  # where most of it will lie
    free, there = machine.disk_free_gb(place), machine.fetched_gb(folders, needs.get("models", {})) if need else 0.0
    lack = need - there - free  # what an earlier run has fetched is not fetched again
    problem = f"{lack:.1f} GB more of free disk are needed at {place}: {here.LARGER_CLICKS}" if lack > 0 else ""
    has = f", {there:.1f} GB of models here" if there >= 0.1 else ""
    yield "disk", f"{free:.1f} GB free{has}", _gb(need), problem, True
    on = wants != "none" and machine.online()  # where none is needed, nothing is contacted
    problem = f"no internet. To switch it on: {here.INTERNET_CLICKS}" if wants != "none" and not on else ""
    yield "internet", "on" if on else "off" if problem else "not asked", wants if problem or on else "", problem, True
    yield _session_row(needs.get("minutes", {}), cards)
    yield "Python", machine.python_version(), "3.11 or newer", "", False


def _session_row(minutes: dict, cards: list):
    """How long the default run takes on what is here, where that is known, beside what is left of the session."""
    names = [card.name for card in cards] or ["CPU"]
    known = [(kind, n) for kind, n in minutes.items() if any(kind.partition(" (")[0] in name for name in names)]
    left, need, problem = clock.time_left(), "", ""
    if known:
        kind, count = known[0]
        need = f"about {count:g} min on {kind}"
        if left is not None and left < count * 60:
            problem = "the default run is longer than that: it stops in time and saves, and Run all goes on next time"
    return "session", "no limit known" if left is None else f"{clock.span(left)} left", need, problem, False


def _gpu_rows(needs: dict, cards: list):
    wants, need = needs.get("gpu", "optional"), needs.get("gpu_memory_gb", 0)
    required = wants == "required"
    slow = "" if required else ", so it will be slow"
    problem = f"no GPU in this session{slow}. To get one: {here.GPU_CLICKS}" if not cards else ""
    asked = "" if wants == "none" else f"{_gb(need) or 'any'} ({wants})"
    if not cards:
        yield "GPU", "none (CPU)", asked, problem if asked else "", required
        return
    card = max(cards, key=lambda c: c.memory_gb)
    for one in cards:
        small = one is card and one.memory_gb < need
        lack = f"the {one.name} has {one.memory_gb:.1f} GB, {need:g} GB are needed: {here.LARGER_CLICKS}"
        found = f"{one.name}, {one.memory_gb:.1f} GB, capability {_dotted(one)}"
        yield "GPU", found, asked if one is card else "", lack if small else "", required
    least = needs.get("compute_capability", 0)
    if least and card.capability < (int(least), round(least % 1 * 10)):
        problem = f"this notebook needs compute capability {least:g}, the {card.name} has {_dotted(card)}"
        yield "capability", _dotted(card), f"{least:g}", f"{problem}: {here.LARGER_CLICKS}", required


def _dotted(card) -> str:
    return f"{card.capability[0]}.{card.capability[1]}"


def _gb(size: float) -> str:
    return f"{size:g} GB" if size else ""
