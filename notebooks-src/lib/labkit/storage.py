"""Where do I save? `work` is fast and local, `outputs` is kept, `cache` holds models; files appear whole or not."""

import json
import os
import shutil
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import disk
from disk import sealed

from labkit import Stop, here, secret


class Folders(namedtuple("Folders", "work outputs cache kept job slow inputs", defaults=("job", False, ()))):
    """A job's folders. `kept` is False where `outputs` is lost with the session; `slow` is True where it takes one
    large file well and many small ones badly; `inputs` is where results of earlier runs may have been attached."""


def prepare(job: str, **settings: bool) -> Folders:
    """Make this job's folders and point the model libraries' caches at `cache`; call it before importing them. The
    `settings` are the platform's own (its form fields). Raises Stop when a folder cannot be made or written to."""
    asked = here.folders(job, **settings)
    if asked["note"]:
        print(asked["note"])
    cache = Path(os.environ["ANYLAB_CACHE"]) if os.environ.get("ANYLAB_CACHE") else asked["cache"]
    for folder in filter(None, (asked["work"], asked["outputs"], cache)):
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with disk.whole(folder / ".writable") as probe:  # better now than after hours of work
                probe.write_bytes(bytes(4096))
            (folder / ".writable").unlink()
    if cache is not None:
        for variable, name in (("HF_HOME", "huggingface"), ("TORCH_HOME", "torch")):
            os.environ.setdefault(variable, str(cache / name))
    inputs = tuple(path for path in asked.get("inputs", ()) if path.is_dir())
    return Folders(asked["work"], asked["outputs"], cache, asked["kept"], job, asked.get("slow", False), inputs)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What goes wrong with writing `path` in the block, as a Stop that says what to do."""
    try:
        yield
    except (OSError, sealed.Broken) as error:
        raise Stop(disk.sentence(path, error)) from None


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path` at the end, see disk.whole. Raises Stop; what was there then stays."""
    with told(path), disk.whole(Path(path)) as part:
        yield part


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file whole; returns its path. Raises Stop."""
    with whole(path) as part:
        part.write_bytes(data)
    return path


def write_json(path: Path, data: dict) -> Path:
    """Write JSON whole, any secret in it masked. Raises Stop."""
    text = json.dumps(secret.mask(data), indent=1, ensure_ascii=False) + "\n"
    return write_whole(path, text.encode(errors="backslashreplace"))  # a lone surrogate becomes JSON's escape of it


def facts() -> dict:
    """What is recorded of where something was made: the platform, and the versions of what is loaded."""
    names = ("torch", "numpy", "transformers", "diffusers", "safetensors", "tokenizers")
    loaded = {n: str(sys.modules[n].__version__) for n in names if hasattr(sys.modules.get(n), "__version__")}
    return {"platform": here.NAME, "versions": {"python": sys.version.split()[0], **loaded}}


def keep(path: Path, folders: Folders, place: str = "") -> Path:
    """Copy a finished file, or a folder as one zip, to `outputs`; where it is now: here, when that has gone away."""
    target = folders.outputs / place / (f"{path.name}.zip" if path.is_dir() else path.name)
    try:
        with whole(target) as part:
            if path.is_dir():
                sealed.pack(part, path, [inside for inside in path.rglob("*") if inside.is_file()])
            else:
                shutil.copyfile(path, part)
        return target
    except Stop as stop:
        print(f"{stop}. It stays at {path}" if path.exists() else f"{path} is not kept: there is no such file")
        return path
