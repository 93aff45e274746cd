"""The `extract` stage for JSONL, one object a line: plain, gzip or zstd, told by content and not by name.

A line that cannot be read costs itself. Damage in a compressed file costs what cannot be decompressed: reading goes on at
the next gzip member or zstd frame, if there is one.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import zstandard

from stages import zstd
from stages.base import InputError, SourceFile
from stages.readers.tables import MISSING, Cells, ExtractTable, Loss, names_in, no_column, place_of, reach
from stages.warc.layout import View

MAX_LINE = 64 << 20  # bytes of a line; a longer one is lost, and never held
MAX_DEPTH = 200  # of values in values: far under where the parser gives up, which depends on who calls it
LOOK = 1000  # lines; when none of the first ones has the text column, it has another name

PIECE = 1 << 16  # bytes read, and bytes decompressed at once: what damage can cost before its place

_NULS = re.compile(rb"\0*")
_BOM = b"\xef\xbb\xbf"
_ARRAY = re.compile(rb"\s*\[\s*(?:\{|$)")
_GZIP, _ZSTD = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]"), re.compile(re.escape(zstd.MAGIC))
# Looked for behind a damage, so as much of the header as is sure (RFC 1952, 2.3.1): flags, compression level, system.
_GZIP_AGAIN = re.compile(rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]", re.DOTALL)
_OTHER_KINDS = {
    b"PAR1": 'a Parquet file: give kind = "parquet"',
    b"BZh": "compressed by bzip2: compress it with gzip or zstd instead",
    b"\xfd7zXZ\0": "compressed by xz: compress it with gzip or zstd instead",
    b"PK\x03\x04": "a zip archive: unpack it, and give the files in it",
    b"\xff\xfe": "UTF-16: convert it with `iconv -f UTF-16 -t UTF-8`",
    b"\xfe\xff": "UTF-16: convert it with `iconv -f UTF-16 -t UTF-8`",
}


@dataclass(frozen=True)
class ExtractJsonl(ExtractTable):
    """Lines of a JSONL file as documents; see `ExtractTable`. `offset`: the line from 0, of those that can be read.

    A line is lost that is no JSON object, no UTF-8, over 64 MiB, or has no text column, or one that holds no text; null is
    an empty text. A column that no line of a file has is an error, as its name is wrong then.
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("zstandard",)

    def cells(self, file: SourceFile) -> Iterator[Cells | Loss]:
        with _opened(file) as data:
            if data is None:
                return
            columns = _Columns(self.columns, place_of(file))
            damage, read = "", 0
            for line in _lines(unpacked(data), file.head):
                if isinstance(line, Broken):
                    damage = f"{line.error} at byte {line.offset}"
                    if not file.head:  # else it is no damage but the end of what was fetched
                        yield Loss(f"at byte {line.offset}, after line {read}", line.error)
                    continue
                if not read and _ARRAY.match(line.text or b""):
                    mend = "write an object a line, for example with `jq -c '.[]' IN > OUT.jsonl`"
                    raise InputError(f"{place_of(file)}: one JSON array: {mend}")
                read = line.number + 1
                if line.text is None or line.text.strip(b" \t\r"):
                    yield _row(line, columns)
            if damage and not read:
                raise InputError(f"{place_of(file)}: not one line of it can be read ({damage}): fetch it again")
            columns.check_all(whole_file=not file.head)


class Line(NamedTuple):
    number: int  # from 0
    text: bytes | None  # without its line feed; None: over MAX_LINE


class Broken(NamedTuple):
    offset: int  # of the gzip member or zstd frame that cannot be read to its end
    error: str


class _BrokenError(Exception):
    """A member or frame that cannot be read; its second argument is where to look for the next one."""


Reader = Callable[[mmap.mmap, int], Generator[bytes, None, int]]  # of the unit that begins at a place


class _Columns:
    """Finds the cells of the named columns, and notes which of them any line has."""

    def __init__(self, columns: Mapping[str, str], place: str) -> None:
        self._paths = {role: (column, column.split(".")) for role, column in columns.items()}
        self._absent = dict(columns)  # those that no line has had so far
        self._names: set[str] = set()  # of columns that there are, as long as one is absent
        self._objects = 0
        self._place = place

    def cells(self, row: dict[str, Any]) -> dict[str, Any]:
        """Role -> value, of the columns that this row has."""
        found = {}
        for role, (column, path) in self._paths.items():
            value = row.get(column, MISSING)
            if value is MISSING and len(path) > 1:
                value = reach(row, path)
            if value is not MISSING:
                found[role] = value
        if self._absent:
            self._note(row)
        return found

    def _note(self, row: dict[str, Any]) -> None:
        self._objects += 1
        if self._objects <= LOOK:
            self._names.update(names_in(row))
        for role, column in tuple(self._absent.items()):
            if column in row or reach(row, self._paths[role][1], in_null=MISSING) is not MISSING:
                del self._absent[role]
        if self._objects >= LOOK:
            self._check("text")

    def check_all(self, *, whole_file: bool) -> None:
        """At the end. InputError names a column that no line had; of half a file, only that of the text."""
        for role in tuple(self._absent) if self._objects and whole_file else ("text",):
            self._check(role)

    def _check(self, role: str) -> None:
        if self._objects and role in self._absent:
            where = f"the first {LOOK} lines" if self._objects == LOOK else f"any of its {self._objects} lines"
            raise no_column(self._place, role, self._absent[role], where, self._names)


def _row(line: Line, columns: _Columns) -> Cells | Loss:
    where = f"line {line.number + 1}"
    if line.text is None:
        return Loss(where, f"over {MAX_LINE >> 20} MiB long")
    try:
        found = columns.cells(parse(line.text))
    except ValueError as error:
        return Loss(where, str(error))
    text = found.get("text", MISSING)
    if text is MISSING:
        return Loss(where, "no text column")
    if text is not None and not isinstance(text, str):
        return Loss(where, f"the text column holds {type(text).__name__}, not text")
    return Cells(line.number, **found)


def parse(line: bytes) -> dict[str, Any]:
    """The object of a line. Raises ValueError for what is none, in words that fit behind the place of the line."""
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"invalid UTF-8 at byte {error.start} of the line") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON: {error.msg} at character {error.pos} of the line") from None
    except RecursionError:
        raise ValueError(f"values nested over {MAX_DEPTH} deep") from None
    if not isinstance(value, dict):
        raise ValueError(f"no JSON object but {type(value).__name__}")
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _too_deep(value):
        raise ValueError(f"values nested over {MAX_DEPTH} deep")
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        children = (child.values() if isinstance(child, dict) else child for child in level)
        level = [item for child in children for item in child if isinstance(item, dict | list)]
    return bool(level)


def _lines(chunks: Iterator[bytes | Broken], head: bool) -> Iterator[Line | Broken]:
    """Lines in order, in the memory of one. What a damage cuts belongs to it; so does a last line, cut with the `head` of a file."""
    number, size = 0, 0
    held: list[bytes] = []  # the beginning of a line, as long as it is not too long
    for chunk in chunks:
        if isinstance(chunk, Broken):
            yield chunk
            number, size, held = number + (size > 0), 0, []
            continue
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            size += len(end)
            yield _line(number, (*held, end), size)
            number, size, held = number + 1, 0, []
        size += len(rest)
        if size <= MAX_LINE:
            held.append(rest)
        else:
            held = []
    if size and not head:
        yield _line(number, held, size)


def _line(number: int, parts: Sequence[bytes], size: int) -> Line:
    text = b"".join(parts)
    return Line(number, None if size > MAX_LINE else text if number else text.removeprefix(_BOM))


def unpacked(data: mmap.mmap) -> Iterator[bytes | Broken]:
    """The content piece by piece, and in their place the damages."""
    if _GZIP.match(data):
        return _units(data, _gzip_member, _GZIP_AGAIN)
    if _ZSTD.match(data) or zstd.is_skippable(data, 0):
        return _units(data, _zstd_frame, _ZSTD)
    return (data[at : at + PIECE] for at in range(0, len(data), PIECE))


def _units(data: mmap.mmap, read: Reader, again: re.Pattern[bytes]) -> Iterator[bytes | Broken]:
    position = 0
    while position < len(data):
        try:
            position = yield from read(data, position)
        except _BrokenError as error:
            yield Broken(position, error.args[0])
            found = again.search(data, max(position + 1, error.args[1]))
            position = found.start() if found else len(data)


def _gzip_member(data: mmap.mmap, position: int) -> Generator[bytes, None, int]:
    """The content of the member, and where it ends; NUL bytes behind the last one are padding, as to gzip itself."""
    if not _GZIP.match(data, position):
        padded = _NULS.match(data, position)
        if padded and padded.end() == len(data):
            return padded.end()
        raise _BrokenError("no gzip member begins here", 0)
    inflate = zlib.decompressobj(31)
    while not inflate.eof:
        compressed = inflate.unconsumed_tail
        if not compressed:
            compressed = data[position : position + PIECE]
            position += len(compressed)
        try:
            piece = inflate.decompress(compressed, PIECE)
        except zlib.error as error:
            raise _BrokenError(f"a corrupt gzip member ({error})", 0) from error
        if not compressed and not piece and not inflate.eof:
            raise _BrokenError("the file is cut", 0)
        yield piece
    return position - len(inflate.unused_data)


def _zstd_frame(data: mmap.mmap, position: int) -> Generator[bytes, None, int]:
    end = zstd.frame_end(data, position)
    if not zstd.is_skippable(data, position):
        if not _ZSTD.match(data, position):
            raise _BrokenError("no zstd frame begins here", 0)
        try:
            yield from zstd.pieces(zstd.decompressor(), View(data, position, end or len(data)))
        except zstandard.ZstdError as error:
            raise _BrokenError(f"a corrupt zstd frame ({error})", end or 0) from error
    if end is None:
        raise _BrokenError("the file is cut", 0)
    return end


@contextmanager
def _opened(file: SourceFile) -> Iterator[mmap.mmap | None]:
    """The bytes of a file, None of an empty one. InputError for what cannot be read and for what is known to be something else."""
    place = place_of(file)
    try:
        opened = open(file.path, "rb")  # noqa: SIM115 - what is done with it must not run under this `except`
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}: give a JSONL file (plain, .gz or .zst)") from error
    with opened:
        if (
            os.fstat(opened.fileno()).st_size == 0
        ):  # a table without a row, unless its name says that there should be more
            if file.name.endswith((".gz", ".zst")):
                raise InputError(
                    f"{place}: the file is empty (zero bytes): fetch it again or take it out of the recipe"
                )
            yield None
            return
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for magic, what in _OTHER_KINDS.items():
                if data[: len(magic)] == magic:
                    raise InputError(f"{place}: {what}")
            yield data
