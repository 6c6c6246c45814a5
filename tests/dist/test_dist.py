"""What stands in dist/ is what the platforms want, and what its links say (facts: reference pages of 2026-11-20)."""

import hashlib
import json
import re
from urllib.parse import unquote

import nbformat
import pytest

from anylab import lint
from tests.conftest import ROOT

DIST = ROOT / "dist"
NOTEBOOKS = sorted(p.relative_to(DIST).as_posix() for p in DIST.rglob("*.ipynb"))
WORDS = {  # words that only one platform's variants may say, links and the notice of the wrong place aside
    "colab": ("/content", "google.colab", "drive.mount", "Runtime >", "#@param"),
    "kaggle": ("/kaggle/", "kaggle_secrets", "Save Version"),
    "studio-lab": ("Build Conda Environment", "studio-lab-user/"),
}


@pytest.fixture(params=NOTEBOOKS)
def variant(request):
    return request.param, json.loads((DIST / request.param).read_text(encoding="utf-8"))


def test_there_is_a_variant_of_every_notebook_for_every_platform_that_takes_it(compiled):
    assert NOTEBOOKS == sorted(pair.path for pair in compiled.pairs if pair.path)
    assert {path.split("/")[0] for path in NOTEBOOKS} >= {"colab", "kaggle", "studio-lab", "local"}


def test_a_variant_is_a_valid_notebook_without_ids_outputs_or_widgets(variant):
    path, notebook = variant
    nbformat.validate(nbformat.from_dict(notebook))
    assert notebook["nbformat"] == 4 and notebook["nbformat_minor"] == (0 if path.startswith("colab") else 4)
    assert "widgets" not in notebook["metadata"]
    for cell in notebook["cells"]:
        assert "id" not in cell
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None
        assert set(cell["metadata"]) <= {"anylab", "tags", "cellView", "jupyter", "_kg_hide-input"}


def test_no_rule_about_notebook_files_finds_anything(variant):
    path, notebook = variant
    assert lint.findings("document", lint.Document(path, notebook)) == ([], [])


def test_a_variant_carries_its_own_platforms_envelope_and_no_others(variant):
    path, notebook = variant
    metadata = {k: v for k, v in notebook["metadata"].items() if k not in ("anylab", "language_info")}
    kernel = metadata.pop("kernelspec")
    if path.startswith("colab"):
        assert metadata == {"accelerator": "GPU", "colab": {"gpuType": "T4", "provenance": [], "toc_visible": True}}
        assert kernel == {"name": "python3", "display_name": "Python 3"}
    elif path.startswith("kaggle"):
        block = metadata.pop("kaggle")
        assert metadata == {} and block.pop("isInternetEnabled") in (True, False)
        assert block == {
            "accelerator": "nvidiaTeslaT4", "dataSources": [], "isGpuEnabled": True, "language": "python",
            "sourceType": "notebook",
        }  # fmt: skip
    else:
        assert metadata == {}
        assert kernel["name"] == ("conda-env-default-py" if path.startswith("studio-lab") else "python3")


def test_a_variant_says_nothing_of_another_platform(variant):
    path, notebook = variant
    text = "\n".join("".join(c["source"]) for c in notebook["cells"][1:])
    text = re.sub(r"https?://\S+|KAGGLE_KERNEL_RUN_TYPE|\"/home/studio-lab-user\"", "", text)
    for platform, words in WORDS.items():
        if not path.startswith(platform):
            assert [word for word in words if word in text] == []


def test_every_link_of_a_variant_leads_to_a_file_that_exists(variant):
    _, notebook = variant
    text = "\n".join("".join(c["source"]) for c in notebook["cells"])
    paths = [unquote(p) for p in re.findall(r"/(dist/[^)\"&\s]+\.ipynb)", text)]
    assert len(paths) >= 3
    assert [p for p in paths if not (ROOT / p).is_file()] == []


def test_every_link_of_the_readme_leads_to_a_file_that_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [unquote(p) for p in re.findall(r"/(dist/[^)\"&\s]+\.ipynb)", text)]
    files = [p for p in re.findall(r"\]\(([\w./-]+)\)", text) if not p.startswith("http")]
    opened_by_badge = [name for name in NOTEBOOKS if not name.startswith("local/")]  # those have no badge
    assert len(links) >= len(opened_by_badge) and files
    assert [p for p in [*links, *files] if not (ROOT / p).exists()] == []


def test_the_first_cell_is_a_first_screen(variant):
    path, notebook = variant
    first = "".join(notebook["cells"][0]["source"])
    shown = re.sub(r"\(data:[^)]*\)|\(https[^)]*\)|<!--.*?-->", "", first, flags=re.DOTALL)
    assert shown.startswith("# ")
    for words in ("It takes", "Models:", "What leaves this machine", "Without the badge", "Seen on real hardware", "Variant"):
        assert words in shown
    assert len([line for line in shown.split("\n") if line.strip()]) <= 14
    if path.startswith("studio-lab"):
        assert "Existing accounts only" in shown and "2026-07-30" in shown


def test_the_settings_come_first_and_are_literals(variant):
    import ast

    path, notebook = variant
    tagged = [i for i, c in enumerate(notebook["cells"]) if "parameters" in c["metadata"].get("tags", [])]
    assert tagged == [1]
    source = "".join(notebook["cells"][1]["source"])
    names = [node.targets[0].id for node in ast.parse(source).body if ast.literal_eval(node.value) is not Ellipsis]
    assert "QUICK_TEST" in names
    assert ("USE_DRIVE" in names) == path.startswith("colab")
    assert not set(notebook["cells"][1]["metadata"]) & {"cellView", "jupyter", "_kg_hide-input"}


def test_a_collapsed_cell_of_colab_has_the_title_line_that_its_form_view_wants(variant):
    path, notebook = variant
    for cell in notebook["cells"]:
        if cell["metadata"].get("cellView") == "form":
            assert path.startswith("colab")
            assert any(line.startswith("#@title") for line in cell["source"][:2])


def test_the_kaggle_push_file_agrees_with_the_notebook_beside_it():
    files = sorted(DIST.glob("kaggle/*/kernel-metadata.json"))
    assert files
    for file in files:
        push = json.loads(file.read_text(encoding="utf-8"))
        notebook = json.loads((file.parent / push["code_file"]).read_text(encoding="utf-8"))
        block = notebook["metadata"]["kaggle"]
        assert push["enable_internet"] is block["isInternetEnabled"] and push["enable_gpu"] is block["isGpuEnabled"]
        assert push["machine_shape"] == ("NvidiaTeslaT4" if push["enable_gpu"] else "")
        assert 5 <= len(push["title"]) <= 50 and push["is_private"] is True and push["enable_tpu"] is False
        assert push["id"].split("/")[1] == re.sub(r"[^a-z0-9]+", "-", push["title"].lower()).strip("-")
        assert not any("docker" in key for key in push)


def test_the_manifest_tells_the_truth():
    manifest = json.loads((DIST / "manifest.json").read_text(encoding="utf-8"))
    assert [v["path"] for v in manifest["variants"]] and "do not edit" in manifest["note"]
    for entry in manifest["variants"]:
        data = (DIST / entry["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert entry["version"] in data.decode() and (ROOT / entry["source"]).is_file()
        for name, digest in entry["beside"].items():
            beside = (DIST / entry["path"]).parent / name
            assert hashlib.sha256(beside.read_bytes()).hexdigest() == digest


def test_dist_equals_what_the_sources_give(anylab):
    done = anylab("check")
    assert done.returncode == 0, done.stdout


def test_a_title_says_once_that_its_minutes_are_estimates(variant):
    path, notebook = variant
    title = "".join(notebook["cells"][0]["source"])
    [line] = [line for line in title.split("\n") if line.startswith("- **It takes**")] or [""]
    assert line.count("estimate") == (1 if line else 0), path
