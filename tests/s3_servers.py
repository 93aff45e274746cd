"""An S3 in this process (moto's server), and a proxy in front of it that fails as real ones and networks do."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import logging
import os
import random
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

import pytest

from pipeline.store.opening import open_store

BUCKET = "bucket"
# moto asks for no signature, but for who it would be
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20240101/us-east-1/s3/aws4_request"}
# What to do with a request (method, path with query): '' = pass it on; else one of
#   403, 409, 500, 503   answer so, and do not pass it on
#   drop            hang up before it is passed on
#   lost            pass it on, and hang up without an answer
#   late            pass it on, and answer 500 all the same
#   cut             answer with half of the body, and hang up
#   blind           pass it on without If-None-Match, as a server that ignores it
Fault = Callable[[str, str], str]
_CODES = {"500": "InternalError", "503": "SlowDown", "409": "ConditionalRequestConflict", "403": "InvalidAccessKeyId"}


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """The address of an S3 with one empty bucket."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request drowns what a failed test says
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    try:
        empty(endpoint)
        yield endpoint
    finally:
        server.stop()


def empty(endpoint: str) -> None:
    urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")).close()
    urlopen(Request(f"{endpoint}/{BUCKET}", b"", _SIGNED, method="PUT")).close()


def fill(endpoint: str, keys: list[str]) -> None:
    """Small objects under these keys."""
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
    for key in keys:
        connection.request("PUT", f"/{BUCKET}/{key}", b"x", _SIGNED)
        connection.getresponse().read()
    connection.close()


def stored(place: str, folder: str = "") -> dict[str, str]:
    """As `tests.runs.tree`, of a place in the bucket."""
    store = open_store(place)
    cut = len(f"{folder}/") if folder else 0
    return {e.name[cut:]: hashlib.sha256(store.read(e.name) or b"").hexdigest() for e in store.entries(folder)}


def environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "the-key",
        "AWS_SECRET_ACCESS_KEY": "the-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def use(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process, and those it starts, take `endpoint` for S3."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)


class Proxy(ThreadingHTTPServer):
    """Passes requests on to `endpoint`, but for what `fault` says, or what `next` says of those that come first."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, endpoint: str, fault: Fault = lambda method, path: "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = endpoint.removeprefix("http://")
        self.fault = fault
        self.next: deque[str] = deque()
        self.asked: list[tuple[str, str, str]] = []  # method, path, fault
        self.lock = threading.Lock()
        self.creating = threading.Lock()  # moto looks and then writes; S3 does both at once

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def decide(self, method: str, path: str) -> str:
        with self.lock:
            fault = self.next.popleft() if self.next else self.fault(method, path)
            self.asked.append((method, path, fault))
            return fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Hanging up is its business."""


@contextlib.contextmanager
def proxy(endpoint: str, fault: Fault = lambda method, path: "") -> Iterator[Proxy]:
    server = Proxy(endpoint, fault)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def at_random(seed: int, share: float) -> Fault:
    """Each request fails with this probability, in one of all ways."""
    draw = random.Random(seed)

    def fault(method: str, path: str) -> str:
        return draw.choice(["500", "503", "drop", "lost", "late", "cut"]) if draw.random() < share else ""

    return fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def _pass(self) -> None:
        fault = self.server.decide(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault == "drop":
            return self._hang_up()
        if fault in _CODES:
            return self._refuse(fault)
        headers = dict(self.headers.items())
        if fault == "blind":
            headers = {name: value for name, value in headers.items() if name.lower() != "if-none-match"}
        alone = self.server.creating if "If-None-Match" in self.headers else contextlib.nullcontext()
        with alone:
            answer, content = self._behind(body, headers)
        if fault == "lost":
            return self._hang_up()
        if fault == "late":
            return self._refuse("500")
        told = [
            (name, value)
            for name, value in answer.getheaders()
            if name.lower() not in ("connection", "transfer-encoding")
        ]
        if self.command != "HEAD" and "content-length" not in {name.lower() for name, _ in told}:
            told.append(("Content-Length", str(len(content))))
        if fault == "cut" and content:
            self._answer(answer.status, told, content[: len(content) // 2])
            return self._hang_up()
        return self._answer(answer.status, told, content)

    def _behind(self, body: bytes, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self.server.behind, timeout=30)
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass

    def _refuse(self, status: str) -> None:
        text = f"<Error><Code>{_CODES[status]}</Code><Message>by the-key</Message></Error>".encode()
        self._answer(int(status), [("Content-Length", str(len(text)))], text)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
