"""Disks that give out: a small real file system where this process may mount one, else `open` with a byte count.

Which of the two a test has used is printed; nothing is skipped. Read-only is a mount option for the first and a refusal
by `open`, `os.mkdir` and `os.open` for the second, since tests may run as root, whom no mode of a folder binds.
"""

import builtins
import errno
import io
import os
import shutil
import subprocess
from contextlib import contextmanager


class Counted(io.FileIO):
    """A file that takes part in a byte count."""

    quota = None

    def write(self, data):
        data = memoryview(data).cast("B")
        if len(data) > self.quota.left:
            super().write(data[: self.quota.left])
            self.quota.left = 0
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.quota.left -= len(data)
        return super().write(data)


class Quota:
    """After `left` more bytes, whatever is written with `open` below `folder` raises ENOSPC, half of it written."""

    def __init__(self, monkeypatch, folder):
        self.left, self.folder, self.real = 1 << 60, str(folder), io.open
        kind = type("File", (Counted,), {"quota": self})

        def opened(file, mode="r", *args, **kwargs):
            ours = isinstance(file, str | os.PathLike) and os.fspath(file).startswith(self.folder)
            if not ours or not set(mode) & set("wxa+"):
                return self.real(file, mode, *args, **kwargs)
            raw = kind(file, mode.replace("b", "").replace("t", ""))
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8")

        monkeypatch.setattr(io, "open", opened)
        monkeypatch.setattr(builtins, "open", opened)
        monkeypatch.setattr(shutil, "_USE_CP_SENDFILE", False)  # else a copy goes past `write`


class SmallDisk:
    """`path` on a disk of 8 MB; `leave(n)` fills all but about n bytes, `read_only()` closes it, `free()` undoes."""

    SIZE = 8 << 20

    def __init__(self, folder, monkeypatch):
        self.path, self.monkeypatch, self.refuses = folder, monkeypatch, False
        folder.mkdir()
        mounted = os.name == "posix" and shutil.which("mount")
        if mounted:
            command = ["mount", "-t", "tmpfs", "-o", f"size={self.SIZE}", "tmpfs", str(folder)]
            mounted = subprocess.run(command, capture_output=True).returncode == 0
        self.kind = "a tmpfs of 8 MB" if mounted else "an open that counts bytes"
        self.quota = None if mounted else Quota(monkeypatch, folder)
        if not mounted:
            self._refuse()
        print(f"the small disk is {self.kind}")

    def leave(self, count):
        if self.quota:
            self.quota.left = count
            return
        with (self.path / ".filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC
            filler.truncate(max(0, filler.tell() - count))

    def read_only(self):
        if self.quota:
            self.refuses = True
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)

    def free(self):
        if self.quota:
            self.quota.left, self.refuses = 1 << 60, False
        else:
            subprocess.run(["mount", "-o", "remount,rw", str(self.path)], check=True)
            (self.path / ".filler").unlink(missing_ok=True)

    def gone(self):
        if not self.quota:
            subprocess.run(["umount", "-l", str(self.path)], check=True)

    def _refuse(self):
        for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "mkdir"), (os, "rename")):
            real = getattr(module, name)

            def guarded(path, *args, _real=real, _name=name, **kwargs):
                inside = isinstance(path, str | os.PathLike) and os.fspath(path).startswith(str(self.path))
                how = args[0] if args else kwargs.get("mode", "r")
                writes = set(how) & set("wxa+") if isinstance(how, str) else _name != "open" or how & os.O_ACCMODE
                if self.refuses and inside and writes:
                    raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))
                return _real(path, *args, **kwargs)

            self.monkeypatch.setattr(module, name, guarded)


@contextmanager
def count_bytes(monkeypatch, folder):
    """A Quota for the block only."""
    with monkeypatch.context() as patches:
        yield Quota(patches, folder)


def everything(folder):
    """Every name below a folder, hidden ones too, with the content of each file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        found[path.relative_to(folder).as_posix()] = path.read_bytes() if path.is_file() else None
    return found
