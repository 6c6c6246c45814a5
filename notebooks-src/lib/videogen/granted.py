"""What was granted: the free memory of the card, how many there are, RAM and disk; read once, before a plan is made."""

from importlib.util import find_spec

from labkit import Stop, here
from media import memory
from session import machine

from videogen import weights
from videogen.plan import Machine


def look(folders) -> Machine:
    """This machine, for `plan.choose`. Disk counts where models go; those that are here already need no room again."""
    import torch

    four_bits = find_spec("bitsandbytes") is not None
    ram = machine.ram_gb() or 8.0
    disk, held = machine.disk_free_gb(machine.model_cache(folders)), weights.held_gb(folders)
    if not torch.cuda.is_available():
        return Machine(0.0, None, 0, ram, disk, held=held)
    if not machine.kernels_fit(torch.cuda.get_device_capability(0)):
        raise Stop(f"the installed torch has no kernels for this card: {here.GPU_CLICKS}")
    free = memory.card_free_gb()
    return Machine(free, torch.cuda.get_device_capability(0), torch.cuda.device_count(), ram, disk, four_bits, held)


def devices(found: Machine) -> list[str]:
    """The torch devices that share a list."""
    return [f"cuda:{i}" for i in range(found.cards)] or ["cpu"]
