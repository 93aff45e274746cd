"""Fetching by address: https (http) and s3, with endurance; local paths too where reading needs no identity."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.acquire.http import Http
from pipeline.acquire.s3 import S3
from pipeline.acquire.transfer import (
    PATIENCE,
    Network,
    Origin,
    Patience,
    Remote,
    Span,
    Transfer,
)
from pipeline.acquire.turns import Turns
from pipeline.errors import InputError, RefusedError, UnreachableError, UsageError

__all__ = [
    "Network",
    "RefusedError",
    "Remote",
    "UnreachableError",
    "contents",
    "download",
    "is_remote",
    "look",
    "open_random",
    "read",
]

AHEAD = 1 << 16  # bytes; the least that a seekable file asks for


def is_remote(place: str) -> bool:
    """Whether `place` is an address that can be fetched, rather than a path."""
    return _scheme(place) in ("http", "https", "s3")


def look(url: str, net: Network, turns: Turns, *, patience: Patience = PATIENCE) -> Remote:
    """Length and identity of what is there, by one HEAD. UsageError where the server tells no identity or length."""
    return _transfer(url, net, turns, patience).look(url)


def download(
    remote: Remote,
    to: Path,
    net: Network,
    turns: Turns,
    *,
    limit: int | None = None,
    patience: Patience = PATIENCE,
) -> None:
    """Fetch the whole content, or its first `limit` bytes, to `to`, which exists only when it is complete.

    InputError when the content is no longer `remote`.
    """
    stop = remote.bytes if limit is None else min(limit, remote.bytes)
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            transfer = _transfer(remote.url, net, turns, patience)
            transfer.fetch(remote.url, Span(0, stop, remote, exact=False), file.write)
        os.replace(part, to)
    finally:
        part.unlink(missing_ok=True)


def cut_out(
    remote: Remote,
    ranges: Iterable[tuple[int, int]],
    to: Path,
    net: Network,
    turns: Turns,
    *,
    patience: Patience = PATIENCE,
) -> None:
    """Fetch the bytes [start, stop) of each range, one after the other, to `to`. InputError as in `download`."""
    transfer = _transfer(remote.url, net, turns, patience)
    with to.open("wb") as file:
        for start, stop in ranges:
            transfer.fetch(remote.url, Span(start, stop, remote, exact=True), file.write)


def contents(place: str, net: Network, turns: Turns, *, patience: Patience = PATIENCE) -> bytes:
    """The whole of something small, such as a list. `place`: an address or a path."""
    if not is_remote(place):
        return _local(place).read_bytes()
    remote = look(place, net, turns, patience=patience)
    content = bytearray()
    transfer = _transfer(place, net, turns, patience)
    transfer.fetch(place, Span(0, remote.bytes, remote, exact=False), content.extend)
    return bytes(content)


def read(url: str, start: int, length: int, net: Network, turns: Turns, *, patience: Patience = PATIENCE) -> bytes:
    """Exactly bytes [start, start + length) of `url`, an address or a path; InputError where it has not so many."""
    return _read_span(url, Span(start, start + length, None, exact=True), net, turns, patience)


def open_random(url: str, net: Network, turns: Turns, *, patience: Patience = PATIENCE) -> BinaryIO:
    """A seekable file, for readers that know where to look (Parquet). Each read is one request of at least 64 KiB."""
    if not is_remote(url):
        return _local(url).open("rb")
    return cast(BinaryIO, _Seekable(look(url, net, turns, patience=patience), net, turns, patience))


class _Seekable(io.RawIOBase):
    """A remote content as a file. Large reads become one request each; small ones are served from the last answer."""

    def __init__(self, remote: Remote, net: Network, turns: Turns, patience: Patience) -> None:
        self._remote, self._how = remote, (net, turns, patience)
        self._position = 0
        self._window, self._at = b"", 0  # the last answer, and where it begins

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._remote.bytes}[whence]
        if origin + offset < 0:
            raise ValueError(f"seek to {origin + offset}: before the beginning")
        self._position = origin + offset
        return self._position

    def readall(self) -> bytes:
        return self.read(max(0, self._remote.bytes - self._position)) or b""

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self._remote.bytes - self._position))
        if wanted:
            self._reach(self._position, self._position + wanted)
            begin = self._position - self._at
            buffer[:wanted] = self._window[begin : begin + wanted]
            self._position += wanted
        return wanted

    def _reach(self, start: int, stop: int) -> None:
        """Have [start, stop) in the window."""
        if not self._at <= start <= stop <= self._at + len(self._window):
            stop = min(max(stop, start + AHEAD), self._remote.bytes)
            self._window = _read_span(self._remote.url, Span(start, stop, self._remote, exact=True), *self._how)
            self._at = start


def _read_span(url: str, span: Span, net: Network, turns: Turns, patience: Patience) -> bytes:
    if is_remote(url):
        content = bytearray()
        _transfer(url, net, turns, patience).fetch(url, span, content.extend)
        return bytes(content)
    path = _local(url)
    with path.open("rb") as file:
        file.seek(span.start)
        found = file.read(span.stop - span.start)
    if len(found) != span.stop - span.start:
        raise InputError(
            f"{path}: has {path.stat().st_size} bytes, so not the bytes {span.start} to {span.stop}; "
            "its list or index is of another version"
        )
    return found


def _transfer(url: str, net: Network, turns: Turns, patience: Patience) -> Transfer:
    scheme = _scheme(url)
    if scheme not in ("http", "https", "s3"):
        raise UsageError(f"{url}: not an address that can be fetched; it begins with https:// or s3://")
    origin: Origin = S3(turns, patience) if scheme == "s3" else Http(net, turns, patience)
    return Transfer(origin, net, patience)


def _scheme(place: str) -> str:
    scheme, separator, _ = place.partition("://")
    return scheme.lower() if separator else ""


def _local(place: str) -> Path:
    path = Path(place)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    return path
