"""videogen.weights and batch against a stand-in of the hub: mixed repositories, small disks, sessions that go on."""

import shutil
from dataclasses import replace

import pytest
import torch
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
    assert f"{SPEED.spec.title} takes its text encoder from {SPEED.spec.text.id}:\n" in said
    for local in models.values():
        assert local.commit == served.commit(local.id) and local.commit[:8] in said
    records = batch.run(wishes("a cat"), SPEED, folders, models, ["cpu"])
    assert records[0]["made"]["commits"]["weights"] == f"{models['weights'].id}@{models['weights'].commit}"
    assert len(film.read(batch.paths(folders, records)[0])[0]) == 9


SMALL = replace(CPU, disk_gb=14.0)  # of the registry's sizes: 14.9 do not fit, 11.4 do


@pytest.fixture(scope="module")
def big_twins(twins, tmp_path_factory):
    """The twins with a megabyte more in encoder and transformer, so that a disk can be between one and both."""
    from safetensors.torch import load_file, save_file

    root, grown = tmp_path_factory.mktemp("big"), {}
    for name, folder in twins.items():
        grown[name] = shutil.copytree(folder, root / name)
        for part in ("text_encoder", "transformer"):
            for index in (grown[name] / part).glob("*.index.json"):
                file = next(index.parent.glob("*.safetensors"))
                padded = load_file(file) | {"unused": torch.zeros(1 << 18)}
                save_file(padded, file, metadata={"format": "pt"})
            for file in (grown[name] / part).glob("diffusion_pytorch_model.safetensors"):
                save_file(load_file(file) | {"unused": torch.zeros(1 << 18)}, file, metadata={"format": "pt"})
    return grown


@pytest.fixture
def narrow_disk(small_disk, folders):
    """A job whose models go to a real small disk with room for one of encoder and transformer, never for both."""
    small_disk.leave(1_700_000)
    return folders._replace(cache=small_disk.path)


def test_a_disk_that_holds_only_one_of_them_is_walked_encoder_first_and_again_the_next_day(
    hub, big_twins, narrow_disk, capsys
):
    """Studio Lab: encode, delete the encoder, then the transformer; with new words the other way round first."""
    hub(big_twins)
    models, count = batch.encode_all(wishes("a cat"), SPEED, narrow_disk, {}, SMALL)
    assert count == 1 and batch.run(wishes("a cat"), SPEED, narrow_disk, models, ["cpu"])[0]["state"] == "done"
    assert "the text encoder is deleted again" in capsys.readouterr().out
    assert not list(narrow_disk.cache.glob("**/text_encoder/*"))
    models, count = batch.encode_all(wishes("a dog"), SPEED, narrow_disk, {}, SMALL)
    said = capsys.readouterr().out
    assert count == 1 and said.index("the transformer is deleted again") < said.index("the text encoder is deleted")
    assert batch.run(wishes("a dog"), SPEED, narrow_disk, models, ["cpu"])[0]["state"] == "done"


def test_on_a_small_disk_a_kill_after_the_last_word_does_not_leave_the_encoder_in_the_way(
    hub, big_twins, narrow_disk, monkeypatch
):
    served, plain = hub(big_twins), encode.encode

    def dying(*given):
        plain(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patches:
        patches.setattr(encode, "encode", dying)
        with pytest.raises(KeyboardInterrupt):
            batch.encode_all(wishes("a cat"), SPEED, narrow_disk, {}, SMALL)
    before = len(served.seen)
    models, count = batch.encode_all(wishes("a cat"), SPEED, narrow_disk, {}, SMALL)
    assert count == 0 and (models["weights"].path / "vae").is_dir()
    assert not [line for line in served.seen[before:] if "text_encoder" in line], "its commit was noted: all is encoded"


def test_on_a_small_disk_a_kill_while_the_transformer_comes_does_not_bring_the_encoder_back(
    hub, big_twins, narrow_disk, monkeypatch
):
    served, plain = hub(big_twins), weights.fetch

    def dying(source, *others):
        if source is SPEED.spec.weights:
            raise KeyboardInterrupt
        return plain(source, *others)

    with monkeypatch.context() as patches:
        patches.setattr(weights, "fetch", dying)
        with pytest.raises(KeyboardInterrupt):
            batch.encode_all(wishes("a cat"), SPEED, narrow_disk, {}, SMALL)
    before = len(served.seen)
    assert batch.encode_all(wishes("a cat"), SPEED, narrow_disk, {}, SMALL)[1] == 0
    assert not [line for line in served.seen[before:] if "text_encoder" in line]


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
