"""What a notebook says that it produces is opened again, outside the notebook, and looked at.

Front matter names a file pattern and what it is: `produces: [{file: losses.png, is: picture}]`. A run without such a
file, or with one that cannot be read or is empty of content, has failed. Libraries are imported where they are used.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from anylab.source import Source

REPORT = "run-report.toml"  # every variant keeps its report at the top of its outputs


def fault(source: Source, root: Path) -> str:
    """'' when the outputs below `root` are as the source declares, else one line with the declaration's place."""
    declared = source.front.get("produces", [])
    reports = sorted(root.rglob(REPORT))
    if declared and not reports:
        return f"{source.at('produces')}: the run kept no {REPORT}, so its outputs cannot be found"
    for i, wanted in enumerate(declared):
        paths = sorted(path for path in reports[0].parent.rglob(wanted["file"]) if path.is_file())
        if not paths:
            return f"{source.at('produces', i)}: the run left no {wanted['file']}"
        for path in paths:
            try:
                why = KINDS[wanted["is"]](path, wanted)
            except ImportError as missing:
                why = f"looking at it needs the package '{missing.name}': pip install {missing.name}"
            except Exception as error:  # whatever a broken file makes its library raise
                why = f"cannot be read ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
            if why:
                return f"{source.at('produces', i)}: {path.name}: {why}"
    return ""


def _safetensors(path: Path, wanted: Mapping[str, Any]) -> str:
    """Every tensor loads and is finite; with torch where it is there, since numpy knows no bf16."""
    from safetensors import safe_open

    with safe_open(path, framework="pt" if importlib.util.find_spec("torch") else "numpy") as file:
        names = list(file.keys())
        bad = [name for name in names if not _finite(file.get_tensor(name))]
    return "holds no tensor" if not names else f"{bad[0]} is not finite" if bad else ""


def _finite(array: Any) -> bool:
    if hasattr(array, "isfinite"):
        return bool(array.isfinite().all()) if array.is_floating_point() else True
    import numpy

    return bool(numpy.isfinite(array).all()) if array.dtype.kind == "f" else True


def _picture(path: Path, wanted: Mapping[str, Any]) -> str:
    """It decodes, and is not of one colour."""
    from PIL import Image

    with Image.open(path) as image:
        image.load()
        extremes = image.convert("L").getextrema()
        size = image.size
    if min(size) < 16:
        return f"is only {size[0]} x {size[1]} pixels"
    return "is of one colour" if extremes[0] == extremes[1] else ""


def _table(path: Path, wanted: Mapping[str, Any]) -> str:
    """JSON or CSV with at least one number, and none that is no number."""
    text = path.read_text(encoding="utf-8")
    values = list(_numbers(json.loads(text) if path.suffix == ".json" else list(csv.reader(text.splitlines()))))
    if not values:
        return "holds no number"
    return "" if all(map(math.isfinite, values)) else "holds a number that is none (nan or infinite)"


def _numbers(data: Any) -> Iterable[float]:
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, list):
        for value in data:
            yield from _numbers(value)
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield float(data)
    elif isinstance(data, str):
        try:
            yield float(data)
        except ValueError:
            return


def _audio(path: Path, wanted: Mapping[str, Any]) -> str:
    """It decodes to so many seconds, and is not silent."""
    import av
    import numpy

    with av.open(str(path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    seconds = sum(frame.shape[-1] for frame in frames) / rate
    if seconds < wanted.get("seconds", 0.1):
        return f"lasts {seconds:.2f} s, should be {wanted.get('seconds', 0.1)} s or more"
    return "" if any(numpy.abs(frame).max() > 0 for frame in frames) else "is silent"


def _video(path: Path, wanted: Mapping[str, Any]) -> str:
    """It decodes to so many frames, neither black nor frozen, and has sound where that is declared."""
    import av

    with av.open(str(path)) as container:
        if wanted.get("sound") and not container.streams.audio:
            return "has no sound"
        length = float(container.duration or 0) / av.time_base
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    if wanted.get("sound") and (why := _audio(path, {"seconds": wanted.get("seconds", length * 0.8)})):
        return f"its sound {why}"
    if len(frames) < wanted.get("frames", 2):
        return f"has {len(frames)} frames, should be {wanted.get('frames', 2)} or more"
    if max(int(frame.max()) for frame in frames) < 16:
        return "is black"
    return "is frozen" if all((frame == frames[0]).all() for frame in frames) else ""


KINDS: dict[str, Callable[[Path, Mapping[str, Any]], str]] = {
    "safetensors": _safetensors, "picture": _picture, "table": _table, "audio": _audio, "video": _video,
}  # fmt: skip
