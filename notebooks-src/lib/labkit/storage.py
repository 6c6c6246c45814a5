"""Where do I save? `work` is fast and local, `outputs` is kept, `cache` holds models; files appear whole or not."""

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import disk

from labkit import Stop, here, secret

_HINTS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space there"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "nothing may be written there: choose another place"),
    **dict.fromkeys((errno.ENOENT, errno.ENOTCONN, errno.EIO, errno.ESTALE, errno.ENODEV), "has it been unmounted?"),
}


@dataclass(frozen=True)
class Folders:
    """A job's folders. `kept` is False where `outputs` is lost with the session; `slow` is True where it takes one
    large file well and many small ones badly; `inputs` is where results of earlier runs may have been attached."""

    work: Path
    outputs: Path
    cache: Path | None
    kept: bool
    job: str = "job"
    slow: bool = False
    inputs: tuple[Path, ...] = ()


def prepare(job: str, **settings: bool) -> Folders:
    """Make this job's folders and point the model libraries' caches at `cache`; call it before importing them.

    `settings` are the platform's own (its form fields). Raises Stop when a folder cannot be made or written to.
    """
    asked = here.folders(job, **settings)
    if asked["note"]:
        print(asked["note"])
    override = os.environ.get("ANYLAB_CACHE")
    cache = Path(override) if override else asked["cache"]
    for folder in (asked["work"], asked["outputs"], cache):
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Stop(f"the folder {folder} cannot be made ({error.strerror}); free some space or check it") from None
    write_whole(asked["outputs"] / ".writable", b"").unlink()  # better now than after hours of work
    if cache is not None:
        for variable, name in (("HF_HOME", "huggingface"), ("TORCH_HOME", "torch")):
            os.environ.setdefault(variable, str(cache / name))
    inputs = tuple(path for path in asked.get("inputs", ()) if path.is_dir())
    return Folders(asked["work"], asked["outputs"], cache, asked["kept"], job, asked.get("slow", False), inputs)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path` at the end, see disk.whole. Raises Stop; what was there then stays."""
    try:
        with disk.whole(path) as part:
            yield part
    except OSError as error:
        raise Stop(sentence(path, error)) from None


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file whole; returns its path. Raises Stop."""
    with whole(path) as part:
        part.write_bytes(data)
    return path


def write_json(path: Path, data: dict) -> Path:
    """Write JSON whole, any secret in it masked. Raises Stop."""
    return write_whole(path, (json.dumps(secret.mask(data), indent=1, ensure_ascii=False) + "\n").encode())


def sentence(path: Path, error: OSError) -> str:
    """What went wrong with saving `path`, and what to do about it."""
    hint = _HINTS.get(error.errno or 0, "check the folder")
    return f"{path.name} could not be saved in {path.parent} ({error.strerror or error}); {hint}"


def facts() -> dict:
    """What is recorded of where something was made: the platform, and the versions of what is loaded."""
    names = ("torch", "numpy", "transformers", "diffusers", "safetensors", "tokenizers")
    loaded = {n: str(sys.modules[n].__version__) for n in names if hasattr(sys.modules.get(n), "__version__")}
    return {"platform": here.NAME, "versions": {"python": sys.version.split()[0], **loaded}}


def keep(path: Path, folders: Folders) -> Path:
    """Copy a finished file, or a finished folder as one zip, to `outputs`; returns where it now is.

    When the place has gone away in the meantime, says so and leaves the local copy.
    """
    if path.is_dir():
        path = Path(shutil.make_archive(str(folders.work / path.name), "zip", root_dir=path.parent, base_dir=path.name))
    target = folders.outputs / path.name
    if target.resolve() == path.resolve():
        return path
    try:
        with whole(target) as part:
            shutil.copyfile(path, part)
        return target
    except Stop as stop:
        print(f"{stop}. It stays at {path}")
        return path
