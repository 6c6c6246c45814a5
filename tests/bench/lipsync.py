"""What a frame of lip sync takes, counted: `python -m tests.bench.lipsync`.

On the meta device (shapes without numbers), through the notebook's own code, from the published configurations: GFLOP
a frame for encoding, UNet and decoding. Gates, exit code 1 when one fails: the default path takes no more than 541 +
170 + 620, the path with kept latents no more than 790; the host's share (decode, crop, blend, label, write, join) of a
720p frame under 10 ms on one core (CPU time of this process, so neighbours do not count); memory that does not grow
over a synthetic hour. With `--gpu`, on a card with random weights at real shapes: frames a second, peak memory under
6 GB.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks-src" / "lib"))

from lipsync import film, nets, paint, sample, speech, studio, takes, timeline, track, video

from tests.bench.video import Counter, FusedAttention

ENCODE, UNET, DECODE, CACHED = 541.0, 170.0, 620.0, 790.0  # GFLOP a frame
HOST_MS, PEAK_GB, GROWTH_MB = 10.0, 6.0, 60.0
# the UNet of musetalk.json and the VAE of sd-vae-ft-mse, as the specification of 2026-11-20 has them
CONFIG_TEXT = json.dumps({
    "_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": False, "cross_attention_dim": 384,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "downsample_padding": 1, "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 8, "layers_per_block": 2,
    "mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": 32, "out_channels": 4, "sample_size": 64,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
})  # fmt: skip
VAE = {
    "block_out_channels": (128, 256, 512, 512), "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4, "layers_per_block": 2, "latent_channels": 4, "sample_size": 256,
}  # fmt: skip


def real(device: str = "meta", dtype: torch.dtype = torch.float32, draft: bool = False) -> nets.Nets:
    """The networks at their real shapes, with random weights (none on the meta device), but for the ears."""
    from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel

    told = {k: v for k, v in json.loads(CONFIG_TEXT).items() if not k.startswith("_")}
    with torch.device(device):
        unet, vae = UNet2DConditionModel(**told), AutoencoderKL(**VAE)
        tiny = AutoencoderTiny() if draft else None
    made = [model.eval().requires_grad_(False).to(dtype) if model is not None else None for model in (unet, vae, tiny)]
    return nets.Nets(made[0], made[1], None, None, made[2], nets.SIDE, device, dtype, dtype)


def counted() -> dict[str, tuple[float, float]]:
    """(GFLOP, those of attention's pairs) a frame of each stage. The specification's numbers are without the latter."""
    here, drafted = real(), real(draft=True)
    half = here.side // 8
    crops = torch.empty(2, 3, here.side, here.side, device="meta")  # masked and whole
    z = torch.empty(1, 8, half, half, device="meta")
    heard, step = torch.empty(1, 50, 384, device="meta"), torch.zeros(1, dtype=torch.int64, device="meta")
    four = torch.empty(1, 4, half, half, device="meta")
    return {
        "encode": _count(here.vae, here.vae.encode, crops),
        "unet": _count(here.unet, here.unet, z, step, encoder_hidden_states=heard),
        "decode": _count(here.vae, here.vae.decode, four),
        "draft decode": _count(drafted.draft, drafted.draft.decode, four),
    }


def _count(model, call, *inputs, **more) -> tuple[float, float]:
    fused, counter = FusedAttention(), Counter(model)
    with torch.no_grad(), fused, counter:
        call(*inputs, **more)
    return counter.flop / 1e9, fused.flop / 1e9


def called() -> dict[str, int]:
    """How often the notebook's own code calls each network for ten seconds of the sample that goes to and fro: counted
    while it runs, on tiny networks, by frames."""
    seen = {"encode": 0, "unet": 0, "decode": 0}
    with tempfile.TemporaryDirectory() as folder:
        folders, loaded = _places(Path(folder)), _tiny(Path(folder))
        take = _sample(folders, 4.0)
        real_encode, real_unet, real_decode = loaded.vae.encode, loaded.unet.forward, loaded.vae.decode
        loaded.vae.encode = lambda x: (seen.update(encode=seen["encode"] + len(x)), real_encode(x))[1]
        loaded.unet.forward = lambda x, *a, **k: (seen.update(unet=seen["unet"] + len(x)), real_unet(x, *a, **k))[1]
        loaded.vae.decode = lambda x: (seen.update(decode=seen["decode"] + len(x)), real_decode(x))[1]
        there = studio.Studio(loaded, 10)
        there.chunk(take, 0, take.frames, folders.outputs / "part.mp4")
    return seen | {"frames": take.frames, "source frames": take.clip.frames}


def host(pan: int = 0, frames: int = 150) -> dict[str, float]:
    """CPU ms a frame at 720p of everything but the networks: read, cut, blended, labelled, written, joined. `pan` is
    by how many pixels a frame the camera moves over a photograph, on which a face moves."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        folders = _places(root)
        take = _large(folders, root, frames, pan)
        there = studio.Studio(_still_nets(), 8)
        stage = studio.Stage(take, take.track, take.weights(take.track), _Silent(), _Kept(), None)
        stage.label = studio.Label(take.clip.width, take.clip.height, "AI-generated")
        there._stage = stage
        painted = numpy.random.default_rng(0).integers(0, 256, (8, 256, 256, 3), dtype=numpy.uint8)
        there._paint = lambda *_: painted
        begun = time.process_time()
        note = there.chunk(take, 0, take.frames, folders.outputs / "part.mp4")
        made = time.process_time()
        film.join([folders.outputs / "part.mp4"], take.speech.high, take.speech.seconds, root / "film.mp4", {})
        joined = time.process_time()
    each = 1000 / take.frames
    return {
        "read, cut, blend, label, write": (made - begun) * each, "join with the sound": (joined - made) * each,
        **{f"{name} (wall)": seconds * each for name, seconds in note["seconds"].items()},
    }  # fmt: skip


def hour(minutes: float = 60.0) -> tuple[list[float], int]:
    """(MB of this process after each tenth of a synthetic hour, chunks made): the sample's face, half as large, going
    to and fro under a sound that is silent for nine seconds of ten; tiny networks, the notebook's own chunks."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        folders, loaded = _places(root), _tiny(root)
        frames = [numpy.ascontiguousarray(f[::2, ::2]) for f in video.read(video.look(sample.write(folders.work)))]
        small = film.write(root / "small.mp4", frames, 192, 224)
        wav = _hum(root / "hour.wav", minutes * 60, spoken=1)
        take, _, _ = takes.prepare("hour", small, wav, folders, box="50, 54, 142, 174")
        there, seen, todo = studio.Studio(loaded, 50), [], take.chunks()
        for number, item in enumerate(todo):
            there.chunk(take, item["begin"], item["end"], folders.outputs / "part.mp4")
            if number % max(1, len(todo) // 10) == 0:
                seen.append(_resident_mb())
    return seen, len(todo)


def on_gpu(draft: bool = False, batch: int = 16, frames: int = 256) -> dict[str, float]:
    """Frames a second of painting, and peak GB, on the first card at real shapes with random weights in 16 bits."""
    here = real("cuda", torch.float16, draft)
    for model in (here.unet, here.vae, here.draft):
        if model is not None:
            model.to(memory_format=torch.channels_last)
    crops = numpy.random.default_rng(0).integers(0, 256, (batch, here.side, here.side, 3), dtype=numpy.uint8)
    heard = torch.randn(batch, 50, 384)
    found = {}
    for name in ("default", "kept latents"):
        z = paint.latents(here, crops)
        try:
            paint.mouths(here, z, heard)  # warm
        except paint.NotFinite:
            return {"not finite": 1.0}
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        begun = time.perf_counter()
        for _ in range(frames // batch):
            z = paint.latents(here, crops) if name == "default" else z
            paint.mouths(here, z, heard)
        torch.cuda.synchronize()
        found[f"{name}, frames a second"] = frames // batch * batch / (time.perf_counter() - begun)
        found[f"{name}, peak GB"] = torch.cuda.max_memory_allocated() / 1e9
    return found


def gates(gflop: dict[str, float], calls: dict[str, int], host_ms: float, memory: list[float]) -> list[str]:
    """What does not hold, one line each."""
    each = {name: calls[name] / calls["frames"] for name in ("encode", "unet", "decode")}
    default = gflop["encode"] + gflop["unet"] + gflop["decode"]
    # as it really ran: crops encoded (two halves a frame), frames painted, frames decoded
    ran = each["encode"] / 2 * gflop["encode"] + each["unet"] * gflop["unet"] + each["decode"] * gflop["decode"]
    wrong = []
    if default > (ENCODE + UNET + DECODE) * 1.001:
        wrong.append(f"the default path takes {default:.0f} GFLOP a frame, not {ENCODE + UNET + DECODE:.0f}")
    if gflop["unet"] + gflop["decode"] > CACHED * 1.001:
        wrong.append(f"with kept latents a frame takes {gflop['unet'] + gflop['decode']:.0f} GFLOP, not {CACHED:.0f}")
    if calls["encode"] > 2 * calls["source frames"] or ran > default:
        wrong.append(f"frames were encoded twice, or painted twice: {calls}")
    if host_ms >= HOST_MS:
        wrong.append(f"the host's share is {host_ms:.1f} ms a frame at 720p, not {HOST_MS:g}")
    if memory and max(memory[2:]) - memory[1] > GROWTH_MB:
        wrong.append(f"memory grew by {max(memory[2:]) - memory[1]:.0f} MB")
    return wrong


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lipsync")
    parser.add_argument("--gpu", action="store_true", help="also on the card: frames a second, peak memory")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the synthetic film; 0 leaves it out")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    both = counted()
    print("GFLOP a frame: " + ", ".join(f"{name} {a:.1f} and {b:.1f} of attention" for name, (a, b) in both.items()))
    gflop = {name: a for name, (a, _) in both.items()}
    calls = called()
    words = (
        "the sample to and fro: {frames} frames of {source frames}, {encode} crops encoded, {unet} passes of the UNet"
    )
    print((words + ", {decode} decoded").format_map(calls))
    for pan in (4, 0):  # the last one, a camera that stands still before a head that moves, is the gate
        spent = host(pan)
        told = ", ".join(f"{name} {value:.2f}" for name, value in spent.items())
        print(f"host at 720p, {'camera panning' if pan else 'camera still'}, ms a frame: {told}")
    mine = spent["read, cut, blend, label, write"] + spent["join with the sound"]
    memory, chunks = hour(asked.minutes) if asked.minutes else ([], 0)
    if memory:
        told = ", ".join(f"{mb:.0f}" for mb in memory)
        print(f"{chunks} chunks of {asked.minutes:g} minutes, MB after each tenth: {told}")
    wrong = gates(gflop, calls, mine, memory)
    print("\n".join(wrong) if wrong else f"all gates hold; the host's share is {mine:.1f} ms a frame")
    if asked.gpu and torch.cuda.is_available():
        for draft in (False, True):
            found = on_gpu(draft)
            print(torch.cuda.get_device_name(), "draft" if draft else "full", found)
            wrong += [name for name, value in found.items() if "peak" in name and value >= PEAK_GB]
    elif asked.gpu:
        print("no GPU here: frames a second and peak memory are not measured")
    return 1 if wrong else 0


# --- what the parts above are made of


class _Silent:
    def windows(self, begin, end):
        return torch.zeros(end - begin, 50, 384)


class _Kept:
    """Latents of every frame, as if they had been made before."""

    def get(self, frame):
        return torch.zeros(8, 32, 32)

    def save(self):
        pass


def _still_nets() -> nets.Nets:
    return nets.Nets(None, None, None, None, None, nets.SIDE, "cpu", torch.float32, torch.float32)


def _places(root: Path):
    from labkit import storage

    for name in ("work", "outputs"):
        (root / name).mkdir(exist_ok=True)
    return storage.Folders(root / "work", root / "outputs", root / "cache", True, "lip_sync")


def _tiny(root: Path) -> nets.Nets:
    from lipsync import tiny

    return nets.load(tiny.build_all(root / "tiny"), "cpu", "float32", root / "kept")


def _sample(folders, seconds: float):
    from media import voice

    said = voice.write(folders.work)
    return takes.prepare("film", sample.write(folders.work), said, folders, ours=True, most=seconds, gate=False)[0]


def _large(folders, root: Path, frames: int, pan: int):
    """A take at 720p: the sample's face on a wide picture, with a contour that moves."""
    wide = []
    for i in range(50):
        x, y = pan * i, pan * i // 4
        picture = numpy.ascontiguousarray(_photograph()[y : y + 720, x : x + 1280])
        wide.append(picture)
    face = list(video.read(video.look(sample.write(folders.work))))
    for picture, drawn in zip(wide, face, strict=True):
        picture[136:584, 448:832] = drawn
    source = film.write(root / "wide.mp4", (wide[i] for i in timeline.indices(0, frames, 50)), 1280, 720)
    moved = []
    for i in timeline.indices(0, frames, 50):
        face, shift = sample.face(i), numpy.array([448, 136], numpy.float32)
        moved.append(dataclasses.replace(
            face, centre=face.centre + 136, chin=face.chin + 136, left=face.left + 448, right=face.right + 448,
            contour=face.contour + shift, nose=face.nose + shift,
        ))  # fmt: skip
    kept = track.save(track.of_faces(moved, "sample"), root / "track.npz")
    heard = speech.prepare(_hum(root / "hum.wav", frames / 25), folders.work)
    return takes.Take("wide", video.look(source), kept, heard, gate=False)


def _photograph() -> numpy.ndarray:
    import cv2
    from skimage import data

    return cv2.resize(data.astronaut(), (1480, 1480), interpolation=cv2.INTER_CUBIC)


def _hum(path: Path, seconds: float, spoken: int = 10) -> Path:
    """A wav that gets louder and softer in so many seconds of every ten, written in stretches of a minute."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        left = seconds
        at = numpy.arange(60 * 16000) / 16000
        loud = 9000 * (0.6 + 0.4 * numpy.sin(2 * numpy.pi * 3 * at))
        minute = (loud * numpy.sin(2 * numpy.pi * 140 * at) * (at % 10 < spoken)).astype(numpy.int16)
        while left > 0:
            file.writeframes(minute[: int(min(60, left) * 16000)].tobytes())
            left -= 60
    return path


def _resident_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
