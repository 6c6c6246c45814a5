"""Whether an error says that the card's, or the machine's, memory is full."""

# the last are cuBLAS and cuDNN, which ask for their own memory
_SIGNS = ("out of memory", "can't allocate memory", "status_alloc_failed")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the card's, or the machine's, memory is full."""
    import torch

    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in words for sign in _SIGNS)
    )
