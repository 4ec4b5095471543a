"""Servers on the loopback: of a folder, of any answer, and of a hub as small as ``huggingface_hub`` lets it be."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server with this handler, which ends with the context."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False  # they end before the context does
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def serving_folder(folder: Path) -> Iterator[str]:
    """The address of a folder that is served as files."""
    with serving(partial(_Quiet, directory=str(folder))) as address:
        yield f"{address}/"


@contextmanager
def answering(answer: Callable[[Any], None]) -> Iterator[str]:
    """The address of a server that answers every GET in one way, given the request's handler."""

    class Handler(_Quiet):
        def do_GET(self) -> None:
            answer(self)

    with serving(Handler) as address:
        yield f"{address}/"


class FakeHub:
    """Repositories with their commits, the newest last, and the calls of the hub that push and pull make.

    Attributes:
        repositories: name -> commits, each a map from file names to contents.
        commits: how many there were in all.
        status: what commits are answered with; 200 takes them.
        sizes: what it says of the sizes of files, where that is not the truth.
        address: where it is served.
    """

    address = ""

    def __init__(self) -> None:
        self.repositories: dict[str, list[dict[str, bytes]]] = {}
        self.commits, self.status = 0, 200
        self.sizes: dict[str, int] = {}

    def sha(self, repository: str, number: int) -> str:
        """The id of a commit."""
        return hashlib.sha1(f"{repository}{number}".encode()).hexdigest()

    def find(self, repository: str, revision: str | None) -> tuple[str, dict[str, bytes]] | None:
        """A commit by a branch or an id."""
        commits = self.repositories.get(repository, [])
        ids = [self.sha(repository, number) for number in range(len(commits))]
        if commits and revision in {None, "main"}:
            return ids[-1], commits[-1]
        return next(((sha, files) for sha, files in zip(ids, commits, strict=True) if sha == revision), None)

    def commit(self, repository: str, lines: list[dict[str, Any]]) -> tuple[int, dict[str, str]]:
        """Take a commit, if it is built on the newest."""
        commits = self.repositories[repository]
        values = [(line["key"], line["value"]) for line in lines]
        parent = next(value["parentCommit"] for key, value in values if key == "header")
        if self.status != 200 or parent != self.sha(repository, len(commits) - 1):
            return (412 if self.status == 200 else self.status), {"error": "no"}
        files = dict(commits[-1])
        for key, value in values:
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "deletedFile":
                del files[value["path"]]
        commits.append(files)
        self.commits += 1
        oid = self.sha(repository, len(commits) - 1)
        return 200, {"commitUrl": f"{self.address}/{repository}/commit/{oid}", "commitOid": oid}

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The hub's address."""
        with serving(partial(_HubHandler, self)) as self.address:
            yield self.address


class _HubHandler(BaseHTTPRequestHandler):
    def __init__(self, hub: FakeHub, *arguments: Any) -> None:
        self.hub = hub
        super().__init__(*arguments)

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if info := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(*info.groups())
        elif file := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(*file.groups())
        else:
            self._say(404, {"error": path})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            self.hub.repositories.setdefault(f"{asked['organization']}/{asked['name']}", [{".gitattributes": b""}])
            self._say(200, {"url": f"{self.hub.address}/{asked['organization']}/{asked['name']}"})
        elif "/preupload/" in self.path:
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]
            ]
            self._say(200, {"files": files})
        elif self.path == "/api/validate-yaml":
            self._say(200, {})
        elif commit := re.match(r"/api/models/([^/]+/[^/]+)/commit/", self.path):
            self._say(*self.hub.commit(commit[1], [json.loads(line) for line in body.splitlines()]))

    def _info(self, repository: str, revision: str | None) -> None:
        found = self.hub.find(repository, revision)
        if found is None:
            code = "RevisionNotFound" if repository in self.hub.repositories else "RepoNotFound"
            self._say(404, {"error": code}, {"X-Error-Code": code})
            return
        sizes = {name: self.hub.sizes.get(name, len(data)) for name, data in found[1].items()}
        siblings = [{"rfilename": name, "size": size, "blobId": "0" * 40} for name, size in sizes.items()]
        self._say(200, {"id": repository, "sha": found[0], "siblings": siblings})

    def _file(self, repository: str, revision: str, name: str) -> None:
        found = self.hub.find(repository, revision)
        if found is None or name not in found[1]:
            self._say(404, {}, {"X-Error-Code": "EntryNotFound"})
            return
        data = found[1][name]
        self._send(200, data, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": found[0]})

    def _say(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), headers or {})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
