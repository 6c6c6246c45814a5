"""The visible label: small words in a corner that say a machine made the mouth move."""

import numpy
from labkit import Stop

WORDS = "AI-generated"
ON, OFF = "on", "off: I say myself, wherever I show it, that a machine made it"


def wanted(choice: str) -> str:
    """The words for a film: WORDS, or "" for OFF word by word, which is the acknowledgement. Raises Stop."""
    if choice not in (ON, OFF):
        raise Stop(f"the label is '{ON}', or it is turned off with the whole sentence '{OFF}'; not '{choice}'")
    return WORDS if choice == ON else ""


class Label:
    """Words on a dark plate, for frames of one size; `draw` puts them into a frame in place."""

    def __init__(self, width: int, height: int, words: str = WORDS):
        from PIL import Image, ImageDraw, ImageFont

        size = max(11, round(min(width, height) * 0.032))
        try:
            font = ImageFont.load_default(size)
        except TypeError:  # Pillow before 10.1 knows one size
            font = ImageFont.load_default()
        pad = max(3, size // 3)
        left, top, right, bottom = font.getbbox(words)
        plate = Image.new("L", (right - left + 2 * pad, bottom - top + 2 * pad), 0)
        ImageDraw.Draw(plate).text((pad - left, pad - top), words, fill=255, font=font)
        ink = numpy.asarray(plate, numpy.float32)[..., None] / 255
        edge = max(4, size // 2)
        self.rows = slice(max(0, height - edge - ink.shape[0]), max(0, height - edge))
        self.columns = slice(edge, min(width, edge + ink.shape[1]))
        ink = ink[: self.rows.stop - self.rows.start, : self.columns.stop - self.columns.start]
        # what stays of the frame, and what is added: a plate of 55 % black, letters of nearly white
        self.keep, self.add = (1 - 0.55) * (1 - ink), ink * 245

    def draw(self, frame: numpy.ndarray) -> None:
        spot = frame[self.rows, self.columns]
        frame[self.rows, self.columns] = (spot * self.keep + self.add).round().astype(numpy.uint8)
