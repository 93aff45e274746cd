"""Response records of a WARC file, or the texts of a WET file, and the places where it is damaged.

A reader stops at the first byte it cannot read; a crawl file of a gigabyte must not end there. So reading goes on at the
next record, and what was lost in between is reported. Every byte of the file belongs to one record, one damage or to
padding, and `read` raises when one does not: a reader that skips a record cannot do it in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stages.errors import InputError
from stages.warc import digest, http
from stages.warc.engines import ENGINES, Piece, pieces
from stages.warc.layout import opened
from stages.warc.parse import Raw

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
class Text:
    """One conversion record of a WET file: the text of a page, as the crawl's own extractor left it."""

    id: str  # WARC-Record-ID without angle brackets, '' if there is none
    refers_to: str  # the same of the response that the text is from: WARC-Refers-To
    url: str
    date: str  # WARC-Date as written: when the page was fetched
    languages: str  # WARC-Identified-Content-Language: what CLD2 found, such as 'jpn,eng'
    body: bytes  # cut at `MAX_BODY`
    offset: int
    length: int
    file: str  # WARC-Filename of the warcinfo record before it, '' if there is none


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
    for item in _of_type("response", path, engine):
        yield item if isinstance(item, Damage) else _record(*item, verify)


def read_texts(path: str, engine: str = "fastwarc") -> Iterator[Text | Damage]:
    """Conversion records and damages in the order of the file. Raises as `read` does, and for a file with pages instead."""
    for item in _of_type("conversion", path, engine):
        yield item if isinstance(item, Damage) else _text(*item)


def _of_type(wanted: str, path: str, engine: str) -> Iterator[tuple[Piece, Raw, str] | Damage]:
    """Records of one type, each with the WARC-Filename it goes by."""
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
            elif piece.record.type == wanted:
                yield piece, piece.record, crawl_file
        _refuse_others(path, types, wanted)


def _contiguous(path: str, found: Iterator[Piece], size: int) -> Iterator[Piece]:
    position = 0
    for piece in found:
        if piece.offset != position or piece.end <= piece.offset:
            break
        yield piece
        position = piece.end
    if position != size:
        raise LostBytesError(f"{path}: the reader lost its place at byte {position} of {size}: please report it")


def _refuse_others(path: str, types: Counter[str], wanted: str) -> None:
    """Pages, and the texts and metadata taken out of them, come in files that look alike; the wrong one would pass for empty."""
    for type, name, mend in (
        ("response", "WARC file with pages", 'read it with kind = "warc"'),
        (
            "conversion",
            "WET file, extracted texts",
            'read it with kind = "wet", or give the WARC file it was made from',
        ),
        ("metadata", "WAT file, metadata", "give the WARC file it was made from"),
    ):
        alone = type == "response" or types.keys() <= {"warcinfo", type}  # metadata go with pages too
        if types[type] and not types[wanted] and alone:
            raise InputError(f"{path}: a {name} ({types[type]} {type} records, no {wanted}): {mend}")


def _text(piece: Piece, raw: Raw, crawl_file: str) -> Text:
    return Text(
        id=_id(raw, "warc-record-id"),
        refers_to=_id(raw, "warc-refers-to"),
        url=_url(raw),
        date=raw.headers.get("warc-date", ""),
        languages=raw.headers.get("warc-identified-content-language", ""),
        body=raw.block,
        offset=piece.offset,
        length=piece.end - piece.offset,
        file=crawl_file,
    )


def _record(piece: Piece, raw: Raw, crawl_file: str, verify: bool) -> Record:
    message = http.parse(raw.block)
    body, coding_error = b"", ""
    try:
        body = http.decoded_body(message, MAX_BODY)
    except http.CodingError as error:
        coding_error = str(error)
    return Record(
        id=_id(raw, "warc-record-id"),
        url=_url(raw),
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
        digest_error=digest.mismatch(raw, message.body) if verify else "",
    )


def _id(raw: Raw, field: str) -> str:
    return raw.headers.get(field, "").strip("<>")


def _url(raw: Raw) -> str:
    return raw.headers.get("warc-target-uri", "").strip("<>").replace(" ", "%20")
