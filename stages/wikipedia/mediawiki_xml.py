"""The XML of a MediaWiki dump -> pages, with a way on after every fault."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.parsers import expat

from stages.base import InputError
from stages.slices import Slice

MAX_TEXT = 4 << 20  # characters of one page; MediaWiki itself refuses pages over 2 MiB ($wgMaxArticleSize)

# Of a dump the deepest is mediawiki, page, revision, contributor, username. What lies deeper costs its page, and so does a
# tag or comment that goes on for ever: the parser begins anew at its head with each piece that it gets.
MAX_DEPTH, MAX_TAG = 32, 4 << 20  # elements in elements; bytes

_ROOT, _PAGE = b"<mediawiki>", b"<page>"
_PIECE = 1 << 20  # bytes decoded at once
_NOT_XML = bytes({*range(32)} - {9, 10, 13})  # control characters, which no XML may hold


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


@dataclass(frozen=True, slots=True)
class Chunk:
    """Decompressed bytes of a dump; of no two streams."""

    stream: int  # file offset of the bzip2 stream, -1 in a plain file
    data: bytes
    error: str = ""  # the rest of this stream cannot be read


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


class _TooDeepError(Exception):
    """Elements in elements in elements."""


class PageReader:
    """Feeds one XML parser after the other and collects the pages they complete."""

    def __init__(self, path: str, of: Slice | None) -> None:
        self._path = path
        self._slice = of
        self._site = ""
        self._title = ""  # of the last complete page
        self._done: list[WikiPage | Damage] = []
        self._stream = -1
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._seeking: bytes | None = None  # in search of the next page: the last bytes seen, in which it may begin
        self._passed = 0  # bytes of the decompressed dump that were parsed or passed over
        self._start_parser(resumed=False)

    def pages(self, chunks: Iterator[Chunk]) -> Iterator[WikiPage | Damage]:
        """Pages, and one damage for every place that could not be read; InputError where there is no dump at all."""
        for chunk in chunks:
            self._stream = self._slice.place(chunk.stream) if self._slice and chunk.stream >= 0 else chunk.stream
            for start in range(0, len(chunk.data) or 1, _PIECE):
                yield from self._read(self._decoded(chunk.data[start : start + _PIECE], last=False))
            if chunk.error:
                self._decoder.reset()  # half a character at the end of it has no other half
                yield self._break(chunk.error)
        yield from self._read(self._decoded(b"", last=True))
        if not self._opened:
            raise InputError(f"{self._path}: not a MediaWiki XML dump (it holds no element)")
        if self._slice and not self._slice.last:
            if len(self._open_names) > 1:
                yield Damage(self._place(), "the range of streams ends inside a page", self._title)
        elif self._open_names and self._fed:
            yield Damage(self._place(), "the dump ends before </mediawiki>: the file was cut", self._title)

    def _decoded(self, data: bytes, *, last: bool) -> bytes:
        """UTF-8 that an XML parser takes: what is none becomes U+FFFD, so that it costs a character and not its page."""
        text = self._decoder.decode(data, last)
        return text.encode().translate(None, _NOT_XML)

    def _read(self, data: bytes) -> Iterator[WikiPage | Damage]:
        """Parse on; after a fault at the next page that begins."""
        while data:
            if self._seeking is not None:
                joined = self._seeking + data
                start = joined.find(_PAGE)
                if start < 0:
                    self._seeking = joined[-len(_PAGE) + 1 :]
                    self._passed += len(data)
                    return
                self._passed += start - len(self._seeking)
                data = joined[start:]
                self._start_parser(resumed=True)
            fault = self._parse(data)
            yield from self._take()
            if not fault:
                self._passed += len(data)
                return
            at = max(0, self._place_in_text() - self._passed)
            self._passed += at + 1
            yield self._break(fault)
            data = data[at + 1 :]

    def _break(self, error: str) -> Damage:
        """Give up what is being read, and look for the next page."""
        if not self._opened:
            raise InputError(f"{self._path}: not a MediaWiki XML dump ({error})")
        damage = Damage(self._place(), error, self._title)
        self._start_parser(resumed=True)
        self._seeking = b""
        return damage

    def _place(self) -> int:
        """What a page or a damage is found by: its stream, or its byte in a plain file."""
        return self._stream if self._stream >= 0 else self._place_in_text()

    def _place_in_text(self) -> int:
        """Where the parser stands, in bytes of the decompressed dump. (After an undecodable byte about there.)"""
        return self._started + self._parser.CurrentByteIndex

    def _take(self) -> list[WikiPage | Damage]:
        done, self._done = self._done, []
        return done

    def _start_parser(self, *, resumed: bool) -> None:
        self._open_names: list[str] = []  # names of the open elements
        self._opened = False
        self._fed = False
        self._seeking = None
        self._started = self._passed - (len(_ROOT) if resumed else 0)  # where the parser's byte 0 lies
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
            parser.Parse(_ROOT, False)  # what is read next is whole pages, only the root is missing

    def _parse(self, data: bytes) -> str:
        """What is wrong with the XML, or ''."""
        self._fed = True
        try:
            self._parser.Parse(data, False)
        except expat.ExpatError as error:
            return f"XML is malformed: {error}"
        except _TooDeepError:
            return f"XML elements nested over {MAX_DEPTH} deep"
        if self._passed + len(data) - self._place_in_text() > MAX_TAG:
            return f"an XML tag or comment over {MAX_TAG >> 20} MiB"
        return ""

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        raise InputError(f"{self._path}: declares a document type <!DOCTYPE {name}>; MediaWiki dumps have none")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open_names:
            if name != "mediawiki":
                raise InputError(f"{self._path}: not a MediaWiki XML dump (its root element is <{name[:40]}>)")
            self._opened = True
        if len(self._open_names) >= MAX_DEPTH:
            raise _TooDeepError
        self._open_names.append(name)
        path = tuple(self._open_names)
        if path == ("mediawiki", "page"):
            self._fields = {}
            self._oversized = False
            self._offset = self._place()
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
