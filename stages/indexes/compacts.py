"""The compact signatures of a partition: only where a recipe compares with indexes of other corpora."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Sidecar, Sink
from stages.edits.edits import edited
from stages.indexes.compact import check_bins, compact
from stages.signatures.dedupkey import dedup_key
from stages.signatures.minhash_kernel import ngram_hashes


@dataclass(frozen=True)
class Compacts(Sidecar):
    """Compact signature of every document that `minhash` signed; null for the others and for texts shorter than an n-gram."""

    ngram: int = 5
    mask_digits: bool = False
    bins: int = 512

    name: ClassVar[str] = "compact"
    version: ClassVar[int] = 1
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("text",), "edits": ("edits",), "minhash": ("exact",)}

    def __post_init__(self) -> None:
        check_bins(self.bins, "bins of compact signatures")

    def layout(self) -> pa.Schema:
        return pa.schema([pa.field("compact", pa.binary(self.bins // 2))])

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        texts = edited(batch["extract"]["text"], batch["edits"]["edits"])
        kept = pc.is_valid(batch["minhash"]["exact"]).to_pylist()
        signed = [self._sign(text) if keep else None for text, keep in zip(texts, kept, strict=True)]
        sink.count("signed", len(signed) - signed.count(None))
        return pa.table([pa.array(signed, pa.binary(self.bins // 2))], schema=self.layout())

    def _sign(self, text: str) -> bytes | None:
        hashes = ngram_hashes(dedup_key(text, self.mask_digits), self.ngram)
        return compact(hashes, self.bins).tobytes() if len(hashes) else None
