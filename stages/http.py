"""The HTTP message inside a WARC response record: status, headers, and the body with its codings undone."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?\s+(\d{3})")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[^\r\n]{0,200}\r?\n")


class CodingError(Exception):
    """A content coding that is unknown, or that the body does not follow."""


@dataclass(frozen=True, slots=True)
class Message:
    status: int  # 0 when there is no status line
    headers: Mapping[str, str]  # names in lower case; of several with the same name the first
    body: bytes  # as it was sent: transfer and content codings in place


def parse(block: bytes) -> Message:
    """Split a record block. A block that does not begin with a status line is all body."""
    match = _STATUS.match(block)
    if match is None:
        return Message(0, {}, block)
    blank = _BLANK_LINE.search(block)
    head, body = (block[: blank.start()], block[blank.end() :]) if blank else (block, b"")
    headers: dict[str, str] = {}
    for line in head.splitlines()[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            headers.setdefault(name.strip().lower().decode("latin-1"), value.strip().decode("latin-1"))
    return Message(int(match.group(1)), headers, body)


def decoded_body(message: Message, limit: int) -> bytes:
    """The body with transfer and content codings undone, at most `limit` bytes of it.

    Crawlers often store the decoded body under the headers of the coded one, so a body that does not look coded is
    taken as it is. A coded body that was cut short (by a crawler's size limit) gives what there is of it.
    Raises CodingError for an unknown coding and for a corrupt body.
    """
    body = message.body
    if "chunked" in message.headers.get("transfer-encoding", "").lower():
        body = _dechunk(body)
    codings = [name.strip().lower() for name in message.headers.get("content-encoding", "").split(",")]
    for coding in reversed([name for name in codings if name]):
        body = _undo(coding, body, limit)
    return body[:limit]


def _dechunk(body: bytes) -> bytes:
    """Chunks joined up to the last one, or to the first that is malformed; a body without chunks is left alone."""
    chunks: list[bytes] = []
    position = 0
    while size := _CHUNK_SIZE.match(body, position):
        start, length = size.end(), int(size.group(1), 16)
        if length == 0:
            return b"".join(chunks)
        chunks.append(body[start : start + length])
        position = start + length
        position += 2 if body[position : position + 2] == b"\r\n" else body[position : position + 1] == b"\n"
    return b"".join(chunks) if chunks else body


def _undo(coding: str, body: bytes, limit: int) -> bytes:
    if coding in ("identity", "none", "utf-8") or not body or body.lstrip()[:1] == b"<":
        return body
    try:
        if coding in ("gzip", "x-gzip"):
            return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, limit) if body[:2] == b"\x1f\x8b" else body
        if coding == "deflate":
            return _inflate(body, limit)
        if coding == "br":
            return bytes(brotli.Decompressor().process(body, output_buffer_limit=limit))
    except (zlib.error, brotli.error) as error:
        raise CodingError(f"the body is not {coding}: {error}") from error
    raise CodingError(f"unknown content coding {coding!r}")


def _inflate(body: bytes, limit: int) -> bytes:
    """'deflate' means a zlib stream (RFC 9110, 8.4.1.2), but servers send raw deflate streams too."""
    try:
        return zlib.decompressobj().decompress(body, limit)
    except zlib.error:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, limit)
