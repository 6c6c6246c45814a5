"""The ways to carry a bundle, through the services' real clients, to stand-ins of the services on this machine."""

import ast
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from anylab.platforms import load
from anylab.smoke import standin
from tests.conftest import ROOT

PLATFORMS = {p: load(ROOT / "platforms" / p, f"platforms/{p}") for p in ("colab", "kaggle", "studio-lab", "local")}
WAYS = {path.parent.name: path for path in ROOT.glob("platforms/*/transport.py")}
LABKIT = ROOT / "notebooks-src/lib/labkit"
NAME = "graphmer-training"
FILE = f"{NAME}.bundle.zip"
TOKEN = "tok_Zq7w+91/secretsecret"  # with signs that an address or JSON would spell otherwise

PROGRAM = """
import json, os, sys
from pathlib import Path
{before}
from labkit import Stop, transport
try:
    done = {{"value": {call}}}
except Stop as stop:
    done = {{"stop": str(stop), "loud": repr(stop.__cause__)}}
Path({answer!r}).write_text(json.dumps(done, default=str))
"""
NO_SOCKET = """
import socket
def refuse(*_, **__): raise SystemExit("a dry run opened a socket")
class Refused(socket.socket):
    __init__ = refuse
socket.socket, socket.create_connection, socket.getaddrinfo = Refused, refuse, refuse
"""


@dataclass
class Answer:
    value: str | None
    stop: str | None
    printed: str


class Session:
    """A session on a platform's stand-in, whose notebook carries one way."""

    def __init__(self, root, platform, way):
        self.there = standin.prepare(PLATFORMS[platform], root)
        self.root, self.folder = root, root / "received"
        target = root / "lib" / "labkit"
        shutil.copytree(LABKIT, target, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(LABKIT.parent / "remote", root / "lib" / "remote")
        if "labkit.here" in PLATFORMS[platform].overlays:
            (target / "here.py").write_text(PLATFORMS[platform].overlays["labkit.here"][0], encoding="utf-8")
        shutil.copy(WAYS[way], target / "transport.py")
        path = os.pathsep.join([str(root / "lib"), self.there.env["PYTHONPATH"]])
        self.env = {**self.there.env, "PYTHONPATH": path, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

    def run(self, call, before="", **env):
        answer = self.root / "answer.json"
        answer.unlink(missing_ok=True)
        program = PROGRAM.format(call=call, before=before, answer=str(answer))
        done = subprocess.run([sys.executable, "-c", program], env={**self.env, **env}, cwd=self.there.cwd,
                              capture_output=True, text=True, timeout=120)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads(answer.read_text())
        return Answer(said.get("value"), said.get("stop"), done.stdout + done.stderr)

    def send(self, archive, name=NAME, dry_run=False, **more):
        return self.run(f"transport.send(Path({str(archive)!r}), {name!r}, {dry_run})", **more)

    def receive(self, name=NAME, dry_run=False, **more):
        return self.run(f"transport.receive({name!r}, Path({str(self.folder)!r}), {dry_run})", **more)

    def left(self):
        """What lies in the folder of received bundles, hidden files too."""
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*")) if self.folder.exists() else []


def service(way, folder, **more):
    path = ROOT / f"platforms/{way}/standin/service.py"
    spec = importlib.util.spec_from_file_location(f"{way}_service", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Service(folder, TOKEN, **more)


def bundle(path, seed=0, size=5_000_000):
    """A bundle as labkit makes them: a zip with a manifest, of incompressible bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bundle.json", json.dumps({"seed": seed}))
        archive.writestr("state/weights.bin", random.Random(seed).randbytes(size))
    return path


def one_sentence(text):
    return bool(text) and "\n" not in text and TOKEN not in text and "Traceback" not in text


def nowhere(root, secret=TOKEN):
    """The secret stands in no file below `root`."""
    return not [p for p in root.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]


@pytest.fixture
def archive(tmp_path):
    return bundle(tmp_path / "made" / "job.zip")


@pytest.fixture
def hub(tmp_path):
    with service("hub", tmp_path / "service") as running:
        yield running


@pytest.fixture
def kaggle(tmp_path):
    with service("kaggle", tmp_path / "service", key="0123456789abcdef") as running:
        yield running


@pytest.fixture
def on_hub(tmp_path, hub):
    session = Session(tmp_path / "session", "local", "hub")
    session.env |= {**hub.env, "HF_TOKEN": TOKEN}
    return session


@pytest.fixture
def on_kaggle(tmp_path, kaggle):
    session = Session(tmp_path / "session", "kaggle", "kaggle")
    session.env |= {**kaggle.env, "KAGGLE_API_TOKEN": TOKEN}
    return session


@pytest.fixture
def on_colab(tmp_path):
    return Session(tmp_path / "session", "colab", "colab")


# every way

HOMES = {"colab": "colab", "kaggle": "kaggle", "hub": "local"}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_way_imports_only_what_a_notebook_has_and_its_client_where_it_is_used(way):
    tree = ast.parse(WAYS[way].read_text(encoding="utf-8"))
    top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in top}
    assert {m.partition(".")[0] for m in modules} - {"labkit", "remote"} <= sys.stdlib_module_names
    names = {a.name for n in top if isinstance(n, ast.ImportFrom) and n.module == "labkit" for a in n.names}
    assert names <= {"Stop", "here", "secret"}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize(
    "name", ["../escape", "a/b", "Ünï-code", "Upper", "", "-x", "a--b", "a b", "a\n", ".", "x.zip"]
)
def test_a_name_that_is_no_name_is_refused_with_one_sentence(way, name, tmp_path, archive):
    session = Session(tmp_path / "session", HOMES[way], way)
    call = f"[repr(f()) for f in (lambda: transport.send(Path({str(archive)!r}), {name!r}),)]"
    assert one_sentence(session.run(call, before=NO_SOCKET).stop)
    assert one_sentence(session.receive(name, before=NO_SOCKET).stop) and session.left() == []


@pytest.mark.parametrize("way", sorted(WAYS))
def test_an_archive_that_is_not_there_is_named_before_anything_is_done(way, tmp_path):
    session = Session(tmp_path / "session", HOMES[way], way)
    stop = session.send(tmp_path / "nothing.zip", before=NO_SOCKET).stop
    assert one_sentence(stop) and "nothing.zip" in stop


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_dry_run_opens_no_socket_needs_no_token_and_writes_nothing(way, tmp_path, archive):
    session = Session(tmp_path / "session", HOMES[way], way)
    before = sorted(session.root.rglob("*"))
    sent = session.send(archive, dry_run=True, before=NO_SOCKET)
    assert one_sentence(sent.value) and sent.value.startswith("A run would") and "5.0 MB" in sent.value
    got = session.receive(dry_run=True, before=NO_SOCKET)
    assert got.stop is None and got.value is None and got.printed.strip().startswith("A run would")
    assert [p for p in sorted(session.root.rglob("*")) if p not in before] == [session.root / "answer.json"]


@pytest.mark.parametrize("way", ["hub", "kaggle"])
def test_a_dry_run_says_whether_a_token_was_found_and_never_asks_the_service(way, tmp_path, archive, request):
    running = request.getfixturevalue(way)
    session = request.getfixturevalue(f"on_{way}")
    with_token = session.send(archive, dry_run=True, before=NO_SOCKET)
    assert "a token was found" in with_token.value and "private" in with_token.value
    assert "a token was found" in session.receive(dry_run=True, before=NO_SOCKET).printed
    without = session.send(archive, dry_run=True, before=NO_SOCKET, HF_TOKEN="", KAGGLE_API_TOKEN="")
    assert "a token was not found" in without.value
    assert running.seen == [] and nowhere(session.root)


@pytest.mark.parametrize("way", ["hub", "kaggle"])
def test_without_a_token_one_sentence_says_where_to_get_one(way, archive, request):
    running, session = request.getfixturevalue(way), request.getfixturevalue(f"on_{way}")
    for answer in (session.send(archive, HF_TOKEN="", KAGGLE_API_TOKEN=""),
                   session.receive(HF_TOKEN="", KAGGLE_API_TOKEN="")):  # fmt: skip
        assert one_sentence(answer.stop) and "TOKEN" in answer.stop and "/settings" in answer.stop
    assert running.seen == [] and session.left() == []


@pytest.mark.parametrize("way", ["hub", "kaggle"])
def test_a_wrong_token_is_said_and_never_shown(way, archive, request):
    session = request.getfixturevalue(f"on_{way}")
    wrong = "wrong_" + TOKEN
    for answer in (session.send(archive, HF_TOKEN=wrong, KAGGLE_API_TOKEN=wrong),
                   session.receive(HF_TOKEN=wrong, KAGGLE_API_TOKEN=wrong)):  # fmt: skip
        assert one_sentence(answer.stop) and "token" in answer.stop and "/settings" in answer.stop
        assert wrong not in answer.printed
    assert session.left() == [] and archive.exists() and nowhere(session.root)


@pytest.mark.parametrize(("way", "clicks"), [("hub", "connect this machine"), ("kaggle", "Turn on internet")])
def test_with_the_network_off_the_clicks_are_named(way, clicks, tmp_path, archive):
    session = Session(tmp_path / "session", HOMES[way], way)
    for answer in (session.send(archive, HF_TOKEN=TOKEN, KAGGLE_API_TOKEN=TOKEN),
                   session.receive(HF_TOKEN=TOKEN, KAGGLE_API_TOKEN=TOKEN)):  # fmt: skip
        assert one_sentence(answer.stop) and clicks in answer.stop
    assert session.left() == [] and archive.exists()


@pytest.mark.parametrize("way", ["hub", "kaggle"])
def test_a_folder_that_cannot_be_written_is_named(way, archive, request):
    session = request.getfixturevalue(f"on_{way}")
    session.send(archive)
    session.folder.write_text("a file in the way")
    stop = session.receive().stop
    assert one_sentence(stop) and "cannot be written" in stop and session.folder.read_text() == "a file in the way"


@pytest.mark.parametrize("way", ["hub", "kaggle"])
def test_a_full_disk_is_named_and_leaves_nothing_behind(way, archive, request):
    session = request.getfixturevalue(f"on_{way}")
    session.send(archive)
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))"
    stop = session.receive(before=full).stop
    assert one_sentence(stop) and "free some space" in stop and session.left() == []


@pytest.mark.parametrize("way", ["hub", "kaggle"])
def test_a_token_is_printed_raised_and_written_nowhere(way, archive, request):
    session = request.getfixturevalue(f"on_{way}")
    for answer in (session.send(archive), session.receive()):
        assert answer.stop is None and TOKEN not in answer.printed + answer.value
    assert nowhere(session.root) and nowhere(archive.parent)


def test_the_storage_behind_the_hub_never_sees_the_token(hub, on_hub, archive):
    on_hub.send(archive)
    on_hub.receive()
    assert {"upload", "download"} <= set(hub.seen) and hub.leaks == []


# the Hub


def test_a_bundle_goes_over_the_hub_from_one_platform_to_another(tmp_path, hub, on_hub, archive):
    """The second platform has the token in its own secret store."""
    sent = on_hub.send(archive)
    assert one_sentence(sent.value) and f"ada/anylab-bundles:{NAME}" in sent.value
    assert hub.repos["ada/anylab-bundles"]["private"] and hub.files("ada/anylab-bundles") == {
        FILE: archive.read_bytes()
    }
    other = Session(tmp_path / "other", "kaggle", "hub")
    other.env |= {**hub.env, "ANYLAB_SECRETS": json.dumps({"HF_TOKEN": TOKEN})}
    got = other.receive()
    assert got.value == str(other.folder / FILE) and Path(got.value).read_bytes() == archive.read_bytes()
    assert TOKEN not in got.printed and nowhere(other.root)


def test_the_hub_gives_the_newest_bundle_and_keeps_one_copy_here(hub, on_hub, archive):
    on_hub.send(archive)
    assert on_hub.send(archive).stop is None  # the same once more
    on_hub.receive()
    newer = bundle(archive.parent / "newer.zip", seed=1)
    on_hub.send(newer)
    assert Path(on_hub.receive().value).read_bytes() == newer.read_bytes() and on_hub.left() == [FILE]
    assert not [p for p in on_hub.root.rglob("*") if p.stat().st_size > 1e6 and p != on_hub.folder / FILE]


def test_a_public_repository_is_refused_before_anything_is_sent(hub, on_hub, archive):
    hub.repos["ada/anylab-bundles"] = {"private": False, "commits": [{}]}
    stop = on_hub.send(archive).stop
    assert one_sentence(stop) and "not private" in stop and "nothing was sent" in stop
    assert set(hub.seen) == {"whoami", "info"}


def test_another_repository_can_be_named_in_two_ways(hub, on_hub, archive):
    assert on_hub.send(archive, f"ada/lab:{NAME}").stop is None
    assert "whoami" not in hub.seen and hub.repos["ada/lab"]["private"]
    assert on_hub.receive(ANYLAB_HUB_REPO="ada/lab").value == str(on_hub.folder / FILE)
    assert one_sentence(on_hub.receive(f"ada/../x:{NAME}").stop)


def test_a_bundle_that_the_hub_does_not_have_is_said(hub, on_hub, archive):
    assert "no such bundle" in on_hub.receive().stop  # no repository yet
    on_hub.send(archive, "other")
    assert "no such bundle" in on_hub.receive().stop and on_hub.left() == []


@pytest.mark.parametrize(
    ("step", "status", "words"),
    [
        ("whoami", 429, "try again in some minutes"),
        ("whoami", 500, "try again later"),
        ("create", 403, "write access"),
        ("commit", 403, "write access"),
        ("batch", 413, "no room"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence_and_the_archive_stays(step, status, words, hub, on_hub, archive):
    hub.fail(step, status, 9)
    stop = on_hub.send(archive).stop
    assert one_sentence(stop) and words in stop and str(archive) in stop and archive.exists()


def test_an_upload_to_the_hub_that_is_cut_once_is_tried_again(hub, on_hub, archive):
    hub.fail("upload", "cut")
    assert on_hub.send(archive).stop is None and hub.seen.count("upload") == 2
    assert hub.files("ada/anylab-bundles") == {FILE: archive.read_bytes()}


def test_an_upload_to_the_hub_that_is_cut_for_good_leaves_the_older_bundle(hub, on_hub, archive):
    on_hub.send(archive)
    hub.faults["upload"] = ["cut", 403]
    stop = on_hub.send(bundle(archive.parent / "newer.zip", seed=1)).stop
    assert one_sentence(stop) and "newer.zip" in stop
    assert hub.files("ada/anylab-bundles") == {FILE: archive.read_bytes()}


def test_a_download_from_the_hub_that_is_cut_goes_on_where_it_was(hub, on_hub, archive):
    on_hub.send(archive)
    hub.fail("download", "cut")
    assert Path(on_hub.receive().value).read_bytes() == archive.read_bytes() and on_hub.left() == [FILE]


def test_a_truncated_download_from_the_hub_never_stands_at_the_final_name(hub, on_hub, archive):
    on_hub.send(archive)
    hub.fail("download", "truncated", 9)
    stop = on_hub.receive().stop
    assert one_sentence(stop) and "broke off" in stop and on_hub.left() == []
    on_hub.folder.mkdir(exist_ok=True)
    (on_hub.folder / FILE).write_bytes(b"an older one")
    hub.fail("download", "truncated", 9)
    assert on_hub.receive().stop and (on_hub.folder / FILE).read_bytes() == b"an older one"


def test_when_the_hub_is_away_an_older_copy_is_not_taken_for_the_newest(hub, on_hub, archive):
    on_hub.send(archive)
    on_hub.receive()
    hub.fail("resolve", 403, 99)
    assert one_sentence(on_hub.receive().stop) and on_hub.left() == [FILE]


# Kaggle


@pytest.mark.parametrize("unpacks", ["", "folder", "flat"])
def test_a_bundle_comes_back_from_kaggle_however_it_was_unpacked(unpacks, kaggle, on_kaggle, archive):
    kaggle.unpacks = unpacks
    sent = on_kaggle.send(archive)
    assert one_sentence(sent.value) and f"ada/anylab-{NAME}" in sent.value
    assert kaggle.datasets[f"ada/anylab-{NAME}"] == {"private": True, "versions": 1}
    got = Path(on_kaggle.receive().value)
    if unpacks:
        assert json.loads((got / "bundle.json").read_text()) == {"seed": 0}
        assert (got / "state/weights.bin").read_bytes() == zipfile.ZipFile(archive).read("state/weights.bin")
    else:
        assert got == on_kaggle.folder / FILE and got.read_bytes() == archive.read_bytes()
    assert [p.name for p in on_kaggle.folder.iterdir()] == [got.name]


@pytest.mark.parametrize("unpacks", ["", "flat"])
def test_a_second_send_makes_a_version_and_kaggle_gives_the_newest(unpacks, kaggle, on_kaggle, archive):
    kaggle.unpacks = unpacks
    newer = bundle(archive.parent / "newer.zip", seed=1)
    for made in (archive, newer):
        on_kaggle.send(made)
        got = Path(on_kaggle.receive().value)
    assert kaggle.datasets[f"ada/anylab-{NAME}"]["versions"] == 2
    assert got.read_bytes() == newer.read_bytes() if not unpacks else '"seed": 1' in (got / "bundle.json").read_text()


def test_a_public_dataset_is_refused_before_anything_is_sent(kaggle, on_kaggle, archive):
    kaggle.datasets[f"ada/anylab-{NAME}"] = {"private": False, "versions": 1}
    stop = on_kaggle.send(archive).stop
    assert one_sentence(stop) and "is public" in stop and kaggle.seen == ["Hello", "GetDataset"]


@pytest.mark.parametrize("place", [f"anylab-{NAME}", f"datasets/ada/anylab-{NAME}", "datasets/bob/anything"])
@pytest.mark.parametrize("unpacked", [False, True])
def test_an_attached_bundle_is_found_without_internet_token_or_client(place, unpacked, tmp_path, archive):
    session = Session(tmp_path / "session", "kaggle", "kaggle")
    top = session.root / "kaggle/input" / place
    target = top / f"{NAME}.bundle" if unpacked else top / FILE
    target.parent.mkdir(parents=True)
    zipfile.ZipFile(archive).extractall(target) if unpacked else shutil.copy(archive, target)
    without = NO_SOCKET + "sys.modules['kagglehub'] = None"
    assert session.receive(before=without).value == str(target) and session.left() == []
    assert str(target) in session.receive(dry_run=True, before=without).printed


def test_the_newest_of_several_attached_bundles_is_taken_and_never_another_jobs(tmp_path, archive):
    session = Session(tmp_path / "session", "kaggle", "kaggle")
    inputs = session.root / "kaggle/input"
    zipfile.ZipFile(archive).extractall(inputs / "anylab-video-generation")
    assert "wants a token" in session.receive().stop  # what is attached holds a bundle.json, of another job
    for age, place in ((100, "first"), (50, "datasets/ada/second")):
        path = inputs / place / FILE
        path.parent.mkdir(parents=True)
        shutil.copy(archive, path)
        os.utime(path, (time.time() - age,) * 2)
    assert session.receive(before=NO_SOCKET).value == str(inputs / "datasets/ada/second" / FILE)


def test_kaggles_older_pair_of_name_and_key_works_as_well(kaggle, on_kaggle, archive):
    pair = {"KAGGLE_API_TOKEN": "", "KAGGLE_USERNAME": "ada", "KAGGLE_KEY": "0123456789abcdef"}
    assert on_kaggle.send(archive, **pair).stop is None
    answer = on_kaggle.receive(**pair)
    assert answer.value == str(on_kaggle.folder / FILE) and nowhere(on_kaggle.root, "0123456789abcdef")


def test_kaggles_own_secret_store_gives_the_token_and_it_is_forgotten_afterwards(kaggle, on_kaggle, archive):
    store = {"KAGGLE_API_TOKEN": "", "ANYLAB_SECRETS": json.dumps({"KAGGLE_API_TOKEN": TOKEN})}
    call = (f"(transport.send(Path({str(archive)!r}), {NAME!r}), __import__('kagglehub').config._kaggle_credentials, "
            "os.environ.get('DISABLE_KAGGLE_CACHE'))")  # fmt: skip
    answer = on_kaggle.run(call, **store)
    assert answer.value[0] and answer.value[1:] == [None, None]


@pytest.mark.parametrize(
    ("step", "how", "words"),
    [
        ("CreateDataset", 403, "quota"),
        ("CreateDataset", "error", "a fault of this stand-in"),
        ("StartBlobUpload", 429, "try again in some minutes"),
        ("StartBlobUpload", 500, "try again later"),
        ("upload", 403, "403"),
        ("GetDataset", 500, "try again later"),
    ],
)
def test_what_kaggle_refuses_is_one_sentence_and_the_archive_stays(step, how, words, kaggle, on_kaggle, archive):
    kaggle.fail(step, how, 9)
    stop = on_kaggle.send(archive).stop
    assert one_sentence(stop) and words in stop and str(archive) in stop and archive.exists()
    assert kaggle.datasets == {}


def test_a_dataset_that_kaggle_does_not_have_is_said(kaggle, on_kaggle):
    stop = on_kaggle.receive().stop
    assert one_sentence(stop) and "Add Input" in stop and on_kaggle.left() == []


def test_an_upload_to_kaggle_that_is_cut_once_goes_on_where_it_was(kaggle, on_kaggle, archive):
    kaggle.fail("upload", "cut")
    assert on_kaggle.send(archive).stop is None and kaggle.seen.count("upload") == 2
    assert kaggle.files(f"ada/anylab-{NAME}") == {FILE: archive.read_bytes()}


def test_an_upload_to_kaggle_that_is_lost_makes_no_version(kaggle, on_kaggle, archive):
    """kagglehub takes any answer to its question how far it got, an error too, for a finished upload."""
    kaggle.fail("upload", "cut")
    kaggle.fail("status", 500, 9)
    stop = on_kaggle.send(archive).stop
    assert one_sentence(stop) and "not uploaded" in stop and kaggle.datasets == {}


@pytest.mark.parametrize("how", ["cut", "truncated"])
def test_a_download_from_kaggle_that_breaks_off_once_is_tried_again(how, kaggle, on_kaggle, archive):
    on_kaggle.send(archive)
    kaggle.fail("download", how)
    assert Path(on_kaggle.receive().value).read_bytes() == archive.read_bytes() and on_kaggle.left() == [FILE]


@pytest.mark.parametrize("how", ["cut", "truncated"])
def test_a_broken_download_from_kaggle_never_stands_at_the_final_name(how, kaggle, on_kaggle, archive):
    on_kaggle.send(archive)
    kaggle.fail("download", how, 9)
    stop = on_kaggle.receive().stop
    assert one_sentence(stop) and on_kaggle.left() == []


def test_a_name_too_long_for_a_dataset_is_refused(on_kaggle, kaggle, archive):
    assert one_sentence(on_kaggle.send(archive, "x" * 44).stop) and kaggle.seen == []
    assert on_kaggle.send(archive, "x" * 43).stop is None


# Google Drive

UNMOUNT = """
import os
real = os.fsync
def fsync(handle):
    real(handle)
    from google.colab import drive
    drive.flush_and_unmount()
os.fsync = fsync
"""
FULL = """
import errno, os
def fsync(handle): raise OSError(errno.ENOSPC, "No space left on device")
os.fsync = fsync
"""


def on_drive(session):
    return session.root / "content/drive/MyDrive/anylab/bundles"


def test_a_bundle_goes_over_drive_and_the_second_replaces_the_first(on_colab, archive):
    newer = bundle(archive.parent / "newer.zip", seed=1)
    for made in (archive, newer):
        sent = on_colab.send(made)
        assert (
            one_sentence(sent.value)
            and f"MyDrive/anylab/bundles/{FILE}" in sent.value
            and "drive.google.com" in sent.value
        )
        got = on_colab.receive()
        assert Path(got.value).read_bytes() == made.read_bytes() and on_colab.left() == [FILE]
    assert [p.name for p in on_drive(on_colab).iterdir()] == [FILE]


@pytest.mark.parametrize("fault", ["refused", "timeout", "files", "enterprise"])
def test_when_drive_says_no_the_bundle_stays_and_the_mount_point_is_not_made(fault, on_colab, archive):
    for answer in (on_colab.send(archive, ANYLAB_DRIVE=fault), on_colab.receive(ANYLAB_DRIVE=fault)):
        assert one_sentence(answer.stop) and "Drive is not mounted" in answer.stop and "Runtime >" in answer.stop
    assert archive.exists() and not (on_colab.root / "content/drive").exists()


def test_an_ordinary_folder_where_drive_should_be_is_no_drive(on_colab, archive):
    """drive.mount takes a folder MyDrive for a mounted Drive; a bundle put there would be lost with the machine."""
    (on_colab.root / "content/drive/MyDrive").mkdir(parents=True)
    for answer in (on_colab.send(archive), on_colab.receive()):
        assert one_sentence(answer.stop) and "ordinary folder" in answer.stop
    assert list((on_colab.root / "content/drive/MyDrive").iterdir()) == []


def test_drive_that_goes_away_in_the_middle_keeps_the_older_bundle_and_the_local_one(on_colab, archive):
    on_colab.send(archive)
    newer = bundle(archive.parent / "newer.zip", seed=1)
    stop = on_colab.send(newer, before=UNMOUNT).stop
    assert one_sentence(stop) and "went away" in stop and str(newer) in stop
    assert [p.name for p in on_drive(on_colab).iterdir()] == [FILE]
    assert (on_drive(on_colab) / FILE).read_bytes() == archive.read_bytes() and newer.exists()


def test_a_full_drive_is_said_and_leaves_no_part_behind(on_colab, archive):
    stop = on_colab.send(archive, before=FULL).stop
    assert one_sentence(stop) and "No space left" in stop and "free some space" in stop and str(archive) in stop
    assert list(on_drive(on_colab).iterdir()) == [] and archive.exists()


def test_a_full_machine_leaves_no_part_of_what_drive_has(on_colab, archive):
    on_colab.send(archive)
    stop = on_colab.receive(before=FULL).stop
    assert one_sentence(stop) and "free some space" in stop and on_colab.left() == []
    on_colab.folder.rmdir()
    on_colab.folder.write_text("a file in the way")
    assert one_sentence(on_colab.receive().stop)


def test_a_bundle_that_drive_does_not_have_is_said(on_colab):
    stop = on_colab.receive().stop
    assert one_sentence(stop) and f"no MyDrive/anylab/bundles/{FILE}" in stop


def test_the_browser_takes_a_bundle_and_gives_one(on_colab, archive):
    answer = on_colab.run(f"transport.download(Path({str(archive)!r}))")
    assert one_sentence(answer.value) and "downloading job.zip" in answer.printed
    upload = f"transport.upload('job', Path({str(on_colab.folder)!r}))"
    assert one_sentence(on_colab.run(upload).stop) and on_colab.left() == []
    got = on_colab.run(upload, ANYLAB_UPLOAD=str(archive))
    assert Path(got.value).read_bytes() == archive.read_bytes() and on_colab.left() == [Path(got.value).name]
