"""From finished clips to films: joined, smoother, larger, with sound.

Each is made once: `films.json` beside them says of what, so that a later run does only what is new. What is missing is
said."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from disk import sealed
from labkit import clock, progress, storage

from videogen import edit, film

NOTES = "films.json"


def made(
    clips: Sequence[Path], place: Path, fade: float, fps: int = 0, larger: int = 1, sound: str = "", asked: int = 1
) -> list[Path]:
    """The films of these clips, below `place`; the clips themselves where nothing was wished. `asked` is how many there
    will be once all are done; `fade` below 0 does not join. Raises Stop."""
    films = list(clips)
    if fade >= 0 and asked > 1 and len(films) < asked:
        print(f"{len(films)} of {asked} scenes are done; the film has all of them once they are: run it again.")
    out = []
    try:
        if fade >= 0 and len(films) > 1:
            target, fade = place / "film.mp4", _fitting(fade, films)
            films = [_once(target, films, ["join", fade], lambda: edit.crossfade(films, target, fade))]
        if not fps and larger == 1 and not sound:
            return films
        for path in progress.bar(films, what="finishing", unit="film"):
            if clock.should_stop():
                break
            out.append(_finished(path, place, fps, larger, sound))
    except KeyboardInterrupt:  # the stop button; the cells after this one still save and report
        pass
    if len(out) < len(films):
        print(f"\nStopped: {len(films) - len(out)} of {len(films)} films are left; run it again to make them.")
    return out


def _fitting(fade: float, films: Sequence[Path]) -> float:
    """The cross-fade, shorter where a scene has come out with too few frames for it (memory): that is said."""
    shortest = min(film.facts(path).seconds for path in films)
    if fade <= shortest / 2:
        return fade
    print(f"One scene has only {shortest:.2f} s: a cross-fade of {shortest / 2:.2f} s instead of {fade:g} s.")
    return shortest / 2


def _finished(path: Path, place: Path, fps: int, larger: int, sound: str) -> Path:
    """One film, smoother, then larger, then with its sound."""
    if fps:
        source, path = path, place / f"{path.stem}-smooth.mp4"
        _once(path, [source], ["smooth", fps], lambda: edit.interpolate(source, path, fps))
    if larger > 1:
        small, path = path, place / f"{path.stem}-large.mp4"
        _once(path, [small], ["large", larger], lambda: edit.upscale(small, path, larger))
    if sound:
        mute, path = path, place / f"{path.stem}-sound.mp4"
        heard = film.given(sound)
        _once(path, [mute, heard], ["sound"], lambda: edit.mux(mute, heard, path))
    return path


def _once(target: Path, sources: Sequence[Path], recipe: list, make: Callable[[], object]) -> Path:
    """`make()`, unless `target` is here as it was made by the same recipe of the same files."""
    of = sealed.digest([recipe, *(sealed.hashed(path)[1] for path in sources)])
    notes = target.with_name(NOTES)
    known = {}
    with suppress(OSError, ValueError):
        known = json.loads(notes.read_text(encoding="utf-8"))
    with suppress(OSError, AttributeError):
        if known.get(target.name) == [of, sealed.hashed(target)[1]]:
            return target
    make()
    storage.write_json(
        notes, {**(known if isinstance(known, dict) else {}), target.name: [of, sealed.hashed(target)[1]]}
    )
    return target
