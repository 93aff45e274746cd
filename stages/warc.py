"""Response records of a WARC file, and the places where it is damaged.

A reader stops at the first byte it cannot read; a crawl file of a gigabyte must not end there. So reading goes on at the
next record, and what was lost in between is reported. Every byte of the file belongs to one record, one damage or to
padding, and `read` raises when one does not: a reader that skips a record cannot do it in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stages import http, warc_digest
from stages.errors import InputError
from stages.warc_engines import ENGINES, Piece, pieces
from stages.warc_layout import opened
from stages.warc_parse import Raw

MAX_BODY = 64 << 20  # bytes of a body that are kept: far over any page worth parsing, far under the memory of a worker


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
    length: int = 0  # bytes of the record in the file: of its gzip member, or with the empty lines after it
    headers: Mapping[str, str] = field(default_factory=dict)  # of the HTTP message, as in `http.Message`
    truncated: str = ""  # WARC-Truncated: why the crawler cut the record ('length', 'time', ...), '' if it did not
    file: str = ""  # WARC-Filename of the warcinfo record before it, '' if there is none
    digest_error: str = ""  # how the block differs from its digest; '' also when digests were not to be verified


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes from `offset` on that hold no readable record, up to the next one that does or to the end of the file."""

    offset: int
    error: str
    length: int = 0


class LostBytesError(Exception):
    """A bug of the reader: bytes of the file are in no record, no damage and no padding."""


def read(path: str, engine: str = "fastwarc", verify: bool = False) -> Iterator[Record | Damage]:
    """Response records and damages in the order of the file. `engine` is 'fastwarc', or 'warcio' as the reference.

    With `verify`, digests are checked, at two thirds of the speed. Both engines give the same records and damages; only
    fields of a WARC header that is itself damaged may read differently.
    Raises InputError if the file is not a WARC file at all (empty, a directory, ARC, one gzip stream over all records),
    and at its end if it holds what was derived from one (WET, WAT). Raises LostBytesError.
    """
    if engine not in ENGINES:
        raise InputError(f"unknown WARC engine {engine!r}: use one of {', '.join(ENGINES)}")
    with opened(path) as layout:
        types: Counter[str] = Counter()
        crawl_file = ""
        for piece in _contiguous(path, pieces(layout, ENGINES[engine], MAX_BODY), len(layout.data)):
            if piece.error:
                types["damage"] += 1
                yield Damage(piece.offset, piece.error, piece.end - piece.offset)
            if piece.record is None:
                continue
            types[piece.record.type] += 1
            if piece.record.type == "warcinfo":
                crawl_file = piece.record.headers.get("warc-filename", "")
            elif piece.record.type == "response":
                yield _record(piece, piece.record, crawl_file, verify)
        _refuse_derived(path, types)


def _contiguous(path: str, found: Iterator[Piece], size: int) -> Iterator[Piece]:
    position = 0
    for piece in found:
        if piece.offset != position or piece.end <= piece.offset:
            break
        yield piece
        position = piece.end
    if position != size:
        raise LostBytesError(f"{path}: the reader lost its place at byte {position} of {size}: please report it")


def _refuse_derived(path: str, types: Counter[str]) -> None:
    """Texts and metadata taken out of a WARC file look like one, and would pass for a crawl without a page."""
    for type, name in (("conversion", "WET file, extracted texts"), ("metadata", "WAT file, metadata")):
        if types[type] and types.keys() <= {"warcinfo", type}:
            raise InputError(
                f"{path}: a {name} without pages ({types[type]} {type} records, no response): "
                "give the WARC file it was made from"
            )


def _record(piece: Piece, raw: Raw, crawl_file: str, verify: bool) -> Record:
    message = http.parse(raw.block)
    body, coding_error = b"", ""
    try:
        body = http.decoded_body(message, MAX_BODY)
    except http.CodingError as error:
        coding_error = str(error)
    return Record(
        id=raw.headers.get("warc-record-id", "").strip("<>"),
        url=raw.headers.get("warc-target-uri", "").strip("<>").replace(" ", "%20"),
        date=raw.headers.get("warc-date", ""),
        status=message.status,
        mime=message.headers.get("content-type", "").partition(";")[0].strip().lower(),
        body=body,
        offset=piece.offset,
        coding_error=coding_error,
        length=piece.end - piece.offset,
        headers=message.headers,
        truncated=raw.headers.get("warc-truncated", "").lower(),
        file=crawl_file,
        digest_error=warc_digest.mismatch(raw, message.body) if verify else "",
    )
