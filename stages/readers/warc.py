"""The `extract` stage for WARC files: each response record -> a row with its text, or a note why it was passed by.

    record ─> triage: HTML? Japanese? what charset? ─> guarded extraction ─> row
                      `passed`                         quarantine

Every response record and every damaged place is counted once: records = passed.* + rows + quarantined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from stages.base import MAIN, NEUTRAL, PATH, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.caps import Caps, Comments, request
from stages.documents import DOCUMENTS, PASSED, document
from stages.gate.blocklist import digest
from stages.gate.triage import Page, Triage, block_list
from stages.guard import Guard, Lost, UnavailableError, guard
from stages.readers.output import Output, sampled
from stages.warc.warc import Damage, Record, read

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
    version: ClassVar[int] = 8
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
        output = _Pages(sink, file)
        nothing = file.spans is not None and not len(file.spans)  # not one of the chosen records was whole
        records = iter(()) if nothing else _identified(read(file.path, self.engine), file)
        for id, record in sampled(records, self.sample, self._sample_id) if self.sample else records:
            where = f"{file.name} at byte {record.offset}"
            if isinstance(record, Damage):
                if not file.head:  # else it is no damage but the end of what was fetched
                    output.lose(where, record.error, "damage")
                continue
            try:
                page = self._triage.page(record)
                fields = {} if isinstance(page, str) else self._extract(page, net)
            except Lost as lost:
                output.lose(where, str(lost), lost.kind, id=id, url=record.url)
            except (UnavailableError, MemoryError, OSError):  # the machine's fault, not the page's
                raise
            except Exception as error:  # a page that a rule of ours cannot read costs that page, not the crawl
                output.lose(where, f"{type(error).__name__}: {error}", "raised", id=id, url=record.url)
            else:
                if isinstance(page, str):
                    output.pass_by(record.url, output.place(record)["offset"], page)
                else:
                    output.page(id, record, page, fields)
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

    def _sample_id(self, identified: tuple[bytes, Record | Damage]) -> bytes | None:
        """What `sampled` chooses by: None for a page without Japanese."""
        id, record = identified
        if isinstance(record, Damage):
            return b""
        try:
            return id if isinstance(self._triage.page(record), Page) else None
        except Exception:  # `run` meets the same error again, and quarantines the page with it
            return id


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


class _Pages(Output):
    """What becomes of the records, with the place in the archive of each."""

    def __init__(self, sink: Sink, file: SourceFile) -> None:
        super().__init__(sink)
        self._file = file
        for broken in file.spans.broken if file.spans else ():
            record = broken.record
            self.lose(f"{record.file} at byte {record.offset}", broken.error, "damage", url=record.url)

    def page(self, id: bytes, record: Record, page: Page, fields: dict[str, Any]) -> None:
        text, place = fields.get("text", ""), self.place(record)
        left_out = place.pop("left_out")
        if fields.get("comment_characters"):
            self._sink.count("comments.characters", fields["comment_characters"])
        self.keep(
            document(
                id=id,
                url=record.url,
                host=page.host,
                title=fields.get("title", ""),
                date=record.date,
                text=text,
                reason=fields.get("reason", ""),
                via=page.via or ("index" if left_out else ""),
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
        )

    def place(self, record: Record) -> dict[str, Any]:
        """Where the record lies in the archive, also when it was fetched out of it."""
        if self._file.spans is None:
            return {"file": record.file, "offset": record.offset, "length": record.length, "left_out": False}
        at = self._file.spans.at(record.offset)
        return {"file": at.file, "offset": at.offset, "length": at.length, "left_out": at.left_out}
