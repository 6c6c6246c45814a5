"""What else a trained model is asked: masked words of unseen text, code search, types of its answers, calibration.

Contract: each function returns plain numbers, beside those of a method that did not train; dropout is off.
"""

import ast
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from graphmer.chains import plain
from graphmer.corpus import ChainSettings, Corpus, last_component
from graphmer.device import autocast
from graphmer.drawing import Resident
from graphmer.knowledge import Definition
from graphmer.model import GraphMER
from graphmer.ranking import Questions, states_of
from graphmer.rows import assemble, stream
from graphmer.splits import share
from graphmer.tokens import encode_batch

# What a relation's tail must be (the builder's own rules).
RANGES = {
    "calls": {"Function", "Method"}, "instantiates": {"Class"}, "raises": {"Class"}, "catches": {"Class"},
    "inherits": {"Class"}, "imports": {"Module"}, "decorated_by": {"Function", "Method", "Class"},
}  # fmt: skip


@torch.no_grad()
def masked_words(model: GraphMER, test: Corpus, unigram: np.ndarray, rows: int = 16) -> dict:
    """Masked words of unseen text: accuracy and perplexity, and the same for `unigram` log-probabilities."""
    model.eval()
    device = next(model.parameters()).device
    source = stream(Resident(test, device))
    scores, targets = [], []
    for _ in range(max(1, rows // 16)):
        batch = assemble([next(source)[0] for _ in range(min(rows, 16))], test.settings.row_tokens)
        with autocast(device):
            scores.append(model.predict(model.encode(batch), batch.root_where).log_softmax(-1).cpu())
        targets.append(batch.root_target.cpu().numpy())
    scores, target = torch.cat(scores), np.concatenate(targets)
    picked = scores.gather(1, torch.from_numpy(target)[:, None])
    return {
        "tokens": len(target),
        "accuracy": float((scores.argmax(-1).numpy() == target).mean()),
        "perplexity": float(np.exp(-picked.mean().item())),
        "unigram_accuracy": float((target == unigram.argmax()).mean()),
        "unigram_perplexity": float(np.exp(-unigram[target].mean())),
    }


def code_search(
    model: GraphMER, definitions: Sequence[Definition], tokenizer, settings: ChainSettings, limit: int
) -> dict:
    """Find a docstring's function among `limit`: MRR@10 of the encoder's mean states and of TF-IDF."""
    pairs = []
    for d in sorted(definitions, key=lambda d: share(d.name)):
        if len(pairs) < limit and d.source and len(d.doc.split()) >= 4 and (code := without_docstring(d.source)):
            pairs.append((d.doc, code))
    if len(pairs) < 2:
        return {"pairs": len(pairs)}
    docs, codes = zip(*pairs, strict=True)
    similar = {"tf-idf": _tf_idf(docs, codes), "model": _states(model, docs, codes, tokenizer, settings)}
    result: dict = {"pairs": len(pairs)}
    for name, table in similar.items():
        own = np.diagonal(table)[:, None]
        ranks = 1 + (table > own).sum(1) + ((table == own).sum(1) - 1) / 2
        result[name] = float(np.where(ranks <= 10, 1 / ranks, 0.0).mean())
    return result


def without_docstring(source: str) -> str:
    """A function's source without its docstring; "" where nothing else is there or it does not parse alone."""
    try:
        body = ast.parse(source).body[0].body
    except (SyntaxError, ValueError, IndexError, AttributeError, RecursionError, MemoryError):
        return ""
    first = body[0]
    if not (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    ):
        return source
    lines = source.split("\n")
    return "\n".join(lines[: first.lineno - 1] + lines[first.end_lineno :]) if len(body) > 1 else ""


def subtokens(text: str) -> list[str]:
    """Words, and parts of identifiers in lower case: `parseHTTPHeader_2` -> parse, http, header, 2."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", text)]


def _tf_idf(docs: Sequence[str], codes: Sequence[str]) -> np.ndarray:
    """(docs, codes) cosine of 1 + log tf times idf over the codes."""
    counted = [Counter(subtokens(code)) for code in codes]
    seen = Counter(word for words in counted for word in words)
    place = {word: i for i, word in enumerate(seen)}
    idf = np.log(len(codes) / np.array(list(seen.values()))) + 1

    def table(bags):
        out = np.zeros((len(bags), len(place)), dtype=np.float32)
        for row, bag in zip(out, bags, strict=True):
            for word, n in bag.items():
                if word in place:
                    row[place[word]] = (1 + np.log(n)) * idf[place[word]]
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)

    return table([Counter(subtokens(doc)) for doc in docs]) @ table(counted).T


def _states(model, docs, codes, tokenizer, settings: ChainSettings) -> np.ndarray:
    """(docs, codes) cosine of mean states, each side's own mean taken out (all states share a large common part)."""

    def mean(model, states, graphs, where):
        flat = states.flatten(0, 1).float()
        return [flat[at : at + n].mean(0).cpu() for at, n in where]

    sides = []
    for texts in (docs, codes):
        chains = [plain(ids, settings.roots) for ids in encode_batch(tokenizer, [f" {t}"[:4000] for t in texts])]
        vectors = torch.stack(states_of(model, chains, settings, 16, mean)).numpy()
        vectors -= vectors.mean(0)
        sides.append(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
    return sides[0] @ sides[1].T


def allowed_types(names: Sequence[str], kinds: dict[str, str]) -> dict[str, np.ndarray]:
    """Relation -> (candidates,) bool: some entity of that name has a type that the relation's tail may have."""
    types: dict[str, set[str]] = {}
    for entity, kind in kinds.items():
        types.setdefault(last_component(entity), set()).add(kind)
    return {r: np.array([bool(types.get(n, set()) & wanted) for n in names]) for r, wanted in RANGES.items()}


def answers_judged(questions: Questions, scores: Sequence[np.ndarray | None], allowed: dict[str, np.ndarray]) -> dict:
    """Of the model's answers: the share (and probability mass) of a wrong type, and the calibration of the first one.

    `ece`: expected calibration error over ten equal bins of confidence; `bins` lists (confidence, right, answers).
    """
    wrong, mass, confidence, right = [], [], [], []
    for (_, relation, _), gold, known, score in zip(
        questions.triples, questions.gold, questions.known, scores, strict=True
    ):
        if score is None:
            continue
        share_of = np.exp(score - score.max())
        share_of /= share_of.sum()
        first = int(score.argmax())
        wrong.append(not allowed[relation][first])
        mass.append(float(share_of[~allowed[relation]].sum()))
        confidence.append(float(share_of[first]))
        right.append(first == gold or first in known)
    confidence, right = np.array(confidence), np.array(right, dtype=float)
    bins, ece = [], 0.0
    for low in np.arange(10) / 10:
        inside = (confidence >= low) & ((confidence < low + 0.1) | (low == 0.9))
        if inside.any():
            pair = float(confidence[inside].mean()), float(right[inside].mean())
            bins.append([*pair, int(inside.sum())])
            ece += abs(pair[0] - pair[1]) * float(inside.mean())
    return {"wrong_type": float(np.mean(wrong)), "wrong_type_mass": float(np.mean(mass)), "ece": ece, "bins": bins}
