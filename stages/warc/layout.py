"""How records follow each other in a WARC file: plain, a gzip member each, or a zstd frame each.

A layout knows two things about a place in the file. `borders`: where the following records seem to begin, quickly.
`stretch`: the bytes of the one record that begins here, and exactly where they end. A stretch may also be padding, or a
damage, which goes on to the next place where a record verifiably begins. So stretches leave no byte out.
"""

from __future__ import annotations

import mmap
import os
import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import zstandard

from stages import zstd
from stages.errors import InputError
from stages.warc.parse import BLANK_LINES, MAX_HEAD, PADDING, Head, after_padding, begins_record, head_at, needed

_PLAIN = re.compile(rb"WARC/[01]\.\d")
_CHUNK, _PIECE = 1 << 16, 1 << 20  # bytes given to an inflater at once, and taken from it
_GLANCE = 4096  # compressed bytes looked at to see whether a record begins


class Stretch(NamedTuple):
    """Bytes of the file up to `end`: of a record if there is `text`, damaged if there is an `error`, else padding."""

    end: int
    text: bytes = b""  # decompressed, cut at the room that was given
    size: int = 0  # bytes of `text` before it was cut
    error: str = ""


class View:
    """A part of the file as an engine reads it: its first byte has offset 0."""

    def __init__(self, data: mmap.mmap, start: int, end: int) -> None:
        self._data, self._start, self._at, self._end = data, start, start, end

    def read(self, size: int = -1) -> bytes:
        to = self._end if size < 0 else min(self._at + size, self._end)
        piece = self._data[self._at : to]
        self._at = to
        return piece

    def tell(self) -> int:
        return self._at - self._start


class Layout(ABC):
    streams = True  # whether an engine can read records of this layout one after the other

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data

    @abstractmethod
    def borders(self, position: int) -> Iterator[int]:
        """Where the records after the one at `position` seem to begin; at last the end of the file."""

    @abstractmethod
    def stretch(self, position: int, room: int) -> Stretch:
        """The stretch that begins at `position`, with at most `room` bytes of text."""

    @abstractmethod
    def next_start(self, position: int) -> int | None:
        """The first place from `position` on where a record verifiably begins."""

    def _lost(self, position: int, error: str) -> Stretch:
        start = self.next_start(position + 1)
        return Stretch(len(self.data) if start is None else start, error=error)


class Plain(Layout):
    def borders(self, position: int) -> Iterator[int]:
        while (head := self._head(position)) and head.length is not None:
            position = after_padding(self.data, min(position + head.size + head.length, len(self.data)))
            yield position
        if position < len(self.data):
            yield len(self.data)

    def stretch(self, position: int, room: int) -> Stretch:
        padded = after_padding(self.data, position)
        if padded > position:
            return Stretch(padded)
        head = self._head(position)
        if head is None:
            return self._lost(position, "no WARC header")
        end = self._end(position, None if head.length is None else position + head.size + head.length)
        return Stretch(end, self.data[position : min(end, position + room)], end - position)

    def _end(self, position: int, claimed: int | None) -> int:
        """`claimed`, where Content-Length says that the record ends, unless what lies there speaks against it."""
        size = len(self.data)
        if claimed is None or claimed > size:
            return self.next_start(position + 1) or size
        after = after_padding(self.data, claimed)
        if after == size or self._head(after):
            return after
        start = self.next_start(position + 1)
        if start is not None and start < claimed:
            return start
        ends_well = self.data[claimed : claimed + 4] == BLANK_LINES
        return claimed + 4 if ends_well else claimed if start is None else start

    def next_start(self, position: int) -> int | None:
        starts = (match.start() for match in _PLAIN.finditer(self.data, position))
        return next((start for start in starts if (head := self._head(start)) and head.length is not None), None)

    def _head(self, position: int) -> Head | None:
        """Just the words are none: pages about WARC files have those. And a header with two types is two, one broken off."""
        head = head_at(self.data, position)
        return head if head and head.lines.lower().count(b"warc-type:") == 1 else None


class _BrokenError(Exception):
    """A compressed unit that is cut or corrupt."""


class _Compressed(Layout):
    """Records in units that are compressed by themselves: gzip members, zstd frames."""

    magic: re.Pattern[bytes]
    unit: str  # what one is called

    @abstractmethod
    def _pieces(self, position: int) -> Iterator[tuple[bytes, int]]:
        """Decompressed pieces of the unit at `position`, the last with the place where it ends, the others with 0.

        Raises _BrokenError.
        """

    @abstractmethod
    def glance(self, position: int) -> bytes:
        """The first decompressed bytes of what may be a unit; b'' if it is none."""

    def borders(self, position: int) -> Iterator[int]:
        for match in self.magic.finditer(self.data, position + 1):
            yield match.start()
        yield len(self.data)

    def next_start(self, position: int) -> int | None:
        starts = (match.start() for match in self.magic.finditer(self.data, position))
        return next((start for start in starts if begins_record(self.glance(start))), None)

    def stretch(self, position: int, room: int) -> Stretch:
        if not self._is_unit(position):
            padded = after_padding(self.data, position)
            return Stretch(padded) if padded > position else self._lost(position, f"no {self.unit} begins here")
        text, size, end, wanted = bytearray(), 0, position, None
        try:
            while True:
                for piece, unit_end in self._pieces(end):
                    text += piece[: room - len(text)]
                    size += len(piece)
                    end = unit_end or end
                wanted = wanted or needed(bytes(text[:MAX_HEAD]))
                # Some writers spread a record over several units: it goes on where the next one begins no record.
                if wanted is None or size >= wanted or not self._is_unit(end) or begins_record(self.glance(end)):
                    break
        except _BrokenError as error:
            return self._lost(position, str(error))
        if not text.strip(PADDING):
            return Stretch(end)
        stretch = Stretch(end, bytes(text), size)
        return stretch if begins_record(stretch.text) else self._lost(position, f"a {self.unit} without a WARC header")

    def holds_several_records(self) -> bool:
        """Whether the first unit goes on with another record after its first; one too broken to say does not."""
        text, rest, size, wanted = bytearray(), bytearray(), 0, None
        try:
            for piece, _ in self._pieces(0):
                size += len(piece)
                if wanted is None:
                    text += piece
                    wanted = needed(bytes(text[:MAX_HEAD]))
                    if wanted is None and size > MAX_HEAD:
                        return False
                if wanted is not None and size > wanted:
                    rest += piece[max(0, len(piece) - (size - wanted)) :]
                    if len(rest) > len(BLANK_LINES) + len(b"WARC/"):
                        return begins_record(bytes(rest))
        except _BrokenError:
            pass
        return False

    def _is_unit(self, position: int) -> bool:
        return self.magic.match(self.data, position) is not None


class Gzip(_Compressed):
    magic = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]")  # deflate, no reserved flag (RFC 1952, 2.3): all that is sure
    unit = "gzip member"

    def _pieces(self, position: int) -> Iterator[tuple[bytes, int]]:
        inflate = zlib.decompressobj(31)
        while not inflate.eof:
            compressed = inflate.unconsumed_tail
            if not compressed:
                compressed = self.data[position : position + _CHUNK]
                position += len(compressed)
            try:
                piece = inflate.decompress(compressed, _PIECE)
            except zlib.error as error:
                raise _BrokenError(f"a corrupt gzip member: {error}") from error
            if not compressed and not piece and not inflate.eof:
                raise _BrokenError("the file is cut")
            yield piece, position - len(inflate.unused_data) if inflate.eof else 0

    def glance(self, position: int) -> bytes:
        try:
            return zlib.decompressobj(31).decompress(self.data[position : position + _GLANCE], 64)
        except zlib.error:
            return b""


class Zstd(_Compressed):
    magic = re.compile(re.escape(zstd.MAGIC))
    unit = "zstd frame"
    streams = False  # warcio knows no zstd, and fastwarc no dictionary but at the head of what it is given

    def __init__(self, data: mmap.mmap, dictionary: bytes) -> None:
        super().__init__(data)
        self._decompressor = zstd.decompressor(dictionary)

    def _is_unit(self, position: int) -> bool:
        return super()._is_unit(position) or zstd.is_skippable(self.data, position)

    def _pieces(self, position: int) -> Iterator[tuple[bytes, int]]:
        end = zstd.frame_end(self.data, position)
        if end is None:
            raise _BrokenError("a zstd frame that is cut or corrupt")
        if not zstd.is_skippable(self.data, position):
            try:
                for piece in zstd.pieces(self._decompressor, View(self.data, position, end)):
                    yield piece, 0
            except zstandard.ZstdError as error:
                raise _BrokenError(f"a corrupt zstd frame: {error}") from error
        yield b"", end

    def glance(self, position: int) -> bytes:
        try:
            return next(zstd.pieces(self._decompressor, View(self.data, position, len(self.data))), b"")
        except zstandard.ZstdError:
            return b""


@contextmanager
def opened(path: str) -> Iterator[Layout]:
    """Raises InputError for what cannot be read, for what is no WARC file, and for one compressed as a whole."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - what is done with it must not run under this `except`
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: give a WARC file (.warc or .warc.gz)") from error
    with file:
        if os.fstat(file.fileno()).st_size == 0:
            raise InputError(f"{path}: the file is empty (zero bytes): download it again or take it out of the recipe")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield _layout(path, data)


def _layout(path: str, data: mmap.mmap) -> Layout:
    layout = _by_magic(path, data)
    head = layout.glance(0) if isinstance(layout, _Compressed) else data[:64]
    if isinstance(layout, Zstd) and zstd.is_skippable(data, 0):
        head = layout.glance(zstd.frame_end(data, 0) or 0)
    if head.startswith(b"filedesc:"):
        raise InputError(f"{path}: an ARC file: convert it with `warcio recompress IN.arc.gz OUT.warc.gz`")
    if isinstance(layout, Plain) and head_at(data, after_padding(data, 0)):
        return layout
    if isinstance(layout, _Compressed) and begins_record(head):
        if layout.holds_several_records():
            raise InputError(
                f"{path}: one {layout.unit} over several records, which cannot be read from the middle: decompress the "
                "file and give it as .warc, or compress each record by itself with `warcio recompress IN OUT.warc.gz`"
            )
        return layout
    # The first record is damaged: what are the others? Plain comes last, as its marks may stand in a stored gzip member.
    others = [layout] if isinstance(layout, _Compressed) else []
    for other in (*others, Gzip(data), Zstd(data, b""), Plain(data)):
        if other.next_start(0) is not None:
            return other
    raise InputError(
        f"{path}: not a WARC file (it begins with {(head or data[:16])[:16]!r}): give a .warc or .warc.gz file"
    )


def _by_magic(path: str, data: mmap.mmap) -> Layout:
    if data[:4] == zstd.MAGIC or zstd.is_skippable(data, 0):
        try:
            return Zstd(data, zstd.dictionary_at_head(data))
        except zstandard.ZstdError as error:
            raise InputError(f"{path}: its zstd dictionary is unreadable ({error}): download the file again") from error
    return Gzip(data) if Gzip.magic.match(data) else Plain(data)
