"""Films as files: h264 in mp4 through the ffmpeg that imageio-ffmpeg brings; what was written is opened again.

Frames are (frames, height, width, 3) uint8 RGB. Errors of ffmpeg are Stop with its own last words.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit import Stop, storage

BLACK, STILL = 16, 0.02  # brightest value of a black clip; mean difference of frames below which it stands still


@dataclass(frozen=True)
class Facts:
    """What a film's head says: size in pixels, frames a second, seconds, codec, whether it has sound."""

    width: int
    height: int
    fps: float
    seconds: float
    codec: str
    sound: bool


def ffmpeg() -> str:
    """The path of the ffmpeg that travels with imageio-ffmpeg."""
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()


def run(*arguments: str, feed: bytes | None = None, wanted: str = "") -> bytes:
    """Run ffmpeg; its standard output. Raises Stop with `wanted` and ffmpeg's last line."""
    command = [ffmpeg(), "-hide_banner", "-nostdin", "-v", "error", *map(str, arguments)]
    if feed is not None:
        command.remove("-nostdin")
    done = subprocess.run(command, input=feed, capture_output=True)
    if done.returncode:
        why = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise Stop(f"{wanted or 'ffmpeg'} failed: {why}")
    return done.stdout


def write(frames, path: Path, fps: float, about: dict | None = None) -> Path:
    """Write frames as an mp4 (h264, yuv420p, playable while it loads), whole or not at all. `about` becomes its
    metadata: title, comment, date. Raises Stop."""
    _, height, width, _ = frames.shape
    head = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "-")
    # two threads at most: the same frames give the same bytes, on any machine
    codec = ("-c:v", "libx264", "-crf", "18", "-preset", "medium", "-pix_fmt", "yuv420p", "-threads", "2")
    with storage.whole(path) as part:
        run("-y", *head, *codec, *_metadata(about), "-movflags", "+faststart", "-f", "mp4", part,
            feed=frames.tobytes(), wanted=f"writing {path.name}")  # fmt: skip
    return path


def facts(path: Path) -> Facts:
    """What the file's head says. Raises Stop when it is no film."""
    words = streams(path)
    stream = re.search(r"Stream .*?: Video: (\w+).*?, (\d+)x(\d+)", words)
    rate, seconds = re.search(r"([\d.]+) fps", words), length(words)
    if not stream or not rate or seconds is None:
        raise Stop(f"{path.name} is no film that can be opened")
    return Facts(int(stream[2]), int(stream[3]), float(rate[1]), seconds, stream[1], ": Audio:" in words)


def given(name: str | Path) -> Path:
    """The path that a setting means, also one that was pasted in quotes."""
    return Path(str(name).strip().strip("\"'")).expanduser()


def audible(path: Path | str) -> Path:
    """A file with sound in it; its path. Raises Stop."""
    found = given(path)
    if not found.is_file():
        raise Stop(f"there is no sound file {path}; upload it first, and give its path")
    words = streams(found)
    if ": Audio:" not in words:
        raise Stop(f"{found.name} has no sound that can be read; give a WAV, MP3 or M4A file")
    if length(words) == 0 or "Duration: N/A" in words:
        raise Stop(f"{found.name} has no sound in it; give a WAV, MP3 or M4A file")
    return found


def length(words: str) -> float | None:
    """Seconds, by what `streams` says; None where it does not say."""
    found = re.search(r"Duration: (\d+):(\d+):([\d.]+)", words)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else None


def streams(path: Path) -> str:
    """What ffmpeg says of a file and its streams."""
    done = subprocess.run([ffmpeg(), "-hide_banner", "-nostdin", "-i", str(path)], capture_output=True)
    return done.stderr.decode(errors="replace")


def read(path: Path):
    """(frames, facts) of a film."""
    import numpy as np

    head = facts(path)
    raw = run("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-", wanted=f"reading {path.name}")
    return np.frombuffer(raw, np.uint8).reshape(-1, head.height, head.width, 3), head


def still(path: Path):
    """The frame in the middle of a film, (height, width, 3) uint8."""
    import numpy as np

    head = facts(path)
    place = ("-ss", f"{head.seconds / 2:.3f}", "-i", path, "-frames:v", "1")
    raw = run(*place, "-f", "rawvideo", "-pix_fmt", "rgb24", "-", wanted=f"reading {path.name}")
    return np.frombuffer(raw, np.uint8).reshape(head.height, head.width, 3)


def count(path: Path) -> int:
    """How many frames a film has, each decoded and none kept: as an array, minutes of a large film fill a session."""
    told = run("-i", path, "-map", "0:v:0", "-f", "framecrc", "-", wanted=f"reading {path.name}")
    return sum(not line.startswith(b"#") for line in told.splitlines())


def metadata(path: Path) -> dict[str, str]:
    """A film's metadata, as it stands in the file."""
    text = run("-i", path, "-f", "ffmetadata", "-", wanted=f"reading {path.name}").decode(errors="replace")
    pairs = (line.partition("=") for line in re.split(r"(?<!\\)\n", text) if "=" in line)
    return {key: re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL) for key, _, value in pairs}


def faults(path: Path, frames: int, height: int, width: int) -> list[str]:
    """What is wrong with a written clip: count, size, black, standing still; [] for a good one."""
    import numpy as np

    try:
        found, head = read(path)
    except (Stop, ValueError) as error:
        return [str(error)]
    wrong = []
    if len(found) != frames:
        wrong.append(f"it has {len(found)} frames and should have {frames}")
    if (head.height, head.width) != (height, width):
        wrong.append(f"it is {head.width} x {head.height} and should be {width} x {height}")
    if len(found) and found.max() < BLACK:
        wrong.append("it is black")
    elif len(found) > 1:
        small = found[:, ::2, ::2].astype(np.int16)
        if np.abs(np.diff(small, axis=0)).mean() < STILL:
            wrong.append("it stands still")
    return wrong


def provenance(plan, made_with: str, seed: int, prompt: str, version: str, day: str) -> dict[str, str]:
    """What stands in the file for whoever finds it later: that a machine made it, which one, and when."""
    spec = plan.spec
    return {
        "title": prompt[:120],
        "comment": f"AI-generated with {made_with}, seed {seed}; anylab {version}",
        "description": "AI-generated video: no camera recorded this",
        "date": day,
        "artist": f"{spec.title} (AI)",
        "copyright": f"model licence {spec.weights.licence}",
    }


def _metadata(about: dict | None) -> list[str]:
    return [part for key, value in (about or {}).items() for part in ("-metadata", f"{key}={value}")]
