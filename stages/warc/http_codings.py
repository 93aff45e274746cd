"""Content codings of HTTP undone (RFC 9110, 8.4.1; br: RFC 7932; zstd: RFC 8878), in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import brotli  # type: ignore[import-untyped]
import zstandard

from stages import zstd

_CHUNK = 1 << 14  # bytes given to an inflater at once: what it copies when a member ends within them
_ZSTD_WINDOW = 8 << 20  # bytes: no content coding may ask for more (RFC 9659, 3)
_GZIP_TRAILER = 8


class CodingError(Exception):
    """A content coding that is unknown, or that the body does not follow."""


def _as_it_is(body: bytes, limit: int) -> bytes:
    return body


def _gunzip(body: bytes, limit: int) -> bytes:
    """All members, up to what is no member: servers pad, and some append. A body that is no gzip is taken as it is."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    text = bytearray()
    position = 0
    while len(text) < limit and body.startswith(b"\x1f\x8b", position):
        try:
            member, position = _member(body, position, limit - len(text))
        except zlib.error as error:
            if text:
                break
            # Right to the last byte but for a wrong checksum or length: browsers do not look at those either.
            member, position = _inflated(body[:-_GZIP_TRAILER], 31, limit, error), len(body)
        text += member
    return bytes(text)


def _member(body: bytes, position: int, limit: int) -> tuple[bytes, int]:
    """At most `limit` bytes of the gzip member at `position`, and where it ends. Raises zlib.error."""
    inflate = zlib.decompressobj(31)
    text = bytearray()
    while not inflate.eof and position < len(body) and len(text) < limit:
        piece = body[position : position + _CHUNK]
        text += inflate.decompress(piece, limit - len(text))
        position += len(piece) - len(inflate.unused_data) - len(inflate.unconsumed_tail)
    return bytes(text), position


def _inflate(body: bytes, limit: int) -> bytes:
    """'deflate' means a zlib stream (RFC 9110, 8.4.1.2), but servers send raw deflate streams too."""
    try:
        return zlib.decompressobj().decompress(body, limit)
    except zlib.error as error:
        return _inflated(body, -zlib.MAX_WBITS, limit, error)


def _inflated(body: bytes, bits: int, limit: int, first_error: zlib.error) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(body, limit)
    except zlib.error:
        raise CodingError(f"the body is not {'gzip' if bits > 0 else 'deflate'}: {first_error}") from first_error


def _unbrotli(body: bytes, limit: int) -> bytes:
    """The stream, up to its end. The library takes back all of a call in which something follows that end, so then it
    gets one byte a call.
    """
    try:
        return _brotli_stream([body], limit)
    except brotli.error:
        pass
    try:
        return _brotli_stream((body[i : i + 1] for i in range(len(body))), limit)
    except brotli.error as error:
        raise CodingError(f"the body is not br: {error}") from error


def _brotli_stream(pieces: Iterable[bytes], limit: int) -> bytes:
    stream, text = brotli.Decompressor(), bytearray()
    for piece in pieces:
        text += stream.process(piece, output_buffer_limit=limit - len(text))
        # Of a stream that is cut, a call gives one buffer, and nothing says that there are more.
        while len(text) < limit and (more := stream.process(b"", output_buffer_limit=limit - len(text))):
            text += more
        if stream.is_finished() or len(text) >= limit:
            break
    return bytes(text)


def _unzstd(body: bytes, limit: int) -> bytes:
    """All frames, up to what is no frame. A body that is no zstd is taken as it is."""
    text = bytearray()
    position = 0
    decompressor = zstd.decompressor(max_window=_ZSTD_WINDOW)
    while len(text) < limit:
        end = zstd.frame_end(body, position) or len(body)
        if body.startswith(zstd.MAGIC, position):
            try:
                text += b"".join(islice(zstd.pieces(decompressor, body[position:end]), limit // zstd.PIECE + 1))
            except zstandard.ZstdError as error:
                raise CodingError(f"the body is not zstd: {error}") from error
        elif not zstd.is_skippable(body, position):
            break
        position = end
    return bytes(text) if position else body


CODINGS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "identity": _as_it_is,
    "none": _as_it_is,
    "utf-8": _as_it_is,  # a charset in the wrong header
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
