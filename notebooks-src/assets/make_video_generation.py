"""The picture on top of the video notebook: the way of a prompt, and what a clip takes, by counting.

    python notebooks-src/assets/make_video_generation.py

The bars are forwards of the transformer times the work of one at 61 frames of 832 x 448 (videogen.cost.tflop): three
for the distilled default, 50 steps with guidance, so 100, for the plain pipeline.
"""

import io
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image
from videogen import cost, picture, plan

INK, BLUE, ORANGE = "#1b2a49", "#0072b2", "#d55e00"
scene = np.asarray(picture.example(168, 312)).astype(float)
rng = np.random.default_rng(0)
noise = rng.normal(128, 60, scene.shape)
coarse = np.asarray(Image.fromarray(scene.astype("uint8")).resize((39, 21)).resize((312, 168), 0)).astype(float)
steps = [noise, 0.45 * coarse + 0.55 * noise, coarse, scene]
names = ["noise", "step 2 of 3", "latents", "film"]

figure = Figure(figsize=(7.2, 4.4), layout="constrained")  # half as wide as a phone shows it, words can still be read
grid = figure.add_gridspec(3, 3, height_ratios=(0.3, 1, 1), width_ratios=(1, 1, 0.8))
words = figure.add_subplot(grid[0, :])
words.axis("off")
words.add_patch(FancyBboxPatch((0.01, 0.2), 0.98, 0.6, boxstyle="round,pad=0.01", fc="#eef3fa", ec=INK, lw=0.8))
words.text(
    0.5, 0.5, "“An evening at the sea, dark hills, the sun going down.”", ha="center", va="center", color=INK, size=15
)
for column, (name, shown) in enumerate(zip(names, steps, strict=True)):
    axis = figure.add_subplot(grid[1 + column // 2, column % 2])
    axis.imshow(shown.clip(0, 255).astype("uint8"))
    axis.axis("off")
    axis.set_title(name, size=13, color=INK)
bars = figure.add_subplot(grid[1:, 2])
one = cost.tflop(plan.Plan("fastwan-1.3b", "cuda", "float16", "float16", "cuda", 61, 448, 832, 3, 1.0))
bars.bar([0, 1], [3 * one / 1000, 100 * one / 1000], color=[BLUE, ORANGE], width=0.6)
bars.set_xticks([0, 1], ["here:\n3 passes", "plain:\n100 passes"], size=11)
bars.set_ylabel("thousand TFLOP a clip", size=12)
for at, count in ((0, 3), (1, 100)):
    bars.text(at, count * one / 1000, f"{count * one / 1000:.1f}", ha="center", va="bottom", color=INK, size=13)
bars.spines[["top", "right"]].set_visible(False)
raw = io.BytesIO()
figure.savefig(raw, dpi=100)
target = HERE / "video_generation.png"
Image.open(raw).convert("RGB").quantize(96).save(target, optimize=True)
print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")
