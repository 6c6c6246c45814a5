"""videogen.weights and batch against a stand-in of the hub: mixed repositories, small disks, sessions that go on."""

from dataclasses import replace

import pytest
from labkit import Stop
from videogen import batch, encode, film, plan, registry, tiny, weights

from anylab.smoke.hub import Hub
from tests.library.videogen_worlds import CPU, wishes

SPEED = plan.quick("fastwan-1.3b")
IDS = {source.id for source in weights.repositories(SPEED.spec).values()}


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    root = tmp_path_factory.mktemp("twins")
    for name in IDS:
        tiny.twin(root / name, name)
    return {name: root / name for name in IDS}


@pytest.fixture
def hub(monkeypatch):
    """Serve repositories to this process: the client reads its address when it is imported, so it is set there."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    opened = []

    def serve(repos, fault=""):
        one = Hub(repos, fault).__enter__()
        opened.append(one)
        monkeypatch.setattr(constants, "ENDPOINT", one.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", one.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        return one

    yield serve
    for one in opened:
        one.__exit__()


def test_transformer_and_vae_come_from_one_repository_and_the_encoder_from_another(hub, twins, folders, capsys):
    served = hub(twins)
    models, count = batch.encode_all(wishes("a cat"), SPEED, folders, {}, CPU)
    assert count == 1 and models["text"].id != models["weights"].id
    fetched = [line for line in served.seen if line.startswith("GET")]
    assert not [line for line in fetched if "FastWan" in line and "text_encoder" in line], "22.7 GB stay where they are"
    assert not [line for line in fetched if "Wan2.2" in line and ("transformer" in line or "vae" in line)]
    said = capsys.readouterr().out
    for local in models.values():
        assert local.commit == served.commit(local.id) and local.commit[:8] in said
    records = batch.run(wishes("a cat"), SPEED, folders, models, ["cpu"])
    assert records[0]["made"]["commits"]["weights"] == f"{models['weights'].id}@{models['weights'].commit}"
    assert len(film.read(batch.paths(folders, records)[0])[0]) == 9


def test_on_a_small_disk_the_encoder_is_deleted_before_the_transformer_comes(hub, twins, folders, capsys):
    hub(twins)
    small = replace(CPU, disk_gb=14.0)
    models, _ = batch.encode_all(wishes("a cat"), SPEED, folders, {}, small)
    assert not list(models["text"].path.glob("text_encoder/*")) and list(models["weights"].path.glob("vae/*"))
    assert "the text encoder is deleted again" in capsys.readouterr().out
    assert batch.run(wishes("a cat"), SPEED, folders, models, ["cpu"])[0]["state"] == "done"


def test_a_later_session_with_the_same_words_never_downloads_the_encoder(hub, twins, folders, tmp_path):
    hub(twins)
    batch.encode_all(wishes("a cat"), SPEED, folders, {}, CPU)
    later, served = folders._replace(cache=tmp_path / "empty"), hub(twins)
    batch.encode_all(wishes("a cat"), SPEED, later, {}, CPU)
    assert not [line for line in served.seen if "text_encoder" in line]


def test_a_later_session_goes_on_with_the_commit_of_the_first(hub, twins, folders, tmp_path, capsys):
    hub(twins)
    first, _ = batch.encode_all(wishes("a cat"), SPEED, folders, {}, CPU)
    moved = {**twins}
    changed = tmp_path / "changed"
    tiny.build(changed, SPEED.spec.weights, seed=5)
    moved[SPEED.spec.weights.id] = changed
    hub(moved)
    later = folders._replace(cache=tmp_path / "empty")
    got, _ = batch.encode_all(wishes("a cat"), SPEED, later, {}, CPU)
    assert got["weights"].commit != first["weights"].commit
    assert (
        f"commit {first['weights'].commit[:8]} of the earlier session is gone; taking the newest"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [("gate", "asks for consent first"), ("missing", "is not at the hub"), ("size", "broken at the hub")],
)
def test_what_goes_wrong_at_the_hub_is_one_sentence_before_anything_is_loaded(
    hub, twins, folders, monkeypatch, fault, said
):
    import session.weights

    monkeypatch.setattr(session.weights, "_PAUSE", 0.0)
    monkeypatch.setattr(encode, "load", lambda *_: pytest.fail("loaded"))
    hub(twins, fault)
    with pytest.raises(Stop, match=said):
        batch.encode_all(wishes("a cat"), SPEED, folders, {}, CPU)


def test_only_what_is_used_is_asked_for():
    for spec in registry.MODELS.values():
        for source in weights.repositories(spec).values():
            assert not [p for p in source.patterns if p.endswith((".bin", ".pt", ".ckpt", ".pkl"))]
            assert source.revision == registry.UNVERIFIED, "a commit is written down only with its source"
