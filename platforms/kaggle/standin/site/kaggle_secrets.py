"""A stand-in of kaggle_secrets (docker-python@78aaa43, 2026-08-12): `get_secret` knows what ANYLAB_SECRETS holds."""

import json
import os


class CredentialError(Exception):
    pass


class BackendError(Exception):
    pass


class UserSecretsClient:
    def get_secret(self, label):
        if not label:
            raise ValueError("Label must be non-empty.")
        known = json.loads(os.environ.get("ANYLAB_SECRETS", "{}"))
        if label not in known:
            raise BackendError(f"no secret with the label {label}")
        if isinstance(known[label], dict):
            raise ConnectionError("Connection error trying to communicate with service.")
        return known[label]
