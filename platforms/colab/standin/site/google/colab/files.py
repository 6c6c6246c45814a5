"""Files to and from the browser: a download is noted, an upload takes the file that ANYLAB_UPLOAD names."""

import os
from pathlib import Path


def download(filename):
    if not Path(filename).exists():
        raise FileNotFoundError(f"Cannot find file: {filename}")
    print(f"downloading {Path(filename).name}")


def upload(target_dir=""):
    chosen = os.environ.get("ANYLAB_UPLOAD")
    if not chosen:
        return {}  # the dialog was closed
    data = Path(chosen).read_bytes()
    Path(target_dir, Path(chosen).name).write_bytes(data)
    return {str(Path(target_dir, Path(chosen).name)): data}


def upload_file(filename):
    chosen = os.environ.get("ANYLAB_UPLOAD")
    if not chosen:
        raise ValueError("File has not been uploaded")
    Path(filename).write_bytes(Path(chosen).read_bytes())
    print(f"Saved {Path(chosen).name} to {os.getcwd()}/{filename}")
