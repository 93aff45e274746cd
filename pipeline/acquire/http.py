"""HTTPS and HTTP: single requests that say who asks, take what was asked for and nothing else."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urljoin, urlsplit

from urllib3 import Timeout
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.response import BaseHTTPResponse

from pipeline.acquire.connections import manager
from pipeline.acquire.transfer import (
    BrokenError,
    Meter,
    Network,
    Patience,
    Remote,
    Span,
    Stream,
    shown,
)
from pipeline.acquire.turns import Turns
from pipeline.errors import InputError, RefusedError, UsageError

PIECE = 1 << 18  # bytes asked of a stream at once
OK, PARTIAL, UNSATISFIABLE = 200, 206, 416
_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSED = (401, 403)
_GONE = (404, 410)
_PASSING = (429, 500, 502, 503, 504)  # may be over at the next try
_MEND = "download the file and name the copy"
_STRONG = re.compile(r'"[^"]*"')
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class Http:
    """An `Origin` over HTTP."""

    net: Network
    turns: Turns
    patience: Patience

    def look(self, url: str) -> Remote:
        with self._answer("HEAD", url, {}) as response:
            response.read()  # nothing, but it gives the connection back
            if response.status != OK:
                raise InputError(f"{shown(url)}: HEAD was answered with status {response.status}; {_MEND}")
            return _remote(url, response.headers, _length(response.headers))

    @contextlib.contextmanager
    def stream(self, url: str, span: Span) -> Iterator[Stream]:
        headers = {}
        if span.exact or span.known is None or (span.start, span.stop) != (0, span.known.bytes):
            headers["Range"] = f"bytes={span.start}-{span.stop - 1}"
            if span.known is not None:
                headers["If-Range"] = span.known.tag
        with self._answer("GET", url, headers) as response:
            if response.status == PARTIAL:
                remote, end = _check_partial(url, span, response.headers)
                yield Stream(remote, self._pieces(url, response, 0, end - span.start, ends=True))
            else:
                remote = _check_whole(url, span, response.headers)
                ends = span.stop == remote.bytes
                yield Stream(remote, self._pieces(url, response, span.start, span.stop - span.start, ends))

    def _pieces(self, url: str, response: BaseHTTPResponse, skip: int, wanted: int, ends: bool) -> Iterator[bytes]:
        """`wanted` bytes after the first `skip` ones. InputError if the body `ends` not there."""
        meter = Meter(self.patience)
        while wanted:
            piece = _read(response, min(skip or wanted, PIECE))
            meter.count(len(piece))
            if not piece:
                return
            if skip:
                skip -= len(piece)
            else:
                wanted -= len(piece)
                yield piece
        if ends and _read(response, 1):
            raise InputError(f"{shown(url)}: the server sends more bytes than it says there are; {_MEND}")

    @contextlib.contextmanager
    def _answer(self, method: str, url: str, headers: Mapping[str, str]) -> Iterator[BaseHTTPResponse]:
        """The open answer with status 200 or 206, after redirects. Holds a turn; each redirect takes one of its own."""
        asked = url
        for _ in range(1 + self.patience.redirects):
            with self.turns.take():
                response = self._request(method, url, headers)
                try:
                    if response.status not in _REDIRECTS:
                        _check_status(asked, url, response)
                        yield response
                        return
                    url = _target(asked, url, response.headers.get("Location", ""))
                finally:
                    response.close()  # a body that was read to its end has given its connection back before
        raise InputError(f"{shown(asked)}: over {self.patience.redirects} redirects, the last one to {shown(url)}")

    def _request(self, method: str, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        told = {"User-Agent": self._agent(url), "Accept-Encoding": "identity", **headers}
        try:
            return manager(os.getpid()).urlopen(
                method,
                url,
                headers=told,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=Timeout(connect=self.patience.connect, read=self.patience.silence),
            )
        except LocationValueError as error:
            raise UsageError(f"{shown(url)}: not a valid address: {error}") from None
        except HTTPError as error:
            raise BrokenError(_reason(error)) from None

    def _agent(self, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname:
            raise UsageError(f"{shown(url)}: an address without a host")
        if "@" in parts.netloc:
            raise UsageError(f"{shown(url)}: an address with a user or password would end up in logs; use a signed one")
        name = f"seimai/{version('seimai')}"
        if self.net.contact:
            return f"{name} (+{self.net.contact})"
        if _is_loopback(parts.hostname):
            return name
        raise UsageError(
            f"{shown(url)}: set `[network] contact` in the recipe to a mail address or URL; it is sent with each "
            f"request, so that {parts.hostname} knows whom to ask before it blocks"
        )


def _check_status(asked: str, url: str, response: BaseHTTPResponse) -> None:
    status, here = response.status, shown(asked)
    if status in (OK, PARTIAL):
        return
    if status in _REFUSED:
        raise RefusedError(
            f"{urlsplit(url).hostname} refuses us with status {status} ({here}): Common Crawl does so to those who ask "
            "too fast: wait, then lower `[network] requests_per_second`; another server may want a signed address"
        )
    if status in _GONE:
        raise InputError(f"{here}: there is no such file (status {status}); check the name")
    if status in _PASSING:
        raise BrokenError(f"status {status}", response)
    if status == UNSATISFIABLE:
        raise InputError(f"{here}: the file ends before the bytes asked for; its list or index is of another version")
    raise InputError(f"{here}: answered with status {status}; {_MEND}")


def _check_partial(url: str, span: Span, headers: Mapping[str, str]) -> tuple[Remote, int]:
    """What this part belongs to, and the byte where it ends. InputError unless it begins where it should."""
    said = headers.get("Content-Range", "")
    match = _CONTENT_RANGE.fullmatch(said)
    if match is None:
        raise InputError(f"{shown(url)}: Content-Range: {said!r} does not say which bytes of how many; {_MEND}")
    first, last, total = map(int, match.groups())
    known = span.known
    # An answer to If-Range may leave out Last-Modified (RFC 9110, 15.3.7), but no ETag and no total.
    if known is not None and (total != known.bytes or headers.get(_tag_header(known), known.tag) != known.tag):
        raise _changed(url, known, headers, total)
    if total < span.stop:
        raise InputError(
            f"{shown(url)}: has {total} bytes, so not the bytes {span.start} to {span.stop}; "
            "its list or index is of another version"
        )
    if first != span.start or not first <= last < span.stop:
        raise InputError(f"{shown(url)}: asked for bytes {span.start} to {span.stop}, got {said!r}; {_MEND}")
    return known or _remote(url, headers, total), last + 1


def _check_whole(url: str, span: Span, headers: Mapping[str, str]) -> Remote:
    """The whole content instead of a part. InputError where that will not do, or where it is another content."""
    known = span.known
    length = _length(headers)
    if known is not None:
        right_tag = headers.get(_tag_header(known)) == known.tag
        if not right_tag or length not in (None, known.bytes):
            raise _changed(url, known, headers, length)
    if known is None or span.exact:
        raise InputError(f"{shown(url)}: the server cannot send single ranges of bytes; {_MEND}")
    return known


def _changed(url: str, known: Remote, headers: Mapping[str, str], length: int | None) -> InputError:
    tag = headers.get(_tag_header(known), f"no {_tag_header(known)}")
    size = "an unknown number of" if length is None else str(length)
    return InputError(
        f"{shown(url)}: not the content it was: {known.bytes} bytes with {known.tag} before, now {size} bytes with "
        f"{tag} ({headers.get('Content-Type', 'no Content-Type')}); run again to take what is there now"
    )


def _remote(url: str, headers: Mapping[str, str], length: int | None) -> Remote:
    etag = headers.get("ETag", "")
    tag = etag if _STRONG.fullmatch(etag) else headers.get("Last-Modified", "")
    if not tag:
        raise UsageError(f"{shown(url)}: the server gives neither a strong ETag nor Last-Modified; {_MEND}")
    if length is None:
        raise UsageError(f"{shown(url)}: the server does not say how long it is; {_MEND}")
    return Remote(url, length, tag)


def _tag_header(remote: Remote) -> str:
    return "ETag" if remote.tag.startswith('"') else "Last-Modified"


def _length(headers: Mapping[str, str]) -> int | None:
    said = headers.get("Content-Length", "")
    return int(said) if re.fullmatch(r"[0-9]{1,18}", said) else None


def _target(asked: str, url: str, location: str) -> str:
    """Where a redirect leads. InputError if nowhere, or to where everybody can listen."""
    target = urljoin(url, location)
    here, there = urlsplit(url).scheme, urlsplit(target).scheme
    if not location or there not in ("http", "https") or (here, there) == ("https", "http"):
        raise InputError(f"{shown(asked)}: redirected to {shown(location)!r}, which is not followed; {_MEND}")
    return target


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _read(response: BaseHTTPResponse, most: int) -> bytes:
    """What has arrived, at most `most` bytes; empty at the end. A full buffer is not waited for: see `Meter`."""
    try:
        return response.read1(most, decode_content=False) or b""
    except HTTPError as error:
        raise BrokenError(_reason(error)) from None


def _reason(error: HTTPError) -> str:
    return f"{type(error).__name__}: {error}"
