"""Files that can be relied on: on the disk and not only written (sync), one process at a time (lock), and known to be
what was saved (disk.sealed). Standard library only; errors are OSError, which
`sentence` puts into words."""

import errno
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
_HINTS = {
    **dict.fromkeys(FULL, "free some space there"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "nothing may be written there: choose another place"),
    **dict.fromkeys(
        (errno.ENOENT, errno.ENOTCONN, errno.EIO, errno.ESTALE, errno.ENODEV), "it may have been unmounted"
    ),
    errno.ENAMETOOLONG: "choose a shorter name",
}
_mine: dict[tuple, list[int]] = {}  # (process, path) -> [handle, users]; closing any handle would let go of the lock


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to. At the end it is synced and renamed, so that a reader, or a kill at any
    instant, sees the old file or the new one, never a part; on an error the old one stays. Raises OSError."""
    name = os.fsencode(path.name)  # 255 bytes at most on most systems, for the part as well
    short = path.name if len(name) < 250 else f"{zlib.crc32(name):08x}{path.suffix[-20:]}"
    part = path.with_name(f".part-{short}")
    try:
        yield part
        sync(part)
        os.replace(part, path)
        sync(path.parent)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Move a finished file, or a folder to where none is, also to another file system, whole. Raises OSError."""
    for path in (*source.rglob("*"), source) if source.is_dir() else (source,):
        sync(path)
    try:
        os.replace(source, target)
    except OSError:  # another file system
        if source.is_dir():
            part = target.with_name(f".part-{target.name}")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(source, part)
            move(part, target)
            shutil.rmtree(source)
            return
        with whole(target) as part:
            shutil.copyfile(source, part)
        source.unlink()
    else:
        sync(target.parent)


def sync(path: Path) -> None:
    """Have the system put a file, or the names in a folder, on the disk now. Raises OSError."""
    folder = path.is_dir()
    if folder and os.name == "nt":
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # the file may be a read-only one
    try:
        os.fsync(handle)
    except OSError as error:
        if not folder or error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise  # some network drives cannot sync a folder; a file must be synced
    finally:
        os.close(handle)


def lock(path: Path) -> int | None:
    """Hold `path` for this process until the handle is given to `release` or the process ends, however it ends; None
    when another process has it. Asked for twice, it must be released twice. Raises OSError."""
    key = (os.getpid(), os.path.realpath(path))
    if key in _mine and path.exists():
        _mine[key][1] += 1
        return _mine[key][0]
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the process's own: no forked worker inherits it
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            os.close(handle)
            return None  # any other error: a file system without locks
    _mine[key] = [handle, 1]
    return handle


def release(handle: int) -> None:
    """Let go of a lock, once it is released as often as it was asked for."""
    for key, held_by in list(_mine.items()):
        if held_by[0] == handle:
            held_by[1] -= 1
            if held_by[1] == 0:
                del _mine[key]
                os.close(handle)


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Whether this block alone holds the lock `path`; False when another process or thread does. Raises OSError."""
    taken = (os.getpid(), os.path.realpath(path)) in _mine
    handle = None if taken else lock(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            release(handle)


def room(size: int, folder: Path) -> None:
    """Raise OSError when `size` bytes are more than fits on the folder's disk."""
    free = shutil.disk_usage(folder).free
    if size > free:
        words = f"{size / 1e9:.1f} GB are wanted and {free / 1e9:.1f} GB of disk are free"
        raise OSError(errno.ENOSPC, words, str(folder))


def full(error: BaseException, folder: Path) -> bool:
    """Whether an error is about a full disk, also where a library's own error hides that."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    with suppress(OSError):
        return "No space left" in str(error) or shutil.disk_usage(folder).free < 1 << 20
    return False


def sentence(path: Path, error: Exception) -> str:
    """What went wrong with writing `path`, and what to do about it."""
    number = getattr(error, "errno", None) or (errno.ENOSPC if full(error, path.parent) else 0)
    reason = getattr(error, "strerror", "") or (os.strerror(number) if number else error)
    return f"{path} cannot be written ({reason}); {_HINTS.get(number, 'check the folder')}"
