"""Signatures: what dedup compares documents by, measured once per partition on the edited text of kept documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from stages.base import Sidecar, Sink
from stages.edits.edits import edited
from stages.signatures.dedupkey import dedup_key, exact_hash
from stages.signatures.minhash_kernel import ngram_hashes, signature


@dataclass(frozen=True)
class MinHashStage(Sidecar):
    """Exact hash and MinHash signature of every document that the filters kept.

    A rejected document takes no part (all columns null or 0), so that it can never become the keeper of a good one. A
    key shorter than an n-gram has an exact hash and no signature. Character n-grams need no word segmenter, whose
    dictionary would be part of the result; 5 is also what HojiChar and Swallow use for Japanese.
    """

    ngram: int = 5
    permutations: int = 112  # 14 bands of 8 rows
    seed: int = 1
    mask_digits: bool = False  # texts that differ in nothing but their digits are the same
    within: str = ""  # documents are compared only with those of the same name: sources that stay by themselves

    name: ClassVar[str] = "minhash"
    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("datasketch",)  # its permutations
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("text",), "edits": ("edits",), "verdict": ("keep",)}

    def __post_init__(self) -> None:
        if self.ngram < 1 or self.permutations < 1:
            raise ValueError(f"minhash needs ngram and permutations >= 1, not {self.ngram} and {self.permutations}")

    def layout(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field("signature", pa.binary(4 * self.permutations)),  # uint32 little-endian
                pa.field("exact", pa.binary(16)),  # BLAKE2b-128 of the dedup key
                pa.field("shingles", pa.int32(), nullable=False),  # n-grams of the key, repeats included
                pa.field("characters", pa.int32(), nullable=False),  # code points of the edited text
            ]
        )

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        signatures: list[bytes | None] = []
        exacts: list[bytes | None] = []
        shingles: list[int] = []
        characters: list[int] = []
        texts = edited(batch["extract"]["text"], batch["edits"]["edits"])
        for text, keep in zip(texts, batch["verdict"]["keep"].to_pylist(), strict=True):
            signed, exact, ngrams = self._measure(text) if keep else (None, None, 0)
            signatures.append(signed)
            exacts.append(exact)
            shingles.append(ngrams)
            characters.append(len(text) if keep else 0)
        sink.count("participants", len(exacts) - exacts.count(None))
        sink.count("signed", len(signatures) - signatures.count(None))
        columns = (signatures, exacts, shingles, characters)
        layout = self.layout()
        return pa.table([pa.array(c, field.type) for c, field in zip(columns, layout, strict=True)], schema=layout)

    def unmeasured(self, document: Mapping[str, pa.Table]) -> dict[str, Any]:
        return {"signature": None, "exact": None, "shingles": 0, "characters": 0}  # takes no part, so it is not kept

    def _measure(self, text: str) -> tuple[bytes | None, bytes, int]:
        key = dedup_key(text, self.mask_digits)
        hashes = ngram_hashes(key, self.ngram)
        signed = signature(hashes, self.permutations, self._seed) if len(hashes) else None
        exact = exact_hash(text, key)
        if self.within:
            exact = _salted(exact, self.within)
        return (None if signed is None else signed.astype("<u4").tobytes()), exact, len(hashes)

    def params(self) -> dict[str, Any]:
        params = super().params()
        if not self.mask_digits:
            del params["mask_digits"]  # what was signed before there was a choice stays signed
        return params

    @property
    def _seed(self) -> int:
        """Under another seed the same text has a signature that shares no more than chance with this one."""
        if not self.within:
            return self.seed
        return int.from_bytes(_salted(str(self.seed).encode(), self.within)[:4], "little") >> 1


def _salted(data: bytes, salt: str) -> bytes:
    return hashlib.blake2b(data, digest_size=16, key=salt.encode()[:64]).digest()
