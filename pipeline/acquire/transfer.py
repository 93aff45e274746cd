"""Endurance: bytes of an address, fetched in as many tries as it takes, each going on where the last one broke.

An `Origin` (http.py, s3.py) makes single requests and says what went wrong; here is decided what happens then.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from urllib3 import Retry
from urllib3.exceptions import InvalidHeader, MaxRetryError
from urllib3.response import BaseHTTPResponse

from pipeline.errors import UnreachableError


class BrokenError(Exception):
    """One try failed where the next may not. `response` is the answer that may say when to come back."""

    def __init__(self, reason: str, response: BaseHTTPResponse | None = None) -> None:
        super().__init__(reason)
        self.response = response


@dataclass(frozen=True)
class Network:
    """The recipe's `[network]` table. No output depends on it."""

    contact: str = ""  # mail address or URL, told to every server in the User-Agent
    connections: int = 8  # requests in flight at once, of the whole cluster
    requests_per_second: float = 8.0  # of the whole cluster
    attempts: int = 8  # tries in a row that bring no new byte, before giving up
    base: str = "https://data.commoncrawl.org/"  # what names of Common Crawl are relative to: https, s3 or a folder

    def __post_init__(self) -> None:
        """ValueError for what no server should see."""
        shaped = "@" in self.contact or "://" in self.contact
        if self.contact and not (shaped and self.contact.isascii() and self.contact.isprintable()):
            raise ValueError(f"contact = {self.contact!r}: give a mail address or a URL, in ASCII")
        for name in ("connections", "attempts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be at least 1")
        if not 0 < self.requests_per_second < float("inf"):
            raise ValueError(f"requests_per_second = {self.requests_per_second:g}: must be over 0")
        if not self.base:
            raise ValueError("base is empty; leave it out for https://data.commoncrawl.org/")


@dataclass(frozen=True, slots=True)
class Remote:
    """Content at an address: `bytes` and `tag` together are its identity."""

    url: str
    bytes: int
    tag: str  # strong ETag with its quotes, else Last-Modified


@dataclass(frozen=True)
class Patience:
    """How long to wait for what. Seconds, if not said otherwise."""

    connect: float = 20.0
    silence: float = 60.0  # without a byte
    window: float = 60.0  # over which a stream is measured
    slowest: float = 1000.0  # bytes per second over a window; a stream below is broken
    first_wait: float = 1.0  # before the second try; doubled with each further one
    longest_wait: float = 300.0  # also for a Retry-After
    redirects: int = 5


PATIENCE = Patience()


class Origin(Protocol):
    """One way to fetch. Every request takes a turn; a failed one raises what the class of its failure says."""

    def look(self, url: str) -> Remote:
        """What is there. InputError where nothing is, UsageError where it has no identity."""

    def stream(self, url: str, span: Span) -> AbstractContextManager[Stream]:
        """An open answer that begins with the first byte of `span`. It may break or end early."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes [start, stop) of a content."""

    start: int
    stop: int
    known: Remote | None  # the content, where it is known already: another one is an error
    exact: bool  # only these bytes may be sent; else the whole content will do, and its beginning is passed over


@dataclass(frozen=True, slots=True)
class Stream:
    remote: Remote
    pieces: Iterator[bytes]  # BrokenError where the stream breaks


@dataclass(frozen=True)
class Transfer:
    """One address, fetched with endurance. All methods raise RefusedError, UnreachableError, InputError, UsageError."""

    origin: Origin
    net: Network
    patience: Patience

    def look(self, url: str) -> Remote:
        tries = self._tries(url)
        while True:
            try:
                return self.origin.look(url)
            except BrokenError as error:
                tries.wait_after(error)

    def fetch(self, url: str, span: Span, write: Callable[[bytes], object]) -> None:
        """Hand exactly the bytes of `span` to `write`, in order, each once."""
        tries, position, known = self._tries(url), span.start, span.known
        while position < span.stop:
            before = position
            try:
                with self.origin.stream(url, Span(position, span.stop, known, span.exact)) as stream:
                    known = stream.remote  # what comes after a break must be of the same content
                    for piece in stream.pieces:
                        write(piece)
                        position += len(piece)
                broken = BrokenError(f"the stream ended at byte {position} of {span.stop}")
            except BrokenError as error:
                broken = error
            if position > before:
                tries = self._tries(url, spare=1)  # the one that just broke did bring something
            if position < span.stop:
                tries.wait_after(broken)

    def _tries(self, url: str, spare: int = 0) -> _Tries:
        return _Tries(url, self.net.attempts, spare, self.patience)


class _Tries:
    """Failures in a row, and the waits between them."""

    def __init__(self, url: str, attempts: int, spare: int, patience: Patience) -> None:
        self._url, self._attempts = url, attempts
        self._retry = _Backoff(
            total=attempts - 1 + spare,
            backoff_factor=patience.first_wait,
            backoff_max=patience.longest_wait,
            # urllib3 takes whole seconds here, but any number works.
            retry_after_max=patience.longest_wait,  # type: ignore[arg-type]
        )

    def wait_after(self, error: BrokenError) -> None:
        """Wait until the next try is due. UnreachableError when there is none left."""
        try:
            self._retry = self._retry.increment(error=error)
        except MaxRetryError:
            raise UnreachableError(
                f"{shown(self._url)}: given up after {self._attempts} tries in a row without a new byte; the last: {error}"
            ) from None
        self._retry.sleep(error.response)


class _Backoff(Retry):
    def get_backoff_time(self) -> float:
        """Doubling from the first failure on (urllib3 lets the second try follow at once), half of it by chance:
        workers that failed together do not come back together."""
        longest = min(float(self.backoff_max), self.backoff_factor * 2.0 ** min(len(self.history) - 1, 60))
        return longest * random.uniform(0.5, 1)  # noqa: S311

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            return super().parse_retry_after(retry_after)
        except (InvalidHeader, ValueError, OverflowError):
            return 0.0  # unreadable: the usual wait instead


class Meter:
    """Says when a stream has become so slow that it only holds a turn."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since, self._bytes = time.monotonic(), 0

    def count(self, more: int) -> None:
        """BrokenError at the end of a window with too few bytes."""
        self._bytes += more
        passed = time.monotonic() - self._since
        if passed >= self._patience.window:
            if self._bytes < self._patience.slowest * passed:
                raise BrokenError(f"{self._bytes} bytes in {passed:.0f} s: too slow")
            self._since, self._bytes = time.monotonic(), 0


def shown(url: str) -> str:
    """The address as messages may have it: without user, password and query (which may be a signature)."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])
