"""Edits: what changes a text after extraction is declared as spans, never done in place.

An edit is (start, end, text): replace code points [start, end) of the extracted text by `text`. Spans are sorted and do
not overlap, so `apply` is one pass and every later stage can say where a character came from. The edits here are made
within one page and depend on nothing but its text; they are what filters, MinHash and the release see.

The rules fold only what never carries meaning and are not NFKC, which would turn ① into 1, ㈱ into (株) and
！？ into ASCII, and so break sentence ends:
- half-width kana to full width with their dakuten; か + U+3099 to が
- full-width letters and digits to ASCII, with ．and ， between full-width digits (３．１４ -> 3.14)
- control and zero-width characters and soft hyphens out (ZWJ stays: emoji need it); CR LF to LF
- blanks at line ends out; runs of U+3000 to one; at most one empty line between paragraphs
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from stages.base import Sidecar, Sink

Span = tuple[int, int, str]

EDITS_TYPE = pa.list_(
    pa.struct(
        [
            pa.field("start", pa.int32(), nullable=False),
            pa.field("end", pa.int32(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
        ]
    )
)

_RULES = re.compile(
    # A run of line ends with the blanks around them. The lookbehind keeps a long run of blanks linear: only its first
    # character is tried.
    "(?P<newline>(?<![ \t\u3000\u00a0])(?:[ \t\u3000\u00a0]*+(?:\r\n?|\n))+|(?<![ \t\u3000\u00a0])[ \t\u3000\u00a0]++\\Z)"
    "|(?P<half>[\uff61-\uff9f]+)"
    "|(?P<full>[０-９]+(?:[．，][０-９]+)+|[０-９Ａ-Ｚａ-ｚ]+)"
    "|(?P<mark>[\u3041-\u30fe][\u3099\u309a])"
    "|(?P<blank>\u3000{2,})"
    "|(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]+)"
)
_TO_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def within_page(text: str) -> list[Span]:
    """The edits of one text, sorted and disjoint. O(len(text))."""
    return [(m.start(), m.end(), new) for m in _RULES.finditer(text) if (new := _replacement(m)) != m.group()]


def _replacement(match: re.Match[str]) -> str:
    found = match.group()
    match match.lastgroup:
        case "newline":
            lines = found.count("\n") + found.count("\r") - found.count("\r\n")
            return "\n" * min(lines, 2)
        case "half" | "mark":
            return unicodedata.normalize("NFKC" if match.lastgroup == "half" else "NFC", found)
        case "full":
            return found.translate(_TO_ASCII)
        case "blank":
            return "\u3000"
        case _:
            return ""


def apply(text: str, spans: Sequence[Span]) -> str:
    """`text` with every span replaced. ValueError when spans are unsorted, overlap or reach outside the text."""
    if not spans:
        return text
    pieces: list[str] = []
    position = 0
    for start, end, new in spans:
        if not position <= start <= end <= len(text):
            raise ValueError(f"edit ({start}, {end}) is out of order or outside a text of {len(text)} characters")
        pieces += (text[position:start], new)
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def edited(texts: pa.ChunkedArray, edits: pa.ChunkedArray) -> list[str]:
    """The edited texts of one row group: columns `text` of `extract` and `edits` of `edits`."""
    return [
        apply(text, [(e["start"], e["end"], e["text"]) for e in spans]) if spans else text
        for text, spans in zip(texts.to_pylist(), edits.to_pylist(), strict=True)
    ]


@dataclass(frozen=True)
class Edits(Sidecar):
    """Computes the within-page edits of every document."""

    name: ClassVar[str] = "edits"
    version: ClassVar[int] = 1
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("text",)}
    schema: ClassVar[pa.Schema] = pa.schema([pa.field("edits", EDITS_TYPE, nullable=False)])

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        edits = [
            [{"start": start, "end": end, "text": new} for start, end, new in within_page(text)]
            for text in batch["extract"]["text"].to_pylist()
        ]
        return pa.table({"edits": pa.array(edits, EDITS_TYPE)}, schema=self.schema)
