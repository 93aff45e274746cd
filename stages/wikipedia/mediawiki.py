"""MediaWiki XML dumps (`pages-articles[-multistream].xml[.bz2]`) -> pages, in bounded memory.

A multistream dump is many bzip2 streams one after the other, each of about 100 whole pages. Damage in one stream
therefore costs that stream: reading goes on at the next one that can be found.
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from stages.base import InputError
from stages.slices import Readable, Slice, Sliced
from stages.wikipedia.mediawiki_xml import Chunk, Damage, PageReader, WikiPage

CHUNK = 1 << 16  # compressed bytes read at once
# Decompressed bytes taken at once. A bzip2 block of text (at most 900 kB before its run-length step) comes out whole, so
# its checksum has been compared before any of it is parsed; a decompression bomb is held to this size.
BURST = 8 << 20

# A bzip2 stream with at least one block: magic, block size, block magic (BCD of pi).
STREAM = re.compile(rb"BZh[1-9]1AY&SY")
NO_STREAM = "no bzip2 stream begins at byte {} of the dump, where its index says one does; fetch both of one date"


def read(path: str | Path, of: Slice | None = None) -> Iterator[WikiPage | Damage]:
    """Pages of a dump, or of a range of its streams, in file order, and what of it could not be read.

    Raises `InputError` when the file is missing, a directory, empty, neither bzip2 nor XML, no MediaWiki dump, or declares
    a document type (dumps have none; entity definitions are how a small file becomes a large one).
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a directory; name one dump file, such as jawiki-...-pages-articles.xml.bz2")
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}") from None
    with file:
        head = file.read(256)
        file.seek(0)
        if not head:
            raise InputError(f"{path}: the file is empty; fetch the dump again")
        if of is not None:
            _check_start(path, file, of)
            chunks = _bz2_chunks(Sliced(file, of))
        elif head.startswith(b"BZh"):
            chunks = _bz2_chunks(file)
        elif head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            chunks = _plain_chunks(file)
        else:
            raise InputError(f"{path}: neither XML nor bzip2 (starts with {head[:8]!r}); decompress it to .xml first")
        yield from PageReader(str(path), of).pages(chunks)


def _check_start(path: Path, file: BinaryIO, of: Slice) -> None:
    file.seek(of.head if of.fetched else of.start)
    if not STREAM.match(file.read(10)):
        raise InputError(f"{path}: {NO_STREAM.format(of.start)}")


def _plain_chunks(file: BinaryIO) -> Iterator[Chunk]:
    while data := file.read(CHUNK):
        yield Chunk(-1, data)


def _bz2_chunks(file: Readable) -> Iterator[Chunk]:
    """Decompressed chunks, none over `BURST` bytes and none across two streams."""
    held, end = (
        b"",
        0,
    )  # the compressed bytes last read, from the start of a stream or of a read; file offset behind them
    while True:
        if not held:
            held = file.read(CHUNK)
            end += len(held)
            if not held:
                return
        stream, unpack, error = end - len(held), bz2.BZ2Decompressor(), ""
        feed = held
        while not unpack.eof:
            try:
                data = unpack.decompress(feed, BURST)
            except (OSError, ValueError):
                # Python hides what bzip2 says: wrong magic, wrong checksum or impossible codes.
                error = "bzip2 data is corrupt"
                break
            if data:
                yield Chunk(stream, data)
            feed = b""
            if unpack.needs_input and not unpack.eof:
                feed = held = file.read(CHUNK)
                end += len(feed)
                if not feed:
                    error = "bzip2 data ends early: the file was cut"
                    break
        if error:
            yield Chunk(stream, b"", error)
            held, end = _next_stream(file, held, end, stream)
        else:
            held = unpack.unused_data


def _next_stream(file: Readable, held: bytes, end: int, damaged: int) -> tuple[bytes, int]:
    """Seek the next stream magic behind the start of the damaged stream; (bytes from there on, offset behind them)."""
    while True:
        found = STREAM.search(held, 1 if end - len(held) == damaged else 0)
        if found:
            return held[found.start() :], end
        data = file.read(CHUNK)
        if not data:
            return b"", end
        held = held[-9:] + data  # a magic (10 bytes) may lie across two reads
        end += len(data)
