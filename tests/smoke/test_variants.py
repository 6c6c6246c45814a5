"""Every compiled variant runs on a stand-in of its platform, through the very cells that the user gets."""

from pathlib import Path

import pytest

from anylab.compile import compile_all
from anylab.project import open_project
from anylab.smoke import overlay, suite, users
from tests.conftest import ROOT

COMPILED = compile_all(open_project(ROOT))
PAIRS = [pair for pair in COMPILED.pairs if pair.path]


def printed(notebook):
    outputs = [o for c in notebook["cells"] for o in c.get("outputs", ())]
    return "\n".join("".join(o.get("text", "")) for o in outputs)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.path)
def test_a_variant_runs_to_its_end_and_reports(pair, tmp_path, shared_cache):
    verdict = suite.one(COMPILED, pair, tmp_path, shared_cache)
    assert verdict.fault == ""
    assert verdict.cells == verdict.of > 5
    text = printed(verdict.notebook)
    assert f'platform = "{pair.platform.id}"' in text and "[seconds]" in text
    assert "Every package that this notebook uses is already here" in text
    assert "The right one" not in text  # the variant knows that it is where it belongs
    assert list(tmp_path.rglob("run-report.toml")), "the report is kept among the outputs"
    if pair.source.name == "graphmer_training":
        assert "losses fell" in text and "untrained model" in text
        results = suite.runner.json.loads(next(tmp_path.rglob("results.json")).read_text())
        rows = [judged["link"] for judged in results["tests"].values()]
        learned, before = (sum(row[name]["mrr"] for row in rows) for name in ("model", "untrained model"))
        assert len(rows) == 2 and learned > before
        assert all("+ like definitions" in row for row in rows), "what needs no training stands beside it"
        assert next(tmp_path.rglob("encoder/plain/config.json")).is_file()
        assert list(tmp_path.rglob("checkpoints/graphmer_training-*/000001-step-100/model.safetensors"))
    shown = [o for c in verdict.notebook["cells"] for o in c.get("outputs", ()) if "image/png" in o.get("data", {})]
    assert len(shown) >= 3 and all(o["data"]["text/plain"] for o in shown), "pictures are seen, and told in words"


def in_turns(pairs):
    """Each notebook on one platform, in turn; the others, which differ in their setup cells alone, are marked (the
    scenarios play the hub on every platform)."""
    names, places = sorted({p.source.name for p in pairs}), sorted({p.platform.id for p in pairs})
    marks = {
        pair.path: (places.index(pair.platform.id) - names.index(pair.source.name)) % len(places) > 0 for pair in pairs
    }
    return [pytest.param(p, marks=pytest.mark.everywhere if marks[p.path] else (), id=p.path) for p in pairs]


@pytest.mark.parametrize("pair", in_turns([p for p in PAIRS if users.loads_models(p)]))
def test_a_variant_that_loads_models_runs_as_its_users_run_it(pair, tmp_path, shared_cache):
    """The quick test is off, the settings are the smallest, and the weights come from a hub."""
    verdict = suite.one(COMPILED, pair, tmp_path, shared_cache, quick_test=False)
    assert verdict.fault == "" and verdict.cells == verdict.of
    text = printed(verdict.notebook)
    assert "to fetch" in text and "[models]" in text
    assert all(model["id"] in text for model in pair.source.front["models"][:1]), "the report names what was loaded"


@pytest.mark.parametrize("pair", {p.platform.id: p for p in PAIRS}.values(), ids=lambda pair: pair.path)
def test_nothing_of_the_library_lands_in_the_outputs(pair, tmp_path, shared_cache):
    """The scratch folder with the library is none that a platform saves (a run of the setup alone shows it)."""
    data = dict(COMPILED.variant_files(pair))[pair.path]
    notebook = suite.runner.json.loads(data)
    upto = next(i for i, c in enumerate(notebook["cells"]) if "start.begin" in "".join(c["source"]))
    notebook["cells"] = notebook["cells"][: upto + 1]
    there = suite.standin.prepare(pair.platform, tmp_path, shared_cache, overlay.site(COMPILED, pair))
    verdict = suite.runner.execute(
        suite.runner.json.dumps(notebook).encode(), {"QUICK_TEST": True}, there.cwd, there.env
    )
    assert verdict.fault == ""
    homes = {p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("labkit")}
    assert homes <= {"tmp"}, "below the temporary folder, which no platform keeps"
    assert Path(there.env["TMPDIR"]) == tmp_path / "tmp"
