"""The records of a WARC file, one after the other, with no byte left out.

Two ways to read a record. An engine (fastwarc; warcio as the reference) streams through many at a time and is believed
only where its records begin exactly where the layout expects them; where it skips a record, swallows one, stops or fails,
`exact` reads on from the last place that both agreed on, record by record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from fastwarc.warc import ArchiveIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from stages.warc.layout import Layout, View
from stages.warc.parse import MAX_HEAD, WITH_BLOCK, Raw, headers_of, parse

# Bytes of the file that an engine streams through at a time. What it reads beyond a place of disagreement is lost work,
# so less is lost on damaged files; the last record of each batch is read twice, so more is less work on good ones.
BATCH = 4 << 20


class Piece(NamedTuple):
    """Bytes of the file from `offset` up to `end`: a record, a damage if there is an `error`, else padding."""

    offset: int
    end: int
    record: Raw | None = None
    error: str = ""


# Gives records with their offsets in the view, and their blocks up to a limit in bytes.
Engine = Callable[[View, int], Iterator[tuple[int, Raw]]]


_NONE = (-1, Raw("", {}))  # where there is no further record


class _UnreadableError(Exception):
    """An engine cannot read on."""


def pieces(layout: Layout, engine: Engine, limit: int) -> Iterator[Piece]:
    """All pieces of the file in their order, each beginning where the one before ends; blocks are cut at `limit` bytes."""
    position, size = 0, len(layout.data)
    while position < size:
        starts = _batch(layout, position)
        stop = max(starts[-2], position + 1)
        if layout.streams and len(starts) > 2:
            for piece in _agreed(layout, starts, engine, limit):
                yield piece
                position = piece.end
        while position < stop:
            piece = exact(layout, position, limit)
            yield piece
            position = piece.end


def exact(layout: Layout, position: int, limit: int) -> Piece:
    """The piece that begins at `position`, read without an engine."""
    stretch = layout.stretch(position, MAX_HEAD + limit)
    if stretch.error or not stretch.text:
        return Piece(position, stretch.end, error=stretch.error)
    whole = parse(stretch.text, stretch.size, limit)
    if isinstance(whole, str):
        return Piece(position, stretch.end, error=whole)
    headers = headers_of(whole.fields)
    kind = headers.get("warc-type", "").lower()
    if not kind:
        return Piece(position, stretch.end, error="a record without WARC-Type")
    block = whole.block if kind in WITH_BLOCK else b""
    return Piece(position, stretch.end, Raw(kind, headers, block))


def _batch(layout: Layout, position: int) -> list[int]:
    """`position`, and where the following records seem to begin, until the last of them is `BATCH` bytes further."""
    starts = [position]
    for border in layout.borders(position):
        starts.append(border)
        if border - position >= BATCH:
            break
    return starts


def _agreed(layout: Layout, starts: list[int], engine: Engine, limit: int) -> Iterator[Piece]:
    """Records up to the first whose end the engine and the layout do not agree on, never the last of the batch.

    What ends a record is the beginning of the next: for the last one that is out of the engine's sight.
    """
    records = _readable(engine(View(layout.data, starts[0], starts[-1]), limit))
    offset, record = next(records, _NONE)
    if offset != 0:
        return
    for start, end in pairwise(starts[:-1]):
        offset, following = next(records, _NONE)
        if starts[0] + offset != end:
            return
        yield Piece(start, end, record)
        record = following


def _readable(records: Iterator[tuple[int, Raw]]) -> Iterator[tuple[int, Raw]]:
    """What an engine can read, up to what it cannot: any exception of it only means that `exact` has to look."""
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except BaseException as error:  # of malformed headers alone warcio raises four kinds
            # A panic of fastwarc is no Exception, and its class cannot be imported.
            if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                return
            raise
        yield record


def _fastwarc(view: View, limit: int) -> Iterator[tuple[int, Raw]]:
    for record in ArchiveIterator(view, parse_http=False):  # type: ignore[arg-type]
        # Header lines that end in LF are one line to fastwarc: `headers_of` refuses it.
        headers = headers_of(record.headers.items_bytes())
        name = _type(headers)
        block = b""
        if name in WITH_BLOCK:
            # Exactly what is there: fastwarc allocates what it is asked for.
            block = record.reader.read(min(record.content_length, limit))
            if len(block) < min(record.content_length, limit):
                raise _UnreadableError("the record is cut")  # fastwarc gives what there is and says nothing
        yield record.stream_pos, Raw(name, headers, block)


def _warcio(view: View, limit: int) -> Iterator[tuple[int, Raw]]:
    records = WarcioIterator(view, no_record_parse=True)
    for record in records:
        headers = headers_of([(name.encode(), value.encode()) for name, value in record.rec_headers.headers])
        name, block = _type(headers), b""
        if headers.get("warc-target-uri", "").startswith("%20"):
            raise _UnreadableError("a folded header")  # whose white space warcio has made part of the URL
        if name in WITH_BLOCK:
            wanted = min(int(headers["content-length"]), limit)
            block = _read_all(record.raw_stream, wanted)
            if len(block) < wanted:
                raise _UnreadableError("the record is cut")
        offset = records.get_record_offset()
        if records.err_count:
            raise _UnreadableError("the record does not end where it says")
        yield offset, Raw(name, headers, block)


def _type(headers: dict[str, str]) -> str:
    try:
        return headers["warc-type"].lower()
    except KeyError:
        raise _UnreadableError("a record without WARC-Type") from None


def _read_all(stream: Any, size: int) -> bytes:
    """`size` bytes; warcio's streams return less than asked for before their end."""
    data = bytearray()
    while len(data) < size and (piece := stream.read(size - len(data))):
        data += piece
    return bytes(data)


ENGINES: dict[str, Engine] = {"fastwarc": _fastwarc, "warcio": _warcio}
