"""Sealed files: a folder, or one zip, with a manifest that lists the size and SHA-256 of each file, and its own digest.

Opening trusts nothing. Absolute names, `..`, links, devices, encrypted or doubled entries, files that are missing or
altered, and zips with more than is listed are refused; nothing is written outside the target. hashlib and zipfile are
imported where they are used: they take milliseconds.
"""

import errno
import json
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path, PureWindowsPath

from disk import FULL, move, room

FORMAT = 1
MANIFEST_LIMIT = 64 << 20  # bytes
_CHUNK = 1 << 20
_MACHINE = {*FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}  # what no archive can be blamed for


class Broken(ValueError):
    """Why something sealed cannot be used; the message begins with the file at fault."""


def plain(content: object, what: str):
    """Plain data as JSON gives it back: text, numbers, lists, dicts. Raises TypeError that begins with `what`."""
    try:
        return json.loads(json.dumps(content, default=lambda scalar: scalar.item()))  # of numpy or torch
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise TypeError(f"{what}: only text, numbers, lists and dicts can be recorded ({error})") from None


def digest(content: object) -> str:
    """SHA-256 of plain data, as JSON with sorted keys."""
    import hashlib

    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def seal(folder: Path, name: str, about: dict) -> None:
    """Put the manifest `name` into a folder of finished files: `about`, and {file: [bytes, sha256]}.

    Raises OSError, and Broken for what could not be opened again: a link, a device, a file with the manifest's name.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        file = _safe(path.relative_to(folder).as_posix())
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Broken(f"{file}: a link or a device")
        if file == name:
            raise Broken(f"{file}: this name is taken by the manifest")
        if path.is_file():
            files[file] = hashed(path)
    (folder / name).write_bytes(_manifest(about, files))


def pack(target: Path, root: Path, paths: Iterable[Path], name: str = "", about: dict | None = None) -> None:
    """Write one zip of `paths` below `root`, with a manifest as its last entry where a `name` is given.

    Stored, not packed: weights and films do not shrink. The same files give the same bytes. Raises OSError, and Broken
    for a name that cannot travel.
    """
    import zipfile

    files = {}
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(paths):
            entry = zipfile.ZipInfo(_safe(path.relative_to(root).as_posix()))  # its date is fixed: 1980
            if entry.filename == name:
                raise Broken(f"{name}: this name is taken by the manifest")
            with archive.open(entry, "w", force_zip64=True) as sink:
                files[entry.filename] = hashed(path, sink.write)
        if name:
            archive.writestr(zipfile.ZipInfo(name), _manifest(about or {}, files))


def read(source: Path, name: str) -> dict:
    """The manifest of a sealed folder or zip, itself checked. Raises Broken."""
    try:
        content = json.loads(_bytes(source, name))
        stated, version = content.pop("digest", None), content.get("format")
        if type(version) is int and version > FORMAT:
            raise Broken(f"{name}: format {version}, this version reads {FORMAT}: open it with a newer one")
        if digest(content) != stated:
            raise Broken(f"{name}: was edited")
        for file, (size, sha) in content["files"].items():
            if type(size) is not int or size < 0 or type(sha) is not str or _safe(file) == name:
                raise Broken(f"{name}: no list of files of format {FORMAT}")
        return content
    except Broken:
        raise
    except Exception:  # whatever a cut off or foreign file makes the readers raise
        raise Broken(f"{name if source.is_dir() else source.name}: cut off, damaged or something else") from None


def check(folder: Path, listed: dict) -> None:
    """Compare a sealed folder's files with its manifest. Raises Broken for the first that is not as listed."""
    for name, wanted in listed["files"].items():
        _same(name, wanted, hashed(_regular(folder, name, wanted)))


def extract(source: Path, target: Path, name: str) -> dict:
    """Copy a sealed zip or folder into the new folder `target`, each file checked on the way; returns the manifest.

    Raises Broken, and OSError where the machine is at fault; `target` is then gone again.
    """
    import zipfile

    listed = read(source, name)
    total = sum(size for size, _ in listed["files"].values())
    target.mkdir()
    try:
        if source.is_dir():
            paths = {file: _regular(source, file, wanted) for file, wanted in listed["files"].items()}
            room(total, target)  # now that the sizes are known to be true
            for file, path in paths.items():
                _copy(path, target / file, file, listed["files"][file])
        else:
            with zipfile.ZipFile(source) as archive:
                _refuse_strange(archive.infolist(), listed["files"], name)
                room(total, target)
                for file, wanted in listed["files"].items():
                    with archive.open(file) as inside:
                        _copy(inside, target / file, file, wanted)
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)
        machine = isinstance(error, OSError) and error.errno in _MACHINE
        if machine or isinstance(error, Broken) or not isinstance(error, Exception):
            raise
        raise Broken(f"{source.name}: damaged ({error})") from None
    return listed


def place(source: Path, target: Path) -> bool:
    """Move a file to its place, whole; what is there stays as `<name>.before`. False when the same is there already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_file() and not target.is_symlink() and hashed(source) == hashed(target):
        return False
    if target.exists() or target.is_symlink():
        before = target.with_name(f"{target.name}.before")
        while before.exists() or before.is_symlink():
            before = before.with_name(f"{before.name}.before")  # an earlier one stays, too
        target.rename(before)
        try:
            move(source, target)
        except BaseException:
            before.rename(target)
            raise
    else:
        move(source, target)
    return True


def settle(staged: Path, target: Path, names: Iterable[str], numbered: str) -> int:
    """Move files `names` of the folder `staged` into the folder `target`; how many are new.

    Files one by one, see `place`. A folder or zip `<numbered>/<group>/<serial>-<words>` goes in by one rename, and
    where its group holds others, with a serial above theirs: what arrives is the newest.
    """
    units, moved = {}, 0
    for name in names:
        parts = name.split("/")
        whole = parts[0] == numbered and len(parts) > 2
        units.setdefault("/".join(parts[:3]) if whole else name, []).append(name)
    top = {}
    for unit, files in sorted(units.items()):
        serial, dash, words = unit.rpartition("/")[2].partition("-")
        if not (unit.startswith(f"{numbered}/") and unit.count("/") == 2 and serial.isdecimal() and dash):
            moved += sum(place(staged / file, target / file) for file in files)
            continue
        if all((target / file).is_file() and hashed(staged / file) == hashed(target / file) for file in files):
            continue
        group = (target / unit).parent
        group.mkdir(parents=True, exist_ok=True)
        known = [path.name.partition("-")[0] for path in group.glob("[0-9]*-*")]
        top.setdefault(group, max((int(n) for n in known if n.isdecimal()), default=0))
        above = top[group] if int(serial) <= top[group] else 0
        move(staged / unit, group / f"{int(serial) + above:06}-{words}")
        moved += len(files)
    return moved


def deliver(staged: Path, target: Path, stem: str, named: Callable[[str], str] = str) -> dict[str, list]:
    """Move all files of a folder into another, as `<stem>-<name>`, folders as part of the name; a listing of them."""
    files = {}
    for path in sorted(path for path in staged.rglob("*") if path.is_symlink() or not path.is_dir()):
        name = named(f"{stem}-{'-'.join(path.relative_to(staged).parts)}")
        if path.is_symlink() or not path.is_file() or name in files:
            raise ValueError(f"{name} is a link, a device, or the name of two files")
        files[name] = hashed(path)
        move(path, target / name)
    return files


def hashed(source, write: Callable = len, limit: float = float("inf")) -> list:
    """[bytes, SHA-256] of a path or open file, handed on to `write`; gives up once it is longer than `limit`."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return hashed(file, write, limit)
    import hashlib

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


def _bytes(source: Path, name: str) -> bytes:
    """A manifest's bytes, never more than the limit, whatever the archive says of them."""
    import zipfile

    try:
        if source.is_dir():
            if (source / name).is_symlink() or not (source / name).is_file():
                raise Broken(f"{name}: {'a link' if (source / name).is_symlink() else 'missing'}")
            with (source / name).open("rb") as file:
                data = file.read(MANIFEST_LIMIT + 1)
        else:
            with zipfile.ZipFile(source) as archive, archive.open(name) as file:
                data = file.read(MANIFEST_LIMIT + 1)
    except FileNotFoundError:
        raise Broken(f"{source.name}: missing") from None
    except KeyError:
        raise Broken(f"{name}: missing") from None
    if len(data) > MANIFEST_LIMIT:
        raise Broken(f"{name}: larger than {MANIFEST_LIMIT >> 20} MB")
    return data


def _refuse_strange(entries: list, listed: dict[str, list], name: str) -> None:
    """Raise Broken for a zip's entry that may not be there, is twice there, or is not as the manifest lists it."""
    for entry in entries:
        _safe(entry.filename.removesuffix("/"))
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Broken(f"{entry.filename}: a link or a device")
        if entry.flag_bits & 1:
            raise Broken(f"{entry.filename}: encrypted")
        if entry.compress_type not in (0, 8):  # stored, deflated: what needs little memory to open
            raise Broken(f"{entry.filename}: packed in a way that is not read here")
    files = [entry for entry in entries if not entry.is_dir()]
    names = {entry.filename for entry in files}
    strange = sorted(names ^ {*listed, name})
    if strange or len(files) != len(names):
        raise Broken(f"{strange[0] if strange else 'an entry'}: not as its manifest lists it")
    for entry in files:
        if entry.filename != name and entry.file_size != listed[entry.filename][0]:
            raise Broken(f"{entry.filename}: {entry.file_size} bytes, should be {listed[entry.filename][0]}")


def _safe(name: str) -> str:
    """`name` where it is a plain relative one on every system. Raises Broken."""
    odd = any(part in ("", ".", "..") for part in name.split("/"))
    text = name.encode("utf-8", "replace").decode() == name and not set(name) & {
        chr(c) for c in range(32)
    }  # UTF-8, and nothing that steers
    if odd or not text or "\\" in name or PureWindowsPath(name).drive:
        raise Broken(f"{name!r}: not a name that may be written to a folder")
    return name


def _regular(folder: Path, name: str, wanted: list) -> Path:
    """The path of a listed file, which is a file of the listed size. Raises Broken."""
    path = folder / _safe(name)
    linked = any(folder.joinpath(*Path(name).parts[:n]).is_symlink() for n in range(1, len(Path(name).parts) + 1))
    if linked or not path.is_file():
        raise Broken(f"{name}: {'a link' if linked else 'missing'}")
    if path.stat().st_size != wanted[0]:
        raise Broken(f"{name}: {path.stat().st_size} bytes, should be {wanted[0]}")
    return path


def _copy(inside, path: Path, name: str, wanted: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as sink:
        _same(name, wanted, hashed(inside, sink.write, wanted[0]))


def _same(name: str, wanted: list, found: list) -> None:
    if found != wanted:
        raise Broken(f"{name}: was altered ({'SHA-256' if found[0] == wanted[0] else 'its size'} differs)")
