"""The `extract` stage for WET files of Common Crawl: the text of each page, as the crawl's own extractor left it.

The fast way in, and the lower-quality one: a tenth of the bytes of a WARC file, nothing to decode and nothing to parse, but
the text of the whole page, menus, footers and all, without a paragraph that is told from a button, and with what the crawl
got wrong in decoding. Whatever can be read as WARC should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from stages.base import MAIN, PATH, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.caps import Caps
from stages.documents import DOCUMENTS, PASSED, document
from stages.gate.blocklist import digest
from stages.gate.markup import is_japanese
from stages.gate.triage import block_list
from stages.hosts import host_of
from stages.readers.output import Output, sampled
from stages.readers.tables import unreadable
from stages.warc.warc import Damage, Text, read_texts

MAX_TITLE = 200  # characters of a first line that can be a title

# What the UTF-8 of every kana begins with (U+3041 to U+30FA): without one of these a text is not Japanese to `is_japanese`.
_KANA = (b"\xe3\x81", b"\xe3\x82", b"\xe3\x83")


@dataclass(frozen=True)
class ExtractWet(Stage):
    """Japanese texts of a WET file as documents.

    Document id: that of the page in the WARC file (WARC-Refers-To), so that a page has one id in both forms; else the
    WARC-Record-ID; without either, or where a file has it twice, also the file's sha256 and the offset.
    Title: the first line, which the extractor made of <title>; of a page without one it is the page's first words.
    Declared language: 'ja' where CLD2 found mostly Japanese. No other finding of it is passed on: it would pass for the
    page's own word, and a Japanese page with much English has no such word against it. The gate does not hear it at all.
    """

    min_japanese: int = 10  # kana and kanji; fewer, or kana under 2 % of the letters, and the text is passed by
    block_hosts: tuple[str, ...] = field(default=(), metadata=PATH)  # lists of hosts whose pages are passed by
    max_characters: int = Caps.characters
    sample: int = 0  # when > 0: only this many Japanese texts, chosen by id from the head of the file

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("fastwarc", "zstandard")

    def __post_init__(self) -> None:
        if self.min_japanese < 1:
            raise ValueError(f"min_japanese = {self.min_japanese}: give a number of kana and kanji, at least 1")
        if self.sample < 0:
            raise ValueError(f"sample = {self.sample}: give a number of texts, or 0 for the whole file")

    def resources(self) -> dict[str, str]:
        return {"block_hosts": digest(self.block_hosts)} if self.block_hosts else {}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no WET file was given; name one in the source of the recipe")
        output = Output(sink)
        records = _identified(read_texts(file.path), file)
        for id, record in sampled(records, self.sample, self._sample_id) if self.sample else records:
            if isinstance(record, Damage):
                if not file.head:  # else it is no damage but the end of what was fetched
                    output.lose(f"{file.name} at byte {record.offset}", record.error, "damage")
                continue
            reason = self._passed_by(record)
            if reason:
                output.pass_by(record.url, record.offset, reason)
            else:
                output.keep(self._row(id, record, file))
        output.flush()

    def _passed_by(self, record: Text) -> str:
        """The reason why a record is passed by, or ''."""
        if self.block_hosts and block_list(self.block_hosts).blocks(host_of(record.url)):
            return "passed.blocked"
        if not record.body.strip():
            return "passed.empty"
        if not any(mark in record.body for mark in _KANA):
            return "passed.not-japanese"
        # Nothing in it is markup: 1 < 2 begins no tag, and &amp; is what the page shows.
        plain = _decoded(record)[: self.max_characters].replace("<", " ").replace("&", " ")
        return "" if is_japanese(plain, self.min_japanese) else "passed.not-japanese"

    def _row(self, id: bytes, record: Text, file: SourceFile) -> dict[str, Any]:
        text = _decoded(record)
        too_large = len(text) > self.max_characters
        text = "" if too_large else text.replace("\r\n", "\n")
        first = text[: MAX_TITLE + 1].partition("\n")[0].strip()
        return document(
            id=id,
            url=record.url,
            host=host_of(record.url),
            title=first if len(first) <= MAX_TITLE else "",
            date=record.date,
            text=text,
            reason="extract.too-large" if too_large else "",
            record=record.id,
            file=record.file,
            origin=file.sha256[:16],
            offset=record.offset,
            length=record.length,
            mime="text/plain",
            charset="utf-8",
            declared_language="ja" if record.languages.partition(",")[0].strip() == "jpn" else "",
            **unreadable(text),
        )

    def _sample_id(self, identified: tuple[bytes, Text | Damage]) -> bytes | None:
        """What `sampled` chooses by: None for a text that is passed by."""
        id, record = identified
        if isinstance(record, Damage):
            return b""
        return None if self._passed_by(record) else id


def _decoded(record: Text) -> str:
    return record.body.decode(errors="replace")


def _identified(records: Iterator[Text | Damage], file: SourceFile) -> Iterator[tuple[bytes, Text | Damage]]:
    """Each record with its document id, which is unique in the file; b'' for a damage."""
    seen: set[bytes] = set()
    for record in records:
        if isinstance(record, Damage):
            yield b"", record
            continue
        own = record.refers_to or record.id
        id = document_id(own) if own else document_id(file.sha256, record.offset)
        if id in seen:
            id = document_id(own, file.sha256, record.offset)
        seen.add(id)
        yield id, record
