"""A small server on loopback that speaks OpenAI's chat protocol as vLLM does.

It writes action tokens, strips them unless ``skip_special_tokens`` is false, stops at
``stop_token_ids``, and can be told to fail.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = re.compile(r"<\|reserved_special_token_(\d+)\|>")


class ChatServer(ThreadingHTTPServer):
    """Attributes tell what it was asked, and what it shall do."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models = ["jarvisvla", "jarvisvla-round-001"]
        self.roots: dict[str, str] = {}
        self.text = ""
        self.key = ""
        self.failures: list[int] = []
        self.words: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, code: int, document: object, **headers: str) -> None:
        content = json.dumps(document).encode()
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refused(self) -> bool:
        self.server.headers.append(dict(self.headers))
        if self.server.failures:
            code = self.server.failures.pop(0)
            self._send(
                code, self.server.words, **({"Location": "/elsewhere"} if code == 307 else {})
            )
            return True
        if self.server.key and self.headers.get("Authorization") != f"Bearer {self.server.key}":
            self._send(401, {})
            return True
        return False

    def do_GET(self) -> None:
        if not self._refused():
            roots = self.server.roots
            rows = [{"id": name, "root": roots.get(name, name)} for name in self.server.models]
            self._send(200, {"data": rows})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        if self._refused():
            return
        if self.path == "/v1/load_lora_adapter":
            # As vLLM answers: words, no table.
            self.server.models.append(body["lora_name"])
            self.server.roots[body["lora_name"]] = body["lora_path"]
            self._send(200, "Success")
            return
        text = self.server.text
        stops = set(body.get("stop_token_ids", ()))
        for match in TOKEN.finditer(text):
            if 151_657 + int(match[1]) in stops:
                keep = body.get("include_stop_str_in_output")
                text = text[: match.end() if keep else match.start()]
                break
        tokens = len(TOKEN.findall(text))
        if body.get("skip_special_tokens", True):
            text = TOKEN.sub("", text)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}}
        self._send(200, {"choices": [choice], "usage": {"completion_tokens": tokens}})


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
