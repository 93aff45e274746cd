"""The `extract` stage for WARC files: each response record -> a row with its text, or a note why it was passed by.

    record ─> triage: HTML? Japanese? what charset? ─> guarded extraction ─> row
                      `passed`                         quarantine

Every response record and every damaged place is counted once: records = passed.* + rows + quarantined.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar

import pyarrow as pa

from stages.base import MAIN, NEUTRAL, PATH, ROWS, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.blocklist import digest
from stages.caps import Caps, Comments, request
from stages.documents import DOCUMENTS, PASSED, document
from stages.guard import Guard, Lost, UnavailableError, guard
from stages.triage import Page, Triage, block_list
from stages.warc import Damage, Record, read

LOOK_AHEAD = 20  # records looked at for every page of a sample: one page in twenty of a crawl is Japanese
BUFFER = 32 << 20  # characters of text in a row group at most: what every later stage holds at once
MIN_DEADLINE = 60.0  # seconds: over ten times the worst page below the caps
MIN_MEMORY = 2 << 30  # bytes
_PRIVATE = re.compile("[\\ue000-\\uf8ff\\U000f0000-\\U0010ffff]")


@dataclass(frozen=True)
class ExtractWarc(Stage):
    """Japanese HTML pages of a WARC file as documents.

    Document id: the WARC-Record-ID; without one, or where a file has it twice, also the file's sha256 and the offset.
    The caps are those of `stages.caps.Caps`.
    """

    engine: str = "fastwarc"  # or 'warcio', the slower reference reader
    min_japanese: int = 10  # kana and kanji in the visible text; fewer, and the page is passed by
    comments: Comments = "drop"  # of readers, below an article; a forum's posts are its text
    truncated: bool = True  # take pages that the crawler cut (WARC-Truncated)
    block_hosts: tuple[str, ...] = field(default=(), metadata=PATH)  # lists of hosts whose pages are passed by
    gate_sample: int = 0  # take along one in N of the pages without Japanese, to measure what the gate misses
    max_characters: int = Caps.characters
    max_elements: int = Caps.elements
    max_depth: int = Caps.depth
    max_levels: int = Caps.levels
    max_links_in_block: int = Caps.links_in_block
    max_text_node: int = Caps.text_node
    max_lines: int = Caps.lines
    deadline: float = field(default=120.0, metadata=NEUTRAL)  # seconds for one page, ten times the worst below the caps
    memory: int = field(default=4 << 30, metadata=NEUTRAL)  # bytes of address space for the parsing child
    sample: int = 0  # when > 0: only this many Japanese pages, chosen by id from the head of the file

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = (
        "brotli",
        "courlan",
        "fastwarc",
        "justext",
        "lxml",
        "tld",
        "trafilatura",
        "warcio",
        "zstandard",
    )

    def __post_init__(self) -> None:
        # Both decide nothing for a capped page, so they are no part of the fingerprint; lower, they would.
        if self.deadline < MIN_DEADLINE or self.memory < MIN_MEMORY:
            raise ValueError(f"deadline must be at least {MIN_DEADLINE:g} s and memory at least {MIN_MEMORY} bytes")
        for name, what in (
            ("sample", "a number of pages, or 0 for the whole file"),
            ("gate_sample", "N for 1 in N, or 0"),
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: give {what}")

    def resources(self) -> dict[str, str]:
        return {"block_hosts": digest(self.block_hosts)} if self.block_hosts else {}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no WARC file was given; name one in the source of the recipe")
        if self.block_hosts:
            block_list(self.block_hosts)  # a line in it that is no host fails the task, not each record
        net = guard("stages.html:serve", deadline=self.deadline, memory=self.memory)
        output = _Output(sink, file)
        nothing = file.spans is not None and not len(file.spans)  # not one of the chosen records was whole
        records = iter(()) if nothing else _identified(read(file.path, self.engine), file)
        for id, record in self._sampled(records) if self.sample else records:
            if isinstance(record, Damage):
                if not file.head:  # else it is no damage but the end of what was fetched
                    output.lose(id, "", record.offset, record.error, "damage")
                continue
            try:
                page = self._triage.page(record)
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
                    output.keep(id, record, page, fields)
        output.flush()

    @property
    def _triage(self) -> Triage:
        return Triage(self.min_japanese, self.max_characters, self.gate_sample, self.truncated, self.block_hosts)

    def _extract(self, page: Page, net: Guard) -> dict[str, Any]:
        """What `stages.html` finds, or only the reason for having no text. Raises Lost."""
        caps = Caps(
            characters=self.max_characters,
            elements=self.max_elements,
            depth=self.max_depth,
            levels=self.max_levels,
            links_in_block=self.max_links_in_block,
            text_node=self.max_text_node,
            lines=self.max_lines,
        )
        if len(page.stripped) > caps.characters:
            return {"reason": "extract.too-large"}
        fields: dict[str, Any] = json.loads(net.call(request(page.stripped, caps, self.comments)))
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
            return isinstance(self._triage.page(record), Page)
        except Exception:  # `run` meets the same error again, and quarantines the page with it
            return True


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
        for broken in file.spans.broken if file.spans else ():
            record = broken.record
            self._lose("", record.url, f"{record.file} at byte {record.offset}", broken.error, "damage")

    def pass_by(self, record: Record, reason: str) -> None:
        self._sink.count("records")
        self._sink.count(reason)
        url_hash = hashlib.blake2b(record.url.encode(), digest_size=8).digest()
        self._passed.append({"url_hash": url_hash, "offset": self._place(record)["offset"], "reason": reason})
        if len(self._passed) >= 20 * ROWS:
            self.flush()

    def lose(self, id: bytes, url: str, offset: int, error: str, kind: str) -> None:
        self._lose(id.hex(), url, f"{self._file.name} at byte {offset}", error, kind)

    def _lose(self, id: str, url: str, where: str, error: str, kind: str) -> None:
        self._sink.count("records")
        self._sink.count("quarantined")
        self._sink.count(f"lost.{kind}")
        self._sink.quarantine(id=id, url=url, where=where, error=" ".join(error.split()))

    def keep(self, id: bytes, record: Record, page: Page, fields: dict[str, Any]) -> None:
        reason, text, place = fields.get("reason", ""), fields.get("text", ""), self._place(record)
        left_out = place.pop("left_out")
        via = page.via or ("index" if left_out else "")
        self._sink.count("records")
        self._sink.count("rows")
        if reason:
            self._sink.reason(reason)
        if via:
            self._sink.count(f"via.{via}")
        if fields.get("comment_characters"):
            self._sink.count("comments.characters", fields["comment_characters"])
        row = document(
            id=id,
            url=record.url,
            host=page.host,
            title=fields.get("title", ""),
            date=record.date,
            text=text,
            reason=reason,
            via=via,
            record=record.id,
            origin=self._file.sha256[:16],
            **place,
            mime=record.mime,
            charset=page.decoded.encoding,
            charset_by=page.decoded.how,
            declared_charset=page.declared_charset,
            replaced=page.decoded.replaced,
            private=len(_PRIVATE.findall(text)),  # of the text: icon fonts fill style sheets with them
            declared_language=fields.get("declared_language", ""),
            policy=" ".join(page.policy.signals),
            page_license=page.policy.license,
            comments=fields.get("comment_characters", 0),
        )
        self._rows.append(row)
        self._characters += len(text)
        if len(self._rows) >= ROWS or self._characters >= BUFFER:
            self.flush()

    def _place(self, record: Record) -> dict[str, Any]:
        """Where the record lies in the archive, also when it was fetched out of it."""
        if self._file.spans is None:
            return {"file": record.file, "offset": record.offset, "length": record.length, "left_out": False}
        at = self._file.spans.at(record.offset)
        return {"file": at.file, "offset": at.offset, "length": at.length, "left_out": at.left_out}

    def flush(self) -> None:
        if self._rows:
            self._sink.write(pa.Table.from_pylist(self._rows, schema=DOCUMENTS), cut=True)
        if self._passed:
            self._sink.write(pa.Table.from_pylist(self._passed, schema=PASSED), to="passed")
        self._rows, self._passed, self._characters = [], [], 0
