"""A stand-in of Kaggle's API on this machine: as much of it as one file in one dataset needs, and a push.

The real kagglehub (1.0.2 with kagglesdk 0.1.37 was run, 2026-11-20) knows fixed addresses only; one of these, LOCALHOST
(http://localhost, kaggle_env.py), is asked for through an HTTP proxy: this service. It speaks Hello, GetDataset,
StartBlobUpload with a resumable upload, CreateDataset, CreateDatasetVersion and DownloadDataset; SaveKernel for the
client that pushes (kaggle 2.2.4), and IntrospectToken, by which it learns whose token it has. A version lies in
`folder/OWNER/SLUG/VERSION`, an uploaded zip as a file or unpacked as `unpacks` says ("", "folder" or "flat": how
Kaggle lays it out is not documented). `fail` makes a step fail a number of times.
"""

import base64
import hashlib
import io
import json
import re
import socket
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STEPS = ("Hello", "GetDataset", "StartBlobUpload", "upload", "status", "CreateDataset", "CreateDatasetVersion",
         "DownloadDataset", "download", "IntrospectToken", "SaveKernel")  # fmt: skip


class Service:
    """`with Service(folder, token) as kaggle:` serves until the end; `kaggle.env` is what the client reads."""

    def __init__(self, folder: Path, token: str, user: str = "ada", key: str = ""):
        self.folder, self.user, self.unpacks = folder, user, ""
        basic = base64.b64encode(f"{user}:{key}".encode()).decode()
        self.accepted = {f"Bearer {token}", f"Basic {basic}" if key else ""} - {""}
        self.datasets: dict[str, dict] = {}  # "owner/slug" -> {"private": bool, "versions": int}
        self.blobs: dict[str, dict] = {}  # token -> {"name": str, "size": int, "data": bytes}
        self.kernels: list[dict] = []  # what was pushed
        self.seen: list[str] = []  # the steps asked for, in order
        self.faults: dict[str, list] = {}
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": self}))
        self._server.daemon_threads = True
        proxy = f"http://127.0.0.1:{self._server.server_port}"
        self.env = {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "http_proxy": proxy}

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def fail(self, step: str, how: int | str, times: int = 1) -> None:
        """Make the next `times` calls of a step fail: an HTTP status, "cut" (mid-body), "truncated" (short body), or
        "error" (Kaggle's way of refusing with status 200)."""
        assert step in STEPS and (isinstance(how, int) or how in ("cut", "truncated", "error"))
        self.faults[step] = [how] * times

    def files(self, ref: str) -> dict[str, bytes]:
        """What the newest version of a dataset holds."""
        top = self.folder / ref / str(self.datasets[ref]["versions"])
        return {str(p.relative_to(top)): p.read_bytes() for p in sorted(top.rglob("*")) if p.is_file()}

    def keep(self, ref: str, tokens: list[str]) -> None:
        """Make the next version of a dataset from uploaded blobs."""
        version = self.datasets[ref]["versions"] = self.datasets[ref]["versions"] + 1
        top = self.folder / ref / str(version)
        top.mkdir(parents=True)
        for blob in (self.blobs[token] for token in tokens):
            if self.unpacks and zipfile.is_zipfile(io.BytesIO(blob["data"])):
                target = top / blob["name"].removesuffix(".zip") if self.unpacks == "folder" else top
                zipfile.ZipFile(io.BytesIO(blob["data"])).extractall(target)
            else:
                (top / blob["name"]).write_bytes(blob["data"])

    def archive(self, ref: str, version: int) -> bytes:
        """All of a version as one zip, the way it is downloaded."""
        top, sink = self.folder / ref / str(version), io.BytesIO()
        with zipfile.ZipFile(sink, "w") as pack:
            for path in sorted(p for p in top.rglob("*") if p.is_file()):
                pack.write(path, path.relative_to(top))
        return sink.getvalue()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):  # a client may hang up too
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.removeprefix("http://localhost")
        if match := re.fullmatch(r"/api/v1/[\w.]+/(\w+)", path):
            return self._step(match[1])
        if match := re.fullmatch(r"/blob/(\w+)", path):
            return self._step("status" if "*/" in self.headers.get("Content-Range", "") else "upload", match[1])
        if match := re.fullmatch(r"/storage/([\w-]+/[\w-]+)/(\d+)", path):
            return self._step("download", match[1], int(match[2]))
        self._json(404, {"code": 404, "message": f"no such page: {self.path}"})

    do_POST = do_PUT = do_GET

    def _step(self, step, *found):
        service = self.service
        service.seen.append(step)
        self.fault = service.faults[step].pop(0) if service.faults.get(step) else None
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length // 2 if step == "upload" and self.fault == "cut" else length)
        if isinstance(self.fault, int):
            return self._json(self.fault, {"code": self.fault, "message": f"a fault of this stand-in: {self.fault}"})
        if self.fault == "error":
            return self._json(200, {"error": "a fault of this stand-in", "errorCode": 400})
        if step in ("upload", "status", "download"):
            return getattr(self, f"_{step}")(body, *found)
        if step == "IntrospectToken":  # asked before a token is used
            return self._IntrospectToken(json.loads(body))
        if self.headers.get("Authorization") not in service.accepted:
            return self._json(401, {"code": 401, "message": "Unauthenticated"})
        getattr(self, f"_{step}")(json.loads(body or b"{}"))

    def _Hello(self, _):
        self._json(200, {"userName": self.service.user})

    def _IntrospectToken(self, asked):
        active = f"Bearer {asked['token']}" in self.service.accepted
        self._json(200, {"active": active, "username": self.service.user if active else ""})

    def _SaveKernel(self, asked):
        self.service.kernels.append(asked)
        url = f"https://www.kaggle.com/code/{asked['slug']}"
        self._json(200, {"versionNumber": len(self.service.kernels), "url": url, "ref": f"/code/{asked['slug']}"})

    def _GetDataset(self, asked):
        ref = f"{asked['ownerSlug']}/{asked['datasetSlug']}"
        if ref not in self.service.datasets:  # as Kaggle: it does not tell what is missing from what is another's
            return self._json(403, {"code": 403, "message": "Permission 'datasets.get' was denied"})
        found = self.service.datasets[ref]
        self._json(200, {"ref": ref, "isPrivate": found["private"], "currentVersionNumber": found["versions"]})

    def _StartBlobUpload(self, asked):
        token = f"blob{len(self.service.blobs)}"
        self.service.blobs[token] = {"name": asked["name"], "size": asked["contentLength"], "data": b""}
        self._json(200, {"token": token, "createUrl": f"http://localhost/blob/{token}"})

    def _upload(self, body, token):
        blob = self.service.blobs[token]
        start = int(re.match(r"bytes (\d+)-", self.headers["Content-Range"])[1])
        blob["data"] = blob["data"][:start] + body
        if self.fault == "cut":
            return self._hang_up()
        self._json(200 if len(blob["data"]) == blob["size"] else 308, {})

    def _status(self, _, token):
        have = len(self.service.blobs[token]["data"])
        complete = have == self.service.blobs[token]["size"]
        self._json(200 if complete else 308, {}, {"Range": f"bytes=0-{have - 1}"} if have and not complete else {})

    def _CreateDataset(self, asked):
        ref = f"{asked['ownerSlug']}/{asked['slug']}"
        if ref in self.service.datasets:
            return self._json(200, {"error": "The requested title is already in use by a dataset", "errorCode": 409})
        if self._complete(asked["files"]):
            self.service.datasets[ref] = {"private": asked.get("isPrivate", False), "versions": 0}
            self.service.keep(ref, [file["token"] for file in asked["files"]])
            self._json(200, {"ref": ref, "status": "ok"})

    def _CreateDatasetVersion(self, asked):
        if self._complete(asked["body"]["files"]):
            ref = f"{asked['ownerSlug']}/{asked['datasetSlug']}"
            self.service.keep(ref, [file["token"] for file in asked["body"]["files"]])
            self._json(200, {"ref": ref, "status": "ok"})

    def _complete(self, files) -> bool:
        whole = all(len(b["data"]) == b["size"] for b in (self.service.blobs[f["token"]] for f in files))
        if not whole:
            self._json(200, {"error": "One or more files were not uploaded", "errorCode": 400})
        return whole

    def _DownloadDataset(self, asked):
        ref = f"{asked['ownerSlug']}/{asked['datasetSlug']}"
        self._json(302, {}, {"Location": f"http://localhost/storage/{ref}/{asked['datasetVersionNumber']}"})

    def _download(self, _, ref, version):
        data = self.service.archive(ref, version)
        digest = base64.b64encode(hashlib.md5(data).digest()).decode()
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        data = data[start : len(data) // 2] if self.fault == "truncated" else data[start:]
        headers = {"Content-Length": str(len(data)), "Accept-Ranges": "bytes", "x-goog-hash": f"md5={digest}"}
        self.send_response(206 if start else 200)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.fault == "cut" else data)
        if self.fault == "cut":
            self._hang_up()

    def _json(self, status, content, headers=None):
        data = json.dumps(content).encode()
        self.send_response(status)
        for key, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    def _hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
