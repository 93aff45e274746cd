"""Response records of a WARC file, and the places where it is damaged.

A reader stops at the first byte it cannot read; a crawl file of a gigabyte must not end there. So reading goes on at
the next gzip member (or the next record header of an uncompressed file), and what was lost in between is reported.
"""

from __future__ import annotations

import mmap
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.exceptions import ArchiveLoadFailed

from stages import http
from stages.base import InputError

MAX_BODY = 64 << 20  # bytes of a body that are kept: far over any page worth parsing, far under the memory of a worker
_SMALLEST_RECORD = 16  # bytes; a gap shorter than this is a wrong Content-Length, not a record that was lost
_GZIP = b"\x1f\x8b\x08"
_PLAIN_RECORD = re.compile(rb"\r\n\r\n(?=WARC/1\.)")


@dataclass(frozen=True, slots=True)
class Record:
    """One response record. `body` has its codings undone and is cut at `MAX_BODY`; on `coding_error` it is b''."""

    id: str  # WARC-Record-ID without angle brackets, '' if there is none
    url: str
    date: str  # WARC-Date as written: RFC 3339 UTC
    status: int  # HTTP status, 0 if the block holds no HTTP message
    mime: str  # Content-Type of the HTTP message, in lower case and without parameters; '' if there is none
    body: bytes
    offset: int  # byte offset of the record in the file, in that of its gzip member
    coding_error: str = ""


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes from `offset` on that hold no readable record, up to the next one that does or to the end of the file."""

    offset: int
    error: str


class _Raw(NamedTuple):
    """A record as an engine hands it over; id, url, date and block only of response records."""

    offset: int
    response: bool
    id: str = ""
    url: str = ""
    date: str = ""
    block: bytes = b""


class _UnreadableError(Exception):
    """An engine cannot read on."""


def read(path: str, engine: str = "fastwarc") -> Iterator[Record | Damage]:
    """Response records and damages in the order of the file. `engine` is 'fastwarc', or 'warcio' as the reference.

    Raises InputError if the file is not a WARC file at all: empty, a directory, ARC, one gzip stream over all records.
    """
    if engine not in _ENGINES:
        raise InputError(f"unknown WARC engine {engine!r}: use one of {', '.join(_ENGINES)}")
    _check_file(path)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        layout = _layout(path, data)
        for item in _items(file, data, layout, _ENGINES[engine]):
            yield item if isinstance(item, Damage) else _record(item)


def _check_file(path: str) -> None:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: give a WARC file (.warc or .warc.gz)") from error
    if size == 0:
        raise InputError(f"{path}: the file is empty (zero bytes): download it again or take it out of the recipe")


class _Layout(NamedTuple):
    """How records follow each other: where the one at an offset ends (None: it is cut or broken), where a later starts."""

    end: Callable[[mmap.mmap, int], int | None]
    next_start: Callable[[mmap.mmap, int], int | None]


def _layout(path: str, data: mmap.mmap) -> _Layout:
    compressed, plain = _Layout(_gzip_end, _gzip_next), _Layout(_plain_end, _plain_next)
    head = data[:4096]
    text = _inflated_head(head) if head.startswith(_GZIP) else head
    if text.startswith(b"filedesc:"):
        raise InputError(f"{path}: an ARC file: convert it with `warcio recompress IN.arc.gz OUT.warc.gz`")
    if text.startswith(b"WARC/"):
        if head is text:
            return plain
        if not _holds_several_records(data):
            return compressed
        raise InputError(
            f"{path}: one gzip stream over several records, which cannot be read from the middle: "
            "compress each record by itself with `warcio recompress IN.warc.gz OUT.warc.gz`"
        )
    for layout in (compressed, plain):  # the first record is damaged: what are the others?
        if layout.next_start(data, 0) is not None:
            return layout
    raise InputError(f"{path}: not a WARC file (it begins with {text[:16]!r}): give a .warc or .warc.gz file")


def _items(file: BinaryIO, data: mmap.mmap, layout: _Layout, engine: _Engine) -> Iterator[_Raw | Damage]:
    """Response records and damages. A record is handed on only when the bytes up to the next one have been read well."""
    start: int | None = 0
    while start is not None:
        file.seek(start)
        last: _Raw | None = None
        error = "the file is cut"
        try:
            for raw in engine(file):
                if last is not None and last.response:
                    yield last
                last = raw
        except _UnreadableError as broken:
            error = str(broken)
        end = start if last is None else layout.end(data, last.offset)
        if last is not None and last.response and end is not None:
            yield last
        damaged = last.offset if last is not None and end is None else end
        assert damaged is not None
        if damaged >= len(data) or not data[damaged : damaged + (1 << 20)].strip(b"\r\n\0"):
            return  # padding at the end is no damage
        start = layout.next_start(data, damaged + 1)
        if start is None or start - damaged >= _SMALLEST_RECORD:
            yield Damage(damaged, error)


def _inflated_head(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, 4096)
    except zlib.error:
        return b""


def _members(data: mmap.mmap, offset: int) -> Iterator[tuple[bytes, int | None]]:
    """Pieces of the gzip member at `offset`: decompressed bytes and, with the last piece, where the member ends."""
    inflate = zlib.decompressobj(31)
    position = offset
    while not inflate.eof:
        compressed = data[position : position + (1 << 16)]
        if not compressed:
            raise zlib.error("the member is cut")
        position += len(compressed)
        piece = inflate.decompress(compressed)
        yield piece, position - len(inflate.unused_data) if inflate.eof else None


def _holds_several_records(data: mmap.mmap) -> bool:
    """Whether the first gzip member holds more than the first record; a member too broken to say holds no more."""
    text = b""
    try:
        for piece, _ in _members(data, 0):
            text += piece
            size = _plain_size(text)
            if size is not None and len(text) > size + 8:
                return text[size:].lstrip(b"\r\n").startswith(b"WARC/")
    except zlib.error:
        pass
    return False


def _gzip_end(data: mmap.mmap, offset: int) -> int | None:
    try:
        return [end for _, end in _members(data, offset)][-1]
    except zlib.error:
        return None


def _gzip_next(data: mmap.mmap, offset: int) -> int | None:
    while (offset := data.find(_GZIP, offset)) >= 0:
        if _inflated_head(data[offset : offset + 512]).startswith(b"WARC/"):
            return offset
        offset += 1
    return None


def _plain_size(text: bytes) -> int | None:
    """Header and block length of the record that `text` begins with; None if its header is not all there."""
    head, blank, _ = text.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length:\s*(\d{1,15})", head, re.IGNORECASE)
    return len(head) + len(blank) + int(length.group(1)) if blank and length else None


def _plain_end(data: mmap.mmap, offset: int) -> int | None:
    size = _plain_size(data[offset : offset + (1 << 20)])
    end = None if size is None else offset + size
    if end is None or end > len(data):
        return None
    return end + 4 if data[end : end + 4] == b"\r\n\r\n" else end


def _plain_next(data: mmap.mmap, offset: int) -> int | None:
    match = _PLAIN_RECORD.search(data, offset)
    return match.end() if match else None


_Engine = Callable[[BinaryIO], Iterator[_Raw]]


def _fastwarc(file: BinaryIO) -> Iterator[_Raw]:
    try:
        for record in ArchiveIterator(file, parse_http=False):
            if record.record_type != WarcRecordType.response:
                yield _Raw(record.stream_pos, response=False)
                continue
            block = record.reader.read(MAX_BODY + 1)
            if len(block) < min(record.content_length, MAX_BODY + 1):
                raise _UnreadableError("the file is cut")  # fastwarc gives what there is and says nothing
            headers = [(_text(name), _text(value)) for name, value in record.headers.items_bytes()]
            yield _Raw(record.stream_pos, True, *_fields(headers), block)
    except OSError as error:
        raise _UnreadableError(_one_line(error)) from error


def _warcio(file: BinaryIO) -> Iterator[_Raw]:
    try:
        records = WarcioIterator(file, no_record_parse=True)
        for record in records:
            response = record.rec_type == "response"
            block = _read_all(record.raw_stream, MAX_BODY + 1) if response else b""
            length = int(record.rec_headers.get_header("Content-Length") or 0)
            if response and len(block) < min(length, MAX_BODY + 1):
                raise _UnreadableError("the file is cut")
            offset = records.get_record_offset()
            if not response:
                yield _Raw(offset, response=False)
                continue
            yield _Raw(offset, True, *_fields(record.rec_headers.headers), block)
    except (ArchiveLoadFailed, OSError, EOFError, zlib.error) as error:
        raise _UnreadableError(_one_line(error)) from error


def _read_all(stream: Any, limit: int) -> bytes:
    """At most `limit` bytes; warcio's streams return less than asked for before their end."""
    data = bytearray()
    while len(data) < limit and (piece := stream.read(limit - len(data))):
        data += piece
    return bytes(data)


_ENGINES: dict[str, _Engine] = {"fastwarc": _fastwarc, "warcio": _warcio}


def _fields(headers: Iterable[tuple[str, str]]) -> tuple[str, str, str]:
    """Record id, URL and date from the WARC header."""
    values = {name.lower(): value.strip() for name, value in headers}
    id, url = (values.get(name, "").strip("<>") for name in ("warc-record-id", "warc-target-uri"))
    return id, url, values.get("warc-date", "")


def _text(header: bytes) -> str:
    return header.decode("utf-8", "replace")


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _record(raw: _Raw) -> Record:
    message = http.parse(raw.block)
    mime = message.headers.get("content-type", "").partition(";")[0].strip().lower()
    body, coding_error = b"", ""
    try:
        body = http.decoded_body(message, MAX_BODY)
    except http.CodingError as error:
        coding_error = str(error)
    return Record(raw.id, raw.url, raw.date, message.status, mime, body, raw.offset, coding_error)
