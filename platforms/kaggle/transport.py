"""Carry a bundle through a private Kaggle dataset (kagglehub 1.0.2 and kagglesdk 0.1.37, read on 2026-11-20).

Where their code decides: `dataset_upload` makes a new dataset private and an existing one a new version, of whatever
privacy it has (datasets_helpers.py), so that is asked first; `dataset_download` of a whole dataset unpacks Kaggle's
archive of it (http_resolver.py); a credential set by `config.set_*` stays in memory (config.py). Kaggle unpacks zips
that are uploaded, so a bundle may come back as a folder.
"""

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import remote
from labkit import Stop, here, secret

WAY = "a private Kaggle dataset"
_ROOT = os.environ.get("ANYLAB_STANDIN", "")  # tests put the platform's folders below a folder of theirs
_GET = "make one at kaggle.com/settings > API and save it under Add-ons > Secrets as KAGGLE_API_TOKEN, attached"
_LONGEST = 43  # a dataset's address has 50 characters at most (Kaggle/kaggle-api wiki, Dataset-Metadata), 7 are ours


def send(archive: Path, name: str, dry_run: bool = False) -> str:
    """Upload the archive as the newest version of the private dataset anylab-<name>; one sentence that says where.

    A dataset that is public is refused before anything is sent. Raises Stop.
    """
    slug = _slug(name)
    archive = Path(archive)
    if not archive.is_file():
        raise Stop(f"there is no file {archive}: make the bundle first")
    size = remote.size(archive)
    if dry_run:
        return _promise(f"upload {archive.name} ({size}) to the private dataset {slug} of your Kaggle account")
    with _sentence(f"the bundle was not sent and stays at {archive}"), _account() as owner:
        import kagglehub

        if _public(owner, slug):
            raise Stop(
                f"the Kaggle dataset {owner}/{slug} is public and everybody could read the bundle: make it private in "
                "its settings, or choose another name; nothing was sent"
            )
        with tempfile.TemporaryDirectory() as folder:
            named = Path(folder) / f"{name}.bundle.zip"
            named.symlink_to(archive.resolve())
            kagglehub.dataset_upload(f"{owner}/{slug}", str(named), version_notes=f"Bundle {name}")
    return (
        f"The bundle is in your private Kaggle dataset {owner}/{slug} ({size}), which Kaggle still works on for some "
        "minutes: in another notebook Add Input > Datasets > Your Work, or receive it there under the same name."
    )


def receive(name: str, folder: Path, dry_run: bool = False) -> Path | None:
    """The bundle `name`: the attached input as it lies there, else the newest version, downloaded into `folder`.

    An archive's path, or that of a folder with the unpacked bundle; None after a dry run. Raises Stop.
    """
    slug = _slug(name)
    attached = _attached(name, slug)
    if dry_run:
        print(
            f"A run would take {attached}, which is attached; Kaggle was not asked."
            if attached
            else _promise(f"download the dataset {slug} of your Kaggle account to {folder}, nothing being attached")
        )
        return None
    if attached:
        return attached
    folder = Path(folder)
    temporary = None
    try:
        state = f"nothing was received into {folder}; without internet: Add Input > Datasets > Your Work > {slug}"
        with _sentence(state), _account() as owner:
            import kagglehub

            folder.mkdir(parents=True, exist_ok=True)
            temporary = tempfile.mkdtemp(dir=folder, prefix=".bundle-")
            with _environment(KAGGLEHUB_CACHE=temporary):  # unlike output_dir, a cache goes on where a try broke off
                # kagglehub tries uploads again itself, downloads not
                got = remote.patiently(lambda: kagglehub.dataset_download(f"{owner}/{slug}"))
            found = _bundle(Path(got), name)
            if found is None:
                raise Stop(f"the Kaggle dataset {owner}/{slug} holds no bundle: send it again")
            target = folder / (f"{name}.bundle" if found.is_dir() else f"{name}.bundle.zip")
            if target.is_dir():
                shutil.rmtree(target)
            os.replace(found, target)
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
    return target


def _attached(name: str, slug: str) -> Path | None:
    """The bundle among the attached inputs, in both layouts (…/SLUG, …/datasets/OWNER/SLUG); the newest of several."""
    base = Path(f"{_ROOT}/kaggle/input")
    inputs = [p for pattern in ("*", "datasets/*/*") for p in base.glob(pattern) if p.is_dir()]
    found = [b for p in inputs if (b := _bundle(p, name, p.name in (slug, name, f"{name}-bundle")))]
    return max(found, key=lambda path: (path.stat().st_mtime, str(path)), default=None)


def _bundle(folder: Path, name: str, ours: bool = True) -> Path | None:
    """The bundle in a dataset's folder: its archive, or the folder that Kaggle unpacked it to (any name if `ours`)."""
    for depth in ("", "*/", "*/*/"):
        for archive in sorted(folder.glob(f"{depth}{name}.bundle.zip")):
            if archive.is_file():
                return archive
    for depth in ("", "*/", "*/*/"):
        for manifest in sorted(folder.glob(f"{depth}bundle.json")):
            if ours or manifest.parent.name in (name, f"{name}.bundle", f"{name}.bundle.zip"):
                return manifest.parent
    return None


@contextmanager
def _account():
    """The owner's name; until the end kagglehub has the credentials, in memory, and speaks to Kaggle itself.

    Its shortcut in a Kaggle session attaches the dataset instead, and may show the version attached before.
    """
    from kagglehub import config, whoami

    token, user, key = _credentials()
    if token:
        config.set_kaggle_api_token(token)
    elif user and key:
        config.set_kaggle_credentials(user, key)
    elif not config.get_kaggle_credentials():
        raise Stop(f"Kaggle wants a token and there is no secret KAGGLE_API_TOKEN: {_GET}")
    try:
        with _environment(DISABLE_KAGGLE_CACHE="1"):
            yield whoami(verbose=False)["username"]
    finally:
        if token or (user and key):
            config.clear_kaggle_credentials()


@contextmanager
def _environment(**values: str):
    """These environment variables, until the end."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _credentials() -> tuple[str | None, str | None, str | None]:
    """(token, None, None), or the older (None, user, key); Nones where neither is there. A user's name is no secret."""
    token = secret.get("KAGGLE_API_TOKEN")
    if token and len(token) < 200 and Path(token).is_file():  # kagglesdk allows a path (kaggle_env.py)
        token = Path(token).read_text(encoding="utf-8").strip()
    if token:
        return token, None, None
    user = os.environ.get("KAGGLE_USERNAME") or here.secret("KAGGLE_USERNAME")
    return None, user, secret.get("KAGGLE_KEY") if user else None


def _public(owner: str, slug: str) -> bool:
    """Whether the dataset is there and public. Kaggle answers 403 or 404 for one that is not there."""
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

    request = ApiGetDatasetRequest()
    request.owner_slug, request.dataset_slug = owner, slug
    try:
        with build_kaggle_client() as client:
            return not client.datasets.dataset_api_client.get_dataset(request).is_private
    except Exception as error:
        if remote.status(error) in (403, 404):
            return False
        raise


def _promise(what: str) -> str:
    token, user, key = _credentials()
    found = "was found" if token or (user and key) else f"was not found ({_GET})"
    return f"A run would {what}; a token {found}; Kaggle was not asked."


@contextmanager
def _sentence(state: str):
    """Turn whatever the client raises into one Stop of one sentence, that ends with the state of things."""
    try:
        yield
    except Stop:
        raise
    except ImportError:
        raise Stop(f"kagglehub 1.0 or newer is needed: run %pip install 'kagglehub>=1.0'; {state}") from None
    except Exception as error:
        raise Stop(f"{secret.mask(_trouble(error))}; {state}") from None


def _trouble(error: BaseException) -> str:
    known = {
        401: f"Kaggle does not accept the token: {_GET}",
        403: "Kaggle refuses this: the dataset is not there yet, the quota of private datasets is used up, or the "
        f"token may not do it ({_GET})",
        404: "there is no such dataset in your Kaggle account: send the bundle first",
        413: "Kaggle has no room for this bundle: delete old private datasets",
        429: "Kaggle asks to wait (too many requests): try again in some minutes",
    }
    status = remote.status(error)
    if status in known:
        return known[status]
    if status and status >= 500:
        return f"Kaggle is in trouble (error {status}): try again later"
    kinds = {kind.__name__ for cause in remote.causes(error) for kind in type(cause).__mro__}
    last = remote.why(error)
    if cause := remote.unwritable(error):
        return f"{cause.filename or 'the folder'} cannot be written ({cause.strerror}): free some space or check it"
    if "RequestException" in kinds and "JSONDecodeError" not in kinds:
        return f"Kaggle could not be reached, or the transfer broke off ({last}): {here.INTERNET_CLICKS}"
    if "UnauthenticatedError" in kinds:
        return f"Kaggle does not say whose token this is (wrong, expired, or Kaggle is in trouble): {_GET}"
    return f"Kaggle refused it, or what came was damaged ({last}): try again, and look at kaggle.com/datasets"


def _slug(name: str) -> str:
    """The dataset's address. Raises Stop for a name that is no name."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(name)) or len(name) > _LONGEST:
        raise Stop(
            f"a bundle's name is made of a-z, 0-9 and single hyphens, {_LONGEST} at most, like graphmer-training, "
            f"not {name!r}"
        )
    return f"anylab-{name}"
