"""What Whisper hears, 25 times a second: windows of all its encoder's hidden states.

Sound is cut into pieces of 30 s; each gives 1500 steps of five vectors (the inputs of the four layers and the last
output). Frame i takes the ten steps from 2i - 4 on; before the beginning and behind the end stand zeros. Two pieces are
held at once, so that an hour needs no more memory than a minute.
"""

import math

from lipsync.nets import Nets
from lipsync.speech import RATE, Speech

PIECE, STEPS = 30, 50  # seconds of a piece; steps of the encoder a second
BEFORE, TAKEN = 4, 10  # zero steps in front; steps of a window


def steps(samples: int) -> int:
    """Steps of the encoder that so many samples at 16 kHz are worth."""
    return math.floor(samples / RATE * STEPS)


class Ears:
    """The windows of one speech."""

    def __init__(self, nets: Nets, speech: Speech):
        self.nets, self.speech, self.pieces = nets, speech, {}

    def windows(self, begin: int, end: int):
        """The windows of frames begin..end - 1, (n, 50, width) float32: ten steps one after the other, five vectors
        each."""
        import torch

        total = steps(self.speech.samples)
        first, last = 2 * begin - BEFORE, 2 * (end - 1) - BEFORE + TAKEN
        heard = torch.zeros(last - first, *self._piece(0).shape[1:])
        for number in range(max(0, first) // (PIECE * STEPS), (min(last, total) - 1) // (PIECE * STEPS) + 1):
            low = number * PIECE * STEPS
            a, b = max(first, low, 0), min(last, low + PIECE * STEPS, total)
            if a < b:
                heard[a - first : b - first] = self._piece(number)[a - low : b - low]
        rows = [heard[2 * i : 2 * i + TAKEN].flatten(0, 1) for i in range(end - begin)]
        return torch.stack(rows)

    def _piece(self, number: int):
        """The hidden states of a piece, (1500, 5, width) float32 on the processor."""
        import torch

        if number not in self.pieces:
            sound = self.speech.read(number * PIECE * RATE, (number + 1) * PIECE * RATE)
            inputs = self.nets.extractor(sound, sampling_rate=RATE, return_tensors="pt").input_features
            with torch.inference_mode():
                states = self.nets.ears(inputs.to(self.nets.device), output_hidden_states=True).hidden_states
            self.pieces = {k: v for k, v in self.pieces.items() if k >= number - 1}  # the one before may be asked for
            self.pieces[number] = torch.stack(states, 2)[0].float().cpu()
        return self.pieces[number]
