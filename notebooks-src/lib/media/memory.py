"""Memory of the card and the machine: how much is free, how it is given back, and whether an error says it is full."""

# the last are cuBLAS and cuDNN, which ask for their own memory
_SIGNS = ("out of memory", "can't allocate memory", "status_alloc_failed")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the card's, or the machine's, memory is full."""
    import torch

    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in words for sign in _SIGNS)
    )


def give_back() -> None:
    """Have Python and torch let go of memory that nothing uses any more, on the cards too."""
    import gc

    import torch

    gc.collect()
    torch.cuda.empty_cache()  # nothing where there is no card


def card_free_gb() -> float:
    """GB (1e9 bytes) free on the fullest of the CUDA cards. What torch keeps there of an earlier run in this kernel is
    given back first: with it a second Run all would find a smaller card than the first."""
    import torch

    give_back()
    return min(torch.cuda.mem_get_info(i)[0] for i in range(torch.cuda.device_count())) / 1e9
