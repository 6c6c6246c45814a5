"""Runs a notebook's quick test on the pretended card: `python -m tests.card.notebook NAME [SETTING=VALUE ...]`, in a
process of its own (ANYLAB_HOME and ANYLAB_CACHE say where). Prints how many operations ran on the card.

The one thing that differs from the notebook is the answer to "which device is here?".
"""

import dataclasses
import re
import sys

import torch

from tests.card.pretend import CARD, Pretend
from tests.conftest import ROOT
from tests.library.voices import packages


def graphmer_training(text: str) -> str:
    choice = 'torch.device("cuda" if torch.cuda.is_available() else "cpu")'
    assert text.count(choice) == 1
    return text.replace(choice, f'torch.device("{CARD}")')


def lip_sync(text: str) -> str:
    from lipsync import plan

    real = plan.choose
    plan.choose = lambda *asked, **more: dataclasses.replace(real(*asked, **more), devices=(str(CARD),))
    return text


def video_generation(text: str) -> str:
    from videogen import granted

    granted.devices = lambda found: [str(CARD)]
    return text


def voice_cloning(text: str) -> str:
    from media import shims
    from voiceclone import studio

    shims.torchaudio()
    import voxcpm.model.voxcpm2 as source

    studio.device = lambda: str(CARD)
    source.resolve_runtime_device = lambda asked, configured: str(CARD)  # it knows "cpu" and "cuda" alone
    return text


MARKED = ("lip_sync", "voice_cloning")  # what marks a sound goes in without its dependencies
NOTEBOOKS = {f.__name__: f for f in (graphmer_training, lip_sync, video_generation, voice_cloning)}


def main(name: str, *settings: str) -> None:
    """Run every cell."""
    torch.set_num_threads(1)
    if name in MARKED:
        packages()
    path = ROOT / "notebooks-src" / f"{name}.py"
    text, found = re.subn(
        r"^here = Path\(globals\(\).*$", f"here = Path({str(path)!r})", path.read_text(encoding="utf-8"), flags=re.M
    )
    assert found == 1
    for setting, value in (pair.split("=") for pair in ("QUICK_TEST=True", *settings)):
        text, found = re.subn(rf"^{setting} = .*$", f"{setting} = {value}", text, flags=re.M)
        assert found == 1, setting
    with Pretend():
        text = NOTEBOOKS[name](text)
        exec(compile(text, path.name, "exec"), {"__name__": "__main__"})
    print(f"{Pretend.operations} operations on the card")


if __name__ == "__main__":
    main(*sys.argv[1:])
