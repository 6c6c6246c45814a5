"""Whether an error says that the card's, or the machine's, memory is full."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the card's, or the machine's, memory is full."""
    import torch

    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in words or "can't allocate memory" in words)
    )
