"""Token counts of the extracted text: the unit in which trainers plan, for the funnel and for previews.

The default vocabulary is Qwen's of 151,643 entries, a byte-level BPE that comes inside a package (no download) and reads
Japanese at about 1.55 characters a token. Counts of two vocabularies do not compare: the manifest carries their sha256,
and characters per token beside every total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from stages.base import NEUTRAL, Sidecar, Sink
from stages.measure.vocabulary import Named


@dataclass(frozen=True)
class Tokens(Sidecar):
    """Characters and tokens of every extracted document by the recipe's first tokenizer; `write` counts the final text."""

    tokenizer: Named = field(default=Named(), metadata=NEUTRAL)

    name: ClassVar[str] = "tokens"
    version: ClassVar[int] = 3
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("text",)}
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("characters", pa.int64(), nullable=False),
            pa.field("tokens", pa.int64()),  # null: the tokenizer could not read the text
        ]
    )

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.tokenizer.load().library,)

    def resources(self) -> dict[str, str]:
        return {"tokenizer": self.tokenizer.resource()}

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        texts = batch["extract"]["text"].to_pylist()
        characters, tokens = [len(text) for text in texts], self.tokenizer.load().count(texts)
        sink.count("characters", sum(characters))
        sink.count("tokens", sum(tokens))
        return pa.table([characters, tokens], schema=self.schema)

    def unmeasured(self, document: Mapping[str, pa.Table]) -> dict[str, Any]:
        return {"characters": len(document["extract"]["text"][0].as_py()), "tokens": None}
