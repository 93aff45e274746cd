"""A web server on this machine that keeps files, remembers who asked for what, and misbehaves on request."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Handler", bytes], None]  # answers one request in place of the right answer


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case


class Server(ThreadingHTTPServer):
    """Answers rightly, except that each GET first takes the next of `faults` and each HEAD the next of `head_faults`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: deque[Fault | None] = deque()  # None: this one is answered rightly
        self.head_faults: deque[Fault | None] = deque()
        self.always: Fault | None = None
        self.asked: list[Asked] = []
        self.pause = 0.0  # seconds that every answer takes
        self.connections = 0
        self.peak = 0  # most answers under way at once
        self.lock = threading.Lock()
        self.running = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def put(self, path: str, content: bytes) -> str:
        self.files[path] = content
        return self.url(path)

    def gets(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "GET"]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many a test is about."""


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for the receipt of its head
    server: Server

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_HEAD(self) -> None:
        self._answer(self.server.head_faults)

    def do_GET(self) -> None:
        self._answer(self.server.faults)

    def _answer(self, faults: deque[Fault | None]) -> None:
        server = self.server
        with server.lock:
            server.asked.append(Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            server.running += 1
            server.peak = max(server.peak, server.running)
            fault = faults.popleft() if faults else server.always
        try:
            time.sleep(server.pause)
            content = server.files.get(self.path.split("?")[0])
            if fault is not None:
                fault(self, content or b"")
            elif content is None:
                self.head(404, {"Content-Length": 0})
            else:
                self.right(content)
        finally:
            with server.lock:
                server.running -= 1

    def right(self, content: bytes, tag: str | None = None, cut: int | None = None, ranges: bool = True) -> None:
        """What RFC 9110 asks for; `cut` hangs up after so many bytes of the body."""
        tag = tag or etag(content)
        start, stop = 0, len(content)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")) if ranges else None
        if wanted and self.headers.get("If-Range", tag) == tag:
            start, stop = int(wanted[1]), min(int(wanted[2]) + 1, len(content))
            if start >= stop:
                self.head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": 0})
                return
            part = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
            self.head(206, {"ETag": tag, "Content-Length": stop - start, **part})
        else:
            self.head(200, {"ETag": tag, "Content-Length": len(content)})
        if self.command == "GET":
            self.body(content[start:stop], cut)

    def head(self, status: int, headers: Mapping[str, object]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def body(self, content: bytes, cut: int | None = None) -> None:
        self.wfile.write(content[:cut])
        if cut is not None and cut < len(content):
            self.hang_up()

    def hang_up(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """No log."""


def etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def status(code: int, **headers: str) -> Fault:
    """E.g. status(503, Retry_After="1")."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, content: handler.head(code, {"Content-Length": 0, **named})


def cut(at: int) -> Fault:
    """Hangs up after `at` bytes of the body."""
    return lambda handler, content: handler.right(content, cut=at)


def tagged(tag: str) -> Fault:
    """Says that the content is another one."""
    return lambda handler, content: handler.right(content, tag=tag)


def no_ranges(handler: Handler, content: bytes) -> None:
    handler.right(content, ranges=False)


def answer(code: int, body: bytes, **headers: str) -> Fault:
    """Any answer; without Content_Length it ends with the connection."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def fault(handler: Handler, content: bytes) -> None:
        handler.close_connection = "Content-Length" not in named
        handler.head(code, named)
        if handler.command == "GET":
            handler.body(body)

    return fault


def silence(seconds: float) -> Fault:
    def fault(handler: Handler, content: bytes) -> None:
        time.sleep(seconds)
        handler.hang_up()

    return fault


def trickle(gap: float) -> Fault:
    """Promises the whole and sends a byte every `gap` seconds, until nobody listens."""

    def fault(handler: Handler, content: bytes) -> None:
        handler.close_connection = True
        handler.head(200, {"ETag": etag(content), "Content-Length": len(content)})
        for byte in content:
            handler.wfile.write(bytes([byte]))
            time.sleep(gap)

    return fault


def slow_head(gap: float) -> Fault:
    """A byte of the status line every `gap` seconds."""

    def fault(handler: Handler, content: bytes) -> None:
        handler.close_connection = True
        for byte in b"HTTP/1.1 200 " + b"O" * 10_000 + b"K\r\n\r\n":
            handler.wfile.write(bytes([byte]))
            time.sleep(gap)

    return fault
