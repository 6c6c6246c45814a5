"""Variants run against their platform's own versions of packages, IPython 7.34 among them."""

import json
import os

import pytest

from anylab.compile import compile_all
from anylab.errors import Refused
from anylab.platforms import load_all
from anylab.project import open_project
from anylab.smoke import needed, overlay, runner, standin, suite
from tests.conftest import ROOT

PLATFORMS = [p for p in load_all(ROOT / "platforms", "platforms") if overlay.listed(p)]


def test_two_platforms_say_what_they_have():
    assert len(PLATFORMS) >= 2


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.id)
def test_a_kernel_on_a_stand_in_has_the_platforms_versions(platform, tmp_path):
    folder = overlay.find(platform, ROOT)
    if folder is None:
        assert not os.environ.get("CI"), "CI needs the overlays: python build.py overlays"
        pytest.skip("no overlays on this machine, variants run against this environment: python build.py overlays")
    there = standin.prepare(platform, tmp_path, site=[folder])
    code = "from importlib.metadata import version\nprint([version(n) for n in ('numpy', 'ipython', 'tokenizers')])"
    cell = {"cell_type": "code", "source": [code], "metadata": {}, "outputs": [], "execution_count": None}
    metadata = {"kernelspec": {"name": "python3", "display_name": ""}}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": [cell]}
    verdict = runner.execute(json.dumps(notebook).encode(), {}, there.cwd, there.env)
    assert verdict.fault == ""
    pins = dict(pin.split("==") for pin in overlay.listed(platform))
    printed = "".join(verdict.notebook["cells"][-1]["outputs"][0]["text"])
    assert printed.strip() == str([pins[name] for name in ("numpy", "ipython", "tokenizers")])


@pytest.mark.parametrize(
    "line", ["numpy", "numpy>=2", "-r other.txt", "git+https://x/y", "numpy==2 ; python_version<'3'"]
)
def test_a_line_that_is_no_pin_is_refused_with_its_place(line, tmp_path):
    from dataclasses import replace

    (tmp_path / "standin").mkdir()
    (tmp_path / "standin" / "overlay.txt").write_text(f"# a list\nnumpy==2.0.2\n{line}\n")
    with pytest.raises(Refused, match=r"standin/overlay\.txt:3: .* is no name==version"):
        overlay.listed(replace(PLATFORMS[0], folder=tmp_path))


def test_what_goes_in_without_its_dependencies_is_really_there_in_a_run(tmp_path, shared_cache):
    compiled = compile_all(open_project(ROOT, sources=ROOT / "tests/scenarios/notebooks-src", out=ROOT / "dist"))
    pair = next(p for p in compiled.pairs if p.source.name == "without" and p.platform.id == "colab")
    if not overlay.bare(compiled, pair).is_dir():
        with pytest.raises(Refused, match=r"without\.py:8: its packages without dependencies are not here yet"):
            needed.check([pair], compiled)
        fetch = "python build.py overlays --sources tests/scenarios/notebooks-src"
        assert not os.environ.get("CI"), f"CI needs them: {fetch}"
        pytest.skip(f"packages without dependencies are not on this machine: {fetch}")
    needed.check([pair], compiled)
    verdict = suite.one(compiled, pair, tmp_path, shared_cache)
    assert verdict.fault == ""
    printed = "".join("".join(o.get("text", "")) for c in verdict.notebook["cells"] for o in c.get("outputs", ()))
    assert "in words: forty-two" in printed and "already here" in printed  # the setup cell has found it installed
    assert not list(overlay.bare(compiled, pair).glob("docopt*")), "what it asks for did not come along"
