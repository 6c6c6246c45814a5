"""Clips into films: scenes with cross-fades, long clips from parts, smoother, larger, with sound; by ffmpeg alone.

Every result is opened again, and carries its source's metadata on. Raises Stop with one sentence.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from labkit import Stop, storage

from videogen import film, quality

_H264 = ("-c:v", "libx264", "-crf", "18", "-preset", "medium", "-pix_fmt", "yuv420p", "-threads", "2")
_MP4 = ("-movflags", "+faststart", "-f", "mp4")


def crossfade(paths: Sequence[Path], target: Path, seconds: float = 0.5) -> Path:
    """Scenes in order, each melting into the next for `seconds`; all of one size and rate."""
    heads = [_exact(film.facts(path)) for path in paths]
    if len({h.fps for h in heads}) > 1:
        raise Stop("these clips differ in frame rate and cannot be joined; make them with one model")
    inputs, steps, names = _inputs(paths, heads)
    if len(paths) == 1 or seconds * heads[0].fps < 1:  # less than a frame is a hard cut
        return _joined(paths, inputs, steps, names, target, "joining the scenes", sum(h.seconds for h in heads))
    shortest = min(h.seconds for h in heads)
    if seconds > shortest / 2:
        raise Stop(f"a cross-fade of {seconds:g} s is more than half of a clip of {shortest:.1f} s; make it shorter")
    last, at = names[0], 0.0
    for number, (head, name) in enumerate(zip(heads[:-1], names[1:], strict=True), 1):
        at += head.seconds - seconds
        steps.append(f"[{last}][{name}]xfade=transition=fade:duration={seconds:g}:offset={at:.4f}[v{number}]")
        last = f"v{number}"
    graph = [*inputs, "-filter_complex", ";".join(steps), "-map", f"[{last}]"]
    return _filtered(graph, target, "joining the scenes", at + heads[-1].seconds, _origins(paths))


def chain(paths: Sequence[Path], target: Path) -> tuple[Path, list[float]]:
    """Parts of one long clip, each begun with the last frame of the one before, which is not shown twice; and how
    much each seam shows (quality.seam: 1 is not at all)."""
    seams, end, total = [], None, 0
    for path in paths:  # one part in memory at a time
        frames, head = film.read(path)
        if end is not None:
            seams.append(quality.seam(end, quality.sized(frames[1:6], *end.shape[1:3])))
        end, total = frames[-5:].copy(), total + len(frames) - (end is not None)
    inputs, steps, names = _inputs(paths, [film.facts(path) for path in paths])
    steps += [f"[{name}]trim=start_frame={int(i > 0)},setpts=PTS-STARTPTS[p{i}]" for i, name in enumerate(names)]
    names = [f"p{i}" for i in range(len(paths))]
    return _joined(paths, inputs, steps, names, target, "chaining", total / head.fps), seams


def interpolate(path: Path, target: Path, fps: int) -> Path:
    """The same film with more frames a second, in-between ones guessed along the motion."""
    head = film.facts(path)
    if not head.fps < fps <= 120:
        raise Stop(f"{path.name} has {head.fps:g} frames a second; choose more than that, and at most 120, not {fps}")
    # it has nothing to lead to after the last frame: that is shown until the film's own end
    kind = f"tpad=stop_mode=clone:stop=2,minterpolate=fps={fps}:mi_mode=mci:mc_mode=aobmc:vsbmc=1"
    arguments = ["-i", path, "-vf", kind, "-t", f"{_exact(head).seconds:.4f}"]
    return _filtered(arguments, target, "interpolation", _exact(head).seconds)


def upscale(path: Path, target: Path, factor: int = 2) -> Path:
    """The same film with more pixels (Lanczos: larger, not more detailed)."""
    head = film.facts(path)
    if not 1 < factor <= 4 or max(head.width, head.height) * factor > 4096:
        raise Stop(f"{head.width} x {head.height} times {factor}: choose 2 to 4, and at most 4096 pixels a side")
    arguments = ["-i", path, "-vf", f"scale=iw*{factor}:ih*{factor}:flags=lanczos"]
    return _filtered(arguments, target, "upscaling", _exact(head).seconds)


def mux(path: Path, sound: Path, target: Path) -> Path:
    """The film with a sound file (a wav of the voice notebook, say); shorter sound is followed by silence, longer is
    cut."""
    sound, head = film.audible(sound), film.facts(path)
    more = ("-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "160k", "-af", "apad")
    more += ("-ar", "48000", "-ac", "2")  # whatever rate and channels it has: every player knows this
    with storage.whole(target) as part:
        film.run("-y", "-i", path, "-i", sound, *more, "-t", f"{head.seconds:.3f}", "-map_metadata", "0", *_MP4, part,
                 wanted="adding the sound")  # fmt: skip
    if not film.facts(target).sound:
        raise Stop(f"{target.name} came out without sound")
    return target


def last_frame(path: Path):
    """The last frame of a film as a PIL image."""
    from PIL import Image

    return Image.fromarray(film.read(path)[0][-1].copy())


def _inputs(paths: Sequence[Path], heads: Sequence[film.Facts]) -> tuple[list, list[str], list[str]]:
    """(ffmpeg's inputs, the filters that bring them to one size, the streams' names after that). A clip for which the
    memory did not suffice is smaller than the others: it is enlarged, cut in its middle, and that is said."""
    wide, high = max(((h.width, h.height) for h in heads), key=lambda size: size[0] * size[1])
    steps, names = [], [f"{number}:v" for number in range(len(paths))]
    for number, (path, head) in enumerate(zip(paths, heads, strict=True)):
        if (head.width, head.height) != (wide, high):
            print(f"{path.name} is {head.width} x {head.height}: enlarged to {wide} x {high}, as the others are.")
            cover = f"scale={wide}:{high}:force_original_aspect_ratio=increase:flags=lanczos,crop={wide}:{high}"
            steps.append(f"[{names[number]}]{cover},setsar=1[s{number}]")
            names[number] = f"s{number}"
    return [part for path in paths for part in ("-i", path)], steps, names


def _origins(paths: Sequence[Path]) -> list[str]:
    """What made each of these clips (model, commit, seed), for the head of the film of them all."""
    comments = dict.fromkeys(film.metadata(path).get("comment", "") for path in paths)
    return ["-metadata", "comment=" + " | ".join(filter(None, comments))[:4000]]


def _joined(paths, inputs: list, steps: list[str], names: list[str], target: Path, wanted: str, seconds: float) -> Path:
    """One stream after the other."""
    graph = ";".join([*steps, "".join(f"[{name}]" for name in names) + f"concat=n={len(names)}:v=1:a=0[v]"])
    return _filtered([*inputs, "-filter_complex", graph, "-map", "[v]"], target, wanted, seconds, _origins(paths))


def _exact(head: film.Facts) -> film.Facts:
    """A film's head with its length in whole frames: ffmpeg tells hundredths, and twenty scenes would lose a frame."""
    return replace(head, seconds=round(head.seconds * head.fps) / head.fps)


def _filtered(arguments: list, target: Path, wanted: str, seconds: float, about: Sequence[str] = ()) -> Path:
    with storage.whole(target) as part:
        film.run("-y", *arguments, *_H264, "-map_metadata", "0", *about, *_MP4, part, wanted=wanted)
        _good(part, seconds, target.name)
    return target


def _good(path: Path, seconds: float, name: str) -> None:
    """Raise Stop when a film is shorter or longer than it has to be by more than two frames."""
    frames = film.count(path)
    if abs(frames - seconds * film.facts(path).fps) > 2:
        raise Stop(f"{name} came out with {frames} frames; the clips it was made of may be broken")
