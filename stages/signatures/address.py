"""Keys of addresses: what the URL level of dedup compares documents by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from stages.base import Sidecar, Sink
from stages.signatures.canonical_url import canonical_url


@dataclass(frozen=True)
class Address(Sidecar):
    """BLAKE2b-128 of the canonical URL of every document that the filters kept; null for the others and without one."""

    within: str = ""  # compared only with those of the same name: sources that stay by themselves

    name: ClassVar[str] = "address"
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("url",), "verdict": ("keep",)}
    schema: ClassVar[pa.Schema] = pa.schema([pa.field("address", pa.binary(16))])

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        kept = zip(batch["extract"]["url"].to_pylist(), batch["verdict"]["keep"].to_pylist(), strict=True)
        keys = [self._key(canonical_url(url)) if keep else None for url, keep in kept]
        sink.count("addresses", len(keys) - keys.count(None))
        return pa.table({"address": pa.array(keys, pa.binary(16))}, schema=self.schema)

    def _key(self, url: str) -> bytes | None:
        return hashlib.blake2b(url.encode(), digest_size=16, key=self.within.encode()[:64]).digest() if url else None
