"""What have I got? GPUs, memory, disk, internet, asked without importing torch where that can be helped."""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR

GB = 1e9


@dataclass(frozen=True)
class Gpu:
    """A CUDA device: its name, memory in GB (1e9 bytes) and compute capability as (major, minor)."""

    name: str
    memory_gb: float
    capability: tuple[int, int]


def gpus() -> list[Gpu]:
    """The NVIDIA GPUs that `nvidia-smi` lists; [] without a driver."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        out = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = []
    for line in out.strip().splitlines():
        try:
            name, memory, capability = (part.strip() for part in line.rsplit(",", 2))
            major, _, minor = capability.partition(".")
            found.append(Gpu(name, float(memory) * 2**20 / GB, (int(major), int(minor or 0))))
        except ValueError:
            continue  # a line such as "[N/A]" of a card that is falling off the bus
    return found


def device() -> str:
    """The torch device to use: "cuda", "mps" (quick tests on a Mac) or "cpu", which it also is without torch."""
    try:
        import torch
    except ImportError:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def dtype_name(capability: tuple[int, int] | None) -> str:
    """The compute type for a card: bf16 from capability 8.0, fp16 below, fp32 without a GPU.

    Never by `torch.cuda.is_bf16_supported()`: it says True on a T4, where bf16 is emulated.
    """
    if capability is None:
        return "float32"
    return "bfloat16" if capability >= (8, 0) else "float16"


def kernels_fit(capability: tuple[int, int]) -> bool:
    """Whether the installed torch has kernels for this card: a P100 is "available" and cannot run one.

    Kernels run on their own major generation from their minor one on; what is kept as PTX (compute_NN) is compiled for
    any later card (NVIDIA, CUDA compatibility). Does not start CUDA.
    True without torch: a notebook that does without it has nothing to fear from it.
    """
    try:
        import torch
    except ImportError:
        return True
    kinds: dict[str, set[int]] = {"sm": set(), "compute": set()}
    for name in torch.cuda.get_arch_list():
        kind, _, number = name.partition("_")
        kinds.setdefault(kind, set()).add(int("".join(c for c in number if c.isdigit()) or 0))
    own = capability[0] * 10 + capability[1]
    runs = any(k // 10 == own // 10 and k <= own for k in kinds["sm"])
    return runs or any(k <= own for k in kinds["compute"]) or not (kinds["sm"] or kinds["compute"])


def torch_sees_gpu() -> bool:
    """Whether the installed torch can use CUDA at all (a CPU build cannot, whatever the driver lists); True without."""
    try:
        import torch
    except ImportError:
        return True
    return torch.cuda.is_available()


def ram_gb() -> float | None:
    """The machine's memory in GB, or what its container may use if that is less; None when unknown."""
    sizes = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            sizes.append(int(Path(name).read_text()))
        except (OSError, ValueError):
            continue
    return min(sizes) / GB if sizes else None


def disk_free_gb(folder: Path) -> float:
    """Free disk in GB where `folder` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / GB


def used_gb(folder: Path) -> float:
    """GB of the files below `folder`, each counted once (a snapshot is links); 0 where there is none."""
    found = (path.lstat() for path in folder.rglob("*") if not path.is_symlink())
    return sum(stat.st_size for stat in found if not S_ISDIR(stat.st_mode)) / GB


def fetched_gb(folders, models: dict) -> float:
    """GB that are here of these models ({hub id: its GB, 0 when unknown}), of none more than it has."""
    cache = model_cache(folders)
    return sum(min(size, used_gb(repository(cache, name))) for name, size in models.items())


def repository(cache: Path, name: str) -> Path:
    """Where the Hub client keeps a model repository below its cache."""
    return cache / f"models--{name.replace('/', '--')}"


def model_cache(folders) -> Path:
    """Where downloaded weights are kept: the client's own cache, which `storage.prepare` puts into the session's."""
    home = os.environ.get("HF_HOME") or (f"{folders.cache}/huggingface" if folders.cache else "~/.cache/huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()


def online(host: str = "pypi.org", seconds: float = 3.0) -> bool:
    """Whether the internet answers: one TCP connection (a switched-off internet fails at the name already)."""
    try:
        with socket.create_connection((host, 443), timeout=seconds):
            return True
    except OSError:
        return False


def python_version() -> str:
    """The running Python, e.g. "3.12.13"."""
    return ".".join(map(str, sys.version_info[:3]))
