"""A stand-in of the model hub on this machine: it serves folders as model repositories, under their real names.

The real huggingface_hub speaks to it through HF_ENDPOINT: model information with file sizes, files by HEAD, GET and
ranges, as hub and file storage do. It counts what was asked for, and plays what goes wrong: see FAULTS.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FAULTS = {
    "cut": "each large file breaks off in the middle once",
    "gate": "the repository is gated, and the token is not good for it",
    "revision": "no revision but main is there",
    "missing": "the repository is not there",
    "size": "a file comes shorter than announced, each time",
    "trouble": "the hub answers 503 for a while",
}
LARGE = 4096  # bytes; what is larger is stored as large files are (LFS): its hash is its tag
_TIMES = 2  # how often "trouble" is in the way


class Hub:
    """`with Hub({"owner/name": folder}) as hub:` serves until the end; `hub.env` is what the client reads.

    `fault` is one of FAULTS, or "" for a hub that works; `commits` are the repositories' own where they are known.
    """

    def __init__(self, repos: Mapping[str, Path], fault: str = "", commits: Mapping[str, str] | None = None):
        assert not fault or fault in FAULTS, fault
        self.repos, self.fault, self.commits = dict(repos), fault, dict(commits or {})
        self.seen: list[str] = []  # "GET owner/name file" in order, with the range where one was asked for
        self._cut: set[str] = set()
        self.left = _TIMES
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.env = {"HF_ENDPOINT": self.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def commit(self, repo: str) -> str:
        """The repository's one commit, 40 digits: the known one, or a hash of its files."""
        if repo in self.commits:
            return self.commits[repo]
        listed = [f"{name}:{_sha(path)}" for name, path in self.files(repo).items()]
        return hashlib.sha1("\n".join(listed).encode()).hexdigest()

    def files(self, repo: str) -> dict[str, Path]:
        """{name in the repository: file}, sorted."""
        root = self.repos[repo]
        return {p.relative_to(root).as_posix(): p for p in sorted(root.rglob("*")) if p.is_file()}

    def cuts(self, key: str) -> bool:
        """Whether this transfer is to break off: the first one of each file, under the fault "cut"."""
        first = self.fault == "cut" and key not in self._cut
        self._cut.add(key)
        return first


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, hub = self.path.partition("?")[0], self.service
        found = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path)
        if found:
            return self._guarded(found[1], found[2] or "main", None)
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if found:
            asked = self.headers.get("Range", "")
            hub.seen.append(f"{self.command} {found[1]} {found[3]}{' ' + asked if asked else ''}")
            return self._guarded(found[1], found[2], found[3])
        return self._json(404, {"error": f"no such page: {path}"})

    def _guarded(self, repo: str, revision: str, name: str | None) -> None:
        hub = self.service
        if hub.fault == "trouble" and hub.left:
            hub.left -= 1
            return self._json(503, {"error": "Service unavailable"})
        if repo not in hub.repos or hub.fault == "missing":
            return self._json(401, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        known = {"main"} if hub.fault == "revision" else {"main", hub.commit(repo)}
        if revision not in known:
            return self._json(404, {"error": f"Invalid rev id: {revision}"}, {"X-Error-Code": "RevisionNotFound"})
        if name is None:
            return self._info(repo)
        if hub.fault == "gate":
            return self._json(401, {"error": f"Access to model {repo} is restricted"}, {"X-Error-Code": "GatedRepo"})
        path = hub.files(repo).get(name)
        if path is None:
            return self._json(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
        return self._file(repo, name, path)

    def _info(self, repo: str) -> None:
        hub, siblings = self.service, []
        for name, path in hub.files(repo).items():
            entry: dict = {"rfilename": name, "size": path.stat().st_size, "blobId": _sha(path)[:40]}
            if entry["size"] > LARGE:
                entry["lfs"] = {"sha256": _sha(path), "size": entry["size"], "pointerSize": 134}
            siblings.append(entry)
        gated = "auto" if hub.fault == "gate" else False
        told = {"_id": "0" * 24, "id": repo, "modelId": repo, "sha": hub.commit(repo), "gated": gated, "private": False}
        self._json(200, {**told, "tags": [], "downloads": 0, "likes": 0, "siblings": siblings})

    def _file(self, repo: str, name: str, path: Path) -> None:
        content, tag = path.read_bytes(), _sha(path)
        headers = {"ETag": f'"{tag}"', "X-Repo-Commit": self.service.commit(repo), "Accept-Ranges": "bytes"}
        if len(content) > LARGE:
            headers |= {"X-Linked-Etag": f'"{tag}"', "X-Linked-Size": str(len(content))}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        begin = int(asked[1]) if asked else 0
        if begin > len(content):
            return self._json(416, {"error": "Range not satisfiable"})
        if asked:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        body = content[begin:]
        if self.service.fault == "size" and len(content) > LARGE and self.command == "GET":
            body = body[: max(0, len(content) - 1000 - begin)]  # a proxy's broken copy: complete, and too short
        self.send_response(206 if asked else 200)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return None
        if len(content) > LARGE and self.service.cuts(f"{repo} {name}"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            return None
        self.wfile.write(body)
        return None

    def _json(self, status: int, data: dict, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        for key, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(key, value)
        if headers and "X-Error-Code" in headers:
            self.send_header("X-Error-Message", data["error"])
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
