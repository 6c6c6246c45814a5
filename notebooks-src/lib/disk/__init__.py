"""Files that can be relied on: on the disk and not only written (sync), one process at a time (lock), and known to be
what was saved (disk.sealed). Standard library only; errors are OSError, for the caller to put into words."""

import errno
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)


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
    """Move a finished file to its place, also to another file system, whole. Raises OSError."""
    sync(source)
    try:
        os.replace(source, target)
    except OSError:  # another file system
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
    """Hold `path` for this process until the returned handle is closed or the process ends, however it ends; None when
    another process has it. A handle and no file object: one that is forgotten must not let go. Raises OSError."""
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
    return handle


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock `path` in the block; False when another one does. Raises OSError."""
    handle = lock(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


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
