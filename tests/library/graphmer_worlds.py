"""Small worlds and slow reference algorithms that the tests of graphmer share."""

import random
from pathlib import Path

import numpy as np


def write_tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def shop(package: str, seed: int) -> dict[str, str]:
    """A package whose functions call, raise and inherit, with some variety."""
    draw = random.Random(seed)
    nouns = ["order", "basket", "price", "client", "parcel", "stock", "refund", "coupon"]
    verbs = ["load", "save", "count", "merge", "check", "print_all", "find", "drop"]
    files = {f"{package}/__init__.py": f'"""The {package} package."""\nfrom .base import Base\n'}
    files[f"{package}/base.py"] = (
        '"""Common parts."""\nimport os\n\n\nclass Problem(ValueError):\n    """Something is wrong."""\n\n\n'
        "class Base:\n    def __init__(self, name):\n        self.name = name\n\n"
        "    def show(self):\n        return len(self.name)\n"
    )
    for noun in nouns:
        lines = ["from .base import Base, Problem\n\n"]
        for verb in verbs:
            other = draw.choice(verbs)
            lines.append(
                f'def {verb}_{noun}(item, {draw.choice(nouns)}=None):\n    """{verb} the {noun} of {package}."""\n'
                f"    if not item:\n        raise Problem(item)\n"
                f"    return {other}_{noun}(len(item), {draw.random():.3f})\n\n"
            )
        lines.append(
            f"class {noun.title()}(Base):\n    def show(self):\n        self.{noun} = {verbs[0]}_{noun}(self.name)\n"
            f"        return self.{noun}\n"
        )
        files[f"{package}/{noun}.py"] = "\n".join(lines)
    return files


def floyd_warshall(roots, slots):
    """(nodes, nodes) distances of the padded graph: root i is node i, slot k of it is node R + i K + k."""
    count = roots * (1 + slots)
    d = np.full((count, count), 10_000)
    np.fill_diagonal(d, 0)
    edges = [(i, i + 1) for i in range(roots - 1)]
    for i in range(roots):
        edges += [(i, roots + i * slots + k) for k in range(slots)]
        edges += [(roots + i * slots + k, roots + i * slots + k + 1) for k in range(slots - 1)]
    for a, b in edges:
        d[a, b] = d[b, a] = 1
    for m in range(count):
        d = np.minimum(d, d[:, m : m + 1] + d[m : m + 1, :])
    return d
