"""One WARC record read from its own bytes, exactly: what the engines are checked against and replaced by.

Wrong lengths are mended here, where it is known how many bytes the record has: those of its gzip member, or those up to
the next record.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

MAX_HEAD = 1 << 20  # bytes of a WARC header; longer, and it is none
PADDING = b"\r\n\0"
BLANK_LINES = b"\r\n\r\n"  # what ends a record (ISO 28500, 4)

# A header line is any line but an empty one; LF alone is taken for CRLF.
_HEAD = re.compile(rb"WARC/(?:0\.1\d|1\.\d)[ \t]*\r?\n((?:(?!\r?\n)[^\n]*\n)*)\r?\n")
_LENGTH = re.compile(rb"(?:^|\n)content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
_PADDING_RUN = re.compile(rb"[\r\n\0]*")


# Types of the records whose blocks are kept: pages, and in a WET file their texts.
WITH_BLOCK = frozenset({"response", "conversion"})


class Raw(NamedTuple):
    """A record as an engine or `exact` hands it over, with its block if it is one of `WITH_BLOCK`."""

    type: str  # WARC-Type in lower case, '' if there is none
    headers: Mapping[str, str]  # as `headers_of` gives them
    block: bytes = b""


class Head(NamedTuple):
    """A WARC header: bytes it takes with its empty line, its lines, and its Content-Length if it has a usable one."""

    size: int
    lines: bytes
    length: int | None


class Whole(NamedTuple):
    """A record with all its header fields, in their order and as written, and its block."""

    fields: list[tuple[bytes, bytes]]
    block: bytes


def head_at(data: bytes | mmap.mmap, position: int) -> Head | None:
    match = _HEAD.match(data, position, position + MAX_HEAD)
    if match is None:
        return None
    length = _LENGTH.search(match[1])
    return Head(match.end() - position, match[1], int(length[1]) if length else None)


def after_padding(data: bytes | mmap.mmap, position: int) -> int:
    """The first place from `position` on that is neither CR, LF nor NUL."""
    match = _PADDING_RUN.match(data, position)
    assert match is not None
    return match.end()


def begins_record(text: bytes) -> bool:
    return text.startswith(b"WARC/", after_padding(text, 0))


def needed(text: bytes) -> int | None:
    """Bytes that the record at the head of `text` has by its Content-Length; None if that cannot be told."""
    start = after_padding(text, 0)
    head = head_at(text, start)
    return start + head.size + head.length if head and head.length is not None else None


def parse(text: bytes, size: int, limit: int) -> Whole | str:
    """The record that `text` holds, or in one line why it holds none. `size`: its bytes, where `text` is cut at a cap.

    A block longer than its Content-Length is taken whole when the record does not end where that says; `limit` cuts it.
    """
    start = after_padding(text, 0)
    head = head_at(text, start)
    if head is None:
        return "no WARC header"
    at = start + head.size
    there = size - at
    if head.length is not None and head.length > there:
        return f"the record is cut: Content-Length says {head.length} bytes, there are {there}"
    rest = b"" if head.length is None else text[at + head.length : at + head.length + MAX_HEAD]
    if head.length is not None and begins_record(rest):
        return "several records in one compressed member: compress each by itself with `warcio recompress IN OUT`"
    if head.length is None or (rest.strip(b"\r\n") and not rest.startswith(BLANK_LINES)):
        length = there - len(BLANK_LINES) if text.endswith(BLANK_LINES) else there
    else:
        length = head.length
    return Whole(_fields(head.lines), text[at : at + min(length, limit)])


def _fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Name and value of each line; one that begins with white space goes on with the value before it."""
    found: list[tuple[bytes, bytes]] = []
    for line in lines.split(b"\n"):
        name, colon, value = line.partition(b":")
        if found and line.startswith((b" ", b"\t")):
            found[-1] = (found[-1][0], found[-1][1] + b" " + line.strip())
        elif colon:
            found.append((name.strip(), value.strip()))
    return found


def headers_of(fields: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case, of several with one name the first. Raises ValueError for a line feed in a name or a value."""
    if not fields:
        return {}
    joined = b"\n".join(chain.from_iterable(fields))
    try:
        parts = joined.decode().split("\n")  # all at once: a third of the time
    except UnicodeDecodeError:
        parts = "\n".join(map(text_of, chain.from_iterable(fields))).split("\n")
    if len(parts) != 2 * len(fields):
        raise ValueError(f"a line feed within a header field: {joined[:200]!r}")
    return {name.strip().lower(): value.strip() for name, value in zip(parts[-2::-2], parts[::-2], strict=True)}


def text_of(header: bytes) -> str:
    """Headers are UTF-8 (ISO 28500, 4), and where they are not, no byte of them is lost."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")
