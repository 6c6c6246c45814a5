"""A list of clips over one card or several: labkit's work list, one process a card, all of them sharing the list.

The words of the whole list are encoded first, once; then the encoder is freed (and deleted, where the disk is small)
before a transformer is loaded. The first card is this process's; each further one gets `python -m videogen.batch JOB`.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import compress
from pathlib import Path

import disk
from labkit import Stop, storage, worklist
from media import crew

from videogen import edit, encode, picture, plan, registry, request, studio, weights
from videogen.plan import Plan
from videogen.weights import Local

NAME, MODELS = "clips", "models.json"


def encode_all(
    clips: list[dict], made: Plan, folders: storage.Folders, models: dict[str, Local], machine: plan.Machine
) -> tuple[dict[str, Local], int]:
    """Download what is missing and encode every text once; (the models by role, how many texts were encoded).

    With all texts encoded already, the encoder is not downloaded. `models` are given folders (the quick test's), {} to
    fetch. Where the disk cannot hold both, the encoder is deleted before the transformer comes."""
    spec, outputs = made.spec, folders.outputs / studio.EMBEDDINGS
    outputs.mkdir(parents=True, exist_ok=True)
    texts, found, noted = request.texts(clips, made), dict(models), _noted(folders)
    apart = not models and plan.disk(made, machine.room(made.model))[1]
    text = found.get("text") or _known_encoder(noted, outputs, spec, texts)
    if text is None:
        if apart:  # of an earlier day: it comes back once the words are encoded
            _make_room(spec, folders, ("weights", "extra"), "the text encoder")
        print(f"{spec.title} takes its text encoder from {spec.text.id}:")  # whose name says nothing of that
        text = _fetched(spec.text, folders, noted)
    count = encode.encode(texts, text.path, outputs, f"{text.id}@{text.commit}", made.encoder, spec.family)
    if apart:  # also when an earlier run was killed between the last word and this line
        _make_room(spec, folders, ("text",), "the transformer")
    found["text"] = text
    for role, source in weights.repositories(spec).items():
        if role not in found:
            found[role] = _fetched(source, folders, noted)
    storage.write_json(folders.outputs / MODELS, noted | {m.id: m.commit for m in found.values()})
    return found, count


def _fetched(source: registry.Source, folders: storage.Folders, noted: dict[str, str]) -> Local:
    """A repository, its commit noted as soon as it is here: a kill later on does not make the next run take another."""
    found = weights.fetch(source, folders, noted.get(source.id, ""))
    noted[found.id] = found.commit
    storage.write_json(folders.outputs / MODELS, noted)
    return found


def _make_room(spec: registry.Model, folders: storage.Folders, roles: tuple[str, ...], coming: str) -> None:
    """Delete what these roles have on this disk, where both do not fit, and say so."""
    sources = weights.repositories(spec)
    for role in roles:
        freed = weights.forget(sources[role], folders) if role in sources else 0
        if freed:
            what = "the text encoder" if role == "text" else "the transformer"
            print(f"{what} is deleted again ({freed:.1f} GB), so that {coming} has room on this disk")


@contextmanager
def alone(folders: storage.Folders) -> Iterator[None]:
    """The block has this job's folder to itself: a second notebook on it would write the same files, and need the same
    card. Raises Stop."""
    with ExitStack() as stack:
        with storage.told(folders.work):
            mine = stack.enter_context(disk.held(folders.work / f".making-{folders.outputs.name}"))
        if not mine:
            raise Stop(
                f"another run is making clips in {folders.outputs}: wait for its end or stop it, then run this again"
            )
        yield


def run(
    clips: list[dict],
    made: Plan,
    folders: storage.Folders,
    models: dict[str, Local],
    devices: list[str],
    live=None,
    name: str = NAME,
    cancel=None,
    tell=None,
    margin: float = 5.0,
) -> list[dict]:
    """Make what is left of the list; the clips' records in order. Several devices share it, each in a process. None is
    begun in the session's last `margin` minutes."""
    here = studio.Studio(made, models, folders.outputs, devices[0], cancel, tell)
    here.live = live
    todo = worklist.Worklist(folders, name, clips, here.settings)
    helpers = _start(clips, made, folders, models, devices[1:], name) if len(clips) > 1 else []
    try:
        todo.run(here.make, margin)
        stopped = todo.states()["queued"]  # by the button or the clock: else each clip was begun by somebody
        for helper in helpers if not stopped else ():
            if helper.poll() is None:
                print("another card still works on its clip; the list waits for it", flush=True)
            helper.wait()
        if helpers and not stopped and len(clips) > sum(todo.states()[end] for end in ("done", "failed")):
            todo = worklist.Worklist(folders, name, clips, here.settings)  # what a helper that died has left
            todo.run(here.make)
    finally:
        crew.end(helpers)
        here.close()
    records = [todo.record(key) for _, key, _ in todo.items]
    done = {key for (_, key, _), r in zip(todo.items, records, strict=True) if r["state"] == "done"}
    here.sweep(done)
    return records


def chained(
    clips: list[dict],
    made: Plan,
    folders: storage.Folders,
    models: dict[str, Local],
    devices: list[str],
    parts: int,
    live=None,
) -> tuple[list[dict], list[Path], list[list[float]]]:
    """Long clips: each further part begins with the last frame of the part before. (The first parts' records, the long
    films, how much each seam shows.) Every part is a list of its own, so a disconnect costs one part of one clip."""
    if parts > 1 and not made.spec.images:
        raise Stop(f"{made.spec.title} cannot begin with an image, so it makes no long clips; choose wan-5b")
    first = records = run(clips, made, folders, models, devices, live)
    whole = [[folder] for folder in paths(folders, first)]
    clips = [clip for clip, record in zip(clips, first, strict=True) if record["state"] == "done"]
    for part in range(2, parts + 1 if whole else 0):
        if any(record["state"] in ("queued", "running") for record in records):  # by the button or the clock
            print(f"Stopped before part {part} of {parts}; a long clip is joined once it has all its parts.")
            break
        # a list of its own does not know how long the parts before took
        margin = 5.0 + max(record.get("seconds", 0.0) for record in records) / 60
        further = [
            {**clip, "image": picture.keep(edit.last_frame(done[-1]), folders.outputs), "part": part}
            for clip, done in zip(clips, whole, strict=True)
        ]
        name = f"{NAME}-part-{part}"
        print(f"Part {part} of {parts}:")
        records = run(further, made, folders, models, devices, live, name, margin=margin)
        going = [record["state"] == "done" for record in records]
        for done, path in zip(compress(whole, going), paths(folders, records, name=name), strict=True):
            done.append(path)
        whole, clips = list(compress(whole, going)), list(compress(clips, going))  # a clip that failed ends alone
    long, seams = [], []
    (folders.outputs / "long").mkdir(exist_ok=True)
    for done in whole if parts > 1 else ():
        if len(done) < parts:
            continue
        path, found = edit.chain(done, folders.outputs / "long" / done[0].name)
        long.append(path)
        seams.append(found)
    return first, long, seams


def finished(folders: storage.Folders, records: list[dict], name: str = NAME) -> list[tuple[Path, dict]]:
    """(film, what was noted of it) of every clip that is done, in order."""
    done = [record["made"] for record in records if record["state"] == "done"]
    return list(zip(paths(folders, records, name=name), done, strict=True))


def paths(folders: storage.Folders, records: list[dict], what: str = "clip.mp4", name: str = NAME) -> list[Path]:
    """The finished files of these records, in order; `what` is a file's own name within its clip."""
    return [
        folders.outputs / name / file
        for record in records
        if record["state"] == "done"
        for file in record["files"]
        if file.endswith(what)
    ]


def work(job: Path) -> int:
    """What a further card's process does: the same list, another device."""
    told = json.loads(job.read_text(encoding="utf-8"))
    folders = storage.Folders(*(Path(p) for p in told["folders"]), None, True, told["job"])
    models = {role: Local(name, commit, Path(path)) for role, (name, commit, path) in told["models"].items()}
    crew.joined(told)
    there = studio.Studio(Plan(**told["plan"]), models, folders.outputs, told["device"])
    try:
        worklist.Worklist(folders, told["name"], told["clips"], there.settings).run(there.make)
    except Stop as stop:
        print(stop)
        return 1
    return 0


def _start(clips, made: Plan, folders, models, devices: list[str], name: str) -> list[subprocess.Popen]:
    """One process a further device, each at the same list."""
    told = {
        "folders": [str(folders.work), str(folders.outputs)],
        "job": folders.job,
        "name": name,
        "clips": clips,
        "plan": made.settings(),
        "models": {role: [m.id, m.commit, str(m.path)] for role, m in models.items()},
    }
    return crew.start("videogen.batch", told, devices, folders.work)


def _noted(folders: storage.Folders) -> dict[str, str]:
    """The commits that an earlier session of this job used: going on with others would make other clips."""
    with suppress(OSError, ValueError, AttributeError):
        told = json.loads((folders.outputs / MODELS).read_text(encoding="utf-8"))
        return {str(name): str(commit) for name, commit in told.items()}
    return {}


def _known_encoder(noted: dict[str, str], folder: Path, spec: registry.Model, texts: list[str]) -> Local | None:
    """The encoder of an earlier session, when it left every text's embedding: then it need not come again."""
    found = Local(spec.text.id, noted.get(spec.text.id, ""), Path("not-downloaded"))
    whole = found.commit and not encode.missing(texts, folder, f"{found.id}@{found.commit}")
    return found if whole else None


if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1])))
