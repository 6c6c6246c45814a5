"""A stand-in of the Hugging Face Hub on this machine: as much of its HTTP interface as one file in one dataset needs.

The real huggingface_hub speaks to it through HF_ENDPOINT (0.33.4, 1.11.0, 1.27.0 and 2.4.0 were run, 2026-11-20):
whoami, repository info and creation, preupload, LFS batch (basic transfer), upload, verify, commit, resolve. What was
uploaded lies in `folder` by its sha256; only complete uploads are kept. `fail` makes a step fail a number of times.
"""

import hashlib
import json
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STEPS = ("whoami", "info", "create", "preupload", "batch", "upload", "verify", "commit", "resolve", "download")


class Service:
    """`with Service(folder, token) as hub:` serves until the end; `hub.env` is what the client reads."""

    def __init__(self, folder: Path, token: str, user: str = "ada"):
        self.folder, self.token, self.user = folder, token, user
        self.repos: dict[str, dict] = {}  # "owner/name" -> {"private": bool, "commits": [{file: sha256}]}
        self.seen: list[str] = []  # the steps asked for, in order
        self.faults: dict[str, list] = {}
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.storage = f"http://localhost:{self._server.server_port}/storage"  # another host, as the Hub's storage is
        self.leaks: list[str] = []  # the steps at the storage that were shown the token
        self.env = {"HF_ENDPOINT": self.url, "HF_HUB_DISABLE_XET": "1"}

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def fail(self, step: str, how: int | str, times: int = 1) -> None:
        """Make the next `times` calls of a step fail: an HTTP status, "cut" (mid-body) or "truncated" (short body)."""
        assert step in STEPS and (isinstance(how, int) or how in ("cut", "truncated"))
        self.faults[step] = [how] * times

    def files(self, repo: str) -> dict[str, bytes]:
        """What the newest commit of a repository holds."""
        return {name: (self.folder / oid).read_bytes() for name, oid in self.repos[repo]["commits"][-1].items()}


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
        self._route()

    do_HEAD = do_POST = do_PUT = do_GET

    def _route(self):
        path = self.path.partition("?")[0]
        routes = (
            ("whoami", r"/api/whoami-v2"),
            ("create", r"/api/repos/create"),
            ("preupload", r"/api/datasets/(?P<repo>[^/]+/[^/]+)/preupload/main"),
            ("commit", r"/api/datasets/(?P<repo>[^/]+/[^/]+)/commit/main"),
            ("info", r"/api/datasets/(?P<repo>[^/]+/[^/]+)(/revision/main)?"),
            ("batch", r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch"),
            ("resolve", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/main/(?P<file>.+)"),
            ("verify", r"/storage/verify"),
            ("upload" if self.command == "PUT" else "download", r"/storage/(?P<oid>[0-9a-f]{64})"),
        )
        for step, pattern in routes:
            match = re.fullmatch(pattern, path)
            if match:
                return self._step(step, **{k: v for k, v in match.groupdict().items() if v})
        self._body()
        self._json(404, {"error": f"no such page: {path}"})

    def _step(self, step, **found):
        service = self.service
        service.seen.append(step)
        if step in ("upload", "download") and self.headers.get("Authorization"):
            service.leaks.append(step)
        self.fault = service.faults[step].pop(0) if service.faults.get(step) else None
        if step == "upload" and self.fault == "cut":
            self.rfile.read(int(self.headers["Content-Length"]) // 2)
            return self._hang_up()
        body = self._body()
        if isinstance(self.fault, int):
            return self._json(self.fault, {"error": f"a fault of this stand-in: {self.fault}"})
        if step not in ("upload", "download") and self.headers.get("Authorization") != f"Bearer {service.token}":
            return self._json(401, {"error": "Invalid credentials in Authorization header"})
        if "repo" in found and found["repo"] not in service.repos:
            return self._json(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        getattr(self, f"_{step}")(body, **found)

    def _whoami(self, _):
        token = {"displayName": "test", "role": "write"}
        self._json(200, {"type": "user", "name": self.service.user, "orgs": [], "auth": {"accessToken": token}})

    def _info(self, _, repo):
        found = self.service.repos[repo]
        files = [{"rfilename": name} for name in found["commits"][-1]]
        self._json(200, {"id": repo, "private": found["private"], "sha": _commit(found), "siblings": files, "tags": []})

    def _create(self, body):
        asked = json.loads(body)
        repo = f"{asked.get('organization') or self.service.user}/{asked['name']}"
        if repo in self.service.repos:
            return self._json(409, {"error": "You already created this dataset repo", "url": f"{self.service.url}"})
        private = asked.get("private") is True or asked.get("visibility") == "private"
        self.service.repos[repo] = {"private": private, "commits": [{}]}
        self._json(200, {"url": f"{self.service.url}/datasets/{repo}", "name": repo})

    def _preupload(self, body, repo):
        files = [{"path": f["path"], "uploadMode": "lfs", "shouldIgnore": False} for f in json.loads(body)["files"]]
        self._json(200, {"files": files})

    def _batch(self, body, repo):
        objects = []
        for wanted in json.loads(body)["objects"]:
            entry = {"oid": wanted["oid"], "size": wanted["size"]}
            if not (self.service.folder / wanted["oid"]).exists():
                upload = {"href": f"{self.service.storage}/{wanted['oid']}"}
                entry["actions"] = {"upload": upload, "verify": {"href": f"{self.service.url}/storage/verify"}}
            objects.append(entry)
        self._json(200, {"transfer": "basic", "objects": objects})

    def _upload(self, body, oid):
        if hashlib.sha256(body).hexdigest() != oid:
            return self._json(400, {"error": "the upload is not what was announced"})
        (self.service.folder / oid).write_bytes(body)
        self._json(200, {})

    def _verify(self, body):
        there = (self.service.folder / json.loads(body)["oid"]).exists()
        self._json(200 if there else 404, {} if there else {"error": "not uploaded"})

    def _commit(self, body, repo):
        found = self.service.repos[repo]
        lines = [json.loads(line) for line in body.splitlines()]
        added = {v["path"]: v["oid"] for v in (line["value"] for line in lines if line["key"] == "lfsFile")}
        found["commits"].append({**found["commits"][-1], **added})
        oid = _commit(found)
        self._json(200, {"success": True, "commitOid": oid,
                         "commitUrl": f"{self.service.url}/datasets/{repo}/commit/{oid}"})  # fmt: skip

    def _resolve(self, _, repo, file):
        found = self.service.repos[repo]
        head = {"X-Repo-Commit": _commit(found)}
        if file not in found["commits"][-1]:
            return self._json(404, {"error": "Entry not found"}, {**head, "X-Error-Code": "EntryNotFound"})
        oid = found["commits"][-1][file]
        size = (self.service.folder / oid).stat().st_size
        head |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(size), "Location": f"{self.service.storage}/{oid}"}
        self._json(302, {}, head)

    def _download(self, _, oid):
        data = (self.service.folder / oid).read_bytes()
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        part = data[start:]
        shown = part[: len(part) // 2] if self.fault == "truncated" else part
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(shown)))
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{oid}"')
        self.end_headers()
        if self.fault == "cut":
            self.wfile.write(shown[: len(shown) // 2])
            return self._hang_up()
        self.wfile.write(shown)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

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
        if self.command != "HEAD":
            self.wfile.write(data)

    def _hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _commit(repo: dict) -> str:
    return f"{len(repo['commits']):040x}"
