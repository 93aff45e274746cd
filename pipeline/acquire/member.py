"""Whether bytes are what an index says they are: one WARC record of a response, whole."""

from __future__ import annotations

import gzip
import re
import zlib

MAX_INFLATED = 256 << 20  # bytes; over it a record is no page but a bomb
_GZIP = b"\x1f\x8b"
_HEADER = re.compile(rb"WARC/1\.\d\r?\n(?:[^\r\n]+\r?\n)*\r?\n")
_TYPE = re.compile(rb"\nWARC-Type:[ \t]*([\w-]+)[ \t]*\r?\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\nContent-Length:[ \t]*(\d{1,15})[ \t]*\r?\n", re.IGNORECASE)


class BrokenRecordError(Exception):
    """The bytes are no response record. One line that says what they are instead."""


def as_member(data: bytes) -> bytes:
    """The gzip member of the record that `data` is: `data` itself, or made of it where it is not compressed.

    The checksum is checked and the record counted out, so that a reader finds one record here, and it whole.
    """
    if data.startswith(_GZIP):
        _record_end(_inflated(data))
        return data
    return gzip.compress(data[: _record_end(data)] + b"\r\n\r\n", mtime=0)


def _inflated(data: bytes) -> bytes:
    inflate = zlib.decompressobj(31)
    try:
        text = inflate.decompress(data, MAX_INFLATED)
    except zlib.error as error:
        raise BrokenRecordError(f"not a whole gzip member: {error}") from None
    if inflate.unconsumed_tail and not inflate.eof:
        raise BrokenRecordError(f"over {MAX_INFLATED} bytes when inflated")
    if not inflate.eof:
        raise BrokenRecordError(f"the gzip member does not end within the {len(data)} bytes that the index gives it")
    if inflate.unused_data:
        over = len(inflate.unused_data)
        raise BrokenRecordError(
            f"the gzip member ends {over} bytes before the {len(data)} bytes that the index gives it"
        )
    return text


def _record_end(text: bytes) -> int:
    """Where the one record in `text` ends, without the empty lines behind it."""
    header = _HEADER.match(text)
    if header is None:
        raise BrokenRecordError(f"no WARC record begins here but {text[:16]!r}")
    kind, length = _TYPE.search(header.group()), _LENGTH.search(header.group())
    if kind is None or length is None:
        raise BrokenRecordError("a WARC header without WARC-Type or Content-Length")
    if kind.group(1).lower() != b"response":
        raise BrokenRecordError(f"a {kind.group(1).decode('ascii', 'replace')} record, not a response")
    end = header.end() + int(length.group(1))
    if end > len(text):
        raise BrokenRecordError(
            f"the record lacks {end - len(text)} of the {length.group(1).decode()} bytes of its block"
        )
    # A few bytes more come from a wrong Content-Length, which readers pass over; a record there would be read twice.
    if text[end:].lstrip(b"\r\n").startswith(b"WARC/"):
        raise BrokenRecordError("several records where the index tells of one")
    return end
