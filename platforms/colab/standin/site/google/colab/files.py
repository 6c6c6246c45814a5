"""Files to and from the browser: there is none, so an upload fails and a download is noted beside the file."""

from pathlib import Path


def download(filename):
    if not Path(filename).exists():
        raise FileNotFoundError(f"Cannot find file: {filename}")
    print(f"downloading {Path(filename).name}")


def upload(target_dir=""):
    raise NotImplementedError("an upload needs a browser")
