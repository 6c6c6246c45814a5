"""A real kernel, cell by cell, with every message that it sends to a reader."""

import os
from contextlib import contextmanager

from jupyter_client.manager import KernelManager

from tests.conftest import ROOT

LIBRARY = str(ROOT / "notebooks-src" / "lib")


@contextmanager
def kernel(cwd, **env):
    """A function that runs a cell and gives back its messages: (type, content), the reply last."""
    manager = KernelManager(kernel_name="python3")
    environment = {**os.environ, "PYTHONPATH": LIBRARY, "IPYTHONDIR": str(cwd / ".ipython"), **env}
    environment.pop("PYTEST_CURRENT_TEST", None)  # with it ipykernel leaves out what subprocesses print
    manager.start_kernel(cwd=str(cwd), env={**environment, "PYDEVD_DISABLE_FILE_VALIDATION": "1"})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)

    def run(code):
        asked, messages = client.execute(code), []
        while True:
            message = client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            if message["msg_type"] not in ("status", "execute_input"):
                messages.append((message["msg_type"], message["content"]))
        reply = client.get_shell_msg(timeout=60)
        return [*messages, ("reply", reply["content"])]

    try:
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(messages):
    """What a cell has written to its streams."""
    return "".join(content["text"] for kind, content in messages if kind == "stream")
