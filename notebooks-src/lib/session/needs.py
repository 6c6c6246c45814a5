"""Is this enough? The declared needs beside what is there, in one table, and for each lack the clicks that mend it."""

from labkit import Stop, here, machine

_KERNELS = "torch for this GPU"  # without kernels for the card nothing runs, a quick test neither


def check(needs: dict, folders, quick_test: bool = False) -> None:
    """Print need, found and verdict for each; raise Stop when something required is missing.

    `needs` is the notebook's own declaration: gpu ("none", "optional", "required"), gpu_memory_gb, compute_capability,
    disk_gb, ram_gb (GB of 1e9 bytes), internet ("none", "weights", "required"). A quick test needs none of them.
    """
    rows, stops = [], []
    cards = machine.gpus()
    for what, need, found, problem, required in _lacks(needs, folders, cards, quick_test):
        must_stop = bool(problem) and required and (not quick_test or what == _KERNELS)
        verdict = ("missing" if must_stop else "goes on without") if problem else "ok"
        rows.append((what, need, found, verdict))
        if problem:
            stops += [problem] if must_stop else []
            if not must_stop and not quick_test:
                print(f"{what}: {problem}")
    _table(rows)
    if stops:
        raise Stop("; ".join(stops))


def _lacks(needs: dict, folders, cards: list, quick_test: bool):
    """(what, need, found, problem or '', required) of each need."""
    wants = needs.get("gpu", "optional")
    if wants != "none":
        found = ", ".join(f"{c.name} {c.memory_gb:.1f} GB" for c in cards) or "none (CPU)"
        problem = "" if cards else f"no GPU in this session, so it will be slow. To get one: {here.GPU_CLICKS}"
        asked = f"{needs.get('gpu_memory_gb', 0):g} GB" if needs.get("gpu_memory_gb") else "any"
        yield "GPU", f"{asked} ({wants})", found, problem, wants == "required"
    if cards:
        card = max(cards, key=lambda c: c.memory_gb)
        need = needs.get("gpu_memory_gb", 0)
        if card.memory_gb < need:
            yield (
                "GPU memory",
                f"{need:g} GB",
                f"{card.memory_gb:.1f} GB",
                "the card is small for this notebook: choose a smaller size in the settings",
                wants == "required",
            )
        if not machine.torch_sees_gpu():
            problem = f"the installed torch cannot use the {card.name}, so it will be slow: {here.GPU_CLICKS}"
            yield "GPU for torch", "yes", "no", problem, wants == "required"
        elif not machine.kernels_fit(card.capability):
            name = f"{card.name} (capability {card.capability[0]}.{card.capability[1]})"
            problem = f"the installed torch has no kernels for the {name}; choose another GPU: {here.GPU_CLICKS}"
            yield _KERNELS, "yes", "no", problem, True
    ram, need = machine.ram_gb(), needs.get("ram_gb", 0)
    if need and ram is not None:
        yield "memory", f"{need:g} GB", f"{ram:.1f} GB", "" if ram >= need else "not enough memory", True
    free, need = machine.disk_free_gb(folders.work), needs.get("disk_gb", 0)
    if need:
        problem = "" if free >= need else f"free {need - free:.1f} GB of disk at {folders.work}"
        yield "disk", f"{need:g} GB", f"{free:.1f} GB free", problem, True
    if needs.get("internet", "none") != "none" and not quick_test:
        on = machine.online()
        problem = "" if on else f"no internet. To switch it on: {here.INTERNET_CLICKS}"
        yield "internet", "on", "on" if on else "off", problem, True
    yield "Python", "3.11 or newer", machine.python_version(), "", False


def _table(rows: list) -> None:
    titles = ("", "need", "found", "verdict")
    widths = [max(len(str(row[i])) for row in [titles, *rows]) for i in range(3)]
    for row in (titles, *rows):
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip())
