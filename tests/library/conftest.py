"""Fixtures that the tests of the library share."""

import pytest
import torch
from graphmer import corpus, knowledge, tokens
from labkit import storage

from tests.library.disks import SmallDisk
from tests.library.graphmer_worlds import shop, write_tree

# One thread: these models are tiny, and two threads that wait for each other suffer most on a busy machine.
torch.set_num_threads(1)


@pytest.fixture
def folders(tmp_path):
    """The folders of a job, in a place of their own."""
    for name in ("work", "outputs"):
        (tmp_path / name).mkdir()
    return storage.Folders(tmp_path / "work", tmp_path / "outputs", tmp_path / "cache", True)


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A disk of 8 MB that can be filled and closed, see tests/library/disks.py."""
    disk = SmallDisk(tmp_path / "disk", monkeypatch)
    yield disk
    disk.gone()


@pytest.fixture(scope="session")
def kg(tmp_path_factory):
    """Graph of six generated packages, 400 functions."""
    root = tmp_path_factory.mktemp("shops")
    for i, package in enumerate(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]):
        write_tree(root, shop(package, i))
    return knowledge.build([root])


@pytest.fixture(scope="session")
def standard_library():
    """Graph of the running Python's own modules, and the progress calls of its build."""
    calls = []
    return knowledge.build(progress=lambda done, files: calls.append((done, files))), calls


@pytest.fixture(scope="session")
def tokenizer(kg):
    return tokens.train((d.source for d in kg.functions), 600)


@pytest.fixture(scope="session")
def settings():
    return corpus.ChainSettings(roots=32, leaf_slots=7, row_tokens=96, heads=4, windows=2, shuffle_window=256)


@pytest.fixture(scope="session")
def data(kg, tokenizer, settings):
    return corpus.build_corpus(kg.definitions, kg.triples, tokenizer, settings)
