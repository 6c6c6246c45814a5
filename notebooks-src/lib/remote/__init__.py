"""What the client of a service raised, whatever its version calls it: the causes behind an error, the HTTP status that
one of them carries, the file that could not be written. Standard library only; knows no service.
"""

import errno
import time
from pathlib import Path


def causes(error: BaseException | None) -> list[BaseException]:
    """An error and what stands behind it, the outermost first."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def status(error: BaseException) -> int | None:
    """The HTTP status of a refusal (400 or more) among the causes; None when no answer came, or a good one."""
    codes = (getattr(getattr(cause, "response", None), "status_code", None) for cause in causes(error))
    return next((code for code in codes if code and code >= 400), None)


def unwritable(error: BaseException) -> OSError | None:
    """The error of a file among the causes; those of the network name no file."""
    for cause in causes(error):
        if isinstance(cause, OSError) and (cause.filename or cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
            return cause
    return None


def patiently(transfer):
    """What `transfer()` gives, after three tries at most where the connection breaks off; a refusal, or a file that
    cannot be written, is raised at once."""
    for left in (2, 1, 0):
        try:
            return transfer()
        except Exception as error:
            if not left or status(error) or unwritable(error):
                raise
            time.sleep(1)


def why(error: BaseException) -> str:
    """The innermost cause that says something, its first line."""
    said = [str(cause).strip() for cause in causes(error) if str(cause).strip()] or [type(error).__name__]
    return said[-1].splitlines()[0][:200]


def size(of: float | Path) -> str:
    """So many bytes, or a file's, in words, as "1.5 GB"."""
    count = of.stat().st_size if isinstance(of, Path) else of
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit / 10:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.0f} kB"
