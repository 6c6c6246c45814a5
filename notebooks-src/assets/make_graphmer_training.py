"""The picture on top of the GraphMER notebook, from the files of a real run.

    python build.py run graphmer_training
    python notebooks-src/assets/make_graphmer_training.py anylab-outputs/graphmer_training

The stored one shows the default run on a CPU of 2026-11-28: `tiny`, 2 epochs (880 steps), seed 0.
"""

import sys
from pathlib import Path

from PIL import Image

run = Path(sys.argv[1])
pictures = [Image.open(run / name).convert("RGB") for name in ("chain.png", "losses.png")]
height = min(p.height for p in pictures)
pictures = [p.resize((round(p.width * height / p.height), height)) for p in pictures]
joined = Image.new("RGB", (sum(p.width for p in pictures) + 24, height), "white")
joined.paste(pictures[0], (0, 0))
joined.paste(pictures[1], (pictures[0].width + 24, 0))
target = Path(__file__).with_name("graphmer_training.png")
joined.resize((1000, round(joined.height * 1000 / joined.width))).quantize(48).save(target, optimize=True)
print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")
