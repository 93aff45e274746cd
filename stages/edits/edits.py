"""Edits: what changes a text after extraction is declared as spans, never done in place.

An edit is a span (start, end, text) over the code points of the extracted text (`stages.spans`), so that every later
stage can say where a character came from. The edits here are made within one page and depend on nothing but its text;
they are what filters, MinHash and the release see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from stages.base import Sidecar, Sink
from stages.edits import aozora, page_ends, rules, wrapped
from stages.edits.base import Edit
from stages.spans import Span, apply, compose

EDITS_TYPE = pa.list_(
    pa.struct(
        [
            pa.field("start", pa.int32(), nullable=False),
            pa.field("end", pa.int32(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
        ]
    )
)

# Each sees what those before it made of the text. Lines are measured before full-width letters become narrow; line ends
# are looked at again where Aozora's notes may have left empty lines. Menus and footers are told once the blanks are out.
RULES: Sequence[Edit] = (
    rules.hidden,
    rules.markup_ends,
    rules.line_ends,
    rules.wide_blanks,
    page_ends.footer,
    page_ends.menu,
    wrapped.lines,
    rules.forms,
    aozora.notation,
)


class Step(NamedTuple):
    """What one rule did: its spans over the text as the rules before it left it."""

    rule: Edit
    before: str
    spans: list[Span]


def steps(text: str) -> Iterator[Step]:
    """What each rule did that did anything, in order. O(len(text))."""
    now = text
    for rule in RULES:
        if found := rule(now):
            yield Step(rule, now, found)
            now = apply(now, found)


def within_page(text: str) -> list[Span]:
    """The edits of one text, sorted and disjoint. O(len(text))."""
    spans: list[Span] = []
    for step in steps(text):
        spans = compose(spans, step.spans) if spans else step.spans
    return [(start, end, new) for start, end, new in spans if text[start:end] != new]


def edited(texts: pa.ChunkedArray, edits: pa.ChunkedArray) -> list[str]:
    """The edited texts of one row group: columns `text` of `extract` and `edits` of `edits`; without edits, as extracted."""
    return [
        apply(text, [(e["start"], e["end"], e["text"]) for e in spans]) if spans else text
        for text, spans in zip(texts.to_pylist(), edits.to_pylist(), strict=True)
    ]


@dataclass(frozen=True)
class Edits(Sidecar):
    """Computes the within-page edits of every document."""

    none: bool = False  # of documents that are taken as they are

    name: ClassVar[str] = "edits"
    version: ClassVar[int] = 6
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("text",)}
    schema: ClassVar[pa.Schema] = pa.schema([pa.field("edits", EDITS_TYPE)])  # null: a rule could not read the text

    def resources(self) -> dict[str, str]:
        return {} if self.none else dict(page_ends.RESOURCES)

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        edits = [
            [] if self.none else [{"start": start, "end": end, "text": new} for start, end, new in within_page(text)]
            for text in batch["extract"]["text"].to_pylist()
        ]
        return pa.table({"edits": pa.array(edits, EDITS_TYPE)}, schema=self.schema)

    def unmeasured(self, document: Mapping[str, pa.Table]) -> dict[str, Any]:
        return {"edits": None}
