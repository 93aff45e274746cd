"""MediaWiki XML dumps (`pages-articles[-multistream].xml[.bz2]`) -> pages, in bounded memory.

A multistream dump is many bzip2 streams one after the other, each of about 100 whole pages. Damage in one stream
therefore costs that stream: reading goes on, with a fresh XML parser, at the next stream that can be found.
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from stages.base import InputError
from stages.slices import Readable, Slice, Sliced

CHUNK = 1 << 16  # compressed bytes read at once
# Decompressed bytes taken at once. A bzip2 block of text (at most 900 kB before its run-length step) comes out whole, so
# its checksum has been compared before any of it is parsed; a decompression bomb is held to this size.
BURST = 8 << 20
MAX_TEXT = 16 << 20  # characters of one page; MediaWiki itself refuses pages over 2 MiB ($wgMaxArticleSize)

# A bzip2 stream with at least one block: magic, block size, block magic (BCD of pi).
STREAM = re.compile(rb"BZh[1-9]1AY&SY")
NO_STREAM = "no bzip2 stream begins at byte {} of the dump, where its index says one does; fetch both of one date"


@dataclass(frozen=True, slots=True)
class WikiPage:
    """One page of a dump; of several revisions (a history dump) the last in the file."""

    site: str  # <dbname>, such as 'jawiki'
    id: int
    revision: int
    title: str
    namespace: int
    redirect: str  # title of the page it redirects to, or ''
    timestamp: str  # RFC 3339 UTC, as the dump writes it
    model: str  # 'wikitext' for articles
    wikitext: str  # '' when `oversized`
    oversized: bool  # more than `MAX_TEXT` characters: not kept
    offset: int  # where the page's bzip2 stream starts in the file; of a plain XML file, where `<page>` starts


@dataclass(frozen=True, slots=True)
class Damage:
    """A part of the file that could not be read. How many pages it held is not known."""

    offset: int  # of the bzip2 stream that is damaged; of a plain XML file, of the fault
    error: str  # one line
    after: str  # title of the last page read before it, '' when there was none


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
        yield from _Reader(str(path), of).pages(chunks)


def _check_start(path: Path, file: BinaryIO, of: Slice) -> None:
    file.seek(of.head if of.fetched else of.start)
    if not STREAM.match(file.read(10)):
        raise InputError(f"{path}: {NO_STREAM.format(of.start)}")


@dataclass(frozen=True, slots=True)
class _Chunk:
    stream: int  # file offset of the bzip2 stream, -1 in a plain file
    data: bytes
    error: str = ""  # the rest of this stream cannot be read


def _plain_chunks(file: BinaryIO) -> Iterator[_Chunk]:
    while data := file.read(CHUNK):
        yield _Chunk(-1, data)


def _bz2_chunks(file: Readable) -> Iterator[_Chunk]:
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
                yield _Chunk(stream, data)
            feed = b""
            if unpack.needs_input and not unpack.eof:
                feed = held = file.read(CHUNK)
                end += len(feed)
                if not feed:
                    error = "bzip2 data ends early: the file was cut"
                    break
        if error:
            yield _Chunk(stream, b"", error)
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


_FIELDS = {
    ("mediawiki", "siteinfo", "dbname"): "site",
    ("mediawiki", "page", "title"): "title",
    ("mediawiki", "page", "ns"): "namespace",
    ("mediawiki", "page", "id"): "id",
    ("mediawiki", "page", "revision", "id"): "revision",
    ("mediawiki", "page", "revision", "timestamp"): "timestamp",
    ("mediawiki", "page", "revision", "model"): "model",
    ("mediawiki", "page", "revision", "text"): "text",
}


class _Reader:
    """Feeds one XML parser after the other and collects the pages they complete."""

    def __init__(self, path: str, of: Slice | None) -> None:
        self._path = path
        self._slice = of
        self._site = ""
        self._title = ""  # of the last complete page
        self._done: list[WikiPage | Damage] = []
        self._stream = -1
        self._start_parser(resumed=False)

    def pages(self, chunks: Iterator[_Chunk]) -> Iterator[WikiPage | Damage]:
        skipping = -2  # the stream whose rest is not parsed, after XML that could not be
        for chunk in chunks:
            if chunk.stream == skipping:
                continue
            self._stream = self._slice.place(chunk.stream) if self._slice else chunk.stream
            error = chunk.error or self._feed(chunk.data)
            yield from self._take()
            if not error:
                continue
            if not self._opened:
                raise InputError(f"{self._path}: not a MediaWiki XML dump ({error})")
            yield Damage(self._fault(), error, self._title)
            if chunk.stream < 0:
                return
            skipping = chunk.stream
            self._start_parser(resumed=True)
        if not self._opened:
            raise InputError(f"{self._path}: not a MediaWiki XML dump (it holds no element)")
        if self._slice and not self._slice.last:
            if len(self._open_names) > 1:
                yield Damage(self._fault(), "the range of streams ends inside a page", self._title)
        elif self._open_names and self._fed:
            yield Damage(self._fault(), "the dump ends before </mediawiki>: the file was cut", self._title)

    def _fault(self) -> int:
        return self._stream if self._stream >= 0 else self._parser.CurrentByteIndex

    def _take(self) -> list[WikiPage | Damage]:
        done, self._done = self._done, []
        return done

    def _start_parser(self, *, resumed: bool) -> None:
        self._open_names: list[str] = []  # names of the open elements
        self._opened = False
        self._fed = False
        self._fields: dict[str, str] = {}
        self._pieces: list[str] | None = None  # characters of the field being read
        self._length = 0
        self._oversized = False
        self._offset = -1
        parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self._parser = parser
        if resumed:
            parser.Parse(b"<mediawiki>", False)  # a stream holds whole pages, only the root is missing

    def _feed(self, data: bytes) -> str:
        """Parse on; what is wrong with the XML, or ''."""
        self._fed = True
        try:
            self._parser.Parse(data, False)
        except expat.ExpatError as error:
            return f"XML is malformed: {error}"
        return ""

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        raise InputError(f"{self._path}: declares a document type <!DOCTYPE {name}>; MediaWiki dumps have none")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open_names:
            if name != "mediawiki":
                raise InputError(f"{self._path}: not a MediaWiki XML dump (its root element is <{name[:40]}>)")
            self._opened = True
        self._open_names.append(name)
        path = tuple(self._open_names)
        if path == ("mediawiki", "page"):
            self._fields = {}
            self._oversized = False
            self._offset = self._stream if self._stream >= 0 else self._parser.CurrentByteIndex
        elif path == ("mediawiki", "page", "redirect"):
            self._fields["redirect"] = attributes.get("title", "")
        elif path in _FIELDS:
            self._pieces, self._length = [], 0

    def _characters(self, data: str) -> None:
        if self._pieces is None:
            return
        self._length += len(data)
        if self._length <= MAX_TEXT:
            self._pieces.append(data)

    def _end(self, name: str) -> None:
        path = tuple(self._open_names)
        self._open_names.pop()
        if self._pieces is not None and path in _FIELDS:
            over = self._length > MAX_TEXT
            value = "" if over else "".join(self._pieces)
            self._pieces = None
            if path[1] == "siteinfo":
                self._site = value
            else:
                self._fields[_FIELDS[path]] = value
                self._oversized = over if name == "text" else self._oversized
        elif path == ("mediawiki", "page"):
            self._finish_page()

    def _finish_page(self) -> None:
        get = self._fields.get
        title, id, revision = get("title", ""), get("id", ""), get("revision", "")
        namespace = get("namespace", "0")  # export-0.4 and older have no <ns>
        if not (_INTEGER(id) and _INTEGER(revision) and _INTEGER(namespace)):
            fault = f"page {title[:80]!r}: <id> {id[:20]!r}, revision <id> {revision[:20]!r}, <ns> {namespace[:20]!r}"
            self._done.append(Damage(self._offset, f"{fault} are not three whole numbers", self._title))
            return
        self._done.append(
            WikiPage(
                site=self._site,
                id=int(id),
                revision=int(revision),
                title=title,
                namespace=int(namespace),
                redirect=get("redirect", ""),
                timestamp=get("timestamp", ""),
                model=get("model", "wikitext"),  # export-0.7 and older have no <model>
                wikitext=get("text", ""),
                oversized=self._oversized,
                offset=self._offset,
            )
        )
        self._title = title


_INTEGER = re.compile(r"-?[0-9]{1,18}").fullmatch
