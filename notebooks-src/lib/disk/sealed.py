"""Sealed files: a folder, or one zip, with a manifest that lists the size and SHA-256 of each file, and its own digest.

Opening trusts nothing. Absolute names, `..`, links, devices, encrypted or doubled entries, files that are missing,
altered or not listed, and archives larger than the free disk are refused; nothing is written outside the target.
"""

import hashlib
import json
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path, PureWindowsPath

FORMAT = 1
MANIFEST_LIMIT = 64 << 20  # bytes
_CHUNK = 1 << 20


class Broken(ValueError):
    """Why something sealed cannot be used; the message begins with the file at fault."""


def digest(content: object) -> str:
    """SHA-256 of plain data, as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def seal(folder: Path, name: str, about: dict) -> None:
    """Put the manifest `name` into a folder of finished files: `about`, and {file: [bytes, sha256]}. Raises OSError."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    files = {_safe(p.relative_to(folder).as_posix()): hashed(p) for p in paths}
    (folder / name).write_bytes(_manifest(about, files))


def pack(target: Path, root: Path, paths: Iterable[Path], name: str = "", about: dict | None = None) -> None:
    """Write one zip of `paths` below `root`, with a manifest as its last entry where a `name` is given.

    Stored, not packed: weights and films do not shrink. The same files give the same bytes. Raises OSError, and Broken
    for a name that cannot travel.
    """
    files = {}
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(paths):
            entry = zipfile.ZipInfo(_safe(path.relative_to(root).as_posix()))  # its date is fixed: 1980
            with archive.open(entry, "w", force_zip64=True) as sink:
                files[entry.filename] = hashed(path, sink.write)
        if name:
            archive.writestr(zipfile.ZipInfo(name), _manifest(about or {}, files))


def read(source: Path, name: str) -> dict:
    """The manifest of a sealed folder or zip, itself checked. Raises Broken."""
    try:
        if source.is_dir():
            data = (source / name).read_bytes()
        else:
            with zipfile.ZipFile(source) as archive:
                data = b"" if archive.getinfo(name).file_size > MANIFEST_LIMIT else archive.read(name)
        content = json.loads(data)
        stated, files = content.pop("digest"), content["files"]
        sound = all(type(size) is int and size >= 0 and type(sha) is str for size, sha in files.values())
    except (FileNotFoundError, KeyError):
        raise Broken(f"{name}: missing") from None
    except Exception:  # whatever a cut off or foreign file makes the readers raise
        raise Broken(f"{name if source.is_dir() else source.name}: cut off, damaged or something else") from None
    if digest(content) != stated:
        raise Broken(f"{name}: was edited")
    if content.get("format") != FORMAT or not sound:
        raise Broken(f"{name}: format {content.get('format')}, this version reads {FORMAT}")
    return content


def check(folder: Path, listed: dict) -> None:
    """Compare a sealed folder's files with its manifest. Raises Broken for the first that is not as listed."""
    for name, wanted in listed["files"].items():
        path = folder / _safe(name)
        if path.is_symlink() or not path.is_file():
            raise Broken(f"{name}: missing")
        _same(name, wanted, hashed(path))


def extract(source: Path, target: Path, name: str) -> dict:
    """Copy a sealed zip or folder into the new folder `target`, each file checked on the way; returns the manifest.

    Raises Broken or OSError; `target` is then gone again.
    """
    listed = read(source, name)
    total, free = sum(size for size, _ in listed["files"].values()), shutil.disk_usage(target.parent).free
    if total > free:
        raise Broken(f"{source.name}: holds {total / 1e9:.1f} GB, and only {free / 1e9:.1f} GB of disk are free")
    try:
        target.mkdir()
        if source.is_dir():
            check(source, listed)
            for file, wanted in listed["files"].items():
                _copy(source / file, target / file, file, wanted)
        else:
            with zipfile.ZipFile(source) as archive:
                _refuse_strange(archive.infolist(), {*listed["files"], name})
                for file, wanted in listed["files"].items():
                    with archive.open(file) as inside:
                        _copy(inside, target / _safe(file), file, wanted)
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, Broken | OSError) or not isinstance(error, Exception):
            raise
        raise Broken(f"{source.name}: damaged ({error})") from None
    return listed


def hashed(source, write: Callable = len, limit: float = float("inf")) -> list:
    """[bytes, SHA-256] of a path or open file, handed on to `write`; gives up once it is longer than `limit`."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return hashed(file, write, limit)
    sha, size = hashlib.sha256(), 0
    while size <= limit and (chunk := source.read(_CHUNK)):
        sha.update(chunk)
        size += len(chunk)
        if size <= limit:
            write(chunk)
    return [size, sha.hexdigest()]


def _manifest(about: dict, files: dict) -> bytes:
    content = {"format": FORMAT, **about, "files": files}
    return (json.dumps({**content, "digest": digest(content)}, indent=1) + "\n").encode()


def _refuse_strange(entries: list[zipfile.ZipInfo], listed: set[str]) -> None:
    for entry in entries:
        _safe(entry.filename.removesuffix("/"))
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Broken(f"{entry.filename}: a link or a device")
        if entry.flag_bits & 1:
            raise Broken(f"{entry.filename}: encrypted")
    files = [entry.filename for entry in entries if not entry.is_dir()]
    strange = sorted(set(files) ^ listed)
    if strange or len(files) != len(set(files)):
        raise Broken(f"{strange[0] if strange else 'an entry'}: not as its manifest lists it")


def _safe(name: str) -> str:
    """`name` where it is a plain relative one on every system. Raises Broken."""
    odd = any(part in ("", ".", "..") for part in name.split("/"))
    if odd or "\\" in name or "\0" in name or PureWindowsPath(name).drive:
        raise Broken(f"{name!r}: not a name that may be written to a folder")
    return name


def _copy(inside, path: Path, name: str, wanted: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as sink:
        _same(name, wanted, hashed(inside, sink.write, wanted[0]))


def _same(name: str, wanted: list, found: list) -> None:
    if found[0] != wanted[0]:
        raise Broken(f"{name}: {found[0]} bytes or more, should be {wanted[0]}")
    if found != wanted:
        raise Broken(f"{name}: was altered (SHA-256 differs)")
