"""One of several processes that train a model together. Started by torchrun, from a notebook (`launch`) or by hand:

    torchrun --standalone --nproc_per_node=2 -m graphmer.worker JOB
    torchrun --nnodes=2 --node_rank=0 --nproc_per_node=2 --master_addr=HOST --master_port=29500 -m graphmer.worker JOB

Contract: JOB is a folder that `launch.prepare` has written: `start` (a run, see `state`), `train` and `valid`
(corpora), `job.json`. The first process prints one JSON object a line: {"log": ...} for a log line, {"saved": folder}
for a state that can be continued. A file `stop` in JOB ends the training after the current step, `save` asks for a
state.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import torch

from graphmer import cache, state, train


def main(job: Path) -> None:
    """Train until the settings' end or a stop, and leave the state in JOB."""
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        _train(job, train.Team(rank, size), device)
        torch.distributed.barrier()  # nobody closes a connection that another still listens to
    finally:
        torch.distributed.destroy_process_group()


def _train(job: Path, team: train.Team, device: torch.device) -> None:
    about = json.loads((job / "job.json").read_text(encoding="utf-8"))
    saved = state.read(job / "start", device)
    settings = train.Settings(**about["settings"])
    data, valid = cache.load(Path(about["train"])), cache.load(Path(about["valid"])) if about["valid"] else None
    if data is None:
        raise SystemExit(f"{about['train']}: no corpus here")
    held = train.validation_batches(valid, settings.rows, device, about["valid_rows"]) if valid is not None else ()

    def keep() -> None:
        folder = job / f"state-{saved.run.step}"
        if not folder.exists():
            partial = job / "state.tmp"
            partial.mkdir(exist_ok=True)
            state.write(partial, saved.run, saved.tokenizer, saved.chains)
            for old in job.glob("state-*"):
                shutil.rmtree(old)
            partial.rename(folder)
        tell({"saved": str(folder), "step": saved.run.step})

    def tell(record: dict) -> None:
        print(json.dumps(record), flush=True)

    def on_log(line: dict) -> None:
        if team.rank == 0:
            tell({"log": line})

    def should_stop() -> bool:
        if team.rank == 0 and (job / "save").exists():
            (job / "save").unlink()
            keep()
        return (job / "stop").exists()

    train.train(saved.run.model, data, settings, on_log, should_stop, saved.run, held, team)
    if team.rank == 0:
        keep()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    # All is on the disk. Python's own way out takes the interpreter down under the threads of torch and gloo; one that
    # wakes then aborts the process (seen once, on a busy machine), and a finished training would count as failed.
    sys.stdout.flush()
    os._exit(0)
