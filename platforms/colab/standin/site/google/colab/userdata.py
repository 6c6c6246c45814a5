"""Secrets: `get` knows what ANYLAB_SECRETS holds."""

import json
import os


class SecretNotFoundError(Exception):
    def __init__(self, key):
        super().__init__(f"Secret {key} does not exist.")


class NotebookAccessError(Exception):
    def __init__(self, key):
        super().__init__(f"Notebook does not have access to secret {key}")


class TimeoutException(Exception):
    pass


def get(key):
    known = json.loads(os.environ.get("ANYLAB_SECRETS", "{}"))
    if key not in known:
        raise SecretNotFoundError(key)
    if known[key] is None:
        raise NotebookAccessError(key)
    if isinstance(known[key], dict):
        raise TimeoutException(f"Requesting secret {key} timed out. Secrets can only be fetched in the Colab UI.")
    return known[key]
