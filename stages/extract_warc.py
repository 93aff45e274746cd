"""The `extract` stage for WARC files: each response record -> a row with its text, or a note why it was passed by.

    record ─> status, MIME, coding ─> bytes Japanese? ─> decode, strip ─> text Japanese? ─> guarded extraction ─> row
                  `passed`               `passed`                           `passed`           quarantine

Every response record and every damaged place is counted once: records = passed.* + rows + quarantined.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar, NamedTuple

import pyarrow as pa

from stages import charset, markup
from stages.base import MAIN, NEUTRAL, ROWS, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.caps import Caps, request
from stages.documents import DOCUMENTS, PASSED, document
from stages.guard import Guard, Lost, UnavailableError, guard
from stages.hosts import host_of
from stages.warc import Damage, Record, read

LOOK_AHEAD = 20  # records looked at for every page of a sample: one page in twenty of a crawl is Japanese
BUFFER = 32 << 20  # characters of text in a row group at most: what every later stage holds at once
MIN_DEADLINE = 60.0  # seconds: over ten times the worst page below the caps
MIN_MEMORY = 2 << 30  # bytes

_HTML = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_HTML_MARKS = (b"<!doctype html", b"<html", b"<head", b"<body")


class Page(NamedTuple):
    """A page that is worth parsing."""

    decoded: charset.Decoded
    stripped: str


@dataclass(frozen=True)
class ExtractWarc(Stage):
    """Japanese HTML pages of a WARC file as documents.

    Document id: the WARC-Record-ID; without one, or where a file has it twice, also the file's sha256 and the offset.
    The caps are those of `stages.caps.Caps`.
    """

    engine: str = "fastwarc"  # or 'warcio', the slower reference reader; they differ on some malformed files
    min_japanese: int = 10  # kana and kanji in the visible text; fewer, and the page is passed by
    max_characters: int = Caps.characters
    max_elements: int = Caps.elements
    max_depth: int = Caps.depth
    max_levels: int = Caps.levels
    max_links_in_block: int = Caps.links_in_block
    max_text_node: int = Caps.text_node
    deadline: float = field(default=120.0, metadata=NEUTRAL)  # seconds for one page, ten times the worst below the caps
    memory: int = field(default=4 << 30, metadata=NEUTRAL)  # bytes of address space for the parsing child
    sample: int = 0  # when > 0: only this many Japanese pages, chosen by id from the head of the file

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("brotli", "courlan", "fastwarc", "justext", "lxml", "trafilatura", "warcio")

    def __post_init__(self) -> None:
        # Both decide nothing for a capped page, so they are no part of the fingerprint; lower, they would.
        if self.deadline < MIN_DEADLINE or self.memory < MIN_MEMORY:
            raise ValueError(f"deadline must be at least {MIN_DEADLINE:g} s and memory at least {MIN_MEMORY} bytes")
        if self.sample < 0:
            raise ValueError(f"sample = {self.sample}: give a number of pages, or 0 for the whole file")

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no WARC file was given; name one in the source of the recipe")
        net = guard("stages.html:serve", deadline=self.deadline, memory=self.memory)
        output = _Output(sink, file)
        records = _identified(read(file.path, self.engine), file)
        for id, record in self._sampled(records) if self.sample else records:
            sink.count("records")
            if isinstance(record, Damage):
                output.lose(id, "", record.offset, record.error, "damage")
                continue
            try:
                page = self._page(record)
                fields = {} if isinstance(page, str) else self._extract(page, net)
            except Lost as lost:
                output.lose(id, record.url, record.offset, str(lost), lost.kind)
            except (UnavailableError, MemoryError, OSError):  # the machine's fault, not the page's
                raise
            except Exception as error:  # a page that a rule of ours cannot read costs that page, not the crawl
                output.lose(id, record.url, record.offset, f"{type(error).__name__}: {error}", "raised")
            else:
                if isinstance(page, str):
                    output.pass_by(record, page)
                else:
                    output.keep(id, record, page.decoded, fields)
        output.flush()

    def _page(self, record: Record) -> Page | str:
        """The decoded page, or the reason why the record is passed by."""
        if record.status != 200:
            return "passed.status"
        if record.mime and record.mime not in _HTML:
            return "passed.mime"
        if record.coding_error:
            return "passed.encoding"
        if not record.body.strip():
            return "passed.empty"
        if not record.mime and not _looks_like_html(record.body):
            return "passed.mime"
        encoding = charset.detect(record.body)
        if encoding is None:
            return "passed.not-japanese"
        decoded = charset.decode(record.body, encoding)
        stripped = markup.strip(decoded.text)
        # What is over the size cap becomes a row that says so; no need to look at all of it.
        if not markup.is_japanese(stripped[: self.max_characters], self.min_japanese):
            return "passed.not-japanese"
        return Page(decoded, stripped)

    def _extract(self, page: Page, net: Guard) -> dict[str, str]:
        """Text, title and declared language, or only the reason for having none. Raises Lost."""
        caps = Caps(
            characters=self.max_characters,
            elements=self.max_elements,
            depth=self.max_depth,
            levels=self.max_levels,
            links_in_block=self.max_links_in_block,
            text_node=self.max_text_node,
        )
        if len(page.stripped) > caps.characters:
            return {"reason": "extract.too-large"}
        fields: dict[str, str] = json.loads(net.call(request(page.stripped, caps)))
        return fields if "reason" in fields or fields["text"] else fields | {"reason": "extract.empty"}

    def _sampled(self, records: Iterator[tuple[bytes, Record | Damage]]) -> Iterator[tuple[bytes, Record | Damage]]:
        """Of the head of the file the `sample` Japanese pages with the lowest ids, in their order; and any damage.

        At most `sample` pages are held.
        """
        chosen: list[tuple[int, int, Record]] = []  # a heap, the highest id on top
        for position, (id, record) in enumerate(islice(records, LOOK_AHEAD * self.sample)):
            if isinstance(record, Damage):
                yield id, record
            elif self._worth_a_look(record):
                entry = (-int.from_bytes(id, "big"), position, record)
                if len(chosen) < self.sample:
                    heapq.heappush(chosen, entry)
                else:
                    heapq.heappushpop(chosen, entry)
        for negative_id, _, record in sorted(chosen, key=lambda entry: entry[1]):
            yield (-negative_id).to_bytes(16, "big"), record

    def _worth_a_look(self, record: Record) -> bool:
        try:
            return isinstance(self._page(record), Page)
        except Exception:  # `run` meets the same error again, and quarantines the page with it
            return True


def _looks_like_html(body: bytes) -> bool:
    head = body[:1024].lower()
    return any(mark in head for mark in _HTML_MARKS)


def _identified(records: Iterator[Record | Damage], file: SourceFile) -> Iterator[tuple[bytes, Record | Damage]]:
    """Each record with its document id, which is unique in the file; b'' for a damage."""
    seen: set[bytes] = set()
    for record in records:
        if isinstance(record, Damage):
            yield b"", record
            continue
        id = document_id(record.id) if record.id else document_id(file.sha256, record.offset)
        if id in seen:
            id = document_id(record.id, file.sha256, record.offset)
        seen.add(id)
        yield id, record


class _Output:
    """What becomes of the records: counted one by one, written in batches."""

    def __init__(self, sink: Sink, file: SourceFile) -> None:
        self._sink = sink
        self._file = file
        self._rows: list[dict[str, object]] = []
        self._passed: list[dict[str, object]] = []
        self._characters = 0

    def pass_by(self, record: Record, reason: str) -> None:
        self._sink.count(reason)
        url_hash = hashlib.blake2b(record.url.encode(), digest_size=8).digest()
        self._passed.append({"url_hash": url_hash, "offset": record.offset, "reason": reason})
        if len(self._passed) >= 20 * ROWS:
            self.flush()

    def lose(self, id: bytes, url: str, offset: int, error: str, kind: str) -> None:
        self._sink.count("quarantined")
        self._sink.count(f"lost.{kind}")
        error = " ".join(error.split())
        self._sink.quarantine(id=id.hex(), url=url, where=f"{self._file.name} at byte {offset}", error=error)

    def keep(self, id: bytes, record: Record, decoded: charset.Decoded, fields: dict[str, str]) -> None:
        self._sink.count("rows")
        reason, text = fields.get("reason", ""), fields.get("text", "")
        if reason:
            self._sink.reason(reason)
        row = document(
            id=id,
            url=record.url,
            host=host_of(record.url),
            title=fields.get("title", ""),
            date=record.date,
            text=text,
            reason=reason,
            origin=self._file.sha256[:16],
            offset=record.offset,
            mime=record.mime,
            charset=decoded.encoding,
            replaced=decoded.replaced,
            declared_language=fields.get("declared_language", ""),
        )
        self._rows.append(row)
        self._characters += len(text)
        if len(self._rows) >= ROWS or self._characters >= BUFFER:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._sink.write(pa.Table.from_pylist(self._rows, schema=DOCUMENTS), cut=True)
        if self._passed:
            self._sink.write(pa.Table.from_pylist(self._passed, schema=PASSED), to="passed")
        self._rows, self._passed, self._characters = [], [], 0
