"""session.machine: what is there."""

import subprocess

import pytest
from session import machine


def test_the_compute_type_follows_the_capability():
    assert machine.dtype_name((7, 5)) == "float16"
    assert machine.dtype_name((8, 0)) == machine.dtype_name((12, 0)) == "bfloat16"
    assert machine.dtype_name(None) == "float32"


@pytest.mark.parametrize(
    ("listing", "cards"),
    [
        ("Tesla T4, 15360, 7.5\n", [machine.Gpu("Tesla T4", 15360 * 2**20 / 1e9, (7, 5))]),
        ("Tesla T4, 15360, 7.5\nTesla T4, 15360, 7.5\n", 2),
        ("A card, with a comma, 81559, 9.0\n", [machine.Gpu("A card, with a comma", 81559 * 2**20 / 1e9, (9, 0))]),
        ("Broken, [N/A], [N/A]\n", []),
        ("", []),
    ],
)
def test_gpus_are_read_from_what_the_driver_lists(listing, cards, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, listing, ""))
    assert machine.gpus() == cards or len(machine.gpus()) == cards


def test_no_driver_means_no_gpus(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert machine.gpus() == []


@pytest.mark.parametrize(
    ("archs", "capability", "fits"),
    [
        (["sm_75", "sm_80", "sm_86", "sm_90"], (7, 5), True),
        (["sm_75", "sm_80", "sm_86", "sm_90"], (6, 0), False),  # the P100 case
        (["sm_75", "sm_80", "sm_90"], (8, 9), True),  # runs the kernels of an earlier minor
        (["sm_75", "sm_80"], (7, 0), False),
        (["sm_75", "sm_90a"], (9, 0), True),
        ([], (7, 5), True),
    ],
)
def test_a_card_needs_kernels_of_its_own_major(archs, capability, fits, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: archs)
    assert machine.kernels_fit(capability) is fits


def test_memory_and_disk_are_plausible(tmp_path):
    assert 0.1 < machine.ram_gb() < 100_000
    assert machine.disk_free_gb(tmp_path / "not" / "there" / "yet") > 0


def test_what_an_earlier_run_left_on_a_card_is_given_back_before_its_memory_is_read(monkeypatch):
    import torch
    from media import memory

    kept = [11e9, 2e9]  # cached by torch on two cards of 15 GB
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: kept.__setitem__(slice(None), [0.0, 1e9]))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda i: (15e9 - kept[i], 15e9))
    assert memory.card_free_gb() == 14.0
