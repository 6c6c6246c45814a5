"""What the trained encoder makes of a head's text, frozen: the part of a question that the link head takes from it.

Contract: signature and docstring alone, no leaves, so no triple is in view, and never a body. A state is computed when
it is first asked for, then kept.
"""

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from graphmer.chains import plain
from graphmer.corpus import SIG_DOC, ChainSettings, header_text, view_text
from graphmer.model import GraphMER
from graphmer.ranking import states_of
from graphmer.surroundings import Surroundings
from graphmer.tokens import encode_batch


class TextStates:
    """States (2 * width,) fp32: the mean over a head's names, and over its signature and docstring.

    Taken to mean 0 and deviation 1 by a sample of heads: all states share a large common part.
    """

    def __init__(
        self, model: GraphMER, around: Surroundings, tokenizer: Tokenizer, settings: ChainSettings, sample: int = 512
    ):
        self.model, self.around, self.tokenizer, self.settings = model, around, tokenizer, settings
        self.size, self.device = 2 * model.config.width, next(model.parameters()).device
        self.done = torch.zeros(len(around.heads), dtype=torch.bool)
        self.found = torch.zeros(len(around.heads), self.size, device=self.device)
        self.middle, self.spread = torch.zeros(self.size, device=self.device), torch.ones(self.size, device=self.device)
        some = self._read(np.unique(np.linspace(0, len(around.heads) - 1, sample).astype(int)))
        self.middle, self.spread = some.mean(0), some.std(0).clamp(min=1e-6)

    def of(self, heads: np.ndarray) -> Tensor:
        """(len(heads), size) on the encoder's device."""
        missing = np.unique(heads[~self.done[heads].numpy()])
        if len(missing):
            self.found[missing] = self._read(missing)
            self.done[missing] = True
        return self.found[heads]

    def _read(self, heads: np.ndarray) -> Tensor:
        texts = [self.around.definitions[head] for head in heads.tolist()]
        limit = 6 * self.settings.roots  # characters: more than the roots can hold
        names = encode_batch(self.tokenizer, [header_text(d, SIG_DOC) for d in texts])
        rest = encode_batch(self.tokenizer, [view_text(d, SIG_DOC)[:limit] for d in texts])
        graphs = [plain(a + b, self.settings.roots) for a, b in zip(names, rest, strict=True)]
        cut = {id(graph): min(len(a) + 1, len(graph) - 1) for a, graph in zip(names, graphs, strict=True)}

        def means(model, states, graphs, where):
            flat = states.flatten(0, 1).float()
            ends = [(at, at + cut[id(graph)], at + n) for graph, (at, n) in zip(graphs, where, strict=True)]
            return [torch.cat([flat[a:b].mean(0), flat[b:c].mean(0)]) for a, b, c in ends]

        states = torch.stack(states_of(self.model, graphs, self.settings, 16, means))
        return (states - self.middle) / self.spread
