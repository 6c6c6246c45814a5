"""Push a variant to Kaggle through the official client (kaggle 2.2.4 and kagglesdk 0.1.37, read on 2026-11-20).

A dry run takes the same way through the client's own code, `KaggleApi.kernels_push`, with its network part replaced:
what is printed is the request that it would have sent. The client checks little (no upper bound of a title, no
accelerator, nothing about GPU and shape together), so that is checked here first.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from anylab.errors import Origin, Problem, Refused, refuse
from anylab.templating import slug

FILE = "kernel-metadata.json"
CLIENT = (2, 2)
GET = (
    "Kaggle wants credentials: kaggle.com/settings > API > Generate New Token, saved as ~/.kaggle/access_token or in "
    "KAGGLE_API_TOKEN; or run: kaggle auth login"
)
INSTALL = 'the official client is not installed; run: pip install -e ".[publish]" (or: pip install "kaggle>=2.2" six)'
TITLE = (5, 50)  # characters: the client refuses less, the web cuts more
# shapes of docs/kernels_metadata.md (Kaggle/kaggle-cli#1198, merged 2026-09-17)
GPU_SHAPES = {"NvidiaTeslaT4": "GPU T4 x2"}
TPU_SHAPES = {"TpuV5E8": "TPU v5e-8"}
RETIRED = {
    "NvidiaTeslaP100": "NvidiaTeslaT4",
    "TpuV38": "TpuV5E8",
    "Tpu1VmV38": "TpuV5E8",
    "TpuV232": "",
    "TpuV2256": "",
}
BOOLEANS = ("is_private", "enable_gpu", "enable_tpu", "enable_internet")
SOURCES = ("dataset", "competition", "kernel", "model")
ACCELERATORS = {
    "NvidiaTeslaT4": "nvidiaTeslaT4",
    "TpuV5E8": "tpuV5e8",
    "": "none",
}  # the same in the notebook's own block


def publish(folder: Path, shown: str, user: str, dry_run: bool) -> list[str]:
    """Push the variant in `folder`, or say what a push would send; lines to print. Raises Refused."""
    origin = Origin(f"{shown}/{FILE}")
    if user and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", user):
        raise refuse(Origin(f"--user {user}"), "is no Kaggle user name: letters, digits, _ and -")
    push = _read(folder / FILE, origin)
    problems = [Problem(origin, what) for what in faults(push, folder)]
    if problems:
        raise Refused(problems)
    client = _client(offline=dry_run)
    if dry_run:
        _own(folder, push, user)
        return _told(_request(client, folder, origin), folder, user)
    api = _authenticated(client)
    _own(folder, push, user or api.config_values.get(api.CONFIG_NAME_USER) or "")
    return [_pushed(api, folder, origin)]


def _read(path: Path, origin: Origin) -> dict[str, Any]:
    try:
        push = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(push, dict):
            raise ValueError("it holds no table")
        return push
    except (OSError, ValueError) as error:
        raise refuse(origin, f"cannot be read: {error}") from None


def faults(push: dict[str, Any], folder: Path) -> Iterator[str]:
    """What the client would let through, or say less well."""
    for key in BOOLEANS:
        if not isinstance(push.get(key), bool):
            yield f"'{key}' must be true or false, not {push.get(key)!r}; write it out, since defaults differ"
    for kind in SOURCES:
        if not isinstance(push.get(f"{kind}_sources", []), list):
            yield f"'{kind}_sources' must be a list; write [] for none"
    title, id = str(push.get("title", "")), str(push.get("id", ""))
    if not TITLE[0] <= len(title) <= TITLE[1]:
        yield f"the title has {len(title)} characters, Kaggle takes {TITLE[0]} to {TITLE[1]}; write another"
    if id.count("/") != 1 or not all(id.split("/")):
        yield f"'id' must be USER/SLUG, not '{id}'"
    elif id.split("/")[1] != slug(title):
        yield f"the title makes the address '{slug(title)}', the id says '{id.split('/')[1]}'; Kaggle would rename it"
    yield from _shape_faults(push)
    code = folder / str(push.get("code_file", ""))
    if not code.is_file():
        yield f"'code_file' names {push.get('code_file')!r}, which is not beside it"
        return
    yield from _block_faults(push, code)


def _shape_faults(push: dict[str, Any]) -> Iterator[str]:
    shape = push.get("machine_shape", "")
    if shape in RETIRED:
        yield f"the accelerator {shape} is retired; write '{RETIRED[shape]}'"
    elif shape not in {"", *GPU_SHAPES, *TPU_SHAPES}:
        yield f"unknown accelerator '{shape}'; known: {', '.join([*GPU_SHAPES, *TPU_SHAPES])}, or '' for none"
    else:
        for key, shapes in (("enable_gpu", GPU_SHAPES), ("enable_tpu", TPU_SHAPES)):
            if push.get(key) is not (shape in shapes):
                yield f"'{key}' is {push.get(key)} and machine_shape is '{shape}', which wins; make them agree"


def _block_faults(push: dict[str, Any], code: Path) -> Iterator[str]:
    """An import through the web reads the notebook's own block, a push this file: they must say the same."""
    block = json.loads(code.read_text(encoding="utf-8")).get("metadata", {}).get("kaggle", {})
    wanted = {"isGpuEnabled": push.get("enable_gpu"), "isInternetEnabled": push.get("enable_internet")}
    wanted["accelerator"] = ACCELERATORS.get(push.get("machine_shape", ""))
    for key, value in wanted.items():
        if block.get(key) != value:
            yield f"the notebook's own block has {key} {block.get(key)!r}, this file means {value!r}; make them agree"


def _own(folder: Path, push: dict[str, Any], user: str) -> None:
    """The owner in the id replaced, in the copy that is pushed."""
    if user:
        push["id"] = f"{user}/{push['id'].rpartition('/')[2]}"
        (folder / FILE).write_text(json.dumps(push, indent=2) + "\n", encoding="utf-8")


def _client(offline: bool) -> Any:
    """The client's class. Importing it tries to log in, which a dry run does not let out of the machine."""
    try:
        version = metadata.version("kaggle")
        with _offline() if offline else contextlib.nullcontext(), contextlib.redirect_stdout(io.StringIO()):
            from kaggle.api.kaggle_api_extended import KaggleApi
    except (metadata.PackageNotFoundError, ImportError) as missing:
        name = getattr(missing, "name", None)
        raise refuse(Origin(name or "kaggle"), INSTALL) from None
    if tuple(int(n) for n in re.findall(r"\d+", version)[:2]) < CLIENT:
        raise refuse(
            Origin(f"kaggle {version}"), 'is too old to name an accelerator; run: pip install "kaggle>=2.2" six'
        )
    return KaggleApi


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """No connection leaves while this is open."""

    def refused(*_: Any, **__: Any) -> None:
        raise OSError("a dry run asks nobody")

    before = socket.socket.connect, socket.getaddrinfo
    socket.socket.connect, socket.getaddrinfo = refused, refused  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        socket.socket.connect, socket.getaddrinfo = before  # type: ignore[method-assign]


def _request(client: Any, folder: Path, origin: Origin) -> Any:
    """The request that the client's own code makes, which is kept here instead of sent."""
    kept: list[Any] = []
    network = SimpleNamespace(kernels=SimpleNamespace(kernels_api_client=SimpleNamespace(save_kernel=kept.append)))
    api = client.__new__(client)
    api.build_kaggle_client = lambda: contextlib.nullcontext(network)
    said = io.StringIO()
    try:
        with _offline(), contextlib.redirect_stdout(said):
            api.kernels_push(str(folder))
    except (ValueError, TypeError, KeyError) as error:
        raise refuse(origin, f"Kaggle's client refuses it: {error}") from None
    if said.getvalue().strip():
        raise refuse(origin, f"Kaggle's client warns: {' '.join(said.getvalue().split())}")
    return kept[0]


def _told(request: Any, folder: Path, user: str) -> list[str]:
    shape = request.machine_shape or ""
    sources = [s for kind in SOURCES for s in getattr(request, f"{kind}_data_sources") or []]
    note = "" if user else "  (put your own name there with --user)"
    return [
        f"would push   {request.slug}{note}",
        f"title        {request.new_title}",
        f"accelerator  {(GPU_SHAPES | TPU_SHAPES)[shape] + f' ({shape})' if shape else 'none (CPU)'}",
        f"internet     {'on' if request.enable_internet else 'off'}",
        f"privacy      {'private' if request.is_private else 'public'}",
        f"sources      {', '.join(sources) or 'none'}",
        f"notebook     {request.language} {request.kernel_type}, {len(request.text.encode()):,} bytes",
        f"Dry run: kaggle {metadata.version('kaggle')} has checked it, Kaggle was not asked. To push it: add --push",
    ]


def _authenticated(client: Any) -> Any:
    """The client, logged in. Raises Refused with where to get credentials."""
    api = client()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            api.authenticate()
    except SystemExit:
        raise refuse(Origin("--push"), GET) from None
    except Exception as error:  # requests' and the client's own, many types
        raise refuse(Origin("--push"), f"Kaggle could not be asked: {_first(error)}") from None
    return api


def _pushed(api: Any, folder: Path, origin: Origin) -> str:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            answer = api.kernels_push(str(folder))
    except Exception as error:  # requests' and the client's own, many types
        raise refuse(origin, f"the push failed: {_first(error)}") from None
    lost = [s for kind in SOURCES for s in getattr(answer, f"invalid_{kind}_sources", None) or []]
    if answer.error or lost:
        raise refuse(origin, f"Kaggle refuses it: {answer.error or 'unknown sources ' + ', '.join(lost)}")
    return f"Pushed version {answer.version_number}, which Kaggle runs now, out of your weekly hours: {answer.url}"


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__
