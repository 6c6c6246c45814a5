"""The link head: which name does this head call, raise, inherit? It points at whole names, and is trained on links.

Contract: a stage after pretraining. `train` learns from the training triples of a split on top of the frozen encoder,
and repeats exactly: order and dropout depend only on (seed, step), so a run that goes on equals one that never stopped.
`Linker.scores` gives a score to every candidate name; `ranking` judges it like any other method.

A score is a sum of two parts, learned together with cross-entropy over all candidates:
- q . t: q is made of the encoder's states of the head's text, hashed words of its name, class, module, signature,
  docstring and members, its known triples and the relation; t of a free vector for each name and its hashed words.
- what points at the candidate (`surroundings`): counts of training triples, what follows definitions that read like the
  head (`neighbours`), names in the scope and in the text. A gate decides from the relation, the head's kind and how
  much each source has seen what its three features are worth.

Decisions:
- Why not only leaves? Leaves spell a name token by token, and a rare name needs every token right. Counts are what a
  network of this size learns worst and a table knows for nothing: it is given the table and learns when to trust it.
- Nothing here starts with an advantage: all gates begin at zero, and the untrained head ranks at random.
- Much dropout, and decay on the tables: at 27,000 links this is a small-data problem (docs/lab-log.md).
- `left_out` takes parts away for comparisons: encoder, words, counts (neighbours with them), neighbours or scope.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphmer.contexts import BUCKETS, CLOSED, KINDS, OPEN, SCOPE, WORDS
from graphmer.knowledge import QUERIED
from graphmer.run import stop_button
from graphmer.surroundings import FEATURES, SOURCES, Asked, Surroundings
from graphmer.textstates import TextStates

VERSION = 2  # of the head's shape and inputs: a stored head of another one is trained anew
PARTS = {"encoder", "words", "counts", "neighbours", "scope"}


@dataclass(frozen=True)
class Settings:
    """`unseen` is the share of training questions asked as if nobody had read their package.

    `links` bounds the training links to the first so many, for a quick test; 0 is all.
    """

    epochs: int = 8
    batch: int = 256
    links: int = 0
    lr: float = 3e-3
    width: int = 64
    dropout: float = 0.7
    decay: float = 0.3
    unseen: float = 0.6
    seed: int = 0
    left_out: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "left_out", tuple(self.left_out))
        if unknown := set(self.left_out) - PARTS:
            raise ValueError(f"{', '.join(sorted(unknown))}: only {', '.join(sorted(PARTS))} can be left out")


class LinkHead(nn.Module):
    """Scores of all candidates. `states`: numbers per head from the encoder, `candidates`: how many names."""

    def __init__(self, candidates: int, states: int, s: Settings):
        super().__init__()
        d, self.dropout, self.left_out = s.width, s.dropout, s.left_out
        self.words, self.known = nn.Embedding(BUCKETS, d), nn.Embedding(BUCKETS, d)
        self.relation, self.kind = nn.Embedding(len(QUERIED), d), nn.Embedding(len(KINDS), d)
        self.names, self.bias = nn.Embedding(candidates, d), nn.Parameter(torch.zeros(candidates))
        self.spell = nn.Linear(d, d, bias=False)
        self.read = nn.Linear(states, d)
        self.query = nn.Sequential(
            nn.Linear((len(WORDS) + 4) * d, 2 * d), nn.GELU(), nn.Dropout(s.dropout), nn.Linear(2 * d, d),
            nn.LayerNorm(d),
        )  # fmt: skip
        self.gate = nn.Sequential(
            nn.Linear(len(QUERIED) + len(KINDS) + len(SOURCES), 64), nn.GELU(), nn.Linear(64, len(SOURCES) * FEATURES)
        )
        for table in (self.relation, self.kind):
            nn.init.normal_(table.weight, std=d**-0.5)
        # Small: a word that training never shows stays what it was, and has to say nothing.
        for table in (self.words, self.known):
            nn.init.normal_(table.weight, std=0.01)
        nn.init.zeros_(self.names.weight)
        nn.init.zeros_(self.gate[-1].weight)
        nn.init.zeros_(self.gate[-1].bias)
        kept = torch.ones(len(SOURCES))
        tables = len(OPEN) + len(CLOSED)
        kept[: tables + 1] = "counts" not in s.left_out
        kept[tables] *= "neighbours" not in s.left_out
        kept[-len(SCOPE) :] = "scope" not in s.left_out
        self.register_buffer("kept", kept, persistent=False)

    def forward(self, asked: "Batch", world: "World") -> Tensor:
        """(questions, candidates) fp32 scores."""
        scores = self._read(asked) @ self._names(world).T + self.bias
        gate = self._gate(asked)
        if self.kept[0]:
            # Each question's weights in the columns of its relation: one product instead of a gathered table each.
            placed = F.one_hot(asked.relation, len(QUERIED))[:, :, None] * gate[:, :1]
            scores = scores + placed.flatten(1) @ world.prior.transpose(1, 2).flatten(0, 1)
        who, source, candidate, features = asked.entries
        worth = (gate[who, source] * features).sum(1)
        return scores.flatten().index_add(0, who * scores.shape[1] + candidate, worth).view_as(scores)

    def _gate(self, asked: "Batch") -> Tensor:
        """(questions, sources, 3): what a feature is worth."""
        about = [F.one_hot(asked.relation, len(QUERIED)), F.one_hot(asked.kind, len(KINDS)), asked.totals * self.kept]
        return self.gate(torch.cat(about, 1)).view(-1, len(SOURCES), FEATURES) * self.kept[:, None]

    def _names(self, world: "World") -> Tensor:
        return self.names.weight + self.spell(
            F.embedding_bag(*world.spelling[:1], self.words.weight, world.spelling[1])
        )

    def _read(self, asked: "Batch") -> Tensor:
        """(questions, width)"""
        bags = [F.embedding_bag(ids, self.words.weight, first) for ids, first in asked.bags[:-1]]
        if "words" in self.left_out:
            bags = [torch.zeros_like(bag) for bag in bags]
        bags.append(F.embedding_bag(asked.bags[-1][0], self.known.weight, asked.bags[-1][1]))
        state = self.read(asked.states)
        bags.append(torch.zeros_like(state) if "encoder" in self.left_out else state)
        parts = torch.cat([*bags, self.relation(asked.relation), self.kind(asked.kind)], 1)
        return self.query(F.dropout(parts, self.dropout, self.training))


@dataclass(frozen=True)
class World:
    """What all questions share: `prior` (relations, candidates, 3), `spelling` (ids, first) of the candidates."""

    prior: Tensor
    spelling: tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Batch:
    """`surroundings.Asked` as tensors; `states` (questions, n) of the heads' texts, `kind` (questions,)."""

    states: Tensor
    relation: Tensor
    kind: Tensor
    bags: tuple[tuple[Tensor, Tensor], ...]
    entries: tuple[Tensor, Tensor, Tensor, Tensor]
    totals: Tensor
    barred: tuple[Tensor, Tensor]


def to_device(asked: Asked, states: TextStates) -> Batch:
    """The arrays of `asked` as tensors on the encoder's device."""

    def move(array):
        array = array if array.dtype == np.float32 else array.astype(np.int64)
        return torch.from_numpy(np.ascontiguousarray(array)).to(states.device)

    return Batch(
        states.of(asked.heads), move(asked.relations), move(states.around.kind[asked.heads]),
        tuple((move(ids), move(first)) for ids, first in asked.bags), tuple(map(move, asked.entries)),
        move(asked.totals), tuple(map(move, asked.barred)),
    )  # fmt: skip


@dataclass
class Run:
    """A stage's whole state. `losses` holds (step, nats per link) since the last line of each."""

    head: LinkHead
    settings: Settings
    optimizer: torch.optim.Optimizer
    step: int = 0
    losses: list = field(default_factory=list)


def new_run(around: Surroundings, states: TextStates, settings: Settings) -> Run:
    """A stage at step 0."""
    torch.manual_seed(settings.seed)
    head = LinkHead(len(around.names), states.size, settings).to(states.device)
    return Run(head, settings, _optimizer(head, settings))


def _optimizer(head: LinkHead, s: Settings) -> torch.optim.Optimizer:
    tables = [head.words.weight, head.known.weight, head.names.weight]
    others = [p for p in head.parameters() if all(p is not table for table in tables)]
    groups = [{"params": tables, "weight_decay": s.decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=s.lr, betas=(0.9, 0.98))


def world(around: Surroundings, device: torch.device) -> World:
    """The shared tensors on the device."""
    ids, first = around.spelling.flat.astype(np.int64), around.spelling.offsets[:-1]
    spelling = torch.from_numpy(ids).to(device), torch.from_numpy(first.copy()).to(device)
    return World(torch.from_numpy(around.prior).to(device), spelling)


def steps_of(around: Surroundings, s: Settings) -> int:
    """Optimiser steps of the whole stage."""
    return s.epochs * max(1, round(len(_chosen(around, s)) / s.batch))


def _chosen(around: Surroundings, s: Settings) -> np.ndarray:
    """Training links (n, 3)."""
    return around.triples[: s.links or None]


def train(
    states: TextStates,
    run: Run,
    on_log: Callable[[int, int, float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Run:
    """Train until the settings' end, or until told to stop (the stop button counts, too: the step in work is finished);
    `on_log(step, steps, nats per link)` every twentieth."""
    s, around, device = run.settings, states.around, states.device
    shared, links, steps = world(around, device), _chosen(around, s), steps_of(around, s)
    per_epoch, total, since, order = steps // s.epochs, torch.zeros((), device=device), run.step, None
    if "encoder" not in s.left_out:
        states.of(links[:, 0])  # all at once: that is faster than batch by batch
    run.head.train()
    with stop_button() as pressed:
        while run.step < steps and not (pressed.is_set() or (should_stop is not None and should_stop())):
            epoch, number = divmod(run.step, per_epoch)
            if order is None or not number:
                order, chance = _order(s.seed, epoch, len(links))
            part = np.array_split(order, per_epoch)[number]
            total += _step(run, shared, states, links[part], chance[part] < s.unseen, steps)
            if run.step % max(1, steps // 20) == 0 or run.step == steps:
                run.losses.append((run.step, total.item() / (run.step - since)))
                total, since = torch.zeros_like(total), run.step
                if on_log is not None:
                    on_log(run.step, steps, run.losses[-1][1])
    run.head.eval()
    return run


def _order(seed: int, epoch: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(order of the links in an epoch, a number in [0, 1) for each)."""
    draw = np.random.default_rng([seed, epoch])
    return draw.permutation(count), draw.random(count)


def _step(run: Run, shared: World, states: TextStates, links: np.ndarray, unseen: np.ndarray, steps: int) -> Tensor:
    """One optimiser step; its loss."""
    s, around = run.settings, states.around
    head, relation, gold = links.T
    # As if unseen only where another package names the answer too: a name of one's own cannot be known.
    unseen = unseen & around.outside[around.package[head], gold]
    asked = to_device(around.ask(head, relation, gold, unseen), states)
    torch.manual_seed(s.seed * 1_000_003 + run.step)  # for the dropout, as in `train.train`
    scores = run.head(asked, shared).index_put(asked.barred, torch.tensor(-1e4, device=states.device))
    loss = F.cross_entropy(scores, torch.from_numpy(gold).to(states.device))
    loss.backward()
    for group in run.optimizer.param_groups:
        group["lr"] = s.lr * min(1, (run.step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * run.step / steps))
    nn.utils.clip_grad_norm_(run.head.parameters(), 1.0)
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    run.step += 1
    return loss.detach()


class Linker:
    """A trained head with the same question as counting: scores of all candidates."""

    def __init__(self, run: Run, states: TextStates, encoder_step: int = 0):
        self.run, self.states, self.encoder_step = run, states, encoder_step

    def untrained(self, encoder) -> "Linker":
        """The same head before any training, on the states of another encoder."""
        states = TextStates(encoder, self.states.around, self.states.tokenizer, self.states.settings)
        return Linker(new_run(self.states.around, states, self.run.settings), states)

    @torch.no_grad()
    def scores(self, triples: Sequence[tuple[str, str, str]], part: int = 256) -> Iterator[np.ndarray]:
        """(candidates,) for the head and relation of each triple; the tail is not looked at."""
        self.run.head.eval()
        around, shared = self.states.around, world(self.states.around, self.states.device)
        heads, relations = self._asked(triples)
        for at in range(0, len(triples), part):
            asked = around.ask(heads[at : at + part], relations[at : at + part])
            yield from self.run.head(to_device(asked, self.states), shared).cpu().numpy()

    def shares(self, triples: Sequence[tuple[str, str, str]]) -> np.ndarray:
        """(questions, candidates): what follows definitions like each head, without any training (`neighbours`)."""
        return self.states.around.near.shares(*self._asked(triples))

    def _asked(self, triples: Sequence[tuple[str, str, str]]) -> tuple[np.ndarray, np.ndarray]:
        heads = np.array([self.states.around.heads[head] for head, _, _ in triples])
        return heads, np.array([QUERIED.index(relation) for _, relation, _ in triples])
