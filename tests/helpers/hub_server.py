"""The part of the Hugging Face hub that a download needs, on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISION = "0123456789abcdef0123456789abcdef01234567"


class HubServer(ThreadingHTTPServer):
    """``files`` are its one repository's; ``cut`` files break off half-way, once each."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.cut: set[str] = set()
        self.down = False
        self.ranges: list[tuple[str, str]] = []
        self.fetched: list[str] = []
        self.sent = 0
        """Bytes of files that were sent."""

    def cut_again(self, _seconds: float = 0.0) -> None:
        """Break the weights off half-way once more."""
        self.cut.add("model.safetensors")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _headers(self, code: int, length: int, **more: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(length))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _file(self, body: bool) -> None:
        name = self.path.rpartition("/")[2]
        content = self.server.files.get(name)
        if content is None or self.server.down:
            self._headers(404, 0, X_Error_Code="EntryNotFound")
            return
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").partition("-")[0] or 0) if asked else 0
        more = {"ETag": etag, "X_Repo_Commit": REVISION, "Accept_Ranges": "bytes"}
        if asked:
            more["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        rest = content[start:]
        self._headers(206 if asked else 200, len(rest), **more)
        if not body:
            return
        self.server.fetched.append(name)
        self.server.ranges.append((name, asked))
        if name in self.server.cut:
            self.server.cut.discard(name)
            rest = rest[: len(rest) // 2]
            self.close_connection = True
        for at in range(0, len(rest), 4096):
            self.wfile.write(rest[at : at + 4096])
            self.server.sent += len(rest[at : at + 4096])
        self.wfile.flush()

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        if "/resolve/" in self.path:
            self._file(body=True)
            return
        if not self.path.startswith("/api/models/owner/model"):
            self._headers(404, 0, X_Error_Code="RepoNotFound")
            return
        siblings = [
            {"rfilename": name, "size": len(content)} for name, content in self.server.files.items()
        ]
        document = {"id": "owner/model", "sha": REVISION, "siblings": siblings}
        content = json.dumps(document).encode()
        self._headers(200, len(content), Content_Type="application/json")
        self.wfile.write(content)


@contextmanager
def hub_server(files: dict[str, bytes]) -> Iterator[HubServer]:
    server = HubServer(files)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
