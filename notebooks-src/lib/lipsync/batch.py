"""The queue: chunks of all takes on one work list, shared by all cards; then each film is joined from its chunks.

A chunk that is done is never made again, so a stop, a kill or a lost session costs the chunk in work. Each further card
gets `python -m lipsync.batch JOB`.
"""

import json
import sys
from pathlib import Path

from labkit import Stop, storage, worklist
from media import crew

from lipsync import nets, studio, takes
from lipsync.plan import Plan
from lipsync.takes import Take
from lipsync.weights import Local, commits

NAME = "chunks"


def run(todo: list[Take], plan: Plan, folders: storage.Folders, models: dict[str, Local]) -> dict[str, list[dict]]:
    """Make the chunks that are left of all takes; {take's key: its chunks' records, in order}."""
    unique = {take.key: take for take in todo}  # the same face and speech twice are two films of the same chunks
    items = [item for take in unique.values() for item in take.chunks()]
    settings = _settings(plan, models)
    listed = worklist.Worklist(folders, NAME, items, settings)
    left = len(items) - listed.states()["done"]
    helpers = []
    if left:
        if left > 1 and len(plan.devices) > 1:
            helpers = crew.start(
                "lipsync.batch", _told(todo, items, plan, folders, models), list(plan.devices[1:]), folders.work
            )
        there = None
        try:  # from here on, a stop while the models are loaded ends the other cards' processes as well
            there = opened(plan, folders, models, plan.devices[0])
            listed.run(_maker(todo, there))
            stopped = listed.states()["queued"]  # by the button or the clock: else each chunk was begun by somebody
            for helper in helpers if not stopped else ():
                helper.wait()
            if helpers and not stopped and len(items) > sum(listed.states()[end] for end in ("done", "failed")):
                # what one that died has left
                listed = worklist.Worklist(folders, NAME, items, settings)
                listed.run(_maker(todo, there))
        finally:
            crew.end(helpers)
            if there is not None:
                there.close()
    found: dict[str, list[dict]] = {}
    for _, key, item in listed.items:
        found.setdefault(item["take"], []).append(listed.record(key))
    return found


def opened(plan: Plan, folders: storage.Folders, models: dict[str, Local], device: str) -> studio.Studio:
    """The networks on a device, ready to make chunks."""
    paths = {role: one.path for role, one in models.items()}
    loaded = nets.load(paths, device, plan.dtype, folders.work / "kept")
    return studio.Studio(loaded, plan.batch, folders.work / "latents", models["vae"].commit[:8])


def parts(records: list[dict], folders: storage.Folders) -> list[Path]:
    """The films of these chunks, in order; [] unless all are done."""
    if any(record["state"] != "done" for record in records):
        return []
    return [folders.outputs / NAME / file for record in records for file in record["files"] if file.endswith(".mp4")]


def failures(records: list[dict]) -> list[str]:
    """What went wrong with chunks, each sentence once."""
    told = [str(r.get("error", "")).removeprefix("Stop: ") for r in records if r["state"] == "failed"]
    return list(dict.fromkeys(told))


def work(job: Path) -> int:
    """What a further card's process does: the same list, another device."""
    told = json.loads(job.read_text(encoding="utf-8"))
    crew.joined(told)
    folders = storage.Folders(*(Path(p) for p in told["folders"]), None, True, told["job"])
    models = {role: Local(name, commit, Path(path)) for role, (name, commit, path) in told["models"].items()}
    plan = Plan(**{**told["plan"], "devices": (told["device"],)})
    todo = [takes.of_plain(one) for one in told["takes"]]
    try:
        there = opened(plan, folders, models, told["device"])
        listed = worklist.Worklist(folders, NAME, told["items"], _settings(plan, models))
        listed.run(_maker(todo, there))
    except Stop as stop:
        print(stop)
        return 1
    return 0


def _maker(todo: list[Take], there: studio.Studio):
    by_key = {take.key: take for take in todo}

    def make(item: dict, folder: Path) -> dict:
        return there.chunk(by_key[item["take"]], item["begin"], item["end"], folder / "part.mp4")

    return make


def _settings(plan: Plan, models: dict[str, Local]) -> dict:
    """What, beside the take, decides a chunk's frames."""
    return {"models": commits(models), "draft": plan.draft}


def _told(todo: list[Take], items: list[dict], plan: Plan, folders: storage.Folders, models: dict[str, Local]) -> dict:
    return {
        "folders": [str(folders.work), str(folders.outputs)],
        "job": folders.job,
        "plan": vars(plan),
        "takes": [take.plain() for take in todo],
        "items": items,
        "models": {role: [one.id, one.commit, str(one.path)] for role, one in models.items()},
    }


if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1])))
