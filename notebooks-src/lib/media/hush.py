"""Keep the model libraries quiet while they load: their progress bars of a tenth of a second, and lines that alarm and
mean nothing here (FastWan's weights hold 60 tensors of a sparse attention that is not used; torchvision is missed by a
class that is not used). Errors are still shown."""

import contextlib
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def hush() -> Iterator[None]:
    """Only errors of diffusers and transformers in this block, and no bars from them."""
    settle()
    from diffusers.utils import logging as diffusers_log
    from transformers.utils import logging as transformers_log

    levels = [(log, log.get_verbosity()) for log in (diffusers_log, transformers_log)]
    for log, _ in levels:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, level in levels:
            log.set_verbosity(level)


def settle() -> None:
    """Import the bar that the libraries share without its remark on missing widgets: ours needs none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tqdm.auto  # noqa: F401
