"""The adapter for Google Colab (google.colab interface: colabtools@3c07d77, 2026-04-07)."""

import os
import shutil
from pathlib import Path

NAME = "Google Colab"
SESSION_HOURS = 12  # at most, free tier (Colab FAQ, 2026-09-24)
IDLE = "an idle one ends earlier, after a time that Colab does not publish"
INSTALLS = True
GPU_CLICKS = "Runtime > Change runtime type > T4 GPU > Save, then Runtime > Run all"
LARGER_CLICKS = (
    "choose a smaller size in the settings; for an empty disk Runtime > Disconnect and delete runtime; larger cards "
    "(L4, A100) and High-RAM stand under Runtime > Change runtime type with a paid plan"
)
INTERNET_CLICKS = (
    "Colab sessions are always online, so this one is broken: Runtime > Disconnect and delete runtime, then start again"
)
RESTART_CLICKS = "Runtime > Restart session, then Runtime > Run all"
FETCH = "To fetch them: the folder sign on the left > right-click a file > Download (or tick DOWNLOAD in the settings)."
ELSEWHERE = "This is the variant for Google Colab, but this machine is not Colab; the badges on top lead to the others."
# its FAQ's list of what is not allowed, read 2026-09-24; the warning as the press quoted it in May 2022
CLONING = (
    'Colab does not allow "creating deepfakes" (its FAQ, research.google.com/colaboratory/faq.html, read 2026-09-24), '
    'and its warning says that this "may restrict your ability to use Colab in the future" (as reported in 2022-05): '
    "it can cost the account. Use only a voice or face that is yours or was given to you, and say that a machine did."
)
ROOT = os.environ.get("ANYLAB_STANDIN", "")  # tests put the platform's folders below a folder of theirs


def am_i_here() -> bool:
    """Colab, and not Kaggle: Kaggle's image is built on Colab's and sets its variables too (kagglehub#230)."""
    return bool(os.environ.get("COLAB_RELEASE_TAG")) and not os.environ.get("KAGGLE_KERNEL_RUN_TYPE")


def is_batch() -> bool:
    """Colab runs with a browser open."""
    return False


def folders(job: str, use_drive: bool = False) -> dict:
    """Where things go; `use_drive` mounts Google Drive, and falls back to this machine when that is refused."""
    content = Path(f"{ROOT}/content")
    drive, note = _mount() if use_drive else (None, "")
    outputs = (drive or content / "outputs") / "anylab" / job if drive else content / "outputs" / job
    return {
        "work": content / "work" / job,
        "outputs": outputs,
        "cache": content / "cache",
        "kept": drive is not None,
        "note": note,
        "slow": drive is not None,  # many small files are slow there, or fail (colabtools#280, #1607)
    }


def _mount() -> tuple[Path | None, str]:
    """Mount Drive; (its root or None, a sentence). The folder below the mount point is never made beforehand."""
    mountpoint = f"{ROOT}/content/drive"
    try:
        from google.colab import drive

        drive.mount(mountpoint)
    except Exception as error:  # refused, timed out, folder in use, Colab Enterprise: each raises its own type
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return None, f"Drive is not mounted ({why}); results stay on this machine, fetch them before you go."
    for name in ("MyDrive", "My Drive"):
        if Path(mountpoint, name).is_dir():
            return Path(mountpoint, name), "Drive is mounted; results go to its folder anylab."
    return None, "Drive is mounted but has no MyDrive folder; results stay on this machine."


def secret(name: str) -> str | None:
    """A secret from the key sign on the left; None when it is missing, not granted, or nobody answers."""
    try:
        from google.colab import userdata

        return userdata.get(name)
    except Exception:  # SecretNotFoundError, NotebookAccessError, TimeoutException, no front end
        return None


def image() -> str:
    """The image's release tag."""
    return os.environ.get("COLAB_RELEASE_TAG", "")


def download(folder: Path) -> None:
    """Hand all files of `folder` to the browser as one zip."""
    from google.colab import files

    files.download(shutil.make_archive(str(folder.parent / folder.name), "zip", folder))


def release() -> str:
    """End the session, which frees the GPU (and saves compute units); Drive is written out first."""
    try:
        from google.colab import drive, runtime

        if Path(f"{ROOT}/content/drive").is_dir():
            drive.flush_and_unmount()
        runtime.unassign()
    except Exception as error:
        return f"The session could not be ended ({error}): Runtime > Disconnect and delete runtime."
    return "The session is ending."


def upload(folder: Path) -> Path | None:
    """One file from the browser, under its own name in `folder`; None when the dialog was closed."""
    from google.colab import files

    folder.mkdir(parents=True, exist_ok=True)
    chosen = files.upload(str(folder))  # {name: bytes}; it stands in the folder as well
    name = next(iter(chosen), None)
    return folder / Path(name).name if name else None


_RECORD = """
(async () => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  const recorder = new MediaRecorder(stream), parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const ended = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  recorder.stop();
  await ended;
  stream.getTracks().forEach((track) => track.stop());
  return await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onloadend = () => resolve(reader.result);
    reader.readAsDataURL(new Blob(parts));
  });
})()
"""


def record(folder: Path, seconds: int) -> Path | None:
    """A recording from the browser's microphone, which asks for permission; None when nothing came."""
    import base64

    from google.colab import output

    print(f"Recording {seconds} seconds: allow the microphone, and speak.")
    try:
        answer = output.eval_js(_RECORD.replace("SECONDS", str(seconds)), timeout_sec=seconds + 60)
    except Exception as error:  # refused, no microphone, no front end: each raises its own type
        print(f"The microphone did not answer ({str(error).splitlines()[0] if str(error) else type(error).__name__}).")
        return None
    path = folder / "recorded.webm"
    path.write_bytes(base64.b64decode(answer.partition(",")[2]))
    return path if path.stat().st_size else None
