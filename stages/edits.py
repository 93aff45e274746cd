"""Edits: what changes a text after extraction is declared as spans, never done in place.

An edit is a span (start, end, text) over the code points of the extracted text (`stages.spans`), so that every later
stage can say where a character came from. The edits here are made within one page and depend on nothing but its text;
they are what filters, MinHash and the release see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from stages import aozora, edit_rules, wrapped
from stages.base import Sidecar, Sink
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
# are looked at again where Aozora's notes may have left empty lines.
RULES: Sequence[Callable[[str], list[Span]]] = (
    edit_rules.hidden,
    edit_rules.line_ends,
    edit_rules.wide_blanks,
    wrapped.lines,
    edit_rules.forms,
    aozora.notation,
)


def within_page(text: str) -> list[Span]:
    """The edits of one text, sorted and disjoint. O(len(text))."""
    spans: list[Span] = []
    now = text
    for rule in RULES:
        if found := rule(now):
            now = apply(now, found)
            spans = compose(spans, found) if spans else found
    return [(start, end, new) for start, end, new in spans if text[start:end] != new]


def edited(texts: pa.ChunkedArray, edits: pa.ChunkedArray) -> list[str]:
    """The edited texts of one row group: columns `text` of `extract` and `edits` of `edits`."""
    return [
        apply(text, [(e["start"], e["end"], e["text"]) for e in spans]) if spans else text
        for text, spans in zip(texts.to_pylist(), edits.to_pylist(), strict=True)
    ]


@dataclass(frozen=True)
class Edits(Sidecar):
    """Computes the within-page edits of every document."""

    none: bool = False  # of documents that are taken as they are

    name: ClassVar[str] = "edits"
    version: ClassVar[int] = 3
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("text",)}
    schema: ClassVar[pa.Schema] = pa.schema([pa.field("edits", EDITS_TYPE, nullable=False)])

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        edits = [
            [] if self.none else [{"start": start, "end": end, "text": new} for start, end, new in within_page(text)]
            for text in batch["extract"]["text"].to_pylist()
        ]
        return pa.table({"edits": pa.array(edits, EDITS_TYPE)}, schema=self.schema)
