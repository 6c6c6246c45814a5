"""Latents of a face that are used again: a photo, a clip that runs to and fro, a second take of the same video.

Encoding is two fifths of a frame's work. What was encoded stays in memory up to a bound, and on the disk in blocks of
250 frames of the clip; 16 kB a frame. Where the disk is nearly full, or the clip very long, nothing is kept there.
"""

from collections import OrderedDict
from pathlib import Path

from labkit import Stop, storage

BLOCK, HELD, LONGEST = 250, 2000, 30_000  # frames: of a file, in memory, of a clip whose latents are kept on the disk
_ROOM = 2.0  # GB of disk that stay free


class Latents:
    """Latents by the clip's frame, (8, h, w) on the processor."""

    def __init__(self, folder: Path | None, frames: int):
        self.folder = folder if folder is not None and frames <= LONGEST else None
        self.held: OrderedDict = OrderedDict()
        self.opened, self.fresh, self.hits = set(), {}, 0

    def get(self, frame: int):
        """The latents of a frame, or None."""
        if frame not in self.held and self.folder is not None and frame // BLOCK not in self.opened:
            self._open(frame // BLOCK)
        found = self.held.get(frame)
        self.hits += found is not None
        return found

    def put(self, frame: int, z) -> None:
        """Keep the latents of a frame."""
        self.held[frame] = z
        self.fresh[frame] = z
        while len(self.held) > HELD:
            self.opened.discard(self.held.popitem(last=False)[0] // BLOCK)  # to be read again when it is asked for
        if len(self.fresh) > 4 * BLOCK:
            self.save()

    def save(self) -> None:
        """Write what is new to the disk; what another process has written there stays."""
        from session import machine

        fresh, self.fresh = self.fresh, {}
        if self.folder is None or not fresh:
            return
        try:
            with storage.told(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            if machine.disk_free_gb(self.folder) < _ROOM:
                raise Stop("the disk is nearly full, so latents are not kept")
            for block in {frame // BLOCK for frame in fresh}:
                mine = {frame: z for frame, z in fresh.items() if frame // BLOCK == block}
                self._write(block, self._read(block) | mine)
        except Stop as stop:
            print(stop)
            self.folder = None

    def _open(self, block: int) -> None:
        self.opened.add(block)
        for frame, z in self._read(block).items():
            self.held.setdefault(frame, z)

    def _read(self, block: int) -> dict:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return {int(name): z for name, z in load_file(self.folder / f"{block:05}.safetensors").items()}
        except (OSError, SafetensorError, ValueError):
            return {}

    def _write(self, block: int, rows: dict) -> None:
        from safetensors.torch import save

        data = save({str(frame): z.contiguous() for frame, z in sorted(rows.items())})
        storage.write_whole(self.folder / f"{block:05}.safetensors", data)
