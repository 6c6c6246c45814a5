"""`publish`: hand one variant to its platform, by the `publish.py` of its folder; a dry run unless told otherwise.

A publisher is one function, `publish(folder, shown, user, dry_run) -> lines to print`: `folder` holds the variant and
the files beside it, freshly compiled into a place of their own (dist/ is neither read nor touched), `shown` is what to
call that folder to people. It raises Refused for what would go wrong, and a dry run touches no network. No build and no
test pushes anything.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType

from anylab.compile import compile_all
from anylab.errors import Origin, refuse
from anylab.pairs import select
from anylab.platforms import Platform
from anylab.project import Project

FILE = "publish.py"


def publish(project: Project, platform: str, notebook: str, user: str = "", dry_run: bool = True) -> list[str]:
    """What the publisher has to say. Raises Refused when there is none, or it refuses."""
    build = compile_all(project)
    pairs = select(build.pairs, (notebook,), (platform,))
    if not pairs:
        reason = next(p.reason for p in build.pairs if (p.source.name, p.platform.id) == (notebook, platform))
        raise refuse(Origin(notebook), f"has no variant for {platform}: {reason}")
    (pair,) = pairs
    publisher = _publisher(pair.platform)
    with tempfile.TemporaryDirectory(prefix="anylab-publish-") as top:
        for path, data in build.variant_files(pair):
            target = Path(top, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        folder = Path(top, pair.path).parent
        return publisher.publish(folder, f"dist/{pair.path.rpartition('/')[0]}", user, dry_run)


def _publisher(platform: Platform) -> ModuleType:
    """The platform's own publisher. Raises Refused where it has none."""
    path = platform.folder / FILE
    shown = f"{platform.file.rpartition('/')[0]}/{FILE}"
    if not path.is_file():
        upload = platform.profile["open"]["upload"]
        raise refuse(Origin(shown), f"{platform.name} has no publisher; by hand: {upload}")
    spec = importlib.util.spec_from_file_location(f"anylab_publisher_{platform.id.replace('-', '_')}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise refuse(Origin(shown, error.lineno or 1), f"does not parse: {error.msg}") from None
    if not callable(getattr(module, "publish", None)):
        raise refuse(Origin(shown), "has no function publish(folder, shown, user, dry_run); add it")
    return module
