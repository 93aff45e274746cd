"""Chosen response records copied to a WARC file of their own: for samples and for reports of faults."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any, BinaryIO

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from stages.warc.layout import Layout, opened
from stages.warc.parse import MAX_HEAD, Whole, headers_of, parse, text_of
from stages.warc.warc import Record, read

_VERSION = "WARC/1.1"
_INFO = b"software: Seimai\r\nformat: WARC File Format 1.1\r\n"
_ALONG = ("request", "metadata")


def select(
    paths: Iterable[str],
    choose: Callable[[Record], bool],
    out: BinaryIO,
    *,
    limit: int | None = None,
    along: bool = False,
) -> int:
    """Write the chosen response records of the files to `out`; their number. See `Selector`."""
    selector = Selector(out, choose, limit, along=along)
    for path in paths:
        selector.copy(path)
    return selector.records


class Selector:
    """Writes WARC, a gzip member a record: first a warcinfo record, dated as the first record is, then the chosen ones.

    Same input, same bytes. HTTP messages stay as they are, byte for byte; WARC headers too, but for a wrong
    Content-Length, a folded line, and a WARC-Block-Digest that is added where there is none. Nothing is written before the
    first chosen record. `along`: also the request and metadata records concurrent to a chosen one, in the file's order.
    """

    def __init__(
        self, out: BinaryIO, choose: Callable[[Record], bool], limit: int | None = None, *, along: bool = False
    ) -> None:
        self.records = 0  # responses written
        self._writer = _Verbatim(out, gzip=True)
        self._choose, self._limit, self._along = choose, limit, along

    @property
    def full(self) -> bool:
        return self._limit is not None and self.records >= self._limit

    def copy(self, path: str) -> int:
        """Copy what is chosen of one file, until the limit; the number of responses. Raises InputError as `read` does."""
        offsets: list[int] = []
        room = sys.maxsize if self._limit is None else self._limit - self.records
        for record in read(path) if room > 0 else ():
            if isinstance(record, Record) and self._choose(record):
                offsets.append(record.offset)
                if len(offsets) >= room:
                    break
        if offsets:
            with opened(path) as layout:
                for offset in sorted({*offsets, *_companions(layout, offsets)}) if self._along else offsets:
                    self._write(_whole(layout, offset, sys.maxsize))
        self.records += len(offsets)
        return len(offsets)

    def _write(self, whole: Whole) -> None:
        fields = [(text_of(name), text_of(value)) for name, value in whole.fields]
        headers = headers_of(whole.fields)
        if not self._writer.begun:
            self._writer.put("warcinfo", _info_fields(headers), _INFO)
        self._writer.put(headers["warc-type"], fields, whole.block)


class _Verbatim(WARCWriter):  # type: ignore[misc]
    begun = False

    def put(self, kind: str, fields: list[tuple[str, str]], block: bytes) -> None:
        self.begun = True
        headers = StatusAndHeaders("", fields, protocol=_VERSION)
        self.write_record(ArcWarcRecord("warc", kind.lower(), headers, BytesIO(block), None, None, len(block)))

    def ensure_digest(self, record: Any, block: bool = True, payload: bool = True) -> None:
        """No payload digest: warcio would make it of the whole block, HTTP headers included."""
        super().ensure_digest(record, block, payload=False)


def _info_fields(first: dict[str, str]) -> list[tuple[str, str]]:
    id = uuid.uuid5(uuid.NAMESPACE_URL, first.get("warc-record-id", first.get("warc-target-uri", "")))
    return [
        ("WARC-Type", "warcinfo"),
        ("WARC-Record-ID", f"<urn:uuid:{id}>"),
        ("WARC-Date", first.get("warc-date", "")),
        ("Content-Type", "application/warc-fields"),
    ]


def _whole(layout: Layout, offset: int, room: int) -> Whole:
    stretch = layout.stretch(offset, room)
    whole = parse(stretch.text, stretch.size, room)
    assert isinstance(whole, Whole), f"byte {offset}: {whole}"  # `read` has just read it
    return whole


def _companions(layout: Layout, offsets: list[int]) -> Iterator[int]:
    """Offsets of requests and metadata that name a chosen response, or that one names, as concurrent (ISO 28500, 5.7)."""
    chosen: set[str] = set()
    named: set[str] = set()
    for offset in offsets:
        id, concurrent = _ids(_whole(layout, offset, MAX_HEAD))
        chosen |= id
        named |= concurrent
    position = 0
    while position < len(layout.data):
        stretch = layout.stretch(position, MAX_HEAD)
        whole = parse(stretch.text, stretch.size, 0) if stretch.text else ""
        if isinstance(whole, Whole) and headers_of(whole.fields).get("warc-type", "").lower() in _ALONG:
            id, concurrent = _ids(whole)
            if id & named or concurrent & chosen:
                yield position
        position = stretch.end


def _ids(whole: Whole) -> tuple[set[str], set[str]]:
    """Its own id and those of the records it says it is concurrent to."""
    values = [(name.lower(), text_of(value)) for name, value in whole.fields]
    return {v for n, v in values if n == b"warc-record-id"}, {v for n, v in values if n == b"warc-concurrent-to"}
