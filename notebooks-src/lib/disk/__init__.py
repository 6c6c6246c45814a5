"""Files that can be relied on: on the disk and not only written (sync), one process at a time (lock), and known to be
what was saved (disk.sealed). Standard library only; errors are OSError, for the caller to put into words."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to. At the end it is synced and renamed, so that a reader, or a kill at any
    instant, sees the old file or the new one, never a part; on an error the old one stays. Raises OSError."""
    part = path.with_name(f".part-{path.name}")
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
    try:
        sync(source)
        os.replace(source, target)
        sync(target.parent)
    except OSError:
        with whole(target) as part:
            shutil.copyfile(source, part)
        source.unlink()


def sync(path: Path) -> None:
    """Have the system put a file, or the names in a folder, on the disk now. Raises OSError."""
    folder = path.is_dir()
    if folder and os.name == "nt":
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
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
