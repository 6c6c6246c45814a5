"""Carry a bundle through a private dataset repository on the Hugging Face Hub, from any platform to any other.

Written against huggingface_hub 0.33.4, 1.11.0, 1.27.0 and 2.4.0 (read on 2026-11-20), with calls that all of them have.
The token is read at each call, handed over explicitly, never stored (no login) and masked in what is shown. Each
version's errors are of other types, so they are told apart by the HTTP status that they carry.
"""

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import remote
from labkit import Stop, here, secret

WAY = "a private dataset on the Hugging Face Hub"
_TOKEN = "HF_TOKEN"
_GET = f"make one at huggingface.co/settings/tokens and save it among this platform's secrets as {_TOKEN}"


def send(archive: Path, name: str, dry_run: bool = False) -> str:
    """Upload the archive as `<name>.bundle.zip`; one sentence that says where it is now and how to take it from there.

    `name` may be "owner/repo:name". A repository that is public is refused before anything is sent. Raises Stop.
    """
    repo, name, file = _place(name)
    archive = Path(archive)
    if not archive.is_file():
        raise Stop(f"there is no file {archive}: make the bundle first")
    size = remote.size(archive)
    if dry_run:
        return _promise(f"upload {archive.name} ({size}) as {file} to the private dataset", repo)
    token = _token("with write access")
    with _sentence(f"the bundle was not sent and stays at {archive}"):
        from huggingface_hub import HfApi

        api = HfApi(token=token)
        repo = repo or f"{api.whoami()['name']}/anylab-bundles"
        if _private(api, repo) is None:
            api.create_repo(repo, private=True, exist_ok=True, repo_type="dataset")
        if not _private(api, repo):
            raise Stop(
                f"the dataset {repo} on the Hugging Face Hub is not private and others could read the bundle: make it "
                "private in its settings, or name another one as owner/repo:name; nothing was sent"
            )
        sent = {"path_or_fileobj": str(archive), "path_in_repo": file, "commit_message": f"Bundle {name}"}
        # before 1.27 the client gives up at once (0.33.4, 1.11.0)
        remote.patiently(lambda: api.upload_file(**sent, repo_id=repo, repo_type="dataset"))
    return (
        f"The bundle is on the Hugging Face Hub in the private dataset {repo} as {file} ({size}): receive it on any "
        f"platform that has your {_TOKEN} among its secrets, under the name {repo}:{name}."
    )


def receive(name: str, folder: Path, dry_run: bool = False) -> Path | None:
    """Download the newest bundle `name` into `folder`, whole or not at all; its path, None after a dry run."""
    repo, name, file = _place(name)
    folder = Path(folder)
    if dry_run:
        print(_promise(f"download {file} to {folder} from the dataset", repo))
        return None
    token = _token("with read access")
    temporary = None
    try:
        with _sentence(f"nothing was received into {folder}"):
            from huggingface_hub import HfApi, hf_hub_download

            repo = repo or f"{HfApi(token=token).whoami()['name']}/anylab-bundles"
            folder.mkdir(parents=True, exist_ok=True)
            # a fresh folder: with an older copy in it, the client would fall back to that one when the Hub is away
            temporary = tempfile.mkdtemp(dir=folder, prefix=".bundle-")
            wanted = {"repo_type": "dataset", "token": token, "local_dir": temporary}
            got = remote.patiently(lambda: hf_hub_download(repo, file, **wanted))
            os.replace(got, folder / file)
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder / file


def _place(name: str) -> tuple[str | None, str, str]:
    """(repository or None for the reader's own, name, file). Raises Stop for a name that is no name."""
    part = r"[A-Za-z0-9][A-Za-z0-9._-]*"
    match = re.fullmatch(rf"(?:({part}/{part}):)?([a-z0-9]+(?:-[a-z0-9]+)*)", str(name))
    if not match:
        raise Stop(
            "a bundle's name is made of a-z, 0-9 and single hyphens, like graphmer-training, with owner/repo: "
            f"before it where you like, not {name!r}"
        )
    return match[1] or os.environ.get("ANYLAB_HUB_REPO") or None, match[2], f"{match[2]}.bundle.zip"


def _promise(what: str, repo: str | None) -> str:
    found = "was found" if secret.get(_TOKEN) else f"was not found ({_GET})"
    where = repo or "<your account>/anylab-bundles"
    return f"A run would {what} {where} on the Hugging Face Hub; a token {found}; the Hub was not asked."


def _token(kind: str) -> str:
    token = secret.get(_TOKEN)
    if not token:
        raise Stop(f"the Hugging Face Hub wants a token {kind} and there is no secret {_TOKEN}: {_GET}")
    return token


def _private(api, repo: str) -> bool | None:
    """Whether the dataset is private; None when there is none that this token can see."""
    try:
        return api.repo_info(repo, repo_type="dataset").private is True
    except Exception as error:
        if remote.status(error) == 404:
            return None
        raise


@contextmanager
def _sentence(state: str):
    """Turn whatever a client raises into one Stop of one sentence, that ends with the state of things."""
    try:
        yield
    except Stop:
        raise
    except ImportError:
        raise Stop(f"huggingface_hub is not installed: run %pip install huggingface_hub; {state}") from None
    except Exception as error:
        raise Stop(f"{secret.mask(_trouble(error))}; {state}") from None


def _trouble(error: BaseException) -> str:
    known = {
        401: f"the Hugging Face Hub does not accept the token {_TOKEN}, or hides the dataset from it: {_GET}",
        403: f"the token {_TOKEN} may not do this on the Hugging Face Hub (it needs write access to send): {_GET}",
        404: "there is no such bundle on the Hugging Face Hub: send it first, or look whether its name is right",
        413: "the Hugging Face Hub has no room for this bundle: delete old ones there",
        429: "the Hugging Face Hub asks to wait (too many requests): try again in some minutes",
    }
    status = remote.status(error)
    if status in known:
        return known[status]
    if status and status >= 500:
        return f"the Hugging Face Hub is in trouble (error {status}): try again later"
    if cause := remote.unwritable(error):
        return f"{cause.filename or 'the folder'} cannot be written ({cause.strerror}): free some space or check it"
    why = remote.why(error)
    return f"the Hugging Face Hub could not be reached, or the transfer broke off ({why}): {here.INTERNET_CLICKS}"
